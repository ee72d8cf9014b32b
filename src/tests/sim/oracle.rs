//! What must be so: a model of what the person decided, of what was kept, and of what reached the server.
//!
//! A decision that returned holds from then on; one that is under way, failed or died may have been taken at any time. Where
//! two overlap, either order is right.

use super::world::short;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Grant,
    Deny,
    Withdraw,
    Revoke,
    Switch,
    Keep,
    Defer,
    DeleteSent,
    Erase,
}

impl Act {
    /// Whether the scope is closed when it returned.
    pub(super) fn is_no(self) -> bool {
        matches!(self, Act::Deny | Act::Withdraw | Act::Revoke)
    }

    /// Whether what waits is destroyed by it. "Later", said three times, is a no.
    fn destroys(self) -> bool {
        self.is_no() || matches!(self, Act::Switch | Act::Defer)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    UnderWay,
    Done {
        confirmed: bool,
    },
    /// The process goes by it, and the disk did not take it: it is tried again as long as that process lives.
    Unwritten,
    /// The same, and nobody else knows of it.
    Failed,
    /// It may have been done, or some of it.
    Unsure,
    /// It said that there was nothing to do.
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) act: Act,
    pub(super) scope: &'static str,
    pub(super) called: u64,
    pub(super) returned: u64,
    pub(super) came: Came,
    /// The store was put back while it was under way: where it was written nobody knows.
    swapped: bool,
}

/// A line that was written to a segment.
#[derive(Debug, Clone)]
struct Kept {
    scope: String,
    /// It was recorded at this step or later: whoever was stopped meanwhile wrote it much later.
    recorded: u64,
    step: u64,
    wall: u64,
}

/// What the server knows of one record.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival {
    pub(super) taken: bool,
    pub(super) refused_for_good: bool,
    /// Of every request that it was in, whether it arrived or not: half of a batch has the tries of the whole.
    pub(super) tries: u32,
    pub(super) server_errors: u32,
}

#[derive(Default)]
pub(super) struct Oracle {
    pub(super) decided: Vec<Decided>,
    kept: BTreeMap<String, Kept>,
    pub(super) arrived: BTreeMap<String, Arrival>,
    /// By key: the first line of the batch on disk at its last request.
    tries: BTreeMap<String, String>,
    /// Keys that were accepted, with their scope and when, where nothing that went wrong excuses a missing entry.
    pub(super) accepted: BTreeMap<String, (String, u64, bool)>,
    /// A clock far ahead or behind takes time from what waits and from a yes.
    pub(super) clock_leapt: bool,
    /// A lock file was removed by somebody: nothing is sent until the next yes.
    pub(super) cleaned_up: bool,
    /// What was written meanwhile went with the directory.
    pub(super) store_moved: bool,
    /// How often each record's batch was written: once when it was made, and before each try, which may then not be made.
    batched: BTreeMap<String, u32>,
}

const UID: &str = r#""log.record.uid","value":{"stringValue":""#;

/// The ids of the records in a text.
pub(super) fn uids(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let found = text.match_indices(UID).filter_map(|(at, _)| text.get(at + UID.len()..at + UID.len() + 32));
    found.map(str::to_owned).collect()
}

impl Oracle {
    pub(super) fn begin(&mut self, act: Act, scope: &'static str, step: u64) -> usize {
        self.decided.push(Decided {
            act,
            scope,
            called: step,
            returned: u64::MAX,
            came: Came::UnderWay,
            swapped: false,
        });
        self.decided.len() - 1
    }

    pub(super) fn end(&mut self, at: usize, came: Came, step: u64) {
        let decided = &mut self.decided[at];
        decided.came = if decided.swapped && came != Came::Nothing { Came::Unsure } else { came };
        decided.returned = step;
    }

    /// The store is back that was away since a step, in place of one that was made meanwhile. What was decided in that one went
    /// with it; what was decided by who knew the first is tried again as long as that process lives.
    pub(super) fn moved_back(&mut self, since: u64) {
        for decided in &mut self.decided {
            decided.swapped |= decided.came == Came::UnderWay;
            if decided.returned >= since && matches!(decided.came, Came::Done { .. } | Came::Unwritten) {
                decided.came = Came::Unsure;
            }
        }
    }

