//! Makes every decision and asks every question while one access to the disk fails: each access in turn, with each error that a
//! system returns when it denies access. The program then does not know what is on disk. So nothing opens after a refusal, no
//! decision is written that was not made, no other scope changes, and everything works once the disk can be read again.

use super::platform::{self, Errno};
use super::{CRASH, Happened, calls, config, every, real, views::VIEWS};
use crate::{
    Client, Error,
    consent::{Decision, Receipt, State},
    disk::{Disk, Handle, Need, Stat, System},
    engine::Task,
    mutants::{self, Mutant},
    sync::Mutex,
};
use serde_json::json;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{ThreadId, current},
    time::Duration,
};

const ERRORS: [Errno; 5] = [Errno::IO, Errno::MFILE, Errno::ACCESS, Errno::STALE, Errno::NOMEM];

/// The real disk, on which one access fails, or every access from some point on.
#[derive(Clone, Default)]
pub(super) struct Blind(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    /// Only accesses of this thread count, because those of other threads have no fixed order. `None`: all threads.
    by: Option<ThreadId>,
    /// Only paths that end in one of these count. Empty: all paths.
    only: Vec<&'static str>,
    left: u64,
    lasts: bool,
    errno: Option<Errno>,
    looks: u64,
    /// The first access that failed.
    failed: Option<String>,
}

impl Blind {
    /// Makes access number `at` (from 0) of this thread fail, counted from now on.
    pub(super) fn arm(&self, at: u64, errno: Errno) {
        *self.0.lock() = Plan { by: Some(current().id()), left: at, errno: Some(errno), ..Plan::default() };
    }

    /// Makes every access of any thread to a path that ends in one of `only` fail, until `repair` is called.
    pub(super) fn close(&self, only: &[&'static str], errno: Errno) {
        *self.0.lock() = Plan { only: only.to_vec(), lasts: true, errno: Some(errno), ..Plan::default() };
    }

    /// Ends the failures. Returns how many accesses were counted, and which one failed first.
    pub(super) fn repair(&self) -> (u64, Option<String>) {
        let plan = std::mem::take(&mut *self.0.lock());
        (plan.looks, plan.failed)
    }

    fn look<T>(&self, call: &str, path: &Path, look: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        // Pending and sent data belongs to the journal, which these tests leave out.
        let journals = ["waiting", "counts", "outbox", "sent", "named", "trash", "keys", "lead.lock"];
        let is_journals = path.iter().any(|part| journals.iter().any(|journal| part == *journal));
        let mut plan = self.0.lock();
        let counts = plan.by.is_none_or(|by| by == current().id())
            && !is_journals
            && (plan.only.is_empty() || plan.only.iter().any(|end| path.ends_with(end)));
        if let Some(errno) = plan.errno.filter(|_| counts) {
            plan.looks += 1;
            if plan.left == 0 && (plan.lasts || plan.failed.is_none()) {
                plan.failed.get_or_insert(format!("{call} {}: {errno}", path.display()));
                return Err(errno.into());
            }
            plan.left = plan.left.saturating_sub(1);
        }
        drop(plan);
        look()
    }
}

impl Disk for Blind {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.look("stat", path, || System.stat(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.look("list", path, || System.list(path))
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.look("read", path, || System.read(path, most))
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.look("read_shared", path, || System.read_shared(path, most))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.look("create", path, || System.create(path))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.look("append", path, || System.append(path))
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.look("lock_file", path, || System.lock_file(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.look("rename", from, || System.rename(from, to))
    }

    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        self.look("may_write", directory, || System.may_write(directory, need))
    }

    real!(make_dir remove_file remove_tree sync_dir);
}

fn store(home: &Path) -> PathBuf {
    home.join("data/org.example.crash/candor-1")
}

fn client(home: &Path, disk: Option<&Blind>) -> Client {
    let mut config = config(home).policy_directory(home.join("policy.d"));
    if let Some(disk) = disk {
        config.disk = Arc::new(disk.clone());
    }
    Client::new(config).unwrap()
}

fn say_yes(client: &Client) -> Result<Receipt, Error> {
    let notice = client.notice(CRASH)?;
    client.grant(CRASH.shown(&notice))
}

/// The entries of the history, each as `scope decision`.
fn history(home: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(store(home).join("ledger.jsonl")).unwrap_or_default();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{} {}", line["scope"].as_str().unwrap(), line["decision"].as_str().unwrap())
    };
    text.lines().map(line).collect()
}

/// The person's latest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Yes,
    No,
}

struct Case {
    name: &'static str,
    /// The decisions made before, on a working disk.
    before: fn(&Client),
    /// Whether only a tombstone records the latest decision.
    tombstone: bool,
    said_before: Said,
    act: fn(&Client) -> Result<Option<Receipt>, Error>,
    /// The answer that the person gives by `act`. `None` if `act` is no answer.
    says: Option<Said>,
    /// The entries that `act`, or its completion later, may add to the history.
    adds: &'static [&'static str],
}

