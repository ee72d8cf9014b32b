//! How candor makes a thread: every one of its own is made here. Decides nothing about what a thread does.

use std::{
    io,
    sync::mpsc,
    thread::{Builder, Thread},
};

/// What Rust gives a thread that asks for nothing.
const LEAST: usize = 2 << 20;
/// Where the system names no size, and the largest that is asked for: it is address space, and only what is used is memory.
const USUAL: usize = 8 << 20;
#[cfg(unix)]
const MOST: usize = 64 << 20;

/// Makes a thread that is left to itself, with as much stack as the platform's own threads have.
///
/// What any library of the program keeps for each thread may be taken out of its stack (static TLS, see U. Drepper, "ELF Handling
/// For Thread-Local Storage"). A program that runs with such a library has set its limit by its own threads, and Rust's size may
/// be less. Only where a thread with that stack can't be made, as where address space is short (`ulimit -v`), is it Rust's size.
///
/// # Errors
/// The system makes no thread at the moment.
pub(crate) fn start<F: FnOnce() + Send + 'static>(name: &str, run: F) -> io::Result<Thread> {
    // What it is to run is handed over once it is there: a thread that can't be made would take it along.
    let made = |size| {
        let (give, given) = mpsc::channel();
        let run = move || given.recv().map_or((), |run: F| run());
        Builder::new().name(name.into()).stack_size(size).spawn(run).map(|made| (give, made.thread().clone()))
    };
    let (give, thread) = made(stack()).or_else(|_| made(LEAST))?;
    give.send(run).map_err(|_| io::ErrorKind::Other)?;
    Ok(thread)
}

/// By the limit on a stack (`ulimit -s`), which the system's libraries go by.
#[cfg(unix)]
fn stack() -> usize {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    match getrlimit(Resource::RLIMIT_STACK) {
        Ok((limit, _)) if limit != RLIM_INFINITY => usize::try_from(limit).unwrap_or(MOST).clamp(LEAST, MOST),
        _ => USUAL,
    }
}

#[cfg(not(unix))]
fn stack() -> usize {
    USUAL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so much of the stack.
    fn take(bytes: usize) -> u8 {
        let taken = std::hint::black_box([1u8; 64 << 10]);
        if bytes <= taken.len() { taken[0] } else { take(bytes - taken.len()).max(taken[1]) }
    }

    #[test]
    fn a_thread_has_the_stack_that_the_platform_gives_its_own() {
        #[cfg(unix)]
        {
            use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
            let (limit, _) = getrlimit(Resource::RLIMIT_STACK).unwrap();
            // 32 bits on some platforms.
            #[allow(clippy::useless_conversion)]
            let expected = if limit == RLIM_INFINITY { USUAL as u64 } else { u64::from(limit).min(MOST as u64) };
            assert!(stack() as u64 >= expected, "{} of {expected} bytes", stack());
        }
        let (done, answer) = mpsc::channel();
        // An unoptimised frame takes what it holds twice.
        start("candor-test", move || done.send(take(stack() / 4)).unwrap()).unwrap();
        assert_eq!(answer.recv().unwrap(), 1);
    }
}
