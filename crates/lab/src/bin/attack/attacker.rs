//! The attacker. It knows every person's library and every rule, and it gets all records that one device sent over all
//! days, linked to each other. It orders the libraries by how likely each one is to produce exactly these records.
//!
//! The likelihood is computed, not learnt. In each bucket (`cell` in the code) a library has `l` films. The device's
//! secret selects `s` of them, and `s` is binomial. The plays of these films on one day are Poisson. The record of a
//! day contains the step that its count falls in. The buckets are independent of each other, so the likelihood is a
//! product over buckets of `sum over s of P(s | l) * product over days of P(step | s)`.
//!
//! A play that is the only one on its day is held back until there is another play. So a record covers the plays of all
//! days since the previous record. Whether those plays are reported on that day depends on how many they are, not on
//! whose they are. On the days since the last record there was either no play or one. With `m` counted films, each
//! played `k` times a day, the probability of that is `exp(-k m days) * (1 + k m days)`. The first factor is one more
//! silent day for each bucket. The second is linear in the `s`, so the attacker uses their expected values.

use super::{
    people::{Person, Setting},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::{collections::HashMap, panic::resume_unwind, rc::Rc, thread};

/// Every person's library, as the number of films in each bucket.
pub(crate) struct Libraries {
    cells: usize,
    /// The largest number of films that any library has in one bucket.
    most: usize,
    counts: Vec<u16>,
}

impl Libraries {
    pub(crate) fn of(people: &[Person], partition: &Partition) -> Self {
        let counts: Vec<u16> = people.iter().flat_map(|person| partition.histogram(&person.library)).collect();
        let most = counts.iter().copied().max().unwrap_or(0).into();
        Libraries { cells: partition.len(), most, counts }
    }

    fn of_person(&self, number: usize) -> &[u16] {
        &self.counts[number * self.cells..(number + 1) * self.cells]
    }

    fn len(&self) -> usize {
        self.counts.len() / self.cells
    }
}

/// The records of one bucket, in order: the step of each, and over how many days its plays may be spread.
type Records = Vec<(u8, u16)>;

/// For each possible number of films in a bucket: the log-likelihood of the bucket's records, and the expected number
/// of counted films given those records.
struct Evidence {
    log: Vec<f32>,
    counted: Vec<f32>,
}

/// Probabilities that are the same for all people.
struct Odds<'r> {
    rule: &'r Rule,
    /// The expected number of plays of one film on one day.
    rate: f64,
    days: usize,
    /// For each number of films, the probability of each number of counted films among them.
    chosen: Vec<Vec<f64>>,
    /// By the number of days a record covers: for each number of counted films and each step, the logarithm of its
    /// probability.
    told: HashMap<u16, Vec<Vec<f64>>>,
}

impl<'r> Odds<'r> {
    fn new(rule: &'r Rule, setting: &Setting, most: usize) -> Self {
        let share = 1.0 / rule.one_in as f64;
        let mean = most as f64 * share;
        // More than nine standard deviations above the mean, the probabilities are negligible.
        let counted = if rule.one_in == 1 { most } else { most.min((mean + 9.0 * mean.sqrt()) as usize + 8) };
        let row = |films: usize| (0..=counted).map(|s| binomial(films, s, share)).collect();
        let chosen = (0..=most).map(row).collect();
        Odds { rule, rate: setting.rate(), days: setting.days, chosen, told: HashMap::new() }
    }

