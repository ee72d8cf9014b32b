//! Lists every method of the seams (the traits for disk, clock, random generator and network) and the errors that it can have.
//! Provides implementations of these traits in which one planned fault happens.

use super::super::platform::Errno;
use crate::{
    Answer, Clock, Parcel, SendError, Transport,
    ambient::Entropy,
    disk::{Disk, Handle, Need, Stat},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// More calls than any operation makes. An operation that makes this many does not end.
const ENDLESS: u64 = 200_000;
const DAY: i64 = 86_400_000;

macro_rules! calls {
    ($($call:ident = $seam:literal $name:literal,)+) => {
        /// A method of a seam.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Call { $($call,)+ }

        /// Every method, with its trait and its name.
        pub(super) const CALLS: &[(Call, &str, &str)] = &[$((Call::$call, $seam, $name),)+];
    };
}

calls! {
    Stat = "Disk" "stat",
    MakeDir = "Disk" "make_dir",
    List = "Disk" "list",
    Read = "Disk" "read",
    ReadShared = "Disk" "read_shared",
    Create = "Disk" "create",
    Append = "Disk" "append",
    OpenToLock = "Disk" "open_to_lock",
    LockFile = "Disk" "lock_file",
    MayWrite = "Disk" "may_write",
    CloseToOthers = "Disk" "close_to_others",
    OpenLock = "Disk" "open_lock",
    Link = "Disk" "link",
    Rename = "Disk" "rename",
    RemoveFile = "Disk" "remove_file",
    RemoveTree = "Disk" "remove_tree",
    SyncDir = "Disk" "sync_dir",
    WriteAll = "Handle" "write_all",
    Sync = "Handle" "sync",
    Truncate = "Handle" "truncate",
    TryLock = "Handle" "try_lock",
    Send = "Transport" "send",
    Now = "Clock" "now",
    Monotonic = "Clock" "monotonic",
    Fill = "Entropy" "fill",
}

/// An error that a call can have.
#[expect(clippy::enum_variant_names, reason = "HTTP calls one of them a server error")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Error {
    NotFound,
    Io,
    TooManyFiles,
    TooManyFilesInSystem,
    NoMemory,
    Stale,
    NoAccess,
    ReadOnly,
    NoSpace,
    Interrupted,
    /// Half of a file is read, then its end is reached. The real disk reports this as an error of its own.
    ShortRead,
    /// Half of the data is written, then there is no space.
    ShortWrite,
    NoEntropy,
    // Network errors.
    Unreachable,
    TimesOut,
    /// The receiver accepted the data, but its answer was lost.
    AnswerLost,
    Busy,
    ServerError,
    Refused,
    Gone,
    TooLarge,
    Rejected,
    NotOtlp,
    Redirected,
    /// The receiver rejects one record of the request.
    Partial,
    // Clock errors.
    AheadDays,
    AheadYears,
    BackDays,
    BackYears,
    Frozen,
    /// The computer was suspended for an hour.
    Suspended,
}

impl Error {
    fn code(self) -> i32 {
        let errno = match self {
            Error::NotFound => Errno::NOENT,
            Error::Interrupted => Errno::INTR,
            Error::NoMemory => Errno::NOMEM,
            Error::NoAccess => Errno::ACCESS,
            Error::TooManyFilesInSystem => Errno::NFILE,
            Error::TooManyFiles => Errno::MFILE,
            Error::NoSpace | Error::ShortWrite => Errno::NOSPC,
            Error::ReadOnly => Errno::ROFS,
            Error::Stale => Errno::STALE,
            _ => Errno::IO,
        };
        errno.raw_os_error()
    }

    fn io(self) -> io::Error {
        match self {
            Error::ShortRead => io::ErrorKind::UnexpectedEof.into(),
            _ => io::Error::from_raw_os_error(self.code()),
        }
    }

    /// Whether the receiver may have rejected records for good.
    pub(super) fn loses_records(self) -> bool {
        matches!(self, Error::Gone | Error::TooLarge | Error::Rejected | Error::Partial)
    }

    pub(super) fn is_of_the_disk(self) -> bool {
        self <= Error::ShortWrite
    }
}

/// Every pair of a call and an error that it can have.
pub(super) fn kinds() -> Vec<(Call, Error)> {
    CALLS.iter().flat_map(|(call, ..)| errors(*call).into_iter().map(|error| (*call, error))).collect()
}

