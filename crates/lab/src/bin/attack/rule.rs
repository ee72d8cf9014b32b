//! Candor's rules as far as they are public, so the attacker knows them too: the steps that values and counts are
//! rounded down to, and the share of films that is counted at all. They are copied by hand from the manifest, not taken
//! from the code. So a record that does not fit them is a finding.
//!
//! A bucket (`cell` in the code) is the set of films for which an event reports the same values.

use super::{films::Film, people::Person};
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

/// How the plays of a day become the records of that day.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The steps of a day's count, from 0.
    pub(crate) counts: Vec<u64>,
    /// One film in this many is ever counted. A secret of the device selects them once and for all.
    pub(crate) one_in: u64,
    /// Whether a day with only one play sends nothing, and the play is added to the next day.
    pub(crate) holds_back: bool,
}

impl Rule {
    /// Counts as candor rounds them; one film in `one_in` is counted.
    pub(crate) fn candor(one_in: u64) -> Self {
        Rule { counts: COUNTS.to_vec(), one_in, holds_back: true }
    }

    /// Every play is counted, and every count is exact.
    pub(crate) fn exact() -> Self {
        Rule { counts: (0..64).collect(), one_in: 1, holds_back: false }
    }

    /// Whether a step covers one number only.
    pub(crate) fn is_exact(&self, step: u8) -> bool {
        let step = usize::from(step);
        self.counts.get(step + 1).is_some_and(|next| *next == self.counts[step] + 1)
    }

    /// The index of the step, from 0, that a count falls in.
    pub(crate) fn step(&self, count: u64) -> u8 {
        self.counts.partition_point(|step| *step <= count).saturating_sub(1) as u8
    }
}

/// A partition of all films into the buckets that an event tells apart.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The bucket of each film.
    of: Vec<u16>,
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
        Partition { of: of.collect(), cells }
    }

    /// By the steps of the duration.
    pub(crate) fn durations(films: &[Film]) -> Self {
        Partition::new(films, |film| (floor(&DURATIONS, film.seconds), 0))
    }

    /// By the steps of the duration and of the bitrate.
    pub(crate) fn streams(films: &[Film]) -> Self {
        Partition::new(films, |film| (floor(&DURATIONS, film.seconds), floor(&BITRATES, film.bitrate)))
    }

    /// By whole minutes, which no event of candor reports.
    pub(crate) fn minutes(films: &[Film]) -> Self {
        Partition::new(films, |film| (film.seconds / 60, 0))
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

    /// How often each bucket was played.
    pub(crate) fn played(&self, person: &Person) -> Vec<u64> {
        let mut counts = vec![0; self.len()];
        for place in person.days.iter().flatten() {
            counts[usize::from(self.cell_of(person.library[*place as usize]))] += 1;
        }
        counts
    }
}

fn floor(steps: &[u64], value: u64) -> u64 {
    steps.iter().rev().copied().find(|step| *step <= value).unwrap_or(0)
}
