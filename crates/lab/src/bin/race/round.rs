//! One withdrawal among three processes: what was handed over before and after it, and how the processes are
//! controlled.

use super::{
    member::{Member, Outcome},
    receiver::{Receiver, Send},
    stamp::{How, Note, What},
    system,
};
use candor_lab::Ended;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes.
pub(super) const LONGEST: Duration = Duration::from_secs(100);
/// The range of the random moment after the start of a send, in microseconds. The receiver makes every send last
/// longer.
const MOMENT: u64 = 30_000;
/// How much the clock that processes share may differ from real time between the start and the end of a group of
/// rounds.
const ASTRAY: Duration = Duration::from_millis(100);

/// How a round is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) how: How,
    /// Whether the other processes are stopped, one of them in the middle of a send, before consent is withdrawn.
    pub(crate) stops_others: bool,
    /// If set, the round is judged by what the receiver read, rather than by stamps. For each connection, this many
    /// bytes may have been sent before the return.
    pub(crate) held: Option<usize>,
}

/// The results of a round. All times are from the same clock.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) came_to: Outcome,
    /// The errors of the attempts before the grant succeeded.
    pub(crate) errors: Vec<String>,
    /// How long the grant took, in milliseconds.
    pub(crate) granting: u64,
    /// The number of the process that withdrew.
    pub(crate) withdrew: u32,
    pub(crate) sends: Vec<Send>,
    /// Of the bytes seen on a connection after the return, this many may have been handed over before it.
    pub(crate) held: usize,
}

impl Round {
    /// Bytes that were handed to a kernel after the return.
    pub(crate) fn late(&self) -> usize {
        let after = |send: &Send| -> usize {
            let late = send.handed.iter().filter(|(at, _)| *at > self.returned);
            late.map(|(_, bytes)| bytes).sum()
        };
        self.sends.iter().map(|send| after(send).saturating_sub(self.held)).sum()
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

/// A process of the round, and the two pipes that control it.
pub(super) struct Running {
    pub(super) child: Ended,
    orders: Option<ChildStdin>,
    answers: mpsc::Receiver<String>,
}

impl Running {
    pub(super) fn start(member: &Member) -> Result<Running, Box<dyn Error>> {
        Running::start_by(Command::new(std::env::current_exe()?), member)
    }

    /// Starts it with a command that runs this program.
    pub(super) fn start_by(mut command: Command, member: &Member) -> Result<Running, Box<dyn Error>> {
        let child = command.args(member.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{command:?} can't be run: {error}"))?;
        let (orders, output) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        let (say, answers) = mpsc::channel();
        thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        Ok(Running { child: Ended(child), orders, answers })
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

    /// Lets it end, and fails if it does not end successfully.
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

/// Checks that the clock that processes share moves like real time. The stamps of a clock that was set back are
/// worthless.
pub(super) struct Watch {
    shared: u64,
    began: Instant,
}

impl Watch {
    pub(super) fn start() -> Self {
        Watch { shared: system::now(), began: Instant::now() }
    }

    pub(super) fn end(&self) -> Result<(), String> {
        let (shared, took) = (system::now().checked_sub(self.shared), self.began.elapsed());
        match shared.map(Duration::from_nanos) {
            Some(shared) if shared.abs_diff(took) <= ASTRAY => Ok(()),
            shared => Err(format!("the clock that processes share went on by {shared:?} in {took:?}")),
        }
    }
}

/// Waits for a random moment of a send of any process.
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

/// The sends described by the notes of all processes.
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