const NO_ACT: Case = Case {
    name: "",
    before: |client| {
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
    },
    tombstone: false,
    said_before: Said::Yes,
    act: |client| client.status(CRASH).map(|_| None),
    says: None,
    adds: &[],
};

const NOTHING: Case = Case { before: |_| (), said_before: Said::Nothing, ..NO_ACT };
const TAKEN_BACK: Case = Case {
    before: |client| {
        client.grant(CRASH).unwrap();
        client.withdraw(CRASH).unwrap();
    },
    said_before: Said::No,
    ..NO_ACT
};

const WITHDRAWN: &[&str] = &["crash withdrawn"];

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "grant",
            act: |client| client.grant(CRASH).map(Some),
            says: Some(Said::Yes),
            adds: &["crash granted", "crash void"],
            ..NOTHING
        },
        Case {
            name: "grant after a withdrawal",
            act: |client| say_yes(client).map(Some),
            says: Some(Said::Yes),
            adds: &["crash granted", "crash void"],
            ..TAKEN_BACK
        },
        Case {
            name: "deny",
            act: |client| client.deny(CRASH).map(Some),
            says: Some(Said::No),
            adds: &["crash denied"],
            ..NOTHING
        },
        Case {
            name: "deny after a yes",
            act: |client| client.deny(CRASH).map(Some),
            says: Some(Said::No),
            adds: &["crash withdrawn", "crash denied"],
            ..NO_ACT
        },
        Case {
            name: "withdraw",
            act: |client| client.withdraw(CRASH).map(Some),
            says: Some(Said::No),
            adds: WITHDRAWN,
            ..NO_ACT
        },
        Case {
            name: "withdraw again",
            act: |client| client.withdraw(CRASH).map(Some),
            says: Some(Said::No),
            adds: &["crash withdrawn", "crash denied"],
            ..TAKEN_BACK
        },
        Case {
            name: "withdraw again over a tombstone",
            tombstone: true,
            said_before: Said::No,
            act: |client| client.withdraw(CRASH).map(Some),
            says: Some(Said::No),
            adds: &["crash withdrawn", "crash denied"],
            ..NO_ACT
        },
        Case { name: "open over a tombstone", tombstone: true, said_before: Said::No, adds: WITHDRAWN, ..NO_ACT },
        Case { name: "open", ..NO_ACT },
        Case { name: "manifest", act: |client| client.manifest().map(|_| None), ..NO_ACT },
        Case {
            name: "defer",
            act: |client| client.defer(CRASH).map(Some),
            adds: &["crash deferred", "crash denied"],
            ..NOTHING
        },
        Case { name: "keep", act: |client| client.keep(CRASH).map(Some), adds: &["crash kept"], ..NO_ACT },
        Case {
            name: "switch",
            act: |client| client.switch_off(CRASH, "crash.happened.times").map(Some),
            adds: &["crash narrowed"],
            ..NO_ACT
        },
        Case {
            name: "revoke",
            act: |client| client.revoke(CRASH, "a test").map(Some),
            adds: &["crash revoked"],
            ..NO_ACT
        },
        Case {
            name: "ask about widenings",
            act: |client| client.stop_asking_about_widenings().map(|()| None),
            adds: &["* ask_no_more"],
            ..NO_ACT
        },
        Case { name: "may ask", act: |client| client.may_ask(CRASH).map(|_| None), ..NOTHING },
        Case { name: "receipts", act: |client| client.receipts().map(|_| None), ..NO_ACT },
    ]
}

