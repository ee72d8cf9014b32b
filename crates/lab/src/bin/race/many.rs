//! Many withdrawals by the same processes: a grant, a random moment in the middle of a send, a withdrawal, and again.
//! Meanwhile all of them continue to record and send for another scope. This module also measures how soon an idle
//! process notices a withdrawal.
//!
//! The history grows with every decision and is read completely each time, so the processes and their store are
//! replaced after a while. Every byte of a series is judged at its end: under which grant it was sent, and whether the
//! withdrawal of that grant had already returned.

use super::{
    member::{Granted, Member, Role, Withdrawn},
    receiver::{self, Receiver, Send},
    round::{LONGEST, Plan, Round, Running, Watch, a_moment, stamped},
    stamp,
    stopping::{let_others_go_on, stop_others},
    system,
};
use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

/// How many rounds the same processes play.
const TOGETHER: usize = 50;
/// How long a process that still sends has time to show it.
const AFTERMATH: Duration = Duration::from_millis(10);

/// In one of this many rounds the moment is during a send of the other scope, which must continue.
const OTHER_MOMENTS: usize = 5;

/// The results of a series of such rounds.
#[derive(Debug, Default)]
pub(crate) struct Many {
    pub(crate) rounds: Vec<Round>,
    /// Rounds in which bytes of the other scope were handed over after the withdrawal was called.
    pub(crate) busy: usize,
    /// Sends of the other scope that were in progress when a withdrawal returned, and ended later.
    pub(crate) crossing: usize,
    /// Bytes of the other scope.
    pub(crate) other: usize,
    /// Groups of processes, and those in which every process had sent.
    pub(crate) groups: usize,
    pub(crate) all_sent: usize,
}

/// Plays `count` rounds.
pub(crate) fn play(plan: Plan, count: usize, random: &mut fastrand::Rng) -> Result<Many, Box<dyn Error>> {
    let mut many = Many::default();
    let mut left = count;
    while left > 0 {
        let rounds = left.min(TOGETHER);
        group(plan, rounds, random, &mut many).map_err(|error| format!("after {} rounds: {error}", count - left))?;
        left -= rounds;
    }
    Ok(many)
}

/// The results of a round's grant and of its withdrawal.
struct Turn {
    granted: Granted,
    withdrawn: Withdrawn,
}

fn group(plan: Plan, count: usize, random: &mut fastrand::Rng, many: &mut Many) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let (directory, watch) = (scratch.path(), Watch::start());
    let receiver = receiver::start(random.u64(..), system::SLOWEST)?;
    let start = |role| {
        let member =
            Member { role, how: plan.how, busy: true, receiver: receiver.address, directory: directory.into() };
        Running::start(&member)
    };
    let first = start(Role::Withdraws)?;
    first.expect("granted")?;
    let mut members = vec![first, start(Role::Sends)?, start(Role::Sends)?];
    for member in &members {
        member.expect("ready")?;
    }
    let mut turns = Vec::new();
    let mut granted = Granted { asked: 0, errors: Vec::new(), took: 0 };
    let mut withdrew = 0;
    for number in 0..count {
        if number % OTHER_MOMENTS == OTHER_MOMENTS - 1 && !plan.stops_others {
            another_moment(&receiver)?;
        } else {
            a_moment(&receiver, random)?;
        }
        if plan.stops_others {
            stop_others(&receiver, &members, random)?;
        }
        let [first, ..] = members.as_mut_slice() else { return Err("there is nobody".into()) };
        withdrew = first.child.id();
        first.order("withdraw")?;
        let withdrawn: Withdrawn = serde_json::from_str(&first.answer()?)?;
        turns.push(Turn { granted: granted.clone(), withdrawn });
        thread::sleep(AFTERMATH);
        if plan.stops_others {
            let_others_go_on(&members)?;
            thread::sleep(AFTERMATH);
        }
        if number + 1 < count
            && let [first, ..] = members.as_mut_slice()
        {
            first.order("grant")?;
            granted = serde_json::from_str(&first.answer()?)?;
        }
    }
    for member in members {
        member.end()?;
    }
    watch.end()?;
    let sends = if plan.held.is_some() { read_to_the_end(&receiver)? } else { stamped(&stamp::notes(directory)?)? };
    judge(sends, &turns, withdrew, plan.held.unwrap_or(0), many)
}

