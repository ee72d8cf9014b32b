//! Callers return even while another process holds every lock. The tests use a clock that moves by a millisecond whenever this
//! thread reads it. A caller that waits for a lock reads the clock, so its wait passes.

use super::{CRASH, Happened, Start, config, real};
use crate::{
    Client, Clock,
    ambient::{SystemClock, Time},
    consent::State,
    disk::{Disk, Handle, System},
    mutants::{self, Mutant},
    sync::Mutex,
};
use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// A step that takes longer is considered hung.
const HANG: Duration = Duration::from_secs(60);

thread_local! {
    static READS: Cell<u64> = const { Cell::new(0) };
    /// By how many milliseconds a read moves the clock. A larger step shortens the test of a long wait.
    static STEP: Cell<u64> = const { Cell::new(1) };
    static BEGAN: Instant = SystemClock.monotonic();
}

/// A clock that moves by `STEP` milliseconds, one by default, at each read.
struct EachReadIsAMillisecond;

impl Clock for EachReadIsAMillisecond {
    fn now(&self) -> SystemTime {
        Start.now()
    }

    fn monotonic(&self) -> Instant {
        READS.set(READS.get() + STEP.get());
        BEGAN.with(|began| *began) + Duration::from_millis(READS.get())
    }
}

/// Runs `act`. Returns its result, and for how many milliseconds of the test clock this thread waited.
fn waited<T>(act: impl FnOnce() -> T) -> (T, u64) {
    let before = READS.get();
    let done = act();
    (done, READS.get() - before)
}

fn store(home: &Path) -> PathBuf {
    home.join("data/org.example.crash/candor-1")
}

/// Takes every lock, as another process would hold it.
fn hold_every_lock(home: &Path) -> Vec<Box<dyn Handle>> {
    let names = ["consent.lock", "lead.lock", "erasing.lock", "lost.lock", "crash.life"];
    let held: Vec<_> = names.iter().map(|name| System.lock_file(&store(home).join(name)).unwrap()).collect();
    assert!(held.iter().all(|lock| lock.try_lock(false).unwrap()));
    held
}

/// Leaves what an interrupted withdrawal leaves: data of a grant that is no longer in force. Returns its directory.
fn leave_stale(home: &Path) -> PathBuf {
    let stale = store(home).join("waiting/crash/77");
    fs::create_dir_all(&stale).unwrap();
    fs::write(stale.join("x.jsonl"), "x").unwrap();
    stale
}

#[test]
fn no_caller_waits_for_a_lock_of_another_process() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let client = Client::new(config(home)).unwrap();
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 1 });
    drop(client);
    let stale = leave_stale(home);
    let held = hold_every_lock(home);

    let (client, opening) = waited(|| Client::new(config(home).clock(EachReadIsAMillisecond)).unwrap());
    assert!(opening < 50, "Client::new waited {opening} ms");
    assert!(stale.exists(), "it is not cleared away while somebody decides");
    for _ in 0..3 {
        // The pending maintenance is found again.
        client.engine().retry_tasks();
        let ((), recording) = waited(|| client.record_durable(Happened { times: 1 }));
        assert!(recording < 10, "record_durable waited {recording} ms");
        let (flushed, flushing) = waited(|| client.flush(Duration::from_millis(100)).unwrap());
        assert!(flushing < 150, "flush waited {flushing} ms: {flushed:?}");
        let schedule = client.engine().consent.open_places()[0];
        let mut due = client.engine().schedule(schedule, Time(0));
        (due.next, due.not_before) = (1, 0);
        client.engine().journal.outbox().save_schedule(CRASH, schedule.generation, &due).unwrap();
        let (flushed, flushing) = waited(|| client.flush_if_due(Duration::from_millis(100)).unwrap());
        assert!(flushed.is_some() && flushing < 150, "flush_if_due waited {flushing} ms: {flushed:?}");
        let (status, looking) = waited(|| client.status(CRASH).unwrap());
        assert!(looking < 50, "status waited {looking} ms");
        assert!(status.is_open() && status.state == State::Granted, "a yes stays one: {status:?}");
        let (_, showing) = waited(|| client.manifest().unwrap());
        assert!(showing < 50, "manifest waited {showing} ms");
    }

    drop(held);
    client.engine().retry_tasks();
    assert_eq!(client.status(CRASH).unwrap().state, State::Granted);
    assert!(!stale.exists(), "it is cleared away once nobody decides any more");
}

