//! The world of one run: which process runs next, the time, and what goes wrong. All of it follows from the seed.
//!
//! Each simulated process is a thread, and only one thread runs at a time. At every call of a seam (the traits for disk, clock,
//! random generator and transport) the thread asks this module, and another thread may run first. The real clock, real random
//! numbers and the order in which the machine schedules threads are never used.

use super::{super::platform::Errno, oracle::Oracle};
use crate::{
    ambient::{Clock, Entropy, instant},
    disk::Disk,
    tests::memory::{Memory, Pid},
};
use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub(super) const MILLI: u64 = 1_000;
pub(super) const SECOND: u64 = 1_000_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;

/// How many of the last steps are printed after a violation.
const TOLD: usize = 120;
/// More steps than any correct run takes.
const STEPS_MOST: u64 = 400_000;

/// The panic payload that unwinds the thread of a killed process.
pub(super) struct Killed;

/// A generator of pseudo-random numbers (SplitMix64).
#[derive(Clone)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Returns `true` once in `times` calls on average; never for 0.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        times != 0 && self.below(times) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// What may go wrong in one run, and how often: once in this many steps, 0 for never.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) switches: u64,
    pub(super) faults: u64,
    pub(super) outages: u64,
    pub(super) kills: u64,
    pub(super) stops: u64,
    pub(super) jumps: u64,
    pub(super) leaps: u64,
    pub(super) clean_ups: u64,
    pub(super) moves: u64,
    /// Of ten requests, this many don't get a plain acceptance.
    pub(super) bad_answers: u64,
}

impl Plan {
    pub(super) fn of(rng: &mut Rng) -> Plan {
        let mut some = |chance: u64, least: u64, most: u64| {
            if rng.below(100) < chance { least + rng.below(most - least) } else { 0 }
        };
        Plan {
            switches: 1 + some(90, 1, 30),
            faults: some(55, 30, 600),
            outages: some(35, 300, 3_000),
            kills: some(55, 150, 2_500),
            stops: some(45, 100, 2_000),
            jumps: some(25, 300, 3_000),
            leaps: some(6, 800, 3_000),
            clean_ups: some(15, 300, 2_000),
            moves: some(8, 600, 3_000),
            bad_answers: some(60, 1, 9),
        }
    }
}

/// A period in which the disk fails with one error.
#[derive(Debug, Clone)]
struct Outage {
    until: u64,
    code: Errno,
    /// Calls that read or open fail. `writes` is for all other calls.
    reads: bool,
    writes: bool,
    /// If set, only this process fails, for example because it has no descriptors left.
    actor: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct Actor {
    wakes_at: u64,
    stopped_until: u64,
    done: bool,
    dead: bool,
    /// The number of errors injected into the current call.
    faults: u64,
    /// The step at which that call began.
    began: u64,
    /// Whether the process writes only the event that it is now given, and no earlier ones.
    alone: bool,
    /// The step at which the first event was recorded that may not be written yet.
    recorded: Option<u64>,
}

struct State {
    rng: Rng,
    plan: Plan,
    /// Nothing goes wrong any more.
    calm: bool,
    running: usize,
    actors: Vec<Actor>,
    outage: Option<Outage>,
    /// Set while the store is moved away: since which step, and until which time.
    moved: Option<(u64, u64)>,
    leap_until: Option<u64>,
    steps: u64,
    hash: u64,
    told: VecDeque<(u64, usize, String)>,
    /// How many of the last steps are kept for printing.
    tells: usize,
    violation: Option<String>,
}

/// The time of the run.
pub(super) struct Times {
    /// The microseconds that have passed. `offset` is the error of the wall clock, in milliseconds.
    passed: AtomicU64,
    offset: AtomicI64,
    begin: u64,
    base: Instant,
}

impl Times {
    /// Milliseconds since 1970, as the processes see it.
    fn wall(&self) -> u64 {
        (self.begin + self.passed.load(SeqCst) / MILLI).saturating_add_signed(self.offset.load(SeqCst))
    }
}

pub(super) struct World {
    state: Mutex<State>,
    turns: Vec<Condvar>,
    pub(super) times: Arc<Times>,
    next_pid: AtomicU32,
    memory: Memory,
    pub(super) oracle: Mutex<Oracle>,
}

/// The outcome of a call.
pub(super) enum Fate {
    Goes,
    Fails(io::Error),
    /// The process is killed after the call has done its work, or a part of it.
    DiesAfter,
}

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Look,
    Open,
    Make,
    Write,
    Remove,
    Lock,
}

