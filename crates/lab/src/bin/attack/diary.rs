//! A second attacker. It does not know any library, but it knows what each person played on which day, and looks for
//! the person behind an address. Rounding values does not help against it. Only two things limit it: how records name
//! days, and how few plays are counted at all.

use super::{
    attacker::{in_parts, place},
    people::{self, Person, Setting},
    rule::{Partition, Rule},
    wire::Seen,
};

/// Every person's diary: for each day, how often each bucket was played on all days before it.
struct Diaries {
    cells: usize,
    days: usize,
    sums: Vec<u32>,
}

impl Diaries {
    fn of(people: &[Person], partition: &Partition, days: usize) -> Self {
        let cells = partition.len();
        let mut sums = Vec::with_capacity(people.len() * (days + 1) * cells);
        for person in people {
            let mut sum = vec![0; cells];
            sums.extend_from_slice(&sum);
            for day in &person.days {
                day.iter().for_each(|at| sum[usize::from(partition.cell_of(person.library[*at as usize]))] += 1);
                sums.extend_from_slice(&sum);
            }
        }
        Diaries { cells, days, sums }
    }

    fn of_person(&self, number: usize) -> &[u32] {
        let len = (self.days + 1) * self.cells;
        &self.sums[number * len..(number + 1) * len]
    }

    /// How often a bucket was played from day `from` until before day `to`; all buckets together if `cell` is `None`.
    fn played(&self, diary: &[u32], from: usize, to: usize, cell: Option<usize>) -> f64 {
        let of = |day: usize| match cell {
            Some(cell) => diary[day * self.cells + cell],
            None => diary[day * self.cells..(day + 1) * self.cells].iter().sum(),
        };
        f64::from(of(to) - of(from))
    }
}

/// What was sent for one day: the first day whose plays may have been held back until then, and the count of each
/// bucket.
struct Report {
    from: usize,
    day: usize,
    counts: Vec<(usize, i32)>,
}

fn reports(seen: &Seen, rule: &Rule) -> Vec<Report> {
    let reports = seen.told.chunk_by(|a, b| a.day == b.day).map(|told| {
        let day = usize::from(told[0].day);
        let counts = told.iter().map(|it| (usize::from(it.cell), rule.counts[usize::from(it.step)] as i32));
        Report { from: day + 1 - usize::from(told[0].days), day, counts: counts.collect() }
    });
    reports.collect()
}

/// For each person, the number of other people whose diaries are likelier than the person's own.
///
/// Each play is counted with a probability of one in `one_in`, so counts are nearly Poisson. If a day has records, all
/// of its counted plays were on that day, or all except one that had been held back.
pub(crate) fn ranks(
    seen: &[Seen],
    people: &[Person],
    partition: &Partition,
    rule: &Rule,
    setting: &Setting,
) -> Vec<usize> {
    let (diaries, share) = (Diaries::of(people, partition, setting.days), 1.0 / rule.one_in as f64);
    in_parts(seen.len(), |from, to| {
        let mut random = people::random(setting.seed, 1 << 43 | from as u64);
        let rank = |number: usize| {
            let reports = reports(&seen[number], rule);
            let score = |other: usize| {
                let diary = diaries.of_person(other);
                let told: f64 = reports.iter().map(|report| of_report(&diaries, diary, report, share).ln()).sum();
                let quiet = diaries.played(diary, setting.days - seen[number].since, setting.days, None);
                let held_back = if rule.holds_back { (share * quiet).ln_1p() } else { 0.0 };
                (told + held_back - share * diaries.played(diary, 0, setting.days, None)) as f32
            };
            place((0..people.len()).map(score), score(number), &mut random)
        };
        (from..to).map(rank).collect()
    })
}

/// The likelihood of one day's report given a diary, up to a factor that is the same for all diaries.
fn of_report(diaries: &Diaries, diary: &[u32], report: &Report, share: f64) -> f64 {
    let on_day = |cell: usize| share * diaries.played(diary, report.day, report.day + 1, Some(cell));
    let all: f64 = report.counts.iter().map(|&(cell, count)| on_day(cell).powi(count)).product();
    let one_before = |&(early, of_early): &(usize, i32)| {
        let waited = share * diaries.played(diary, report.from, report.day, Some(early));
        let others = report.counts.iter().filter(|(cell, _)| *cell != early);
        let others: f64 = others.map(|&(cell, count)| on_day(cell).powi(count)).product();
        f64::from(of_early) * waited * on_day(early).powi(of_early - 1) * others
    };
    let one_before: f64 = if report.from < report.day { report.counts.iter().map(one_before).sum() } else { 0.0 };
    all + one_before
}
