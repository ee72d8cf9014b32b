//! Makes every decision with a fault at each of its changing disk calls in turn. The next open finds the state from before or
//! after the decision. It never finds a withdrawn grant in force again, nor data that was promised to be destroyed.

use super::{
    CRASH, Happened, calls, config, every,
    faulty::{Fault, Faulty},
};
use crate::{
    Client,
    consent::{CloseReason, Decision, Patience, State},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

fn client(home: &Path, disk: Option<&Arc<Faulty>>) -> Client {
    let mut config = config(home);
    if let Some(disk) = disk {
        config.disk = disk.clone();
    }
    Client::new(config).unwrap()
}

/// Grants the scope after the notice was shown.
fn say_yes(client: &Client) -> Result<crate::consent::Receipt, crate::Error> {
    let notice = client.notice(CRASH).unwrap();
    client.grant(CRASH.shown(&notice))
}

fn state(client: &Client) -> State {
    client.status(CRASH).unwrap().state
}

/// The files of all pending data.
fn waiting(home: &Path) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let store = home.join("data/org.example.crash/candor-1");
    let mut found = Vec::new();
    for kind in ["waiting", "counts", "outbox", "trash"] {
        walk(&store.join(kind), &mut found);
    }
    // The schedule holds the next time to send, and no recorded data.
    found.retain(|path| path.file_stem().is_none_or(|name| name != "schedule"));
    found
}

/// Runs `act` on a store that `prepare` made, with a fault at every changing call in turn. Passes the number of the call, the
/// result of `act`, the client and the home directory to `check`. Returns how many faults were tried.
fn at_every_call<T>(
    fault: Fault,
    prepare: impl Fn(&Client),
    act: impl Fn(&Client) -> T,
    check: impl Fn(u64, T, &Client, &Path),
) -> u64 {
    for at in calls() {
        let home = tempfile::tempdir().unwrap();
        prepare(&client(home.path(), None));
        let disk = Faulty::new(fault);
        let client = client(home.path(), Some(&disk));
        disk.arm(at);
        let answer = act(&client);
        let calls = disk.calls();
        if calls <= at {
            return at;
        }
        check(at, answer, &client, home.path());
    }
    unreachable!("every act ends")
}

#[test]
fn a_grant_that_failed_is_none() {
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            |_| (),
            say_yes,
            |at, answer, failing, home| {
                let fresh = client(home, None);
                match answer {
                    Ok(_) => assert_eq!(state(&fresh), State::Granted, "{fault:?} at call {at}"),
                    Err(error) => {
                        assert_ne!(state(&fresh), State::Granted, "{fault:?} at call {at}: {error}");
                        failing.record(Happened { times: 1 });
                        failing.shutdown(std::time::Duration::from_secs(5));
                        assert_eq!(waiting(home), [] as [PathBuf; 0], "{fault:?} at call {at}");
                    }
                }
                // In every case, a new grant by the person succeeds.
                say_yes(&fresh).unwrap();
                assert_eq!(state(&client(home, None)), State::Granted, "{fault:?} at call {at}");
            },
        );
        assert!(faults > 20, "only {faults} calls were tried");
    }
}

#[test]
fn a_withdrawal_that_returned_holds() {
    let prepare = |client: &Client| {
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
    };
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            prepare,
            |client| client.withdraw(CRASH),
            |at, answer, failing, home| {
                failing.record_durable(Happened { times: 3 });
                let returned = answer.is_ok();
                let fresh = client(home, None);
                match answer {
                    Ok(_) => {
                        let state = state(&fresh);
                        assert!(
                            state != State::Granted && state != State::NeverAsked,
                            "{fault:?} at call {at}: {state:?}"
                        );
                        assert_eq!(waiting(home), [] as [PathBuf; 0], "{fault:?} at call {at}");
                        assert!(fresh.grant(CRASH).unwrap_err().needs_notice(), "{fault:?} at call {at}");
                    }
                    // The disk accepted no write at all. This process then keeps nothing more either.
                    Err(error) => assert_eq!(fault, Fault::Dead, "at call {at}: {error}"),
                }
                say_yes(&fresh).unwrap();
                if returned {
                    assert_eq!(waiting(home), [] as [PathBuf; 0], "{fault:?} at call {at}: what was before comes back");
                }
                let receipt = fresh.withdraw(CRASH).unwrap();
                assert!(receipt.confirmed, "{fault:?} at call {at}");
            },
        );
        assert!(faults > 20, "only {faults} calls were tried");
    }
}