/// The errors that a kind of call returns on a real system.
fn errors(sort: Sort) -> &'static [Errno] {
    match sort {
        Sort::Look => &[Errno::IO, Errno::ACCESS, Errno::STALE, Errno::NOMEM],
        Sort::Open => &[Errno::IO, Errno::MFILE, Errno::NFILE, Errno::ACCESS, Errno::STALE, Errno::NOMEM],
        Sort::Make => &[
            Errno::IO,
            Errno::MFILE,
            Errno::NFILE,
            Errno::ACCESS,
            Errno::NOSPC,
            Errno::ROFS,
            Errno::NOMEM,
            Errno::STALE,
        ],
        Sort::Write => &[Errno::IO, Errno::NOSPC, Errno::STALE],
        Sort::Remove => &[Errno::IO, Errno::ACCESS, Errno::ROFS, Errno::NOSPC],
        Sort::Lock => &[Errno::NOLCK, Errno::IO],
    }
}

pub(super) struct SimClock(pub(super) Arc<Times>);

impl Clock for SimClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.wall())
    }

    fn monotonic(&self) -> Instant {
        self.0.base + Duration::from_micros(self.0.passed.load(SeqCst))
    }
}

pub(super) struct SimEntropy(pub(super) Arc<World>);

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.state();
        for byte in bytes {
            *byte = state.rng.next() as u8;
        }
        Ok(())
    }
}

impl World {
    /// A world of `actors` processes, none of which runs yet.
    pub(super) fn new(seed: u64, actors: usize) -> Arc<World> {
        let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5117);
        let plan = Plan::of(&mut rng);
        // Some of these days are critical for calendars, such as the end of a year.
        let days = [20_522, 20_527, 20_818, 21_243, 21_974, 24_855, 20_454, 20_649, 20_700, 20_879];
        let begin = *rng.pick(&days) * 86_400_000 + rng.below(86_400_000);
        let state = State {
            rng,
            plan,
            calm: false,
            running: 0,
            actors: vec![Actor::default(); actors],
            outage: None,
            moved: None,
            leap_until: None,
            steps: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            told: VecDeque::new(),
            tells: TOLD,
            violation: None,
        };
        let times = Times { passed: AtomicU64::new(0), offset: AtomicI64::new(0), begin, base: instant() };
        let times = Arc::new(times);
        let memory = Memory::new(Arc::new(SimClock(times.clone())));
        memory.put(Path::new("/home/.keep"), b"a home");
        memory.put(Path::new("/proc/sys/kernel/random/boot_id"), b"one\n");
        Arc::new(World {
            state: Mutex::new(state),
            turns: (0..actors).map(|_| Condvar::new()).collect(),
            times,
            next_pid: AtomicU32::new(1),
            memory,
            oracle: Mutex::default(),
        })
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Microseconds that have passed.
    pub(super) fn passed(&self) -> u64 {
        self.times.passed.load(SeqCst)
    }

    /// Milliseconds since 1970, as the processes see it.
    pub(super) fn wall(&self) -> u64 {
        self.times.wall()
    }

    pub(super) fn fresh_pid(&self) -> Pid {
        self.next_pid.fetch_add(1, SeqCst)
    }

    /// The number of the current step. It gives the order of events.
    pub(super) fn step(&self) -> u64 {
        self.state().steps
    }

    pub(super) fn hash(&self) -> u64 {
        self.state().hash
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.state().violation.clone()
    }

    pub(super) fn told(&self) -> Vec<String> {
        let state = self.state();
        state.told.iter().map(|(step, actor, what)| format!("{step:>7} p{actor} {what}")).collect()
    }

    pub(super) fn plan(&self) -> Plan {
        self.state().plan.clone()
    }

    pub(super) fn is_calm(&self) -> bool {
        self.state().calm
    }

    pub(super) fn random(&self, limit: u64) -> u64 {
        self.state().rng.below(limit)
    }

    /// Reports a violation. Only the first one is kept.
    pub(super) fn violated(&self, what: String) {
        let mut state = self.state();
        if state.violation.is_none() {
            state.note(usize::MAX, &format!("VIOLATED: {what}"));
            state.violation = Some(what);
        }
    }

    /// The step since which the store is moved away, if it is.
    pub(super) fn moved(&self) -> Option<u64> {
        self.state().moved.map(|(since, _)| since)
    }

    /// Keeps the whole trace for printing.
    pub(super) fn tell_all(&self) {
        self.state().tells = usize::MAX;
    }

    /// Adds a line to the trace without counting a step.
    pub(super) fn note(&self, actor: usize, what: &str) {
        self.state().note(actor, what);
    }

    pub(super) fn is_dead(&self, me: usize) -> bool {
        self.state().actors[me].dead
    }