/// Returns the longest wait of a decision, in milliseconds, while another process holds every lock. Each decision is made first,
/// and also after another decision that only a tombstone records and that needs recovery.
fn longest_wait_of_a_decision() -> u64 {
    type Act = fn(&Client);
    let withdraw: Act = |client| assert!(client.withdraw(CRASH).is_ok_and(|receipt| !receipt.confirmed));
    // After a refusal by the person, the act fails, or its decision is not confirmed yet.
    let again: Act = |client| assert!(client.withdraw(CRASH).map_or(true, |receipt| !receipt.confirmed));
    let revoke: Act = |client| assert!(client.revoke(CRASH, "a test").map_or(true, |receipt| !receipt.confirmed));
    let deny: Act = |client| assert!(client.deny(CRASH).map_or(true, |receipt| !receipt.confirmed));
    let settle: Act = |client| crate::actions::settle::settle(client.engine());
    let refused: [Act; 4] = [
        |client| assert!(client.switch_off(CRASH, "crash.happened.times").is_err()),
        |client| assert!(client.stop_asking_about_widenings().is_err()),
        |client| drop(client.grant(CRASH)),
        |client| drop(client.defer(CRASH)),
    ];
    let mut longest = 0;
    for act in [again, revoke, deny, settle].into_iter().chain(refused) {
        for before in [None, Some(withdraw), Some(revoke)] {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            let new = || Client::without_worker(config(home).clock(EachReadIsAMillisecond)).unwrap();
            let client = new();
            client.grant(CRASH).unwrap();
            client.record_durable(Happened { times: 1 });
            let held = hold_every_lock(home);
            before.into_iter().for_each(|before| before(&client));
            for client in [&client, &new()] {
                longest = longest.max(waited(|| act(client)).1);
                let (ended, ending) = waited(|| client.shutdown(Duration::from_millis(100)));
                assert!(ended && ending < 100 + 500, "shutdown(100 ms) waited {ending} ms");
            }
            drop(held);
        }
    }
    longest
}

/// A decision waits once for the lock of decisions, and once to be confirmed. This holds however many steps it has, and whatever
/// an earlier decision left to recover.
#[test]
fn a_decision_waits_for_the_lock_once_whatever_is_to_be_recovered() {
    STEP.set(25);
    let longest = longest_wait_of_a_decision();
    // Each step of a decision reads the clock a few times.
    assert!((1_500..1_500 + 500 + 500).contains(&longest), "the longest waited {longest} ms");
    let longest = mutants::with(Some(Mutant::EachStepWaits), longest_wait_of_a_decision);
    assert!(longest > 3_000, "nothing notices that each step waits: {longest} ms");
}

/// While a field is being switched off, which may wait for another process, the scope accepts no events and counts them as lost.
#[test]
fn what_is_recorded_while_a_grant_is_narrowed_is_counted() {
    let home = tempfile::tempdir().unwrap();
    let client = Client::without_worker(config(home.path())).unwrap();
    client.grant(CRASH).unwrap();
    let held = hold_every_lock(home.path());
    let lost = || client.engine().journal.counters.dropped(crate::journal::DropReason::InDoubt);
    thread::scope(|scope| {
        let switching = scope.spawn(|| client.switch_off(CRASH, "crash.happened.times"));
        let mut recorded = 0;
        while !switching.is_finished() {
            if client.status(CRASH).unwrap().is_open() {
                continue;
            }
            for _ in 0..10 {
                client.record(Happened { times: 1 });
                recorded += 1;
            }
            client.engine().tick();
            if recorded >= 100 {
                break;
            }
        }
        assert!(recorded >= 100, "the switch was over at once");
        assert!(switching.join().unwrap().is_err());
        client.engine().tick();
        assert_eq!(lost(), recorded);
    });
    drop(held);
    client.record_durable(Happened { times: 1 });
    assert_eq!((client.status(CRASH).unwrap().state, lost()), (State::Granted, 100));
    assert!(client.status(CRASH).unwrap().is_open());
}

