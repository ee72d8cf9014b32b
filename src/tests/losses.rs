//! Tests the count of lost records with clocks that are wrong for a while. A wrong clock neither erases the count nor keeps it
//! forever.

use super::{CRASH, Start, config};
use crate::{Client, Clock, journal::DropReason};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A clock that shows this many days after the start of the tests.
#[derive(Clone, Default)]
struct Days(Arc<AtomicI64>);

impl Clock for Days {
    fn now(&self) -> SystemTime {
        Start.now() + Duration::from_secs(86_400 * self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// Opens a client whose clock shows `day` days after the start of the tests.
fn at(home: &Path, day: i64) -> Client {
    let days = Days(Arc::new(AtomicI64::new(day)));
    Client::without_worker(config(home).validity_days(365).clock(days)).unwrap()
}

/// Opens a client on `day`, loses `count` records, and writes the count to disk.
fn lose(home: &Path, day: i64, count: u64) {
    let client = at(home, day);
    client.engine().journal.counters.drop(DropReason::Disk, count);
    client.engine().note_losses();
    assert!(!client.engine().journal.losses().are_unsaved());
}

/// How many records the manifest reports as lost, and since which day after the start.
fn lost(home: &Path, day: i64) -> (u64, i64) {
    let outcomes = at(home, day).manifest().unwrap().outcomes;
    let since = outcomes.lost_since.and_then(|since| crate::ambient::Day::parse(&since));
    let start = crate::ambient::Time(Start.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64);
    let days = since.map_or(0, |since| i64::from(since.0) - i64::from(start.day().0));
    (outcomes.lost.iter().map(|lost| lost.count).sum(), days)
}

fn granted() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    at(home.path(), 0).grant(CRASH).unwrap();
    home
}

#[test]
fn a_clock_that_is_behind_for_a_while_wipes_no_count_of_losses() {
    // Behind by one day, and by more days than a count is kept.
    for (day, behind) in [(10, 9), (150, 20)] {
        let home = granted();
        let home = home.path();
        lose(home, day, 500);
        assert_eq!(lost(home, behind), (500, behind));
        lose(home, behind, 3);
        assert_eq!(lost(home, behind), (503, behind));
        assert_eq!(lost(home, day), (503, day), "when it is right again");
        lose(home, day, 2);
        assert_eq!((lost(home, day), lost(home, day + 90)), ((505, day), (505, day)));
        assert_eq!(lost(home, day + 91), (0, 0), "the control: it begins again in time");
    }
}

#[test]
fn a_count_of_losses_that_began_by_a_clock_that_was_ahead_ends_in_time() {
    let home = granted();
    let home = home.path();
    lose(home, 300, 500);
    lose(home, 10, 3);
    assert_eq!(lost(home, 50), (503, 10));
    assert_eq!(lost(home, 101), (0, 0));
    // The same where nothing more is lost: housekeeping corrects the day.
    let home = granted();
    let home = home.path();
    lose(home, 300, 500);
    at(home, 10).engine().do_housekeeping(false);
    assert_eq!((lost(home, 100), lost(home, 101)), ((500, 10), (0, 0)));
}

#[test]
fn a_clock_that_leaps_ahead_for_a_moment_wipes_no_count_of_losses() {
    let home = granted();
    let home = home.path();
    lose(home, 10, 500);
    let days = Days(Arc::new(AtomicI64::new(10)));
    let client = Client::without_worker(config(home).validity_days(365).clock(days.clone())).unwrap();
    client.engine().do_housekeeping(false);
    client.engine().journal.counters.drop(DropReason::Disk, 3);
    days.0.store(200, Ordering::SeqCst);
    client.engine().note_losses();
    assert!(!client.engine().journal.losses().are_unsaved());
    assert_eq!(lost(home, 10), (503, 10));
}