    pub(super) fn revived(&self, me: usize) {
        self.state().actors[me].dead = false;
    }

    /// Resets the count of injected errors and the begin of the current call.
    pub(super) fn begin_counting(&self, me: usize) {
        let step = self.step();
        let actor = &mut self.state().actors[me];
        (actor.faults, actor.began) = (0, step);
    }

    /// Call before an event is recorded. A durable event is written by itself.
    pub(super) fn records(&self, me: usize, durable: bool) {
        let step = self.step();
        let actor = &mut self.state().actors[me];
        actor.alone = durable;
        if !durable {
            actor.recorded.get_or_insert(step);
        }
    }

    /// Call after the event was recorded. `all` means that every event has been written or dropped.
    pub(super) fn has_recorded(&self, me: usize, all: bool) {
        let actor = &mut self.state().actors[me];
        actor.alone = false;
        if all {
            actor.recorded = None;
        }
    }

    /// The earliest step at which data written now may have been recorded.
    pub(super) fn recorded(&self, me: usize) -> u64 {
        let actor = &self.state().actors[me];
        actor.recorded.filter(|_| !actor.alone).unwrap_or(actor.began)
    }

    pub(super) fn faults(&self, me: usize) -> u64 {
        self.state().actors[me].faults
    }

    /// Begins a short outage for one process in which nothing can be written, so that the decision that follows is hard to store.
    pub(super) fn takes_nothing(&self, me: usize) {
        let mut state = self.state();
        if state.calm || state.plan.outages == 0 || state.outage.is_some() {
            return;
        }
        let code = *state.rng.pick(&[
            Errno::IO,
            Errno::MFILE,
            Errno::NOSPC,
            Errno::ROFS,
            Errno::NOMEM,
            Errno::ACCESS,
            Errno::STALE,
        ]);
        let time = *state.rng.pick(&[MILLI, 20 * MILLI, 200 * MILLI, SECOND]);
        let reads = state.rng.once_in(4);
        let outage = Outage { until: self.passed() + time, code, reads, writes: true, actor: Some(me) };
        state.note(me, &format!("begins: {outage:?}"));
        state.outage = Some(outage);
    }

    /// Ends all failures: the clock is right, and stopped processes continue.
    pub(super) fn calm_down(&self) {
        let mut state = self.state();
        state.calm = true;
        state.outage = None;
        let passed = self.passed();
        for actor in &mut state.actors {
            actor.stopped_until = actor.stopped_until.min(passed);
        }
        self.times.offset.store(0, SeqCst);
        state.leap_until = None;
        if let Some((since, _)) = state.moved.take() {
            self.move_back(since);
        }
    }

    /// Waits for the first turn.
    pub(super) fn enter(&self, me: usize) {
        let mut state = self.state();
        while state.running != me {
            state = self.turns[me].wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Ends this thread's part of the run.
    pub(super) fn leave(&self, me: usize) {
        let mut state = self.state();
        state.actors[me].done = true;
        self.hand_on(&mut state, me, true);
    }

    /// Sleeps while other threads run.
    pub(super) fn sleep(&self, me: usize, micros: u64) {
        if self.is_over(me) {
            return;
        }
        let mut state = self.state();
        let passed = self.passed();
        state.actors[me].wakes_at = passed + micros;
        state.note(me, &format!("sleeps {micros} us"));
        self.switch(state, me, true);
    }

    /// Whether this thread must not continue: its process was killed, or there was a violation. Unwinds the thread in that case.
    fn is_over(&self, me: usize) -> bool {
        let mut state = self.state();
        let over = state.actors[me].dead || state.violation.is_some();
        if over {
            state.actors[me].dead = true;
            drop(state);
            if !std::thread::panicking() {
                std::panic::resume_unwind(Box::new(Killed));
            }
        }
        over
    }

    /// A step of this thread at a seam. Other threads may run first. Returns the outcome of the call.
    pub(super) fn at_seam(self: &Arc<Self>, me: usize, pid: Pid, sort: Option<Sort>, what: &str, path: &Path) -> Fate {
        if self.is_over(me) {
            return Fate::Fails(io::Error::from(io::ErrorKind::Interrupted));
        }
        let mut state = self.state();
        if !state.calm {
            self.disturb(&mut state, me);
        }
        let must = state.actors[me].stopped_until > self.passed();
        self.switch(state, me, must);
        let mut state = self.state();
        state.steps += 1;
        let pause = 1 + state.rng.below(60);
        self.times.passed.fetch_add(pause, SeqCst);
        let mut fate = Fate::Goes;
        if state.steps > STEPS_MOST {
            drop(state);
            self.violated(format!("no end after {STEPS_MOST} steps"));
            self.is_over(me);
            return Fate::Fails(io::Error::from(io::ErrorKind::Interrupted));
        }
        let mut told = "";
        if !state.calm {
            let kills = state.plan.kills;
            if state.rng.once_in(kills) {
                if state.rng.once_in(2) {
                    state.note(me, &format!("KILLED before {what} {}", short(path)));
                    drop(state);
                    self.kill(me, pid);
                    return Fate::Fails(io::Error::from(io::ErrorKind::Interrupted));
                }
                told = " KILLED after";
                fate = Fate::DiesAfter;
            } else if let Some(code) = sort.and_then(|sort| self.fails(&mut state, me, sort)) {
                state.actors[me].faults += 1;
                state.note(me, &format!("{what} {} FAILS {code}", short(path)));
                return Fate::Fails(io::Error::from_raw_os_error(code.raw_os_error()));
            }
        }
        state.note(me, &format!("{what} {}{told}", short(path)));
        fate
    }

    /// Kills this process now.
    pub(super) fn kill(&self, me: usize, pid: Pid) {
        self.memory().kill(pid);
        self.state().actors[me].dead = true;
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new(Killed));
        }
    }

