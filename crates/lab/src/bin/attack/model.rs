//! A model of the device, for measurements that would take too long on real clients: other rates, other people, a year.
//! Where both were run, the output shows that the model agrees with real clients. The model holds back a single play
//! until there is another one, without a time limit. A device gives up after 28 days, so over a year the model reports
//! slightly more than a device.

use super::{
    people::{self, Person},
    rule::{Partition, Rule},
    wire::Seen,
};
use std::collections::BTreeMap;

/// What a device with this rule would send for a person.
pub(crate) fn tell(person: &Person, number: u64, partition: &Partition, rule: &Rule, seed: u64) -> Seen {
    let mut random = people::random(seed ^ rule.one_in, 1 << 42 | number);
    let counted: Vec<bool> = person.library.iter().map(|_| random.u64(0..rule.one_in) == 0).collect();
    let (mut records, mut counts) = (Vec::new(), BTreeMap::<u16, u64>::new());
    for (number, day) in person.days.iter().enumerate() {
        for &place in day.iter().filter(|place| counted[**place as usize]) {
            *counts.entry(partition.cell_of(person.library[place as usize])).or_default() += 1;
        }
        if !rule.holds_back || counts.values().sum::<u64>() > 1 {
            records.extend(std::mem::take(&mut counts).into_iter().map(|(cell, n)| (number, cell, rule.step(n))));
        }
    }
    Seen::new(records, person.days.len(), rule)
}

/// What every person's device would send.
pub(crate) fn all(people: &[Person], partition: &Partition, rule: &Rule, seed: u64) -> Vec<Seen> {
    people.iter().zip(0..).map(|(person, number)| tell(person, number, partition, rule, seed)).collect()
}
