//! The disk of a simulated process. Each call is a step: another process may run first, the call may fail, or the process may be
//! killed before, during or after the call.

use super::world::{Fate, Sort, World};
use crate::{
    disk::{Disk, Handle, Stat},
    tests::memory::Pid,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Clone)]
pub(super) struct SimDisk {
    pub(super) world: Arc<World>,
    pub(super) actor: usize,
    pub(super) pid: Pid,
    below: Arc<dyn Disk>,
}

impl SimDisk {
    pub(super) fn new(world: &Arc<World>, actor: usize, pid: Pid) -> Self {
        SimDisk { world: world.clone(), actor, pid, below: world.memory().process(pid) }
    }

    fn step<T>(&self, sort: Sort, what: &str, path: &Path, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.world.at_seam(self.actor, self.pid, Some(sort), what, path) {
            Fate::Fails(error) => Err(error),
            Fate::Goes => call(),
            Fate::DiesAfter => {
                let done = call();
                self.world.kill(self.actor, self.pid);
                done
            }
        }
    }

    fn wrap(&self, path: &Path, file: Box<dyn Handle>) -> Box<dyn Handle> {
        Box::new(SimFile { disk: self.clone(), path: path.to_owned(), file })
    }
}

impl Disk for SimDisk {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.step(Sort::Look, "stat", path, || self.below.stat(path))
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Sort::Make, "make_dir", path, || self.below.make_dir(path))
    }
    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        self.step(Sort::Make, "close_to_others", directory, || self.below.close_to_others(directory))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.step(Sort::Open, "list", path, || self.below.list(path))
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.step(Sort::Open, "read", path, || self.below.read(path, most))
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.step(Sort::Open, "read_shared", path, || self.below.read_shared(path, most))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.step(Sort::Make, "create", path, || self.below.create(path)).map(|file| self.wrap(path, file))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.step(Sort::Open, "append", path, || self.below.append(path)).map(|file| self.wrap(path, file))
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.step(Sort::Make, "lock_file", path, || self.below.lock_file(path)).map(|file| self.wrap(path, file))
    }
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.step(Sort::Open, "open_lock", path, || self.below.open_lock(path)).map(|file| self.wrap(path, file))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Sort::Make, "link to", to, || self.below.link(from, to))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Sort::Remove, "rename to", to, || self.below.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(Sort::Remove, "remove", path, || self.below.remove_file(path))
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.step(Sort::Remove, "remove_tree", path, || self.below.remove_tree(path))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Sort::Open, "sync_dir", path, || self.below.sync_dir(path))
    }
}

struct SimFile {
    disk: SimDisk,
    path: PathBuf,
    file: Box<dyn Handle>,
}

impl Handle for SimFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let SimDisk { world, actor, pid, .. } = &self.disk;
        match world.at_seam(*actor, *pid, Some(Sort::Write), "write", &self.path) {
            Fate::Fails(error) => {
                // A full disk writes a part of the data.
                if error.kind() == io::ErrorKind::StorageFull {
                    let part = world.random(bytes.len() as u64) as usize;
                    let _ = self.file.write_all(&bytes[..part]);
                }
                Err(error)
            }
            Fate::Goes => {
                self.file.write_all(bytes)?;
                let (recorded, step, wall) = (world.recorded(*actor), world.step(), world.wall());
                world.oracle().wrote(&self.path, bytes, recorded, step, wall);
                Ok(())
            }
            Fate::DiesAfter => {
                let part = world.random(bytes.len() as u64 + 1) as usize;
                let _ = self.file.write_all(&bytes[..part]);
                world.kill(*actor, *pid);
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = &mut self.file;
        self.disk.clone().step(Sort::Write, "sync", &self.path, || file.sync())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let file = &mut self.file;
        self.disk.clone().step(Sort::Write, "truncate", &self.path, || file.truncate(len))
    }

    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        let what = if shared { "share" } else { "lock" };
        self.disk.step(Sort::Lock, what, &self.path, || self.file.try_lock(shared))
    }
}
