//! Deciding: what each of the person's answers, and each end of a yes, writes down. Destroys nothing and sends nothing; what
//! waits is destroyed by whoever closes a scope.

use super::{
    Consent, Ending, Patience,
    closing::Closing,
    contract::{Contract, digest},
    ledger::{Entry, Failed, Held, History, Narrowing, NoticeLanguage, Records, Sound, Statement, Tombstone},
    line::{Besides, Decision, EVERY_SCOPE, Line, answers},
    order::compare,
    receipt::{NOT_TAKEN, Receipt, not_taken},
    scope::Scope,
    state::{Grant, State, short},
    terms::Terms,
};
use crate::{
    ambient::Time,
    error::{Error, Kind},
    mutants::{self, Mutant},
};
use std::time::Duration;

/// How many times in a row "later" may be said.
pub(super) const LATER_MOST: u32 = 2;

impl Consent {
    /// Records a yes, by administrators' rules as last looked at: whoever finds that they changed destroys what waits, which is
    /// the caller's matter. `before_opening` makes what the scope needs before its first event; if it fails, nothing opens.
    pub(crate) fn grant(
        &self,
        grant: &Grant,
        patience: &Patience,
        before_opening: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<Receipt, Error> {
        let scope = grant.scope;
        let contract = self.contract(scope)?;
        self.ledger.is_usable()?;
        if let Some(block) = self.overlay().block_of(&contract.terms) {
            return Err(Kind::Blocked { by: block.0 }.into());
        }
        if !contract.allowed {
            return Err(Kind::NotAllowed { scope: scope.name(), constant: scope.constant() }.into());
        }
        let rendered = contract.agreed_notice(grant)?;
        self.ledger.make_directories()?;
        let held = self.lock_or_fail(patience)?;
        let now = self.ambient.now();
        let records = self.ledger.heal(&held, now)?;
        if let Records::Refused(path, why) = records {
            return Err(Kind::Store { path, why }.into());
        }
        let state = self.state_said(self.state(&records, contract)?, scope);
        let in_force = match &records {
            Records::Sound(sound) => sound.in_force(scope.name()).cloned(),
            _ => None,
        };
        let agreed = in_force.as_ref().and_then(|entry| entry.contract.clone());
        // A yes to a notice that asks for less is a yes to less, and is recorded as one.
        // So is one that was given when the clock stood far ahead: nobody knows how long it has been good.
        let is_doubted = || {
            let at = &self.moment();
            let set_back = matches!(&records, Records::Sound(sound) if self.is_set_back(sound, scope.name(), at));
            set_back || in_force.as_ref().is_some_and(|entry| self.is_before(entry, at))
        };
        let anew = grant.shown.is_some()
            && (agreed.as_ref() != Some(&contract.digest) || is_doubted() || self.lacks_life(scope.name())?);
        match state {
            State::Granted if !anew => {
                drop(held);
                self.unshut(scope);
                self.look_again();
                return self.receipt(scope, None);
            }
            State::NeverAsked => {}
            _ if grant.shown.is_some() => {}
            State::Expired if self.says_no_more(&records, contract)? => {}
            // A question that was put off is still open.
            State::Deferred if grant.own_words.is_some() => {}
            _ => {
                // What was seen and not read is neither lost nor damaged.
                if let (State::Unreadable, Some(entry)) = (state, &in_force)
                    && let Some(unread) = self.ledger.unread_of(entry)?
                {
                    return Err(unread);
                }
                *self.refused.lock().entry(scope.name()).or_default() += 1;
                return Err(self.needs_notice(scope, state));
            }
        }
        let sound = self.to_build_on(&held, records, now)?;
        // Whoever extends a yes, or gives it anew after it ended without them, has not taken back what they switched off.
        let ended_by_person = matches!(state, State::Withdrawn | State::Denied);
        let before = sound.as_ref().and_then(|sound| sound.entry(scope.name())).filter(|_| !ended_by_person);
        let without = before.map(|entry| entry.noes().without).unwrap_or_default();
        let (text, language, notice) = match &grant.own_words {
            Some((text, language)) => (text.as_str(), language.as_str(), digest(text.as_bytes())),
            None => (rendered.text(), rendered.language(), rendered.digest().to_owned()),
        };
        self.ledger.keep_text(&contract.digest, &contract.json)?;
        self.ledger.keep_text(&notice, text)?;
        let statement = Statement {
            contract: Some(contract.digest.clone()),
            notice: Some(notice),
            language: Some(NoticeLanguage { tag: language.into(), picked: grant.picked && grant.shown.is_some() }),
            via: match (&grant.via, &grant.shown, &grant.own_words) {
                (Some(via), ..) => Some(via.clone()),
                (None, Some(_), _) => Some("a notice of this program".into()),
                (None, None, Some(_)) => Some("a dialog of this program".into()),
                (None, None, None) => None,
            },
            until: Some(now.day().plus(self.validity).to_string()),
            besides: Some(Besides {
                without,
                // Of what is agreed to here, which is this build's contract.
                limits: self.limits(contract).digest(),
                own_words: grant.own_words.is_some(),
                adult: self.overlay().adult.clone(),
                ..Besides::default()
            }),
            ..Statement::of(scope.name(), Decision::Granted)
        };
        let line = self.ledger.grant(&held, sound.as_deref(), statement, now, before_opening)?;
        self.forget_act(scope);
        self.unshut(scope);
        drop(held);
        self.look_again();
        self.receipt(scope, Some(&line))
    }

    fn needs_notice(&self, scope: Scope, state: State) -> Error {
        let (name, scope_const) = (scope.name().into(), scope.constant().into());
        Kind::NeedsNotice { scope: name, scope_const, state: state.past() }.into()
    }

    /// Whether this build would say no more than what a yes was to that is over, and the person has not declined it.
    fn says_no_more(&self, records: &Records, contract: &Contract) -> Result<bool, Failed> {
        let scope = contract.scope.name();
        let Records::Sound(sound) = records else { return Ok(false) };
        let Some(entry) = sound.entry(scope).filter(|entry| entry.besides.declined.is_none()) else { return Ok(false) };
        let lines = self.ledger.history()?.lines();
        let agreed = entry.contract.clone().or_else(|| {
            let told = answers(&lines, scope).find(|line| line.contract.is_some());
            told.and_then(|line| line.contract.clone())
        });
        let Some(agreed) = agreed else { return Ok(false) };
        if agreed == contract.digest {
            return Ok(true);
        }
        let agreed = self.ledger.text(&agreed)?.and_then(|text| Terms::read(&text));
        Ok(agreed.is_some_and(|agreed| compare(&contract.terms, &agreed).is_no_wider()))
    }

    /// The records that a decision is added to: none before the first one, and new ones where the old can't be relied on.
    fn to_build_on(&self, held: &Held, records: Records, now: Time) -> Result<Option<Box<Sound>>, Error> {
        match records {
            Records::Nothing => Ok(None),
            Records::Sound(sound) => Ok(Some(sound)),
            // Neither damaged nor gone: nothing begins anew in its place.
            Records::Refused(path, why) => Err(Kind::Store { path, why }.into()),
            Records::Closed(_) => {
                let names: Vec<&str> = self.contracts.iter().map(|contract| contract.scope.name()).collect();
                self.ledger.reset(held, &names, now)?;
                // An ending that left no more than a tombstone is written down before what is said now: the later answer holds.
                match self.ledger.heal(held, now)? {
                    Records::Sound(sound) => Ok(Some(sound)),
                    _ => {
                        let path = self.ledger.store().to_owned();
                        Err(Kind::Store { path, why: "a new snapshot was not kept" }.into())
                    }
                }
            }
        }
    }

    /// Records a no, or a "later", from a person who has not said yes. Whoever withdraws uses [`Consent::close_scope`].
    ///
    /// On an error this process is closed for the scope all the same, and a tombstone stands for the no where one can be made,
    /// also where nothing was ever decided: the next start would else know nothing of it, and a bare grant would open.
    pub(crate) fn refuse(&self, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
        let contract = self.contract(scope)?;
        self.shut(scope);
        let refused = self.write_refusal(contract, later, patience);
        match &refused {
            // Later is no no, and takes nothing back.
            Err(_) if later => self.unshut(scope),
            Err(_) if self.is_seen_overtaken(scope, patience) => {}
            Err(_) if !mutants::on(Mutant::FirstNoForgotten) || self.ledger.may_hold_decisions() => {
                let after = self.comes_after(scope, patience);
                let said = Tombstone { after, ..self.tombstone(Decision::Denied, None) };
                let _ = self.ledger.revoke(scope.name(), &said);
            }
            _ => {}
        }
        refused
    }

    /// What stands for a decision that can't be written.
    pub(super) fn tombstone(&self, decision: Decision, via: Option<&str>) -> Tombstone {
        Tombstone { decision, at: self.ambient.now().rfc3339(), via: via.map(short), after: None }
    }

    fn write_refusal(&self, contract: &Contract, later: bool, patience: &Patience) -> Result<Receipt, Error> {
        let scope = contract.scope;
        self.ledger.make_directories()?;
        let held = self.lock_or_fail(patience)?;
        let now = self.ambient.now();
        let records = self.ledger.heal(&held, now)?;
        if self.must_not_be_tried(scope, patience, &records)? {
            self.unshut(scope);
            drop(held);
            self.look_again();
            return self.receipt(scope, None);
        }
        let sound = self.to_build_on(&held, records, now)?;
        let before = sound.as_ref().and_then(|sound| sound.entry(scope.name()));
        let decided = before.map(|entry| entry.decision);
        // Asked again under the lock: "later" makes no answer of another process undone, a no as little as a yes.
        let answered =
            |decision: Decision| matches!(decision, Decision::Denied | Decision::Withdrawn) || decision.opens();
        if later && decided.is_some_and(answered) {
            self.unshut(scope);
            drop(held);
            self.look_again();
            return self.receipt(scope, None);
        }
        if later && decided == Some(Decision::Lost) {
            // What is lost may have been a no, and "later" would make an open question of it.
            self.unshut(scope);
            return Err(self.needs_notice(scope, State::Unreadable));
        }
        let put_off =
            before.filter(|entry| entry.decision == Decision::Deferred).map_or(0, |entry| entry.besides.deferred);
        // "Later" works twice; the third time it is a no, so that nobody is asked for ever.
        let later = later && put_off < LATER_MOST;
        let decision = if later { Decision::Deferred } else { Decision::Denied };
        // Whoever took a yes back begins again by themselves, whatever is asked for; a no on top of that lifts nothing.
        let for_good = match before {
            Some(before) if before.decision == Decision::Denied => before.besides.declined.is_none(),
            before => before.is_some_and(|before| before.decision == Decision::Withdrawn),
        };
        let besides = Besides {
            declined: (!for_good).then(|| contract.digest.clone()),
            deferred: if later { put_off + 1 } else { 0 },
            without: before.filter(|_| later).map(|entry| entry.noes().without).unwrap_or_default(),
            ..Besides::default()
        };
        // What was declined, so that a later version that asks for no more is known to have been answered.
        let _ = self.ledger.keep_text(&contract.digest, &contract.json);
        let statement = Statement { besides: Some(besides), ..Statement::of(scope.name(), decision) };
        let narrowing = self.ledger.narrow(&held, sound.as_deref(), statement, now)?;
        // In force whether its line could be appended or not; the next open appends it.
        let finished = self.ledger.finish(&held, &narrowing);
        self.unshut(scope);
        drop(held);
        self.look_again();
        let mut receipt = self.receipt(scope, Some(&narrowing.line))?;
        receipt.recorded = finished.is_ok();
        Ok(if narrowing.is_read_back { receipt } else { receipt.told(Err(NOT_TAKEN)) })
    }

    /// Records that the person was asked for more than they agreed to, and said no or later: what they agreed to stays, under
    /// the same epoch.
    pub(crate) fn keep(&self, scope: Scope, later: bool) -> Result<Receipt, Error> {
        let contract = self.contract(scope)?;
        let _ = self.ledger.keep_text(&contract.digest, &contract.json);
        self.write_open(scope, |entry| {
            let same = entry.besides.declined.as_ref() == Some(&contract.digest);
            let put_off = if same { entry.besides.deferred } else { 0 };
            let later = later && put_off < LATER_MOST;
            let declined = Some(contract.digest.clone());
            let deferred = if later { put_off + 1 } else { 0 };
            Besides { declined, deferred, ..entry.besides.clone() }
        })
    }

    /// Writes a line of a scope that is in force, which changes nothing of what may be said.
    fn write_open(&self, scope: Scope, besides: impl Fn(&Entry) -> Besides) -> Result<Receipt, Error> {
        let held = self.lock_or_fail(&Patience::new())?;
        let now = self.ambient.now();
        let records = self.ledger.heal(&held, now)?;
        let entry = match &records {
            Records::Sound(sound) => sound.in_force(scope.name()).map(|entry| (sound, entry)),
            _ => None,
        };
        let Some((sound, entry)) = entry else { return Err(Kind::NotGranted { scope: scope.name().into() }.into()) };
        let statement = Statement { besides: Some(besides(entry)), ..Statement::of(scope.name(), Decision::Kept) };
        let narrowing = self.ledger.narrow(&held, Some(sound), statement, now)?;
        let finished = self.ledger.finish(&held, &narrowing);
        drop(held);
        self.look_again();
        let mut receipt = self.receipt(scope, Some(&narrowing.line))?;
        receipt.recorded = finished.is_ok();
        Ok(receipt)
    }

    /// Records whether the person may be asked when a version would do more than they agreed to.
    pub(crate) fn ask_about_widenings(&self, ask: bool) -> Result<(), Error> {
        self.ledger.make_directories()?;
        let held = self.lock_or_fail(&Patience::new())?;
        let now = self.ambient.now();
        let sound = self.to_build_on(&held, self.ledger.heal(&held, now)?, now)?;
        let decision = if ask { Decision::AskAgain } else { Decision::AskNoMore };
        let known = sound.as_ref().and_then(|sound| sound.entry(EVERY_SCOPE)).map(|entry| entry.decision);
        // Records that were put back from before say what was wished then.
        let outdated = sound.as_ref().is_some_and(|sound| sound.is_outdated(EVERY_SCOPE));
        if !outdated && known.unwrap_or(Decision::AskAgain) == decision {
            return Ok(());
        }
        let statement = Statement::of(EVERY_SCOPE, decision);
        let narrowing = self.ledger.narrow(&held, sound.as_deref(), statement, now)?;
        let finished = self.ledger.finish(&held, &narrowing);
        drop(held);
        self.look_again();
        finished
    }

    /// Closes a scope: this process at once, every process when it returns. The caller confirms, destroys what waits,
    /// and then calls [`Closing::finish`].
    ///
    /// `ending` is why, or, for what destroys what waits and leaves the grant, what narrows it.
    pub(crate) fn close_scope(
        &self,
        scope: Scope,
        ending: Ending<'_>,
        patience: &Patience,
    ) -> Result<Closing<'_>, Error> {
        let contract = self.contract(scope)?;
        match ending {
            Ending::Switched(..) | Ending::Limited => self.set_aside(scope),
            Ending::Withdrawn | Ending::Expired | Ending::Revoked(_) | Ending::Blocked => self.shut(scope),
        }
        let ledger = &self.ledger;
        let held = match self.lock_or_fail(patience) {
            Ok(held) => held,
            Err(error) => return self.not_closed(scope, ending, patience, error, false),
        };
        let now = self.ambient.now();
        let records = match ledger.heal(&held, now) {
            Ok(records) => records,
            Err(error) => return self.not_closed(scope, ending, patience, error, false),
        };
        let nothing = || Kind::NotGranted { scope: scope.name().into() }.into();
        match self.must_not_be_tried(scope, patience, &records) {
            Ok(false) => {}
            Ok(true) => return Err(self.reopen(scope, nothing())),
            Err(failed) => return self.not_closed(scope, ending, patience, failed.into(), false),
        }
        let Records::Sound(sound) = &records else { return self.not_closed(scope, ending, patience, nothing(), false) };
        // Asked again under the lock: what the person did meanwhile is no yes for the calendar or the program to end.
        let in_force = sound.in_force(scope.name());
        let is_another = match ending {
            Ending::Expired => in_force.is_none_or(|entry| self.is_valid(contract, entry, &self.moment())),
            Ending::Revoked(_) => in_force.is_none(),
            _ => false,
        };
        if is_another {
            return Err(self.reopen(scope, nothing()));
        }
        let mut statement = Statement::of(scope.name(), ending.decision());
        if ending == Ending::Withdrawn && sound.entry(scope.name()).is_none_or(|entry| entry.decision.was_no_yes()) {
            // Found only now, since the looks before it failed: there was no yes to take back.
            statement.decision = Decision::Denied;
        }
        if let Ending::Revoked(why) = ending {
            statement.via = Some(short(why));
        }
        if ending.leaves_a_yes() {
            // Asked again under the lock: a yes that was taken back meanwhile must not come back.
            let Some(entry) = sound.in_force(scope.name()) else { return Err(self.reopen(scope, nothing())) };
            let mut besides = entry.besides.clone();
            match ending {
                Ending::Switched(field, on) => {
                    besides.without.retain(|off| off != field);
                    if !on {
                        besides.without.push(field.into());
                        besides.without.sort();
                    }
                }
                Ending::Limited => {
                    let Ok(Some(limits)) = self.limits_of(contract, entry) else {
                        return Err(self.reopen(scope, nothing()));
                    };
                    besides.limits = limits;
                }
                _ => {}
            }
            if ending == Ending::Limited && besides == entry.besides {
                return Err(self.reopen(scope, nothing()));
            }
            statement.besides = Some(besides);
        }
        match ledger.narrow(&held, Some(sound), statement, now) {
            Ok(narrowing) => Ok(self.closing(scope, ending.decision(), Some((held, narrowing)))),
            Err(error) => self.not_closed(scope, ending, patience, error, true),
        }
    }

