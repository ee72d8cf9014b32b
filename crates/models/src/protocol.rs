//! A model of the protocol alone: only the steps that senders and a deciding thread share. They are few enough that
//! every order with two senders can be tried. Each step names the code that it models, and [`steps`] are compared with
//! those of the real modules. Everything else, such as the file formats, is tested with the modules themselves and
//! never here.
//!
//! One sender is in the process that withdraws, and one is in another process, which learns of the withdrawal from the
//! disk alone. Some steps can only give a sender one more reason to stop, and nothing else depends on them. Such a step
//! is recorded, but its orders are not tried: everything that a sender might do after it is tried without it.

use crate::{
    scenario::VIOLATION,
    steps::{self, ASK_GATE, CLOSE_GATE, DECIDE, DECIDED, EXCLUDE, LET_GO, LOOK, OPEN_GATE, REPLACE, SHARE, SLICE},
    switch::on,
    sync::{AtomicU64, Point},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64 as Sum, Ordering::Relaxed, Ordering::SeqCst},
};

/// Mistakes in the protocol. Each is made at its place below.
pub(crate) const MISTAKES: [&str; 12] = [
    "no life lock",
    "confirmed first, closed after",
    "asked first, locked after",
    "the wait ends with yes",
    "shared, not exclusive",
    "let go before the last slice",
    "slices not asked for",
    "the gate alone",
    "any epoch",
    "the snapshot last",
    "the gate closes last",
    "the gate not asked again",
];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The process of each sender. Process 0 withdraws.
    pub(crate) senders: &'static [usize],
    pub(crate) slices: u32,
    /// Whether senders hold the permit of `Engine::send` in addition to the parcel's.
    pub(crate) working: bool,
    /// Another process grants at any time.
    pub(crate) grants: bool,
    /// The process that withdrew grants again right after.
    pub(crate) grants_after: bool,
    /// The process that withdraws is recording an event.
    pub(crate) records: bool,
}

const PLAN: Plan =
    Plan { senders: &[1, 1], slices: 1, working: false, grants: false, grants_after: false, records: false };

/// Loom supports at most five threads, including the one that starts the others, which withdraws. A sender in the
/// withdrawing process does the same as one in another process, and its gate may also stop it. So only one plan has
/// such a sender; the other plans test more with senders in another process.
///
/// The third value limits the number of preemptions of a plan for which every order would be too many.
pub(crate) const PLANS: [(&str, Plan, Option<usize>); 5] = [
    ("two senders", Plan { senders: &[0, 1], slices: 2, ..PLAN }, None),
    ("two senders, two permits each", Plan { working: true, ..PLAN }, None),
    ("two senders, a yes right after", Plan { grants_after: true, ..PLAN }, None),
    ("two senders, a yes at any time", Plan { grants: true, ..PLAN }, Some(4)),
    ("a sender, and an event", Plan { senders: &[1], records: true, ..PLAN }, None),
];

/// The epoch of the grant with which every order starts.
const FIRST: u64 = 1;

/// What was observed over all orders of a plan.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) orders: Sum,
    confirmed: Sum,
    unconfirmed: Sum,
    slices: Sum,
    late: Sum,
    stopped: Sum,
    granted: Sum,
}

impl Seen {
    /// Whether each important case occurred. A plan in which none did would prove nothing.
    pub(crate) fn was_at_stake(&self, plan: Plan) -> bool {
        let was = |sum: &Sum| sum.load(SeqCst) > 0;
        let granted = !(plan.grants || plan.grants_after) || was(&self.granted);
        granted && [&self.confirmed, &self.unconfirmed, &self.slices, &self.late, &self.stopped].into_iter().all(was)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |sum: &Sum| sum.load(SeqCst);
        write!(
            f,
            "{} orders: {} confirmed, {} unconfirmed; {} slices, {} of them late and unconfirmed, {} stopped; {} granted again",
            of(&self.orders),
            of(&self.confirmed),
            of(&self.unconfirmed),
            of(&self.slices),
            of(&self.late),
            of(&self.stopped),
            of(&self.granted)
        )
    }
}

/// A snapshot: whether the scope is open, and under which epoch. An odd number is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Snapshot(u64);

impl Snapshot {
    fn new(open: bool, epoch: u64) -> Self {
        Snapshot(epoch * 2 + u64::from(open))
    }

    fn epoch(self) -> u64 {
        self.0 / 2
    }

    fn is_open(self) -> bool {
        self.0 % 2 == 1
    }

