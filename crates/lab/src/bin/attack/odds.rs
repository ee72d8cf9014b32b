//! How likely the records of one bucket are, given how many films of it are counted. The attackers share it.
//!
//! In a bucket a library has `l` films. The device's secret selects `s` of them for ever; `s` is binomial. Where the
//! choice rotates, `t` of these `s` are counted in a turn; `t` is binomial, too. The plays of a counted film in one
//! period are Poisson. The record of a period contains the step that its count became. So the likelihood is `sum over s
//! of P(s | l) * product over turns of sum over t of P(t | s) * product over periods of P(step | t)`.

use super::rule::Rule;
use std::{collections::HashMap, ops::Range};

/// The records of one bucket: the period, the step, and over how many periods its plays may be spread.
pub(crate) type Records = Vec<(u16, u8, u16)>;

/// What the likelihood of a turn depends on: how many periods it has, and its records.
type Turn = (usize, Vec<(u8, u16)>);

/// Probabilities that are the same for all people.
pub(crate) struct Odds<'r> {
    rule: &'r Rule,
    /// The expected number of plays of one film in one period.
    rate: f64,
    periods: Range<usize>,
    /// How many periods a turn has. If the choice stays, all periods are one turn.
    turn: usize,
    /// For each number of films, the probability of each number of films among them that may ever be counted.
    ever: Vec<Vec<f64>>,
    /// For each number of those, the probability of each number that is counted in a turn.
    now: Vec<Vec<f64>>,
    /// By the number of periods a record covers: for each number of counted films and each step, the logarithm of its
    /// probability.
    told: HashMap<u16, Vec<Vec<f64>>>,
    /// The log-likelihood of the records of one turn, for each number of films that may ever be counted.
    turns: HashMap<Turn, Vec<f64>>,
}

impl<'r> Odds<'r> {
    /// `rate` is the expected number of plays of one film in one period, `most` the largest number of films in a bucket.
    pub(crate) fn new(rule: &'r Rule, rate: f64, periods: Range<usize>, most: usize) -> Self {
        let turn = if rule.now == 1 { usize::MAX } else { rule.turn };
        let (ever, of_ever) = table(most, rule.ever);
        let (now, _) = table(of_ever, rule.now);
        Odds { rule, rate, periods, turn, ever, now, told: HashMap::new(), turns: HashMap::new() }
    }

    /// Brings records that are equally likely into the same form, so that they are judged once.
    pub(crate) fn sort(&self, records: &mut Records) {
        let (start, turn) = (self.periods.start, self.turn);
        for record in &mut *records {
            // Within a turn it does not matter which period it was.
            record.0 = if turn == usize::MAX { start as u16 } else { record.0 / turn as u16 * turn as u16 };
        }
        records.sort_unstable();
    }

    /// The log-likelihood of sorted records, for each number of films that may ever be counted.
    pub(crate) fn of_ever(&mut self, records: &Records) -> Vec<f64> {
        let (mut sum, mut rest) = (vec![0.0; self.ever[0].len()], records.as_slice());
        let mut from = self.periods.start;
        while from < self.periods.end {
            // A turn may have begun before the first period.
            let to = match self.turn {
                usize::MAX => self.periods.end,
                turn => ((from / turn + 1) * turn).min(self.periods.end),
            };
            let of_turn = rest.partition_point(|record| usize::from(record.0) < to);
            let told = rest[..of_turn].iter().map(|record| (record.1, record.2)).collect();
            rest = &rest[of_turn..];
            self.of_turn(to - from, told).iter().zip(&mut sum).for_each(|(log, sum)| *sum += log);
            from = to;
        }
        sum
    }

