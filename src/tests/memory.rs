//! A disk in memory, for tests that need many disks, or several processes on one disk.
//!
//! It behaves as candor relies on: an open file stays the same file, whatever happens to its name. A lock belongs to an open file
//! and is released with it, or with its process. A rename replaces the target. The disk never fails by itself.

use crate::{
    ambient::Clock,
    disk::{Disk, Handle, Stat, StatKind, refused, too_large},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::UNIX_EPOCH,
};

/// The error of each call of a process that was killed. Nothing may depend on it.
const KILLED: io::ErrorKind = io::ErrorKind::Interrupted;

/// The process that a call comes from.
pub(crate) type Pid = u32;

#[derive(Clone)]
pub(crate) struct Memory(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<PathBuf, Node>,
    /// Every file that has a name or is open, by its number.
    files: BTreeMap<u64, File>,
    /// Counts creations and changes. Gives numbers and versions.
    made: u64,
    dead: BTreeSet<Pid>,
}

#[derive(Clone)]
struct Node {
    number: u64,
    kind: StatKind,
    /// The last change: seconds since 1970 by the clock, and the value of the counter.
    changed: (u64, i64),
    exposed: Option<&'static str>,
}

#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    changed: (u64, i64),
    /// The open handles by their numbers: the process, and the lock if there is one (`true`: shared, `false`: exclusive).
    open: BTreeMap<u64, (Pid, Option<bool>)>,
    names: u32,
}

impl State {
    /// A path and everything below it. These are adjacent in the map, because paths are ordered by their parts.
    fn tree<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = &'s PathBuf> {
        let from = (Bound::Included(path), Bound::Unbounded);
        self.nodes.range::<Path, _>(from).map(|(path, _)| path).take_while(move |entry| entry.starts_with(path))
    }
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn exists() -> io::Error {
    io::ErrorKind::AlreadyExists.into()
}

impl Memory {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let memory = Memory(Arc::new(Inner { state: Mutex::default(), clock }));
        let mut state = memory.state();
        let root = memory.node(&mut state, StatKind::Dir);
        state.nodes.insert(PathBuf::from("/"), root);
        drop(state);
        memory
    }

    /// Copies the files to another disk with another clock. No file is open there.
    pub(crate) fn copy(&self, clock: Arc<dyn Clock>) -> Self {
        let state = self.state();
        let files = state.files.iter().filter(|(_, file)| file.names > 0);
        let files = files.map(|(number, file)| (*number, File { open: BTreeMap::new(), ..file.clone() })).collect();
        let state = State { nodes: state.nodes.clone(), files, made: state.made, dead: BTreeSet::new() };
        Memory(Arc::new(Inner { state: Mutex::new(state), clock }))
    }

    /// The disk as the process `pid` uses it.
    pub(crate) fn process(&self, pid: Pid) -> Arc<dyn Disk> {
        Arc::new(Process { memory: self.clone(), pid })
    }

    /// Kills a process: its locks are released. Its later calls fail and change nothing.
    pub(crate) fn kill(&self, pid: Pid) {
        let mut state = self.state();
        state.dead.insert(pid);
        state.files.values_mut().for_each(|file| file.open.retain(|_, (of, _)| *of != pid));
        state.files.retain(|_, file| file.names > 0 || !file.open.is_empty());
    }

    /// Every file with its bytes.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let files = state.nodes.iter().filter(|(_, node)| node.kind == StatKind::File);
        files.map(|(path, node)| (path.clone(), state.files[&node.number].bytes.clone())).collect()
    }

    /// Writes a file as another program would, with the directories above it.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        for above in path.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            if !state.nodes.contains_key(above) {
                let node = self.node(&mut state, StatKind::Dir);
                state.nodes.insert(above.to_owned(), node);
            }
        }
        self.unname(&mut state, path);
        let node = self.node(&mut state, StatKind::File);
        let file = File { bytes: bytes.to_vec(), changed: node.changed, names: 1, ..File::default() };
        state.files.insert(node.number, file);
        state.nodes.insert(path.to_owned(), node);
        self.changed(&mut state, path);
    }

    /// Removes a file as another program would.
    pub(crate) fn take(&self, path: &Path) {
        let mut state = self.state();
        self.unname(&mut state, path);
        self.changed(&mut state, path);
    }

    /// Marks a file or directory as accessible to other users, with the reason, or as private again.
    pub(crate) fn expose(&self, path: &Path, exposed: Option<&'static str>) {
        if let Some(node) = self.state().nodes.get_mut(path) {
            node.exposed = exposed;
        }
    }

    /// Whether a process holds a lock on a file.
    pub(crate) fn is_locked(&self, path: &Path) -> bool {
        let state = self.state();
        let file = state.nodes.get(path).and_then(|node| state.files.get(&node.number));
        file.is_some_and(|file| file.open.values().any(|(_, lock)| lock.is_some()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self, state: &mut State) -> (u64, i64) {
        state.made += 1;
        let since = self.0.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.as_secs(), state.made as i64)
    }

    fn node(&self, state: &mut State, kind: StatKind) -> Node {
        let changed = self.now(state);
        Node { number: state.made, kind, changed, exposed: None }
    }

    /// Marks the directory that contains a path as changed.
    fn changed(&self, state: &mut State, path: &Path) {
        let changed = self.now(state);
        if let Some(above) = path.parent().and_then(|above| state.nodes.get_mut(above)) {
            above.changed = changed;
        }
    }

    /// Removes a name. The file stays while a process has it open.
    fn unname(&self, state: &mut State, path: &Path) {
        let Some(node) = state.nodes.remove(path).filter(|node| node.kind == StatKind::File) else { return };
        if let Some(file) = state.files.get_mut(&node.number) {
            file.names -= 1;
            if file.names == 0 && file.open.is_empty() {
                state.files.remove(&node.number);
            }
        }
    }
}

