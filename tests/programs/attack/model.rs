//! A model of the device, for what would take too long on real clients: other rates, other people, a year. That it says
//! the same as real clients where both were run is printed beside it.

use super::{
    people::{self, Person},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::collections::BTreeMap;

/// What a device with this rule would tell of a person.
pub(crate) fn tell(person: &Person, number: u64, partition: &Partition, rule: &Rule, seed: u64) -> Seen {
    let mut random = people::random(seed ^ rule.one_in, 1 << 42 | number);
    let counted: Vec<bool> = person.library.iter().map(|_| random.u64(0..rule.one_in) == 0).collect();
    let mut seen = Seen::new();
    for day in &person.days {
        let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
        for &place in day.iter().filter(|place| counted[**place as usize]) {
            *counts.entry(partition.cell_of(person.library[place as usize])).or_default() += 1;
        }
        seen.extend(counts.into_iter().map(|(cell, count)| (cell, rule.step(count))));
    }
    seen
}

/// What everybody's devices would tell.
pub(crate) fn all(people: &[Person], partition: &Partition, rule: &Rule, seed: u64) -> Vec<Seen> {
    people.iter().zip(0..).map(|(person, number)| tell(person, number, partition, rule, seed)).collect()
}
