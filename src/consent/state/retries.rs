//! What failed and is to be retried, and when. Never retries anything itself.

use crate::consent::agreement::scope::is_name;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long after a failure the first retry is, and the longest wait between two retries.
pub(in crate::consent) const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The shortest wait before a retry.
pub(in crate::consent) const SOONEST: Duration = Duration::from_millis(20);

/// The name of the retry for grants that administrators' rules or the calendar narrow or end, when that could not be done.
///
/// Each of these names contains a space, which no scope's name does.
pub(in crate::consent) const SETTLING: &str = "what administrators' rules leave out";

/// The name of the retry for closing decisions that could not be written and are only held by a tombstone.
pub(in crate::consent) const TOMBSTONES: &str = "what only a tombstone holds";

/// The names of the retries for failed reads: of the rules, the records, and the texts of what was agreed to.
pub(in crate::consent) const RULES: &str = "the rules";

pub(in crate::consent) const RECORDS: &str = "the records";

pub(in crate::consent) const TEXTS: &str = "the texts";

// A refusal of a scope with such a name would never be retried.
const _: () = assert!(!is_name(SETTLING) && !is_name(TOMBSTONES) && !is_name(RULES));

const _: () = assert!(!is_name(RECORDS) && !is_name(TEXTS));

/// What failed and is to be retried, by name: the time of the next try, and the wait before it.
#[derive(Debug, Default)]
pub(crate) struct Retries(pub(crate) BTreeMap<&'static str, (Instant, Duration)>);

impl Retries {
    /// Records a failure: the next wait is twice the last one, within the limits of `RETRY`.
    pub(crate) fn failed(&mut self, what: &'static str, now: Instant) {
        let (next, wait) = self.0.entry(what).or_insert((now, Duration::ZERO));
        // A try that was not due does not postpone the next one.
        if *next <= now {
            *wait = (*wait * 2).clamp(RETRY.0, RETRY.1);
            *next = now + *wait;
        }
    }

    pub(crate) fn held(&mut self, what: &str) {
        self.0.remove(what);
    }

    pub(crate) fn soonest(&self) -> Option<Instant> {
        self.0.values().map(|(next, _)| *next).min()
    }

    pub(crate) fn is_due(&self, what: &str, now: Instant) -> bool {
        self.0.get(what).is_some_and(|(next, _)| *next <= now)
    }
}
