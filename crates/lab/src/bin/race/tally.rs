//! The results of a series of rounds, and whether they keep the promise.

use super::{
    many::{self, Many},
    member::Outcome,
    round::{Plan, Round},
    system,
};
use std::{
    collections::BTreeMap,
    error::Error,
    time::{Duration, Instant},
};

/// The results of a series of rounds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rounds: usize,
    pub(super) confirmed: usize,
    /// Withdrawals that returned an error; the next field counts attempts to grant that did.
    pub(super) errors: usize,
    pub(super) grant_errors: usize,
    /// The longest time from the first attempt to grant until it succeeded, in milliseconds.
    pub(super) longest_grant: u64,
    /// Why something was not confirmed or failed, and how often.
    pub(super) why: BTreeMap<String, usize>,
    /// Rounds in which another process was in the middle of a send.
    pub(super) met: usize,
    /// Rounds in which all three processes had sent something.
    pub(super) all_sent: usize,
    /// Bytes handed over after a return that said *confirmed*, and in how many rounds.
    pub(super) late: usize,
    pub(super) late_rounds: usize,
    /// Bytes handed over after a return that did not say so.
    pub(super) late_unconfirmed: usize,
    pub(super) handed: usize,
    pub(super) longest: Duration,
}

impl Tally {
    pub(super) fn add(&mut self, round: &Round) {
        let late = round.late();
        self.rounds += 1;
        self.met += usize::from(round.met_another());
        self.all_sent += usize::from(round.senders() == 3);
        self.handed += round.handed();
        self.longest = self.longest.max(round.took());
        self.grant_errors += round.errors.len();
        self.longest_grant = self.longest_grant.max(round.granting);
        for why in &round.errors {
            *self.why.entry(format!("no yes: {why}")).or_default() += 1;
        }
        match &round.came_to {
            Outcome::Confirmed => {
                self.confirmed += 1;
                self.late += late;
                self.late_rounds += usize::from(late > 0);
                return;
            }
            Outcome::Unconfirmed(why) => *self.why.entry(format!("unconfirmed: {why}")).or_default() += 1,
            Outcome::Error(why) => {
                self.errors += 1;
                *self.why.entry(format!("error: {why}")).or_default() += 1;
            }
        }
        self.late_unconfirmed += late;
    }

    /// The tally of many rounds by the same processes. Whether all of them sent is known only for each group.
    fn of(many: &Many) -> Self {
        let mut tally = Tally::default();
        for round in &many.rounds {
            tally.add(round);
        }
        tally.all_sent = if many.all_sent == many.groups { tally.rounds } else { 0 };
        tally
    }

    /// Whether the rounds were races at all: all three processes sent, and in at least `percent` of a hundred rounds
    /// another process was in the middle of a send.
    pub(super) fn raced(&self, percent: usize) -> Result<(), String> {
        if self.all_sent < self.rounds {
            return Err(format!("all three processes sent in {} of {} rounds only", self.all_sent, self.rounds));
        }
        self.met(percent)
    }

    /// The same for rounds in which the processes can't be told apart.
    pub(super) fn met(&self, percent: usize) -> Result<(), String> {
        if self.met * 100 < self.rounds * percent {
            return Err(format!("another process was sending in {} of {} rounds only", self.met, self.rounds));
        }
        Ok(())
    }

    /// The promise: no byte after a confirmed return. In addition, as many withdrawals must be confirmed as the system
    /// allows.
    pub(super) fn kept(&self) -> Result<(), String> {
        if self.late > 0 {
            return Err(format!("{} bytes after a confirmed return, in {} rounds", self.late, self.late_rounds));
        }
        if self.confirmed * 1_000 < self.rounds * system::CONFIRMED {
            return Err(format!("{} of {} rounds confirmed: {:?}", self.confirmed, self.rounds, self.why));
        }
        if self.errors + self.grant_errors > 0 && !system::MAY_FAIL {
            return Err(format!("withdrawals or grants failed: {:?}", self.why));
        }
        if self.longest > system::LONGEST {
            return Err(format!("a withdrawal took {:?}", self.longest));
        }
        Ok(())
    }
}

/// A series that breaks the promise must be detected, and for that reason.
pub(super) fn must_fail(name: &str, tally: &Tally, judged: Result<(), String>) -> Result<(), String> {
    match judged {
        Err(why) if tally.late > 0 => {
            println!("{name}: fails, as it must: {why}");
            Ok(())
        }
        Err(why) => Err(format!("{name}: fails, but for another reason: {why}")),
        Ok(()) => Err(format!("{name}: passes, so this check sees nothing")),
    }
}

/// Runs a series of many rounds by the same processes, while they also send for another scope. Prints and returns the
/// results.
pub(super) fn long_series(
    name: &str,
    count: usize,
    plan: Plan,
    random: &mut fastrand::Rng,
) -> Result<(Tally, Many), Box<dyn Error>> {
    let began = Instant::now();
    let many = many::play(plan, count, random).map_err(|error| format!("{name}, {error}"))?;
    let tally = Tally::of(&many);
    let Many { busy, crossing, other, groups, all_sent, .. } = many;
    println!(
        "{name}: {tally:?}; of the other scope {other} bytes, in {busy} rounds, {crossing} sends across a return; {groups} \
         groups, {all_sent} of them with three senders; {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok((tally, many))
}

/// The figures of a series, on one line.
pub(super) fn figures(tally: &Tally) -> String {
    let Tally { rounds, confirmed, errors, grant_errors, met, late, handed, longest, .. } = tally;
    let unconfirmed = rounds - confirmed - errors;
    // On a system where nothing may fail, and hardly anything is unconfirmed, these figures say nothing.
    let not = if system::MAY_FAIL {
        format!(
            ", {unconfirmed} unconfirmed, {errors} errors, {grant_errors} errors of a yes that was then given again"
        )
    } else {
        String::new()
    };
    let (mebibytes, longest) = (*handed as f64 / f64::from(1 << 20), longest.as_millis());
    format!(
        "{rounds} rounds, {late} bytes after a confirmed return ({mebibytes:.1} MiB before), {confirmed} confirmed{not}, \
         {met} with another process in mid-send, slowest {longest} ms"
    )
}
