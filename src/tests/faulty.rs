//! A disk that fails at one changing call only, or at one and every later one, as if the process had died there.

use crate::disk::{Disk, Handle, Stat, System};
use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

/// How an injected fault behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// This call fails, and the later ones work again: a full disk on which space was freed.
    Once,
    /// This call fails, a write after half of its bytes, and no later one does anything: the process died here.
    Dead,
}

/// The real disk, with a fault at changing call number `at` (from 0), counted from when it is armed.
pub(super) struct Faulty {
    plan: Arc<Plan>,
}

struct Plan {
    fault: Fault,
    left: AtomicI64,
    calls: AtomicU64,
}

impl Faulty {
    /// Makes a disk that does not fail until it is armed.
    pub(super) fn new(fault: Fault) -> Arc<Self> {
        let plan = Plan { fault, left: AtomicI64::new(i64::MAX), calls: AtomicU64::new(0) };
        Arc::new(Faulty { plan: Arc::new(plan) })
    }

    pub(super) fn arm(&self, at: u64) {
        self.plan.calls.store(0, Ordering::SeqCst);
        self.plan.left.store(at as i64, Ordering::SeqCst);
    }

    /// How many changing calls were made since it was armed.
    pub(super) fn calls(&self) -> u64 {
        self.plan.calls.load(Ordering::SeqCst)
    }
}

impl Plan {
    /// Does `work`, unless this is the call that fails.
    fn step<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.fails() { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { work() }
    }

    fn fails(&self) -> bool {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        left == 0 || (left < 0 && self.fault == Fault::Dead)
    }
}

impl Disk for Faulty {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        System.stat(path)
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.plan.step(|| System.make_dir(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        System.list(path)
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        System.read(path, most)
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        System.read_shared(path, most)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.step(|| System.create(path)).map(|file| self.wrap(file))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        System.append(path).map(|file| self.wrap(file))
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.step(|| System.lock_file(path)).map(|file| self.wrap(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plan.step(|| System.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.plan.step(|| System.remove_file(path))
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.plan.step(|| System.remove_tree(path))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.plan.step(|| System.sync_dir(path))
    }
}

impl Faulty {
    fn wrap(&self, file: Box<dyn Handle>) -> Box<dyn Handle> {
        Box::new(File { file, plan: self.plan.clone() })
    }
}

struct File {
    file: Box<dyn Handle>,
    plan: Arc<Plan>,
}

impl Handle for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.plan.fails() {
            if self.plan.left.load(Ordering::SeqCst) == -1 {
                let _ = self.file.write_all(&bytes[..bytes.len() / 2]);
            }
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.plan.step(|| Ok(())).and_then(|()| self.file.sync())
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.plan.step(|| Ok(())).and_then(|()| self.file.truncate(len))
    }
    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        self.file.try_lock(shared)
    }
}
