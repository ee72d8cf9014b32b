//! A person's device: a real client with its own store, on which the person's plays are recorded day by day, and a
//! transport that keeps the request bodies. The output is exactly what a receiver would get, and nothing else.

use super::{films::Film, people::Person};
use candor::{Answer, Audience, Client, Clock, Config, Event, Parcel, SendError, Transport};
use candor_lab::CONTROLLER;
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

candor::scope! {
    /// Find out how long the films are that people play, so that seeking is fast in those.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Faster seeking", other_uses: none, also_never: ["identifying what you watch"],
    }
}

/// A film was played.
#[derive(Event)]
#[event(name = "film.played", scope = PLAYBACK, linkage = rollup, every = day, reason = "a measurement of days")]
struct FilmPlayed<'a> {
    /// Which film it is. Chooses whether it is counted at all, and is neither kept nor sent.
    #[field(item)]
    film: &'a str,
    /// How long it is.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
}

/// A film was streamed.
#[derive(Event)]
#[event(name = "film.streamed", scope = PLAYBACK, linkage = rollup, every = day, reason = "a measurement of days")]
struct FilmStreamed<'a> {
    /// Which film it is. Chooses whether it is counted at all, and is neither kept nor sent.
    #[field(item)]
    film: &'a str,
    /// How long it is.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
}

const DAY: u64 = 86_400;
const LIMIT: Duration = Duration::from_secs(30);

/// A clock that does not move until it is advanced to the next day.
#[derive(Clone)]
struct Days(Arc<AtomicU64>);

impl Days {
    /// The given number of days ago, at noon UTC.
    fn before_today(days: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Days(Arc::new(AtomicU64::new((now / DAY).saturating_sub(days + 1) * DAY + DAY / 2)))
    }
}

impl Clock for Days {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Keeps the request bodies instead of sending them.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Transport for Kept {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().map_err(|_| SendError::Stopped)?.push(parcel.body().to_vec());
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// Runs every person's days on real clients. `judge` gets the first day, counted from 1970, and the bodies that were
/// sent.
pub(crate) fn all<T: Send>(
    films: &[Film],
    people: &[Person],
    directory: &Path,
    judge: impl Fn(u64, &[Vec<u8>]) -> Result<T, String> + Sync,
) -> Result<Vec<T>, Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("candor-attack-").tempdir_in(directory)?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, T)>, String> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(person) = people.get(number) else { return Ok(done) };
            let home = directory.path().join(number.to_string());
            let Sent { first, bodies } =
                month(films, person, &home).map_err(|error| format!("person {number}: {error}"))?;
            std::fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
            done.push((number, judge(first, &bodies)?));
        }
    };
    let mut found = thread::scope(|scope| {
        let threads: Vec<_> = (0..super::attacker::threads()).map(|_| scope.spawn(work)).collect();
        let parts = threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?);
        parts.collect::<Result<Vec<_>, String>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    found.sort_by_key(|(number, _)| *number);
    Ok(found.into_iter().map(|(_, seen)| seen).collect())
}

/// What was sent for one person.
struct Sent {
    /// The first day, counted from 1970.
    first: u64,
    bodies: Vec<Vec<u8>>,
}

fn month(films: &[Film], person: &Person, home: &Path) -> Result<Sent, Box<dyn Error>> {
    let (clock, kept) = (Days::before_today(person.days.len() as u64), Kept::default());
    let first = clock.0.load(Ordering::SeqCst) / DAY;
    let directories: (PathBuf, PathBuf) = (home.join("data"), home.join("config"));
    // A test can't ask a person, so the block on CI is lifted explicitly.
    let config = Config::new("org.example.player", CONTROLLER, Audience::Adults)
        .transport("http://localhost:4318/v1/logs", kept.clone())
        .directories(directories.0, directories.1)
        .clock(clock.clone())
        .lift_ci_block();
    let client = Client::new(config)?;
    client.grant(PLAYBACK)?;
    for day in &person.days {
        for &place in day {
            let number = person.library[place as usize];
            let (Film { seconds, bitrate, .. }, film) = (films[number as usize], &*format!("film {number}"));
            let duration = Duration::from_secs(seconds);
            client.record(FilmPlayed { film, duration });
            client.record(FilmStreamed { film, duration, bitrate });
        }
        // The clock does not move while plays are recorded. A flush first counts what was recorded before the clock
        // moved, for the day on which it was recorded. Then it handles the change of day and sends the day that is
        // over.
        clock.0.fetch_add(DAY, Ordering::SeqCst);
        flush(&client)?;
    }
    drop(client);
    let bodies = std::mem::take(&mut *kept.0.lock().map_err(|_| "a thread panicked")?);
    Ok(Sent { first, bodies })
}

fn flush(client: &Client) -> Result<(), Box<dyn Error>> {
    let flushed = client.flush(LIMIT)?;
    match flushed.trouble {
        Some(trouble) => Err(trouble.into()),
        None => Ok(()),
    }
}
