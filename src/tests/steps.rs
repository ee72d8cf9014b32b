//! The order of steps of a real send, beside the order that `tests/models` tries out: a model of something else would
//! prove nothing.

use super::{CRASH, Happened, config};
use crate::{
    Answer, Client, Parcel, SendError, Transport,
    disk::{Disk, Handle, Stat, System},
};
use parking_lot::Mutex;
use std::{io, path::Path, sync::Arc, time::Duration};

/// What was done, in order; the same step again and again counts once, but for slices.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Steps {
    fn note(&self, step: &'static str) {
        let mut steps = self.0.lock();
        if steps.last() != Some(&step) || step == "slice" {
            steps.push(step);
        }
    }
}

/// Two slices, each asked for, as the crate's own transport does it.
struct TwoSlices(Steps);

impl Transport for TwoSlices {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        for _ in 0..2 {
            assert!(parcel.may_leave());
            self.0.note("slice");
        }
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// The real disk, which notes looks at the snapshot and what becomes of life locks.
struct Watched(Steps);

impl Disk for Watched {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        System.stat(path)
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        System.make_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        System.list(path)
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if path.ends_with("consent") {
            self.0.note("look at the snapshot");
        }
        System.read(path, most)
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        System.read_shared(path, most)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        System.create(path)
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        System.append(path)
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = System.lock_file(path)?;
        let is_life = path.extension().is_some_and(|extension| extension == "life");
        Ok(if is_life { Box::new(Life { file, shared: Mutex::new(false), steps: self.0.clone() }) } else { file })
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        System.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        System.remove_file(path)
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        System.remove_tree(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        System.sync_dir(path)
    }
}

struct Life {
    file: Box<dyn Handle>,
    shared: Mutex<bool>,
    steps: Steps,
}

impl Handle for Life {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.truncate(len)
    }
    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        let taken = self.file.try_lock(shared)?;
        if taken && shared {
            *self.shared.lock() = true;
            self.steps.note("share the life lock");
        }
        Ok(taken)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if *self.shared.lock() {
            self.steps.note("let go of the life lock");
        }
    }
}

#[test]
fn a_send_takes_the_steps_that_are_modelled() {
    let home = tempfile::tempdir().unwrap();
    let steps = Steps::default();
    let mut config = config(home.path()).transport("two slices", TwoSlices(steps.clone()));
    config.disk = Arc::new(Watched(steps.clone()));
    let client = Client::new(config).unwrap();
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 2 });
    steps.0.lock().clear();
    let flushed = client.flush(Duration::from_secs(10)).unwrap();
    assert_eq!(flushed.requests, 1, "{flushed:?}");
    let steps = steps.0.lock();
    // From the look that leads to the first permit to the last lock that is let go.
    let first = steps.iter().position(|step| *step == "share the life lock").unwrap() - 1;
    let last = steps.iter().rposition(|step| *step == "let go of the life lock").unwrap();
    // Not part of the package, so it is read and not included.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/steps.txt");
    let modelled = std::fs::read_to_string(path).unwrap();
    assert_eq!(steps[first..=last].join("\n"), modelled.trim());
}
