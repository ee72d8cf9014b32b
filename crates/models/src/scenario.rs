//! Scenarios: what a few threads of a few processes do with one store, and the conditions that must hold in every order
//! of their steps.
//!
//! Consent, its files, permits and the withdrawal are the real code, on a disk in memory. The sender is a model:
//! [`send`] represents the loops of `src/actions/send.rs`, `src/send/mod.rs` and `src/transport/http/line.rs`, and
//! `src/tests/steps.rs` compares its steps with theirs. Every violation is recorded, and the schedule fails at its end,
//! never earlier.

use crate::{
    actions::{grant, withdraw},
    ambient::{Ambient, Clock, Entropy},
    consent::{
        self, About, AddressLog, Audience, Consent, Constraints, Contract, Controller, Erasure, Languages, Ledger,
        Notice, Party, Patience, Permit, Place, Scope, ScopeStatic, ScopeWords, UseAnswer, Uses,
    },
    disk::Files,
    engine::{Engine, Journal, Keys, Registry, Tasks},
    memory::{Image, Memory},
    steps, switch,
    sync::{self, Mutex, Point, Signal},
};
use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The beginning of a failed schedule's message. It distinguishes a violation from an error in the model.
pub(crate) const VIOLATION: &str = "violation: ";

/// What each process does. Process 0 withdraws.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    pub(crate) processes: usize,
    /// The process of each sender.
    pub(crate) senders: &'static [usize],
    /// How many batches a sender tries.
    pub(crate) batches: usize,
    /// How many slices each batch has.
    pub(crate) slices: u32,
    /// Whether to reduce the steps. No removed step is between a withdrawal and a slice. Senders have only the parcel's
    /// permit, without the one that they otherwise hold from the first look to the last answer, so that less delays a
    /// withdrawal. Everything that they read before they open the life lock is read at one moment. Reading at several
    /// moments allows a send only if the snapshot, read at this one moment, allows it too.
    pub(crate) bare: bool,
    /// Whether senders determine the scope's place again for each batch, as the worker does, and so also send under a
    /// later grant.
    pub(crate) follow: bool,
    /// Whether the first sender holds its permit until the withdrawal has returned.
    pub(crate) lingers: bool,
    /// The process that grants again, after a notice, at any time.
    pub(crate) grants: Option<usize>,
    /// The process that grants again as soon as the withdrawal has returned.
    pub(crate) grants_after: Option<usize>,
    /// Whether process 0 records an event and looks at consent.
    pub(crate) records: bool,
}

static SCOPE: ScopeStatic = ScopeStatic::new(ScopeWords {
    name: "playback",
    constant: "PLAYBACK",
    title: "Playback",
    purpose: "Find out whether a slice can leave after a withdrawal.",
    benefit: "None",
    revision: 1,
    about: About::Installation,
    retention_days: 30,
    uses: Uses {
        training: UseAnswer::No,
        sale_or_sharing: UseAnswer::No,
        advertising: UseAnswer::No,
        profiling: UseAnswer::No,
        judging_workers: UseAnswer::No,
    },
    also_never: &[],
});

fn scope() -> Scope {
    let scope = Scope::of(&SCOPE);
    scope.set_index(1);
    scope
}

/// A clock on which the day never changes. Time limits are measured by the sleeps of the calling thread.
struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_308_355)
    }

    fn monotonic(&self) -> Instant {
        static START: OnceLock<Instant> = OnceLock::new();
        *START.get_or_init(Instant::now) + sync::slept()
    }
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill(7);
        Ok(())
    }
}

fn contract() -> Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    let make = || {
        let controller = Controller::new("Example SAS", "privacy@example.org", "FR")
            .address("1 rue de l'Exemple, Paris")
            .processors(&[])
            .hosting_countries(&["FR"])
            .onward_sharing(&[])
            .address_log(AddressLog::NotKept)
            .erasure(Erasure::Unsupported);
        let party = Party {
            application: "org.example.models".into(),
            service_version: None,
            controller: controller.checked().unwrap(),
            audience: Audience::Adults,
            endpoint: "http://localhost".into(),
            validity_days: 365,
            languages: Arc::new(Languages::new("en", "en", &[]).unwrap()),
        };
        Contract::new(&party, scope(), &[])
    };
    CONTRACT.get_or_init(make).clone()
}

const STORE: &str = "/data/org.example.models/candor-1";
const MARKS: &str = "/config/org.example.models/candor-1";

