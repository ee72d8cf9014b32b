//! Every operation with kills at random moments. This works on any system, because it does not watch system calls.
//!
//! The process is not stopped before the kill, so a moment is less precise than a call. But it covers what a list of
//! calls can't: the middle of a call, and several threads at once.

use super::{
    ground::{Stage, at_once},
    judge::Verdict,
    member::{READY, RETURNED},
    mutant::{ORDERS, Order},
    operations::{self, OPERATIONS, Operation},
};
use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// How many milliseconds a mutant pauses between two steps, so that a random moment hits the pause.
const RESTS: u64 = 4;
/// After how many kills a mutant must have been detected. Most are within ten. On a busy machine one slow run makes the moments
/// too late, and one mutant passed 120.
const TRIES: usize = 1_000;
/// How many of a hundred operations may return an error on a system where a file that another process has open can't be
/// replaced or removed.
const ERRORS: usize = if cfg!(windows) { 10 } else { 0 };

/// The number of kills, and the seed.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    kills: usize,
    seed: u64,
}

impl Plan {
    pub(crate) fn read(options: &[&str]) -> Result<Plan, Box<dyn Error>> {
        match options {
            [kills] => Ok(Plan { kills: kills.parse()?, seed: 20_261_122 }),
            [kills, "--seed", seed] => Ok(Plan { kills: kills.parse()?, seed: seed.parse()? }),
            other => Err(format!("--moments needs a number of kills, and may have a seed: {other:?}").into()),
        }
    }
}

/// How a process ended.
#[derive(Debug)]
struct End {
    killed: bool,
    success: bool,
    /// The time until it printed that it had returned, and the time until its end.
    returned: Option<Duration>,
    took: Duration,
}

/// Starts a command that prints [`READY`] and waits. Lets it continue, and kills it after this time. Returns what else
/// it printed.
fn run(mut command: Command, after: Option<Duration>) -> Result<(End, String), Box<dyn Error>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    if line.trim_end() != READY {
        output.read_to_string(&mut line)?;
        return Err(format!("{command:?} is not ready: {line}").into());
    }
    let mut orders = child.stdin.take().ok_or("no input")?;
    orders.write_all(b"go\n")?;
    let began = Instant::now();
    let mut killed = false;
    if let Some(after) = after {
        thread::sleep(after);
        killed = child.try_wait()?.is_none();
        child.kill()?;
    }
    let (mut said, mut returned) = (String::new(), None);
    while output.read_line(&mut said)? > 0 {
        if returned.is_none() && said.lines().any(|line| line.starts_with(RETURNED)) {
            returned = Some(began.elapsed());
        }
    }
    let success = child.wait()?.success();
    drop(orders);
    Ok((End { killed, success, returned, took: began.elapsed() }, said))
}

/// The results of all operations.
#[derive(Debug, Default)]
struct Done {
    kills: usize,
    /// Processes that ended before the moment of their kill.
    ended: usize,
    /// The verdicts: before, after, closed.
    found: [usize; 3],
    /// Kills after which the decision had returned.
    returned: usize,
    /// Decisions that returned an error.
    errors: Vec<String>,
    found_out: usize,
    wrong: Vec<String>,
}