    /// Whether a file that was read closes the scope, whatever the snapshot says.
    pub(super) fn is_kept_by_file(&self, scope: &str) -> bool {
        let is_kept = |sound: &Sound| sound.is_revoked(scope) && sound.in_force(scope).is_none();
        matches!(self.ledger.read(), Ok(Records::Sound(sound)) if is_kept(&sound))
    }

    /// What an ending that can't be written does. The person's own no, and what the program ended, are kept by a tombstone, and so
    /// is what blocks, since lifting it could send what waited before: each says which it is, and none reads as another one
    /// later. Where a yes was only to be narrowed, or the calendar closes it anyway, it fails, and the person's answer stays
    /// what it was.
    ///
    /// `is_alone` says whether the lock is held and the records were read: a yes that comes after this is another act then, and the
    /// person's no is as good by a tombstone that was read back as by a snapshot.
    fn not_closed(
        &self,
        scope: Scope,
        ending: Ending<'_>,
        patience: &Patience,
        error: Error,
        is_alone: bool,
    ) -> Result<Closing<'_>, Error> {
        let via = match ending {
            Ending::Switched(..) | Ending::Limited | Ending::Expired => return Err(self.reopen(scope, error)),
            Ending::Revoked(why) => Some(why),
            Ending::Blocked | Ending::Withdrawn => None,
        };
        if self.is_seen_overtaken(scope, patience) {
            return Err(error);
        }
        let path = self.ledger.snapshot_path();
        let after = self.comes_after(scope, patience);
        match self.ledger.revoke(scope.name(), &Tombstone { after, ..self.tombstone(ending.decision(), via) }) {
            Ok(lasts) => {
                self.mend_soon();
                let is_kept = lasts && is_alone && ending == Ending::Withdrawn && self.is_kept_by_file(scope.name());
                Ok(Closing { why: not_taken(&error), is_kept, ..self.closing(scope, ending.decision(), None) })
            }
            // What the program or its surroundings wished is tried again by them; the person's no stays in this process.
            Err(_) if ending == Ending::Blocked => Err(self.reopen(scope, error)),
            Err(source) => Err(Kind::Io { action: "withdraw in", path, source }.into()),
        }
    }

    /// Takes back that this process closed a scope, since nothing was decided.
    fn reopen(&self, scope: Scope, error: Error) -> Error {
        self.unshut(scope);
        self.look_again();
        error
    }

    fn closing(&self, scope: Scope, decision: Decision, written: Option<(Held, Narrowing)>) -> Closing<'_> {
        Closing {
            consent: self,
            scope: Some(scope),
            name: scope.name().into(),
            decision,
            written,
            why: NOT_TAKEN,
            is_kept: false,
        }
    }

    /// The receipt of a line just written, or of the scope's last decision.
    pub(crate) fn receipt(&self, scope: Scope, line: Option<&Line>) -> Result<Receipt, Error> {
        let Some(line) = line else {
            let mut lines = match self.ledger.history()? {
                History::Whole(lines) | History::Torn(lines) => lines,
                History::Unread(why) => return Err(Kind::Store { path: self.ledger.ledger_path(), why }.into()),
            };
            if let Some(last) = lines.last().filter(|line| line.scope == scope.name() && line.decision.opens_newly())
                && self.ledger.is_ahead(last)?
            {
                // A yes that is not in force, and is not marked as void yet.
                lines.pop();
            }
            let Some(line) = answers(&lines, scope.name()).next().cloned() else {
                let path = self.ledger.store().into();
                return Err(Kind::Store { path, why: "it holds no decision about this scope" }.into());
            };
            let texts = self.texts(&line)?;
            return Ok(self.receipt_with(scope.title(), line, texts));
        };
        Ok(self.receipt_of(scope.title(), line.clone()))
    }

    /// Whether a yes was tried after the scope's last answer that never came into force, as far as it can be read.
    pub(crate) fn has_failed_yes(&self, scope: Scope) -> bool {
        let lines = self.ledger.history().map_or_else(|_| Vec::new(), History::lines);
        let last = lines.iter().rfind(|line| line.scope == scope.name());
        last.is_some_and(|line| line.decision == Decision::Void)
    }

    /// The receipt of a line just written: it is written whether its texts can be read again or not.
    pub(super) fn receipt_of(&self, title: &str, line: Line) -> Receipt {
        let texts = self.texts(&line).unwrap_or_default();
        self.receipt_with(title, line, texts)
    }

    /// The notice and the contract that a line names, where they are kept.
    fn texts(&self, line: &Line) -> Result<(Option<String>, Option<String>), Failed> {
        let text = |digest: &Option<String>| digest.as_deref().map_or(Ok(None), |digest| self.ledger.text(digest));
        Ok((text(&line.notice)?, text(&line.contract)?))
    }

    fn receipt_with(&self, title: &str, line: Line, (notice, contract): (Option<String>, Option<String>)) -> Receipt {
        // A look, without waiting: whoever withdraws waits and says so.
        let confirmed = if line.decision.opens() { Ok(()) } else { self.confirm_no(&line.scope, Duration::ZERO) };
        Receipt::of(title, line, notice, contract).told(confirmed)
    }
}
