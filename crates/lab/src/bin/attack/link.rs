//! The attacker who follows a person across a change of address. It gets what came from each address in three months,
//! and what came from other addresses in the month after, and says who is who. It knows no library and no diary, only how
//! common each kind of film is in libraries.
//!
//! It compares two explanations by their likelihood: the same device, or two devices that have nothing to do with each
//! other. What stays with a device is the choice of items (where it stays), what is in the library, and how much its
//! person plays.

use super::{
    attacker::{Libraries, in_parts, place},
    odds::{Odds, Records, mixed},
    people::{self, Person, Setting},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::collections::{BTreeMap, HashMap};

/// Factors of how much a person plays, and how likely they are, for a normal distribution of the logarithm.
const FACTORS: [(f64, f64); 5] = [(-2.857, 0.0113), (-1.356, 0.2221), (0.0, 0.5333), (1.356, 0.2221), (2.857, 0.0113)];

/// For each person, the number of earlier addresses that fit the later one better than the person's own.
pub(crate) fn ranks(
    seen: &[Seen],
    people: &[Person],
    partition: &Partition,
    rule: &Rule,
    setting: &Setting,
) -> Vec<usize> {
    let (months, month) = ((90 / rule.period).max(1), (30 / rule.period).max(1));
    // The worst moment for a choice that rotates: both addresses share a turn as long as they can.
    let shared = rule.now > 1 && rule.turn > 1;
    let from = if shared { (rule.turn - 1) % rule.turn } else { 0 };
    let (mut before, after) = (from..from + months, from + months..from + months + month);
    let mut known = rule.clone();
    if shared {
        // Only what was told in the same turn is compared, with a choice that stays.
        before.start = before.start.max((after.start / rule.turn) * rule.turn);
        known = Rule { ever: rule.one_in(), now: 1, ..known };
    }
    let libraries = Libraries::of(people, partition);
    let usual = libraries.usual();
    let factors: Vec<(f64, f64)> = match setting.uneven {
        0.0 => vec![(1.0, 1.0)],
        spread => FACTORS.iter().map(|(at, odds)| ((spread * at - spread * spread / 2.0).exp(), *odds)).collect(),
    };
    let side = |periods: &std::ops::Range<usize>| -> (Side, Vec<Vec<Vec<f64>>>) {
        let mut side = Side::default();
        let odds = |factor: f64| Odds::new(&known, setting.rate(rule) * factor, periods.clone(), libraries.most);
        let order = odds(1.0);
        for seen in seen {
            side.add(&seen.part(periods.clone()), partition.len(), &order);
        }
        let logs = factors.iter().map(|(factor, _)| {
            let mut odds = odds(*factor);
            side.patterns.iter().map(|records| odds.of_ever(records)).collect()
        });
        let logs = logs.collect();
        (side, logs)
    };
    let ((before, logs_before), (after, logs_after)) = (side(&before), side(&after));
    let mixer = Odds::new(&known, setting.rate(rule), 0..1, libraries.most);
    let usual: Vec<Vec<f64>> = usual.iter().map(|films| mixer.before(films)).collect();
    // For each factor: how likely both explanations are, for each bucket and each pair of patterns.
    let tables: Vec<Tables> = (0..factors.len())
        .map(|at| Tables::of(&usual, (&before, &logs_before[at]), (&after, &logs_after[at])))
        .collect();
    let alone = |side: fn(&Tables) -> &Vec<Vec<f64>>, of: &Side| -> Vec<f64> {
        let one = |cells: &Vec<u32>| {
            let sums = tables.iter().map(|table| {
                let of_cell = side(table).iter().zip(cells);
                of_cell.map(|(of, pattern)| of[*pattern as usize]).sum::<f64>()
            });
            let sums: Vec<f64> = sums.collect();
            mixed(&factors.iter().map(|(_, odds)| *odds).collect::<Vec<_>>(), &sums)
        };
        of.people.iter().map(one).collect()
    };
    let alone_before = alone(|table| &table.before, &before);
    let chances: Vec<f64> = factors.iter().map(|(_, odds)| *odds).collect();
    in_parts(seen.len(), |from, to| {
        let mut random = people::random(setting.seed, 1 << 44 | from as u64);
        let rank = |number: usize| {
            let own = &after.people[number];
            let score = |other: usize| {
                let cells = &before.people[other];
                let sum = |table: &Tables| -> f64 {
                    let pairs = own.iter().zip(cells).zip(&table.both).zip(&table.wide);
                    pairs.map(|(((b, a), both), wide)| f64::from(both[*b as usize * wide + *a as usize])).sum()
                };
                let both = match &*tables {
                    [one] => sum(one),
                    tables => mixed(&chances, &tables.iter().map(sum).collect::<Vec<_>>()),
                };
                (both - alone_before[other]) as f32
            };
            let scores: Vec<f32> = (0..before.people.len()).map(score).collect();
            place(scores.iter().copied(), scores[number], &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// What came from all addresses in one span of time: for each person and bucket, the number of a pattern of records.
#[derive(Default)]
struct Side {
    numbers: HashMap<Records, u32>,
    patterns: Vec<Records>,
    people: Vec<Vec<u32>>,
}

impl Side {
    fn add(&mut self, seen: &Seen, cells: usize, order: &Odds<'_>) {
        let mut records: BTreeMap<u16, Records> = BTreeMap::new();
        for told in &seen.told {
            records.entry(told.cell).or_default().push((told.period, told.step, told.spread));
        }
        let mut of_person = vec![self.number(Records::new()); cells];
        for (cell, mut records) in records {
            order.sort(&mut records);
            of_person[usize::from(cell)] = self.number(records);
        }
        self.people.push(of_person);
    }

    fn number(&mut self, records: Records) -> u32 {
        *self.numbers.entry(records).or_insert_with_key(|records| {
            self.patterns.push(records.clone());
            self.patterns.len() as u32 - 1
        })
    }
}

/// Log-likelihoods by bucket: of each pattern on its own, and of each pair of patterns from one device.
struct Tables {
    before: Vec<Vec<f64>>,
    both: Vec<Vec<f32>>,
    /// How many patterns a row of `both` has.
    wide: Vec<usize>,
}

impl Tables {
    fn of(usual: &[Vec<f64>], before: (&Side, &[Vec<f64>]), after: (&Side, &[Vec<f64>])) -> Self {
        let mut tables = Tables { before: Vec::new(), both: Vec::new(), wide: Vec::new() };
        for (cell, chances) in usual.iter().enumerate() {
            let used = |side: &Side| {
                let mut used = vec![false; side.patterns.len()];
                side.people.iter().for_each(|person| used[person[cell] as usize] = true);
                used
            };
            let (of_before, of_after) = (used(before.0), used(after.0));
            let alone =
                before.1.iter().zip(&of_before).map(|(logs, used)| if *used { mixed(chances, logs) } else { 0.0 });
            tables.before.push(alone.collect());
            let wide = before.1.len();
            let mut both = vec![0.0; wide * after.1.len()];
            for (b, later) in after.1.iter().enumerate().filter(|(b, _)| of_after[*b]) {
                // Taken out of both, so that neither underflows.
                for (a, earlier) in before.1.iter().enumerate().filter(|(a, _)| of_before[*a]) {
                    let logs: Vec<f64> = later.iter().zip(earlier).map(|(b, a)| b + a).collect();
                    both[b * wide + a] = mixed(chances, &logs) as f32;
                }
            }
            tables.both.push(both);
            tables.wide.push(wide);
        }
        tables
    }
}

/// The same attacker on plays that are sent one by one, with rounded values: how likely the later plays are as draws
/// from the earlier ones, next to draws from everybody's.
pub(crate) fn ranks_of_single_plays(
    people: &[Person],
    setting: &Setting,
    tells: impl Fn(u32) -> u64 + Sync,
) -> Vec<usize> {
    let counts = |person: &Person, days: std::ops::Range<usize>| {
        let mut counts: HashMap<u64, f64> = HashMap::new();
        for place in person.days[days].iter().flatten() {
            *counts.entry(tells(person.library[*place as usize])).or_default() += 1.0;
        }
        counts
    };
    let earlier: Vec<HashMap<u64, f64>> = people.iter().map(|person| counts(person, 0..90)).collect();
    let mut usual: HashMap<u64, f64> = HashMap::new();
    let all: f64 = earlier.iter().flat_map(HashMap::values).sum();
    for (value, count) in earlier.iter().flatten() {
        *usual.entry(*value).or_default() += count / all;
    }
    // How many draws from everybody's plays a person's habits are worth.
    let weight = 20.0;
    in_parts(people.len(), |from, to| {
        let mut random = people::random(setting.seed, 1 << 45 | from as u64);
        let rank = |number: usize| {
            let later = counts(&people[number], 90..120);
            let score = |earlier: &HashMap<u64, f64>| {
                let sum: f64 = earlier.values().sum();
                let of = later.iter().map(|(value, count)| {
                    let common = usual.get(value).copied().unwrap_or(1e-6).max(1e-6);
                    let own = earlier.get(value).copied().unwrap_or(0.0);
                    count * ((own + weight * common) / (sum + weight) / common).ln()
                });
                of.sum::<f64>() as f32
            };
            let scores: Vec<f32> = earlier.iter().map(score).collect();
            place(scores.iter().copied(), scores[number], &mut random)
        };
        (from..to).map(rank).collect()
    })
}