    fn of<'o>(&'o self, scope: &'o str) -> impl Iterator<Item = &'o Decided> {
        self.decided.iter().filter(move |decided| decided.scope == scope)
    }

    /// Until when something may have taken effect. What an interrupted no left may be made good at any later time, until the
    /// next yes.
    fn until(&self, decided: &Decided) -> u64 {
        match decided.came {
            Came::UnderWay | Came::Unwritten | Came::Failed => u64::MAX,
            // A deletion that failed is finished before more leaves. Of one that died nobody says when the next one looks.
            Came::Unsure if decided.act == Act::DeleteSent => u64::MAX,
            Came::Unsure if decided.act != Act::Grant => {
                let settles = |yes: &&Decided| {
                    yes.act == Act::Grant && matches!(yes.came, Came::Done { .. }) && yes.called > decided.returned
                };
                self.of(decided.scope).filter(settles).map(|yes| yes.returned).min().unwrap_or(u64::MAX)
            }
            _ => decided.returned,
        }
    }

    /// The last no that returned before a step and that no yes can have come after.
    fn no_before<'o>(&'o self, scope: &'o str, step: u64, must_be_confirmed: bool) -> Option<&'o Decided> {
        self.of(scope).find(|no| {
            let done = match no.came {
                Came::Done { confirmed } => confirmed || !must_be_confirmed,
                Came::Unwritten => !must_be_confirmed,
                _ => false,
            };
            let lifted = || {
                self.of(scope)
                    .any(|yes| yes.act == Act::Grant && yes.came != Came::Nothing && self.until(yes) > no.called)
            };
            no.act.is_no() && done && no.returned < step && !lifted()
        })
    }

    /// Whether at a step a no stands, whatever came later.
    fn no_stands(&self, scope: &str, step: u64) -> bool {
        let is_done = |no: &&Decided| no.act.is_no() && matches!(no.came, Came::Done { .. }) && no.returned < step;
        let yes_since = |no: &Decided| {
            self.of(scope).any(|yes| {
                yes.act == Act::Grant && yes.came != Came::Nothing && yes.called < step && self.until(yes) > no.called
            })
        };
        self.of(scope).filter(is_done).any(|no| !yes_since(no))
    }

    /// The process in which this no failed shows that the scope was open after a step. It holds there until the next yes; one
    /// that this process said by itself, without showing anything, is none: those are in `bare`.
    pub(super) fn seen_open_here(&self, no: usize, bare: &[usize], after: u64, how: &str) -> Option<String> {
        let no = self.decided.get(no)?;
        let lifts = |(at, yes): (usize, &Decided)| {
            let is_yes = yes.scope == no.scope && yes.act == Act::Grant && yes.came != Came::Nothing;
            is_yes && !bare.contains(&at) && self.until(yes) > no.called
        };
        let lifted = self.decided.iter().enumerate().any(lifts);
        (no.returned < after && !lifted).then(|| format!("{} is open ({how}) where this failed: {no:?}", no.scope))
    }

    /// Something shows that a scope was open after a step.
    pub(super) fn seen_open(&self, scope: &str, after: u64, how: &str) -> Option<String> {
        let no = self.no_before(scope, after, false)?;
        Some(format!("{scope} is open ({how}) after {no:?}"))
    }

    /// Whether nobody can have closed a yes that was given.
    pub(super) fn must_be_open(&self, scope: &str) -> bool {
        let done = |yes: &&Decided| yes.act == Act::Grant && matches!(yes.came, Came::Done { .. });
        let closes = |act: Act| act.destroys();
        // Where the lock file is gone a yes stands closed until the next one.
        !self.clock_leapt
            && !self.store_moved
            && !self.cleaned_up
            && self.of(scope).filter(done).any(|yes| {
                let mut others = self.of(scope).filter(|other| closes(other.act) && self.until(other) > yes.called);
                others.all(|other| match other.came {
                    Came::Nothing => true,
                    // What an interrupted no left was made good before the yes.
                    Came::Unsure => other.returned < yes.called,
                    // Asked for more, or switched, a scope that is open stays so.
                    Came::Done { .. } => matches!(other.act, Act::Switch | Act::Defer) && other.called > yes.returned,
                    _ => false,
                })
            })
    }

