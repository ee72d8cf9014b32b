//! The attacker who asks whether one track is in the library behind an address. It knows the track and every rule, and
//! how common each kind of film is in libraries; it gets all records of the address. Its answer is a number; how often
//! the number is higher for a library with the track than for one without is the area under the curve (AUC). By chance
//! it is one half.

use super::{
    attacker::{Libraries, in_parts},
    films::Film,
    model,
    odds::{Odds, Records, mixed},
    people::{self, Person, Setting},
    rule::{Partition, Rule},
};

/// Tracks that are looked for: any, or those whose buckets have the fewest tracks of all, up to one in a hundred.
pub(crate) fn rarest(films: &[Film], partition: &Partition) -> Vec<u32> {
    let all: Vec<u32> = (0..films.len() as u32).collect();
    let sizes = partition.histogram_of_many(&all);
    let mut films = all;
    films.sort_by_key(|film| sizes[usize::from(partition.cell_of(*film))]);
    films.truncate(films.len() / 100);
    films
}

/// One answer for each person: whether the track is in the library, and the attacker's number.
pub(crate) fn answers(
    people: &[Person],
    targets: &[u32],
    partition: &Partition,
    rule: &Rule,
    setting: &Setting,
) -> Vec<(bool, f64)> {
    let libraries = Libraries::of(people, partition);
    let usual = libraries.usual();
    in_parts(people.len(), |from, to| {
        let mut odds = Odds::new(rule, setting.rate(rule), 0..setting.periods(rule), libraries.most + 1);
        let answer = |number: usize| {
            let mut random = people::random(setting.seed, 1 << 46 | number as u64);
            let (person, planted, track) = planted(&people[number], targets, &mut random)?;
            let told = model::tell(&person, number as u64 | 1 << 32, partition, rule, setting.seed);
            let cell = partition.cell_of(track);
            let of_cell = told.told.iter().filter(|told| told.cell == cell);
            let mut records: Records = of_cell.map(|told| (told.period, told.step, told.spread)).collect();
            odds.sort(&mut records);
            let ever = odds.of_ever(&records);
            let logs: Vec<f64> = odds.of_films(&ever).into_iter().map(|(log, _)| f64::from(log)).collect();
            let usual = &usual[usize::from(cell)];
            Some((planted, mixed(usual, &logs[1..]) - mixed(usual, &logs)))
        };
        (from..to).filter_map(answer).collect()
    })
}

/// A person with one of the tracks in the library, or without it.
fn planted(person: &Person, targets: &[u32], random: &mut fastrand::Rng) -> Option<(Person, bool, u32)> {
    let mut person = person.clone();
    let (track, planted) = (targets[random.usize(0..targets.len())], random.bool());
    if person.library.contains(&track) {
        return None;
    }
    if planted {
        let place = random.usize(0..person.library.len());
        person.library[place] = track;
    }
    Some((person, planted, track))
}

/// The same for plays that are sent one by one with rounded values: how often the track's value was played.
pub(crate) fn answers_of_single_plays(
    people: &[Person],
    targets: &[u32],
    setting: &Setting,
    tells: impl Fn(u32) -> u64 + Sync,
) -> Vec<(bool, f64)> {
    in_parts(people.len(), |from, to| {
        let answer = |number: usize| {
            let mut random = people::random(setting.seed, 1 << 46 | number as u64);
            let (person, planted, track) = planted(&people[number], targets, &mut random)?;
            let value = tells(track);
            let plays = person.days.iter().flatten();
            let same = plays.filter(|place| tells(person.library[**place as usize]) == value).count();
            Some((planted, same as f64))
        };
        (from..to).filter_map(answer).collect()
    })
}

/// The AUC with its 95 % interval, by Hanley and McNeil.
pub(crate) fn auc(answers: &[(bool, f64)]) -> [f64; 3] {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut below, mut sum, mut with) = (0.0, 0.0, 0.0);
    for same in sorted.chunk_by(|a, b| a.1 == b.1) {
        let yes = same.iter().filter(|(planted, _)| *planted).count() as f64;
        let no = same.len() as f64 - yes;
        sum += yes * (below + no / 2.0);
        below += no;
        with += yes;
    }
    let auc = sum / (with * below).max(1.0);
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let spread = auc * (1.0 - auc) + (with - 1.0) * (q1 - auc * auc) + (below - 1.0) * (q2 - auc * auc);
    let half = super::report::Z * (spread / (with * below).max(1.0)).max(0.0).sqrt();
    [auc, auc - half, auc + half]
}