    /// `Ledger::snapshot_allows`: `entry.decision.opens() && … && entry.epoch == epoch`.
    fn allows(self, epoch: u64) -> bool {
        self.is_open() && (on("any epoch") || self.epoch() == epoch)
    }
}

/// Everything that threads share. A file's content is stored next to the [`Point`] that models access to it, and a read
/// always returns the newest. Gates are in memory, so a thread may read an older value.
struct World {
    plan: Plan,
    seen: Arc<Seen>,
    gates: [AtomicU64; 3],
    /// The value last stored in each gate, known to the one thread that stores there.
    stored: [Sum; 3],
    snapshot: (Point, Sum),
    /// How many threads share the life lock. An exclusive holder releases it in the same step. A sender that tried in
    /// between would have been refused, which only means one slice less.
    life: (Point, Sum),
    /// Here a deciding thread waits as long as it takes. A process that can't wait leaves a tombstone; that case is
    /// tested with the modules.
    decisions: loom::sync::Mutex<()>,
    /// The pending records, by epoch.
    journal: loom::sync::Mutex<Vec<u64>>,
    /// The shared object that orders slices and the end of a withdrawal.
    end: Point,
    ended: Sum,
    confirmed: Sum,
    granted: Sum,
    violations: std::sync::Mutex<Vec<&'static str>>,
}

impl World {
    fn new(plan: Plan, seen: Arc<Seen>) -> Self {
        let world = World {
            plan,
            seen,
            gates: [const { AtomicU64::new(FIRST) }; 3],
            stored: [const { Sum::new(FIRST) }; 3],
            snapshot: (Point::new(), Sum::new(Snapshot::new(true, FIRST).0)),
            life: (Point::new(), Sum::new(0)),
            decisions: loom::sync::Mutex::new(()),
            journal: loom::sync::Mutex::default(),
            end: Point::new(),
            ended: Sum::new(0),
            confirmed: Sum::new(0),
            granted: Sum::new(0),
            violations: std::sync::Mutex::default(),
        };
        // Made while there is only one thread.
        for gate in &world.gates {
            gate.make();
        }
        world
    }

    fn violation(&self, what: &'static str) {
        self.violations.lock().unwrap().push(what);
    }

    /// `Gates::epoch`: `gate.load(Ordering::Relaxed)`.
    fn ask_gate(&self, process: usize) -> u64 {
        self.gates[process].load(Relaxed)
    }

    /// `Gates::set`: `gate.swap(epoch, Ordering::SeqCst)`. Storing the present value again has no visible effect, so it
    /// is not a step for loom.
    fn set_gate(&self, process: usize, epoch: u64) {
        if self.stored[process].swap(epoch, SeqCst) != epoch {
            self.gates[process].swap(epoch, SeqCst);
        } else {
            steps::note(if epoch == 0 { CLOSE_GATE } else { OPEN_GATE });
        }
    }

    /// Asks the gate in the one thread that sets it.
    fn ask_own_gate(&self, process: usize) -> u64 {
        steps::note(ASK_GATE);
        self.stored[process].load(SeqCst)
    }

    /// `Ledger::snapshot_bytes`: one read of one file, which is replaced and never written in place.
    fn look(&self) -> Snapshot {
        self.snapshot.0.read();
        steps::note(LOOK);
        Snapshot(self.snapshot.1.load(SeqCst))
    }

    /// `Ledger::write_snapshot`: the rename in `Files::replace`.
    fn replace(&self, by: Snapshot) {
        self.snapshot.0.write();
        steps::note(REPLACE);
        self.snapshot.1.store(by.0, SeqCst);
    }

    /// `Permit::issue`: `life.try_lock(true)`. Shared holders do not affect each other. If a thread shares the lock
    /// twice, the second time is recorded, but it has no effect that loom must order.
    fn share(&self, twice: bool) {
        if !twice {
            self.life.0.read();
        }
        steps::note(SHARE);
        self.life.1.fetch_add(1, SeqCst);
    }

    /// Drops a `Permit`, which releases its `_life` lock.
    fn let_go(&self, twice: bool) {
        if !twice {
            self.life.0.read();
        }
        steps::note(LET_GO);
        self.life.1.fetch_sub(1, SeqCst);
    }

    /// `Consent::confirm`: `life.try_lock(false)`, once. Of several tries only the last one counts; those before it
    /// change nothing.
    fn confirm(&self) -> bool {
        self.life.0.write();
        if on("shared, not exclusive") || self.life.1.load(SeqCst) == 0 {
            steps::note(EXCLUDE);
            steps::note(LET_GO);
            return true;
        }
        on("the wait ends with yes")
    }