/// Waits for a send of the other scope.
fn another_moment(receiver: &Receiver) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + LONGEST;
    while receiver.is_busy() || !receiver.is_busy_at_all() {
        if Instant::now() > until {
            return Err("nobody sends for the other scope".into());
        }
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// What the receiver saw, once it has read everything.
fn read_to_the_end(receiver: &Receiver) -> Result<Vec<Send>, Box<dyn Error>> {
    let until = Instant::now() + LONGEST;
    while receiver.is_busy_at_all() {
        if Instant::now() > until {
            return Err("a connection stays open".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(receiver.taken())
}

/// Assigns every send to the round under whose grant it began.
fn judge(sends: Vec<Send>, turns: &[Turn], withdrew: u32, held: usize, many: &mut Many) -> Result<(), Box<dyn Error>> {
    let (others, own): (Vec<Send>, Vec<Send>) = sends.into_iter().partition(|send| send.other);
    let mut rounds: Vec<Round> = turns
        .iter()
        .map(|Turn { granted, withdrawn }| Round {
            called: withdrawn.called.shared,
            returned: withdrawn.returned.shared,
            came_to: withdrawn.came_to.clone(),
            errors: granted.errors.clone(),
            granting: granted.took,
            withdrew,
            sends: Vec::new(),
            held,
        })
        .collect();
    let mut senders: Vec<u32> = own.iter().filter(|send| !send.handed.is_empty()).map(|send| send.process).collect();
    senders.sort_unstable();
    senders.dedup();
    many.groups += 1;
    many.all_sent += usize::from(senders.len() == 3);
    for send in own {
        let after = turns.partition_point(|turn| turn.granted.asked <= send.began);
        let round = rounds.get_mut(after.saturating_sub(1)).ok_or("a send before every yes")?;
        round.sends.push(send);
    }
    let handed = |from: u64, to: u64| {
        let all = others.iter().flat_map(|send| &send.handed);
        all.filter(|(at, _)| (from..to).contains(at)).map(|(_, bytes)| bytes).sum::<usize>()
    };
    for (number, round) in rounds.iter().enumerate() {
        let next = rounds.get(number + 1).map_or(u64::MAX, |next| next.called);
        many.busy += usize::from(handed(round.called, next) > 0);
        let crosses = |send: &&Send| {
            send.began < round.returned && send.ended.is_some_and(|ended| (round.returned..next).contains(&ended))
        };
        many.crossing += others.iter().filter(crosses).count();
    }
    many.other += handed(0, u64::MAX);
    many.rounds.append(&mut rounds);
    Ok(())
}

/// Measures how long it takes until a process that only watches its own gate finds it closed, starting at the call of a
/// withdrawal in another process. Returns one result for each of `count` tries; `None` if the gate did not close while
/// it was watched.
pub(crate) fn noticed(
    count: usize,
    plan: Plan,
    random: &mut fastrand::Rng,
) -> Result<Vec<Option<Duration>>, Box<dyn Error>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let (scratch, watch) = (tempfile::tempdir()?, Watch::start());
        let receiver = receiver::start(random.u64(..), system::SLOWEST)?;
        let start = |role| {
            let directory = scratch.path().into();
            let member = Member { role, how: plan.how, busy: true, receiver: receiver.address, directory };
            Running::start(&member)
        };
        let mut first = start(Role::Withdraws)?;
        first.expect("granted")?;
        let watches = start(Role::Watches)?;
        watches.expect("open")?;
        thread::sleep(Duration::from_millis(random.u64(..1_000)));
        first.order("withdraw")?;
        // The process's own sending thread may print `ready` in between.
        let answer = first.answer()?;
        let answer = if answer == "ready" { first.answer()? } else { answer };
        let withdrawn: Withdrawn = serde_json::from_str(&answer)?;
        let closed: Option<u64> = watches.answer()?.parse().ok();
        all.push(closed.map(|at| Duration::from_nanos(at.saturating_sub(withdrawn.called.shared))));
        watches.end()?;
        first.end()?;
        watch.end()?;
    }
    Ok(all)
}
