//! Whether a program may ask on its own initiative. Makes no decision about a scope, and writes only a note that a question was
//! shown. On the settings page a person may always decide, whatever this module says.
//!
//! A refusal is an answer, not a pause: it holds for the contract that was refused, and for six months it also keeps the program
//! from asking about a different contract. "Later" may be chosen twice in a row and defers for a month each time. A program asks
//! at most one question per run, and shows one at a time.

use crate::consent::{
    agreement::compatibility::compare,
    agreement::contract::Contract,
    agreement::notice::Notice,
    agreement::schema::ContractSchema,
    agreement::scope::Scope,
    records::entry::{Decision, EVERY_SCOPE},
    records::failed::Failed,
    records::reading::{Records, Sound},
    records::shown::Shown,
    records::snapshot::Entry,
    records::tombstone::Tombstone,
    state::consent::{Consent, Patience},
    state::status::{State, Status},
};
use crate::{
    ambient::Time,
    error::{Error, Kind},
    mutants::{self, Mutant},
};
use std::{io, sync::atomic::Ordering, time::SystemTime};

/// For how many days a refusal keeps a program from asking again: six months, as France's CNIL recommends for keeping choices,
/// including refusals.
const AFTER_A_NO: u32 = 183;

/// How many times in a row "later" may be chosen.
pub(crate) const LATER_MOST: u32 = 2;

/// For how many days "later" keeps a program from asking again.
const AFTER_LATER: u32 = 30;

/// A question to show.
pub(crate) struct Question {
    pub(crate) notice: Notice,
    pub(crate) status: Status,
    /// Whether the person may still answer "later".
    pub(crate) later: bool,
}

/// Whether a program may ask a person now, on its own initiative.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MayAsk {
    /// It may.
    Yes {
        /// Whether "later" is still an answer. If not, "later" counts as a refusal.
        later: bool,
    },
    /// It may not.
    No {
        /// Why.
        why: WhyNot,
        /// The earliest time at which it may, if only time has to pass, as RFC 3339 in UTC, to the second:
        /// `2026-11-22T00:45:55Z`. See [`not_before`](MayAsk::not_before).
        not_before: Option<String>,
    },
}

impl MayAsk {
    /// Whether it may.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, MayAsk::Yes { .. })
    }

    /// The earliest time at which it may. `None` if it may now, or if more than time has to pass.
    ///
    /// ```
    /// use candor::consent::{MayAsk, WhyNot};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let later = MayAsk::No { why: WhyNot::Later, not_before: Some("2026-12-22T00:45:55Z".into()) };
    /// assert_eq!(later.not_before(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_797_900_355)));
    /// ```
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        match self {
            MayAsk::Yes { .. } => None,
            MayAsk::No { not_before, .. } => Time::parse(not_before.as_deref()?)?.system(),
        }
    }
}

/// Why a program may not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyNot {
    /// Something blocks the scope: [`Status::blocked_by`](crate::consent::Status::blocked_by).
    Blocked,
    /// An administrator's rule says that the program does not ask.
    Administrator,
    /// The person has granted what this build would do.
    Granted,
    /// The person refused this contract, or chose to stay with what they had agreed to.
    Answered,
    /// The person refused a different contract less than six months ago.
    SoonAfterANo,
    /// The person chose "later" less than a month ago.
    Later,
    /// The person withdrew a grant. Only they can grant again, on the settings page.
    Withdrawn,
    /// The person does not want to be asked when a version would do more.
    AskNoMore,
    /// The program has asked since it started, or is asking now.
    AskedAlready,
    /// The clock shows a time well before the last decision, so it is unknown how long ago that decision was.
    Clock,
    /// The records are lost or damaged. They may have contained a refusal.
    Unreadable,
    /// A file or directory among the records was found but not read, because it does not belong to this user alone. It may
    /// contain a refusal. [`Status::trouble`](crate::consent::Status::trouble) names it.
    NotRead,
    /// The question was shown, but no answer was stored, because the program ended first or the answer couldn't be written. That
    /// was less than a month ago or, if it happened twice or more in a row, less than six months ago.
    Unanswered,
    /// An answer can't be stored at present: there is no place for it, or the disk can't be read or written.
    /// [`Status::trouble`](crate::consent::Status::trouble) says which.
    CannotKeep,
    /// An answer can't be stored at present: one of candor's files or directories does not belong to this user alone, or
    /// something else is in its place. [`Status::trouble`](crate::consent::Status::trouble) names it, and so does the error of
    /// [`prompt`](crate::consent::prompt()).
    InTheWay,
    /// An answer can't be stored at present: the disk has too little space for it.
    NoRoom,
    /// An answer can't be stored: the program may not write a file as large as it needs (`ulimit -f`).
    FileLimit,
    /// Another process is deciding now, or holds the lock of decisions.
    Locked,
}

