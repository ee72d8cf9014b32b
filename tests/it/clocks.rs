//! A clock that is wrong for a while in a program that keeps running: a scope that it closed reopens, and what it kept from
//! expiring expires.

use crate::{
    events::{PLAYBACK, PlaybackJumped, USAGE, opened},
    files,
    home::{DAY, Home, MINUTE, TestClock, flush, say_yes, send, wait_for},
    server::Server,
};
use candor::{
    Client, Clock,
    consent::{Decision, State},
};
use std::{
    sync::{Arc, Mutex},
    time::{Instant, SystemTime},
};

/// Sets the clock to noon, `day` days after the day that it shows now. A negative `day` goes back.
fn advance_days(home: &Home, day: i64) {
    let noon = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(noon + day * 86_400);
}

fn lines(client: &Client) -> u64 {
    client.manifest().unwrap().outcomes.lines
}

#[track_caller]
fn keeps(client: &Client, wanted: bool) {
    let before = lines(client);
    client.record_durable(opened(2));
    assert_eq!(lines(client) > before, wanted, "{:?}", client.status(USAGE).unwrap());
    assert_eq!(client.status(USAGE).unwrap().is_open(), wanted);
}

#[test]
fn a_scope_opens_again_when_the_clock_is_right_though_nothing_else_is_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    // Before the grant, and right again.
    advance_days(&home, -10);
    keeps(&client, false);
    advance_days(&home, 10);
    keeps(&client, true);
    // Past the grant's last day for a moment.
    advance_days(&home, 800);
    keeps(&client, false);
    advance_days(&home, -800);
    keeps(&client, true);
    drop(client);
    // A computer that has no time until it reaches the network.
    advance_days(&home, -3_000);
    let client = home.start(&server);
    keeps(&client, false);
    advance_days(&home, 3_000);
    keeps(&client, true);
    client.withdraw(USAGE).unwrap();
    keeps(&client, false);
}

#[test]
fn a_computer_that_wakes_once_a_week_keeps_nothing_for_longer() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(8)).unwrap();
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    send(&client);
    let sent = || files::all(&home.store().join("sent").join("usage")).len();
    assert_eq!(sent(), 1);
    let trash = home.store().join("trash").join("left");
    for _ in 0..15 {
        std::fs::create_dir_all(&trash).unwrap();
        // The computer sleeps. The monotonic clock does not count that time.
        home.clock.advance(DAY * 7);
        // The program is in use: the worker wakes up, as it would by itself, and finds the new day.
        wait_for("the new day", || client.status(USAGE).is_ok() && !trash.exists());
        home.clock.pass(MINUTE * 5);
    }
    let mut minutes = 0;
    wait_for("the end of the yes to be written", || {
        if minutes < 300 {
            // Still the same day.
            home.clock.pass(MINUTE);
            minutes += 1;
        }
        client.status(USAGE).is_ok() && client.receipt(USAGE).unwrap().decision == Decision::Expired
    });
    // The program is in use here too. The worker does this; without use it would wake up only after ten minutes.
    wait_for("the sent log to end", || client.status(USAGE).is_ok() && sent() == 0);
    assert!(home.all_waiting().is_empty());
}

