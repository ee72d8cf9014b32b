//! Every operation with a kill at every call, and every mutant until it is detected.

use super::{
    ground::{Stage, at_once},
    judge::Verdict,
    mutant::{ORDERS, Order},
    operations::{self, OPERATIONS, Operation},
    tracer::{self, At},
};
use std::{error::Error, sync::Mutex, time::Instant};

/// More calls than any process here makes. A process that goes beyond this number hangs.
const MOST: usize = 20_000;
/// After how many processes in a row that end before the call at which they should be killed the sweep stops.
const ENDS: usize = 3;

/// Which calls are tried.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Tries every n-th call; 1 means all of them.
    every: usize,
    /// The number of the first call.
    from: usize,
    /// Only this operation.
    only: Option<String>,
}

impl Plan {
    pub(crate) fn read(options: &[&str]) -> Result<Plan, Box<dyn Error>> {
        let mut plan = Plan { every: 1, from: 1, only: None };
        for pair in options.chunks(2) {
            match pair {
                ["--every", every] => plan.every = every.parse::<usize>()?.max(1),
                ["--seed", seed] => plan.from = seed.parse()?,
                ["--only", name] => plan.only = Some((*name).into()),
                other => return Err(format!("no such option: {other:?}").into()),
            }
        }
        plan.from = plan.from.saturating_sub(1) % plan.every + 1;
        Ok(plan)
    }
}

/// The results of one operation.
#[derive(Debug)]
struct Row {
    name: &'static str,
    /// Kills in the thread that decides, and in other threads.
    kills: [usize; 2],
    /// The calls that it makes if it is not killed.
    calls: [usize; 2],
    /// The verdicts: before, after, closed.
    found: [usize; 3],
    /// Kills after which the decision had returned.
    returned: usize,
}

impl Stage {
    /// Sweeps one operation completely.
    fn sweep(&self, plan: &Plan) -> Result<Row, Box<dyn Error>> {
        let name = self.operation.name;
        let mut row = Row { name, kills: [0, 0], calls: [0, 0], found: [0, 0, 0], returned: 0 };
        let tried = |at| self.try_with(&self.member(), |command| tracer::run(command, at));
        let (end, returned, verdict) = tried(At::Never)?;
        match verdict {
            Ok(Verdict::After) if returned && end.code == Some(0) => row.calls = end.calls,
            other => return Err(format!("{name}, with nobody killed: {other:?}, {end:?}").into()),
        }
        for (place, kind) in [(0, At::Main as fn(usize) -> At), (1, At::Others as fn(usize) -> At)] {
            // A wait for a lock makes more calls on a busy machine, so a process that ended early may reach a later
            // call the next time.
            let (mut number, mut ended) = (plan.from, 0);
            while ended < ENDS {
                let (end, returned, verdict) = tried(kind(number))?;
                let verdict =
                    verdict.map_err(|why| format!("{name}, killed at {:?} {:?}: {why}", kind(number), end.call))?;
                if !end.killed {
                    ended += 1;
                    continue;
                }
                ended = 0;
                if let Some(kills) = row.kills.get_mut(place) {
                    *kills += 1;
                }
                let found = Verdict::ALL.iter().position(|(_, known)| *known == verdict);
                if let Some(found) = found.and_then(|place| row.found.get_mut(place)) {
                    *found += 1;
                }
                row.returned += usize::from(returned);
                number += plan.every;
                if number > MOST {
                    return Err(format!("{name} does not end").into());
                }
            }
        }
        if row.kills.iter().sum::<usize>() == 0 {
            return Err(format!("{name}: nobody was killed").into());
        }
        Ok(row)
    }
}

/// Runs an order of steps with kills at every call. Returns how many there were before it was detected, and why.
fn find_out(order: &Order) -> Result<(usize, Option<String>), Box<dyn Error>> {
    let operation = operations::named(order.operation)?;
    let stage = Stage::new(operation)?;
    for number in 1..MOST {
        let (end, _, verdict) =
            stage.try_with(&stage.mutant(order, 0), |command| tracer::run(command, At::Main(number)))?;
        if let Err(why) = verdict {
            return Ok((number, Some(why)));
        }
        if !end.killed {
            return match end.code {
                Some(0) => Ok((number - 1, None)),
                _ => Err(format!("{}: it failed by itself: {end:?}", order.name).into()),
            };
        }
    }
    Err(format!("{} does not end", order.name).into())
}