fn operation(
    stage: &Stage,
    kills: usize,
    random: &mut fastrand::Rng,
    done: &Mutex<Done>,
) -> Result<(), Box<dyn Error>> {
    let name = stage.operation.name;
    let (whole, returned, verdict) = stage.try_with(&stage.member(), |command| run(command, None))?;
    if !(whole.success && returned && matches!(verdict, Ok(Verdict::After))) {
        return Err(format!("{name}, with nobody killed: {verdict:?}, {whole:?}").into());
    }
    let until = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    let (decided, over) = (until(whole.returned.unwrap_or(whole.took)), until(whole.took));
    let mut killed = 0;
    while killed < kills {
        // Three in four moments are during the decision.
        let after = Duration::from_micros(if random.u8(..4) > 0 { random.u64(..decided) } else { random.u64(..over) });
        let (end, returned, verdict) = stage.try_with(&stage.member(), |command| run(command, Some(after)))?;
        let mut done = done.lock().map_err(|_| "another thread panicked")?;
        match verdict {
            Ok(verdict) => {
                let at = Verdict::ALL.iter().position(|(_, known)| *known == verdict);
                if let Some(found) = at.and_then(|at| done.found.get_mut(at)) {
                    *found += 1;
                }
            }
            Err(why) => done.wrong.push(format!("{name}, killed after {after:?} ({end:?}): {why}")),
        }
        if !end.killed {
            done.ended += 1;
            if !end.success {
                done.errors.push(name.into());
            }
            if done.ended > 10 * kills * OPERATIONS.len() {
                return Err(format!("{name} ends before it can be killed").into());
            }
            continue;
        }
        killed += 1;
        done.kills += 1;
        done.returned += usize::from(returned);
    }
    Ok(())
}

/// Kills a mutant until it is detected.
fn mutant(order: &Order, random: &mut fastrand::Rng) -> Result<Option<String>, Box<dyn Error>> {
    let stage = Stage::new(operations::named(order.operation)?)?;
    let (whole, ..) = stage.try_with(&stage.mutant(order, RESTS), |command| run(command, None))?;
    let over = u64::try_from(whole.took.as_micros())?.max(1);
    for _ in 0..TRIES {
        let after = Duration::from_micros(random.u64(..over));
        let (_, _, verdict) = stage.try_with(&stage.mutant(order, RESTS), |command| run(command, Some(after)))?;
        if let Err(why) = verdict {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

enum Task {
    Operation(&'static Operation, usize),
    Order(&'static Order),
}

/// Runs the check and prints one line of figures. An error means that the check failed.
pub(crate) fn check(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let each = plan.kills.div_ceil(OPERATIONS.len());
    let operations = OPERATIONS.iter().map(|operation| Task::Operation(operation, each));
    let wrong = ORDERS.iter().filter(|order| !order.is_right).map(Task::Order);
    let tasks = operations.chain(wrong).zip(plan.seed..);
    let done = Mutex::new(Done::default());
    at_once(tasks, |(task, seed)| {
        let mut random = fastrand::Rng::with_seed(seed);
        let came = match task {
            Task::Operation(of, kills) => Stage::new(of)
                .and_then(|stage| operation(&stage, kills, &mut random, &done))
                .map_err(|error| error.to_string()),
            Task::Order(order) => match mutant(order, &mut random) {
                Ok(Some(why)) => {
                    println!("{}: found out: {why}", order.name);
                    done.lock().map_err(|_| "another thread panicked")?.found_out += 1;
                    Ok(())
                }
                Ok(None) => Err(format!("{}: passes {TRIES} kills: this sees nothing", order.name)),
                Err(error) => Err(format!("{}: {error}", order.name)),
            },
        };
        if let Err(why) = came {
            println!("  {why}");
            done.lock().map_err(|_| "another thread panicked")?.wrong.push(why);
        }
        Ok(())
    })?;
    let done = done.into_inner().map_err(|_| "a thread panicked")?;
    if let [first, ..] = done.wrong.as_slice() {
        return Err(format!("{} failed, the first: {first}", done.wrong.len()).into());
    }
    let Done { kills, ended, found: [before, after, closed], returned, errors, found_out, .. } = done;
    if errors.len() * 100 > ERRORS * (kills + ended) {
        return Err(format!("{} of {} answered with an error: {errors:?}", errors.len(), kills + ended).into());
    }
    println!(
        "kill: {kills} kills at random moments over {} operations ({ended} more ended before theirs): {before} before, {after} \
         after ({returned} had returned, 0 of these open), {closed} closed with a reason; {} answered with an error; {found_out} \
         wrong orders of writing found out; seed {}, {:.0} s",
        OPERATIONS.len(),
        errors.len(),
        plan.seed,
        began.elapsed().as_secs_f64(),
    );
    Ok(())
}
