//! A process that is stopped at every system call of every thread, and killed at one of them before it is made.

use super::member::READY;
use nix::{
    errno::Errno,
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
};

/// `PTRACE_SYSCALL_INFO_ENTRY`: the call has not been made yet.
const ENTRY: u8 = 1;

/// At which call it dies, counted from 1 from the moment it is told to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// One of the thread that decides.
    Main(usize),
    /// One of any other thread.
    Others(usize),
    /// It lives.
    Never,
}

/// What became of a process.
#[derive(Debug)]
pub(crate) struct End {
    /// Whether it was killed; if not, it had ended before that call.
    pub(crate) killed: bool,
    /// How many calls it had begun: the thread that decides, and the others.
    pub(crate) calls: [usize; 2],
    /// The number of the call it died at, as the kernel counts them.
    pub(crate) call: Option<String>,
    pub(crate) code: Option<i32>,
}

/// Starts a command that says [`READY`] and waits, lets it go, and kills it at a call. Answers with what it said besides.
pub(crate) fn run(mut command: Command, at: At) -> Result<(End, String), Box<dyn Error>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let main = Pid::from_raw(i32::try_from(child.id())?);
    let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    if line.trim_end() != READY {
        output.read_to_string(&mut line)?;
        return Err(format!("{command:?} is not ready: {line}").into());
    }
    seize(main)?;
    let mut orders = child.stdin.take().ok_or("no input")?;
    orders.write_all(b"go\n")?;
    let mut end = End { killed: false, calls: [0, 0], call: None, code: None };
    // Its threads are waited for here; the handle of the child is not asked any more.
    loop {
        match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))? {
            WaitStatus::PtraceSyscall(thread) => {
                if begins(thread) {
                    let other = usize::from(thread != main);
                    let count = end.calls.get_mut(other).ok_or("two kinds of threads")?;
                    *count += 1;
                    let hit = match at {
                        At::Main(number) => other == 0 && *count == number,
                        At::Others(number) => other == 1 && *count == number,
                        At::Never => false,
                    };
                    if hit {
                        end.call = fs::read_to_string(format!("/proc/{main}/task/{thread}/syscall")).ok();
                        kill(main, Signal::SIGKILL)?;
                        end.killed = true;
                    }
                }
                go_on(thread, None)?;
            }
            // A thread begins, or was stopped by us: nothing of the program's own.
            WaitStatus::PtraceEvent(thread, _, _) => go_on(thread, None)?,
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal))?,
            WaitStatus::Exited(thread, code) if thread == main => {
                end.code = Some(code);
                break;
            }
            WaitStatus::Signaled(thread, signal, _) if thread == main => {
                if !end.killed || signal != Signal::SIGKILL {
                    return Err(format!("{command:?} ended by {signal}").into());
                }
                break;
            }
            _ => {}
        }
    }
    let mut said = String::new();
    output.read_to_string(&mut said)?;
    drop(orders);
    Ok((end, said))
}

/// Watches every thread there is, and every one to come.
fn seize(main: Pid) -> Result<(), Box<dyn Error>> {
    let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
    let mut known = BTreeSet::new();
    loop {
        let before = known.len();
        for entry in fs::read_dir(format!("/proc/{main}/task"))? {
            let thread: i32 = entry?.file_name().to_string_lossy().parse()?;
            if known.insert(thread) {
                let thread = Pid::from_raw(thread);
                match ptrace::seize(thread, options).and_then(|()| ptrace::interrupt(thread)) {
                    // It ended meanwhile, or came into being under our eyes.
                    Ok(()) | Err(Errno::ESRCH | Errno::EPERM) => {}
                    Err(error) => return Err(format!("process {main} can't be watched: {error}").into()),
                }
            }
        }
        if known.len() == before {
            return Ok(());
        }
    }
}

/// Whether the thread stands before a call, rather than after one.
fn begins(thread: Pid) -> bool {
    ptrace::syscall_info(thread).is_ok_and(|info| info.op == ENTRY)
}

fn go_on(thread: Pid, signal: Option<Signal>) -> Result<(), Box<dyn Error>> {
    match ptrace::syscall(thread, signal) {
        // Killed meanwhile.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(format!("thread {thread} can't go on: {error}").into()),
    }
}
