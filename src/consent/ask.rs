//! Whether a program may ask of its own accord. Decides and writes nothing; a person who opens the settings page may always
//! decide there.
//!
//! A no is an answer, not a pause: it holds for the contract it was given to, and half a year keeps the program from asking
//! about another one. "Later" works twice, a month apart. One question a run, one at a time.

use super::{
    Consent, Patience,
    contract::Contract,
    decide::LATER_MOST,
    ledger::{Entry, Failed, Records, Shown, Sound},
    line::{Decision, EVERY_SCOPE},
    order::compare,
    scope::Scope,
    state::State,
    terms::Terms,
};
use crate::{ambient::Time, error::Error};
use std::{io, sync::atomic::Ordering};

/// For how many days a no keeps a program from asking anew: six months, as France's CNIL recommends for keeping choices,
/// refusals among them.
const AFTER_A_NO: u32 = 183;
/// For how many days "later" does.
const AFTER_LATER: u32 = 30;

/// Whether a program may ask a person now, of its own accord.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MayAsk {
    /// It may.
    Yes {
        /// Whether "later" is still an answer; otherwise it counts as a no.
        later: bool,
    },
    /// It may not.
    No {
        /// Why.
        why: WhyNot,
        /// When it may at the earliest, in UTC (RFC 3339), where time alone changes it.
        not_before: Option<String>,
    },
}

impl MayAsk {
    /// Whether it may.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, MayAsk::Yes { .. })
    }
}

/// Why a program may not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyNot {
    /// Something blocks the scope: [`Status::blocked_by`](super::Status::blocked_by).
    Blocked,
    /// An administrator's rule says that the program does not ask.
    Administrator,
    /// The person said yes to what this build would do.
    Granted,
    /// The person said no to this, or kept to what they had agreed to.
    Answered,
    /// The person said no to something else, less than six months ago.
    SoonAfterANo,
    /// The person said "later" less than a month ago.
    Later,
    /// The person took a yes back; only they begin again.
    Withdrawn,
    /// The person does not want to be asked when a version would do more.
    AskNoMore,
    /// The program asked since it started, or asks at this moment.
    AskedAlready,
    /// The clock stands well before the last decision, so nobody knows how long ago that was.
    Clock,
    /// The records are lost or damaged: there may have been a no.
    Unreadable,
    /// The question was shown, and the program was ended before the person answered: less than a month ago, or, where that
    /// happened twice in a row, less than six months ago.
    Unanswered,
    /// An answer can't be kept at present: there is no place for it, or the disk can't be read or takes nothing.
    /// [`Status::trouble`](super::Status::trouble) says which.
    CannotKeep,
}

impl WhyNot {
    /// The reason in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            WhyNot::Blocked => "something blocks this kind of report",
            WhyNot::Administrator => "an administrator's rule says that the program does not ask",
            WhyNot::Granted => "the person said yes",
            WhyNot::Answered => "the person has answered this",
            WhyNot::SoonAfterANo => "the person said no less than six months ago",
            WhyNot::Later => "the person said later, less than a month ago",
            WhyNot::Withdrawn => "the person took a yes back, and begins again on the settings page",
            WhyNot::AskNoMore => "the person does not want to be asked when a version would do more",
            WhyNot::AskedAlready => "the program has asked since it started, or asks at this moment",
            WhyNot::Clock => "the clock stands before the last decision",
            WhyNot::Unreadable => "the records are lost or damaged, and there may have been a no",
            WhyNot::Unanswered => "the question was shown not long ago, and the program was ended before an answer",
            WhyNot::CannotKeep => {
                "an answer can't be kept at present: there is no place for it, or the disk can't be read or takes nothing"
            }
        }
    }
}

fn no(why: WhyNot) -> MayAsk {
    MayAsk::No { why, not_before: None }
}

impl Consent {
    /// Whether the program may ask about a scope now, of its own accord. By administrators' rules as last looked at.
    pub(crate) fn may_ask(&self, scope: Scope) -> Result<MayAsk, Error> {
        let may = self.may_ask_by_records(scope)?;
        // What was not kept would be asked again at every start.
        Ok(if may.is_yes() && self.can_keep().is_err() { no(WhyNot::CannotKeep) } else { may })
    }

    /// Whether the disk takes writes where records are kept, as far as it tells without being written to.
    pub(super) fn can_keep(&self) -> io::Result<()> {
        self.ledger.places().into_iter().try_for_each(|place| self.ledger.files().may_write(place))
    }

