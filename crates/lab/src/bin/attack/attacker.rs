//! The attacker who looks for a library. It knows every person's library and every rule, and it gets all records that
//! one device sent over all periods, linked to each other. It orders the libraries by how likely each one is to produce
//! exactly these records.
//!
//! The likelihood is computed, not learnt; [`Odds`] has it. The buckets (`cell` in the code) are independent of each
//! other, so the likelihood of a library is the product over buckets.
//!
//! A play that is the only one of its period is held back until there is another play. So a record covers the plays of
//! all periods since the previous record. In the periods since the last record there was either no play or one. With
//! `m` counted films, each played `k` times a period, the probability of that is `exp(-k m periods) * (1 + k m
//! periods)`. The first factor is in the likelihood of each bucket. The second is linear in the numbers of counted
//! films, so the attacker uses their expected values. Where the choice rotates, it leaves the second factor out.

use super::{
    odds::{Odds, Records},
    people::{Person, Setting},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::{collections::HashMap, panic::resume_unwind, rc::Rc, thread};

/// Every person's library, as the number of films in each bucket.
pub(crate) struct Libraries {
    cells: usize,
    /// The largest number of films that any library has in one bucket.
    pub(crate) most: usize,
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

    /// For each bucket, how likely each number of films is, as far as these libraries say.
    pub(crate) fn usual(&self) -> Vec<Vec<f64>> {
        let mut usual = vec![vec![0.0; self.most + 1]; self.cells];
        let one = 1.0 / self.len() as f64;
        for library in self.counts.chunks_exact(self.cells) {
            library.iter().zip(&mut usual).for_each(|(films, usual)| usual[usize::from(*films)] += one);
        }
        usual
    }
}

/// The log-likelihood of the records of one bucket and the expected number of counted films, for each number of films
/// that a library may have in it.
struct Evidence {
    log: Vec<f32>,
    counted: Vec<f32>,
}

fn evidence(odds: &mut Odds<'_>, records: &Records) -> Evidence {
    let ever = odds.of_ever(records);
    let (log, counted) = odds.of_films(&ever).into_iter().unzip();
    Evidence { log, counted }
}

/// For each person in `seen`, the number of libraries that are likelier than the person's own. Ties are broken at
/// random. The first of `seen` is the first person in `libraries`; after the last person the first one comes again.
pub(crate) fn ranks(seen: &[Seen], libraries: &Libraries, rule: &Rule, setting: &Setting) -> Vec<usize> {
    let periods = setting.periods(rule);
    // If every film is counted, all libraries have the same number of counted films, so this term says nothing.
    let held_back = rule.holds_back && rule.ever > 1 && rule.now == 1;
    in_parts(seen.len(), |from, to| {
        let mut odds = Odds::new(rule, setting.rate(rule), 0..periods, libraries.most);
        let mut random = super::people::random(setting.seed, 1 << 40 | from as u64);
        let mut known: HashMap<Records, Rc<Evidence>> = HashMap::new();
        let silent = evidence(&mut odds, &Records::new());
        let sums = |of: &[f32]| -> Vec<f32> {
            let sum = |number| libraries.of_person(number).iter().map(|films| of[usize::from(*films)]).sum();
            (0..libraries.len()).map(sum).collect()
        };
        // What is left to do for each library are the buckets with records.
        let (quiet, quietly_counted) = (sums(&silent.log), sums(&silent.counted));
        let rank = |number: usize| {
            let mut cells: HashMap<u16, Records> = HashMap::new();
            for told in &seen[number].told {
                cells.entry(told.cell).or_default().push((told.period, told.step, told.spread));
            }
            let mut told = Vec::new();
            for (cell, mut records) in cells {
                odds.sort(&mut records);
                let of = known.entry(records).or_insert_with_key(|records| evidence(&mut odds, records).into());
                told.push((usize::from(cell), Rc::clone(of)));
            }
            told.sort_unstable_by_key(|(cell, _)| *cell);
            let plays = if held_back { (setting.rate(rule) * seen[number].since as f64) as f32 } else { 0.0 };
            let score = |other: usize| {
                let library = libraries.of_person(other);
                let sum = |of: fn(&Evidence) -> &[f32], quiet: f32| -> f32 {
                    let more = told.iter().map(|(cell, it)| {
                        let films = usize::from(library[*cell]);
                        of(it)[films] - of(&silent)[films]
                    });
                    quiet + more.sum::<f32>()
                };
                let silence =
                    if plays > 0.0 { (plays * sum(|it| &it.counted, quietly_counted[other])).ln_1p() } else { 0.0 };
                sum(|it| &it.log, quiet[other]) + silence
            };
            let own = score(number % libraries.len());
            place((0..libraries.len()).map(score), own, &mut random)
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
