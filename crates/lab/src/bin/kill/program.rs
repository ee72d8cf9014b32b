//! The program that decides: its scopes, its events, and its client on a given ground.

use candor::{Answer, Audience, Client, Clock, Config, Event, Parcel, SendError, Transport};
use candor_lab::CONTROLLER;
use std::{
    error::Error,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

pub(crate) const APPLICATION: &str = "org.example.killed";

candor::scope! {
    /// Find out how many pages people turn, so that turning is fast where it matters.
    pub READING = "reading" {
        title: "Reading", revision: 1, about: installation, retention: 30 days,
        benefit: "Pages that turn at once", other_uses: none,
    }
    /// Find out how many books are lent, so that lists of them are fast. Nobody decides about this one meanwhile.
    pub LENDING = "lending" {
        title: "Lending", revision: 1, about: installation, retention: 30 days,
        benefit: "Faster lists", other_uses: none,
    }
}

/// A page was turned.
#[derive(Event)]
#[event(name = "page.turned", scope = READING, linkage = none)]
pub(crate) struct PageTurned {
    /// How many pages the book has.
    #[field(count, example = 320)]
    pub(crate) pages: u32,
}

/// A library could not be reached.
#[derive(Event)]
#[event(name = "library.unreachable", scope = READING, linkage = month)]
pub(crate) struct LibraryUnreachable {
    /// Which one, as a code.
    #[field(hash, example = "library.local")]
    pub(crate) library: &'static str,
}

/// A book was opened.
#[derive(Event)]
#[event(name = "book.opened", scope = READING, linkage = rollup)]
pub(crate) struct BookOpened {
    /// Whether it had been begun before.
    pub(crate) resumed: bool,
}

/// A book was lent.
#[derive(Event)]
#[event(name = "book.lent", scope = LENDING, linkage = none)]
pub(crate) struct BookLent {
    /// How many are lent already.
    #[field(count, example = 2)]
    pub(crate) lent: u32,
}

/// The real time, some days ahead.
struct Ahead(u64);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.0 * 86_400)
    }
}

/// Accepts each parcel, or fails as if there were no receiver. It notes in a file the scope of each accepted parcel,
/// and whether the parcel was an erasure request.
#[derive(Clone)]
pub(crate) struct Post {
    taking: Arc<AtomicBool>,
    note: PathBuf,
}

impl Transport for Post {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        if !self.taking.load(Ordering::SeqCst) {
            return Err(SendError::Network("there is nobody".into()));
        }
        let noted = OpenOptions::new().append(true).create(true).open(&self.note);
        let what = if parcel.is_erasure() { " erasure" } else { "" };
        let noted = noted.and_then(|mut file| file.write_all(format!("{}{what}\n", parcel.scope()).as_bytes()));
        noted.map_err(|error| SendError::Network(error.to_string()))?;
        Ok(Answer::Accepted { rejected: 0 })
    }
}

impl Post {
    pub(crate) fn takes(&self, takes: bool) {
        self.taking.store(takes, Ordering::SeqCst);
    }
}

/// Paths below the directory of one kill.
pub(crate) fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

pub(crate) fn marks(directory: &Path) -> PathBuf {
    directory.join("config")
}

pub(crate) fn store(directory: &Path) -> PathBuf {
    data(directory).join(APPLICATION).join("candor-1")
}

/// The file that lists what was accepted since the process began, one scope per line.
pub(crate) fn posted(directory: &Path) -> PathBuf {
    directory.join("posted")
}

/// Starts the program, as many days after the ground was made. The recipient is part of what the person agrees to.
pub(crate) fn start(directory: &Path, recipient: &str, days: u64) -> Result<(Client, Post), Box<dyn Error>> {
    let post = Post { taking: Arc::new(AtomicBool::new(true)), note: posted(directory) };
    // A test can't ask a person, so the block on CI is lifted explicitly.
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .directories(data(directory), marks(directory))
        .transport(recipient, post.clone())
        .clock(Ahead(days))
        .validity_days(30)
        .lift_ci_block();
    Ok((Client::new(config)?, post))
}

/// One event of every kind: lines with and without a code, a daily count, and one event of the other scope.
pub(crate) fn an_evening(client: &Client) {
    client.record_durable(PageTurned { pages: 320 });
    client.record_durable(LibraryUnreachable { library: "library.local" });
    client.record_durable(BookOpened { resumed: true });
    client.record_durable(BookLent { lent: 2 });
}

/// A grant, after the notice was shown.
pub(crate) fn say_yes(client: &Client, scope: candor::Scope) -> Result<candor::consent::Receipt, candor::Error> {
    let notice = client.notice(scope)?;
    client.grant(scope.shown(&notice).via("settings/privacy"))
}
