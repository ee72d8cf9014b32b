//! The protocol by itself: the steps that senders and whoever decides share, and nothing else, few enough that every order
//! of two senders' can be tried. Each step names the line it stands for, and [`steps`] are held to those that the real
//! rooms take. What lies between, such as the files' forms, is tried with the rooms themselves, and not here.
//!
//! A sender lives in the process that withdraws, and one in another, which learns of it from the disk alone. Where a step
//! can only give a sender one more reason to stop, and nothing else depends on it, it is noted and not tried: whatever a
//! sender might do after it is then tried without it.

use crate::{
    scenario::VIOLATION,
    steps::{self, ASK_GATE, DECIDE, DECIDED, EXCLUDE, LET_GO, LOOK, OPEN_GATE, REPLACE, SHARE, SHUT_GATE, SLICE},
    switch::on,
    sync::{AtomicU64, Point},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64 as Sum, Ordering::Relaxed, Ordering::SeqCst},
};

/// Mistakes in the protocol, each in its place below.
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
    /// The process of each sender. The one numbered 0 withdraws.
    pub(crate) senders: &'static [usize],
    pub(crate) slices: u32,
    /// Whether senders hold the permit of `Engine::send` besides the parcel's.
    pub(crate) working: bool,
    /// Another process says yes, at any time.
    pub(crate) grants: bool,
    /// The one that withdrew says yes again at once.
    pub(crate) grants_after: bool,
    /// The process that withdraws is recording an event.
    pub(crate) records: bool,
}

const PLAN: Plan =
    Plan { senders: &[1, 1], slices: 1, working: false, grants: false, grants_after: false, records: false };

/// Loom takes five threads at most, with the one that starts them, which withdraws. A sender of the process that withdraws
/// does what one elsewhere does, and may be stopped by its gate besides; so one plan has one, and the others ask more.
///
/// With each how many preemptions at most, where every order would be too many.
pub(crate) const PLANS: [(&str, Plan, Option<usize>); 5] = [
    ("two senders", Plan { senders: &[0, 1], slices: 2, ..PLAN }, None),
    ("two senders, two permits each", Plan { working: true, ..PLAN }, None),
    ("two senders, a yes right after", Plan { grants_after: true, ..PLAN }, None),
    ("two senders, a yes at any time", Plan { grants: true, ..PLAN }, Some(4)),
    ("a sender, and an event", Plan { senders: &[1], records: true, ..PLAN }, None),
];

/// The epoch of the yes that everything begins with.
const FIRST: u64 = 1;

/// What was seen in all orders of a plan.
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
    /// A plan in which nothing was at stake would prove nothing.
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
            "{} orders: {} confirmed, {} unconfirmed; {} slices, {} of them late and unconfirmed, {} stopped; {} granted anew",
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

/// A snapshot: whether the scope is open, and under which epoch. Odd is open.
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

/// What all threads share. What a file holds lies beside the point where threads meet at it, and is always the newest;
/// gates are memory, and may be seen as they were.
struct World {
    plan: Plan,
    seen: Arc<Seen>,
    gates: [AtomicU64; 3],
    /// What was last stored in them, as known to the one thread that stores there.
    stored: [Sum; 3],
    snapshot: (Point, Sum),
    /// How many share the life lock. Whoever has it alone lets go in the same step: who tried in between would have been
    /// refused, and that is one slice less.
    life: (Point, Sum),
    /// Here whoever decides waits as long as it takes. Who can't leaves a tombstone; that is tried with the rooms.
    decisions: loom::sync::Mutex<()>,
    /// What was written and waits, by epoch.
    journal: loom::sync::Mutex<Vec<u64>>,
    /// Where slices, questions and the end of a withdrawal meet.
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
        // Made while there is one thread.
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

    /// `Gates::set`: `gate.swap(epoch, Ordering::SeqCst)`. Storing what is there already is no step that anyone notices.
    fn set_gate(&self, process: usize, epoch: u64) {
        if self.stored[process].swap(epoch, SeqCst) != epoch {
            self.gates[process].swap(epoch, SeqCst);
        } else {
            steps::note(if epoch == 0 { SHUT_GATE } else { OPEN_GATE });
        }
    }

    /// The same question, by the one thread that sets this gate.
    fn ask_own_gate(&self, process: usize) -> u64 {
        steps::note(ASK_GATE);
        self.stored[process].load(SeqCst)
    }

    /// `Ledger::snapshot_bytes`: one read of one file, which is replaced and never written to.
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

    /// `Permit::issue`: `life.try_lock(true)`. Those who share it don't notice each other. And nobody notices that one who
    /// shares it does so twice: that is a step, but one of no consequence.
    fn share(&self, twice: bool) {
        if !twice {
            self.life.0.read();
        }
        steps::note(SHARE);
        self.life.1.fetch_add(1, SeqCst);
    }

    /// The end of a `Permit`, whose `_life` goes with it.
    fn let_go(&self, twice: bool) {
        if !twice {
            self.life.0.read();
        }
        steps::note(LET_GO);
        self.life.1.fetch_sub(1, SeqCst);
    }

    /// `Consent::confirm`: `life.try_lock(false)`. Once: of several tries the one that ends the wait counts, and those before
    /// it change nothing.
    fn confirm(&self) -> bool {
        self.life.0.write();
        if on("shared, not exclusive") || self.life.1.load(SeqCst) == 0 {
            steps::note(EXCLUDE);
            steps::note(LET_GO);
            return true;
        }
        on("the wait ends with yes")
    }