struct Process {
    memory: Memory,
    pid: Pid,
}

impl Process {
    /// Returns the state of the disk. Fails if the process was killed, or if the directory that contains `path` does not exist.
    fn at(&self, path: &Path) -> io::Result<MutexGuard<'_, State>> {
        let state = self.memory.state();
        if state.dead.contains(&self.pid) {
            return Err(KILLED.into());
        }
        match path.parent().and_then(|above| state.nodes.get(above)) {
            Some(above) if above.kind == StatKind::Dir => Ok(state),
            Some(_) => Err(io::ErrorKind::NotADirectory.into()),
            None if path.parent().is_none() => Ok(state),
            None => Err(absent()),
        }
    }

    fn file(state: &State, path: &Path) -> io::Result<u64> {
        let node = state.nodes.get(path).ok_or_else(absent)?;
        match (node.kind, node.exposed) {
            (StatKind::File, None) => Ok(node.number),
            (StatKind::File, Some(why)) => Err(refused(why)),
            _ => Err(refused("not a regular file")),
        }
    }

    fn bytes(state: &State, number: u64, most: u64) -> io::Result<Vec<u8>> {
        let bytes = &state.files[&number].bytes;
        let fits = bytes.len() as u64 <= most;
        if fits { Ok(bytes.clone()) } else { Err(too_large("larger than any file candor writes")) }
    }

    fn open(&self, state: &mut State, number: u64) -> Box<dyn Handle> {
        state.made += 1;
        let handle = state.made;
        if let Some(file) = state.files.get_mut(&number) {
            file.open.insert(handle, (self.pid, None));
        }
        Box::new(Open { memory: self.memory.clone(), pid: self.pid, file: number, handle })
    }

    fn make(&self, state: &mut State, path: &Path) -> u64 {
        let node = self.memory.node(state, StatKind::File);
        let (number, changed) = (node.number, node.changed);
        state.files.insert(number, File { changed, names: 1, ..File::default() });
        state.nodes.insert(path.to_owned(), node);
        self.memory.changed(state, path);
        number
    }
}

