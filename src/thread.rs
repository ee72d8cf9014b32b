//! How candor makes a thread: every one of its own is made here. Decides nothing about what a thread does.

use std::{
    io,
    thread::{Builder, Thread},
};

/// What Rust gives a thread that asks for nothing.
#[cfg(unix)]
const LEAST: usize = 2 << 20;
/// Where the system names no size, and the largest that is asked for: it is address space, and only what is used is memory.
const USUAL: usize = 8 << 20;
#[cfg(unix)]
const MOST: usize = 64 << 20;

/// Makes a thread that is left to itself, with as much stack as the platform's own threads have.
///
/// What any library of the program keeps for each thread may be taken out of its stack (static TLS, see U. Drepper, "ELF Handling
/// For Thread-Local Storage"). A program that runs with such a library has set its limit by its own threads, and Rust's size may
/// be less.
///
/// # Errors
/// The system makes no thread at the moment.
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    Ok(Builder::new().name(name.into()).stack_size(stack()).spawn(run)?.thread().clone())
}

/// By the limit on a stack (`ulimit -s`), which the system's libraries go by; where address space is limited as well, no more
/// than Rust would ask for.
#[cfg(unix)]
fn stack() -> usize {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    if getrlimit(Resource::RLIMIT_AS).is_ok_and(|(space, _)| space != RLIM_INFINITY) {
        return LEAST;
    }
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
    use std::sync::mpsc;

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
            let is_free = getrlimit(Resource::RLIMIT_AS).unwrap().0 == RLIM_INFINITY;
            let (limit, _) = getrlimit(Resource::RLIMIT_STACK).unwrap();
            // 32 bits on some platforms.
            #[allow(clippy::useless_conversion)]
            let expected = if limit == RLIM_INFINITY { USUAL as u64 } else { u64::from(limit).min(MOST as u64) };
            assert!(stack() as u64 >= expected || !is_free, "{} of {expected} bytes", stack());
        }
        let (done, answer) = mpsc::channel();
        // An unoptimised frame takes what it holds twice.
        start("candor-test", move || done.send(take(stack() / 4)).unwrap()).unwrap();
        assert_eq!(answer.recv().unwrap(), 1);
    }
}