impl WhyNot {
    /// The reason in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            WhyNot::Blocked => "reports of this kind are blocked",
            WhyNot::Administrator => "an administrator's rule says that the program does not ask",
            WhyNot::Granted => "the person said yes",
            WhyNot::Answered => "the person has already answered this question",
            WhyNot::SoonAfterANo => "the person said no less than six months ago",
            WhyNot::Later => "the person chose later less than a month ago",
            WhyNot::Withdrawn => "the person withdrew, and can only grant again on the settings page",
            WhyNot::AskNoMore => "the person does not want to be asked when a version would do more",
            WhyNot::AskedAlready => "the program has already asked since it started, or is asking now",
            WhyNot::Clock => "the clock shows a time before the last decision",
            WhyNot::Unreadable => "the records are lost or damaged, and they may have held a refusal",
            WhyNot::NotRead => {
                "a file or directory among the records was not read, since it is not this user's alone, and may have held \
                 a refusal"
            }
            WhyNot::Unanswered => "the question was shown recently, and no answer was stored",
            WhyNot::CannotKeep => {
                "an answer can't be kept at present: there is no place for it, or the disk can't be read or takes no writes"
            }
            WhyNot::InTheWay => {
                "an answer can't be kept at present: a file or directory of candor's is not this user's alone, or \
                 something else is in its place"
            }
            WhyNot::NoRoom => "an answer can't be kept at present: the disk has too little room for it",
            WhyNot::FileLimit => {
                "an answer can't be kept: this program may write no file as large as it needs (`ulimit -f`)"
            }
            WhyNot::Locked => "another process is storing a decision, or holds the lock for decisions",
        }
    }

    /// Maps a system error that prevents writing to a reason.
    fn of(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WhyNot::NoRoom,
            io::ErrorKind::FileTooLarge => WhyNot::FileLimit,
            _ => WhyNot::CannotKeep,
        }
    }

    /// Maps the error of a store that could not be written to a reason.
    pub(in crate::consent) fn of_error(error: &Error) -> Self {
        match error.io() {
            _ if error.is_locked() => WhyNot::Locked,
            _ if error.is_in_the_way() => WhyNot::InTheWay,
            kind => kind.map_or(WhyNot::CannotKeep, WhyNot::of),
        }
    }
}

fn no(why: WhyNot) -> MayAsk {
    MayAsk::No { why, not_before: None }
}