/// The deadline of a shutdown applies to the shutdown only. A later withdrawal waits for the lock as usual.
#[test]
fn after_a_shutdown_a_decision_waits_as_before() {
    STEP.set(25);
    let home = tempfile::tempdir().unwrap();
    let client = Client::without_worker(config(home.path()).clock(EachReadIsAMillisecond)).unwrap();
    client.grant(CRASH).unwrap();
    assert!(client.shutdown(Duration::ZERO));
    let held = hold_every_lock(home.path());
    let (receipt, wait) = waited(|| client.withdraw(CRASH).unwrap());
    assert!(!receipt.confirmed && wait >= 2_000, "it waited {wait} ms");
    drop(held);
    assert!(client.withdraw(CRASH).unwrap().confirmed);
}

/// Losses are counted in a file that every process writes to. A shutdown waits for its lock until its deadline, and no longer.
#[test]
fn a_shutdown_has_one_deadline_whichever_process_holds_the_count_of_losses() {
    for limit in [0, 60, 100] {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let client = Client::without_worker(config(home).clock(EachReadIsAMillisecond)).unwrap();
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 1 });
        let held = hold_every_lock(home);
        client.engine().journal.counters.drop(crate::journal::DropReason::Disk, 1);
        let (_, ending) = waited(|| client.shutdown(Duration::from_millis(limit)));
        assert!(ending <= limit + 50, "shutdown({limit} ms) waited {ending} ms");
        drop(held);
    }
}

#[test]
fn what_was_interrupted_is_finished_by_a_thread_of_its_own_also_where_nothing_is_granted() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let client = Client::new(config(home)).unwrap();
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 1 });
    client.withdraw(CRASH).unwrap();
    drop(client);
    let stale = leave_stale(home);
    let client = Client::new(config(home)).unwrap();
    assert_eq!(client.status(CRASH).unwrap().state, State::Withdrawn);
    assert!(!stale.exists());
}

/// The real disk. The first thread that lists the pending data stops, reports that, and continues when it gets a message.
#[derive(Clone, Default)]
struct Halting(Arc<Mutex<Option<Halt>>>);

/// The sender reports that a thread has stopped. The receiver waits until the thread may continue.
type Halt = (mpsc::Sender<()>, mpsc::Receiver<()>);

impl Disk for Halting {
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        if path.ends_with("candor-1/waiting")
            && let Some((here, go_on)) = self.0.lock().take()
        {
            here.send(()).unwrap();
            go_on.recv_timeout(HANG).unwrap();
        }
        System.list(path)
    }

    real!(stat make_dir read read_shared create append rename remove_file remove_tree lock_file sync_dir);
}

