//! Creates all of candor's threads. This module never decides what a thread does.

use std::{
    io,
    sync::mpsc,
    thread::{Builder, Thread},
};

/// Rust's default stack size, in bytes.
const LEAST: usize = 2 << 20;
/// The stack size if the system reports no limit, in bytes.
const USUAL: usize = 8 << 20;
/// The largest stack size that is requested, in bytes. It only reserves address space; memory is used as it is touched.
#[cfg(unix)]
const MOST: usize = 64 << 20;

/// Starts a detached thread with as much stack as the platform's own threads have.
///
/// Any library in the program may place its thread-local data in a thread's stack (static TLS, see U. Drepper, "ELF Handling For
/// Thread-Local Storage"). A program with such a library has set its stack limit to suit its own threads, and Rust's default size
/// may be too small. Rust's default size is used only if a thread with the platform's stack size can't be created, for example
/// because address space is limited (`ulimit -v`).
///
/// # Errors
/// The system can't create a thread at the moment.
pub(crate) fn start<F: FnOnce() + Send + 'static>(name: &str, run: F) -> io::Result<Thread> {
    // The closure is sent to the thread after it was created: a failed attempt would consume it.
    let made = |size| {
        let (give, given) = mpsc::channel();
        let run = move || given.recv().map_or((), |run: F| run());
        Builder::new().name(name.into()).stack_size(size).spawn(run).map(|made| (give, made.thread().clone()))
    };
    let (give, thread) = made(stack()).or_else(|_| made(LEAST))?;
    give.send(run).map_err(|_| io::ErrorKind::Other)?;
    Ok(thread)
}

/// The stack size, from the limit on a stack (`ulimit -s`), which the system's libraries also use.
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

    /// Uses this many bytes of the stack.
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
            #[allow(clippy::useless_conversion, reason = "the type has 32 bits on some platforms")]
            let expected = if limit == RLIM_INFINITY { USUAL as u64 } else { u64::from(limit).min(MOST as u64) };
            assert!(stack() as u64 >= expected, "{} of {expected} bytes", stack());
        }
        let (done, answer) = mpsc::channel();
        // A frame of an unoptimised build uses twice the size of its contents.
        start("candor-test", move || done.send(take(stack() / 4)).unwrap()).unwrap();
        assert_eq!(answer.recv().unwrap(), 1);
    }
}
