//! The rings between the recording threads and the worker: bounded, lock-free, events stored by value. A push never
//! blocks and touches no file.
//!
//! There are eight rings rather than one, since two threads on one ring wait for each other at each push. A thread
//! whose ring is full pushes to the next one. If all rings are full, the event is dropped and counted. The rings are
//! made at the first grant, never on a recording thread.

use crate::generalize::Generalized;
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;
use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

const RINGS: usize = 8;
/// The capacity of one ring. All rings together hold 16,384 events, 1.1 MiB.
const EACH: usize = 2_048;
/// How many events are handed over at a time, so that the output made from them stays small.
const AT_ONCE: usize = 256;

pub(crate) struct Rings {
    rings: [CachePadded<ArrayQueue<Generalized>>; RINGS],
    /// A thread found its ring full since the last drain.
    pressed: CachePadded<AtomicBool>,
}

/// What became of a pushed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Push {
    Kept,
    /// Kept in another ring, as the first event since the last drain: it is time to drain.
    Pressed,
    /// All rings are full.
    Full,
}

impl Rings {
    pub(crate) fn new() -> Self {
        let rings = std::array::from_fn(|_| CachePadded::new(ArrayQueue::new(EACH)));
        Rings { rings, pressed: CachePadded::default() }
    }

    /// Pushes onto this thread's ring, or onto the next one that has space.
    #[inline]
    pub(crate) fn push(&self, event: Generalized) -> Push {
        let own = shard();
        match self.rings.get(own).map(|ring| ring.push(event)) {
            Some(Ok(())) => Push::Kept,
            Some(Err(event)) => self.spill(own, event),
            None => Push::Full,
        }
    }

    #[cold]
    fn spill(&self, own: usize, mut event: Generalized) -> Push {
        let first = !self.pressed.swap(true, Ordering::SeqCst);
        for ring in self.rings.iter().cycle().skip(own + 1).take(RINGS) {
            match ring.push(event) {
                Ok(()) => return if first { Push::Pressed } else { Push::Kept },
                Err(back) => event = back,
            }
        }
        Push::Full
    }

    /// Hands over the events, ring by ring and at most `AT_ONCE` at a time. It takes at most as many events from a ring
    /// as were in it at the start, so that it ends while threads still push.
    pub(crate) fn drain(&self, mut each: impl FnMut(&[Generalized])) {
        self.pressed.store(false, Ordering::SeqCst);
        let mut events = Vec::new();
        for ring in &self.rings {
            let mut left = ring.len();
            while left > 0 {
                events.extend(std::iter::from_fn(|| ring.pop()).take(left.min(AT_ONCE)));
                if events.is_empty() {
                    break;
                }
                left = left.saturating_sub(events.len());
                each(&events);
                events.clear();
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rings.iter().all(|ring| ring.is_empty())
    }

    /// Whether a ring is filling up, so that waiting for the next tick would lose events.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::SeqCst) || self.rings.iter().any(|ring| ring.len() > EACH / 2)
    }
}

/// The index of this thread's ring. Threads get indices in turn, so that threads started one after the other seldom
/// share a ring.
#[inline]
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! { static SHARD: Cell<usize> = const { Cell::new(usize::MAX) } }
    SHARD
        .try_with(|shard| {
            if shard.get() == usize::MAX {
                shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % RINGS);
            }
            shard.get()
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicUsize, thread};

    fn kept(threads: usize, each: usize) -> usize {
        let (rings, kept) = (Rings::new(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let fits = (0..each).filter(|_| rings.push(Generalized::sample()) != Push::Full).count();
                    kept.fetch_add(fits, Ordering::Relaxed)
                });
            }
        });
        let mut drained = 0;
        rings.drain(|events| {
            assert!(events.len() <= AT_ONCE);
            drained += events.len();
        });
        assert_eq!(drained, kept.load(Ordering::Relaxed), "what was taken is handed over");
        drained
    }

    #[test]
    fn a_thread_whose_ring_is_full_takes_the_others() {
        assert_eq!(kept(1, 10_000), 10_000);
        assert_eq!(kept(1, 20_000), RINGS * EACH, "and no more than there are");
    }

    #[test]
    fn sixteen_threads_fit_with_a_thousand_events_each() {
        assert_eq!(kept(16, 1_000), 16_000);
    }

    /// The worker is woken once for everything that it has not drained yet, not once per event.
    #[test]
    fn only_the_first_that_finds_its_ring_full_says_so() {
        let rings = Rings::new();
        let pressed = |events| (0..events).filter(|_| rings.push(Generalized::sample()) == Push::Pressed).count();
        assert_eq!(pressed(EACH), 0);
        assert_eq!(pressed(3 * EACH), 1);
        rings.drain(|_| ());
        assert_eq!(pressed(2 * EACH), 1);
    }

    #[test]
    fn they_take_less_than_two_mebibytes() {
        // A queue stores one stamp with each event.
        assert!(RINGS * EACH * (size_of::<Generalized>() + size_of::<usize>()) < 2 << 20);
    }
}
