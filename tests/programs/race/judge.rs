//! What a series of rounds must show, and the series that must not show it.

use super::{
    round::{Plan, Round, play},
    stamp::How,
};
use std::{
    error::Error,
    time::{Duration, Instant},
};

/// A withdrawal waits at most half a second for another decision and half a second for its confirmation; the rest is
/// for a slow disk.
const LONGEST: Duration = Duration::from_secs(3);

/// How many rounds a series has.
#[derive(Debug, Clone, Copy)]
enum Rounds {
    All(usize),
    UntilOneIsLate(usize),
}

/// What a series of rounds came to.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    confirmed: usize,
    /// Rounds in which another process was in the middle of a send.
    met: usize,
    /// Rounds in which all three had sent something.
    all_sent: usize,
    /// Bytes handed over after a return that said *confirmed*, and in how many rounds.
    late: usize,
    late_rounds: usize,
    /// The same after a return that did not.
    late_unconfirmed: usize,
    handed: usize,
    longest: Duration,
}

impl Tally {
    fn add(&mut self, round: &Round) {
        let late = round.late();
        self.rounds += 1;
        self.met += usize::from(round.met_another());
        self.all_sent += usize::from(round.senders() == 3);
        self.handed += round.handed();
        self.longest = self.longest.max(round.took());
        if round.confirmed {
            self.confirmed += 1;
            self.late += late;
            self.late_rounds += usize::from(late > 0);
        } else {
            self.late_unconfirmed += late;
        }
    }

    /// Whether the rounds were races at all: all three processes sent, and in at least so many of a hundred rounds
    /// another one was at it.
    fn raced(&self, percent: usize) -> Result<(), String> {
        if self.all_sent < self.rounds {
            return Err(format!("all three processes sent in {} of {} rounds only", self.all_sent, self.rounds));
        }
        if self.met * 100 < self.rounds * percent {
            return Err(format!("another process was sending in {} of {} rounds only", self.met, self.rounds));
        }
        Ok(())
    }

    /// The promise: nothing after a confirmed return, and at least 99 % confirmed.
    fn kept(&self) -> Result<(), String> {
        if self.late > 0 {
            return Err(format!("{} bytes after a confirmed return, in {} rounds", self.late, self.late_rounds));
        }
        if self.confirmed * 100 < self.rounds * 99 {
            return Err(format!("{} of {} rounds confirmed", self.confirmed, self.rounds));
        }
        if self.longest > LONGEST {
            return Err(format!("a withdrawal took {:?}", self.longest));
        }
        Ok(())
    }

    /// With a process that is stopped: it comes back, and says that it can't tell.
    fn honest(&self) -> Result<(), String> {
        if self.confirmed > 0 {
            return Err(format!("{} of {} confirmed while one was stopped in mid-send", self.confirmed, self.rounds));
        }
        if self.longest > LONGEST {
            return Err(format!("a withdrawal took {:?}", self.longest));
        }
        Ok(())
    }
}

/// Plays `rounds` of them, or as many as it takes until one breaks the promise.
fn series(name: &str, rounds: Rounds, plan: Plan, random: &mut fastrand::Rng) -> Result<Tally, Box<dyn Error>> {
    let (began, mut tally) = (Instant::now(), Tally::default());
    let most = match rounds {
        Rounds::All(most) | Rounds::UntilOneIsLate(most) => most,
    };
    for number in 1..=most {
        let round = play(plan, random).map_err(|error| format!("{name}, round {number}: {error}"))?;
        tally.add(&round);
        if matches!(rounds, Rounds::UntilOneIsLate(_)) && tally.late > 0 {
            break;
        }
    }
    println!("{name}: {tally:?} in {:.1} s", began.elapsed().as_secs_f64());
    Ok(tally)
}

/// A series that breaks the promise must be found out, and for that.
fn must_fail(name: &str, tally: &Tally, judged: Result<(), String>) -> Result<(), String> {
    match judged {
        Err(why) if tally.late > 0 => {
            println!("{name}: fails, as it must: {why}");
            Ok(())
        }
        Err(why) => Err(format!("{name}: fails, but for another reason: {why}")),
        Ok(()) => Err(format!("{name}: passes, so this check sees nothing")),
    }
}

/// Runs the check and prints one line of figures. An error is a check that failed.
pub(super) fn run(seed: u64) -> Result<(), Box<dyn Error>> {
    let (began, mut random) = (Instant::now(), fastrand::Rng::with_seed(seed));
    let plan = |how| Plan { how, traced: false, stops_others: false };
    let traced = |how| Plan { traced: true, ..plan(how) };
    let stopped = |how| Plan { stops_others: true, ..plan(how) };

    let locked = series("three processes", Rounds::All(50), plan(How::Stamped), &mut random)?;
    locked.raced(80).and_then(|()| locked.kept())?;
    let unlocked = series("the same without the lock", Rounds::All(20), plan(How::Unlocked), &mut random)?;
    must_fail("the same without the lock", &unlocked, unlocked.raced(50).and_then(|()| unlocked.kept()))?;

    let own = series("the crate's own HTTP under strace", Rounds::All(10), traced(How::Http), &mut random)?;
    own.raced(50).and_then(|()| own.kept())?;
    let unlocked_traced =
        series("without the lock under strace", Rounds::UntilOneIsLate(30), traced(How::Unlocked), &mut random)?;
    must_fail("without the lock under strace", &unlocked_traced, unlocked_traced.kept())?;

    let halted = series("senders that are stopped", Rounds::All(3), stopped(How::Stamped), &mut random)?;
    halted.honest()?;
    let own_halted = series("stopped with the crate's own HTTP", Rounds::All(3), stopped(How::Http), &mut random)?;
    own_halted.honest()?;
    let unlocked_halted =
        series("stopped without the lock", Rounds::UntilOneIsLate(30), stopped(How::Unlocked), &mut random)?;
    must_fail("stopped without the lock", &unlocked_halted, unlocked_halted.honest())?;

    let seconds = began.elapsed().as_secs_f64();
    println!(
        "race: {}; without the lock {} bytes in {} of {} rounds, so that the step fails; own HTTP under strace: {}; \
         stopped senders: {} of {} unconfirmed within {} ms; seed {seed}, {seconds:.0} s",
        figures(&locked),
        unlocked.late,
        unlocked.late_rounds,
        unlocked.rounds,
        figures(&own),
        halted.rounds - halted.confirmed + own_halted.rounds - own_halted.confirmed,
        halted.rounds + own_halted.rounds,
        halted.longest.max(own_halted.longest).as_millis(),
    );
    Ok(())
}

fn figures(tally: &Tally) -> String {
    let Tally { rounds, confirmed, met, late, handed, longest, .. } = tally;
    let (mebibytes, longest) = (*handed as f64 / f64::from(1 << 20), longest.as_millis());
    format!(
        "{rounds} rounds, {late} bytes after a confirmed return ({mebibytes:.1} MiB before), {confirmed} confirmed, \
         {met} with another process in mid-send, slowest {longest} ms"
    )
}