    /// `Ledger::lock`. The lock is held until the result is dropped.
    fn decide(&self) -> Decisions<'_> {
        let held = self.decisions.lock().unwrap();
        steps::note(DECIDE);
        Decisions(held)
    }

    /// `Watch::is_authorized`: `self.gates.epoch(self.scope) == self.epoch && … && self.ledger.snapshot_allows(…)`. The other
    /// conditions are that the client runs and that the life lock's file is the same. No thread changes them here.
    fn is_authorized(&self, process: usize) -> bool {
        let is_authorized = self.ask_gate(process) == FIRST && (on("the gate alone") || self.look().allows(FIRST));
        if !is_authorized {
            self.seen.stopped.fetch_add(1, SeqCst);
        }
        is_authorized
    }

    /// `Line::patiently`: `call(socket)`. `late` counts the slices of this sender after a withdrawal had returned.
    fn slice(&self, late: &mut u32) {
        self.end.read();
        steps::note(SLICE);
        self.seen.slices.fetch_add(1, SeqCst);
        if FIRST < self.confirmed.load(SeqCst) {
            self.violation("a slice left after the withdrawal had returned confirmed");
        }
        if FIRST < self.ended.load(SeqCst) {
            self.seen.late.fetch_add(1, SeqCst);
            *late += 1;
            // One late slice is allowed: its question was asked before the withdrawal returned. That is what an
            // unconfirmed withdrawal says.
            if *late > 1 {
                self.violation("a sender went on after the withdrawal had returned");
            }
        }
    }

    /// `Consent::refresh`: reads the snapshot. If it changed, closes the gate and opens it again with the epoch that
    /// was read.
    fn refresh(&self, process: usize) {
        // No sender asks this gate, so its value has no effect.
        if self.plan.grants && !self.plan.senders.contains(&process) {
            return;
        }
        let snapshot = self.look();
        let epoch = if snapshot.is_open() { snapshot.epoch() } else { 0 };
        if self.ask_own_gate(process) != epoch {
            self.set_gate(process, 0);
        }
        self.set_gate(process, epoch);
    }
}

struct Decisions<'w>(#[expect(dead_code, reason = "held for its lock")] loom::sync::MutexGuard<'w, ()>);

impl Drop for Decisions<'_> {
    fn drop(&mut self) {
        steps::note(DECIDED);
    }
}

/// An issued permit. The flag says that its thread already holds another one.
struct Permit<'w>(&'w World, bool);

impl<'w> Permit<'w> {
    /// `Permit::issue`: takes the lock first, then asks.
    fn issue(world: &'w World, process: usize, second: bool) -> Option<Self> {
        let after = on("asked first, locked after");
        if !after {
            world.share(second);
        }
        let permit = Permit(world, second);
        if !world.is_authorized(process) {
            if after {
                std::mem::forget(permit);
            }
            return None;
        }
        if after {
            world.share(second);
        }
        Some(permit)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.let_go(self.1);
    }
}

/// `Engine::send` in `src/actions/send.rs` and `Engine::send_batches` in `src/send/mod.rs`, with one batch. The
/// transport asks before each slice, as `Line::patiently` in `src/transport/http/line.rs` does.
fn send(world: &World, process: usize) {
    let mut late = 0;
    // `Consent::permit`: `self.granted_place(scope) != Some(place)`. It can only prevent a start.
    steps::note(LOOK);
    // `let Some(working)`.
    let working = if world.plan.working { Permit::issue(world, process, false) } else { None };
    if world.plan.working && working.is_none() {
        return;
    }
    // `let sealed`. Its last question is the one before the first slice.
    let Some(parcel) = Permit::issue(world, process, working.is_some()) else { return };
    let parcel = Some(parcel).filter(|_| !on("let go before the last slice"));
    for number in 0..world.plan.slices {
        if number > 0 && !on("slices not asked for") && !world.is_authorized(process) {
            break;
        }
        world.slice(&mut late);
    }
    drop(parcel);
    // The check after the send: `if !is_authorized()`.
    if let Some(working) = working {
        steps::note(ASK_GATE);
        steps::note(LOOK);
        drop(working);
    }
}