#[test]
fn a_send_in_a_wrong_second_loses_nothing_and_says_why_it_waits() {
    for day in [50, 2_000] {
        let (home, server) = (Home::new(), Server::new());
        let client = Client::new(home.config(&server).validity_days(730)).unwrap();
        say_yes(&client, USAGE);
        client.record_durable(opened(2));
        send(&client);
        client.record_durable(opened(3));
        advance_days(&home, day);
        for _ in 0..2 {
            let flushed = flush(&client);
            let wanted = if day == 50 { "clock jumped ahead" } else { "granted for a period that has expired" };
            assert!(flushed.requests == 0 && flushed.trouble.as_deref().unwrap().contains(wanted), "{flushed:?}");
        }
        advance_days(&home, -day);
        send(&client);
        let lines = server.lines();
        assert!(lines.len() == 2 && lines[1].contains(r#""intValue":"3""#), "{day}: {lines:#?}");
        let page = client.manifest().unwrap();
        assert_eq!(page.scope(USAGE).unwrap().sent.len(), 2, "{day}");
        assert!(page.outcomes.dropped.is_empty(), "{day}: {:?}", page.outcomes.dropped);
    }
}

/// A clock that runs another program's action when this program reads the monotonic time for the first time.
struct Interrupted {
    clock: TestClock,
    turn: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Clock for Interrupted {
    fn now(&self) -> SystemTime {
        self.clock.now()
    }
    fn monotonic(&self) -> Instant {
        // The lock is held until the action is done. Every thread of this program that reads the clock waits for it.
        let mut turn = self.turn.lock().unwrap();
        if let Some(turn) = turn.take() {
            turn();
        }
        drop(turn);
        self.clock.monotonic()
    }
}

/// A grant is past its last day, but no program has recorded that yet. A new program starts and sees it. Before the new
/// program can record it, another one, which kept running, does `act`.
fn meanwhile(act: fn(&Client)) -> (Home, Server, Client) {
    let (home, server) = (Home::new(), Server::new());
    let config = || home.config(&server).validity_days(8);
    // It has a separate clock, which moves only in its turn. Otherwise it could record the expiry before the new program sees it.
    let others = home.clock.apart();
    let other = Client::new(config().clock(others.clone())).unwrap();
    say_yes(&other, USAGE);
    home.clock.advance(DAY * 9);
    let turn: Box<dyn FnOnce() + Send> = Box::new(move || {
        others.advance(DAY * 9);
        act(&other);
    });
    let clock = Arc::new(Interrupted { clock: home.clock.clone(), turn: Mutex::new(Some(turn)) });
    let client = Client::new(config().clock(clock.clone())).unwrap();
    wait_for("the other one's turn", || clock.turn.lock().unwrap().is_none());
    // A background thread carries out what the new program found. `status` waits for it.
    let _ = client.status(USAGE).unwrap();
    (home, server, client)
}

#[test]
fn a_withdrawal_is_not_overwritten_by_a_last_day() {
    let (_home, _server, client) = meanwhile(|other| {
        let receipt = other.withdraw(USAGE).unwrap();
        assert!(receipt.confirmed && receipt.recorded && receipt.decision == Decision::Withdrawn, "{receipt}");
    });
    assert_eq!(client.status(USAGE).unwrap().state, State::Withdrawn);
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Withdrawn);
    assert!(client.grant(USAGE).is_err(), "a bare yes opens nothing after a withdrawal");
}

#[test]
fn a_new_grant_is_not_ended_by_the_last_day_of_the_one_before() {
    let (_home, _server, client) = meanwhile(|other| say_yes(other, USAGE));
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Granted);
    keeps(&client, true);
}

#[test]
fn what_another_process_ended_is_not_ended_twice() {
    let (home, _server, client) = meanwhile(|other| drop(other.status(USAGE).unwrap()));
    let history = || std::fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert_eq!(history().matches("expired").count(), 1);
    assert_eq!(client.status(USAGE).unwrap().state, State::Expired);
}

#[test]
fn later_takes_no_answer_back_that_was_given_meanwhile() {
    type Act = fn(&Client);
    let acts: [(State, Act); 3] = [
        (State::Granted, |other| say_yes(other, USAGE)),
        (State::Denied, |other| drop(other.deny(USAGE).unwrap())),
        (State::Withdrawn, |other| {
            say_yes(other, USAGE);
            other.withdraw(USAGE).unwrap();
        }),
    ];
    for (state, act) in acts {
        let (home, server) = (Home::new(), Server::new());
        let clock = Arc::new(Interrupted { clock: home.clock.clone(), turn: Mutex::new(None) });
        let client = Client::new(home.config(&server).clock(clock.clone())).unwrap();
        let other = home.start(&server);
        *clock.turn.lock().unwrap() = Some(Box::new(move || act(&other)));
        // `defer` sees that the person was never asked. It reads the monotonic time first when it waits for the lock.
        client.defer(USAGE).unwrap();
        assert!(clock.turn.lock().unwrap().is_none(), "the other one had its turn");
        assert_eq!(client.status(USAGE).unwrap().state, state);
        keeps(&client, state == State::Granted);
    }
}

/// Tests of a program step the clock day by day. They lose nothing, because no age is measured by another clock.
#[test]
fn a_clock_that_is_stepped_day_by_day_loses_nothing_wherever_it_starts() {
    // 1 March 1999, the last day of 2029, and the leap day of 2048.
    for start in [920_289_600, 1_893_369_600, 2_466_590_400] {
        let (home, server) = (Home::new(), Server::new());
        home.clock.jump_to(start);
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        for day in 0..40 {
            client.record_durable(opened(day));
            client.record_durable(PlaybackJumped { forward: true });
            client.record_durable(PlaybackJumped { forward: true });
            home.clock.advance(DAY);
            send(&client);
        }
        let lines = server.lines();
        let of = |event: &str| lines.iter().filter(|line| line.contains(event)).count();
        assert_eq!((of("library.opened"), of("playback.jumped")), (40, 40), "from {start}");
        assert!(client.manifest().unwrap().outcomes.dropped.is_empty(), "{:?}", client.manifest().unwrap().outcomes);
    }
}

/// A leftover of a program that died has no age that could be determined. It is removed as soon as no process holds it.
#[test]
fn a_file_that_was_being_made_goes_once_nobody_holds_it() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    drop(client);
    let left = home.waiting("waiting", USAGE)[0].with_file_name("0123456789abcdef.making");
    files::write(&left, b"half a seg");
    let held = std::fs::File::options().append(true).open(&left).unwrap();
    held.lock().unwrap();
    drop(home.start(&server));
    assert!(left.exists(), "somebody makes it");
    drop(held);
    // A background thread removes it.
    let _client = home.start(&server);
    wait_for("nobody holds it", || !left.exists());
}
