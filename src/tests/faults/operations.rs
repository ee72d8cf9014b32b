//! The operations that the fault sweep tries: the state before each, what it does, and which states are allowed after it.

use super::{
    Answer, Before,
    world::{BYSTANDER, MARKS, RULES, STORE, SUBJECT, World, say_yes},
};
use crate::{
    Client,
    consent::{Prompt, Receipt},
    disk,
    tests::{Happened, views::Both},
};
use std::{path::Path, time::Duration};

/// What an operation decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No decision is made.
    Keeps,
    /// The person refuses, or has refused.
    Closes,
    /// The person grants.
    Opens,
    /// The grant stays in force, and the person takes something out of it.
    Narrows,
}

/// The state that the scope must have afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    AsBefore,
    Closed,
    /// A rule closes the scope, and the grant stays.
    Blocked,
    Open,
    /// Open or closed: the call returned an error.
    Either,
}

pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Creates the state before, in processes that have ended.
    pub(super) prepare: fn(&World),
    /// Runs after the process began and before the fault.
    pub(super) meanwhile: fn(&World, &Client),
    pub(super) act: fn(&Client) -> Answer,
    /// The beginning of the client is part of the operation.
    pub(super) begins: bool,
    /// Another process holds a permit to send.
    pub(super) sending: bool,
    /// If `true`, the scope's life lock is removed before the operation, as a clean-up job might do.
    pub(super) loses_lock: bool,
    /// Administrators' rules that close the scope before the operation.
    pub(super) blocks: Option<fn(&World)>,
    /// The program does not declare the scope.
    pub(super) undeclared: bool,
    /// The operation ends the process.
    pub(super) ends: bool,
    /// The operation may destroy pending data.
    pub(super) destroys: bool,
    /// The program's own act. If it fails with an error, the program must repeat it; there is no automatic retry.
    pub(super) by_program: bool,
    /// The decisions that the operation may add to the history.
    pub(super) writes: &'static [&'static str],
    /// The number of events that are recorded for the scope.
    pub(super) records: u64,
}

impl Operation {
    pub(super) fn closes(&self) -> bool {
        self.kind == Kind::Closes
    }

    pub(super) fn expected(&self, before: &Before, answer: &Answer) -> After {
        let (was_open, failed) = (before.subject.1.1, matches!(answer, Answer::Failed(_)));
        match self.kind {
            Kind::Keeps if self.blocks.is_some() => After::Blocked,
            Kind::Keeps => After::AsBefore,
            Kind::Closes if failed && was_open => After::Either,
            Kind::Closes => After::Closed,
            Kind::Opens | Kind::Narrows if !failed => After::Open,
            Kind::Opens if was_open => After::AsBefore,
            Kind::Opens => After::Closed,
            // A failed change of the constraints is no reason to end the grant.
            Kind::Narrows => After::Open,
        }
    }
}

/// The default: begins nothing, ends nothing and decides nothing.
const PLAIN: Operation = Operation {
    name: "",
    kind: Kind::Keeps,
    prepare: both,
    meanwhile: |_, _| (),
    act: |_| Answer::Done,
    begins: false,
    sending: false,
    loses_lock: false,
    blocks: None,
    undeclared: false,
    ends: false,
    destroys: false,
    by_program: false,
    writes: &[],
    records: 0,
};
const BEGINS: Operation = Operation { begins: true, act: |_| Answer::Began, ..PLAIN };
const CLOSES: Operation = Operation { kind: Kind::Closes, ..PLAIN };
const OPENS: Operation = Operation { kind: Kind::Opens, writes: &["granted", "void"], ..PLAIN };

