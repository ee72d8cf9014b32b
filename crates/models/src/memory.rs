//! A disk in memory. Each operation is one step, before which any other thread may run. A file keeps its identity when
//! it is renamed or replaced, and a lock belongs to the file, as on a real system. Never fails for lack of space.

use crate::{
    disk::{Disk, Handle, Stat, StatKind, Version},
    steps,
    sync::{self, Point},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// The content of a disk, from which many schedules start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    directories: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Memory(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// The points at which threads meet: one for each named path, and one for all other paths.
    points: BTreeMap<PathBuf, Arc<Point>>,
    elsewhere: Arc<Point>,
    /// Set while the world is made and judged. Then there is only one thread, so no order needs to be tried.
    quiet: AtomicBool,
}

#[derive(Default)]
struct State {
    directories: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Arc<File>>,
    made: u64,
}

struct File {
    number: u64,
    content: Mutex<(Vec<u8>, i64)>,
    lock: Mutex<Lock>,
    /// The lock as a shared object, separate from the file's content.
    locking: OnceLock<Point>,
}

#[derive(Default)]
struct Lock {
    shared: usize,
    exclusive: bool,
}

impl Memory {
    /// Makes a disk. `paths` must list every path that two threads may access, so that its point is made before a
    /// second thread starts.
    pub(crate) fn new(image: &Image, paths: &[PathBuf]) -> Self {
        let mut state = State { directories: image.directories.clone(), ..State::default() };
        for (path, bytes) in &image.files {
            let file = state.make();
            file.content.lock().unwrap().0 = bytes.clone();
            state.files.insert(path.clone(), file);
        }
        let points = image.files.keys().chain(paths).map(|path| (path.clone(), Arc::new(Point::new()))).collect();
        Memory(Arc::new(Inner {
            state: Mutex::new(state),
            points,
            elsewhere: Arc::new(Point::new()),
            quiet: AtomicBool::new(true),
        }))
    }

    pub(crate) fn image(&self) -> Image {
        let state = self.0.state.lock().unwrap();
        let files = state.files.iter().map(|(path, file)| (path.clone(), file.content.lock().unwrap().0.clone()));
        Image { directories: state.directories.clone(), files: files.collect() }
    }

    pub(crate) fn quiet(&self, quiet: bool) {
        self.0.quiet.store(quiet, Ordering::SeqCst);
    }

