//! The only module that reads time, entropy, the environment and the platform's directories. Tests replace each of them.
//!
//! Everything that this module returns comes from outside the program and must not be trusted: a clock may jump, and any user may
//! have set the environment. It never stores anything and never decides anything.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The clock that candor gets its time from. Replace it in tests, or to show days passing.
///
/// Without a grant candor never reads it.
///
/// ```standalone_crate
/// use candor::Clock;
/// use std::{sync::{Arc, Mutex}, time::{Duration, SystemTime}};
/// # use candor::{AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Nowhere;
/// # impl Transport for Nowhere {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
///
/// /// Does not move until it is told to step.
/// struct Steps(Mutex<SystemTime>);
///
/// impl Steps {
///     fn step(&self, by: Duration) {
///         *self.0.lock().unwrap() += by;
///     }
/// }
///
/// impl Clock for Steps {
///     fn now(&self) -> SystemTime {
///         *self.0.lock().unwrap()
///     }
/// }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).lift_ci_block();
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).transport("nowhere", Nowhere);
///
/// let clock = Arc::new(Steps(Mutex::new(SystemTime::now())));
/// let client = Client::new(config.clock(clock.clone()))?;
/// # let notice = client.notice(USAGE)?;
/// # client.grant(USAGE.shown(&notice))?;
/// client.record_durable(LibraryOpened { shelves: 7 });
/// client.record_durable(LibraryOpened { shelves: 7 });
/// assert_eq!(client.flush(Duration::from_secs(5))?.growing, 2);      // counted until the day is over
///
/// clock.step(Duration::from_secs(86_400));
/// let flushed = client.flush(Duration::from_secs(5))?;
/// assert_eq!((flushed.growing, flushed.requests), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day. It may jump; candor keeps only UTC days and, for a person's own decisions, seconds.
    fn now(&self) -> SystemTime;

    /// A time that only moves forward, for waits and limits.
    fn monotonic(&self) -> Instant {
        instant()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Instant {
        (**self).monotonic()
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The monotonic clock, for limits on a connection. A test's clock must not extend those limits.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Random bytes.
pub(crate) trait Entropy: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(|error| std::io::Error::other(error.to_string()))
    }
}

/// The environment variables as they were when they were read: once, at `init`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables that can block, and no other variable. A value that is not Unicode is kept as lossy text, which
    /// blocks.
    pub(crate) fn read(names: &[&str]) -> Self {
        let value = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Environment(names.iter().filter_map(|&name| Some((name.to_owned(), value(name)?))).collect())
    }

    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Environment(pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Returns the two directories that candor may use: one for its store, and one for the high-water marks, which must survive the
/// loss of the first. `None` if the platform knows no home directory of this user.
pub(crate) fn platform_directories() -> Option<(PathBuf, PathBuf)> {
    let (data, config) = (dirs::data_local_dir()?, dirs::config_local_dir()?);
    if data != config {
        return Some((data, config));
    }
    // If the platform uses one directory for both, the marks get their own directory in it.
    let marks = config.join("candor-marks");
    Some((data, marks))
}

/// The home directory, in which the platform's directories usually are.
pub(crate) fn home_directory() -> Option<PathBuf> {
    dirs::home_dir()
}

/// Returns a path that stays the same when the program's current directory changes later.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    // If the current directory is unknown, the path stays unchanged, and files there are not found.
    std::path::absolute(&path).unwrap_or(path)
}

/// Returns where administrators place their rules: one directory for the whole system, and one for this user.
pub(crate) fn policy_directories() -> Vec<PathBuf> {
    let user = dirs::config_local_dir().map(|directory| directory.join("candor").join("policy.d"));
    [system_policies()].into_iter().chain(user).collect()
}

/// The system-wide directory. It is not taken from the environment, so that no user can point the program elsewhere.
#[cfg(windows)]
fn system_policies() -> PathBuf {
    let folder = known_folders::get_known_folder_path(known_folders::KnownFolder::ProgramData);
    folder.unwrap_or_else(|| r"C:\ProgramData".into()).join("candor").join("policy.d")
}

/// The system-wide directory. It is a fixed path for the same reason.
#[cfg(not(windows))]
fn system_policies() -> PathBuf {
    let apple = cfg!(target_os = "macos");
    if apple { "/Library/Application Support/candor/policy.d".into() } else { "/etc/candor/policy.d".into() }
}

/// Time and entropy together, for every module that needs them.
#[derive(Clone)]
pub(crate) struct Ambient {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Ambient {
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Ambient { clock, entropy }
    }

    /// The time in whole milliseconds since 1970, in UTC. A clock before 1970 reads as 0.
    pub(crate) fn now(&self) -> Time {
        let since = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(Time::LAST.0))
    }

    pub(crate) fn monotonic(&self) -> Instant {
        self.clock.monotonic()
    }

    /// Fills an array with random bytes.
    pub(crate) fn random<const N: usize>(&self) -> std::io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Fills the caller's buffer with random bytes. Use it for bytes that must exist in one place in memory only.
    pub(crate) fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.entropy.fill(bytes)
    }

    /// Random bytes as lower-case hex, for names and ids.
    pub(crate) fn random_hex<const N: usize>(&self) -> std::io::Result<String> {
        Ok(hex(&self.random::<N>()?))
    }
}

