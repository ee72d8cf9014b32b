//! Runs the series, those that must keep the promise and those that must fail, and judges them.

use super::{
    linux,
    many::{self, Many},
    round::Plan,
    stamp::How,
    system,
    tally::{Tally, figures, long_series, must_fail},
};
use std::{error::Error, time::Instant};

/// In this many rounds, at least one send of the other scope must be in progress at a return. In practice it is one in
/// twenty.
const CROSSED_ONCE_IN: usize = 150;

/// Whether sends of the other scope continued during the withdrawals.
fn went_on(tally: &Tally, many: &Many) -> Result<(), String> {
    let crosses = many.crossing > 0 || tally.rounds < CROSSED_ONCE_IN;
    if many.busy * 100 < tally.rounds * 80 || !crosses {
        return Err(format!(
            "the other scope's bytes flowed in {} of {} rounds, {} times across a return",
            many.busy, tally.rounds, many.crossing
        ));
    }
    Ok(())
}

/// Runs the check and prints one line of figures. An error means that the check failed.
pub(super) fn run(seed: u64, rounds: usize) -> Result<(), Box<dyn Error>> {
    let (began, mut random) = (Instant::now(), fastrand::Rng::with_seed(seed));
    let plan = |how| Plan { how, stops_others: false, held: None };

    let (locked, many) = long_series("three processes", rounds, plan(How::Stamped), &mut random)?;
    locked.raced(50).and_then(|()| locked.kept()).and_then(|()| went_on(&locked, &many))?;
    let (unlocked, _) =
        long_series("the same without the lock", system::LATE_ONCE_IN, plan(How::Unlocked), &mut random)?;
    must_fail("the same without the lock", &unlocked, unlocked.kept().and_then(|()| unlocked.raced(30)))?;

    let linux = linux::series(rounds, &mut random)?;

    let noticed = many::noticed(6, plan(How::Stamped), &mut random)?;
    let slowest = noticed.iter().flatten().max().map_or("never".into(), |took| format!("{} ms", took.as_millis()));
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "race: {}; of another scope meanwhile {:.1} MiB, in {} rounds, {} sends across a return; without the lock {} bytes \
         in {} of {} rounds, so that the step fails; {linux}; an idle process noticed {} of {}, slowest {slowest}; seed \
         {seed}, {seconds:.0} s",
        figures(&locked),
        many.other as f64 / f64::from(1 << 20),
        many.busy,
        many.crossing,
        unlocked.late,
        unlocked.late_rounds,
        unlocked.rounds,
        noticed.iter().flatten().count(),
        noticed.len(),
    );
    Ok(())
}
