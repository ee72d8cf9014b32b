//! The high-water marks. For each scope, a mark stores the highest epoch ever given and the latest day on which the grant was
//! in use.
//!
//! The marks are kept outside the store, in the platform's configuration directory. This has two reasons. A store that was
//! restored from an older copy must not pass for the current one. A clock that was set back must not extend a grant. Marks
//! only close a scope; nothing here opens one.

use crate::consent::{
    json::canonical,
    records::failed::{Failed, NOT_READ},
    records::ledger::{Ledger, SNAPSHOT_MOST},
};
use crate::{
    ambient::Day,
    disk::{self, Seen},
    error::{At, Error, Kind},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// What is known about a scope independently of its store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Mark {
    pub(crate) epoch: u64,
    /// The latest UTC day on which the grant of this epoch was in use, formatted as `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) latest: Option<String>,
}

impl Mark {
    /// The latest day on which the grant was in use. If it can't be parsed, returns a day in the far future, so that no clock
    /// is trusted.
    pub(in crate::consent) fn latest(&self) -> Option<Day> {
        self.latest.as_deref().map(|latest| Day::parse(latest).unwrap_or(Day::NONE))
    }
}

pub(in crate::consent) type Marks = BTreeMap<String, Mark>;

/// Why existing marks can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::consent) enum Unfit {
    /// They were read, but they are damaged.
    Damaged,
    /// The file exists but was not read, for example because other users may open it.
    Refused,
}

impl Unfit {
    pub(in crate::consent) fn error(self, path: &Path) -> Error {
        let why = match self {
            Unfit::Damaged => "it is damaged",
            Unfit::Refused => NOT_READ,
        };
        Kind::Store { path: path.to_owned(), why }.into()
    }
}

impl Ledger {
    /// Reads the marks. The inner error means that the file exists but can't be used.
    pub(in crate::consent) fn read_marks(&self) -> Result<Result<Option<Marks>, Unfit>, Failed> {
        self.read_marks_of(&self.names(&self.marks)?)
    }

    /// The same as [`read_marks`](Ledger::read_marks), given the names listed in the marks' directory.
    pub(in crate::consent) fn read_marks_of(&self, names: &[String]) -> Result<Result<Option<Marks>, Unfit>, Failed> {
        let bytes = match self.document(names, &self.marks_path(), SNAPSHOT_MOST)? {
            Seen::Read(bytes) => bytes,
            Seen::Absent => return Ok(Ok(None)),
            Seen::Refused => return Ok(Err(Unfit::Refused)),
        };
        let marks = disk::unseal("high", &bytes).and_then(|json| serde_json::from_str(json).ok());
        Ok(marks.map(Some).ok_or(Unfit::Damaged))
    }

    fn change_mark(&self, scope: &str, change: impl FnMut(&mut Mark)) -> Result<(), Error> {
        self.change_marks(&[scope], change)
    }

    /// Changes the marks of these scopes with one write. Writes nothing if no mark changes.
    pub(in crate::consent) fn change_marks(
        &self,
        scopes: &[&str],
        mut change: impl FnMut(&mut Mark),
    ) -> Result<(), Error> {
        // Marks that can't be read now are not replaced: that would lose the marks of every other scope.
        let path = self.marks_path();
        let marks = self.read_marks()?.map_err(|unfit| unfit.error(&path))?;
        let mut marks = marks.unwrap_or_default();
        let mut is_changed = false;
        for &scope in scopes {
            let before = marks.get(scope).cloned().unwrap_or_default();
            let mut mark = before.clone();
            change(&mut mark);
            if mark != before {
                marks.insert(scope.to_owned(), mark);
                is_changed = true;
            }
        }
        if !is_changed {
            return Ok(());
        }
        let json = canonical(&serde_json::json!(marks));
        self.files.replace(&path, &disk::seal("high", &json)).at("write", &path)
    }

    /// Raises a scope's mark to an epoch. A higher mark stays unchanged. The latest day is kept if the grant continues, and
    /// is cleared if it does not.
    pub(in crate::consent) fn raise_mark(&self, scope: &str, epoch: u64, goes_on: bool) -> Result<(), Error> {
        self.change_mark(scope, |mark| {
            if epoch >= mark.epoch {
                mark.epoch = epoch;
                mark.latest = mark.latest.take().filter(|_| goes_on);
            }
        })
    }

    /// Sets the mark of a grant that is given now, if its epoch is higher than the mark's. The caller trusts the clock, so
    /// today becomes the latest day, even if an earlier grant was in use on a later day.
    pub(in crate::consent) fn mark_grant(&self, scope: &str, epoch: u64, today: Day) -> Result<(), Error> {
        self.change_mark(scope, |mark| {
            if epoch > mark.epoch {
                *mark = Mark { epoch, latest: Some(today.to_string()) };
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
    fn nothing_is_left_of_when_a_grant_was_used_that_never_came_into_force() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger(home.path());
        ledger.mark_grant("usage", 5, Day(20_000)).unwrap();
        // Recovery finds the mark raised already.
        ledger.raise_mark("usage", 5, true).unwrap();
        assert!(ledger.read_marks().unwrap().unwrap().unwrap()["usage"].latest.is_some());
        ledger.raise_mark("usage", 5, false).unwrap();
        assert_eq!(ledger.read_marks().unwrap().unwrap().unwrap()["usage"], Mark { epoch: 5, latest: None });
    }
}