/// Runs one case with one fault. Returns `None` if the act ends before the fault, otherwise `Ok` or what went wrong.
fn one(case: &Case, at: u64, errno: Errno) -> Option<Result<(), String>> {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::create_dir_all(home.join("policy.d")).unwrap();
    let rule = json!({"candor_policy": 1, "rule": "of another program", "applications": ["org.example.other"]});
    std::fs::write(home.join("policy.d/other.json"), rule.to_string()).unwrap();
    let before = {
        let client = client(home, None);
        client.grant(VIEWS).unwrap();
        (case.before)(&client);
        if case.tombstone {
            // A withdrawal that could not be written leaves this file.
            let path = store(home).join("crash.revoked");
            std::fs::write(&path, "").unwrap();
            platform::keep_private(&path);
        }
        let other = client.receipt(VIEWS).unwrap();
        drop(client);
        (other, history(home))
    };
    let disk = Blind::default();
    let opens = case.name.starts_with("open");
    let early = (!opens).then(|| client(home, Some(&disk)));
    disk.arm(at, errno);
    let failing = early.unwrap_or_else(|| client(home, Some(&disk)));
    let answer = if opens { Ok(None) } else { (case.act)(&failing) };
    let (looks, failed) = disk.repair();
    let failed = failed.or_else(|| (looks > at).then(String::new))?;
    let what = format!("{} at look {at}, {failed}", case.name);
    let mut wrong = Vec::new();
    let mut must = |so: bool, why: String| {
        if !so {
            wrong.push(why);
        }
    };
    // What the process that saw the fault reports once the disk works again.
    let here = failing.status(CRASH).unwrap();
    let fresh = client(home, None);
    let there = fresh.status(CRASH).unwrap();
    let said = match (case.says, &answer) {
        (Some(Said::No), _) => Said::No,
        (Some(said), Ok(_)) => said,
        _ => case.said_before,
    };
    let closes = matches!(case.name, "revoke" | "defer");
    let is_open = said == Said::Yes && !closes;
    for (status, whose) in [(&here, "here"), (&there, "for a fresh start")] {
        if said != Said::Yes {
            must(
                !status.is_open() && status.state != State::Granted,
                format!("open {whose} after {said:?}: {status:?}"),
            );
        }
        if is_open {
            must(status.is_open(), format!("closed {whose} after a yes: {status:?}"));
        }
    }
    if let Ok(Some(receipt)) = &answer
        && matches!(receipt.decision, Decision::Withdrawn | Decision::Denied)
    {
        let is_no = matches!(there.state, State::Denied | State::Withdrawn);
        must(!receipt.confirmed || is_no, format!("confirmed, and a fresh start says {:?}", there.state));
    }
    if let Err(error) = &answer {
        let known = error.is_store() || error.is_blocked() || error.may_not_ask();
        must(known && error.to_string().len() > 20, format!("an answer that says nothing: {error}"));
    }
    let after = history(home);
    must(after.starts_with(&before.1), format!("a new history was begun: {after:?}"));
    for line in after.iter().skip(before.1.len()) {
        must(case.adds.contains(&line.as_str()), format!("nobody did: {line}"));
    }
    let other = fresh.status(VIEWS).unwrap();
    must(other.is_open() && other.state == State::Granted, format!("another scope was touched: {other:?}"));
    let receipt = fresh.receipt(VIEWS).map(|receipt| receipt.hash);
    must(receipt.as_ref().ok() == Some(&before.0.hash), format!("another scope's line: {receipt:?}"));
    let waits = fresh.manifest().unwrap().scope(CRASH).unwrap().waiting.len();
    if case.says.is_none() && case.said_before == Said::Yes && !matches!(case.name, "switch" | "revoke") {
        must(waits == 1, format!("what waited was destroyed: {waits}"));
    }
    // Everything works again.
    if said != Said::Yes || closes {
        must(say_yes(&fresh).is_ok(), "a fresh yes is not heard".into());
    }
    must(fresh.status(CRASH).unwrap().is_open(), "a fresh yes does not open".into());
    let receipt = failing.withdraw(CRASH).map(|receipt| receipt.confirmed);
    must(receipt.as_ref().ok() == Some(&true), format!("a withdrawal is not confirmed afterwards: {receipt:?}"));
    Some(if wrong.is_empty() { Ok(()) } else { Err(format!("{what}: {}", wrong.join("; "))) })
}

