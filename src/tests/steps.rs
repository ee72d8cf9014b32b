//! Compares the order of the steps of a real send, a real withdrawal and a real grant with the order that `crates/models` checks.
//! A model of a different order would prove nothing.

use super::{CRASH, Happened, config, real};
use crate::{
    Answer, Client, Parcel, SendError, Transport,
    disk::{Disk, Handle, System},
    sync::Mutex,
};
use std::{
    io,
    path::Path,
    sync::Arc,
    thread::{ThreadId, current},
    time::Duration,
};

/// The steps in order, and the thread that took each.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<(ThreadId, &'static str)>>>);

impl Steps {
    fn note(&self, step: &'static str) {
        self.0.lock().push((current().id(), step));
    }

    fn clear(&self) {
        self.0.lock().clear();
    }

    /// The steps of the threads `by`. Several looks at the snapshot in a row count once.
    fn taken(&self, by: impl Fn(ThreadId) -> bool) -> Vec<&'static str> {
        let mut steps: Vec<_> = self.0.lock().iter().filter(|(id, _)| by(*id)).map(|(_, step)| *step).collect();
        steps.dedup_by(|step, before| step == before && *step == LOOK);
        steps
    }

    fn taken_here(&self) -> Vec<&'static str> {
        let here = current().id();
        self.taken(|id| id == here)
    }
}

const LOOK: &str = "look at the snapshot";

/// The modelled steps of one part. The file is not in the package, so it is read at run time and not included.
fn modelled(of: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/models/steps.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let part = text.split("# ").filter_map(|part| part.split_once('\n')).find(|(name, _)| *name == of).unwrap();
    part.1.trim().lines().map(str::to_owned).collect()
}

/// A transport that sends two slices and asks before each whether it may, as the crate's own transport does.
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

/// The real disk. Logs reads of the snapshot, its replacement, and when locks are taken and released.
struct Watched(Steps);

impl Disk for Watched {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if path.ends_with("consent") {
            self.0.note(LOOK);
        }
        System.read(path, most)
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = System.lock_file(path)?;
        let is_life = path.extension().is_some_and(|extension| extension == "life");
        let [shared, alone, let_go] = match path.file_name().and_then(|name| name.to_str()) {
            _ if is_life => ["share the life lock", "have the life lock alone", "let go of the life lock"],
            Some("consent.lock") => ["share decisions", "lock decisions", "let go of decisions"],
            _ => return Ok(file),
        };
        Ok(Box::new(Lock { file, taken: [shared, alone], let_go, held: Mutex::new(false), steps: self.0.clone() }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        System.rename(from, to)?;
        if to.ends_with("consent") {
            self.0.note("replace the snapshot");
        }
        Ok(())
    }

    real!(stat make_dir list read_shared create append remove_file remove_tree sync_dir);
}

struct Lock {
    file: Box<dyn Handle>,
    /// The names of the steps that take it shared and exclusive.
    taken: [&'static str; 2],
    let_go: &'static str,
    held: Mutex<bool>,
    steps: Steps,
}

impl Handle for Lock {
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
        if taken {
            *self.held.lock() = true;
            self.steps.note(self.taken[usize::from(!shared)]);
        }
        Ok(taken)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if *self.held.lock() {
            self.steps.note(self.let_go);
        }
    }
}

fn watched(home: &Path, steps: &Steps) -> Client {
    let mut config = config(home).transport("two slices", TwoSlices(steps.clone()));
    config.disk = Arc::new(Watched(steps.clone()));
    Client::new(config).unwrap()
}

#[test]
fn a_send_takes_the_steps_that_are_modelled() {
    let home = tempfile::tempdir().unwrap();
    let steps = Steps::default();
    let client = watched(home.path(), &steps);
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 2 });
    steps.clear();
    let flushed = client.flush(Duration::from_secs(10)).unwrap();
    assert_eq!(flushed.requests, 1, "{flushed:?}");
    // The steps of the worker, which sends.
    let here = current().id();
    let steps = steps.taken(|id| id != here);
    // From the look before the first permit to the last release of a lock.
    let first = steps.iter().position(|step| *step == "share the life lock").unwrap() - 1;
    let last = steps.iter().rposition(|step| *step == "let go of the life lock").unwrap();
    assert_eq!(steps[first..=last], modelled("a send"));
}

#[test]
fn a_withdrawal_takes_the_steps_that_are_modelled() {
    let home = tempfile::tempdir().unwrap();
    let steps = Steps::default();
    let client = watched(home.path(), &steps);
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 2 });
    steps.clear();
    assert!(client.withdraw(CRASH).unwrap().confirmed);
    assert_eq!(steps.taken_here(), modelled("a withdrawal"));

    let notice = client.notice(CRASH).unwrap();
    steps.clear();
    client.grant(CRASH.shown(&notice)).unwrap();
    // After other processes may decide again, the client only cleans up.
    let steps = steps.taken_here();
    let last = steps.iter().position(|step| *step == "let go of decisions").unwrap();
    // The client looks once more at the start if a look was still pending.
    let first = usize::from(steps.first() == Some(&"look at the snapshot"));
    assert_eq!(steps[first..=last], modelled("a yes after it"));
}