pub(super) const OPERATIONS: &[Operation] = &[
    Operation { name: "begin_first", prepare: |_| (), ..BEGINS },
    Operation { name: "begin", ..BEGINS },
    Operation { name: "begin_tombstone", kind: Kind::Closes, prepare: tombstone, writes: &["withdrawn"], ..BEGINS },
    Operation { name: "begin_pending", kind: Kind::Closes, prepare: pending, writes: &["withdrawn"], ..BEGINS },
    Operation { name: "begin_void", kind: Kind::Closes, prepare: void, writes: &["void"], ..BEGINS },
    Operation { name: "begin_withdrawn", kind: Kind::Closes, prepare: withdrawn, ..BEGINS },
    Operation { name: "begin_torn", prepare: torn, ..BEGINS },
    Operation {
        name: "begin_tombstone_withdraw",
        kind: Kind::Closes,
        prepare: tombstone,
        act: withdraw,
        writes: &["withdrawn"],
        ..BEGINS
    },
    Operation { name: "tombstone_seen", meanwhile: another_revokes, act: tick, writes: &["withdrawn"], ..CLOSES },
    Operation {
        name: "tombstone_withdraw",
        meanwhile: another_revokes,
        act: withdraw,
        writes: &["withdrawn"],
        ..CLOSES
    },
    Operation { name: "withdraw", act: withdraw, writes: &["withdrawn"], ..CLOSES },
    Operation { name: "withdraw_beside_a_sender", sending: true, act: withdraw, writes: &["withdrawn"], ..CLOSES },
    Operation {
        name: "withdraw_without_a_lock",
        sending: true,
        loses_lock: true,
        act: withdraw,
        writes: &["withdrawn"],
        ..CLOSES
    },
    // If the earlier withdrawal can't be read, the withdrawal is written again.
    Operation { name: "withdraw_again", prepare: withdrawn, act: withdraw, writes: &["withdrawn"], ..CLOSES },
    Operation { name: "withdraw_elsewhere", meanwhile: another_withdraws, act: tick, writes: &["withdrawn"], ..CLOSES },
    Operation { name: "revoke", act: revoke, by_program: true, writes: &["revoked"], ..CLOSES },
    Operation {
        name: "revoke_again",
        meanwhile: another_ends,
        act: revoke,
        by_program: true,
        writes: &["revoked"],
        ..CLOSES
    },
    Operation { name: "begin_ended", kind: Kind::Closes, prepare: ended, writes: &["revoked"], ..BEGINS },
    Operation { name: "deny_first", prepare: |_| (), act: deny, writes: &["denied"], ..CLOSES },
    Operation { name: "deny", prepare: other_alone, act: deny, writes: &["denied"], ..CLOSES },
    Operation { name: "deny_a_yes", act: deny, writes: &["withdrawn"], ..CLOSES },
    Operation {
        name: "defer",
        prepare: other_alone,
        act: |client| said(client.defer(SUBJECT)),
        writes: &["deferred", "denied"],
        ..CLOSES
    },
    Operation { name: "keep", act: |client| said(client.keep(SUBJECT)), writes: &["kept"], ..PLAIN },
    Operation { name: "grant_first", prepare: |_| (), act: |client| said(client.grant(SUBJECT)), ..OPENS },
    Operation { name: "grant", prepare: other_alone, act: |client| said(client.grant(SUBJECT)), ..OPENS },
    Operation { name: "grant_shown", prepare: withdrawn, act: |client| said(say_yes(client, SUBJECT)), ..OPENS },
    Operation { name: "grant_again", act: |client| said(say_yes(client, SUBJECT)), ..OPENS },
    Operation {
        name: "switch_off",
        kind: Kind::Narrows,
        destroys: true,
        act: |client| said(client.switch_off(SUBJECT, "crash.happened.times")),
        writes: &["narrowed"],
        ..PLAIN
    },
    Operation {
        name: "switch_on",
        kind: Kind::Narrows,
        destroys: true,
        prepare: switched,
        act: |client| said(client.switch_on(SUBJECT, "crash.happened.times")),
        writes: &["narrowed"],
        ..PLAIN
    },
    Operation { name: "defer_open", act: |client| said(client.defer(SUBJECT)), writes: &["kept"], ..PLAIN },
    Operation {
        name: "prompt_yes",
        prepare: other_alone,
        act: |client| asked(client, |prompt| said(prompt.yes("a test"))),
        ..OPENS
    },
    Operation {
        name: "prompt_no",
        prepare: other_alone,
        act: |client| asked(client, |prompt| said(prompt.no())),
        writes: &["denied"],
        ..CLOSES
    },
    Operation {
        name: "prompt_closed",
        prepare: other_alone,
        act: |client| {
            asked(client, |prompt| {
                drop(prompt);
                done(Ok::<_, crate::Error>(()))
            })
        },
        writes: &["denied"],
        ..CLOSES
    },
    Operation {
        name: "ask_no_more",
        act: |client| done(client.stop_asking_about_widenings()),
        writes: &["asknomore"],
        ..PLAIN
    },
    Operation { name: "begin_expired", kind: Kind::Closes, prepare: past_its_day, writes: &["expired"], ..BEGINS },
    Operation {
        name: "expires",
        prepare: on_its_last_day,
        meanwhile: |world, _| world.hands.pass(Duration::from_secs(86_400)),
        act: tick,
        writes: &["expired"],
        ..CLOSES
    },
    Operation { name: "begin_rules", prepare: ruled, destroys: true, writes: &["narrowed"], ..BEGINS },
    Operation {
        name: "rules",
        meanwhile: |world, _| rule(world),
        destroys: true,
        act: flush,
        writes: &["narrowed"],
        ..PLAIN
    },
    Operation {
        name: "rules_looked_at",
        meanwhile: |world, _| rule(world),
        destroys: true,
        act: |client| done(client.status(SUBJECT)),
        writes: &["narrowed"],
        ..PLAIN
    },
    Operation { name: "begin_blocked", blocks: Some(block), destroys: true, writes: &["narrowed"], ..BEGINS },
    Operation { name: "blocked", blocks: Some(block), destroys: true, act: flush, writes: &["narrowed"], ..PLAIN },
    Operation {
        name: "blocked_looked_at",
        blocks: Some(block),
        destroys: true,
        act: |client| done(client.status(SUBJECT)),
        writes: &["narrowed"],
        ..PLAIN
    },
    Operation {
        name: "unblocked",
        kind: Kind::Opens,
        prepare: blocked,
        meanwhile: |world, _| unblock(world),
        act: flush,
        ..PLAIN
    },
    Operation { name: "begin_unblocked", kind: Kind::Opens, prepare: blocked_before, ..BEGINS },
    // If it fails with an error, the person must repeat it: this program records and sends nothing of the scope.
    Operation {
        name: "withdraw_undeclared",
        undeclared: true,
        by_program: true,
        act: |client| said(client.withdraw_undeclared(SUBJECT.name())),
        writes: &["withdrawn"],
        ..CLOSES
    },
    Operation { name: "erase", act: |client| done(client.erase(SUBJECT)), ..PLAIN },
    Operation { name: "cancel_erasure", prepare: erasing, act: |client| done(client.cancel_erasure(SUBJECT)), ..PLAIN },
    Operation { name: "delete_sent", act: |client| done(client.delete_sent(SUBJECT)), ..PLAIN },
    Operation { name: "keep_no_contents", act: |client| done(client.discard_contents(SUBJECT)), ..PLAIN },
    Operation {
        name: "keep_contents",
        prepare: without_contents,
        act: |client| done(client.keep_contents(SUBJECT)),
        ..PLAIN
    },
    Operation { name: "erasures", prepare: erasing, act: |client| done(client.erasures(SUBJECT)), ..PLAIN },
    Operation { name: "undeclared", act: |client| done(client.undeclared()), ..PLAIN },
    Operation { name: "status", act: |client| done(client.status(SUBJECT)), ..PLAIN },
    Operation { name: "manifest", act: |client| done(client.manifest()), ..PLAIN },
    Operation { name: "may_ask", prepare: other_alone, act: |client| done(client.may_ask(SUBJECT)), ..PLAIN },
    Operation { name: "receipts", act: |client| done(client.receipts()), ..PLAIN },
    Operation { name: "flush", act: flush, ..PLAIN },
    Operation { name: "flush_erasure", prepare: erasing_now, act: flush, ..PLAIN },
    Operation { name: "tick", meanwhile: |_, client| recorded(client), act: tick, records: 2, ..PLAIN },
    Operation { name: "record_durable", act: record_durable, records: 1, ..PLAIN },
    Operation { name: "record_beside", act: record_beside, records: 1, ..PLAIN },
    Operation { name: "record_restored", prepare: restored, act: record_durable, records: 1, ..PLAIN },
    Operation {
        name: "new_day",
        meanwhile: |world, _| world.hands.pass(Duration::from_secs(86_400)),
        act: tick,
        ..PLAIN
    },
    Operation {
        name: "shutdown",
        meanwhile: |_, client| recorded(client),
        ends: true,
        act: |client| done(Ok::<_, crate::Error>(client.shutdown(Duration::from_secs(1)))),
        records: 2,
        ..PLAIN
    },
    Operation {
        name: "drop",
        meanwhile: |_, client| recorded(client),
        ends: true,
        act: |client| {
            // The same work as dropping the client.
            client.finish();
            Answer::Done
        },
        records: 2,
        ..PLAIN
    },
];