    fn of_turn(&mut self, periods: usize, told: Vec<(u8, u16)>) -> &[f64] {
        if self.turns.contains_key(&(periods, told.clone())) {
            return &self.turns[&(periods, told)];
        }
        let counted = self.now[0].len();
        let spoken: usize = told.iter().map(|(_, spread)| usize::from(*spread)).sum();
        let silent = periods.saturating_sub(spoken) as f64;
        let mut logs: Vec<f64> = (0..counted).map(|films| -self.rate * films as f64 * silent).collect();
        for &(step, spread) in &told {
            let rate = self.rate * f64::from(spread);
            let (rule, odds) = (self.rule, &mut self.told);
            let odds = odds.entry(spread).or_insert_with(|| {
                let of = |films| {
                    let steps = rule.steps(poisson(rate * films as f64, *rule.counts.last().unwrap_or(&0)));
                    steps.into_iter().map(|odds| odds.max(1e-300).ln()).collect()
                };
                (0..counted).map(of).collect()
            });
            logs.iter_mut().zip(odds).for_each(|(log, odds)| *log += odds[usize::from(step)]);
        }
        if self.rule.now > 1 {
            logs = self.now.iter().map(|row| mixed(row, &logs)).collect();
        }
        self.turns.entry((periods, told)).or_insert(logs)
    }

    /// For each number of films in the bucket: the log-likelihood, and the expected number of films that may ever be
    /// counted, from the log-likelihoods for each number of these.
    pub(crate) fn of_films(&self, ever: &[f64]) -> Vec<(f32, f32)> {
        if self.rule.ever == 1 {
            return ever.iter().enumerate().map(|(films, log)| (*log as f32, films as f32)).collect();
        }
        let top = ever.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = ever.iter().map(|log| (log - top).exp()).collect();
        let of_row = |row: &Vec<f64>| {
            let (mut sum, mut films) = (0.0, 0.0);
            for (s, odds) in row.iter().zip(&odds).map(|(chance, odds)| chance * odds).enumerate() {
                sum += odds;
                films += s as f64 * odds;
            }
            ((sum.ln() + top) as f32, if sum > 0.0 { (films / sum) as f32 } else { 0.0 })
        };
        self.ever.iter().map(of_row).collect()
    }

    /// How likely each number of films that may ever be counted is, from how likely each number of films is.
    pub(crate) fn before(&self, films: &[f64]) -> Vec<f64> {
        let mut before = vec![0.0; self.ever[0].len()];
        for (chance, row) in films.iter().zip(&self.ever).filter(|(chance, _)| **chance > 0.0) {
            row.iter().zip(&mut before).for_each(|(odds, sum)| *sum += chance * odds);
        }
        before
    }
}

/// The logarithm of the mean of `exp(logs)` under these probabilities.
pub(crate) fn mixed(chances: &[f64], logs: &[f64]) -> f64 {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    chances.iter().zip(logs).map(|(chance, log)| chance * (log - top).exp()).sum::<f64>().ln() + top
}

/// For each number of films up to `most`, the probability of each number of films selected among them, one in `one_in`;
/// and the largest number of selected films.
fn table(most: usize, one_in: u64) -> (Vec<Vec<f64>>, usize) {
    if one_in == 1 {
        let row = |films| (0..=most).map(|s| f64::from(u8::from(s == films))).collect();
        return ((0..=most).map(row).collect(), most);
    }
    let share = 1.0 / one_in as f64;
    let mean = most as f64 * share;
    // More than nine standard deviations above the mean, the probabilities are negligible.
    let selected = most.min((mean + 9.0 * mean.sqrt()) as usize + 8);
    ((0..=most).map(|films| (0..=selected).map(|s| binomial(films, s, share)).collect()).collect(), selected)
}

/// The probability of each count with this mean, at least up to `last`.
fn poisson(mean: f64, last: u64) -> impl Iterator<Item = f64> {
    let end = last.min(4_096).max((mean + 12.0 * mean.sqrt()) as u64) + 20;
    // From a mean of 700 on, the probability of 0 is below what a float can say, so the logarithm is kept.
    let mut log = -mean;
    (0..end).map(move |count| {
        let chance = log.exp();
        log += (mean / (count + 1) as f64).ln();
        chance
    })
}

/// The probability of `s` successes in `n` tries.
fn binomial(n: usize, s: usize, share: f64) -> f64 {
    if s > n {
        return 0.0;
    }
    let log = (0..s).map(|i| ((n - i) as f64 / (s - i) as f64).ln()).sum::<f64>()
        + s as f64 * share.ln()
        + (n - s) as f64 * (-share).ln_1p();
    log.exp()
}