impl Consent {
    /// Whether the program may ask about a scope now, on its own initiative, and the error if something obstructs the files of an
    /// answer. Uses administrators' rules as they were last read. `may_open` checks whether the things that a grant needs before
    /// the scope opens can be made.
    pub(crate) fn may_ask(
        &self,
        scope: Scope,
        may_open: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(MayAsk, Option<Error>), Error> {
        let may = self.may_ask_by_records(scope)?;
        // An answer that can't be stored would be asked for again at every start.
        if !may.is_yes() {
            return Ok((may, None));
        }
        if let Err(error) = self.can_keep(self.contract(scope)?) {
            return Ok((no(WhyNot::of(error.kind())), None));
        }
        Ok(match self.is_free(scope, may_open) {
            Ok(()) => (may, None),
            Err(error) => (no(WhyNot::of_error(&error)), Some(error)),
        })
    }

    /// Checks that a grant is possible: that the files it reads can be read and the files it makes can be made. Checks without
    /// writing, so it may miss an obstacle.
    ///
    /// # Errors
    /// The first obstacle.
    pub(crate) fn is_free(&self, scope: Scope, may_open: &dyn Fn() -> Result<(), Error>) -> Result<(), Error> {
        let contract = self.contract(scope)?;
        if !self.ledger.has_directories() {
            // No directory exists, so nothing can obstruct, and the person was never asked.
            return Ok(());
        }
        self.ledger.may_decide(scope.name())?;
        let notice = contract.notice_or_own();
        for (digest, text) in [(contract.digest.as_str(), contract.json.as_str()), (notice.digest(), notice.text())] {
            self.ledger.may_keep_text(digest, text)?;
        }
        may_open()
    }

    fn may_ask_by_records(&self, scope: Scope) -> Result<MayAsk, Error> {
        let contract = self.contract(scope)?;
        if self.ledger.is_usable().is_err() {
            // An answer that can't be stored would be asked for again at every start.
            return Ok(no(WhyNot::CannotKeep));
        }
        let constraints = self.constraints();
        if self.block_of(contract).is_some() {
            return Ok(no(WhyNot::Blocked));
        }
        if constraints.policies.no_prompts().is_some() {
            return Ok(no(WhyNot::Administrator));
        }
        if self.asked.load(Ordering::SeqCst) {
            return Ok(no(WhyNot::AskedAlready));
        }
        // If the records can't be read now, an answer can't be added to them either.
        let Ok(records) = self.ledger.read() else { return Ok(no(WhyNot::CannotKeep)) };
        let entry = match &records {
            Records::Sound(sound) => sound.entry(scope.name()),
            _ => None,
        };
        if let Some(act) = self.unwritten_act(scope) {
            return Ok(no(if act.decision == Decision::Denied { WhyNot::Answered } else { WhyNot::Withdrawn }));
        }
        // A refusal that is only held by a tombstone, because it could not be written, is an answer too.
        let has_said_no = matches!(&records, Records::Sound(sound)
            if sound.revoked.get(scope.name()).is_some_and(Tombstone::is_persons));
        match self.unanswered(scope, entry) {
            Ok(_) if has_said_no => {}
            Ok(None) => {}
            Ok(Some(shown)) => {
                let days = if shown.times > 1 { AFTER_A_NO } else { AFTER_LATER };
                let until = Time::parse(&shown.at).map_or(Time::LAST, |at| at.plus_days(days));
                if self.ambient.now() < until {
                    return Ok(MayAsk::No { why: WhyNot::Unanswered, not_before: Some(until.rfc3339()) });
                }
            }
            Err(_) => return Ok(no(WhyNot::CannotKeep)),
        }
        let sound = match &records {
            Records::Nothing => return Ok(MayAsk::Yes { later: true }),
            Records::Closed(_) => return Ok(no(WhyNot::Unreadable)),
            Records::Refused(..) => return Ok(no(WhyNot::NotRead)),
            Records::Sound(sound) => sound,
        };
        if self.is_clock_back(sound) {
            return Ok(no(WhyNot::Clock));
        }
        let may = self.state(&records, contract).and_then(|state| self.may_ask_of(state, contract, sound));
        Ok(may.unwrap_or_else(|_| no(WhyNot::CannotKeep)))
    }

    fn may_ask_of(&self, state: State, contract: &Contract, sound: &Sound) -> Result<MayAsk, Failed> {
        let yes = MayAsk::Yes { later: true };
        let Some(entry) = sound.entry(contract.scope.name()) else {
            return Ok(match state {
                State::NeverAsked => yes,
                State::Denied => no(WhyNot::Answered),
                _ => no(WhyNot::Unreadable),
            });
        };
        Ok(match state {
            State::NeverAsked => yes,
            // The person refused an extension of the grant that is over now. That refusal still counts.
            State::Revoked | State::Expired if entry.details.declined.is_some() => {
                self.after_declining(contract, entry)?
            }
            State::Revoked | State::Expired => yes,
            State::Deferred => self.after(entry, AFTER_LATER, WhyNot::Later),
            State::Granted => no(WhyNot::Granted),
            State::Denied if self.is_answered(contract, entry)? => no(WhyNot::Answered),
            State::Denied => self.after(entry, AFTER_A_NO, WhyNot::SoonAfterANo),
            State::Withdrawn => no(WhyNot::Withdrawn),
            State::Unreadable if self.ledger.unread_of(entry)?.is_some() => no(WhyNot::NotRead),
            State::Unreadable => no(WhyNot::Unreadable),
            State::Superseded => {
                let asks = match sound.entry(EVERY_SCOPE).map(|entry| entry.decision) {
                    _ if sound.is_outdated(EVERY_SCOPE) => false,
                    preference => preference.is_none_or(|preference| preference == Decision::AskAgain),
                };
                match entry.details.declined {
                    _ if !asks => no(WhyNot::AskNoMore),
                    Some(_) => self.after_declining(contract, entry)?,
                    None => yes,
                }
            }
        })
    }

    /// For a person who refused or deferred an extension of what they had agreed to.
    fn after_declining(&self, contract: &Contract, entry: &Entry) -> Result<MayAsk, Failed> {
        Ok(if entry.details.deferred > 0 {
            self.after(entry, AFTER_LATER, WhyNot::Later)
        } else if self.is_answered(contract, entry)? {
            no(WhyNot::Answered)
        } else {
            self.after(entry, AFTER_A_NO, WhyNot::SoonAfterANo)
        })
    }

    /// Whether the person has refused everything that this build would do. If the refused contract can't be found any more, the
    /// answer is true, because it may have covered this build.
    fn is_answered(&self, contract: &Contract, entry: &Entry) -> Result<bool, Failed> {
        let Some(declined) = &entry.details.declined else { return Ok(true) };
        if *declined == contract.digest {
            return Ok(true);
        }
        let declined = self.ledger.text(declined)?.and_then(|text| ContractSchema::read(&text));
        Ok(declined.is_none_or(|declined| compare(&contract.terms, &declined).is_no_wider()))
    }

    /// Allows asking if `days` days have passed since the last decision. Otherwise returns `why` and the time at which they will
    /// have passed.
    fn after(&self, entry: &Entry, days: u32, why: WhyNot) -> MayAsk {
        let Some(at) = Time::parse(&entry.at) else { return no(WhyNot::Unreadable) };
        let until = at.plus_days(days);
        if self.ambient.now() < until {
            return MayAsk::No { why, not_before: Some(until.rfc3339()) };
        }
        MayAsk::Yes { later: entry.details.deferred < LATER_MOST }
    }

    /// The note of a question about this scope that was shown and not answered, because the program ended while it was open.
    fn unanswered(&self, scope: Scope, entry: Option<&Entry>) -> Result<Option<Shown>, Failed> {
        let Some(shown) = self.ledger.shown(scope.name())? else { return Ok(None) };
        let answers = |entry: &Entry| {
            let by_person = matches!(
                entry.decision,
                Decision::Granted | Decision::Denied | Decision::Deferred | Decision::Kept | Decision::Withdrawn
            );
            by_person && Time::parse(&entry.at) >= Time::parse(&shown.at)
        };
        Ok(if entry.is_some_and(answers) { None } else { Some(shown) })
    }

    /// Takes the only question of this run and returns what to show. One question may be open at a time.
    ///
    /// # Errors
    /// The program may not ask. If nothing is shown, the question is not used up.
    pub(crate) fn begin_asking(
        &self,
        scope: Scope,
        patience: &Patience,
        may_open: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Question, Error> {
        let may_not = |why: WhyNot, error: Option<Error>| {
            let named = error.map_or(String::new(), |error| format!(": {error}"));
            Kind::MayNotAsk { scope: scope.name().into(), why: format!("{}{named}", why.describe()) }.into()
        };
        let later = match self.may_ask(scope, may_open)? {
            (MayAsk::Yes { later }, _) => later,
            (MayAsk::No { why, .. }, error) => return Err(may_not(why, error)),
        };
        let (notice, status) = (self.contract(scope)?.notice()?, self.status(scope)?);
        if self.asked.swap(true, Ordering::SeqCst) {
            return Err(may_not(WhyNot::AskedAlready, None));
        }
        // Noted before the question is shown: if the program ends while it is open, the person was still asked.
        if let Err(error) = self.note_shown(scope, patience) {
            if !mutants::on(Mutant::QuestionStaysTaken) {
                self.asked.store(false, Ordering::SeqCst);
            }
            return Err(if error.is_store() { may_not(WhyNot::of_error(&error), Some(error)) } else { error });
        }
        Ok(Question { notice, status, later })
    }

    /// Records durably that the question about a scope is about to be shown, so that a program that ends meanwhile still counts
    /// as having asked. This is not a decision: it opens nothing and is not in the history.
    fn note_shown(&self, scope: Scope, patience: &Patience) -> Result<(), Error> {
        let contract = self.contract(scope)?;
        self.ledger.make_directories()?;
        let held = self.lock_or_fail(patience)?;
        let records = self.ledger.read()?;
        let entry = match &records {
            Records::Sound(sound) => sound.entry(scope.name()),
            _ => None,
        };
        let before = self.unanswered(scope, entry)?;
        let times = before.as_ref().map_or(0, |shown| shown.times);
        let at = self.ambient.now().rfc3339();
        let shown = Shown { at, contract: contract.digest.clone(), times: times.saturating_add(1) };
        self.ledger.note_shown(&held, scope.name(), &shown).inspect_err(|_| {
            // The note may exist although writing it reported an error. The question was not shown, so the note is removed.
            if before.is_none() {
                self.note_answered(scope);
            }
        })
    }

    /// Removes the note of a shown question after its answer was stored. A failure is ignored: the answer is later than the note,
    /// so the note no longer counts.
    pub(crate) fn note_answered(&self, scope: Scope) {
        let _ = self.ledger.forget_shown(scope.name()); // see above
    }
}
