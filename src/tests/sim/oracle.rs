//! The oracle: a model of what the person decided, of what was kept on disk, and of what reached the server. It says which states
//! are wrong.
//!
//! A decision whose call returned is in force from then on. A decision that is under way, failed, or whose process died may take
//! effect at any time. If two decisions overlap, either order is right.

use super::world::short;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What a process asked the client to do.
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
    /// Whether the scope must be closed when the call has returned.
    pub(super) fn is_no(self) -> bool {
        matches!(self, Act::Deny | Act::Withdraw | Act::Revoke)
    }

    /// Whether it destroys pending data. A third "later" counts as a refusal.
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
    /// The process follows the decision, but it can't be written. It is retried as long as that process lives.
    Unwritten,
    /// Like `Unwritten`, but the call returned an error and no other process knows of the decision.
    Failed,
    /// It may have been done, in whole or in part.
    Unsure,
    /// The call returned that there was nothing to do.
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) act: Act,
    pub(super) scope: &'static str,
    pub(super) called: u64,
    pub(super) returned: u64,
    pub(super) came: Came,
    /// The store was moved back during the call, so it is not known in which store the decision was written.
    swapped: bool,
}

/// A record that was written to a segment.
#[derive(Debug, Clone)]
struct Kept {
    scope: String,
    /// The record was recorded at this step or later. A process that was stopped in between may have written it much later.
    recorded: u64,
    step: u64,
    wall: u64,
}