impl Disk for Process {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let state = match self.at(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            state => state?,
        };
        let Some(node) = state.nodes.get(path) else { return Ok(None) };
        let file = state.files.get(&node.number);
        let (len, changed) = file.map_or((0, node.changed), |file| (file.bytes.len() as u64, file.changed));
        let version = crate::disk::Version { number: node.number, seconds: changed.0, nanoseconds: changed.1 };
        Ok(Some(Stat {
            kind: node.kind,
            len,
            occupies: len.next_multiple_of(4096),
            version,
            exposed: node.exposed,
            node: Some((1, node.number)),
        }))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.at(path)?;
        if state.nodes.contains_key(path) {
            return Err(exists());
        }
        let node = self.memory.node(&mut state, StatKind::Dir);
        state.nodes.insert(path.to_owned(), node);
        self.memory.changed(&mut state, path);
        Ok(())
    }

    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.at(directory)?;
        state.nodes.get_mut(directory).ok_or_else(absent)?.exposed = None;
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.at(path)?;
        match state.nodes.get(path).map(|node| node.kind) {
            None => return Err(absent()),
            Some(StatKind::Dir) => {}
            Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
        }
        let below = state.tree(path).filter(|entry| entry.parent() == Some(path));
        Ok(below.filter_map(|entry| Some(entry.file_name()?.to_str()?.to_owned())).collect())
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let state = self.at(path)?;
        let number = Self::file(&state, path)?;
        Self::bytes(&state, number, most)
    }

    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let state = self.at(path)?;
        let node = state.nodes.get(path).ok_or_else(absent)?;
        if node.kind != StatKind::File {
            return Err(refused("not a regular file"));
        }
        Self::bytes(&state, node.number, most)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut state = self.at(path)?;
        if state.nodes.contains_key(path) {
            return Err(exists());
        }
        let number = self.make(&mut state, path);
        Ok(self.open(&mut state, number))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut state = self.at(path)?;
        let number = Self::file(&state, path)?;
        Ok(self.open(&mut state, number))
    }

    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut state = self.at(path)?;
        let number = match state.nodes.contains_key(path) {
            true => Self::file(&state, path)?,
            false => self.make(&mut state, path),
        };
        Ok(self.open(&mut state, number))
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.append(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        drop(self.at(to)?);
        let mut state = self.at(from)?;
        if state.nodes.contains_key(to) {
            return Err(exists());
        }
        let node = state.nodes.get(from).filter(|node| node.kind == StatKind::File).ok_or_else(absent)?.clone();
        if let Some(file) = state.files.get_mut(&node.number) {
            file.names += 1;
        }
        state.nodes.insert(to.to_owned(), node);
        self.memory.changed(&mut state, to);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        drop(self.at(to)?);
        let mut state = self.at(from)?;
        let kind = state.nodes.get(from).ok_or_else(absent)?.kind;
        if from == to {
            return Ok(());
        }
        match state.nodes.get(to).map(|node| node.kind) {
            Some(StatKind::File) if kind == StatKind::File => self.memory.unname(&mut state, to),
            Some(_) => return Err(exists()),
            None => {}
        }
        let moved: Vec<PathBuf> = state.tree(from).cloned().collect();
        for path in moved {
            let target = match path.strip_prefix(from) {
                Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
                Ok(rest) => to.join(rest),
                Err(_) => continue,
            };
            if let Some(node) = state.nodes.remove(&path) {
                state.nodes.insert(target, node);
            }
        }
        self.memory.changed(&mut state, from);
        self.memory.changed(&mut state, to);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.at(path)?;
        match state.nodes.get(path).map(|node| node.kind) {
            None => return Err(absent()),
            Some(StatKind::Dir) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(_) => {}
        }
        self.memory.unname(&mut state, path);
        self.memory.changed(&mut state, path);
        Ok(())
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        let mut state = self.at(path)?;
        let gone: Vec<PathBuf> = state.tree(path).cloned().collect();
        if gone.is_empty() {
            return Err(absent());
        }
        for path in gone {
            self.memory.unname(&mut state, &path);
        }
        self.memory.changed(&mut state, path);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let state = self.at(path)?;
        state.nodes.get(path).map(|_| ()).ok_or_else(absent)
    }
}

struct Open {
    memory: Memory,
    pid: Pid,
    file: u64,
    handle: u64,
}

impl Open {
    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.memory.state();
        let changed = self.memory.now(&mut state);
        let file = self.opened(&mut state)?;
        change(&mut file.bytes);
        file.changed = changed;
        Ok(())
    }

    fn opened<'s>(&self, state: &'s mut State) -> io::Result<&'s mut File> {
        if state.dead.contains(&self.pid) {
            return Err(KILLED.into());
        }
        state.files.get_mut(&self.file).ok_or_else(|| io::ErrorKind::Other.into())
    }
}

impl Handle for Open {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.change(|file| file.extend_from_slice(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.opened(&mut self.memory.state()).map(|_| ())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.change(|file| file.resize(len as usize, 0))
    }

    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        let mut state = self.memory.state();
        let file = self.opened(&mut state)?;
        let others = file.open.iter().filter(|(handle, _)| **handle != self.handle);
        let free = others.filter_map(|(_, (_, lock))| *lock).all(|theirs| shared && theirs);
        if free && let Some((_, lock)) = file.open.get_mut(&self.handle) {
            *lock = Some(shared);
        }
        Ok(free)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.memory.state();
        if let Some(file) = state.files.get_mut(&self.file) {
            file.open.remove(&self.handle);
            if file.names == 0 && file.open.is_empty() {
                state.files.remove(&self.file);
            }
        }
    }
}

