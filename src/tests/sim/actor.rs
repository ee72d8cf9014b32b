//! A simulated process: creates a client, uses it step by step, dies, and starts again.

use super::{
    disk::SimDisk,
    oracle::{Act, Came},
    server::Server,
    world::{HOUR, Killed, MILLI, MINUTE, SECOND, SimClock, SimEntropy, World},
};
use crate::{
    Client, Error, Scope,
    consent::{History, Receipt},
    mutants::{self, Mutant},
    send::Occasion,
    sync,
    tests::{
        CRASH, Happened, config,
        memory::Pid,
        views::{Both, VIEWS},
    },
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

pub(super) const SCOPES: [Scope; 2] = [CRASH, VIEWS];

/// The longest time that a call may take once the run is calm.
const CALL_MOST: u64 = 30 * SECOND;

pub(super) struct Actor {
    pub(super) world: Arc<World>,
    pub(super) me: usize,
    pid: Pid,
    client: Option<Client>,
    /// Events that the current client admitted.
    admitted: u64,
    /// The client saw the store while it was in its place.
    knows_store: bool,
    /// The client first saw a store that was made while the real one was moved away.
    knows_another: bool,
    /// The person's refusals for which this client returned an error. `bare` has the grants that the program made without showing
    /// a notice.
    failed: Vec<(&'static str, usize)>,
    bare: Vec<usize>,
}

/// How a piece of work ended.
enum Ended<T> {
    Well(T),
    /// The process was killed meanwhile.
    Killed,
}

impl Actor {
    pub(super) fn new(world: &Arc<World>, me: usize) -> Self {
        Actor {
            world: world.clone(),
            me,
            pid: world.fresh_pid(),
            client: None,
            admitted: 0,
            knows_store: false,
            knows_another: false,
            failed: Vec::new(),
            bare: Vec::new(),
        }
    }

    /// Runs on the thread of this process.
    pub(super) fn run(mut self, mutant: Option<Mutant>, script: impl FnOnce(&mut Actor)) {
        let (world, me) = (self.world.clone(), self.me);
        world.enter(me);
        let waits = {
            let world = world.clone();
            move |time: Duration| world.sleep(me, (time.as_micros() as u64).max(1))
        };
        let ran = catch_unwind(AssertUnwindSafe(|| {
            mutants::with(mutant, || {
                sync::waiting_by(waits, || {
                    script(&mut self);
                    self.end();
                });
            });
        }));
        if let Err(payload) = ran
            && !payload.is::<Killed>()
        {
            world.violated(format!("process {me} panicked: {}", told(&*payload)));
        }
        // Dropping the client calls the disk once more, which unwinds this thread again if there was a violation.
        let client = self.client.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(client)));
        world.leave(me);
    }

    /// Does work during which this process may be killed. If it is, the client is dropped and the process gets a new id.
    fn alive<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Ended<T> {
        self.world.begin_counting(self.me);
        let began = self.world.step();
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        if self.world.faults(self.me) > 0 {
            for (_, step, sound) in self.world.oracle().accepted.values_mut() {
                *sound &= *step < began;
            }
        }
        match done {
            Ok(value) if !self.world.is_dead(self.me) => return Ended::Well(value),
            Ok(_) => {}
            Err(payload) if payload.is::<Killed>() => {}
            Err(payload) => self.world.violated(format!("a call panicked: {}", told(&*payload))),
        }
        if self.world.violation().is_some() {
            std::panic::resume_unwind(Box::new(Killed));
        }
        // Dropping the client calls the disk once more, which does nothing.
        let client = self.client.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(client)));
        self.pid = self.world.fresh_pid();
        self.world.revived(self.me);
        Ended::Killed
    }

    pub(super) fn sleep(&self, micros: u64) {
        self.world.sleep(self.me, micros);
    }

    fn start(&mut self) {
        let world = self.world.clone();
        let mut config = config(Path::new("/home"));
        config.disk = Arc::new(SimDisk::new(&world, self.me, self.pid));
        config.clock = Arc::new(SimClock(world.times.clone()));
        config.entropy = Arc::new(SimEntropy(world.clone()));
        let server = Server { world: world.clone(), actor: self.me, pid: self.pid };
        config.transport = Some(("the simulated receiver".into(), Arc::new(server)));
        (self.admitted, self.knows_store, self.knows_another) = (0, false, false);
        self.failed.clear();
        self.world.note(self.me, "starts");
        let made = self.alive(|actor| match Client::without_worker(config) {
            Ok(client) => actor.client = Some(client),
            Err(error) => actor.world.violated(format!("no client could be made: {error}")),
        });
        if matches!(made, Ended::Killed) {
            self.world.note(self.me, "died as it started");
        }
    }

    /// Shuts the client down and checks that each admitted event is accounted for.
    pub(super) fn end(&mut self) {
        let _ = self.alive(|actor| {
            let Some(client) = actor.client.take() else { return };
            let engine = client.engine().clone();
            actor.world.note(actor.me, "shuts down");
            let drained = client.shutdown(Duration::from_secs(5));
            drop(client);
            let counters = &engine.journal.counters;
            if drained && counters.ended() < actor.admitted {
                let (admitted, ended) = (actor.admitted, counters.ended());
                actor.world.violated(format!("{admitted} events were let in, and {ended} have an end"));
            }
        });
    }

    /// Calls the client. Returns `None` if there is no client or the process was killed.
    fn ask<T>(&mut self, what: &str, ask: impl FnOnce(&Client) -> T) -> Option<T> {
        if self.client.is_none() {
            self.start();
        }
        self.client.as_ref()?;
        self.world.note(self.me, what);
        let is_known = self.client.as_ref().is_some_and(|client| client.consent().is_known());
        match self.world.moved() {
            None => self.knows_store |= is_known && !self.knows_another,
            Some(_) => self.knows_another |= is_known && !self.knows_store,
        }
        match self.alive(|actor| ask(actor.client.as_ref().unwrap())) {
            Ended::Well(value) => Some(value),
            Ended::Killed => None,
        }
    }

    /// Reports that the scope was open in this process after a step, and checks that against the decisions.
    fn seen_open(&self, scope: Scope, after: u64, how: &str) {
        let oracle = self.world.oracle();
        let mut wrong: Vec<String> = oracle.seen_open(scope.name(), after, how).into_iter().collect();
        let failed = self.failed.iter().filter(|(name, _)| *name == scope.name());
        wrong.extend(failed.filter_map(|(_, no)| oracle.seen_open_here(*no, &self.bare, after, how)));
        drop(oracle);
        wrong.into_iter().for_each(|wrong| self.world.violated(wrong));
    }

    /// Makes a decision and reports it, with its result, to the oracle.
    pub(super) fn decide(&mut self, act: Act, scope: Scope, decide: impl FnOnce(&Client) -> Result<Receipt, Error>) {
        if self.client.is_none() {
            self.start();
        }
        if self.client.is_none() {
            return;
        }
        let (world, name) = (self.world.clone(), scope.name());
        let (began, passed, moved) = (world.step(), world.passed(), world.moved());
        let at = world.oracle().begin(act, name, began);
        let result = self.ask(&format!("{act:?} {name}?"), decide);
        if act.is_no()
            && self.knows_store
            && moved.is_some()
            && world.moved() == moved
            && let Some(Ok(receipt)) = &result
            && (receipt.confirmed || receipt.recorded)
        {
            world.violated(format!("{act:?} {name} was written though the store is away: {receipt:?}"));
        }
        if act.is_no()
            && let Some(Ok(receipt)) = &result
            && (receipt.confirmed && receipt.destroyed.complete)
            && moved.is_none()
            && world.moved().is_none()
        {
            let wrong = world.oracle().undestroyed(name, began, &world.memory().everything());
            wrong.into_iter().for_each(|wrong| world.violated(wrong));
        }
        let came = match &result {
            Some(Ok(receipt)) if receipt.line == 0 => Came::Unwritten,
            Some(Ok(receipt)) => Came::Done { confirmed: receipt.confirmed },
            Some(Err(error)) if error.is_store() && matches!(act, Act::Deny | Act::Withdraw) => Came::Failed,
            Some(Err(error)) if error.is_store() => Came::Unsure,
            Some(Err(_)) => Came::Nothing,
            None => Came::Unsure,
        };
        let said = match &result {
            Some(Ok(receipt)) => {
                format!("{} confirmed {} recorded {}", receipt.decision, receipt.confirmed, receipt.recorded)
            }
            Some(Err(error)) => error.to_string(),
            None => "died".into(),
        };
        world.note(self.me, &format!("{act:?} {name}: {said}"));
        world.oracle().end(at, came, world.step());
        if came == Came::Failed && self.client.is_some() {
            self.failed.push((name, at));
        }
        let took = world.passed() - passed;
        if world.is_calm() && took > CALL_MOST {
            world.violated(format!("{act:?} took {} s", took / SECOND));
        }
    }

    fn record(&mut self, scope: Scope, durable: bool) {
        let before = self.world.step();
        self.world.records(self.me, durable);
        let kept = self.ask(if durable { "records durably" } else { "records" }, |client| {
            let counters = &client.engine().journal.counters;
            let (open, before) = (client.consent().gates().epoch(scope) != 0, lines(counters));
            match (scope == CRASH, durable) {
                (true, true) => client.record_durable(Happened { times: 3 }),
                (true, false) => client.record(Happened { times: 3 }),
                (false, true) => client.record_durable(Both { times: 4, by_hand: true }),
                (false, false) => client.record(Both { times: 4, by_hand: true }),
            }
            (open, lines(counters) > before)
        });
        self.world.has_recorded(self.me, false);
        let Some((open, kept)) = kept else { return };
        self.admitted += u64::from(open);
        if kept && durable {
            self.seen_open(scope, before, "it recorded");
        }
    }

    pub(super) fn status(&mut self, scope: Scope) -> Option<bool> {
        let before = self.world.step();
        let status = self.ask("status", |client| client.status(scope))?;
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                self.world.note(self.me, &format!("status: {error}"));
                return None;
            }
        };
        self.world.note(self.me, &format!("{} is {:?}, open {}", scope.name(), status.state, status.is_open()));
        if status.is_open() {
            self.seen_open(scope, before, "status");
        }
        Some(status.is_open())
    }

    pub(super) fn grant(&mut self, scope: Scope, shown: bool) {
        if !shown {
            let next = self.world.oracle().decided.len();
            self.bare.push(next);
        }
        self.decide(Act::Grant, scope, |client| match shown {
            true => client.grant(scope.shown(&client.notice(scope)?)),
            false => client.grant(scope),
        });
    }

    /// What the worker does at each turn.
    pub(super) fn tick(&mut self) {
        let ticked = self.ask("ticks", |client| {
            let engine = client.engine();
            engine.retry();
            engine.tick();
            engine.retry_tasks();
            engine.run_tasks();
        });
        self.world.has_recorded(self.me, ticked.is_some());
    }

    pub(super) fn send(&mut self, occasion: Occasion) {
        let sent = self.ask("sends", |client| match occasion {
            Occasion::Due => client.engine().send(Occasion::Due),
            Occasion::Flush => client.flush(Duration::from_secs(60)).unwrap_or_default(),
        });
        self.world.has_recorded(self.me, sent.is_some());
        if let Some(sent) = sent {
            self.world.note(self.me, &format!("sent {} of {}, {:?}", sent.records, sent.waiting, sent.trouble));
        }
    }

    /// The entries of the history, as scope and decision.
    pub(super) fn history(&mut self) -> Vec<(String, String)> {
        let read = self.ask("history", |client| client.consent().ledger().history().map(History::lines).ok());
        let lines = read.flatten().unwrap_or_default();
        lines.into_iter().map(|line| (line.scope, format!("{:?}", line.decision))).collect()
    }

    fn switch(&mut self, scope: Scope) {
        let field = if scope == CRASH { "crash.happened.times" } else { "views.both.times" };
        let switch = if self.world.random(2) == 0 { Client::switch_on } else { Client::switch_off };
        self.decide(Act::Switch, scope, |client| switch(client, scope, field));
    }

    fn finds_a_full_disk(&self) {
        if self.world.random(3) == 0 {
            self.world.takes_nothing(self.me);
        }
    }

    /// What a program may do after a refusal that failed, before it is retried.
    fn tries_something_else(&mut self, scope: Scope) {
        if !self.failed.iter().any(|(name, _)| *name == scope.name()) {
            return;
        }
        for _ in 0..1 + self.world.random(4) {
            match self.world.random(8) {
                0..=1 => self.switch(scope),
                2 => self.grant(scope, false),
                3 => self.decide(Act::Defer, scope, |client| client.defer(scope)),
                4 => self.decide(Act::Keep, scope, |client| client.keep(scope)),
                5 => self.decide(Act::Revoke, scope, |client| client.revoke(scope, "a mistake")),
                6 => self.tick(),
                _ => self.sleep(1 + self.world.random(2 * SECOND)),
            }
            self.record(scope, true);
            self.status(scope);
        }
    }

    /// One action of a program, its worker or a person.
    pub(super) fn step(&mut self, grants: u64) {
        let world = self.world.clone();
        let scope = SCOPES[world.random(2) as usize];
        match world.random(100) {
            0..=24 => self.record(scope, true),
            25..=34 => self.record(scope, false),
            35..=49 => self.tick(),
            50..=56 => self.send(Occasion::Due),
            57..=67 => self.send(Occasion::Flush),
            68..=71 => drop(self.status(scope)),
            72 => drop(self.ask("manifest", |client| client.manifest().map(|_| ()))),
            73..=82 => {
                let shown = world.random(10) < grants;
                self.grant(scope, shown);
            }
            83..=85 => {
                self.finds_a_full_disk();
                self.decide(Act::Withdraw, scope, |client| client.withdraw(scope));
                self.tries_something_else(scope);
            }
            86..=87 => {
                self.finds_a_full_disk();
                self.decide(Act::Deny, scope, |client| client.deny(scope));
                self.tries_something_else(scope);
            }
            88 => self.decide(Act::Revoke, scope, |client| client.revoke(scope, "a mistake")),
            89 => self.switch(scope),
            90 => self.decide(Act::Keep, scope, |client| client.keep(scope)),
            91 => self.decide(Act::Defer, scope, |client| client.defer(scope)),
            92 => {
                let step = world.step();
                let at = world.oracle().begin(Act::DeleteSent, scope.name(), step);
                let done = self.ask("deletes what was sent", |client| client.delete_sent(scope));
                let came = if matches!(done, Some(Ok(()))) { Came::Done { confirmed: true } } else { Came::Unsure };
                world.oracle().end(at, came, world.step());
            }
            93..=95 => self.end(),
            _ => {
                self.end();
                self.start();
            }
        }
        let pause = match world.random(20) {
            0..=9 => world.random(5 * MILLI),
            10..=14 => world.random(SECOND),
            15..=17 => world.random(2 * MINUTE),
            18 => world.random(2 * HOUR),
            _ => 0,
        };
        self.sleep(pause);
    }
}

fn lines(counters: &crate::journal::Counters) -> u64 {
    counters.lines.load(std::sync::atomic::Ordering::Relaxed)
}

fn told(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