#[test]
fn a_send_waits_while_this_client_itself_keeps_the_store_in_order() {
    let home = tempfile::tempdir().unwrap();
    let disk = Halting::default();
    let mut config = config(home.path());
    config.disk = Arc::new(disk.clone());
    let client = Client::new(config).unwrap();
    client.grant(CRASH).unwrap();
    client.record(Happened { times: 1 });
    let _ = client.flush(Duration::from_secs(30)).unwrap();

    let ((here, is_here), (go_on, told)) = (mpsc::channel(), mpsc::channel());
    *disk.0.lock() = Some((here, told));
    let began = SystemClock.monotonic();
    thread::scope(|scope| {
        // A thread of the client may be doing the same and be past this point already.
        let halted = loop {
            scope.spawn(|| client.engine().do_housekeeping(false));
            match is_here.recv_timeout(Duration::from_secs(1)) {
                Err(mpsc::RecvTimeoutError::Timeout) if began.elapsed() < HANG => {}
                halted => break halted,
            }
        };
        halted.expect("the thread that walks through what waits halts");
        let (done, flushed) = mpsc::channel();
        scope.spawn(|| {
            let done = done;
            done.send(client.flush(Duration::from_secs(30)).unwrap()).unwrap();
        });
        // A flush that does not wait returns within this time.
        let early = flushed.recv_timeout(Duration::from_millis(200)).ok();
        go_on.send(()).unwrap();
        let flushed = early.unwrap_or_else(|| flushed.recv_timeout(HANG).unwrap());
        let trouble = flushed.trouble.unwrap_or_default();
        assert!(!trouble.contains("another process"), "there is none: {trouble}");
    });
}

/// The real disk. While a halt is set, the first thread that reads the snapshot stops, reports that, and continues when it gets
/// a message.
#[derive(Clone, Default)]
struct SlowSnapshot(Arc<Mutex<Option<Halt>>>);

impl Disk for SlowSnapshot {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if path.ends_with("candor-1/consent") {
            let halt = self.0.lock().take();
            if let Some((here, go_on)) = halt {
                here.send(()).unwrap();
                go_on.recv_timeout(HANG).unwrap();
            }
        }
        System.read(path, most)
    }

    real!(stat list make_dir read_shared create append rename remove_file remove_tree lock_file sync_dir);
}

/// What an act of a person does.
type No = fn(&Client) -> crate::consent::Receipt;

/// Whether an act closes this process's gate while another thread reads the records and does not return.
fn closes_while_another_thread_reads(mutant: Option<Mutant>, act: No) -> bool {
    let home = tempfile::tempdir().unwrap();
    let disk = SlowSnapshot::default();
    let mut config = config(home.path());
    config.disk = Arc::new(disk.clone());
    let client = Client::new(config).unwrap();
    client.engine().worker.no_thread.store(true, std::sync::atomic::Ordering::SeqCst);
    client.grant(CRASH).unwrap();
    let gate = || client.engine().consent.gates().epoch(CRASH);
    assert_ne!(gate(), 0, "it is open");

    let ((here, is_here), (go_on, told)) = (mpsc::channel(), mpsc::channel());
    // The next look evaluates the records again.
    client.engine().consent.reopen_gate(CRASH);
    *disk.0.lock() = Some((here, told));
    thread::scope(|scope| {
        scope.spawn(|| client.engine().refresh());
        is_here.recv_timeout(HANG).expect("the look reads the snapshot");
        let client = &client;
        let withdrawn = scope.spawn(move || mutants::with(mutant, || act(client)));
        let began = SystemClock.monotonic();
        // A gate that waits stays open for as long as it is watched.
        let watched = if mutant.is_some() { Duration::from_millis(300) } else { HANG };
        while gate() != 0 && began.elapsed() < watched {
            thread::yield_now();
        }
        let is_closed = gate() == 0;
        go_on.send(()).unwrap();
        assert!(withdrawn.join().unwrap().confirmed);
        assert_eq!(gate(), 0, "the look that was in progress opens nothing");
        is_closed
    })
}

#[test]
fn a_no_closes_the_gate_while_another_thread_reads_the_records() {
    let noes: [No; 2] = [|client| client.withdraw(CRASH).unwrap(), |client| client.deny(CRASH).unwrap()];
    for act in noes {
        assert!(closes_while_another_thread_reads(None, act));
    }
    assert!(!closes_while_another_thread_reads(Some(Mutant::GateWaitsForLook), noes[0]), "the control");
}
