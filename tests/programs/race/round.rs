//! One withdrawal: three processes, a fresh store, a random moment, and what was handed over before and after.

use super::{
    member::{Member, Role, Withdrawn},
    receiver::{self, Receiver},
    stamp::{self, How, Note, What},
    strace,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes.
pub(super) const LONGEST: Duration = Duration::from_secs(100);
/// How long the receiver pauses after every read, at most.
const SLOWEST: Duration = Duration::from_millis(4);
/// How far into a send the moment may lie, in microseconds; the receiver makes every send last longer.
const MOMENT: u64 = 30_000;
/// Every system call by which a program hands bytes to a socket, and what begins and ends one.
const TRACED: &str =
    "trace=connect,close,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice";

/// How a round goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) how: How,
    /// Watched by strace from outside, rather than by the transport's own stamps.
    pub(crate) traced: bool,
    /// The other processes are stopped, one of them in the middle of a send, before consent is withdrawn.
    pub(crate) stops_others: bool,
}

/// What came of one. All times are of one clock.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) confirmed: bool,
    /// The number of the process that withdrew.
    pub(crate) withdrew: u32,
    pub(crate) sends: Vec<Send>,
}

/// One connection of one process.
#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) process: u32,
    pub(crate) began: u64,
    /// When bytes had been handed over, and how many.
    pub(crate) handed: Vec<(u64, usize)>,
    pub(crate) ended: Option<u64>,
    /// Of a scope that nobody withdraws.
    pub(crate) other: bool,
}

impl Round {
    /// Bytes that were handed to a kernel after the return.
    pub(crate) fn late(&self) -> usize {
        let handed = self.sends.iter().flat_map(|send| &send.handed);
        handed.filter(|(at, _)| *at > self.returned).map(|(_, bytes)| bytes).sum()
    }

    pub(crate) fn handed(&self) -> usize {
        self.sends.iter().flat_map(|send| &send.handed).map(|(_, bytes)| bytes).sum()
    }

    /// Whether another process was in the middle of a send when consent was withdrawn.
    pub(crate) fn met_another(&self) -> bool {
        let during = |send: &Send| send.began < self.called && send.ended.is_none_or(|ended| ended > self.called);
        self.sends.iter().any(|send| send.process != self.withdrew && during(send))
    }

    /// How many processes had handed something over by then.
    pub(crate) fn senders(&self) -> usize {
        let early = |send: &&Send| send.handed.iter().any(|(at, _)| *at < self.called);
        let processes: BTreeSet<u32> = self.sends.iter().filter(early).map(|send| send.process).collect();
        processes.len()
    }

    /// How long the withdrawal took.
    pub(crate) fn took(&self) -> Duration {
        Duration::from_nanos(self.returned.saturating_sub(self.called))
    }
}

/// Plays one round.
pub(crate) fn play(plan: Plan, random: &mut fastrand::Rng) -> Result<Round, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path();
    let receiver = receiver::start(random.u64(..), SLOWEST)?;
    let start = |withdraws: bool, number: usize| {
        let role = if withdraws { Role::Withdraws } else { Role::Sends };
        let member =
            Member { role, how: plan.how, busy: false, receiver: receiver.address, directory: directory.into() };
        Running::start(&member, plan.traced.then(|| trace_of(directory, number)).as_deref())
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
    thread::sleep(Duration::from_millis(50)); // whoever goes on all the same has time to show it
    if plan.stops_others {
        signal_others(&members, Signal::CONT)?;
    }
    for member in members {
        member.end()?;
    }
    let (called, returned, confirmed) = (withdrawn.called, withdrawn.returned, withdrawn.confirmed);
    Ok(if plan.traced {
        let sends: Result<Vec<_>, _> = (0..3).map(|number| traced(&trace_of(directory, number), number)).collect();
        let sends = sends?.into_iter().flatten().collect();
        Round { called: called.wall, returned: returned.wall, confirmed, withdrew: 0, sends }
    } else {
        // The crate's own transport leaves no notes; then there is only what the withdrawal itself answered.
        let log = directory.join("log");
        let sends = if plan.how == How::Http { Vec::new() } else { stamped(&stamp::notes(&log)?)? };
        Round { called: called.monotonic, returned: returned.monotonic, confirmed, withdrew, sends }
    })
}