/// What the server knows of one record.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival {
    pub(super) taken: bool,
    pub(super) refused_for_good: bool,
    /// Counts every request that contained the record, whether it arrived or not. When a batch is split, each half keeps the
    /// tries of the whole.
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
    /// The accepted keys, with their scope and step. The flag is `true` if no failure excuses a missing entry in the log.
    pub(super) accepted: BTreeMap<String, (String, u64, bool)>,
    /// The clock leapt: a clock far ahead or behind can make pending data too old and a consent expire.
    pub(super) clock_leapt: bool,
    /// A clean-up removed a lock file: nothing is sent until the next grant.
    pub(super) cleaned_up: bool,
    /// The store was moved away: what was written meanwhile was removed with its directory.
    pub(super) store_moved: bool,
    /// How often each record's batch was written: once when it was made, and once before each try, which may then not happen.
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

    /// The store that was moved away at step `since` is back, and replaces one that was made meanwhile. Decisions written to that
    /// one are lost with it. Decisions of a process that knew the first store are retried as long as that process lives.
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

    /// The last step at which a decision may have taken effect. An interrupted refusal may be completed at any later time, until
    /// the next grant.
    fn until(&self, decided: &Decided) -> u64 {
        match decided.came {
            Came::UnderWay | Came::Unwritten | Came::Failed => u64::MAX,
            // A failed deletion is completed before more data is sent. If the process died, it is not known when another one does
            // that.
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

    /// A refusal that returned before a step and that no grant can have followed.
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

    /// Whether a refusal is in force at a step. Later decisions don't matter.
    fn refusal_holds(&self, scope: &str, step: u64) -> bool {
        let is_done = |no: &&Decided| no.act.is_no() && matches!(no.came, Came::Done { .. }) && no.returned < step;
        let yes_since = |no: &Decided| {
            self.of(scope).any(|yes| {
                yes.act == Act::Grant && yes.came != Came::Nothing && yes.called < step && self.until(yes) > no.called
            })
        };
        self.of(scope).filter(is_done).any(|no| !yes_since(no))
    }

    /// Reports that the scope was open after a step, in the process in which the refusal `no` failed. There the refusal holds
    /// until the next grant. A grant that this process made by itself, without showing a notice, doesn't count: those are in
    /// `bare`.
    pub(super) fn seen_open_here(&self, no: usize, bare: &[usize], after: u64, how: &str) -> Option<String> {
        let no = self.decided.get(no)?;
        let lifts = |(at, yes): (usize, &Decided)| {
            let is_yes = yes.scope == no.scope && yes.act == Act::Grant && yes.came != Came::Nothing;
            is_yes && !bare.contains(&at) && self.until(yes) > no.called
        };
        let lifted = self.decided.iter().enumerate().any(lifts);
        (no.returned < after && !lifted).then(|| format!("{} is open ({how}) where this failed: {no:?}", no.scope))
    }

    /// Reports that a scope was open after a step although a refusal was in force.
    pub(super) fn seen_open(&self, scope: &str, after: u64, how: &str) -> Option<String> {
        let no = self.no_before(scope, after, false)?;
        Some(format!("{scope} is open ({how}) after {no:?}"))
    }

    /// Whether a grant must be in force because no decision can have closed the scope since.
    pub(super) fn must_be_open(&self, scope: &str) -> bool {
        let done = |yes: &&Decided| yes.act == Act::Grant && matches!(yes.came, Came::Done { .. });
        let closes = |act: Act| act.destroys();
        // If the lock file is missing, the scope is closed until the next grant.
        !self.clock_leapt
            && !self.store_moved
            && !self.cleaned_up
            && self.of(scope).filter(done).any(|yes| {
                let mut others = self.of(scope).filter(|other| closes(other.act) && self.until(other) > yes.called);
                others.all(|other| match other.came {
                    Came::Nothing => true,
                    // An interrupted refusal was completed before the grant.
                    Came::Unsure => other.returned < yes.called,
                    // A deferral, or a switch of one field, leaves an open scope open.
                    Came::Done { .. } => matches!(other.act, Act::Switch | Act::Defer) && other.called > yes.returned,
                    _ => false,
                })
            })
    }

    /// The refusal that is in force, if there is one.
    pub(super) fn must_be_closed<'o>(&'o self, scope: &'o str) -> Option<&'o Decided> {
        self.no_before(scope, u64::MAX, false)
    }

    /// Call when bytes were written to a file.
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

    /// Checks, at a step, a part of a request that is handed to the network.
    pub(super) fn handed_over(&self, scope: &str, uids: &[String], step: u64) -> Option<String> {
        if let Some(no) = self.no_before(scope, step, true) {
            return Some(format!("bytes of {scope} left at {step}, after {no:?}"));
        }
        // A record from before a confirmed refusal must never be sent after it, whatever was decided since.
        let confirmed =
            |no: &&Decided| no.act.is_no() && matches!(no.came, Came::Done { confirmed: true }) && no.returned < step;
        for no in self.of(scope).filter(confirmed) {
            if let Some(uid) = uids.iter().find(|uid| self.kept.get(*uid).is_some_and(|kept| kept.step < no.called)) {
                return Some(format!("record {uid} of {scope}, kept before {no:?}, left after it, at {step}"));
            }
        }
        None
    }

    /// Checks a request that is about to be sent, whose batch on disk has this first line.
    pub(super) fn tried(&mut self, key: &str, head: String) -> Option<String> {
        let before = self.tries.insert(key.to_owned(), head.clone());
        (before.as_ref() == Some(&head)).then(|| format!("request {key} leaves again, and its last try is not on disk"))
    }

    pub(super) fn forget_try(&mut self, key: &str) {
        self.tries.remove(key);
    }

    /// Checks that each kept record is still on disk or has exactly one reason to be gone: accepted, rejected, given up, too old,
    /// or destroyed.
    pub(super) fn missing(&self, files: &BTreeMap<std::path::PathBuf, Vec<u8>>, wall: u64) -> Option<String> {
        // A grant that is given while the lock file is missing starts a new generation, and earlier records are destroyed.
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
                    // A process that was about to write when the refusal was decided writes to a generation that is no longer in
                    // force.
                    || self.refusal_holds(&kept.scope, kept.step)
            };
            // After three tries of any kind, a batch whose receiver failed with a server error is given up.
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

    /// How many records of a scope are still pending on disk.
    pub(super) fn still_waiting(&self, scope: &str, files: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> usize {
        let below = |path: &Path| {
            let path = short(path);
            path.starts_with(&format!("waiting/{scope}/")) || path.starts_with(&format!("outbox/{scope}/"))
        };
        files.iter().filter(|(path, _)| below(path)).map(|(_, bytes)| uids(bytes).len()).sum()
    }

    /// Reports a record that a refusal should have destroyed and that is still on disk.
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

    /// Reports a record of a scope from before a refusal that reported all of it as destroyed.
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

    /// Reports an accepted request that the person's log doesn't show.
    pub(super) fn unlogged(&self, files: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> Option<String> {
        // A grant that is given while the lock file is missing starts a new generation. A request that was interrupted after it
        // was accepted is then lost.
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

    /// Checks the entries of the history, as scope and decision: each must have been asked for.
    pub(super) fn undone(&self, lines: &[(String, String)]) -> Option<String> {
        // A refusal that can't be written, or is not confirmed, is retried until it is. It may therefore be written more than
        // once.
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
