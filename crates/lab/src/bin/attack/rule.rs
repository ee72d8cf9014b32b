//! Candor's rules as far as they are public, so the attacker knows them too: the steps that values and counts are
//! rounded down to, and the share of films that is counted at all. They are copied by hand from the manifest, not taken
//! from the code. So a record that does not fit them is a finding.
//!
//! A bucket (`cell` in the code) is the set of films for which an event reports the same values.

use super::films::Film;
use std::collections::HashMap;

/// Steps of a duration, in seconds.
const DURATIONS: [u64; 6] = [0, 60, 300, 1_200, 3_600, 7_200];
/// Steps of a bitrate, in bit/s.
const BITRATES: [u64; 14] = [
    0, 64_000, 96_000, 128_000, 192_000, 256_000, 320_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 12_000_000,
    20_000_000, 40_000_000,
];
/// Steps of a day's count.
const COUNTS: [u64; 13] = [0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1_024];

/// How the plays of a period become the records of that period.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// How many days are counted together.
    pub(crate) period: usize,
    /// The steps of a period's count, from 0.
    pub(crate) counts: Vec<u64>,
    /// Whether a count between two steps becomes one of both at random, so that its expectation stays what it is.
    /// Otherwise it becomes the lower one.
    pub(crate) unbiased: bool,
    /// One film in this many can ever be counted. A secret of the device selects them once and for all.
    pub(crate) ever: u64,
    /// Of those, one in this many is counted in each turn, selected again.
    pub(crate) now: u64,
    /// How many periods a turn has.
    pub(crate) turn: usize,
    /// Whether a period with only one play sends nothing, and the play is added to the next period.
    pub(crate) holds_back: bool,
    /// The largest number of records of a period. What is beyond is summed in the last, which says nothing else.
    pub(crate) cap: usize,
}

impl Rule {
    /// Counts of so many days, rounded at random; one film in `one_in` is counted, always the same.
    pub(crate) fn closing(period: usize, one_in: u64) -> Self {
        Rule {
            period,
            counts: COUNTS.to_vec(),
            unbiased: true,
            ever: one_in,
            now: 1,
            turn: 1,
            holds_back: false,
            cap: 16,
        }
    }

    /// What candor did at first: counts of days, rounded down, and a lone count waits.
    pub(crate) fn candor(one_in: u64) -> Self {
        Rule { unbiased: false, holds_back: true, ..Rule::closing(1, one_in) }
    }

    /// The design that ships: of one film in `ever`, one in 16 is counted in a month, and a lone count waits.
    pub(crate) fn shipped(ever: u64) -> Self {
        Rule { now: 16, holds_back: true, ..Rule::closing(30, ever) }
    }

    /// One film in this many is counted in a period.
    pub(crate) fn one_in(&self) -> u64 {
        self.ever * self.now
    }

    /// Whether a step can be reported for one count only.
    pub(crate) fn is_exact(&self, step: u8) -> bool {
        let step = usize::from(step);
        let above = self.counts.get(step + 1).is_some_and(|next| *next == self.counts[step] + 1);
        let below = !self.unbiased || step == 0 || self.counts[step - 1] + 1 == self.counts[step];
        above && below
    }

    /// The index of the step, from 0, that a count becomes.
    pub(crate) fn step(&self, count: u64, random: &mut fastrand::Rng) -> u8 {
        let (low, up) = self.round(count);
        low + u8::from(up > 0.0 && random.f64() < up)
    }

    /// The step at or below a count, and the probability that it becomes the next one instead.
    pub(crate) fn round(&self, count: u64) -> (u8, f64) {
        let low = self.counts.partition_point(|step| *step <= count).saturating_sub(1);
        let up = match self.counts.get(low + 1) {
            Some(next) if self.unbiased => (count - self.counts[low]) as f64 / (next - self.counts[low]) as f64,
            _ => 0.0,
        };
        (low as u8, up)
    }

    /// The probability of each step, from the probability of each count. Counts beyond the list have no probability.
    pub(crate) fn steps(&self, odds: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut steps = vec![0.0; self.counts.len()];
        for (count, chance) in odds.enumerate() {
            let (low, up) = self.round(count as u64);
            steps[usize::from(low)] += chance * (1.0 - up);
            if up > 0.0 {
                steps[usize::from(low) + 1] += chance * up;
            }
        }
        steps
    }
}

/// A partition of all films into the buckets that an event tells apart.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The bucket of each film.
    of: Vec<u16>,
    /// The step of each film's bitrate.
    rates: Vec<u64>,
    /// Buckets by the values in a record: the steps of duration and bitrate.
    cells: HashMap<(u64, u64), u16>,
}

impl Partition {
    fn new(films: &[Film], tells: impl Fn(&Film) -> (u64, u64)) -> Self {
        let mut cells = HashMap::new();
        let of = films.iter().map(|film| {
            let next = cells.len() as u16;
            *cells.entry(tells(film)).or_insert(next)
        });
        let of = of.collect();
        let rates = films.iter().map(|film| floor(&BITRATES, film.bitrate)).collect();
        Partition { of, rates, cells }
    }

    /// By the steps of the duration.
    pub(crate) fn durations(films: &[Film]) -> Self {
        Partition::new(films, |film| (floor(&DURATIONS, film.seconds), 0))
    }

    /// By the steps of the duration and of the bitrate.
    pub(crate) fn streams(films: &[Film]) -> Self {
        Partition::new(films, |film| (floor(&DURATIONS, film.seconds), floor(&BITRATES, film.bitrate)))
    }

    /// The number of buckets that contain a film.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The bucket that a record names; `None` if no film could have produced it.
    pub(crate) fn cell(&self, duration: u64, bitrate: u64) -> Option<u16> {
        self.cells.get(&(duration, bitrate)).copied()
    }

    /// The bucket of a film.
    pub(crate) fn cell_of(&self, film: u32) -> u16 {
        self.of[film as usize]
    }

    /// How many films of each bucket are in a library.
    pub(crate) fn histogram(&self, library: &[u32]) -> Vec<u16> {
        let mut counts = vec![0; self.len()];
        library.iter().for_each(|&film| counts[usize::from(self.cell_of(film))] += 1);
        counts
    }

    /// How many of these films are in each bucket.
    pub(crate) fn histogram_of_many(&self, films: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.len()];
        films.iter().for_each(|&film| counts[usize::from(self.cell_of(film))] += 1);
        counts
    }

    /// The step of a film's bitrate, for plays that are sent one by one.
    pub(crate) fn bitrate_of(&self, film: u32) -> u64 {
        self.rates[film as usize]
    }
}

fn floor(steps: &[u64], value: u64) -> u64 {
    steps.iter().rev().copied().find(|step| *step <= value).unwrap_or(0)
}
