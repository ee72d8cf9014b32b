//! The people: a library for each, drawn from the table of films, and what they play of it on which day.
//!
//! Everything is derived from one seed. This module does not model what a device does with the plays.

use super::{films::Film, rule::Rule};
use std::collections::HashSet;

/// How many people there are, how large their libraries are, how much they play, and over how many days.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) people: usize,
    pub(crate) library: usize,
    pub(crate) plays: usize,
    pub(crate) days: usize,
    /// Whether popular films are in more libraries.
    pub(crate) popular: bool,
    /// Whether a library has whole albums, and a session plays one of them from its first track to its last.
    pub(crate) albums: bool,
    /// How much people differ in how much they play: the standard deviation of the logarithm.
    pub(crate) uneven: f64,
    /// The same for the months of one person, such as holidays.
    pub(crate) seasons: f64,
    pub(crate) seed: u64,
}

impl Setting {
    /// The expected number of plays of one film of a library in one period.
    pub(crate) fn rate(&self, rule: &Rule) -> f64 {
        (self.plays * rule.period) as f64 / (self.days * self.library) as f64
    }

    /// How many periods there are.
    pub(crate) fn periods(&self, rule: &Rule) -> usize {
        self.days.div_ceil(rule.period)
    }

    /// The same people with the same libraries over some months.
    pub(crate) fn months(self, months: usize) -> Self {
        Setting { plays: self.plays * months, days: self.days * months, ..self }
    }
}

/// One person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Numbers of films, each once.
    pub(crate) library: Vec<u32>,
    /// For each day, the indices in the library of the films played on it, in order.
    pub(crate) days: Vec<Vec<u32>>,
}

/// Creates all people.
pub(crate) fn people(films: &[Film], setting: &Setting) -> Vec<Person> {
    let weights: Vec<f64> = films
        .iter()
        .scan(0.0, |sum, film| {
            *sum += if setting.popular { film.votes } else { 1.0 };
            Some(*sum)
        })
        .collect();
    (0..setting.people).map(|number| person(films, &weights, setting, number as u64)).collect()
}

fn person(films: &[Film], weights: &[f64], setting: &Setting, number: u64) -> Person {
    let mut random = random(setting.seed, number);
    let total = weights.last().copied().unwrap_or(0.0);
    let (mut library, mut known) = (Vec::with_capacity(setting.library), HashSet::new());
    while library.len() < setting.library {
        let at = random.f64() * total;
        let film = weights.partition_point(|sum| *sum <= at) as u32;
        if !setting.albums && known.insert(film) {
            library.push(film);
        }
        if setting.albums && known.insert(films[film as usize].album) {
            let album = films[film as usize].album;
            let first = films.partition_point(|film| film.album < album);
            let end = films.partition_point(|film| film.album <= album);
            library.extend((first as u32..end as u32).take(setting.library - library.len()));
        }
    }
    let of = |at: usize| films[library[at] as usize].album;
    let albums: Vec<usize> = (0..library.len()).filter(|at| *at == 0 || of(at - 1) != of(*at)).collect();
    let mut days = vec![Vec::new(); setting.days];
    let plays = if setting.uneven > 0.0 {
        let factor = (setting.uneven * super::films::normal(&mut random) - setting.uneven.powi(2) / 2.0).exp();
        (setting.plays as f64 * factor).round() as usize
    } else {
        setting.plays
    };
    let mut played = 0;
    let months: Vec<f64> = match setting.seasons {
        0.0 => Vec::new(),
        spread => (0..setting.days.div_ceil(30)).map(|_| (spread * super::films::normal(&mut random)).exp()).collect(),
    };
    let busiest = months.iter().copied().fold(0.0, f64::max);
    while played < plays {
        let day = random.usize(0..setting.days);
        if busiest > 0.0 && random.f64() * busiest > months[day / 30] {
            continue;
        }
        if !setting.albums {
            days[day].push(random.u32(0..setting.library as u32));
            played += 1;
            continue;
        }
        let first = albums[random.usize(0..albums.len())];
        // Each album as often as any other, so that each track is played equally often.
        let session = (first..library.len()).take_while(|at| of(*at) == of(first)).map(|at| at as u32);
        let before = days[day].len();
        days[day].extend(session);
        played += days[day].len() - before;
    }
    Person { library, days }
}

/// A random number generator of its own for each person.
pub(crate) fn random(seed: u64, number: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