/// With `CANDOR_LOOKS=all` every access fails with every error, with `each` every access fails with one of them. Otherwise every
/// fifth access fails with one of them, or fewer do if `CANDOR_EVERY` says so.
#[test]
fn a_look_that_fails_decides_nothing() {
    let how = std::env::var("CANDOR_LOOKS").unwrap_or_default();
    let all = how == "all";
    let step = if all || how == "each" { 1 } else { every().max(5) as u64 };
    let (mut tried, mut wrong) = (0, Vec::new());
    for (number, case) in cases().into_iter().enumerate() {
        let mut looks = 0;
        'looks: for at in (number as u64 % step..).step_by(step as usize) {
            let errors = if all { &ERRORS[..] } else { &ERRORS[(at / step) as usize % ERRORS.len()..][..1] };
            for errno in errors {
                match one(&case, at, *errno) {
                    None => break 'looks,
                    Some(held) => {
                        tried += 1;
                        wrong.extend(held.err());
                    }
                }
            }
            looks = at + 1;
        }
        println!("{}: {looks} looks", case.name);
        assert!(looks > 5 || step > 5, "{}: only {looks} looks", case.name);
    }
    println!("{tried} looks failed, {} wrongly", wrong.len());
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// While the disk can't be read, nothing is recorded and each event is counted. Recording continues afterwards without a restart.
#[test]
fn what_is_recorded_while_nobody_can_look_is_counted_and_ends_by_itself() {
    for only in [&["consent"][..], &["high"], &["candor-1"], &["policy.d"]] {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let disk = Blind::default();
        let client = client(home, Some(&disk));
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
        let before = history(home);
        let waits = |client: &Client| client.manifest().unwrap().scope(CRASH).unwrap().waiting.len();
        assert_eq!(waits(&client), 1);
        disk.close(only, Errno::MFILE);
        let status = client.status(CRASH).unwrap();
        let why = status.trouble.or(status.blocked_by).unwrap_or_default();
        assert!(why.contains(only[0]) && why.contains(&Errno::MFILE.to_string()), "{only:?}: {why}");
        assert!(client.engine().consent.retry_in().is_some(), "{only:?}: it is not tried again");
        for _ in 0..3 {
            client.record_durable(Happened { times: 3 });
        }
        client.record(Happened { times: 4 });
        let dropped = |client: &Client| {
            let outcomes = client.manifest().unwrap().outcomes;
            outcomes.dropped.iter().map(|dropped| dropped.count).sum::<u64>()
        };
        assert_eq!(dropped(&client), 4, "{only:?}: each is counted");
        let outcomes = client.manifest().unwrap().outcomes;
        assert!(
            outcomes.dropped.iter().all(|dropped| dropped.reason == crate::DropReason::InDoubt),
            "{only:?}: {outcomes:?}"
        );
        disk.repair();
        // The worker does this when its retry is due.
        let _ = client.engine().consent.look_at_policies();
        client.engine().tick();
        client.record_durable(Happened { times: 5 });
        assert_eq!(waits(&client), 2, "{only:?}: nothing was destroyed, and recording goes on");
        assert_eq!(history(home), before, "{only:?}: nobody decided anything");
        drop(client);
        let lost = self::client(home, None).manifest().unwrap().outcomes.lost;
        assert_eq!(
            lost.iter().map(|lost| lost.count).sum::<u64>(),
            4,
            "{only:?}: it is known after the program as well"
        );
    }
}