    /// Whether a no stands.
    pub(super) fn must_be_closed<'o>(&'o self, scope: &'o str) -> Option<&'o Decided> {
        self.no_before(scope, u64::MAX, false)
    }

    /// Bytes were written to a file.
    pub(super) fn wrote(&mut self, path: &Path, bytes: &[u8], recorded: u64, step: u64, wall: u64) {
        let path = short(path);
        if path.starts_with("outbox/") {
            uids(bytes).into_iter().for_each(|uid| *self.batched.entry(uid).or_default() += 1);
            return;
        }
        let Some(scope) = path.strip_prefix("waiting/").and_then(|rest| rest.split('/').next()) else { return };
        for uid in uids(bytes) {
            self.kept.entry(uid).or_insert(Kept { scope: scope.to_owned(), recorded, step, wall });
        }
    }

    /// A slice of a request is handed over, at a step.
    pub(super) fn handed_over(&self, scope: &str, uids: &[String], step: u64) -> Option<String> {
        if let Some(no) = self.no_before(scope, step, true) {
            return Some(format!("bytes of {scope} left at {step}, after {no:?}"));
        }
        // What was recorded before a no never leaves after it was confirmed, whatever was said since.
        let confirmed =
            |no: &&Decided| no.act.is_no() && matches!(no.came, Came::Done { confirmed: true }) && no.returned < step;
        for no in self.of(scope).filter(confirmed) {
            if let Some(uid) = uids.iter().find(|uid| self.kept.get(*uid).is_some_and(|kept| kept.step < no.called)) {
                return Some(format!("record {uid} of {scope}, kept before {no:?}, left after it, at {step}"));
            }
        }
        None
    }

    /// A request is about to leave, whose batch is on disk with this first line.
    pub(super) fn tried(&mut self, key: &str, head: String) -> Option<String> {
        let before = self.tries.insert(key.to_owned(), head.clone());
        (before.as_ref() == Some(&head)).then(|| format!("request {key} leaves again, and its last try is not on disk"))
    }

    pub(super) fn forget_try(&mut self, key: &str) {
        self.tries.remove(key);
    }

    /// What lies on disk and arrived, beside what was kept: each record has one end.
    pub(super) fn missing(&self, files: &BTreeMap<std::path::PathBuf, Vec<u8>>, wall: u64) -> Option<String> {
        // A yes that is given where the lock file is gone begins anew, and what was recorded before goes.
        if self.clock_leapt || self.store_moved || self.cleaned_up {
            return None;
        }
        let mut waiting = BTreeSet::new();
        for (path, bytes) in files {
            let path = short(path);
            if path.starts_with("waiting/") || path.starts_with("outbox/") {
                waiting.extend(uids(bytes));
            }
        }
        for (uid, kept) in &self.kept {
            let arrival = self.arrived.get(uid).cloned().unwrap_or_default();
            let destroyed = || {
                let mut all = self.of(&kept.scope);
                all.any(|it| it.act.destroys() && it.came != Came::Nothing && self.until(it) > kept.recorded)
                    // Whoever was about to write when the no was decided writes where nothing stands behind it any more.
                    || self.no_stands(&kept.scope, kept.step)
            };
            // A failing receiver has three tries of any sort.
            let noted = self.batched.get(uid).map_or(0, |times| times - 1).max(arrival.tries);
            let gave_up = noted >= 10 || (arrival.server_errors > 0 && noted >= 3);
            let aged = wall.saturating_sub(kept.wall) >= 6 * 86_400_000;
            let ended = arrival.taken || arrival.refused_for_good || gave_up || aged;
            if !ended && !waiting.contains(uid) && !destroyed() {
                return Some(format!("record {uid} of {} (kept at {}) is gone: {arrival:?}", kept.scope, kept.step));
            }
        }
        None
    }

