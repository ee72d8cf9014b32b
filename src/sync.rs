//! What threads share and how they wait, in the rooms that decide whether bytes may leave.
//!
//! One seam, so that the very code of those rooms can be run under every order of its steps: `crates/models` compiles them
//! over another file of this name. Here each name is the plain thing, and costs nothing. Decides nothing.
//!
//! A process that is forked has every lock as it stood at that moment, and none of the threads that would let go of it. So
//! no lock here may share anything with other locks, or with the host's: what a client made anew in a child locks is its own.
//! That is why these are std's and not parking_lot's, whose locks meet in one table of the process; and why what a whole
//! process has once is made with `once_cell::race`, where nobody waits for another thread.

pub(crate) use lock::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(test))]
pub(crate) use std::thread::sleep;
#[cfg(test)]
pub(crate) use waiting::sleep;
#[cfg(all(test, unix))]
pub(crate) use waiting::waiting_by;

/// std's locks. A panic of the host's own code while one is held must not shut out everybody else, and nothing in here is left
/// half done by one: poison is ignored.
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
        /// Waits to be told, `limit` at most; the answer says whether the time was over. May return early.
        pub(crate) fn wait_for<'m, T>(&self, guard: MutexGuard<'m, T>, limit: Duration) -> (MutexGuard<'m, T>, bool) {
            let (guard, timeout) = self.0.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner);
            (guard, timeout.timed_out())
        }

        /// Waits while `goes_on`, `limit` at most in all, however often it is told meanwhile.
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

/// How a thread waits whose clock is a test's: by moving the clock.
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
    /// Runs `act`; whatever waits on this thread meanwhile waits by `wait`.
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
