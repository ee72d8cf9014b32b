//! Limits how often each operation looks at the disk. If an operation looked three times where once is enough, no other test
//! would notice, so each has a bound here. The bounds count calls of the disk interface, which don't depend on the machine.

use super::{CRASH, Happened, config, real};
use crate::{
    Answer, Client, Clock, Parcel, SendError, Transport,
    disk::{Disk, Handle, Stat, System},
    sync::Mutex,
};
use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Counts the looks, because their number can grow unnoticed. Other tests notice additional writes.
#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, u64>>);

impl Counted {
    fn note(&self, call: &str, path: &Path) {
        let name = path.file_name().unwrap().to_string_lossy();
        *self.0.lock().entry(format!("{call} {name}")).or_default() += 1;
    }

    fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.0.lock())
    }
}

struct Watched(Arc<Counted>);

impl Disk for Watched {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.0.note("stat", path);
        System.stat(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.note("list", path);
        System.list(path)
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.0.note("read", path);
        System.read(path, most)
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.0.note("read", path);
        System.read_shared(path, most)
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.note("lock", path);
        System.lock_file(path)
    }
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.note("lock", path);
        System.open_lock(path)
    }

    real!(make_dir create append rename remove_file remove_tree sync_dir);
}

struct Taken;

impl Transport for Taken {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// A clock that shows this many seconds since 1970.
#[derive(Clone)]
pub(super) struct Days(pub(super) Arc<AtomicU64>);

impl Clock for Days {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn no_operation_asks_more_of_the_disk_than_it_must() {
    let home = tempfile::tempdir().unwrap();
    let counted = Arc::new(Counted::default());
    let start = super::Start.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let days = Days(Arc::new(AtomicU64::new(start)));
    let make = || {
        let mut config = config(home.path()).transport("taken", Taken).clock(days.clone());
        config.disk = Arc::new(Watched(counted.clone()));
        Client::without_worker(config).unwrap()
    };
    let client = make();
    client.grant(CRASH).unwrap();
    let send = || {
        client.record(Happened { times: 2 });
        let _ = client.flush(Duration::from_secs(10)).unwrap();
    };
    send();
    days.0.fetch_add(86_400, Ordering::SeqCst);
    send();
    let mut dear = Vec::new();
    let mut at_most = |most: u64, name: &'static str, act: &dyn Fn()| {
        counted.take();
        act();
        let looks = counted.take();
        let sum: u64 = looks.values().sum();
        if sum > most {
            dear.push(format!("{name}: {sum} looks, {most} are enough: {looks:?}"));
        }
        // A bound far above the actual number would not notice an additional look.
        if sum * 5 < most * 4 {
            dear.push(format!("{name}: {sum} looks, the bound of {most} is too high"));
        }
    };
    let flush = || drop(client.flush(Duration::from_secs(10)).unwrap());
    at_most(9, "a look", &|| client.engine().look());
    at_most(25, "a durable event", &|| client.record_durable(Happened { times: 2 }));
    at_most(182, "a flush", &flush);
    at_most(107, "a flush of nothing", &flush);
    // A flush leaves the moment of the next send as it is.
    drop(client.flush_if_due(Duration::from_secs(10)).unwrap());
    at_most(14, "a run in which nothing is due", &|| {
        assert_eq!(client.flush_if_due(Duration::from_secs(10)).unwrap(), None);
    });
    at_most(284, "a flush on a new day", &|| {
        client.record(Happened { times: 2 });
        days.0.fetch_add(86_400, Ordering::SeqCst);
        flush();
    });
    at_most(27, "a status", &|| drop(client.status(CRASH).unwrap()));
    at_most(69, "a manifest", &|| drop(client.manifest().unwrap()));
    at_most(163, "a start", &|| drop(make()));
    at_most(80, "a withdrawal", &|| drop(client.withdraw(CRASH).unwrap()));
    let notice = client.notice(CRASH).unwrap();
    at_most(102, "a yes", &|| drop(client.grant(CRASH.shown(&notice)).unwrap()));
    assert!(dear.is_empty(), "{dear:#?}");
}