    fn evidence(&mut self, records: &Records) -> Evidence {
        let counted = self.chosen[0].len();
        let spoken: usize = records.iter().map(|(_, days)| usize::from(*days)).sum();
        let silent = self.days.saturating_sub(spoken) as f64;
        let mut logs: Vec<f64> = (0..counted).map(|s| -self.rate * s as f64 * silent).collect();
        for &(step, days) in records {
            let rate = self.rate * f64::from(days);
            let told = self.told.entry(days).or_insert_with(|| {
                let of_counted = |s| steps(&self.rule.counts, rate * s as f64).into_iter().map(f64::ln).collect();
                (0..counted).map(of_counted).collect()
            });
            logs.iter_mut().zip(told).for_each(|(log, told)| *log += told[usize::from(step)]);
        }
        if self.rule.one_in == 1 {
            let counted = (0..counted).map(|films| films as f32).collect();
            return Evidence { log: logs.into_iter().map(|log| log as f32).collect(), counted };
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = logs.into_iter().map(|log| (log - top).exp()).collect();
        let (mut log, mut expected) = (Vec::new(), Vec::new());
        for row in &self.chosen {
            let (mut sum, mut films) = (0.0, 0.0);
            for (s, odds) in row.iter().zip(&odds).map(|(chance, odds)| chance * odds).enumerate() {
                sum += odds;
                films += s as f64 * odds;
            }
            log.push((sum.ln() + top) as f32);
            expected.push(if sum > 0.0 { (films / sum) as f32 } else { 0.0 });
        }
        Evidence { log, counted: expected }
    }
}

/// The probability of each step of a count, when the count is Poisson with this mean.
fn steps(counts: &[u64], mean: f64) -> Vec<f64> {
    let mut odds = vec![0.0; counts.len()];
    let end = counts.last().copied().unwrap_or(0).max((mean + 12.0 * mean.sqrt()) as u64) + 20;
    let (mut chance, mut step) = ((-mean).exp(), 0);
    for count in 0..end {
        while counts.get(step + 1).is_some_and(|next| *next <= count) {
            step += 1;
        }
        odds[step] += chance;
        chance *= mean / (count + 1) as f64;
    }
    odds
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

/// For each person in `seen`, the number of libraries that are likelier than the person's own. Ties are broken at
/// random.
pub(crate) fn ranks(seen: &[Seen], libraries: &Libraries, rule: &Rule, setting: &Setting) -> Vec<usize> {
    in_parts(seen.len(), |from, to| {
        let mut odds = Odds::new(rule, setting, libraries.most);
        let mut random = super::people::random(setting.seed, 1 << 40 | from as u64);
        let mut known: HashMap<Records, Rc<Evidence>> = HashMap::new();
        let width = libraries.most + 1;
        let (mut log, mut counted) = (Vec::new(), Vec::new());
        let rank = |number: usize| {
            let mut cells: Vec<Records> = vec![Vec::new(); libraries.cells];
            seen[number].told.iter().for_each(|told| cells[usize::from(told.cell)].push((told.step, told.days)));
            log.clear();
            counted.clear();
            for mut records in cells {
                records.sort_unstable();
                let evidence = known.entry(records).or_insert_with_key(|records| odds.evidence(records).into());
                log.extend_from_slice(&evidence.log);
                counted.extend_from_slice(&evidence.counted);
            }
            // If every film is counted, all libraries have the same number of counted films, so this term says nothing.
            let held_back = rule.holds_back && rule.one_in > 1;
            let plays = if held_back { (setting.rate() * seen[number].since as f64) as f32 } else { 0.0 };
            let sum = |of: &[f32], library: &[u16]| -> f32 {
                library.iter().zip(of.chunks_exact(width)).map(|(&films, of)| of[usize::from(films)]).sum()
            };
            let score = |library: &[u16]| {
                let silence = if plays > 0.0 { (plays * sum(&counted, library)).ln_1p() } else { 0.0 };
                sum(&log, library) + silence
            };
            let scores = (0..libraries.len()).map(|other| score(libraries.of_person(other)));
            place(scores, score(libraries.of_person(number)), &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// How many scores are above `own`. `scores` includes the own score. Ties are broken at random.
pub(crate) fn place(scores: impl Iterator<Item = f32>, own: f32, random: &mut fastrand::Rng) -> usize {
    let (mut above, mut equal) = (0, 0usize);
    for score in scores {
        above += usize::from(score > own);
        equal += usize::from(score == own);
    }
    above + random.usize(0..equal.max(1))
}

/// The same attacker on plays that are sent one by one, with rounded values. `tells` returns what is sent about a film.
/// The likelihood of a library is the product over plays of the share of its films for which the same would be sent.
pub(crate) fn ranks_of_single_plays(
    people: &[Person],
    setting: &Setting,
    tells: impl Fn(u32) -> u64 + Sync,
) -> Vec<usize> {
    let mut holders: HashMap<u64, Vec<(u32, f32)>> = HashMap::new();
    for (number, person) in people.iter().enumerate() {
        let mut told: Vec<u64> = person.library.iter().map(|&film| tells(film)).collect();
        told.sort_unstable();
        for same in told.chunk_by(|a, b| a == b) {
            holders.entry(same[0]).or_default().push((number as u32, (same.len() as f32).ln()));
        }
    }
    in_parts(people.len(), |from, to| {
        let mut random = super::people::random(setting.seed, 1 << 41 | from as u64);
        let (mut scores, mut fits) = (vec![0.0f32; people.len()], vec![0u32; people.len()]);
        let rank = |number: usize| {
            scores.fill(0.0);
            fits.fill(0);
            let person = &people[number];
            let plays = person.days.iter().flatten().map(|&place| tells(person.library[place as usize]));
            let mut plays: Vec<u64> = plays.collect();
            plays.sort_unstable();
            let mut kinds = 0;
            for same in plays.chunk_by(|a, b| a == b) {
                kinds += 1;
                for &(other, log) in &holders[&same[0]] {
                    fits[other as usize] += 1;
                    scores[other as usize] += same.len() as f32 * log;
                }
            }
            // A library is ruled out if it has no film that matches one of the plays.
            let possible = scores.iter().zip(&fits).filter(|(_, fits)| **fits == kinds).map(|(score, _)| *score);
            place(possible, scores[number], &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// Splits work on `0..len` among several threads and returns the results in order.
pub(crate) fn in_parts<T: Send>(len: usize, work: impl Fn(usize, usize) -> Vec<T> + Sync) -> Vec<T> {
    let part = len.div_ceil(threads()).max(1);
    let work = &work;
    thread::scope(|scope| {
        let starts = (0..len).step_by(part);
        let threads: Vec<_> = starts.map(|from| scope.spawn(move || work(from, (from + part).min(len)))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Vec<T>>| thread.join().unwrap_or_else(|it| resume_unwind(it));
        threads.into_iter().flat_map(join).collect()
    })
}

/// How many threads are worth starting.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
