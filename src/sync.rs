//! Locks, atomics and sleeping for the modules that decide whether data may be sent.
//!
//! This module exists so that the code of those modules can be run under every order of its steps: `crates/models` compiles them
//! against another file of this name. Here each name is the plain standard item and adds no cost. This module never decides
//! anything.
//!
//! A forked process inherits every lock in its state at the fork, but not the threads that would release it. So no lock here may
//! share state with other locks or with the host's locks: a new client in a child process must only use locks of its own. For
//! that reason these are locks of std and not of parking_lot, whose locks share one table per process. For the same reason,
//! values that exist once per process are made with `once_cell::race`, which never waits for another thread.

pub(crate) use lock::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(test))]
pub(crate) use std::thread::sleep;
#[cfg(test)]
pub(crate) use waiting::sleep;
#[cfg(all(test, unix))]
pub(crate) use waiting::waiting_by;

/// Locks of std. Poison is ignored: a panic in the host's code while a lock is held must not lock out all other threads, and a
/// panic leaves no data of this crate half-changed.
mod lock {
    pub(crate) use std::sync::MutexGuard;
    use std::{
        sync::{PoisonError, TryLockError},
        time::Duration,
    };

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Mutex(std::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Condvar(std::sync::Condvar);

    impl Condvar {
        /// Waits for a notification, at most `limit`. The returned `bool` says whether the time ran out. May return early.
        pub(crate) fn wait_for<'m, T>(&self, guard: MutexGuard<'m, T>, limit: Duration) -> (MutexGuard<'m, T>, bool) {
            let (guard, timeout) = self.0.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner);
            (guard, timeout.timed_out())
        }

        /// Waits while `goes_on` returns true, at most `limit` in total, regardless of how many notifications arrive.
        pub(crate) fn wait_while<T>(
            &self,
            guard: MutexGuard<'_, T>,
            limit: Duration,
            goes_on: impl FnMut(&mut T) -> bool,
        ) {
            drop(self.0.wait_timeout_while(guard, limit, goes_on));
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

/// Lets a thread under a test's clock wait by advancing that clock.
#[cfg(test)]
mod waiting {
    use std::{cell::RefCell, rc::Rc, time::Duration};

    type Wait = Rc<dyn Fn(Duration)>;

    thread_local! {
        static WAIT: RefCell<Option<Wait>> = const { RefCell::new(None) };
    }

    pub(crate) fn sleep(time: Duration) {
        match WAIT.with_borrow(Clone::clone) {
            Some(wait) => wait(time),
            None => std::thread::sleep(time),
        }
    }

    #[cfg(unix)]
    /// Runs `act`. Until it returns, every [`sleep`] on this thread calls `wait` instead.
    pub(crate) fn waiting_by<T>(wait: impl Fn(Duration) + 'static, act: impl FnOnce() -> T) -> T {
        struct Back(Option<Wait>);
        impl Drop for Back {
            fn drop(&mut self) {
                WAIT.set(self.0.take());
            }
        }
        let _back = Back(WAIT.replace(Some(Rc::new(wait))));
        act()
    }
}