/// The errors that a call can have.
pub(super) fn errors(call: Call) -> Vec<Error> {
    use Error::*;
    let any: &[Error] = &[Io, NoMemory, Stale, Interrupted];
    let opens: &[Error] = &[TooManyFiles, TooManyFilesInSystem];
    let path: &[Error] = &[NotFound, NoAccess];
    let changes: &[Error] = &[ReadOnly, NoSpace];
    let lists: &[&[Error]] = match call {
        Call::Stat => &[any, path],
        Call::List | Call::SyncDir => &[any, path, opens],
        Call::Read => &[any, path, opens, &[ShortRead]],
        // Only rules are read with this call, and a missing rule file means that there is no rule: see `may_meet`.
        Call::ReadShared => &[any, &[NoAccess], opens, &[ShortRead]],
        Call::Create | Call::LockFile => &[any, path, opens, changes],
        Call::Append | Call::OpenLock => &[any, path, opens, &[ReadOnly]],
        // A lock file that can only be read is opened for reading.
        Call::OpenToLock => &[any, path, opens],
        Call::MakeDir | Call::Rename | Call::Link | Call::MayWrite => &[any, path, changes],
        Call::CloseToOthers => &[any, path, opens, &[ReadOnly]],
        Call::RemoveFile => &[any, path, &[ReadOnly]],
        Call::RemoveTree => &[any, path, opens, &[ReadOnly]],
        Call::WriteAll => &[&[Io, Stale, NoSpace, ShortWrite, Interrupted, NoMemory]],
        Call::Sync | Call::Truncate => &[&[Io, Stale, NoSpace, Interrupted]],
        Call::TryLock => &[&[Io, NoMemory, Interrupted, Stale]],
        Call::Send => &[&[
            Unreachable,
            TimesOut,
            AnswerLost,
            Busy,
            ServerError,
            Refused,
            Gone,
            TooLarge,
            Rejected,
            NotOtlp,
            Redirected,
            Partial,
        ]],
        Call::Now => &[&[AheadDays, AheadYears, BackDays, BackYears, Frozen]],
        Call::Monotonic => &[&[Suspended]],
        Call::Fill => &[&[NoEntropy]],
    };
    lists.concat()
}

/// Whether an error can count as a fault at this path. A missing rule, or a missing directory of rules, means that there is no
/// rule: an administrator removed it, and the result is intended.
pub(super) fn may_meet(path: &Path, error: Error) -> bool {
    error != Error::NotFound || !path.starts_with(super::world::RULES)
}

/// How long an error lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lasts {
    /// At this call only.
    Once,
    /// At every later call on the same file as well.
    ForFile,
    /// At every later call that can have this error, until the fault is lifted.
    Long,
}

/// One fault: at which call (counted from 0), which error, and how long it lasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) at: u64,
    pub(super) error: Error,
    pub(super) lasts: Lasts,
}

/// Counts the calls that one client makes, and fails those that the fault is for.
#[derive(Default)]
pub(super) struct Plan(Mutex<Planned>);

#[derive(Default)]
struct Planned {
    counting: bool,
    fault: Option<Fault>,
    calls: u64,
    /// The file at which the fault first happened.
    file: Option<PathBuf>,
    trace: Vec<(Call, PathBuf)>,
    fired: u64,
}

impl Plan {
    fn planned(&self) -> MutexGuard<'_, Planned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts counting calls from 0, and applies the fault, if there is one.
    pub(super) fn arm(&self, fault: Option<Fault>) {
        *self.planned() = Planned { counting: true, fault, ..Planned::default() };
    }

    /// Ends the fault. Returns the calls (recorded only in a run without a fault) and how often the fault fired.
    pub(super) fn lift(&self) -> (Vec<(Call, PathBuf)>, u64) {
        let done = std::mem::take(&mut *self.planned());
        (done.trace, done.fired)
    }

    fn meets(&self, call: Call, path: &Path) -> Option<Error> {
        let mut planned = self.planned();
        if !planned.counting {
            return None;
        }
        let number = planned.calls;
        planned.calls += 1;
        assert!(number < ENDLESS, "it does not end: {ENDLESS} calls, the last is {call:?} of {}", path.display());
        let Some(Fault { at, error, lasts }) = planned.fault else {
            planned.trace.push((call, path.to_owned()));
            return None;
        };
        if number == at {
            planned.file = Some(path.to_owned());
        }
        let again = number > at
            && match lasts {
                Lasts::Once => false,
                Lasts::ForFile => planned.file.as_deref() == Some(path),
                Lasts::Long => true,
            };
        let meets = (number == at || again) && errors(call).contains(&error) && may_meet(path, error);
        planned.fired += u64::from(meets);
        meets.then_some(error)
    }

    fn run<T>(&self, call: Call, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.meets(call, path) {
            Some(error) => Err(error.io()),
            None => work(),
        }
    }
}

/// A disk with a planned fault.
pub(super) struct FaultyDisk {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) plan: Arc<Plan>,
}