/// Starts with policy rules that this user can't read, such as rules in the home directory of another user. The scope is closed,
/// and nothing else happens.
#[test]
fn a_start_that_cannot_see_the_rules_destroys_nothing() {
    for errno in ERRORS {
        for only in ["policy.d", "a.json"] {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            std::fs::create_dir_all(home.join("policy.d")).unwrap();
            let rule = json!({"candor_policy": 1, "rule": "a rule", "coarsen": {"crash.happened.times": [0]}});
            std::fs::write(home.join("policy.d/a.json"), rule.to_string()).unwrap();
            std::fs::write(home.join("policy.d/b.JSON"), "").unwrap();
            let first = client(home, None);
            first.grant(CRASH).unwrap();
            first.record_durable(Happened { times: 2 });
            let waits = |client: &Client| client.manifest().unwrap().scope(CRASH).unwrap().waiting.len();
            let before = (history(home), waits(&first));
            drop(first);
            let disk = Blind::default();
            disk.close(&[only], errno);
            let blind = client(home, Some(&disk));
            let status = blind.status(CRASH).unwrap();
            assert!(!status.is_open() && status.state == State::Granted, "{only} {errno}: {status:?}");
            assert!(status.blocked_by.unwrap().contains("can't be read now"), "{only} {errno}");
            assert!(blind.grant(CRASH).unwrap_err().is_blocked());
            blind.engine().consent.settle_again();
            crate::actions::settle::settle(blind.engine());
            drop(blind);
            let fresh = client(home, None);
            assert_eq!((history(home), waits(&fresh)), before, "{only} {errno}");
            let status = fresh.status(CRASH).unwrap();
            assert!(status.is_open(), "{only} {errno}: {status:?}");
            assert!(status.ignored_rules.iter().any(|path| Path::new(path).ends_with("policy.d/b.JSON")), "{status:?}");
        }
    }
}

/// A refusal that can't be written at all is shown and is in force in this process. It is written once the disk accepts it again.
#[test]
fn a_refusal_that_could_not_be_written_is_shown_and_tried_again() {
    type Act = fn(&Client) -> Result<Receipt, Error>;
    let acts: [(Act, State); 2] =
        [(|client| client.withdraw(CRASH), State::Withdrawn), (|client| client.deny(CRASH), State::Denied)];
    for (act, state) in acts {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let disk = Blind::default();
        let client = client(home, Some(&disk));
        client.grant(CRASH).unwrap();
        disk.close(&["consent.lock", "consent.new", "crash.revoked", "crash.life", "crash.new"], Errno::ROFS);
        let error = act(&client).unwrap_err();
        assert!(error.is_store() && error.to_string().contains(&Errno::ROFS.to_string()), "{error}");
        let status = client.status(CRASH).unwrap();
        assert!(!status.is_open(), "{status:?}");
        assert!(matches!(status.state, State::Withdrawn | State::Denied), "{status:?}");
        let trouble = status.trouble.unwrap();
        assert!(trouble.contains("not in the records yet") && trouble.contains("tries again"), "{trouble}");
        client.record_durable(Happened { times: 2 });
        assert_eq!(history(home), ["crash granted"]);
        disk.repair();
        // The worker would retry a second later. The test makes the retry due now.
        client.engine().consent.retry_now();
        client.engine().tasks.request(Task::Settle);
        client.engine().run_tasks();
        let status = client.status(CRASH).unwrap();
        assert!(matches!(status.state, State::Withdrawn | State::Denied) && status.trouble.is_none(), "{status:?}");
        assert_eq!(history(home), ["crash granted", "crash withdrawn"], "{state:?}");
        assert!(client.withdraw(CRASH).unwrap().confirmed);
    }
}

