//! The attacker: knows everybody's library and every rule, is handed what a device told in all its days, linked to one
//! another, and orders the libraries by how likely each would have told exactly that.
//!
//! The likelihood is worked out, not learnt. In each cell a library has `l` films; the device's secret chose `s` of them,
//! so many being binomial; a day's plays of them are Poisson; and what is told of a day is the step its count falls in.
//! The cells are independent of each other, so the likelihood is a product over cells of
//! `sum over s of P(s | l) * product over days of P(step | s)`.

use super::{
    people::{Person, Setting},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::{collections::HashMap, rc::Rc, thread};

/// Everybody's library, as numbers of films by cell.
pub(crate) struct Libraries {
    cells: usize,
    /// The most films that any library has in one cell.
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

/// Probabilities that don't depend on anyone in particular.
struct Odds {
    days: usize,
    /// For each step of a count and each number of counted films: the logarithm of a day's chance to tell that step.
    told: Vec<Vec<f64>>,
    /// For each number of films and of counted films among them, its chance; empty when every film is counted.
    chosen: Vec<Vec<f64>>,
}

impl Odds {
    fn new(rule: &Rule, setting: &Setting, most: usize) -> Self {
        let share = 1.0 / rule.one_in as f64;
        let mean = most as f64 * share;
        // Beyond nine standard deviations nothing is left that matters.
        let counted = if rule.one_in == 1 { most } else { most.min((mean + 9.0 * mean.sqrt()) as usize + 8) };
        let by_films: Vec<Vec<f64>> = (0..=counted).map(|s| steps(&rule.counts, setting.rate() * s as f64)).collect();
        let told = (0..rule.counts.len()).map(|step| by_films.iter().map(|odds| odds[step].ln()).collect()).collect();
        let row = |films: usize| (0..=counted).map(|s| binomial(films, s, share)).collect();
        let chosen = if rule.one_in == 1 { Vec::new() } else { (0..=most).map(row).collect() };
        Odds { days: setting.days, told, chosen }
    }

    /// How likely a number of films in a cell is, as a logarithm, when so many days told each step of it.
    fn evidence(&self, days_by_step: &[u16]) -> Vec<f32> {
        let silent = self.days - days_by_step.iter().map(|days| usize::from(*days)).sum::<usize>();
        let mut by_counted = vec![0.0; self.told[0].len()];
        for (at, sum) in by_counted.iter_mut().enumerate() {
            *sum = if silent > 0 { silent as f64 * self.told[0][at] } else { 0.0 };
            for (step, &days) in days_by_step.iter().enumerate() {
                if days > 0 {
                    *sum += f64::from(days) * self.told[step][at];
                }
            }
        }
        if self.chosen.is_empty() {
            return by_counted.into_iter().map(|log| log as f32).collect();
        }
        let top = by_counted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds: Vec<f64> = by_counted.into_iter().map(|log| (log - top).exp()).collect();
        let sum = |row: &Vec<f64>| row.iter().zip(&odds).map(|(chance, odds)| chance * odds).sum::<f64>();
        self.chosen.iter().map(|row| (sum(row).ln() + top) as f32).collect()
    }
}

/// For each step of a count its chance, when the count is Poisson with this mean.
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

/// The chance of `s` successes in `n` tries.
fn binomial(n: usize, s: usize, share: f64) -> f64 {
    if s > n {
        return 0.0;
    }
    let log = (0..s).map(|i| ((n - i) as f64 / (s - i) as f64).ln()).sum::<f64>()
        + s as f64 * share.ln()
        + (n - s) as f64 * (-share).ln_1p();
    log.exp()
}

/// For each of the people in `seen` how many libraries are likelier than their own; among equally likely ones chance
/// decides.
pub(crate) fn ranks(seen: &[Seen], libraries: &Libraries, rule: &Rule, setting: &Setting) -> Vec<usize> {
    let odds = Odds::new(rule, setting, libraries.most);
    in_parts(seen.len(), |from, to| {
        let mut random = super::people::random(setting.seed, 1 << 40 | from as u64);
        let mut known: HashMap<Vec<u16>, Rc<[f32]>> = HashMap::new();
        let (width, mut table) = (libraries.most + 1, Vec::new());
        let rank = |number: usize| {
            let mut days = vec![vec![0; rule.counts.len()]; libraries.cells];
            seen[number].iter().for_each(|&(cell, step)| days[usize::from(cell)][usize::from(step)] += 1);
            table.clear();
            for days in days {
                let evidence = known.entry(days).or_insert_with_key(|days| odds.evidence(days).into());
                table.extend_from_slice(evidence);
            }
            let score = |library: &[u16]| -> f32 {
                library.iter().zip(table.chunks_exact(width)).map(|(&films, log)| log[usize::from(films)]).sum()
            };
            let scores = (0..libraries.len()).map(|other| score(libraries.of_person(other)));
            place(scores, score(libraries.of_person(number)), &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// How many scores are above one's own, which is among them; ties are broken by chance.
fn place(scores: impl Iterator<Item = f32>, own: f32, random: &mut fastrand::Rng) -> usize {
    let (mut above, mut equal) = (0, 0usize);
    for score in scores {
        above += usize::from(score > own);
        equal += usize::from(score == own);
    }
    above + random.usize(0..equal.max(1))
}

/// The same attacker on plays that are sent one by one, rounded down: `tells` says what of a film is sent. The
/// likelihood of a library is the product over plays of the share of its films that tell the same.
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
            // A library without a film that could have told one of the plays is ruled out.
            let possible = scores.iter().zip(&fits).filter(|(_, fits)| **fits == kinds).map(|(score, _)| *score);
            place(possible, scores[number], &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// Work on `0..len` by several threads, in order.
fn in_parts<T: Send>(len: usize, work: impl Fn(usize, usize) -> Vec<T> + Sync) -> Vec<T> {
    let part = len.div_ceil(super::threads()).max(1);
    let work = &work;
    thread::scope(|scope| {
        let starts = (0..len).step_by(part);
        let threads: Vec<_> = starts.map(|from| scope.spawn(move || work(from, (from + part).min(len)))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}