fn trace_of(directory: &Path, number: usize) -> std::path::PathBuf {
    directory.join(format!("trace-{number}"))
}

/// A process of the round, and the two pipes by which it is led.
pub(super) struct Running {
    pub(super) child: Child,
    orders: Option<ChildStdin>,
    answers: mpsc::Receiver<String>,
}

impl Running {
    pub(super) fn start(member: &Member, trace: Option<&Path>) -> Result<Running, Box<dyn Error>> {
        let program = std::env::current_exe()?;
        let mut command = match trace {
            None => Command::new(program),
            Some(log) => strace::command(program, log, &["--seccomp-bpf", "-yy", "-s", "0", "-e", TRACED]),
        };
        let child = command.args(member.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{command:?} can't be run: {error}"))?;
        let (orders, output) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        let (say, answers) = mpsc::channel();
        thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        Ok(Running { child, orders, answers })
    }

    pub(super) fn answer(&self) -> Result<String, Box<dyn Error>> {
        self.answers.recv_timeout(LONGEST).map_err(|error| format!("a process did not answer: {error}").into())
    }

    pub(super) fn expect(&self, word: &str) -> Result<(), Box<dyn Error>> {
        let answer = self.answer()?;
        if answer == word { Ok(()) } else { Err(format!("a process said {answer:?} instead of {word:?}").into()) }
    }

    pub(super) fn order(&mut self, word: &str) -> Result<(), Box<dyn Error>> {
        Ok(writeln!(self.orders.as_ref().ok_or("no orders")?, "{word}")?)
    }

    /// Ends it in good order, or says that it did not.
    pub(super) fn end(mut self) -> Result<(), Box<dyn Error>> {
        drop(self.orders.take());
        let until = Instant::now() + LONGEST;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("a process ended with {status}").into()),
                None if Instant::now() > until => return Err("a process does not end".into()),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Does nothing to one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn signal_others(members: &[Running], signal: Signal) -> Result<(), Box<dyn Error>> {
    for member in members.iter().skip(1) {
        let process = Pid::from_raw(i32::try_from(member.child.id())?).ok_or("no such process")?;
        kill_process(process, signal)?;
    }
    Ok(())
}

/// Waits for a random moment of a send, whoever's it is.
pub(super) fn a_moment(receiver: &Receiver, random: &mut fastrand::Rng) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + LONGEST;
    while !receiver.is_busy() {
        if Instant::now() > until {
            return Err("nobody sends any more".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_micros(random.u64(..MOMENT)));
    Ok(())
}

/// Stops every process but the first, at a moment when one of them has bytes left to hand over.
pub(super) fn stop_others(
    receiver: &Receiver,
    members: &[Running],
    random: &mut fastrand::Rng,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..50 {
        signal_others(members, Signal::STOP)?;
        // Whatever is on its way arrives; if the rest of a request then does not come, one that is stopped has it.
        if receiver.waits_in_vain() {
            return Ok(());
        }
        signal_others(members, Signal::CONT)?;
        a_moment(receiver, random)?;
    }
    Err("no process could be stopped in the middle of a send".into())
}

/// The sends that the notes of all processes tell of.
pub(super) fn stamped(notes: &[Note]) -> Result<Vec<Send>, Box<dyn Error>> {
    let mut sends: BTreeMap<(u32, usize), Send> = BTreeMap::new();
    for &Note { process, send, at, what } in notes {
        if matches!(what, What::Open | What::OpenOther) {
            let other = what == What::OpenOther;
            sends.insert((process, send), Send { process, began: at, handed: Vec::new(), ended: None, other });
            continue;
        }
        let send = sends.get_mut(&(process, send)).ok_or("a note without a beginning")?;
        match what {
            What::Handed(bytes) => send.handed.push((at, bytes)),
            _ => send.ended = Some(at),
        }
    }
    Ok(sends.into_values().collect())
}

/// The sends of one process as strace saw them. A call counts when it is over: the process can't have gone on before.
fn traced(log: &Path, number: usize) -> Result<Vec<Send>, Box<dyn Error>> {
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