/// A program that is killed while it shows the question has asked it. Its next start does not ask again for 30 days. The second
/// time counts as a refusal: the question may be asked again after 183 days.
#[test]
fn a_question_that_was_shown_was_asked() {
    use crate::consent::{MayAsk, WhyNot};
    use std::{sync::atomic::AtomicU64, time::Duration};
    #[derive(Clone, Default)]
    struct Later(Arc<AtomicU64>);
    impl crate::Clock for Later {
        fn now(&self) -> std::time::SystemTime {
            let days = self.0.load(std::sync::atomic::Ordering::SeqCst);
            std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + days * 86_400)
        }
    }
    let home = tempfile::tempdir().unwrap();
    let clock = Later::default();
    let start = || Client::new(config(home.path()).clock(clock.clone())).unwrap();
    let pass = |days| clock.0.fetch_add(days, std::sync::atomic::Ordering::SeqCst);
    let is_unanswered = |may: &MayAsk| matches!(may, MayAsk::No { why: WhyNot::Unanswered, not_before: Some(_) });
    for days in [30, 183] {
        let client = start();
        assert!(client.may_ask(CRASH).unwrap().is_yes());
        assert!(start().may_ask(CRASH).unwrap().is_yes(), "asking whether it may is no question");
        // The process is killed: nothing of it is dropped.
        std::mem::forget(client.prompt(CRASH).unwrap());
        let next = start();
        assert_eq!(next.status(CRASH).unwrap().state, State::NeverAsked, "it is no decision");
        assert!(is_unanswered(&next.may_ask(CRASH).unwrap()));
        assert!(next.prompt(CRASH).unwrap_err().may_not_ask());
        pass(days - 1);
        assert!(is_unanswered(&start().may_ask(CRASH).unwrap()), "{days}");
        pass(1);
        assert!(start().may_ask(CRASH).unwrap().is_yes(), "{days}");
    }
    // An answer counts, whatever was shown before. If the answer can't be stored, the question is not asked.
    start().prompt(CRASH).unwrap().later().unwrap();
    let may = start().may_ask(CRASH).unwrap();
    assert!(matches!(may, MayAsk::No { why: WhyNot::Later, .. }), "{may:?}");
    assert_eq!(history(home.path()), ["crash deferred"]);
    pass(31);
    let disk = Blind::default();
    let start_on = |disk: &Blind| {
        let mut config = config(home.path()).clock(clock.clone());
        config.disk = Arc::new(disk.clone());
        Client::new(config).unwrap()
    };
    let client = start_on(&disk);
    disk.close(&["candor-1"], Errno::ROFS);
    let may = client.may_ask(CRASH).unwrap();
    assert!(matches!(may, MayAsk::No { why: WhyNot::CannotKeep, .. }), "{may:?}");
    disk.close(&["crash.new"], Errno::NOSPC);
    let taken = mutants::with(Some(Mutant::QuestionStaysTaken), || {
        let other = start_on(&disk);
        assert!(other.prompt(CRASH).unwrap_err().to_string().contains(WhyNot::NoRoom.describe()));
        disk.repair();
        other.prompt(CRASH).is_err()
    });
    assert!(taken, "the mistake is noticed");
    disk.close(&["crash.new"], Errno::NOSPC);
    assert!(client.prompt(CRASH).unwrap_err().to_string().contains(WhyNot::NoRoom.describe()));
    disk.repair();
    // A question that could not be shown does not count as asked.
    client.prompt(CRASH).unwrap().no().unwrap();
}