/// One task of the check.
enum Task {
    Operation(&'static Operation),
    Order(&'static Order),
}

#[derive(Default)]
struct Done {
    rows: Vec<Row>,
    found_out: usize,
    right: usize,
    wrong: Vec<String>,
}

/// Notes the result of a successful task.
type Note = Box<dyn FnOnce(&mut Done)>;

fn one(task: &Task, plan: &Plan, done: &Mutex<Done>) -> Result<(), String> {
    let done_of = |what: Result<Note, String>| {
        let mut done = done.lock().map_err(|_| "another thread panicked")?;
        match what {
            Ok(note) => note(&mut done),
            Err(why) => {
                println!("  {why}");
                done.wrong.push(why);
            }
        }
        Ok::<(), String>(())
    };
    match *task {
        Task::Operation(operation) => {
            let row = Stage::new(operation).and_then(|stage| stage.sweep(plan)).map_err(|error| error.to_string());
            done_of(row.map(|row| -> Note {
                Box::new(move |done: &mut Done| {
                    println!("{}", row.text());
                    done.rows.push(row);
                })
            }))
        }
        Task::Order(order) => {
            let judged = match find_out(order).map_err(|error| error.to_string()) {
                Err(why) => Err(why),
                Ok((kills, None)) if order.is_right => Ok(format!("{}: {kills} kills, as it should be", order.name)),
                Ok((_, Some(why))) if order.is_right => Err(format!("{}: found fault with: {why}", order.name)),
                Ok((kills, None)) => Err(format!("{}: passes after {kills} kills: this sees nothing", order.name)),
                Ok((kill, Some(why))) => Ok(format!("{}: found out at call {kill}: {why}", order.name)),
            };
            let is_right = order.is_right;
            done_of(judged.map(|text| -> Note {
                Box::new(move |done: &mut Done| {
                    println!("{text}");
                    if is_right { done.right += 1 } else { done.found_out += 1 }
                })
            }))
        }
    }
}

impl Row {
    fn text(&self) -> String {
        let Row { name, kills: [main, others], calls: [of_main, of_others], found: [before, after, closed], returned } =
            self;
        format!(
            "{name}: {main} kills at {of_main} calls and {others} at {of_others} of other threads; before {before}, \
             after {after} ({returned} had returned), closed with a reason {closed}"
        )
    }
}

/// Runs the check and prints one line of figures. An error means that the check failed.
pub(crate) fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let chosen = |operation: &&Operation| plan.only.as_deref().is_none_or(|only| operation.name == only);
    let operations = OPERATIONS.iter().filter(chosen).map(Task::Operation);
    let orders = ORDERS.iter().filter(|_| plan.only.is_none()).map(Task::Order);
    let done = Mutex::new(Done::default());
    at_once(operations.chain(orders), |task| one(&task, plan, &done))?;
    let done = done.into_inner().map_err(|_| "a thread panicked")?;
    if let [first, ..] = done.wrong.as_slice() {
        return Err(format!("{} failed, the first: {first}", done.wrong.len()).into());
    }
    let sum = |of: fn(&Row) -> usize| done.rows.iter().map(of).sum::<usize>();
    let (kills, calls) = (sum(|row| row.kills.iter().sum()), sum(|row| row.calls.iter().sum()));
    let [before, after, closed] =
        [0, 1, 2].map(|place: usize| done.rows.iter().filter_map(|row| row.found.get(place)).sum::<usize>());
    println!(
        "kill: {kills} kills over {} operations ({calls} calls, every {}): {before} before, {after} after ({} had \
         returned, 0 of these open), {closed} closed with a reason; {} wrong orders of writing found out, {} right ones \
         pass; {:.0} s",
        done.rows.len(),
        if plan.every == 1 { "one".into() } else { format!("{}th from {}", plan.every, plan.from) },
        sum(|row| row.returned),
        done.found_out,
        done.right,
        began.elapsed().as_secs_f64(),
    );
    Ok(())
}