    fn note(&self, what: &str, path: &Path) {
        steps::note_file(what, path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    }

    fn point(&self, path: &Path) -> Arc<Point> {
        self.0.points.get(path).unwrap_or(&self.0.elsewhere).clone()
    }

    fn is_quiet(&self) -> bool {
        self.0.quiet.load(Ordering::SeqCst) || std::thread::panicking()
    }

    fn reads(&self, path: &Path) {
        if !self.is_quiet() && !sync::is_merged() {
            self.point(path).read();
        }
    }

    /// Merges this thread's reads, from here until it opens a life lock, into one step that is taken now. Writes are
    /// never merged.
    pub(crate) fn merge(&self, path: &Path) {
        self.reads(path);
        sync::set_merged(true);
    }

    fn writes(&self, path: &Path) {
        if self.is_quiet() {
            return;
        }
        self.point(path).write();
        // The modules search a directory for tombstones only, so no other new file is noticed there.
        if path.extension().is_some_and(|extension| extension == "revoked" || extension == "ended") {
            self.0.elsewhere.write();
        }
    }

    fn file(&self, path: &Path) -> io::Result<Arc<File>> {
        self.0.state.lock().unwrap().files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn open(&self, path: &Path, file: Arc<File>) -> Box<dyn Handle> {
        Box::new(Open { disk: self.clone(), path: path.to_owned(), file, held: Mutex::new(None) })
    }
}

impl State {
    fn make(&mut self) -> Arc<File> {
        self.made += 1;
        Arc::new(File {
            number: self.made,
            content: Mutex::default(),
            lock: Mutex::default(),
            locking: OnceLock::new(),
        })
    }
}

impl Disk for Memory {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        if self.0.state.lock().unwrap().directories.contains(path) {
            return Ok(Some(Stat {
                kind: StatKind::Dir,
                len: 0,
                occupies: 0,
                version: Version::default(),
                exposed: None,
                node: Some((1, 0)),
            }));
        }
        self.reads(path);
        let Ok(file) = self.file(path) else { return Ok(None) };
        let content = file.content.lock().unwrap();
        let version = Version { number: file.number, seconds: 0, nanoseconds: content.1 };
        let (len, node) = (content.0.len() as u64, Some((1, file.number)));
        Ok(Some(Stat { kind: StatKind::File, len, occupies: len, version, exposed: None, node }))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.writes(path);
        let new = self.0.state.lock().unwrap().directories.insert(path.to_owned());
        if new { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        if !self.is_quiet() && !sync::is_merged() {
            self.0.elsewhere.read();
        }
        let state = self.0.state.lock().unwrap();
        let below = state.files.keys().chain(&state.directories).filter(|entry| entry.parent() == Some(path));
        Ok(below.filter_map(|entry| entry.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.reads(path);
        self.note("read", path);
        let bytes = self.file(path)?.content.lock().unwrap().0.clone();
        if bytes.len() as u64 > most { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes) }
    }

    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.read(path, most)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.writes(path);
        let mut state = self.0.state.lock().unwrap();
        if state.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.make();
        state.files.insert(path.to_owned(), file.clone());
        drop(state);
        Ok(self.open(path, file))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.reads(path);
        Ok(self.open(path, self.file(path)?))
    }

    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        sync::set_merged(false);
        self.reads(path);
        if self.file(path).is_err() {
            self.writes(path);
            let mut state = self.0.state.lock().unwrap();
            let file = state.make();
            state.files.entry(path.to_owned()).or_insert(file);
        }
        Ok(self.open(path, self.file(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.writes(from);
        self.writes(to);
        self.note("replace", to);
        let mut state = self.0.state.lock().unwrap();
        let file = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.writes(path);
        let gone = self.0.state.lock().unwrap().files.remove(path);
        gone.map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.writes(path);
        let mut state = self.0.state.lock().unwrap();
        state.files.retain(|file, _| !file.starts_with(path));
        state.directories.retain(|directory| !directory.starts_with(path));
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

struct Open {
    disk: Memory,
    path: PathBuf,
    file: Arc<File>,
    /// Whether its lock is held, and if so, whether it is shared.
    held: Mutex<Option<bool>>,
}

impl Open {
    /// A step at the lock. Two shared holders do not affect each other.
    fn meets(&self, shared: bool) {
        // Made by the first thread that locks, while there is only one thread.
        let point = self.file.locking.get_or_init(Point::new);
        match (self.disk.is_quiet(), shared) {
            (true, _) => {}
            (false, true) => point.read(),
            (false, false) => point.write(),
        }
    }
}

impl Handle for Open {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.writes(&self.path);
        self.disk.note("write", &self.path);
        let mut content = self.file.content.lock().unwrap();
        content.0.extend_from_slice(bytes);
        content.1 += 1;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.writes(&self.path);
        let mut content = self.file.content.lock().unwrap();
        content.0.truncate(usize::try_from(len).unwrap());
        content.1 += 1;
        Ok(())
    }

    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        self.meets(shared);
        let mut lock = self.file.lock.lock().unwrap();
        let free = if shared { !lock.exclusive } else { !lock.exclusive && lock.shared == 0 };
        if free {
            if shared {
                lock.shared += 1
            } else {
                lock.exclusive = true
            }
            *self.held.lock().unwrap() = Some(shared);
            self.disk.note(if shared { "share" } else { "lock" }, &self.path);
        }
        Ok(free)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(shared) = self.held.lock().unwrap().take() else { return };
        if shared || !sync::MERGES || self.path.extension().is_none_or(|extension| extension != "life") {
            self.meets(shared);
        }
        self.disk.note("let go of", &self.path);
        let mut lock = self.file.lock.lock().unwrap();
        if shared { lock.shared -= 1 } else { lock.exclusive = false }
    }
}