/// A client keeps to the store directory that it opened. If that directory was moved, no withdrawal is recorded in another one.
/// Unix only, because Windows can't move a directory in which a file is open.
#[cfg(unix)]
#[test]
fn a_store_that_was_moved_is_not_nothing() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let first = client(home, None);
    first.grant(CRASH).unwrap();
    first.engine().tick();
    let aside = home.join("aside");
    std::fs::rename(store(home), &aside).unwrap();
    for again in [false, true] {
        if again {
            // Another directory is at that path now, in which no question was ever asked.
            std::fs::create_dir(store(home)).unwrap();
            platform::keep_private(&store(home));
        }
        assert!(again || first.engine().keys.are_in_memory(CRASH));
        let answer = first.withdraw(CRASH);
        assert!(!answer.as_ref().is_ok_and(|receipt| receipt.confirmed || receipt.recorded), "{answer:?}");
        assert!(!first.engine().keys.are_in_memory(CRASH), "what is in memory is this process's own");
        let status = first.status(CRASH).unwrap();
        assert!(!status.is_open() && status.trouble.is_some(), "{status:?}");
    }
    std::fs::remove_dir_all(store(home)).unwrap();
    std::fs::rename(&aside, store(home)).unwrap();
    assert!(first.withdraw(CRASH).unwrap().confirmed, "it is there again");
    assert!(!client(home, None).status(CRASH).unwrap().is_open());
}

/// While the store is moved away, nothing is written. Otherwise a store that holds nothing but a schedule would take the place of
/// the moved one.
#[test]
fn where_a_store_was_moved_none_is_made_in_its_place() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let first = Client::without_worker(config(home)).unwrap();
    first.grant(CRASH).unwrap();
    let aside = home.join("aside");
    std::fs::rename(store(home), &aside).unwrap();
    // The scope has no scheduled time to send yet, so this call draws one.
    let _ = first.engine().next_due();
    assert!(!store(home).exists());
    std::fs::rename(&aside, store(home)).unwrap();
    let _ = first.engine().next_due();
    assert!(store(home).join("outbox").exists(), "the control");
}

/// A refusal made while the store is moved away is known to its process only. It is written when the store is back.
#[test]
fn a_refusal_of_a_time_when_the_store_was_away_is_written_when_it_is_back() {
    let forgotten = Some(Mutant::NoEndsWithItsProcess);
    let cases =
        [(false, false, None), (true, false, None), (false, true, None), (true, true, None), (false, true, forgotten)];
    for (deny, ends, mutant) in cases {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let first = Client::without_worker(config(home)).unwrap();
        first.grant(CRASH).unwrap();
        let places = ["data", "config"].map(|name| (home.join(name), home.join(format!("{name} aside"))));
        places.iter().for_each(|(place, aside)| std::fs::rename(place, aside).unwrap());
        let answer = if deny { first.deny(CRASH) } else { first.withdraw(CRASH) };
        assert!(!answer.as_ref().is_ok_and(|receipt| receipt.confirmed || receipt.recorded), "{answer:?}");
        for (place, aside) in &places {
            let _ = std::fs::remove_dir_all(place);
            std::fs::rename(aside, place).unwrap();
        }
        assert!(client(home, None).status(CRASH).unwrap().is_open(), "nobody else heard of it");
        if ends {
            mutants::with(mutant, || first.shutdown(Duration::from_secs(5)));
        } else {
            first.consent().retry_now();
            first.engine().retry();
            first.engine().run_tasks();
            assert!(first.status(CRASH).unwrap().trouble.is_none());
        }
        let status = client(home, None).status(CRASH).unwrap();
        assert_eq!(status.is_open(), mutant.is_some(), "{status:?}");
        assert_eq!(matches!(status.state, State::Withdrawn | State::Denied), mutant.is_none(), "{status:?}");
    }
}

/// A program revokes a scope, and revokes it again while the disk fails. This does not become a refusal by the person.
#[test]
fn an_end_by_the_program_stays_one_when_it_is_said_twice() {
    for at in calls() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let disk = Blind::default();
        let first = client(home, Some(&disk));
        first.grant(CRASH).unwrap();
        first.revoke(CRASH, "a mistake").unwrap();
        disk.arm(at, Errno::IO);
        let _ = first.revoke(CRASH, "a mistake");
        let (_, failed) = disk.repair();
        let Some(failed) = failed else {
            assert!(at > 10, "every look was let fail");
            break;
        };
        drop(first);
        let status = client(home, None).status(CRASH).unwrap();
        assert_eq!(status.state, State::Revoked, "{failed}");
    }
}

