//! A person's device: a real client with its own store, on which the person's plays are recorded month by month, and a
//! transport that keeps the request bodies. The output is exactly what a receiver would get, and nothing else.

use super::{films::Film, people::Person};
use candor::{Answer, Audience, Client, Clock, Config, Event, Parcel, SendError, Transport};
use candor_lab::CONTROLLER;
use jiff::{ToSpan as _, civil::Date};
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
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
#[event(name = "film.played", scope = PLAYBACK, linkage = rollup)]
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
#[event(name = "film.streamed", scope = PLAYBACK, linkage = rollup)]
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

const LIMIT: Duration = Duration::from_secs(30);

/// A clock that stays in a month until it is advanced to the next one.
#[derive(Clone)]
struct Months(Arc<AtomicI64>);

impl Months {
    /// The given number of months ago, on the tenth.
    fn before_today(months: usize) -> Result<Self, Box<dyn Error>> {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let first = now.first_of_month().checked_sub((months as i64).months())?;
        Ok(Months(Arc::new(AtomicI64::new(month_of(first)))))
    }

    fn month(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The number of a month, counted from the year 0.
fn month_of(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// The month in which a time lies that is given in nanoseconds from 1970.
pub(crate) fn month_of_time(nanos: u64) -> Option<i64> {
    let time = jiff::Timestamp::from_nanosecond(nanos.into()).ok()?;
    Some(month_of(time.to_zoned(jiff::tz::TimeZone::UTC).date()))
}

impl Clock for Months {
    fn now(&self) -> SystemTime {
        let month = self.month();
        let tenth = Date::new((month / 12) as i16, (month % 12) as i8 + 1, 10);
        let tenth = tenth.ok().and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
        tenth.map_or(UNIX_EPOCH, |time| time.timestamp().into())
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

/// How many days of a person are a month here. The plays of these days are recorded in one month of the calendar.
pub(crate) const MONTH: usize = 30;

/// Runs every person's months on real clients. `judge` gets the first month and the bodies that were sent.
pub(crate) fn all<T: Send>(
    films: &[Film],
    people: &[Person],
    directory: &Path,
    judge: impl Fn(i64, &[Vec<u8>]) -> Result<T, String> + Sync,
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
                months(films, person, &home).map_err(|error| format!("person {number}: {error}"))?;
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
    /// The first month.
    first: i64,
    bodies: Vec<Vec<u8>>,
}

fn months(films: &[Film], person: &Person, home: &Path) -> Result<Sent, Box<dyn Error>> {
    let (clock, kept) = (Months::before_today(person.days.len().div_ceil(MONTH))?, Kept::default());
    let first = clock.month();
    let directories: (PathBuf, PathBuf) = (home.join("data"), home.join("config"));
    // A test can't ask a person, so the block on CI is lifted explicitly.
    let config = Config::new("org.example.player", CONTROLLER, Audience::Adults)
        .transport("http://localhost:4318/v1/logs", kept.clone())
        .directories(directories.0, directories.1)
        .clock(clock.clone())
        .lift_ci_block();
    let client = Client::new(config)?;
    client.grant(PLAYBACK)?;
    for days in person.days.chunks(MONTH) {
        for &place in days.iter().flatten() {
            let number = person.library[place as usize];
            let (Film { seconds, bitrate, .. }, film) = (films[number as usize], &*format!("film {number}"));
            let duration = Duration::from_secs(seconds);
            client.record(FilmPlayed { film, duration });
            client.record(FilmStreamed { film, duration, bitrate });
        }
        // The clock does not move while plays are recorded. A flush first counts what was recorded before the clock
        // moved, for the month in which it was recorded. Then it closes the month that is over and sends its records.
        clock.0.fetch_add(1, Ordering::SeqCst);
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