    /// `Ledger::lock`, until what it answers is dropped.
    fn decide(&self) -> Decisions<'_> {
        let held = self.decisions.lock().unwrap();
        steps::note(DECIDE);
        Decisions(held)
    }

    /// `Watch::stands`: `self.gates.epoch(self.scope) == self.epoch && … && self.ledger.snapshot_allows(…)`. What else it
    /// asks, whether the client runs and whether the life lock's file is the same, nobody here changes.
    fn stands(&self, process: usize) -> bool {
        let stands = self.ask_gate(process) == FIRST && (on("the gate alone") || self.look().allows(FIRST));
        if !stands {
            self.seen.stopped.fetch_add(1, SeqCst);
        }
        stands
    }

    /// `Line::patiently`: `call(socket)`. `late` counts those of this sender that went after a withdrawal had returned.
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
            // The one whose question came before; unconfirmed says no more and no less.
            if *late > 1 {
                self.violation("a sender went on after the withdrawal had returned");
            }
        }
    }

    /// `Consent::refresh`: reads the snapshot; the gate is shut where it changes, and opened to what was read.
    fn refresh(&self, process: usize) {
        // What is read and set for a gate that nobody asks is of no consequence.
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

struct Decisions<'w>(#[allow(dead_code, reason = "held for its lock")] loom::sync::MutexGuard<'w, ()>);

impl Drop for Decisions<'_> {
    fn drop(&mut self) {
        steps::note(DECIDED);
    }
}

/// A permit that was issued, and whether its thread has another one.
struct Permit<'w>(&'w World, bool);

impl<'w> Permit<'w> {
    /// `Permit::issue`: locks first, then asks.
    fn issue(world: &'w World, process: usize, second: bool) -> Option<Self> {
        let after = on("asked first, locked after");
        if !after {
            world.share(second);
        }
        let permit = Permit(world, second);
        if !world.stands(process) {
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

/// `Engine::send` in `src/actions/send.rs` and `Engine::send_batches` in `src/send/mod.rs`, with one batch; and a transport that asks before each
/// slice, as `Line::patiently` in `src/transport/http/line.rs` does.
fn send(world: &World, process: usize) {
    let mut late = 0;
    // `Consent::permit`: `self.granted_place(scope) != Some(place)`; only a reason not to begin.
    steps::note(LOOK);
    // `let Some(working)`.
    let working = if world.plan.working { Permit::issue(world, process, false) } else { None };
    if world.plan.working && working.is_none() {
        return;
    }
    // `let sealed`, whose last question is the one before the first slice.
    let Some(parcel) = Permit::issue(world, process, working.is_some()) else { return };
    let parcel = Some(parcel).filter(|_| !on("let go before the last slice"));
    for number in 0..world.plan.slices {
        if number > 0 && !on("slices not asked for") && !world.stands(process) {
            break;
        }
        world.slice(&mut late);
    }
    drop(parcel);
    // What was answered: `if !stands()` after the send.
    if let Some(working) = working {
        steps::note(ASK_GATE);
        steps::note(LOOK);
        drop(working);
    }
}

/// `withdraw` and `end` in `src/actions/withdraw.rs`, with `close_scope` and `Closing::finish`. Answers whether it is confirmed, and
/// its epoch.
fn withdraw(world: &World) -> (bool, u64) {
    // `engine.consent.status(scope)`: there is a yes.
    steps::note(LOOK);
    let early = on("confirmed first, closed after") && world.confirm();
    // `close_scope`: `self.shut(scope)`.
    if !on("the gate closes last") {
        world.set_gate(0, 0);
    }
    // `self.lock_or_fail(…)`, `ledger.heal(…)`, `ledger.narrow(…)`.
    let decisions = world.decide();
    let epoch = world.look().epoch() + 1;
    let narrow = || {
        world.replace(Snapshot::new(false, epoch));
        // Read back, under the lock of whoever decides: nobody else writes it.
        steps::note(LOOK);
    };
    if !on("the snapshot last") {
        narrow();
    }
    // `engine.consent.confirm(scope, CONFIRM)`.
    let confirmed = on("no life lock") || early || world.confirm();
    // `destroy`: `engine.journal.purge(…)`.
    if world.plan.records {
        world.journal.lock().unwrap().clear();
    }
    if on("the snapshot last") {
        narrow();
    }
    // `closing.finish()`: `drop(held)`, `look_again()`, and the receipt's own try of the life lock, whose result is not used.
    drop(decisions);
    world.refresh(0);
    steps::note(EXCLUDE);
    steps::note(LET_GO);
    // Whether the records say no, which the receipt's own try ends with.
    steps::note(LOOK);
    (confirmed, epoch)
}

/// The withdrawal has returned.
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
    // `self.lock_or_fail(…)`, `self.ledger.heal(…)`.
    let decisions = world.decide();
    let snapshot = world.look();
    // `State::Granted if !anew`: nothing changes.
    if !snapshot.is_open() {
        let epoch = snapshot.epoch() + 1;
        world.replace(Snapshot::new(true, epoch));
        world.granted.store(epoch, SeqCst);
        world.seen.granted.fetch_add(1, SeqCst);
    }
    drop(decisions);
    world.refresh(process);
}

/// `Admission::of`, and later `Journal::keep` in `src/journal/mod.rs`: locked first, then the gate is asked again, then the
/// line is written.
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

/// One order of a plan's steps.
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
    // What must hold when every thread is done.
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

/// The steps of a send, of a withdrawal, and of a yes after it, with nobody else about.
pub(crate) fn steps() -> [Vec<&'static str>; 3] {
    let world = World::new(Plan { working: true, slices: 2, ..PLAN }, Arc::default());
    [steps::of(|| send(&world, 0)), steps::of(|| _ = withdraw(&world)), steps::of(|| grant(&world, 0))]
}
