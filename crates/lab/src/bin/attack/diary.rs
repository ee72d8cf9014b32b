//! The attacker with diaries. It does not know any library, but it knows what each person played on which day, item by
//! item, and looks for the person behind an address. Rounding values does not help against it. Only two things limit
//! it: how records name their time, and how few plays are counted at all.
//!
//! It computes how likely each diary is to produce exactly these records. The plays of an item in a period are counted
//! all or not at all, so the distribution of a period's count is exact. Periods are judged on their own; what a choice
//! that stays tells about the items, [`refined`] adds.

use super::{
    attacker::{in_parts, place},
    people::{self, Person, Setting},
    rule::{Partition, Rule},
    wire::{Seen, Told},
};
use std::collections::BTreeMap;

/// Probabilities below this are not told apart. It keeps the attacker from ruling out what is only improbable.
const LEAST: f64 = 1e-12;

/// One person's diary: for each period and each bucket played in it, how likely each count is.
struct Diary {
    /// For each period, where its buckets begin in `cells`.
    periods: Vec<u32>,
    /// A bucket, and where its probabilities are in `odds`.
    cells: Vec<(u16, u32, u32)>,
    odds: Vec<f32>,
    /// For each period, the logarithm of the probability that nothing is counted.
    quiet: Vec<f64>,
    /// For each period, the probability that one play is counted, as a multiple of the former.
    lone: Vec<f64>,
}

impl Diary {
    fn of(person: &Person, partition: &Partition, rule: &Rule) -> Self {
        let share = 1.0 / rule.one_in() as f64;
        let mut diary =
            Diary { periods: vec![0], cells: Vec::new(), odds: Vec::new(), quiet: Vec::new(), lone: Vec::new() };
        for days in person.days.chunks(rule.period) {
            let (mut quiet, mut lone) = (0.0, 0.0);
            for (cell, plays) in by_cell(person, days, partition) {
                let odds = convolved(plays.values().map(|times| (*times, share)));
                quiet += odds[0].max(LEAST).ln();
                lone += odds.get(1).copied().unwrap_or(0.0) / odds[0].max(LEAST);
                let from = diary.odds.len() as u32;
                diary.odds.extend(odds.iter().map(|odds| *odds as f32));
                diary.cells.push((cell, from, diary.odds.len() as u32));
            }
            diary.periods.push(diary.cells.len() as u32);
            diary.quiet.push(quiet);
            diary.lone.push(lone);
        }
        diary
    }

    /// How likely each count of a bucket is in a period.
    fn odds(&self, period: usize, cell: u16) -> &[f32] {
        let cells = &self.cells[self.periods[period] as usize..self.periods[period + 1] as usize];
        match cells.binary_search_by_key(&cell, |(cell, ..)| *cell) {
            Ok(at) => &self.odds[cells[at].1 as usize..cells[at].2 as usize],
            Err(_) => &[1.0],
        }
    }
}

/// How often each item of each bucket was played.
fn by_cell(person: &Person, days: &[Vec<u32>], partition: &Partition) -> BTreeMap<u16, BTreeMap<u32, u32>> {
    let mut cells: BTreeMap<u16, BTreeMap<u32, u32>> = BTreeMap::new();
    for place in days.iter().flatten() {
        let cell = partition.cell_of(person.library[*place as usize]);
        *cells.entry(cell).or_default().entry(*place).or_default() += 1;
    }
    cells
}

/// The distribution of a sum of items, each of which is counted with a probability of its own.
fn convolved(items: impl Iterator<Item = (u32, f64)>) -> Vec<f64> {
    let mut odds = vec![1.0];
    for (times, share) in items {
        let mut next = vec![0.0; odds.len() + times as usize];
        for (count, chance) in odds.iter().enumerate() {
            next[count] += chance * (1.0 - share);
            next[count + times as usize] += chance * share;
        }
        while next.len() > 1 && next.last().is_some_and(|last| *last < LEAST) {
            next.pop();
        }
        odds = next;
    }
    odds
}

/// How likely a step is, if `more` plays of an earlier period are counted with it.
fn step(rule: &Rule, odds: &[f32], step: u8, more: usize) -> f64 {
    let at = usize::from(step);
    // The counts that can become this step: from the step before it until the step after it.
    let from = rule.counts[at.saturating_sub(1)] as usize;
    let to = rule.counts.get(at + 1).map_or(usize::MAX, |next| *next as usize);
    let of = |count: usize| {
        let (low, up) = rule.round((count) as u64);
        match (low == step, low + 1 == step) {
            (true, _) => 1.0 - up,
            (_, true) => up,
            _ => 0.0,
        }
    };
    let counts = from.max(more)..to.min(odds.len() + more);
    counts.map(|count| f64::from(odds[count - more]) * of(count)).sum::<f64>().max(LEAST)
}