#[test]
fn a_refusal_that_returned_holds() {
    for fault in [Fault::Once, Fault::Dead] {
        at_every_call(
            fault,
            |_| (),
            |client| client.deny(CRASH),
            |at, answer, _, home| {
                let fresh = client(home, None);
                assert_ne!(state(&fresh), State::Granted);
                if answer.is_ok() {
                    assert_eq!(state(&fresh), State::Denied, "{fault:?} at call {at}");
                    assert!(fresh.grant(CRASH).unwrap_err().needs_notice(), "{fault:?} at call {at}");
                }
            },
        );
    }
}

/// A second fault occurs while the next open recovers from the first one.
#[test]
fn recovery_may_fail_as_well() {
    let prepare = |client: &Client| {
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
    };
    at_every_call(
        Fault::Dead,
        prepare,
        |client| client.withdraw(CRASH),
        |at, answer, _, home| {
            for again in (0..40).step_by(every()) {
                let disk = Faulty::new(Fault::Dead);
                disk.arm(again);
                let recovering = client(home, Some(&disk));
                if answer.is_ok() {
                    assert_ne!(state(&recovering), State::Granted, "calls {at}, {again}");
                }
                recovering.record_durable(Happened { times: 4 });
            }
            if answer.is_ok() {
                assert_ne!(state(&client(home, None)), State::Granted, "call {at}");
                assert_eq!(waiting(home), [] as [PathBuf; 0], "call {at}");
            }
        },
    );
}

#[test]
fn a_later_that_returned_is_no_grant() {
    for fault in [Fault::Once, Fault::Dead] {
        at_every_call(
            fault,
            |_| (),
            |client| client.defer(CRASH),
            |at, answer, _, home| {
                let fresh = client(home, None);
                assert_ne!(state(&fresh), State::Granted);
                if answer.is_ok() {
                    assert_eq!(state(&fresh), State::Deferred, "{fault:?} at call {at}");
                    assert!(fresh.grant(CRASH).unwrap_err().needs_notice(), "{fault:?} at call {at}");
                }
            },
        );
    }
}

/// Once a field was switched off, it is not recorded again. If that failed, the scope is unchanged or closed.
#[test]
fn a_switch_that_returned_holds() {
    let prepare = |client: &Client| {
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
    };
    let field = "crash.happened.times";
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            prepare,
            |client| client.switch_off(CRASH, field),
            |at, answer, failing, home| {
                let what = format!("{fault:?} at call {at}: {answer:?}");
                if answer.is_ok() {
                    failing.record_durable(Happened { times: 3 });
                }
                let fresh = client(home, None);
                let status = fresh.status(CRASH).unwrap();
                if answer.is_ok() {
                    assert!(!status.is_open() || status.switched_off == [field], "{what}");
                    fresh.record_durable(Happened { times: 3 });
                    let lines = fresh.manifest().unwrap().scope(CRASH).unwrap().waiting.clone();
                    assert!(lines.iter().all(|line| !line.contains("times")), "{what}: {lines:?}");
                } else {
                    // After the snapshot and before the high-water mark is written, a scope that stays granted is closed. An
                    // interrupted change thus errs on the side of refusal.
                    assert!(matches!(status.state, State::Granted | State::Unreadable), "{what}: {status:?}");
                    assert!(status.state == State::Granted || !status.is_open(), "{what}");
                }
                if status.state != State::Granted {
                    say_yes(&fresh).unwrap();
                }
                // In both cases the next attempt succeeds.
                fresh.switch_off(CRASH, field).unwrap();
                assert_eq!(fresh.status(CRASH).unwrap().switched_off, [field], "{what}");
                assert!(fresh.status(CRASH).unwrap().is_open(), "{what}");
            },
        );
        assert!(faults > 10, "only {faults} calls were tried");
    }
}

/// Once a revocation by the program returned, it is in force.
#[test]
fn a_revocation_that_returned_holds() {
    for fault in [Fault::Once, Fault::Dead] {
        at_every_call(
            fault,
            |client| drop(client.grant(CRASH).unwrap()),
            |client| client.revoke(CRASH, "a test"),
            |at, answer, _, home| {
                let fresh = client(home, None);
                if answer.is_ok() {
                    assert!(matches!(state(&fresh), State::Revoked | State::Unreadable), "call {at}");
                    assert!(fresh.grant(CRASH).unwrap_err().needs_notice(), "{fault:?} at call {at}");
                    assert_eq!(waiting(home), [] as [PathBuf; 0], "{fault:?} at call {at}");
                }
            },
        );
    }
}