fn said(answer: Result<Receipt, crate::Error>) -> Answer {
    answer.map_or_else(|error| Answer::Failed(error.to_string()), |receipt| Answer::Receipt(Box::new(receipt)))
}

fn done<T>(answer: Result<T, crate::Error>) -> Answer {
    answer.map_or_else(|error| Answer::Failed(error.to_string()), |_| Answer::Done)
}

fn asked(client: &Client, answer: impl FnOnce(Prompt<'_>) -> Answer) -> Answer {
    client.prompt(SUBJECT).map_or_else(|error| Answer::Failed(error.to_string()), answer)
}

fn withdraw(client: &Client) -> Answer {
    said(client.withdraw(SUBJECT))
}

fn revoke(client: &Client) -> Answer {
    said(client.revoke(SUBJECT, "a test"))
}

fn deny(client: &Client) -> Answer {
    said(client.deny(SUBJECT))
}

fn tick(client: &Client) -> Answer {
    client.engine().tick();
    Answer::Done
}

fn flush(client: &Client) -> Answer {
    done(client.flush(Duration::from_secs(5)))
}

fn recorded(client: &Client) {
    client.record(Happened { times: 5 });
    client.record(Happened { times: 6 });
    client.record(Both { times: 5, by_hand: false });
}

fn record_durable(client: &Client) -> Answer {
    client.record_durable(Happened { times: 5 });
    Answer::Done
}

fn record_beside(client: &Client) -> Answer {
    client.record_durable(Happened { times: 5 });
    client.record_durable(Both { times: 5, by_hand: false });
    Answer::Done
}

/// The other scope is open and has pending records. The subject was never asked about.
fn other_alone(world: &World) {
    let client = world.fresh(5);
    say_yes(&client, BYSTANDER).expect("a yes");
    client.record_durable(Both { times: 1, by_hand: true });
    client.record_durable(Both { times: 2, by_hand: true });
}

/// Both scopes are open. Each has sent one record and has pending records.
fn both(world: &World) {
    let client = world.fresh(5);
    say_yes(&client, SUBJECT).expect("a yes");
    say_yes(&client, BYSTANDER).expect("a yes");
    client.record_durable(Happened { times: 1 });
    client.record_durable(Both { times: 1, by_hand: true });
    let flushed = client.flush(Duration::from_secs(5)).expect("a flush never fails");
    assert_eq!(flushed.requests, 2, "{flushed:?}");
    client.record_durable(Happened { times: 2 });
    client.record_durable(Happened { times: 3 });
    client.record_durable(Both { times: 2, by_hand: false });
}

/// The last line of the history is incomplete.
fn torn(world: &World) {
    both(world);
    let path = Path::new(STORE).join("ledger.jsonl");
    let mut bytes = world.disk.everything().remove(&path).expect("a history");
    bytes.extend_from_slice(b"{\"line\":");
    world.disk.put(&path, &bytes);
}

/// The directories within the store are open to other users, as after a restored backup.
fn restored(world: &World) {
    both(world);
    for file in world.disk.everything().keys() {
        let within = file.ancestors().skip(1).take_while(|path| *path != Path::new(STORE));
        if file.starts_with(STORE) {
            within.for_each(|directory| world.disk.expose(directory, Some("others may open it")));
        }
    }
}

/// The last day of the subject's grant. The other scope's grant is a day old.
fn on_its_last_day(world: &World) {
    say_yes(&world.fresh(5), SUBJECT).expect("a yes");
    world.hands.pass(Duration::from_secs(364 * 86_400));
    let client = world.fresh(6);
    say_yes(&client, BYSTANDER).expect("a yes");
    client.record_durable(Both { times: 2, by_hand: true });
    world.hands.pass(Duration::from_secs(86_400));
    world.fresh(7).record_durable(Happened { times: 2 });
}

fn past_its_day(world: &World) {
    on_its_last_day(world);
    world.hands.pass(Duration::from_secs(86_400));
}

/// Administrators' rules reduce the precision of one field.
fn rule(world: &World) {
    let rule = r#"{"candor_policy": 1, "rule": "less", "coarsen": {"crash.happened.times": [0]}}"#;
    world.disk.put(&Path::new(RULES).join("less.json"), rule.as_bytes());
}

fn ruled(world: &World) {
    both(world);
    rule(world);
}

/// Administrators' rules forbid the whole scope.
fn block(world: &World) {
    let rule = r#"{"candor_policy": 1, "rule": "none", "forbid": {"scopes": ["crash"]}}"#;
    world.disk.put(&Path::new(RULES).join("none.json"), rule.as_bytes());
}

pub(super) fn unblock(world: &World) {
    world.disk.take(&Path::new(RULES).join("none.json"));
}

/// A rule came and blocks the scope. Its pending data is destroyed.
fn blocked(world: &World) {
    both(world);
    block(world);
    drop(world.fresh(6));
    assert_eq!(world.left_of(SUBJECT), [] as [std::path::PathBuf; 0]);
}

fn blocked_before(world: &World) {
    blocked(world);
    unblock(world);
}

fn without_contents(world: &World) {
    both(world);
    world.fresh(6).discard_contents(SUBJECT).expect("the choice");
}

fn withdrawn(world: &World) {
    both(world);
    assert!(world.fresh(6).withdraw(SUBJECT).expect("a withdrawal").confirmed);
}

fn switched(world: &World) {
    both(world);
    let client = world.fresh(6);
    client.switch_off(SUBJECT, "crash.happened.times").expect("a switch");
    client.record_durable(Happened { times: 2 });
}

fn erasing(world: &World) {
    both(world);
    let asked = world.fresh(6).erase(SUBJECT).expect("an erasure request");
    assert_eq!(asked.requests.len(), 1, "{asked:?}");
}

/// The same, with a request that is due.
fn erasing_now(world: &World) {
    erasing(world);
    let client = world.fresh(6);
    let requests = client.engine().consent.erasure_requests();
    let changing = requests.lock(|| client.engine().ambient.monotonic()).expect("the lock");
    for mut stored in requests.all(SUBJECT.name()).expect("the requests").erasure_requests {
        stored.is.due = Some(stored.is.asked);
        requests.write(&changing, &stored).expect("the request is written");
    }
    client.engine().journal.outbox().end_erasing_schedule(SUBJECT);
}

/// A withdrawal that could write only its tombstones.
fn tombstone(world: &World) {
    both(world);
    revoked(world);
}

fn revoked(world: &World) {
    for directory in [STORE, MARKS] {
        world.disk.put(&Path::new(directory).join("crash.revoked"), b"");
    }
}

fn another_revokes(world: &World, _: &Client) {
    revoked(world);
}

/// A revocation by the program that could write only its tombstones.
fn ended(world: &World) {
    both(world);
    another_ends(world, &world.fresh(6));
}

fn another_ends(world: &World, _: &Client) {
    let said = disk::seal("revoked", r#"{"at":"2026-11-22T12:00:00Z","decision":"revoked","via":"a test"}"#);
    for directory in [STORE, MARKS] {
        world.disk.put(&Path::new(directory).join("crash.ended"), &said);
    }
}

fn another_withdraws(world: &World, _: &Client) {
    assert!(world.fresh(7).withdraw(SUBJECT).expect("a withdrawal").recorded);
}

/// A withdrawal that was interrupted after its entry in the history and before its snapshot.
fn pending(world: &World) {
    both(world);
    let later = World::of(&world.image());
    later.live(|| assert!(later.fresh(6).withdraw(SUBJECT).expect("a withdrawal").recorded));
    world.take_file_from(&later, &Path::new(STORE).join("consent"));
}

/// A grant that was interrupted before its snapshot.
fn void(world: &World) {
    other_alone(world);
    let later = World::of(&world.image());
    later.live(|| assert!(say_yes(&later.fresh(6), SUBJECT).expect("a yes").recorded));
    let contracts = Path::new(STORE).join("contracts");
    for path in later.disk.everything().into_keys().filter(|path| path.starts_with(&contracts)) {
        world.take_file_from(&later, &path);
    }
    // The process creates the life lock before it writes the entry.
    for name in ["crash.life", "ledger.jsonl"] {
        world.take_file_from(&later, &Path::new(STORE).join(name));
    }
}
