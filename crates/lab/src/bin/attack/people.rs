//! The people: a library for each, drawn from the table of films, and what they play of it on which day.
//!
//! Everything is derived from one seed. This module does not model what a device does with the plays.

use super::films::Film;
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
    pub(crate) seed: u64,
}

impl Setting {
    /// The expected number of plays of one film of a library on one day.
    pub(crate) fn rate(&self) -> f64 {
        self.plays as f64 / (self.days * self.library) as f64
    }

    /// The same people with the same libraries over twelve months.
    pub(crate) fn a_year(self) -> Self {
        Setting { plays: self.plays * 12, days: self.days * 12, ..self }
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
    (0..setting.people).map(|number| person(&weights, setting, number as u64)).collect()
}

fn person(weights: &[f64], setting: &Setting, number: u64) -> Person {
    let mut random = random(setting.seed, number);
    let total = weights.last().copied().unwrap_or(0.0);
    let (mut library, mut known) = (Vec::with_capacity(setting.library), HashSet::new());
    while library.len() < setting.library {
        let at = random.f64() * total;
        let film = weights.partition_point(|sum| *sum <= at) as u32;
        if known.insert(film) {
            library.push(film);
        }
    }
    let mut days = vec![Vec::new(); setting.days];
    for _ in 0..setting.plays {
        days[random.usize(0..setting.days)].push(random.u32(0..setting.library as u32));
    }
    Person { library, days }
}

/// A random number generator of its own for each person.
pub(crate) fn random(seed: u64, number: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
