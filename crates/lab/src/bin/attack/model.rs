//! A model of the device, for measurements that would take too long on real clients: other rules, other people, a year.
//! Where both were run, the output shows that the model agrees with real clients.

use super::{
    attacker::in_parts,
    people::{self, Person},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::collections::BTreeMap;

/// What a device with this rule would send for a person. `cell` says in which bucket a play is counted, from its place
/// in the library; `None` if it is the play of another event.
pub(crate) fn tell_of(
    person: &Person,
    random: &mut fastrand::Rng,
    rule: &Rule,
    mut cell: impl FnMut(u32) -> Option<u16>,
) -> Seen {
    let ever: Vec<bool> = person.library.iter().map(|_| random.u64(0..rule.ever) == 0).collect();
    let mut counted = ever.clone();
    let (mut records, mut counts) = (Vec::new(), BTreeMap::<u16, u64>::new());
    // A play that waits is dropped when this many days have passed since.
    let patience = if rule.period < 28 { 28 } else { 62 };
    let mut since = 0;
    for (period, days) in person.days.chunks(rule.period).enumerate() {
        if rule.now > 1 && period % rule.turn == 0 {
            let now = ever.iter().map(|ever| *ever && random.u64(0..rule.now) == 0);
            counted = now.collect();
        }
        let alone = counts.is_empty();
        for (day, &place) in days.iter().enumerate().flat_map(|(day, places)| places.iter().map(move |it| (day, it))) {
            let cell = cell(place);
            if let Some(cell) = cell.filter(|_| counted[place as usize]) {
                *counts.entry(cell).or_default() += 1;
                since = if alone { period * rule.period + day } else { since };
            }
        }
        if !rule.holds_back || counts.values().sum::<u64>() > 1 {
            let mut found: Vec<(u16, u64)> = std::mem::take(&mut counts).into_iter().collect();
            if found.len() > rule.cap {
                found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
                found.truncate(rule.cap - 1);
            }
            let steps = found.into_iter().map(|(cell, n)| (period, cell, rule.step(n, random)));
            records.extend(steps.filter(|(_, _, step)| *step > 0));
        } else if since + patience < (period + 1) * rule.period {
            counts.clear();
        }
    }
    Seen::new(records, person.days.len().div_ceil(rule.period), rule)
}

/// The same for a person's number, whose device has secrets of its own.
pub(crate) fn tell(person: &Person, number: u64, partition: &Partition, rule: &Rule, seed: u64) -> Seen {
    let mut random = people::random(seed ^ rule.one_in(), 1 << 42 | number);
    tell_of(person, &mut random, rule, |place| Some(partition.cell_of(person.library[place as usize])))
}

/// What every person's device would send.
pub(crate) fn all(people: &[Person], partition: &Partition, rule: &Rule, seed: u64) -> Vec<Seen> {
    in_parts(people.len(), |from, to| {
        (from..to).map(|number| tell(&people[number], number as u64, partition, rule, seed)).collect()
    })
}