/// Returns bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Returns the bytes that a lower-case hex string encodes. `None` unless it is exactly `N` bytes.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (place, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *place = digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?;
    }
    Some(out)
}

/// Milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) u64);

impl Time {
    /// The end of the year 9999, the last time that RFC 3339 can represent.
    pub(crate) const LAST: Time = Time(253_402_300_799_000);

    pub(crate) fn day(self) -> Day {
        Day((self.0 / 86_400_000) as u32)
    }

    /// Returns the time as RFC 3339 in UTC, to the second. A time beyond the calendar is written as the calendar's last second,
    /// so that everything written can be read.
    pub(crate) fn rfc3339(self) -> String {
        let seconds = ((self.0 / 1_000) as i64).min(jiff::Timestamp::MAX.as_second());
        jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".into(), |time| time.to_string())
    }

    /// Parses a time that [`rfc3339`](Time::rfc3339) wrote. Accepts no other form.
    pub(crate) fn parse(text: &str) -> Option<Time> {
        let time: jiff::Timestamp = text.parse().ok()?;
        let time = Time(u64::try_from(time.as_millisecond()).ok()?);
        (time.rfc3339() == text).then_some(time)
    }

    /// The same moment for callers. `None` if the platform's times don't reach that far.
    pub(crate) fn system(self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.0))
    }

    pub(crate) fn plus_days(self, days: u32) -> Time {
        Time(self.0.saturating_add(u64::from(days) * 86_400_000))
    }
}

/// Days since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(pub(crate) u32);

impl Day {
    /// No day.
    pub(crate) const NONE: Day = Day(u32::MAX);

    pub(crate) fn next(self) -> Day {
        self.plus(1)
    }

    pub(crate) fn plus(self, days: u32) -> Day {
        Day(self.0.saturating_add(days))
    }

    pub(crate) fn start(self) -> Time {
        Time(u64::from(self.0) * 86_400_000)
    }

    /// The number of the week. It changes on Mondays.
    pub(crate) fn week(self) -> u32 {
        (self.0 + 3) / 7
    }

    /// Twelve times the year, plus the month counted from 0.
    pub(crate) fn month(self) -> u32 {
        let date = self.date();
        (date.year().max(0) as u32) * 12 + (date.month() as u32).saturating_sub(1)
    }

    fn date(self) -> jiff::civil::Date {
        let epoch = jiff::civil::Date::constant(1970, 1, 1);
        epoch.checked_add(jiff::Span::new().days(i64::from(self.0.min(2_932_896)))).unwrap_or(epoch)
    }

    pub(crate) fn parse(text: &str) -> Option<Day> {
        let date: jiff::civil::Date = text.parse().ok()?;
        let days = date.since(jiff::civil::Date::constant(1970, 1, 1)).ok()?.get_days();
        u32::try_from(days).ok().map(Day)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.date().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_is_written_can_be_read() {
        for seconds in [0, 4_294_967_296, 253_402_207_200, 253_402_300_799, u64::MAX / 1_000] {
            let time = Time(seconds * 1_000);
            let read = Time::parse(&time.rfc3339()).unwrap_or_else(|| panic!("{time:?} is written {}", time.rfc3339()));
            assert!(read == time || seconds > 253_402_207_200, "{time:?}");
        }
    }

    #[test]
    fn a_time_is_the_systems_time() {
        let time = Time::parse("2026-11-22T00:45:55Z").and_then(Time::system);
        assert_eq!(time, Some(UNIX_EPOCH + Duration::from_secs(1_795_308_355)));
        assert!(Time::LAST.system().is_some());
    }

    #[test]
    fn days_weeks_and_months() {
        let day = Day::parse("2026-11-22").unwrap();
        assert_eq!(day.to_string(), "2026-11-22");
        assert_eq!(day.month(), 24_322);
        assert_eq!(Day(0).to_string(), "1970-01-01");
        // 2026-11-22 is a Sunday: the week changes the day after.
        assert_eq!(day.week() + 1, day.next().week());
        assert_eq!(day.start().day(), day);
        assert_eq!(Time(1_795_308_355_123).rfc3339(), "2026-11-22T00:45:55Z");
        assert_eq!(Time::parse("2026-11-22T00:45:55Z"), Some(Time(1_795_308_355_000)));
        for odd in ["2026-11-22T00:45:55+00:00", "2026-11-22 00:45:55Z", "2026-11-22", "1969-12-31T23:59:59Z", ""] {
            assert_eq!(Time::parse(odd), None, "{odd}");
        }
        assert_eq!(Time::LAST.day().to_string(), "9999-12-31");
        assert_eq!(Day(u32::MAX).to_string(), "9999-12-31");
    }

    #[test]
    fn hex_is_strict() {
        assert_eq!(unhex::<2>(&hex(&[0x0a, 0xff])), Some([0x0a, 0xff]));
        for bad in ["0AFF", "0af", "0aff0", "0ag0", ""] {
            assert_eq!(unhex::<2>(bad), None, "{bad}");
        }
    }
}
