//! Stops a process at every system call of every thread, and kills it before it makes one of them.

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

/// At which call the process is killed. Calls are counted from 1, starting when the process gets the order to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// A call of the thread that decides.
    Main(usize),
    /// A call of any other thread.
    Others(usize),
    /// It is not killed.
    Never,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct End {
    /// Whether it was killed; if not, it had ended before that call.
    pub(crate) killed: bool,
    /// How many calls it had begun: in the thread that decides, and in the others.
    pub(crate) calls: [usize; 2],
    /// The call at which it was killed, as the kernel reports it in `/proc`.
    pub(crate) call: Option<String>,
    pub(crate) code: Option<i32>,
}

/// Starts a command that prints [`READY`] and waits. Lets it continue, and kills it at a call. Returns what else it
/// printed.
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
    // `waitpid` handles all threads here, so the child's handle is not used for waiting.
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
            // A thread begins, or stopped because of the tracer. The program itself caused neither.
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

/// Traces every thread that exists, and every one that is created later.
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
                    // The thread has ended (ESRCH), or a traced thread created it, so it is already traced (EPERM).
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

/// Whether the thread is about to make a call, rather than returning from one.
fn begins(thread: Pid) -> bool {
    ptrace::syscall_info(thread).is_ok_and(|info| info.op == ENTRY)
}

fn go_on(thread: Pid, signal: Option<Signal>) -> Result<(), Box<dyn Error>> {
    match ptrace::syscall(thread, signal) {
        // ESRCH: the process was killed in the meantime.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(format!("thread {thread} can't go on: {error}").into()),
    }
}
