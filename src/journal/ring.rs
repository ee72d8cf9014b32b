//! The ring between the recording threads and the worker: bounded, lock-free, by value.
//!
//! Eight rings rather than one: two threads that meet on one ring pay ten times as much. Made at the first grant, never
//! on a recording thread. Full means drop and count.

use crate::generalize::Generalized;
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;
use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

const RINGS: usize = 8;
/// 4,096 events in all, 288 KiB.
const EACH: usize = 512;

pub(crate) struct Rings([CachePadded<ArrayQueue<Generalized>>; RINGS]);

impl Rings {
    pub(crate) fn new() -> Self {
        Rings(std::array::from_fn(|_| CachePadded::new(ArrayQueue::new(EACH))))
    }

    /// Pushes onto this thread's ring; `false` when it is full.
    #[inline]
    pub(crate) fn push(&self, event: Generalized) -> bool {
        self.0.get(shard()).is_some_and(|ring| ring.push(event).is_ok())
    }

    /// Hands over what is there, ring by ring, and not more than a ring's length from each, so that it ends and what
    /// is made of it stays small.
    pub(crate) fn drain(&self, mut each: impl FnMut(&[Generalized])) {
        for ring in &self.0 {
            let events: Vec<Generalized> = std::iter::from_fn(|| ring.pop()).take(EACH).collect();
            if !events.is_empty() {
                each(&events);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|ring| ring.is_empty())
    }

    /// Whether any ring is filling up, so that waiting for the next tick would lose events.
    pub(crate) fn is_pressed(&self) -> bool {
        self.0.iter().any(|ring| ring.len() > EACH / 2)
    }
}

/// This thread's ring. Threads take turns, so that neighbours seldom share one.
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
