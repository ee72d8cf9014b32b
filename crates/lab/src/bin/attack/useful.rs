//! What a publisher still learns: how well "which codec stutters" is answered. Each film has a codec. A play stutters
//! with a probability that depends on the codec and on the film. The event reports codec and stutter, six and two
//! outcomes, of one item in so many. The figure is the error of the share of plays that stutter, for a codec that a
//! quarter of the films have and of which 4 % of plays stutter.

use super::{
    model,
    people::{self, Person, Setting},
    rule::Rule,
};

/// Codecs by their share of films, and how often their plays stutter.
const CODECS: [(f64, f64); 5] = [(0.45, 0.02), (0.25, 0.04), (0.15, 0.01), (0.10, 0.10), (0.05, 0.03)];
/// The codec that is asked about.
const ASKED: usize = 1;

/// What a group of people tells and what is true of it: plays with and without stutter.
struct Answer {
    told: f64,
    truth: f64,
    /// How many of all plays were told, from the reports.
    share: f64,
}

fn codec(film: u32) -> usize {
    let mut share = fastrand::Rng::with_seed(u64::from(film) ^ 0xc0dec).f64();
    let found = CODECS.iter().position(|(part, _)| {
        share -= part;
        share < 0.0
    });
    found.unwrap_or(0)
}

fn ask(people: &[Person], first: usize, rule: &Rule, setting: &Setting) -> Answer {
    let (mut told, mut truth, mut all, mut counted) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
    for (person, number) in people.iter().zip(first as u64..) {
        let mut random = people::random(setting.seed ^ 0x57, 1 << 48 | number);
        let mut luck = people::random(setting.seed ^ 0x58, 1 << 48 | number);
        // On this device some films stutter more than others: the factor is exponential, with a mean of one.
        let films: Vec<(usize, f64)> = person
            .library
            .iter()
            .map(|film| {
                let codec = codec(*film);
                (codec, (CODECS[codec].1 * -(1.0 - luck.f64()).ln()).min(1.0))
            })
            .collect();
        let seen = model::tell_of(person, &mut random, rule, |place| {
            let (codec, chance) = films[place as usize];
            let stutters = luck.f64() < chance;
            all += 1.0;
            if codec == ASKED {
                truth[usize::from(stutters)] += 1.0;
            }
            Some((codec * 2 + usize::from(stutters)) as u16)
        });
        for it in &seen.told {
            let count = rule.counts[usize::from(it.step)] as f64;
            counted += count * rule.one_in() as f64;
            if usize::from(it.cell) / 2 == ASKED {
                told[usize::from(it.cell) % 2] += count;
            }
        }
    }
    let rate = |of: [f64; 2]| of[1] / (of[0] + of[1]).max(1.0);
    Answer { told: rate(told), truth: rate(truth), share: counted / all }
}

/// The error of the answer (root mean square, in points) in groups of so many people, and the share of plays told.
pub(crate) fn errors(people: &[Person], of: usize, rule: &Rule, setting: &Setting) -> (f64, f64) {
    let answers: Vec<Answer> = super::attacker::in_parts(people.len() / of, |from, to| {
        (from..to).map(|group| ask(&people[group * of..(group + 1) * of], group * of, rule, setting)).collect()
    });
    let groups = answers.len() as f64;
    let square = answers.iter().map(|it| (it.told - it.truth).powi(2)).sum::<f64>() / groups;
    (square.sqrt() * 100.0, answers.iter().map(|it| it.share).sum::<f64>() / groups)
}
