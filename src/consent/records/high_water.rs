//! The high-water marks: for each scope the highest epoch that was ever given, and the latest day on which a yes was in use.
//!
//! Kept apart from the store, in the directory of the platform's configuration, so that a store that is put back from before
//! does not pass for today's, and a clock that is set back does not make a yes younger. Marks only close; nothing here opens a
//! scope.

use crate::consent::{
    agreement::contract::canonical,
    records::ledger::{Failed, Held, Ledger, NOT_READ, Records, SNAPSHOT_MOST},
};
use crate::{
    ambient::Day,
    disk::{self, Seen},
    error::{At, Error, Kind},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// What is known of a scope whatever its store says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) epoch: u64,
    /// The latest UTC day on which the yes of this epoch was in use, as it is written: `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<String>,
}

impl Mark {
    /// The latest day on which the yes was in use. One that can't be read is far ahead: then no clock is believed.
    pub(crate) fn latest(&self) -> Option<Day> {
        self.latest.as_deref().map(|latest| Day::parse(latest).unwrap_or(Day::NONE))
    }
}

pub(crate) type Marks = BTreeMap<String, Mark>;

/// Why marks that are there can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// They were read, and are not as they were written.
    Damaged,
    /// They were seen and not read: others may open them.
    Refused,
}

impl Unfit {
    pub(crate) fn error(self, path: &Path) -> Error {
        let why = match self {
            Unfit::Damaged => "it is damaged",
            Unfit::Refused => NOT_READ,
        };
        Kind::Store { path: path.to_owned(), why }.into()
    }
}

impl Ledger {
    /// The marks; an error within where they were read and are not marks of ours.
    pub(crate) fn read_marks(&self) -> Result<Result<Option<Marks>, Unfit>, Failed> {
        self.read_marks_of(&self.names(&self.marks)?)
    }

    /// The same, beside the names in their directory.
    pub(crate) fn read_marks_of(&self, names: &[String]) -> Result<Result<Option<Marks>, Unfit>, Failed> {
        let bytes = match self.document(names, &self.marks_path(), SNAPSHOT_MOST)? {
            Seen::Read(bytes) => bytes,
            Seen::Absent => return Ok(Ok(None)),
            Seen::Refused => return Ok(Err(Unfit::Refused)),
        };
        let marks = disk::unseal("high", &bytes).and_then(|json| serde_json::from_str(json).ok());
        Ok(marks.map(Some).ok_or(Unfit::Damaged))
    }

    fn change_mark(&self, scope: &str, change: impl FnOnce(&mut Mark)) -> Result<(), Error> {
        // Marks that can't be read now are not replaced: those of every other scope would be lost.
        let path = self.marks_path();
        let marks = self.read_marks()?.map_err(|unfit| unfit.error(&path))?;
        let mut marks = marks.unwrap_or_default();
        let mark = marks.entry(scope.to_owned()).or_default();
        let before = mark.clone();
        change(mark);
        if *mark == before {
            return Ok(());
        }
        let json = canonical(&serde_json::json!(marks));
        self.files.replace(&path, &disk::seal("high", &json)).at("write", &path)
    }

    /// Raises a scope's mark to an epoch. A yes that goes on keeps its latest day, and one that ended has none.
    pub(crate) fn raise_mark(&self, scope: &str, epoch: u64, goes_on: bool) -> Result<(), Error> {
        self.change_mark(scope, |mark| {
            if epoch >= mark.epoch {
                mark.epoch = epoch;
                mark.latest = mark.latest.take().filter(|_| goes_on);
            }
        })
    }

    /// The mark of a yes that is given now. Whoever gives it believes the clock, so this day is its latest one, also where
    /// a yes before it was in use on a later one.
    pub(crate) fn mark_grant(&self, scope: &str, epoch: u64, today: Day) -> Result<(), Error> {
        self.change_mark(scope, |mark| {
            if epoch > mark.epoch {
                *mark = Mark { epoch, latest: Some(today.to_string()) };
            }
        })
    }

    /// Notes that a yes was in use today; does nothing where that is known, where the yes is another one by now, or where the
    /// clock stands before what is known. The caller holds the lock of decisions.
    pub(crate) fn note_day(&self, held: &Held, scope: &str, epoch: u64, today: Day) -> Result<(), Error> {
        let _ = held;
        let Records::Sound(sound) = self.read()? else { return Ok(()) };
        if sound.in_force(scope).is_none_or(|entry| entry.epoch != epoch) {
            return Ok(());
        }
        self.change_mark(scope, |mark| {
            if mark.latest().is_none_or(|latest| latest < today) {
                mark.latest = Some(today.to_string());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Files, System};
    use std::sync::Arc;

    fn ambient() -> crate::ambient::Ambient {
        crate::ambient::Ambient::new(Arc::new(crate::ambient::SystemClock), Arc::new(crate::ambient::SystemEntropy))
    }

    fn ledger(home: &std::path::Path) -> Ledger {
        let files = Files::new(Arc::new(System), home.join("store"));
        let ledger = Ledger::new(files, home.join("store"), home.join("marks"), "org.example.player".into(), ambient());
        ledger.make_directories().unwrap();
        ledger
    }

    #[cfg(unix)]
    #[test]
    fn marks_that_cannot_be_read_now_are_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger(home.path());
        ledger.raise_mark("usage", 5, false).unwrap();
        ledger.mark_grant("playback", 6, Day(20_000)).unwrap();
        let before = ledger.read_marks().unwrap().unwrap();
        let mode = |mode| {
            std::fs::set_permissions(ledger.marks_path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o644);
        assert!(ledger.raise_mark("usage", 7, false).is_err());
        assert!(ledger.mark_grant("usage", 7, Day(20_000)).is_err());
        mode(0o600);
        assert_eq!(ledger.read_marks().unwrap().unwrap(), before);
    }

    #[test]
    fn nothing_is_left_of_when_a_yes_was_used_that_never_came_into_force() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger(home.path());
        ledger.mark_grant("usage", 5, Day(20_000)).unwrap();
        // What mends the records finds the mark raised already.
        ledger.raise_mark("usage", 5, true).unwrap();
        assert!(ledger.read_marks().unwrap().unwrap().unwrap()["usage"].latest.is_some());
        ledger.raise_mark("usage", 5, false).unwrap();
        assert_eq!(ledger.read_marks().unwrap().unwrap().unwrap()["usage"], Mark { epoch: 5, latest: None });
    }
}