    /// Records that were kept and still wait though they could have left.
    pub(super) fn still_waiting(&self, scope: &str, files: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> usize {
        let below = |path: &Path| {
            let path = short(path);
            path.starts_with(&format!("waiting/{scope}/")) || path.starts_with(&format!("outbox/{scope}/"))
        };
        files.iter().filter(|(path, _)| below(path)).map(|(_, bytes)| uids(bytes).len()).sum()
    }

    /// What a no that returned was to destroy, and is there.
    pub(super) fn left_over(&self, files: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> Option<String> {
        if self.store_moved {
            return None;
        }
        for (path, bytes) in files {
            let path = short(path);
            if !["waiting/", "outbox/", "counts/"].iter().any(|kind| path.starts_with(kind)) {
                continue;
            }
            for uid in uids(bytes) {
                let Some(kept) = self.kept.get(&uid) else { continue };
                let ended =
                    |it: &&Decided| it.act.is_no() && matches!(it.came, Came::Done { .. }) && kept.step < it.called;
                if let Some(no) = self.of(&kept.scope).find(ended) {
                    return Some(format!("record {uid}, kept at {}, lies in {path} after {no:?}", kept.step));
                }
            }
        }
        None
    }

    /// What lies there of a scope from before a no that says that all of it is destroyed.
    pub(super) fn undestroyed(
        &self,
        scope: &str,
        called: u64,
        files: &BTreeMap<std::path::PathBuf, Vec<u8>>,
    ) -> Option<String> {
        for (path, bytes) in files {
            let path = short(path);
            if path.starts_with("sent/") {
                continue;
            }
            let before =
                |uid: &String| self.kept.get(uid).is_some_and(|kept| kept.scope == scope && kept.step < called);
            if let Some(uid) = uids(bytes).iter().find(|uid| before(uid)) {
                return Some(format!("record {uid} lies in {path}, and a no of {called} said that it was destroyed"));
            }
        }
        None
    }

    /// Requests that were taken and that the person's log doesn't show.
    pub(super) fn unlogged(&self, files: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> Option<String> {
        // A yes that is given where the lock file is gone begins anew: a request that was cut off after it was taken goes.
        if self.clock_leapt || self.store_moved || self.cleaned_up {
            return None;
        }
        for (key, (scope, step, sound)) in &self.accepted {
            let excused = !sound
                || self.of(scope).any(|it| {
                    (it.act.destroys() || matches!(it.act, Act::DeleteSent | Act::Erase)) && self.until(it) > *step
                });
            let shown = || {
                files.iter().any(|(path, bytes)| {
                    let path = short(path);
                    (path.starts_with("sent/") || path.starts_with("outbox/"))
                        && bytes.windows(key.len()).any(|window| window == key.as_bytes())
                })
            };
            if !excused && !shown() {
                return Some(format!("request {key} of {scope} was taken at {step}, and no log shows it"));
            }
        }
        None
    }

    /// The lines of the history, as scope and decision: each was asked for.
    pub(super) fn undone(&self, lines: &[(String, String)]) -> Option<String> {
        // A no that the disk did not take, or that was not confirmed, is tried again until it is.
        let asked = |scope: &str, acts: &[Act]| -> usize {
            let asked = self.of(scope).filter(|it| acts.contains(&it.act) && it.came != Came::Nothing);
            let times = |it: &Decided| match it.came {
                Came::Done { confirmed: true } => 1,
                _ if it.act.is_no() => 1_000,
                _ => 1,
            };
            asked.map(times).sum()
        };
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (scope, decision) in lines {
            *counts.entry((scope, decision)).or_default() += 1;
        }
        for ((scope, decision), count) in counts {
            let by: &[Act] = match decision {
                "Granted" => &[Act::Grant],
                "Denied" => &[Act::Deny, Act::Withdraw, Act::Defer],
                "Deferred" => &[Act::Defer],
                "Kept" => &[Act::Keep, Act::Defer],
                "Withdrawn" => &[Act::Deny, Act::Withdraw],
                "Revoked" => &[Act::Revoke],
                "Narrowed" => &[Act::Switch],
                // A grant that was interrupted.
                "Void" => &[Act::Grant],
                "Expired" | "Lost" if self.clock_leapt || self.store_moved => continue,
                _ => &[],
            };
            if count > asked(scope, by) {
                return Some(format!(
                    "the history says {count} times that {scope} was {decision}, and nobody did that"
                ));
            }
        }
        None
    }
}