fn ledger(disk: &Memory) -> Ledger {
    let files = Files::new(Arc::new(disk.clone()), PathBuf::from("/data/org.example.models"));
    let ambient = Ambient::new(Arc::new(Still), Arc::new(Still));
    Ledger::new(files, STORE.into(), MARKS.into(), "org.example.models".into(), ambient)
}

/// One process: a client without its rings and threads.
fn process(disk: &Memory) -> Engine {
    let ambient = Ambient::new(Arc::new(Still), Arc::new(Still));
    let consent = Consent::new(ledger(disk), vec![contract()], Constraints::default(), false, ambient, 365);
    Engine { consent, keys: Keys, journal: Journal::default(), registry: Registry, tasks: Tasks }
}

/// Returns a store with one grant in it.
pub(crate) fn granted() -> Image {
    let disk = Memory::new(&Image::default(), &[]);
    let engine = process(&disk);
    engine.open();
    grant::grant(&engine, &scope().into(), &Patience::new()).unwrap();
    disk.image()
}

/// What was observed over all schedules of one plan.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen(Arc<Sums>);

impl std::ops::Deref for Seen {
    type Target = Sums;
    fn deref(&self) -> &Sums {
        &self.0
    }
}

impl Seen {
    /// Whether each important case occurred: slices were sent and were stopped, withdrawals were confirmed and were
    /// not. A plan without these cases would prove nothing.
    pub(crate) fn was_at_stake(&self, plan: Plan) -> bool {
        let was = |sum: &AtomicU64| sum.load(SeqCst) > 0;
        // A sender that holds its permit until the end sends no slices and is stopped, and no withdrawal is confirmed.
        let sent = plan.lingers || (was(&self.confirmed) && was(&self.slices));
        sent && was(&self.unconfirmed) && was(&self.stopped)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |sum: &AtomicU64| sum.load(SeqCst);
        write!(
            f,
            "{} schedules: {} confirmed, {} unconfirmed, {} failed; {} slices, {} of them late and unconfirmed, {} stopped; \
             {} granted again",
            of(&self.schedules),
            of(&self.confirmed),
            of(&self.unconfirmed),
            of(&self.failed),
            of(&self.slices),
            of(&self.late_slices),
            of(&self.stopped),
            of(&self.granted)
        )
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) schedules: AtomicU64,
    pub(crate) confirmed: AtomicU64,
    pub(crate) unconfirmed: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) slices: AtomicU64,
    pub(crate) late_slices: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) granted: AtomicU64,
}

/// Everything that the threads of one schedule share.
struct World {
    plan: Plan,
    seen: Seen,
    disk: Memory,
    processes: Vec<Engine>,
    /// The place of the grant with which the schedule starts.
    first: Place,
    /// The shared object that orders slices, questions and the end of a withdrawal.
    point: Point,
    /// A withdrawal has returned. A question about a lower epoch must not be answered with true.
    ended: AtomicU64,
    /// A withdrawal has returned confirmed. Data of a lower epoch must not be sent.
    confirmed: AtomicU64,
    returned: Signal,
    held: Signal,
    violations: std::sync::Mutex<Vec<String>>,
    granted: Mutex<Vec<u64>>,
}

impl World {
    fn violation(&self, what: impl Into<String>) {
        self.violations.lock().unwrap().push(what.into());
    }

    /// Asks once, as before a slice.
    fn ask(&self, permit: &Permit, place: Place) -> bool {
        self.point.read();
        let ended = self.ended.load(SeqCst);
        let is_authorized = permit.watch().is_authorized();
        if is_authorized && place.epoch < ended {
            self.violation("a question asked after the withdrawal had returned was answered with yes");
        }
        if !is_authorized {
            self.seen.stopped.fetch_add(1, SeqCst);
        }
        is_authorized
    }

    /// Hands one slice to the kernel. `late` counts the slices of this sender after a withdrawal had returned.
    fn slice(&self, place: Place, late: &mut u32) {
        self.point.read();
        steps::note(steps::SLICE);
        self.seen.slices.fetch_add(1, SeqCst);
        if place.epoch < self.confirmed.load(SeqCst) {
            self.violation("a slice left after the withdrawal had returned confirmed");
        }
        if place.epoch < self.ended.load(SeqCst) {
            self.seen.late_slices.fetch_add(1, SeqCst);
            *late += 1;
            // One late slice is allowed: its question was asked before the withdrawal returned. That is what an
            // unconfirmed withdrawal says.
            if *late > 1 {
                self.violation("a sender went on after the withdrawal had returned");
            }
        }
    }
}