/// `withdraw` and `end` in `src/actions/withdraw.rs`, with `close_scope` and `Closing::finish`. Returns whether the
/// withdrawal is confirmed, and its epoch.
fn withdraw(world: &World) -> (bool, u64) {
    // `state_for_a_no`: `engine.consent.close_gate(scope)`. When `close_scope` does it again, the gate is closed already.
    if !on("the gate closes last") {
        world.set_gate(0, 0);
    }
    // `engine.consent.state_of(scope)`: there is a grant.
    steps::note(LOOK);
    let early = on("confirmed first, closed after") && world.confirm();
    // `self.lock_or_fail(…)`, `ledger.repair(…)`, `ledger.narrow(…)`.
    let decisions = world.decide();
    let epoch = world.look().epoch() + 1;
    let narrow = || {
        world.replace(Snapshot::new(false, epoch));
        // Read back under the lock of decisions, so no other process writes it.
        steps::note(LOOK);
    };
    if !on("the snapshot last") {
        narrow();
    }
    // `engine.consent.confirm(scope, CONFIRM)`.
    let confirmed = on("no life lock") || early || world.confirm();
    // `destroy`: `engine.journal.purge_with_grant(…)`.
    if world.plan.records {
        world.journal.lock().unwrap().clear();
    }
    if on("the snapshot last") {
        narrow();
    }
    // `closing.finish()`: `drop(held)` and `look_again()`.
    drop(decisions);
    world.refresh(0);
    (confirmed, epoch)
}

/// Records that the withdrawal has returned, and checks the state at that moment.
fn returned(world: &World, confirmed: bool, epoch: u64) {
    world.end.write();
    world.ended.store(epoch, SeqCst);
    if confirmed {
        world.confirmed.store(epoch, SeqCst);
        world.seen.confirmed.fetch_add(1, SeqCst);
    } else {
        world.seen.unconfirmed.fetch_add(1, SeqCst);
    }
    let gate = world.ask_own_gate(0);
    if gate != 0 && gate < epoch {
        world.violation("the gate of the process that withdrew is open under an older epoch");
    }
    if world.plan.records && !world.journal.lock().unwrap().is_empty() {
        world.violation("something waits after the withdrawal had returned");
    }
}

/// `grant` in `src/actions/grant.rs`, after a notice.
fn grant(world: &World, process: usize) {
    // `self.lock_or_fail(…)`, `self.ledger.repair(…)`.
    let decisions = world.decide();
    let snapshot = world.look();
    // `State::Granted if !new_decision`: nothing changes.
    if !snapshot.is_open() {
        let epoch = snapshot.epoch() + 1;
        world.replace(Snapshot::new(true, epoch));
        world.granted.store(epoch, SeqCst);
        world.seen.granted.fetch_add(1, SeqCst);
    }
    drop(decisions);
    world.refresh(process);
}

/// `Admission::of`, and later `Journal::keep` in `src/journal/mod.rs`: takes the lock, asks the gate again, then writes
/// the record.
fn record(world: &World, process: usize) {
    let epoch = world.ask_gate(process);
    if epoch == 0 {
        return;
    }
    let mut journal = world.journal.lock().unwrap();
    if on("the gate not asked again") || world.ask_gate(process) == epoch {
        journal.push(epoch);
    }
}

/// Runs one order of a plan's steps.
pub(crate) fn run(plan: Plan, seen: &Arc<Seen>) {
    seen.orders.fetch_add(1, SeqCst);
    let world = Arc::new(World::new(plan, seen.clone()));
    let mut threads = Vec::new();
    let mut start = |act: fn(&World, usize), process: usize| {
        let world = world.clone();
        threads.push(loom::thread::spawn(move || act(&world, process)));
    };
    for &process in plan.senders {
        start(send, process);
    }
    if plan.grants {
        start(grant, 2);
    }
    if plan.records {
        start(record, 0);
    }
    let (confirmed, epoch) = withdraw(&world);
    returned(&world, confirmed, epoch);
    if plan.grants_after {
        grant(&world, 0);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    // The conditions that must hold when every thread has ended.
    let last = Snapshot(world.snapshot.1.load(SeqCst));
    let granted = world.granted.load(SeqCst);
    if last.is_open() && last.epoch() < world.ended.load(SeqCst) {
        world.violation("the scope is open under an epoch older than the withdrawal");
    }
    if granted > world.ended.load(SeqCst) && (!last.is_open() || last.epoch() != granted) {
        world.violation("a yes that came after the withdrawal was lost");
    }
    let violations = world.violations.lock().unwrap().clone();
    assert!(violations.is_empty(), "{VIOLATION}{}", violations[0]);
}

/// Returns the steps of a send, of a withdrawal, and of a grant after it, with no other thread running.
pub(crate) fn steps() -> [Vec<&'static str>; 3] {
    let world = World::new(Plan { working: true, slices: 2, ..PLAN }, Arc::default());
    [steps::of(|| send(&world, 0)), steps::of(|| _ = withdraw(&world)), steps::of(|| grant(&world, 0))]
}
