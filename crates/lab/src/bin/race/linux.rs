//! The series that need Linux: observed from outside by `strace`, and with processes that a signal stops.

use super::{
    member::{Member, Role, Withdrawn},
    receiver::{self, Send},
    round::{Plan, Round, Running, a_moment, stamped},
    stamp::{self, How},
    stopping::{let_others_go_on, stop_others},
    system,
    tally::{Tally, figures, long_series, must_fail},
};
use candor_lab::strace;
use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// The longest pause of the receiver after a read.
const SLOWEST: Duration = Duration::from_millis(4);
/// Every system call that hands bytes to a socket, and those that open and close a connection.
const TRACED: &str =
    "trace=connect,close,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice";

/// How many rounds a series has.
#[derive(Debug, Clone, Copy)]
enum Rounds {
    All(usize),
    UntilOneIsLate(usize),
}

/// Runs the series and returns their figures.
pub(super) fn series(rounds: usize, random: &mut fastrand::Rng) -> Result<String, Box<dyn Error>> {
    let plan = |how| Plan { how, stops_others: false, held: None };
    let stopped = |how| Plan { how, stops_others: true, held: None };

    let own = single("the crate's own HTTP under strace", Rounds::All(5), plan(How::Http), true, random)?;
    own.raced(50).and_then(|()| own.kept())?;
    let unlocked =
        single("without the lock under strace", Rounds::UntilOneIsLate(30), plan(How::Unlocked), true, random)?;
    must_fail("without the lock under strace", &unlocked, unlocked.kept())?;

    let (halted, _) = long_series("senders that are stopped", rounds.div_ceil(20), stopped(How::Stamped), random)?;
    honest(&halted)?;
    let own_halted = single("stopped with the crate's own HTTP", Rounds::All(3), stopped(How::Http), false, random)?;
    honest(&own_halted)?;
    let unlocked_halted =
        single("stopped without the lock", Rounds::UntilOneIsLate(30), stopped(How::Unlocked), false, random)?;
    must_fail("stopped without the lock", &unlocked_halted, honest(&unlocked_halted))?;

    Ok(format!(
        "own HTTP under strace: {}; stopped senders: {} of {} unconfirmed within {} ms",
        figures(&own),
        halted.rounds - halted.confirmed + own_halted.rounds - own_halted.confirmed,
        halted.rounds + own_halted.rounds,
        halted.longest.max(own_halted.longest).as_millis(),
    ))
}

/// Plays `rounds` rounds, or as many as it takes until one breaks the promise.
fn single(
    name: &str,
    rounds: Rounds,
    plan: Plan,
    traced: bool,
    random: &mut fastrand::Rng,
) -> Result<Tally, Box<dyn Error>> {
    let (began, mut tally) = (Instant::now(), Tally::default());
    let most = match rounds {
        Rounds::All(most) | Rounds::UntilOneIsLate(most) => most,
    };
    for number in 1..=most {
        let round = play(plan, traced, random).map_err(|error| format!("{name}, round {number}: {error}"))?;
        tally.add(&round);
        if matches!(rounds, Rounds::UntilOneIsLate(_)) && tally.late > 0 {
            break;
        }
    }
    println!("{name}: {tally:?} in {:.1} s", began.elapsed().as_secs_f64());
    Ok(tally)
}

/// Checks a series with a stopped process: the withdrawal returns in time, and reports that it can't confirm.
fn honest(tally: &Tally) -> Result<(), String> {
    if tally.confirmed > 0 {
        return Err(format!("{} of {} confirmed while one was stopped in mid-send", tally.confirmed, tally.rounds));
    }
    if tally.longest > system::LONGEST {
        return Err(format!("a withdrawal took {:?}", tally.longest));
    }
    Ok(())
}

/// Plays one round.
fn play(plan: Plan, traced: bool, random: &mut fastrand::Rng) -> Result<Round, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path();
    let receiver = receiver::start(random.u64(..), SLOWEST)?;
    let start = |withdraws: bool, number: usize| {
        let role = if withdraws { Role::Withdraws } else { Role::Sends };
        let member =
            Member { role, how: plan.how, busy: false, receiver: receiver.address, directory: directory.into() };
        if !traced {
            return Running::start(&member);
        }
        let options = ["--seccomp-bpf", "-yy", "-s", "0", "-e", TRACED];
        Running::start_by(strace::command(std::env::current_exe()?, &trace_of(directory, number), &options), &member)
    };
    let first = start(true, 0)?;
    first.expect("granted")?;
    let mut members = vec![first, start(false, 1)?, start(false, 2)?];
    for member in &members {
        member.expect("ready")?;
    }
    a_moment(&receiver, random)?;
    if plan.stops_others {
        stop_others(&receiver, &members, random)?;
    }
    let [first, ..] = members.as_mut_slice() else { return Err("there is nobody".into()) };
    let withdrew = first.child.id();
    first.order("withdraw")?;
    let withdrawn: Withdrawn = serde_json::from_str(&first.answer()?)?;
    thread::sleep(Duration::from_millis(50)); // a process that still sends has time to show it
    if plan.stops_others {
        let_others_go_on(&members)?;
    }
    for member in members {
        member.end()?;
    }
    let Withdrawn { called, returned, came_to } = withdrawn;
    Ok(if traced {
        let sends: Result<Vec<_>, _> = (0..3).map(|number| sends_of(&trace_of(directory, number), number)).collect();
        let sends = sends?.into_iter().flatten().collect();
        Round {
            called: called.wall,
            returned: returned.wall,
            came_to,
            errors: Vec::new(),
            granting: 0,
            withdrew: 0,
            sends,
            held: 0,
        }
    } else {
        // The crate's own transport leaves no notes. Then only the result of the withdrawal itself is known.
        let sends = if plan.how == How::Http { Vec::new() } else { stamped(&stamp::notes(directory)?)? };
        Round {
            called: called.shared,
            returned: returned.shared,
            came_to,
            errors: Vec::new(),
            granting: 0,
            withdrew,
            sends,
            held: 0,
        }
    })
}

fn trace_of(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("trace-{number}"))
}

/// The sends of one process as strace saw them. A call is dated by its end, because the process can't have continued
/// before.
fn sends_of(log: &Path, number: usize) -> Result<Vec<Send>, Box<dyn Error>> {
    let process = u32::try_from(number)?;
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let (mut open, mut sends): (BTreeMap<String, Send>, Vec<Send>) = (BTreeMap::new(), Vec::new());
    for call in strace::read(log)? {
        let Some((descriptor, kind)) = call.text.split([',', ')']).next().and_then(|it| it.split_once('<')) else {
            continue;
        };
        if !kind.starts_with("TCP") && !kind.starts_with("socket:") {
            continue;
        }
        let over = call.ended.map_or(u64::MAX, nanoseconds);
        match (call.name.as_str(), open.get_mut(descriptor)) {
            ("connect", _) => {
                let send =
                    Send { process, began: nanoseconds(call.began), handed: Vec::new(), ended: None, other: false };
                sends.extend(open.insert(descriptor.into(), send));
            }
            ("close", Some(send)) => {
                send.ended = Some(over);
                sends.extend(open.remove(descriptor));
            }
            ("close", None) => {}
            (_, Some(send)) => {
                if let Ok(bytes @ 1..) = usize::try_from(call.answer().unwrap_or(0)) {
                    send.handed.push((over, bytes));
                }
            }
            (name, None) => return Err(format!("{name} before any connection in {}", log.display()).into()),
        }
    }
    sends.extend(open.into_values());
    Ok(sends)
}