/// A send: `Engine::send` in `src/actions/send.rs` and `Engine::send_batches` in `src/send/mod.rs`. The transport is
/// replaced by what `Line::patiently` in `src/transport/http/line.rs` does for each slice: ask, then write.
fn send(world: &World, engine: &Engine, linger: bool) {
    let mut late = 0;
    for _ in 0..world.plan.batches {
        // `Engine::tick`: a look at consent.
        let place = match world.plan.follow {
            false => world.first,
            true => {
                engine.refresh();
                let Some(&place) = engine.consent.open_places().first() else { continue };
                place
            }
        };
        // `let working`: held while any data of the scope is read or written.
        let working = match world.plan.bare {
            true => None,
            false => match engine.consent.permit(place.scope, place.generation, place.epoch).ok() {
                None => break,
                working => working,
            },
        };
        // `if !is_authorized()`, before each batch.
        if working.as_ref().is_some_and(|working| !world.ask(working, place)) {
            break;
        }
        // `let sealed`: the parcel's own permit, which fits its batch.
        if world.plan.bare {
            world.disk.merge(&PathBuf::from(STORE).join("consent"));
        }
        let sealed = engine.consent.permit(place.scope, place.generation, place.epoch).ok();
        let Some(permit) = sealed.filter(|permit| permit.covers("playback", place.generation, place.epoch)) else {
            break;
        };
        if linger {
            world.held.give();
            world.returned.wait();
        }
        for number in 0..world.plan.slices {
            // Two mistakes are made here: slices without a question, and a first slice that relies on a permit which
            // asked before it held its lock.
            let taken = switch::on("slices not asked for") || (number == 0 && switch::on("asked first, locked after"));
            if !taken && !world.ask(&permit, place) {
                break;
            }
            world.slice(place, &mut late);
        }
        drop(permit);
        // The check after the send: `if !is_authorized()`.
        let _ = working.as_ref().map(|working| world.ask(working, place));
        drop(working);
    }
}

/// Withdraws and checks the state after that. If a sender lingers, the withdrawal starts when that sender holds its
/// permit.
fn withdraw(world: &World) {
    let engine = &world.processes[0];
    if world.plan.lingers {
        world.held.wait();
    }
    let receipt = withdraw::withdraw(engine, scope());
    world.point.write();
    match receipt {
        Ok(receipt) => {
            // A withdrawal that was written only as a tombstone has no epoch of its own.
            let over = receipt.epoch.max(world.first.epoch + 1);
            world.ended.fetch_max(over, SeqCst);
            if receipt.confirmed {
                world.confirmed.fetch_max(over, SeqCst);
                world.seen.confirmed.fetch_add(1, SeqCst);
                if world.plan.lingers {
                    world.violation("confirmed although a sender held its permit");
                }
            } else {
                world.seen.unconfirmed.fetch_add(1, SeqCst);
            }
            let gate = engine.consent.gates().epoch(scope());
            if gate != 0 && gate < over {
                world.violation("the gate of the process that withdrew is open under an older epoch");
            }
            if receipt.destroyed.complete && engine.journal.waiting().iter().any(|place| place.epoch < over) {
                world.violation("something waits after the withdrawal had returned");
            }
        }
        Err(_) => {
            world.seen.failed.fetch_add(1, SeqCst);
            if engine.consent.gates().epoch(scope()) == world.first.epoch {
                world.violation("the withdrawal failed, and its own process goes on");
            }
        }
    }
    world.returned.give();
    if let Some(process) = world.plan.grants_after {
        grant(world, &world.processes[process]);
    }
}

fn grant(world: &World, engine: &Engine) {
    static NOTICE: OnceLock<Notice> = OnceLock::new();
    let notice = NOTICE.get_or_init(|| contract().notice().unwrap());
    if let Ok(receipt) = grant::grant(engine, &scope().shown(notice), &Patience::new()) {
        world.granted.lock().push(receipt.epoch);
        world.seen.granted.fetch_add(u64::from(receipt.epoch != world.first.epoch), SeqCst);
    }
}

/// Models a recording thread and the worker of process 0: an admitted event is stored, after another look at consent.
fn record(world: &World, engine: &Engine) {
    for _ in 0..2 {
        let Some(admission) = consent::Admission::of(engine.consent.gates(), scope()) else { continue };
        let place = Place { epoch: admission.epoch(), ..world.first };
        engine.refresh();
        engine.journal.keep(&engine.consent, place);
    }
}