/// The same calls on this disk and on the real one have the same results.
#[cfg(unix)]
#[test]
fn the_disk_in_memory_does_what_the_real_one_does() {
    use crate::{ambient::SystemClock, disk::System};

    fn told<T: std::fmt::Debug>(result: io::Result<T>) -> String {
        match result {
            Ok(value) => format!("{value:?}"),
            Err(error) => format!("{:?}", error.kind()),
        }
    }
    fn through(disk: &dyn Disk, home: &Path) -> Vec<String> {
        let at = |name: &str| home.join(name);
        let mut said = Vec::new();
        let mut say = |text: String| said.push(text);
        // The length of a directory depends on the file system.
        let len = |stat: &Stat| if stat.kind == StatKind::Dir { 0 } else { stat.len };
        let kind =
            |path: &Path| told(disk.stat(path).map(|stat| stat.map(|stat| (stat.kind, len(&stat), stat.exposed))));
        let number = |path: &Path| disk.stat(path).unwrap().unwrap().version.number;
        say(kind(&at("d/f")));
        say(told(disk.list(&at("d"))));
        say(told(disk.read(&at("d/f"), 9)));
        say(told(disk.create(&at("d/f")).map(drop)));
        say(told(disk.make_dir(&at("d"))));
        say(told(disk.make_dir(&at("d"))));
        say(told(disk.make_dir(&at("e/f"))));
        say(kind(&at("d")));
        let mut file = disk.create(&at("d/f")).unwrap();
        say(told(disk.create(&at("d/f")).map(drop)));
        say(told(file.write_all(b"0123456789")));
        say(told(file.sync()));
        say(told(disk.read(&at("d/f"), 9)));
        say(told(file.truncate(4)));
        say(told(disk.read(&at("d/f"), 9)));
        say(told(disk.read_shared(&at("d/f"), 9)));
        say(told(disk.read(&at("d"), 9).map_err(|_| io::Error::other(""))));
        say(kind(&at("d/f")));
        // Locks belong to open files.
        let again = disk.append(&at("d/f")).unwrap();
        say(told(file.try_lock(true)));
        say(told(again.try_lock(true)));
        say(told(again.try_lock(false)));
        drop(again);
        say(told(file.try_lock(false)));
        let lock = disk.lock_file(&at("d/f")).unwrap();
        say(told(lock.try_lock(true)));
        drop(file);
        say(told(lock.try_lock(false)));
        // An open file stays the same file when another one takes its name.
        let before = number(&at("d/f"));
        let mut old = disk.append(&at("d/f")).unwrap();
        disk.create(&at("d/g")).unwrap().write_all(b"new").unwrap();
        say(told(disk.rename(&at("d/g"), &at("d/f"))));
        say(format!("{}", number(&at("d/f")) == before));
        say(told(old.write_all(b"more")));
        say(told(disk.read(&at("d/f"), 9)));
        say(told(disk.list(&at("d"))));
        say(told(disk.rename(&at("d/none"), &at("d/f"))));
        say(told(disk.rename(&at("d/f"), &at("none/f"))));
        say(told(disk.rename(&at("d"), &at("moved"))));
        say(told(disk.read(&at("moved/f"), 9)));
        say(kind(&at("d")));
        say(told(disk.sync_dir(&at("moved"))));
        say(told(disk.sync_dir(&at("d"))));
        say(told(disk.append(&at("moved/none")).map(drop)));
        say(told(disk.remove_file(&at("moved/none"))));
        say(told(disk.remove_file(&at("moved/f"))));
        say(told(disk.lock_file(&at("moved/l")).map(drop)));
        say(told(disk.list(&at("moved"))));
        say(told(disk.remove_tree(&at("moved"))));
        say(told(disk.remove_tree(&at("moved"))));
        say(kind(&at("moved/l")));
        said
    }
    let home = tempfile::tempdir().unwrap();
    let memory = Memory::new(Arc::new(SystemClock));
    memory.put(&home.path().join("x"), b"");
    memory.take(&home.path().join("x"));
    assert_eq!(through(&*memory.process(1), home.path()), through(&System, home.path()));
}

#[test]
fn a_process_that_is_killed_lets_go() {
    let memory = Memory::new(Arc::new(crate::ambient::SystemClock));
    let (one, two) = (memory.process(1), memory.process(2));
    let mut held = one.lock_file(Path::new("/lock")).unwrap();
    assert!(held.try_lock(false).unwrap());
    let waits = two.lock_file(Path::new("/lock")).unwrap();
    assert!(!waits.try_lock(true).unwrap());
    memory.kill(1);
    assert!(waits.try_lock(false).unwrap());
    assert!(held.write_all(b"x").is_err() && one.read(Path::new("/lock"), 9).is_err());
    assert_eq!(two.read(Path::new("/lock"), 9).unwrap(), b"");
}