    fn may_ask_by_records(&self, scope: Scope) -> Result<MayAsk, Error> {
        let contract = self.contract(scope)?;
        if self.ledger.is_usable().is_err() {
            // An answer that can't be kept would be asked for again at every start.
            return Ok(no(WhyNot::CannotKeep));
        }
        let overlay = self.overlay();
        if self.block_of(contract).is_some() {
            return Ok(no(WhyNot::Blocked));
        }
        if overlay.policies.no_prompts().is_some() {
            return Ok(no(WhyNot::Administrator));
        }
        if self.asked.load(Ordering::SeqCst) {
            return Ok(no(WhyNot::AskedAlready));
        }
        // What can't be looked at now can't be added to either.
        let Ok(records) = self.ledger.read() else { return Ok(no(WhyNot::CannotKeep)) };
        let entry = match &records {
            Records::Sound(sound) => sound.entry(scope.name()),
            _ => None,
        };
        match self.unanswered(scope, entry) {
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
            // A no to more than what ended is none the less one.
            State::Revoked | State::Expired if entry.besides.declined.is_some() => {
                self.after_declining(contract, entry)?
            }
            State::Revoked | State::Expired => yes,
            State::Deferred => self.after(entry, AFTER_LATER, WhyNot::Later),
            State::Granted => no(WhyNot::Granted),
            State::Denied if self.is_answered(contract, entry)? => no(WhyNot::Answered),
            State::Denied => self.after(entry, AFTER_A_NO, WhyNot::SoonAfterANo),
            State::Withdrawn => no(WhyNot::Withdrawn),
            State::Unreadable => no(WhyNot::Unreadable),
            State::Superseded => {
                let asks = match sound.entry(EVERY_SCOPE).map(|entry| entry.decision) {
                    _ if sound.is_outdated(EVERY_SCOPE) => false,
                    preference => preference.is_none_or(|preference| preference == Decision::AskAgain),
                };
                match entry.besides.declined {
                    _ if !asks => no(WhyNot::AskNoMore),
                    Some(_) => self.after_declining(contract, entry)?,
                    None => yes,
                }
            }
        })
    }

    /// Where the person said no, or later, to more than they agreed to.
    fn after_declining(&self, contract: &Contract, entry: &Entry) -> Result<MayAsk, Failed> {
        Ok(if entry.besides.deferred > 0 {
            self.after(entry, AFTER_LATER, WhyNot::Later)
        } else if self.is_answered(contract, entry)? {
            no(WhyNot::Answered)
        } else {
            self.after(entry, AFTER_A_NO, WhyNot::SoonAfterANo)
        })
    }

    /// Whether the person has said no to all that this build would do. A no to a contract that is not known any more may
    /// have been one.
    fn is_answered(&self, contract: &Contract, entry: &Entry) -> Result<bool, Failed> {
        let Some(declined) = &entry.besides.declined else { return Ok(true) };
        if *declined == contract.digest {
            return Ok(true);
        }
        let declined = self.ledger.text(declined)?.and_then(|text| Terms::read(&text));
        Ok(declined.is_none_or(|declined| compare(&contract.terms, &declined).is_no_wider()))
    }

    /// Whether so many days have passed since what was last decided.
    fn after(&self, entry: &Entry, days: u32, why: WhyNot) -> MayAsk {
        let Some(at) = Time::parse(&entry.at) else { return no(WhyNot::Unreadable) };
        let until = at.plus_days(days);
        if self.ambient.now() < until {
            return MayAsk::No { why, not_before: Some(until.rfc3339()) };
        }
        MayAsk::Yes { later: entry.besides.deferred < LATER_MOST }
    }

    /// A question about this scope that was shown, and that the person did not answer: what ended the program ended the question.
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

    /// Notes that the question about a scope is shown now, durably and before it is: a program that is ended meanwhile has asked
    /// all the same. No decision, opens nothing, and stands in no history.
    pub(crate) fn note_shown(&self, scope: Scope) -> Result<(), Error> {
        let contract = self.contract(scope)?;
        self.ledger.make_directories()?;
        let held = self.lock_or_fail(&Patience::new())?;
        let records = self.ledger.read()?;
        let entry = match &records {
            Records::Sound(sound) => sound.entry(scope.name()),
            _ => None,
        };
        let times = self.unanswered(scope, entry)?.map_or(0, |shown| shown.times);
        let at = self.ambient.now().rfc3339();
        let shown = Shown { at, contract: contract.digest.clone(), times: times.saturating_add(1) };
        self.ledger.note_shown(&held, scope.name(), &shown)
    }

    /// The question was answered, and the answer is kept: where the note can't be removed the answer is the later one.
    pub(crate) fn note_answered(&self, scope: Scope) {
        let _ = self.ledger.forget_shown(scope.name());
    }

    /// Takes the one question that may be open at a time, and the only one of this run.
    pub(crate) fn begin_asking(&self) -> bool {
        !self.asked.swap(true, Ordering::SeqCst)
    }
}