/// Checks what must hold when every thread has ended. The records are intact. No grant is open that is older than a
/// withdrawal that returned. No younger grant was lost. Every open gate agrees with the records.
fn judge(world: &World) {
    world.disk.quiet(true);
    let ended = world.ended.load(SeqCst);
    let reader = process(&world.disk);
    if reader.consent.status(scope()).map_or(true, |status| status.trouble.is_some()) {
        world.violation("the records don't fit together any more");
    }
    let open = reader.consent.granted_place(scope()).unwrap().map(|place| place.epoch);
    if open.is_some_and(|open| open < ended) {
        world.violation("the scope is open under an epoch older than the withdrawal");
    }
    let younger = world.granted.lock().iter().copied().max().filter(|&epoch| epoch > ended);
    if world.seen.failed.load(SeqCst) == 0 && younger.is_some() && younger != open {
        world.violation("a yes that came after the withdrawal was lost");
    }
    for engine in &world.processes {
        engine.refresh();
        let gate = engine.consent.gates().epoch(scope());
        if gate != 0 && Some(gate) != open {
            world.violation("a gate is open that the records don't open");
        }
        if engine.journal.waiting().iter().any(|place| place.epoch < ended) && world.confirmed.load(SeqCst) == ended {
            world.violation("something waits that the withdrawal was to destroy");
        }
    }
}

/// Runs one schedule of a plan, from a store with one grant in it.
pub(crate) fn run(plan: Plan, image: &Image, seen: &Seen) {
    seen.schedules.fetch_add(1, SeqCst);
    let store = |name: &str| PathBuf::from(STORE).join(name);
    let marks = |name: &str| PathBuf::from(MARKS).join(name);
    let paths = ["consent.new", "consent.lock", "playback.life", "playback.revoked", "playback.ended"].map(store);
    let paths = [&paths[..], &["high.new", "playback.revoked", "playback.ended"].map(marks)].concat();
    let disk = Memory::new(image, &paths);
    let processes: Vec<Engine> = (0..plan.processes).map(|_| process(&disk)).collect();
    for engine in &processes {
        engine.open();
        // Everything that is made at its first use is made now.
        assert!(engine.consent.granted_place(scope()).unwrap().is_some(), "the store holds a yes");
        assert!(!engine.consent.open_places().is_empty(), "its gate is open");
    }
    let first = processes[0].consent.open_places()[0];
    for engine in &processes {
        drop(engine.consent.permit(first.scope, first.generation, first.epoch).unwrap());
        engine.consent.while_undecided(|_| ());
    }
    let world = Arc::new(World {
        plan,
        seen: seen.clone(),
        disk,
        processes,
        first,
        point: Point::new(),
        ended: AtomicU64::new(0),
        confirmed: AtomicU64::new(0),
        returned: Signal::new(),
        held: Signal::new(),
        violations: std::sync::Mutex::default(),
        granted: Mutex::default(),
    });
    world.disk.quiet(false);
    let mut threads = Vec::new();
    for (number, &process) in plan.senders.iter().enumerate() {
        let world = world.clone();
        let linger = plan.lingers && number == 0;
        threads.push(sync::spawn(move || send(&world, &world.processes[process], linger)));
    }
    if let Some(process) = plan.grants {
        let world = world.clone();
        threads.push(sync::spawn(move || grant(&world, &world.processes[process])));
    }
    if plan.records {
        let world = world.clone();
        threads.push(sync::spawn(move || record(&world, &world.processes[0])));
    }
    withdraw(&world);
    for thread in threads {
        thread.join().unwrap();
    }
    judge(&world);
    let violations = std::mem::take(&mut *world.violations.lock().unwrap());
    assert!(violations.is_empty(), "{VIOLATION}{}", violations[0]);
}

/// Returns the steps of a send, of a withdrawal, and of a grant after it, with no other thread running.
pub(crate) fn steps(image: &Image) -> [Vec<&'static str>; 3] {
    let disk = Memory::new(image, &[]);
    let engine = process(&disk);
    engine.open();
    let first = engine.consent.open_places()[0];
    let world = World {
        plan: Plan { processes: 1, batches: 1, slices: 2, ..Plan::default() },
        seen: Seen::default(),
        disk,
        processes: vec![engine],
        first,
        point: Point::new(),
        ended: AtomicU64::new(0),
        confirmed: AtomicU64::new(0),
        returned: Signal::new(),
        held: Signal::new(),
        violations: std::sync::Mutex::default(),
        granted: Mutex::default(),
    };
    let engine = &world.processes[0];
    [
        steps::of(|| send(&world, engine, false)),
        steps::of(|| drop(withdraw::withdraw(engine, scope()).unwrap())),
        steps::of(|| grant(&world, engine)),
    ]
}