    fn fails(&self, state: &mut State, me: usize, sort: Sort) -> Option<Errno> {
        let passed = self.passed();
        if let Some(outage) = state.outage.clone() {
            if outage.until <= passed {
                state.outage = None;
                state.note(me, "the outage ends");
            } else if outage.actor.is_none_or(|actor| actor == me) {
                let reads = matches!(sort, Sort::Look | Sort::Open);
                if (if reads { outage.reads } else { outage.writes }) && errors(sort).contains(&outage.code) {
                    return Some(outage.code);
                }
            }
        }
        let faults = state.plan.faults;
        state.rng.once_in(faults).then(|| *state.rng.pick(errors(sort)))
    }

    /// Causes events around the processes: stops, outages, clock jumps, clean-ups and moves of the store.
    fn disturb(&self, state: &mut State, me: usize) {
        let passed = self.passed();
        let plan = state.plan.clone();
        if state.rng.once_in(plan.stops) {
            let time = *state.rng.pick(&[MILLI, 50 * MILLI, 400 * MILLI, 2 * SECOND, 10 * SECOND, 90 * SECOND]);
            state.actors[me].stopped_until = passed + time;
            state.note(me, &format!("is stopped for {} ms", time / MILLI));
        }
        if state.outage.is_none() && state.rng.once_in(plan.outages) {
            let code = *state.rng.pick(&[
                Errno::IO,
                Errno::MFILE,
                Errno::NOSPC,
                Errno::ROFS,
                Errno::NOMEM,
                Errno::ACCESS,
                Errno::STALE,
            ]);
            let time = *state.rng.pick(&[MILLI, 20 * MILLI, SECOND, 30 * SECOND, 3 * MINUTE]);
            let actor = state.rng.once_in(2).then(|| state.rng.below(state.actors.len() as u64) as usize);
            let (reads, writes) = *state.rng.pick(&[(true, true), (false, true), (true, false)]);
            let outage = Outage { until: passed + time, code, reads, writes, actor };
            state.note(me, &format!("begins: {outage:?}"));
            state.outage = Some(outage);
        }
        if state.rng.once_in(plan.jumps) {
            // Two such offsets differ by less than a day. A clock that is set back by more counts as a leap.
            let hours = state.rng.below(24) as i64 - 12;
            self.times.offset.store(hours * 3_600_000, SeqCst);
            state.note(me, &format!("the clock is {hours} h off"));
        }
        if let Some(until) = state.leap_until {
            if until <= passed {
                state.leap_until = None;
                self.times.offset.store(0, SeqCst);
                state.note(me, "the clock is right again");
            }
        } else if state.rng.once_in(plan.leaps) {
            let days = *state.rng.pick(&[8i64, 40, 400, -3, -40]);
            self.times.offset.store(days * 86_400_000, SeqCst);
            let time = *state.rng.pick(&[SECOND, MINUTE, 5 * MINUTE]);
            state.leap_until = Some(passed + time);
            self.oracle().clock_leapt = true;
            state.note(me, &format!("the clock leaps by {days} days"));
        }
        if state.rng.once_in(plan.clean_ups) {
            let now = (self.wall() / 1_000) as i64;
            for (path, bytes) in self.memory().everything() {
                let changed = self.admin().stat(&path).ok().flatten().map(|stat| stat.version.seconds as i64);
                let old = changed.is_some_and(|at| at + 3_600 < now);
                // A clean-up job that takes lock files for leftovers.
                let is_lock = path.extension().is_some_and(|extension| extension == "life" || extension == "lock");
                if (bytes.is_empty() || is_lock) && old {
                    self.oracle().cleaned_up |= is_lock;
                    state.note(me, &format!("a clean-up removes {}", short(&path)));
                    self.memory().take(&path);
                }
            }
        }
        match state.moved {
            Some((since, until)) if until <= passed => {
                state.moved = None;
                state.note(me, "the store is moved back");
                self.move_back(since);
            }
            None if state.rng.once_in(plan.moves) => self.move_away(state, me),
            _ => {}
        }
    }

