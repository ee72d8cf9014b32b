//! What threads share and how they wait, in the rooms that decide whether bytes may leave.
//!
//! One seam, so that the very code of those rooms can be run under every order of its steps: `tests/models` compiles them
//! over another file of this name. Here each name is the plain thing, and costs nothing. Decides nothing.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(test))]
pub(crate) use std::thread::sleep;
#[cfg(test)]
pub(crate) use waiting::{sleep, waiting_by};

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