/// A tombstone of a revocation or a refusal, left before any decision was recorded, does not end the grant that comes after it.
#[test]
fn a_tombstone_from_before_any_decision_does_not_end_the_first_grant() {
    let state = |persons: bool, mutant: Option<Mutant>| {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let first = Client::without_worker(config(home)).unwrap();
        mutants::with(mutant, || {
            first.consent().ledger().make_directories().unwrap();
            let decision = if persons { Decision::Denied } else { Decision::Revoked };
            first.consent().leave_tombstone(CRASH, decision).unwrap();
            if persons {
                assert_eq!(first.status(CRASH).unwrap().state == State::Denied, mutant.is_none());
                assert_eq!(first.grant(CRASH).is_err(), mutant.is_none(), "a bare grant lifts no no");
            }
            say_yes(&first).unwrap();
        });
        client(home, None).status(CRASH).unwrap().state
    };
    assert_eq!(state(false, None), State::Granted);
    assert_eq!(state(true, None), State::Granted);
    // The test notices the mistake: the grant is revoked, or a bare grant opens.
    assert_eq!(state(false, Some(Mutant::TombstoneOfNothing)), State::Revoked);
    state(true, Some(Mutant::TombstoneOfNothing));
}

/// Removing the file of the life lock stops sending. No permit makes a new file. The lock files that a grant makes are not empty.
#[test]
fn a_life_lock_that_was_removed_is_not_made_again() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let first = client(home, None);
    first.grant(CRASH).unwrap();
    let place = first.consent().granted_place(CRASH).unwrap().unwrap();
    let may_leave = |client: &Client| client.consent().permit(CRASH, place.generation, place.epoch).is_ok();
    assert!(may_leave(&first));
    for lock in ["crash.life", "consent.lock"] {
        assert!(std::fs::metadata(store(home).join(lock)).unwrap().len() > 0, "{lock} is empty");
    }
    std::fs::remove_file(store(home).join("crash.life")).unwrap();
    let second = client(home, None);
    assert!(!may_leave(&first) && !may_leave(&second));
    assert!(!store(home).join("crash.life").exists());
    assert!(first.status(CRASH).unwrap().trouble.unwrap().contains("lock was removed"));
    say_yes(&first).unwrap();
    assert!(first.consent().granted_place(CRASH).unwrap().is_some_and(|latest| latest.epoch > place.epoch));
    assert!(first.withdraw(CRASH).unwrap().confirmed, "a fresh yes has a lock of its own");
    first.grant(CRASH.shown(&first.notice(CRASH).unwrap())).unwrap();
    std::fs::remove_file(store(home).join("crash.life")).unwrap();
    assert!(!first.withdraw(CRASH).unwrap().confirmed, "nobody knows who held it");
}

/// The stored text of what was agreed to is accepted only unchanged. A text that differs in one bit or is cut short is rejected.
#[test]
fn a_text_that_differs_in_any_bit_is_none() {
    let home = tempfile::tempdir().unwrap();
    let client = client(home.path(), None);
    client.grant(CRASH).unwrap();
    let (ledger, contracts) = (client.consent().ledger(), store(home.path()).join("contracts"));
    let mut tried = 0;
    for entry in std::fs::read_dir(contracts).unwrap() {
        let path = entry.unwrap().path();
        let digest = path.file_name().unwrap().to_str().unwrap().to_owned();
        let whole = std::fs::read(&path).unwrap();
        let mut is_none = |bytes: &[u8], what: String| {
            std::fs::write(&path, bytes).unwrap();
            assert!(ledger.text(&digest).unwrap().is_none(), "{digest}: {what}");
            tried += 1;
        };
        for at in (0..whole.len()).step_by(every()) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            is_none(&bytes, format!("bit {} of byte {at}", at % 8));
            is_none(&whole[..at], format!("cut to {at}"));
        }
        std::fs::write(&path, &whole).unwrap();
        assert!(ledger.text(&digest).unwrap().is_some(), "{digest}: the control");
    }
    assert!(tried > 4_000 / every(), "{tried}");
}