impl FaultyDisk {
    fn wrap(&self, path: &Path, file: Box<dyn Handle>) -> Box<dyn Handle> {
        Box::new(FaultyFile { file, path: path.to_owned(), plan: self.plan.clone() })
    }
}

impl Disk for FaultyDisk {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        match self.plan.meets(Call::Stat, path) {
            // The real disk reports a missing file like this.
            Some(Error::NotFound) => Ok(None),
            Some(error) => Err(error.io()),
            None => self.disk.stat(path),
        }
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.plan.run(Call::MakeDir, path, || self.disk.make_dir(path))
    }
    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        self.plan.run(Call::MayWrite, directory, || self.disk.may_write(directory, need))
    }
    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        self.plan.run(Call::CloseToOthers, directory, || self.disk.close_to_others(directory))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.plan.run(Call::List, path, || self.disk.list(path))
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.plan.run(Call::Read, path, || self.disk.read(path, most))
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.plan.run(Call::ReadShared, path, || self.disk.read_shared(path, most))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.run(Call::Create, path, || self.disk.create(path)).map(|file| self.wrap(path, file))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.run(Call::Append, path, || self.disk.append(path)).map(|file| self.wrap(path, file))
    }
    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.run(Call::OpenToLock, path, || self.disk.open_to_lock(path)).map(|file| self.wrap(path, file))
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.run(Call::LockFile, path, || self.disk.lock_file(path)).map(|file| self.wrap(path, file))
    }
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.plan.run(Call::OpenLock, path, || self.disk.open_lock(path)).map(|file| self.wrap(path, file))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plan.run(Call::Link, to, || self.disk.link(from, to))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plan.run(Call::Rename, to, || self.disk.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.plan.run(Call::RemoveFile, path, || self.disk.remove_file(path))
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.plan.run(Call::RemoveTree, path, || self.disk.remove_tree(path))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.plan.run(Call::SyncDir, path, || self.disk.sync_dir(path))
    }
}

struct FaultyFile {
    file: Box<dyn Handle>,
    path: PathBuf,
    plan: Arc<Plan>,
}

impl Handle for FaultyFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.plan.meets(Call::WriteAll, &self.path) {
            Some(Error::ShortWrite) => {
                let _ = self.file.write_all(&bytes[..bytes.len() / 2]);
                Err(Error::ShortWrite.io())
            }
            Some(error) => Err(error.io()),
            None => self.file.write_all(bytes),
        }
    }
    fn sync(&mut self) -> io::Result<()> {
        self.plan.run(Call::Sync, &self.path, || self.file.sync())
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.plan.run(Call::Truncate, &self.path, || self.file.truncate(len))
    }
    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        self.plan.run(Call::TryLock, &self.path, || self.file.try_lock(shared))
    }
}

/// A clock that advances while a caller waits, and that jumps where the plan says so.
pub(super) struct Hands {
    begin: Instant,
    /// Milliseconds since 1970, and milliseconds since the begin.
    time: Mutex<(i64, u64)>,
    /// The time that a stopped clock shows, in milliseconds since 1970.
    frozen_at: AtomicI64,
    pub(super) plan: Arc<Plan>,
}

impl Hands {
    pub(super) fn new(plan: Arc<Plan>, since_1970: i64, passed: u64) -> Arc<Self> {
        Arc::new(Hands {
            begin: crate::ambient::instant(),
            time: Mutex::new((since_1970, passed)),
            frozen_at: AtomicI64::new(since_1970),
            plan,
        })
    }

    pub(super) fn told(&self) -> (i64, u64) {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pass(&self, time: Duration) {
        let mut told = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        // Every wait takes at least one millisecond.
        let millis = (time.as_millis() as u64).max(1);
        *told = (told.0 + millis as i64, told.1 + millis);
    }

    /// Sets the time that [`Error::Frozen`] shows to the current time.
    pub(super) fn stop_here(&self) {
        self.frozen_at.store(self.told().0, Ordering::SeqCst);
    }

    /// The same clock without faults.
    pub(super) fn right(self: &Arc<Self>) -> Right {
        Right(self.clone())
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        let leap = match self.plan.meets(Call::Now, Path::new("clock")) {
            Some(Error::AheadDays) => 3 * DAY,
            Some(Error::AheadYears) => 900 * DAY,
            Some(Error::BackDays) => -3 * DAY,
            Some(Error::BackYears) => -900 * DAY,
            Some(Error::Frozen) => self.frozen_at.load(Ordering::SeqCst) - self.told().0,
            _ => 0,
        };
        UNIX_EPOCH + Duration::from_millis(self.told().0.saturating_add(leap).max(0) as u64)
    }

    fn monotonic(&self) -> Instant {
        if self.plan.meets(Call::Monotonic, Path::new("clock")).is_some() {
            self.pass(Duration::from_secs(3_600));
        }
        self.begin + Duration::from_millis(self.told().1)
    }
}

/// The clock that [`Hands::right`] returns.
pub(super) struct Right(Arc<Hands>);

impl Clock for Right {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.told().0.max(0) as u64)
    }

    fn monotonic(&self) -> Instant {
        self.0.begin + Duration::from_millis(self.0.told().1)
    }
}