/// For each person, the number of other people whose diaries are likelier than the person's own.
pub(crate) fn ranks(
    seen: &[Seen],
    people: &[Person],
    partition: &Partition,
    rule: &Rule,
    setting: &Setting,
) -> Vec<usize> {
    let diaries = in_parts(people.len(), |from, to| {
        people[from..to].iter().map(|person| Diary::of(person, partition, rule)).collect()
    });
    in_parts(seen.len(), |from, to| {
        let mut random = people::random(setting.seed, 1 << 43 | from as u64);
        let rank = |number: usize| {
            let own = likely(&diaries[number], &seen[number], rule, f64::NEG_INFINITY);
            let scores = diaries.iter().map(|diary| likely(diary, &seen[number], rule, own - 30.0) as f32);
            place(scores, own as f32, &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// The log-likelihood of all records, given a diary. It falls with each record, so the rest is left out once it is below
/// `enough`.
fn likely(diary: &Diary, seen: &Seen, rule: &Rule, enough: f64) -> f64 {
    let (mut log, mut next) = (0.0, 0);
    for told in seen.told.chunk_by(|a, b| a.period == b.period) {
        if log < enough {
            return f64::NEG_INFINITY;
        }
        let period = usize::from(told[0].period);
        log += (next..period).map(|quiet| diary.quiet[quiet]).sum::<f64>();
        log += report(diary, told, next, rule).ln();
        next = period + 1;
    }
    // At the end there was nothing, or one play that still waits.
    let end = diary.quiet.len();
    log += (next..end).map(|quiet| diary.quiet[quiet]).sum::<f64>();
    if rule.holds_back {
        log += (next..end).map(|period| diary.lone[period]).sum::<f64>().ln_1p();
    }
    log
}

/// The likelihood of the records of one period. From `from` on there was no other record, so one play of that time may
/// have been held back. Periods with no record are taken as quiet: the caller has their probability.
fn report(diary: &Diary, told: &[Told], from: usize, rule: &Rule) -> f64 {
    let period = usize::from(told[0].period);
    let cells = &diary.cells[diary.periods[period] as usize..diary.periods[period + 1] as usize];
    let untold = cells.iter().filter(|(cell, ..)| told.iter().all(|told| told.cell != *cell));
    let untold: f64 = untold.map(|(_, from, _)| f64::from(diary.odds[*from as usize])).product();
    let of = |told: &Told, more: usize| step(rule, diary.odds(period, told.cell), told.step, more);
    let plain: Vec<f64> = told.iter().map(|told| of(told, 0)).collect();
    let all: f64 = plain.iter().product();
    if !rule.holds_back || from == period {
        return untold.max(LEAST) * all.max(1e-300);
    }
    let waited = told.iter().enumerate().map(|(at, early)| {
        let waited = (from..period).map(|quiet| match diary.odds(quiet, early.cell) {
            [none, one, ..] => f64::from(*one) / f64::from(*none).max(LEAST),
            _ => 0.0,
        });
        let waited: f64 = waited.sum();
        let others: f64 = plain.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, odds)| odds).product();
        if waited > 0.0 { waited * of(early, 1) * others } else { 0.0 }
    });
    untold.max(LEAST) * (all + waited.sum::<f64>()).max(1e-300)
}

/// How many of the likeliest diaries are judged again.
const AGAIN: usize = 30;

/// The same for a choice that stays: what one period tells about which items are counted is used in the next. For each
/// item the attacker keeps the probability that it can ever be counted. Only the likeliest diaries are judged so, and
/// always the person's own, which favours the attacker. A play that is held back is left out.
pub(crate) fn refined(
    seen: &[Seen],
    people: &[Person],
    partition: &Partition,
    rule: &Rule,
    setting: &Setting,
) -> Vec<usize> {
    let diaries = in_parts(people.len(), |from, to| {
        people[from..to].iter().map(|person| Diary::of(person, partition, rule)).collect()
    });
    // For each person and period: the items that were played in each bucket, and how often.
    let played: Vec<Vec<Played>> = in_parts(people.len(), |from, to| {
        let periods = |person: &Person| {
            let of = person.days.chunks(rule.period).map(|days| {
                let cells = by_cell(person, days, partition).into_iter();
                cells.map(|(cell, plays)| (cell, plays.into_iter().collect())).collect()
            });
            of.collect()
        };
        people[from..to].iter().map(periods).collect()
    });
    in_parts(seen.len(), |from, to| {
        let mut random = people::random(setting.seed, 1 << 49 | from as u64);
        let rank = |number: usize| {
            let first: Vec<f64> =
                diaries.iter().map(|diary| likely(diary, &seen[number], rule, f64::NEG_INFINITY)).collect();
            let mut order: Vec<usize> = (0..first.len()).collect();
            order.sort_by(|a, b| first[*b].total_cmp(&first[*a]));
            order.truncate(AGAIN);
            let again =
                |other: usize| learning(&played[other], people[other].library.len(), &seen[number], rule) as f32;
            let own = again(number);
            let others = order.iter().filter(|other| **other != number).map(|other| again(*other));
            place(others.chain([own]), own, &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// The items of each bucket that were played in a period, and how often.
type Played = Vec<(u16, Vec<(u32, u32)>)>;

fn learning(played: &[Played], library: usize, seen: &Seen, rule: &Rule) -> f64 {
    let now = 1.0 / rule.now as f64;
    let mut ever = vec![1.0 / rule.ever as f64; library];
    let (mut log, mut rest) = (0.0, seen.told.as_slice());
    for (period, cells) in played.iter().enumerate() {
        let told;
        (told, rest) = rest.split_at(rest.partition_point(|told| usize::from(told.period) <= period));
        // A bucket that was told and not played must have waited.
        let strange = told.iter().filter(|told| cells.iter().all(|(cell, _)| *cell != told.cell)).count();
        log += strange as f64 * 1e-3_f64.ln();
        for (cell, items) in cells {
            let said = told.iter().find(|told| told.cell == *cell).map_or(0, |told| told.step);
            let odds = convolved(items.iter().map(|(item, times)| (*times, ever[*item as usize] * now)));
            let of = |odds: &[f64], more: usize| exactly(rule, odds, said, more);
            let all = of(&odds, 0);
            // A bucket that is silent may have one play that waits, if nothing else was told.
            let waits = said == 0 && told.is_empty() && rule.holds_back;
            let all = if waits { all + odds.get(1).copied().unwrap_or(0.0) } else { all };
            log += all.max(1e-9).ln();
            if all < 1e-9 || waits && odds[0] < 0.5 {
                continue;
            }
            for (item, times) in items {
                let before = ever[*item as usize];
                let without = without(&odds, *times, before * now);
                let with = of(&without, *times as usize);
                let not = of(&without, 0);
                let sum = before * (now * with + (1.0 - now) * not) + (1.0 - before) * not;
                if sum > 0.0 {
                    ever[*item as usize] = (before * (now * with + (1.0 - now) * not) / sum).clamp(1e-6, 0.999);
                }
            }
        }
    }
    log
}

/// The distribution of a sum without one of its items.
fn without(odds: &[f64], times: u32, share: f64) -> Vec<f64> {
    let times = times as usize;
    let mut rest = vec![0.0; odds.len()];
    if share < 0.5 {
        for count in 0..odds.len() {
            let with = if count >= times { rest[count - times] * share } else { 0.0 };
            rest[count] = ((odds[count] - with) / (1.0 - share)).max(0.0);
        }
    } else {
        for count in (times..odds.len()).rev() {
            let not = if count < odds.len() { rest.get(count).copied().unwrap_or(0.0) * (1.0 - share) } else { 0.0 };
            rest[count - times] = ((odds[count] - not) / share).max(0.0);
        }
    }
    rest
}

fn exactly(rule: &Rule, odds: &[f64], said: u8, more: usize) -> f64 {
    let of = |(count, chance): (usize, &f64)| {
        let (low, up) = rule.round((count + more) as u64);
        match (low == said, low + 1 == said) {
            (true, _) => chance * (1.0 - up),
            (_, true) => chance * up,
            _ => 0.0,
        }
    };
    odds.iter().enumerate().map(of).sum()
}

/// The same attacker on plays that are sent one by one, with rounded values and their day.
pub(crate) fn ranks_of_single_plays(
    people: &[Person],
    setting: &Setting,
    tells: impl Fn(u32) -> u64 + Sync,
) -> Vec<usize> {
    let told: Vec<Vec<Vec<u64>>> = in_parts(people.len(), |from, to| {
        let of_day = |person: &Person, day: &Vec<u32>| {
            let mut told: Vec<u64> = day.iter().map(|place| tells(person.library[*place as usize])).collect();
            told.sort_unstable();
            told
        };
        people[from..to].iter().map(|person| person.days.iter().map(|day| of_day(person, day)).collect()).collect()
    });
    let mut random = people::random(setting.seed, 1 << 47);
    let rank = |own: &Vec<Vec<u64>>| {
        let same = told.iter().filter(|other| *other == own).count();
        random.usize(0..same)
    };
    told.iter().map(rank).collect()
}