/// If a revocation can't be written, a small file (a tombstone) records it instead. If the program is interrupted while it writes
/// that file, the revocation must never look like a withdrawal by the person.
#[test]
fn an_interrupted_end_by_the_program_is_no_withdrawal() {
    let mut ends = 0;
    for at in 0.. {
        let home = tempfile::tempdir().unwrap();
        client(home.path(), None).grant(CRASH).unwrap();
        // A lock that can't be taken.
        let lock = home.path().join("data/org.example.crash/candor-1/consent.lock");
        let disk = Faulty::new(Fault::Dead);
        let dying = client(home.path(), Some(&disk));
        std::fs::remove_file(&lock).unwrap();
        std::fs::create_dir(&lock).unwrap();
        disk.arm(at);
        let answer = dying.revoke(CRASH, "a test");
        let is_over = disk.calls() <= at;
        drop(dying);
        std::fs::remove_dir(&lock).unwrap();
        let fresh = client(home.path(), None);
        let state = state(&fresh);
        let is_ended = state == State::Revoked;
        assert!(is_ended || state == State::Granted, "{state:?} at call {at}");
        assert!(is_ended || answer.is_err(), "call {at}: {answer:?}");
        let last = fresh.receipt(CRASH).unwrap().decision;
        assert_eq!(last, if is_ended { Decision::Revoked } else { Decision::Granted }, "call {at}");
        ends += u64::from(is_ended);
        if is_over {
            break;
        }
    }
    assert!(ends > 1, "it ended it {ends} times");
}

/// A clock 400 days after the start of the tests.
struct NextYear;

impl crate::Clock for NextYear {
    fn now(&self) -> std::time::SystemTime {
        super::Start.now() + std::time::Duration::from_secs(400 * 86_400)
    }
}

/// An expired grant is never recorded as withdrawn by the person, whatever the disk did when the expiry was written.
#[test]
fn a_grant_that_ended_by_itself_is_never_one_that_was_taken_back() {
    for at in calls() {
        let home = tempfile::tempdir().unwrap();
        client(home.path(), None).grant(CRASH).unwrap();
        let disk = Faulty::new(Fault::Once);
        disk.arm(at);
        let mut config = config(home.path()).clock(NextYear);
        config.disk = disk.clone();
        drop(Client::new(config).unwrap());
        if disk.calls() <= at {
            assert!(at > 10, "only {at} calls were tried");
            break;
        }
        let fresh = Client::new(super::config(home.path()).clock(NextYear)).unwrap();
        assert!(matches!(state(&fresh), State::Expired | State::Unreadable), "call {at}: {:?}", state(&fresh));
        assert!(!fresh.status(CRASH).unwrap().is_open(), "call {at}");
    }
}

/// A process sees a grant in force and sets out to close the scope. When it writes, the grant was withdrawn, or a newer one is in
/// force. The close then fails.
#[test]
fn neither_the_calendar_nor_the_program_ends_what_the_person_did_meanwhile() {
    for ending in [CloseReason::Expired, CloseReason::Revoked("a key leaked")] {
        let home = tempfile::tempdir().unwrap();
        let client = client(home.path(), None);
        client.grant(CRASH).unwrap();
        client.withdraw(CRASH).unwrap();
        assert!(
            crate::actions::close::close_scope(client.engine(), CRASH.into(), ending, &Patience::new()).is_err(),
            "{ending:?}"
        );
        assert_eq!(client.status(CRASH).unwrap().state, State::Withdrawn, "{ending:?}");
        client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
        assert!(client.status(CRASH).unwrap().is_open(), "{ending:?}: the gate is left to the person");
    }
    let home = tempfile::tempdir().unwrap();
    let client = client(home.path(), None);
    client.grant(CRASH).unwrap();
    assert!(
        crate::actions::close::close_scope(client.engine(), CRASH.into(), CloseReason::Expired, &Patience::new())
            .is_err()
    );
    assert!(client.status(CRASH).unwrap().is_open(), "a new yes is not past the last day of the old one");
}