/// A generator that gives the same pseudo-random bytes for the same seed.
pub(super) struct Seeded {
    pub(super) state: Mutex<u64>,
    pub(super) plan: Option<Arc<Plan>>,
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        if self.plan.as_ref().is_some_and(|plan| plan.meets(Call::Fill, Path::new("entropy")).is_some()) {
            return Err(io::Error::other("there is no entropy"));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 32) as u8;
        }
        Ok(())
    }
}

/// What the receiver has accepted, and which scopes must not send any more.
#[derive(Default, Clone)]
pub(super) struct Receiver(pub(super) Arc<Mutex<Received>>);

#[derive(Default, Clone)]
pub(super) struct Received {
    /// Bodies by scope, without requests for erasure.
    pub(super) bodies: BTreeMap<String, Vec<String>>,
    /// The scopes that must not send: after a confirmed withdrawal, or under a rule that blocks them.
    pub(super) closed: Vec<String>,
    pub(super) wrong: Vec<String>,
}

/// A transport to the receiver, with a planned fault.
pub(super) struct Network {
    pub(super) receiver: Receiver,
    pub(super) plan: Option<Arc<Plan>>,
}

impl Transport for Network {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let mut received = self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scope = parcel.scope().to_owned();
        if received.closed.contains(&scope) && !parcel.is_erasure() {
            received.wrong.push(format!(
                "{} bytes of `{scope}` left although it is closed, after a confirmed withdrawal or under a rule",
                parcel.body().len()
            ));
        }
        let error = self.plan.as_ref().and_then(|plan| plan.meets(Call::Send, Path::new("network")));
        let taken = matches!(error, None | Some(Error::AnswerLost | Error::Partial));
        if taken && !parcel.is_erasure() {
            let body = String::from_utf8_lossy(parcel.body()).into_owned();
            received.bodies.entry(scope).or_default().push(body);
        }
        Ok(match error {
            None => Answer::Accepted { rejected: 0 },
            Some(Error::Partial) => Answer::Accepted { rejected: 1 },
            Some(Error::AnswerLost | Error::TimesOut) => return Err(SendError::TimedOut("a test")),
            Some(Error::Busy) => Answer::Busy { retry_after: None },
            Some(Error::ServerError) => Answer::ServerError { retry_after: None },
            Some(Error::Refused) => Answer::Refused,
            Some(Error::Gone) => Answer::Gone,
            Some(Error::TooLarge) => Answer::TooLarge,
            Some(Error::Rejected) => Answer::Rejected,
            Some(Error::NotOtlp) => Answer::NotOtlp,
            Some(Error::Redirected) => Answer::Redirected,
            Some(_) => return Err(SendError::Network("a test".into())),
        })
    }
}

/// The names of the methods of a trait, read from its source.
fn methods(source: &str, of: &str) -> Vec<String> {
    let begin = source.find(&format!("trait {of}:")).expect("the trait is there");
    let body = &source[begin..];
    let body = &body[..body.find("\n}").expect("it ends")];
    let names = body.lines().filter_map(|line| line.strip_prefix("    fn "));
    // `barred` is skipped: it describes the disk and makes no call.
    names
        .filter(|rest| !rest.starts_with("barred"))
        .map(|rest| rest.split(['(', '<']).next().unwrap_or_default().to_owned())
        .collect()
}

/// Fails if a seam gains a method for which no fault is defined.
#[test]
fn every_method_of_every_seam_can_fail() {
    for (seam, source) in [
        ("Disk", include_str!("../../disk/interface.rs")),
        ("Handle", include_str!("../../disk/interface.rs")),
        ("Transport", include_str!("../../transport/mod.rs")),
        ("Clock", include_str!("../../ambient.rs")),
        ("Entropy", include_str!("../../ambient.rs")),
    ] {
        let mut here: Vec<String> =
            CALLS.iter().filter(|(_, of, _)| *of == seam).map(|(.., name)| (*name).to_owned()).collect();
        let mut there = methods(source, seam);
        here.sort();
        there.sort();
        assert!(!there.is_empty());
        assert_eq!(here, there, "the methods of `{seam}` that can fail, and those that it has");
    }
    for (call, ..) in CALLS {
        assert!(!errors(*call).is_empty(), "{call:?} can fail");
    }
}