    fn move_away(&self, state: &mut State, me: usize) {
        if self.admin().rename(Path::new(STORE), Path::new(AWAY)).is_err() {
            return;
        }
        // Either the store and the configuration directory are moved, or only the store.
        if state.rng.once_in(2) {
            let _ = self.admin().rename(Path::new(MARKS), Path::new(MARKS_AWAY));
        }
        let time = *state.rng.pick(&[10 * MILLI, 5 * SECOND, 5 * MINUTE]);
        state.moved = Some((state.steps, self.passed() + time));
        self.oracle().store_moved = true;
        state.note(me, "the store is moved away");
    }

    fn move_back(&self, since: u64) {
        self.oracle().moved_back(since);
        let _ = self.admin().remove_tree(Path::new(STORE));
        let _ = self.admin().rename(Path::new(AWAY), Path::new(STORE));
        if matches!(self.admin().stat(Path::new(MARKS_AWAY)), Ok(Some(_))) {
            let _ = self.admin().remove_tree(Path::new(MARKS));
            let _ = self.admin().rename(Path::new(MARKS_AWAY), Path::new(MARKS));
        }
    }

    /// The disk as a process without faults sees it.
    fn admin(&self) -> Arc<dyn Disk> {
        self.memory().process(0)
    }

    pub(super) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Perhaps lets another thread run first. With `must`, while this thread sleeps or is stopped, it always does.
    fn switch(&self, mut state: MutexGuard<'_, State>, me: usize, must: bool) {
        let often = state.plan.switches;
        if must || state.rng.once_in(often) {
            self.hand_on(&mut state, me, must);
            while state.running != me {
                state = self.turns[me].wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
        drop(state);
        // There was a violation meanwhile.
        if self.violation().is_some() {
            self.is_over(me);
        }
    }

    fn hand_on(&self, state: &mut State, me: usize, must: bool) {
        let passed = self.passed();
        let at = |actor: &Actor| actor.wakes_at.max(actor.stopped_until);
        let over = state.violation.is_some();
        let ready: Vec<usize> = (0..state.actors.len())
            .filter(|&who| !state.actors[who].done && (over || at(&state.actors[who]) <= passed))
            .collect();
        let next = match ready.as_slice() {
            [] => {
                let next = (0..state.actors.len()).filter(|&who| !state.actors[who].done);
                let Some(next) = next.min_by_key(|&who| at(&state.actors[who])) else {
                    state.running = usize::MAX;
                    return;
                };
                self.times.passed.fetch_max(at(&state.actors[next]), SeqCst);
                next
            }
            ready if !must || ready.len() > 1 || ready[0] != me => *state.rng.pick(ready),
            ready => ready[0],
        };
        if next != state.running {
            state.running = next;
            self.turns[next].notify_one();
        }
    }
}

/// The path of the store, and the path to which it is moved.
pub(super) const STORE: &str = "/home/data/org.example.crash";
const AWAY: &str = "/home/away";
const MARKS: &str = "/home/config/org.example.crash";
const MARKS_AWAY: &str = "/home/away.config";

impl State {
    fn note(&mut self, actor: usize, what: &str) {
        for byte in what.bytes().chain([actor as u8]) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.told.len() == self.tells {
            self.told.pop_front();
        }
        self.told.push_back((self.steps, actor, what.to_owned()));
    }
}

/// The end of a path, which is enough in a trace.
pub(super) fn short(path: &Path) -> String {
    let whole = path.to_string_lossy();
    let below =
        |of: &str| whole.strip_prefix(of).and_then(|rest| rest.strip_prefix('/').or(rest.is_empty().then_some("")));
    let short = below(STORE).or_else(|| below("/home")).unwrap_or(&whole);
    match short.strip_prefix("candor-1") {
        Some("") => String::new(),
        Some(rest) => rest.strip_prefix('/').unwrap_or(short).to_owned(),
        None => short.to_owned(),
    }
}
