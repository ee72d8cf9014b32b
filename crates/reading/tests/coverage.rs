//! How often each 95 % interval contains the truth, and how wrong the estimates are on average: a model with a fixed seed. The
//! figures are printed: `cargo test -p candor-reading --test coverage -- --nocapture`.
//!
//! The truth is what the simulated installations did. Each population is drawn again in each repetition, and so is the rounding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed, and says where"
)]

use candor_reading::{Estimate, Record, median, ratio, share, total};

const REPETITIONS: u64 = 2_000;
/// Of how many installations reports come.
const SIZES: [u64; 4] = [20, 100, 500, 2_000];
/// From this size on a ratio's bias is below 1 %. With fewer installations a ratio is a little too high.
const ENOUGH: u64 = 100;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0 and at most 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    fn binomial(&mut self, tries: u64, share: f64) -> u64 {
        let mean = tries as f64 * share;
        if tries > 200 {
            let drawn = mean + (mean * (1.0 - share)).sqrt() * self.normal();
            return drawn.round().clamp(0.0, tries as f64) as u64;
        }
        (0..tries).filter(|_| self.unit() <= share).count() as u64
    }
}

/// How often something happens on one installation.
#[derive(Clone, Copy)]
enum Activity {
    Rare,
    Spread,
    Heavy,
    Busy,
    Between,
}

const ACTIVITIES: [(Activity, &str); 5] = [
    (Activity::Rare, "Poisson, mean 3"),
    (Activity::Spread, "geometric, mean 10"),
    (Activity::Heavy, "log-normal, median 8, s 1.5"),
    (Activity::Busy, "Poisson, mean 200"),
    (Activity::Between, "7 on each"),
];

impl Activity {
    fn draw(self, random: &mut Random) -> u64 {
        match self {
            Activity::Rare => random.poisson(3.0),
            Activity::Spread => (random.unit().ln() / (10.0f64 / 11.0).ln()) as u64,
            Activity::Heavy => (8.0 * (1.5 * random.normal()).exp()).round() as u64,
            Activity::Busy => random.poisson(200.0),
            Activity::Between => 7,
        }
    }
}

/// How a client reports a count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    /// As candor does: at random to a neighbouring step.
    Random,
    /// Down to a step: the mistake that the model must notice.
    Down,
}

fn rounded(count: u64, rounding: Rounding, random: &mut Random) -> u64 {
    // The steps are 1, and one more than 1, 2, 4, 8 and so on.
    let (mut low, mut high) = (1, 2);
    while high <= count {
        (low, high) = (high, high * 2 - 1);
    }
    if low >= 1_048_577 {
        return 1_048_577;
    }
    let up = random.next() % (high - low) < count - low;
    if up && rounding == Rounding::Random { high } else { low }
}

/// A record of the model. Its day says in which part it is.
fn record(count: u64, divisor: u64, part: u64) -> Record {
    Record {
        uid: String::new(),
        event: String::new(),
        day: part,
        count,
        divisor,
        other: false,
        fields: Default::default(),
    }
}

/// What became of the estimates of one row.
#[derive(Default)]
struct Row {
    repetitions: u64,
    within: u64,
    difference: f64,
    truth: f64,
    width: f64,
    finite: u64,
}

impl Row {
    fn add(&mut self, estimate: Estimate, truth: f64) {
        let slack = truth.abs() * 1e-12;
        self.repetitions += 1;
        self.within += u64::from(estimate.low - slack <= truth && truth <= estimate.high + slack);
        self.difference += estimate.value - truth;
        self.truth += truth;
        if estimate.high.is_finite() {
            self.finite += 1;
            self.width += estimate.high - estimate.low;
        }
    }

    /// In per cent.
    fn coverage(&self) -> f64 {
        100.0 * self.within as f64 / self.repetitions as f64
    }

    /// In per cent of the truth.
    fn bias(&self) -> f64 {
        100.0 * self.difference / self.truth
    }

    fn print(&self, what: &str) {
        let width = 100.0 * self.width / self.finite as f64 / (self.truth / self.repetitions as f64);
        println!("{what:<68} within {:6.2} %, bias {:+6.2} %, width {width:6.1} %", self.coverage(), self.bias());
    }
}

/// The rows that are not as they must be.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn judge(&mut self, row: &Row, what: &str, bias_counts: bool) {
        row.print(what);
        if row.coverage() < 93.0 {
            self.0.push(format!("{what}: only {:.2} % of the intervals contain the truth", row.coverage()));
        }
        if bias_counts && row.bias().abs() > 1.0 {
            self.0.push(format!("{what}: wrong by {:+.2} %", row.bias()));
        }
    }
}

fn totals(rounding: Rounding, wrong: &mut Wrong) {
    for size in SIZES {
        for (activity, name) in ACTIVITIES {
            let (mut row, mut random) = (Row::default(), Random(size));
            for _ in 0..REPETITIONS {
                let counts: Vec<u64> = (0..size).map(|_| activity.draw(&mut random)).collect();
                let records: Vec<Record> = counts
                    .iter()
                    .filter(|count| **count > 0)
                    .map(|count| record(rounded(*count, rounding, &mut random), 1, 0))
                    .collect();
                row.add(total(&records), counts.iter().sum::<u64>() as f64);
            }
            wrong.judge(&row, &format!("total, {size} installations, {name}"), true);
        }
    }
}

fn rates(rounding: Rounding, wrong: &mut Wrong) {
    for size in SIZES {
        for rate in [0.02, 0.1] {
            for (activity, name) in ACTIVITIES {
                let (mut row, mut random) = (Row::default(), Random(size));
                for _ in 0..REPETITIONS {
                    let (mut records, mut failed, mut all) = (Vec::new(), 0, 0);
                    for _ in 0..size {
                        let tries = activity.draw(&mut random);
                        let errors = random.binomial(tries, rate);
                        (failed, all) = (failed + errors, all + tries);
                        for (part, count) in [(0, tries - errors), (1, errors)].into_iter().filter(|(_, it)| *it > 0) {
                            records.push(record(rounded(count, rounding, &mut random), 1, part));
                        }
                    }
                    if all > 0 {
                        row.add(share(&records, |record| record.day == 1), failed as f64 / all as f64);
                    }
                }
                let what = format!("rate of {} %, {size} installations, {name}", rate * 100.0);
                wrong.judge(&row, &what, size >= ENOUGH);
            }
        }
    }
}

fn ratios(rounding: Rounding, wrong: &mut Wrong) {
    for size in SIZES {
        for (activity, name) in ACTIVITIES {
            let (mut row, mut random) = (Row::default(), Random(size));
            for _ in 0..REPETITIONS {
                let (mut above, mut below, mut sums) = (Vec::new(), Vec::new(), (0, 0));
                for _ in 0..size {
                    let starts = activity.draw(&mut random);
                    let plays = random.poisson(2.5 * starts as f64);
                    sums = (sums.0 + plays, sums.1 + starts);
                    above.extend((plays > 0).then(|| record(rounded(plays, rounding, &mut random), 1, 0)));
                    below.extend((starts > 0).then(|| record(rounded(starts, rounding, &mut random), 1, 0)));
                }
                if sums.1 > 0 {
                    row.add(ratio(&above, &below), sums.0 as f64 / sums.1 as f64);
                }
            }
            wrong.judge(&row, &format!("ratio of two totals, {size} installations, {name}"), size >= ENOUGH);
        }
    }
}

/// The steps of the class `latency`: each is 5/3 of the one before.
fn latency_steps() -> Vec<i64> {
    let mut steps = vec![0, 1];
    while *steps.last().unwrap() < 60_000 {
        let last = *steps.last().unwrap();
        steps.push((last * 125 / 75).max(last + 1).min(60_000));
    }
    steps
}

fn medians(rounding: Rounding, wrong: &mut Wrong) {
    let steps = latency_steps();
    for size in SIZES {
        for (activity, name) in [ACTIVITIES[0], ACTIVITIES[1]] {
            let (mut row, mut random) = (Row::default(), Random(size));
            for _ in 0..REPETITIONS.min(400_000 / size) {
                let (mut exact, mut records) = (Vec::new(), Vec::new());
                for _ in 0..size {
                    let own = 0.6 * random.normal();
                    let mut cells = vec![0; steps.len()];
                    for _ in 0..activity.draw(&mut random) {
                        let value = (400.0 * (own + 0.5 * random.normal()).exp()) as i64;
                        exact.push(value);
                        cells[steps.iter().rposition(|step| *step <= value).unwrap()] += 1;
                    }
                    for (cell, count) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
                        let mut made = record(rounded(*count, rounding, &mut random), 1, 0);
                        made.fields.insert("took".into(), steps[cell].to_string());
                        records.push(made);
                    }
                }
                exact.sort_unstable();
                if let Some(middle) = exact.get(exact.len().saturating_sub(1) / 2) {
                    row.add(median(&records, "took", &steps), *middle as f64);
                }
            }
            wrong.judge(&row, &format!("median, {size} installations, {name}"), false);
        }
    }
}

/// Content: one item in 32 is counted. Each installation has items of its own; what is counted of them is summed in one record for
/// each of two values of a field.
fn samples(rounding: Rounding, wrong: &mut Wrong) {
    const DIVISOR: u64 = 32;
    const ITEMS: usize = 150;
    for size in SIZES {
        for (activity, name) in [ACTIVITIES[0], ACTIVITIES[1]] {
            let mut random = Random(size);
            // A library lasts, so it is the same in each repetition. What is drawn is the secret that chooses the items.
            let items: Vec<(u64, bool)> =
                (0..size as usize * ITEMS).map(|_| (activity.draw(&mut random), random.unit() <= 0.3)).collect();
            let all: u64 = items.iter().map(|(count, _)| count).sum();
            let part: u64 = items.iter().filter(|(_, is_in)| *is_in).map(|(count, _)| count).sum();
            let rest = all - part;
            let (mut of_all, mut of_part, mut of_ratio) = (Row::default(), Row::default(), Row::default());
            for _ in 0..REPETITIONS {
                let (mut records, mut at, mut home, mut cells) = (Vec::new(), 0, 0, [0; 2]);
                loop {
                    // The number of items up to the next chosen one.
                    at += (random.unit().ln() / (1.0 - 1.0 / DIVISOR as f64).ln()) as usize;
                    if at / ITEMS != home || at >= items.len() {
                        for (side, count) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
                            records.push(record(rounded(*count, rounding, &mut random), DIVISOR, side as u64));
                        }
                        (home, cells) = (at / ITEMS, [0; 2]);
                    }
                    let Some((count, is_in)) = items.get(at) else { break };
                    cells[usize::from(*is_in)] += count;
                    at += 1;
                }
                if records.is_empty() {
                    continue;
                }
                let is_in = |record: &Record| record.day == 1;
                of_all.add(total(&records), all as f64);
                of_part.add(share(&records, is_in), part as f64 / all as f64);
                let (above, below): (Vec<&Record>, Vec<&Record>) = records.iter().partition(|record| is_in(record));
                if !below.is_empty() {
                    of_ratio.add(ratio(above, below), part as f64 / rest as f64);
                }
            }
            let what = format!("one item in {DIVISOR}, {size} installations, {name}");
            wrong.judge(&of_all, &format!("total of {what}"), true);
            wrong.judge(&of_part, &format!("share of {what}"), size >= ENOUGH);
            wrong.judge(&of_ratio, &format!("ratio of {what}"), size >= 500);
        }
    }
}

#[test]
fn the_intervals_contain_the_truth() {
    let mut wrong = Wrong::default();
    totals(Rounding::Random, &mut wrong);
    rates(Rounding::Random, &mut wrong);
    ratios(Rounding::Random, &mut wrong);
    medians(Rounding::Random, &mut wrong);
    samples(Rounding::Random, &mut wrong);
    assert!(wrong.0.is_empty(), "{:#?}", wrong.0);
}

/// Counts that are rounded down give totals and rates that are wrong at any number of installations.
#[test]
fn counts_that_are_rounded_down_are_noticed() {
    for (of, least) in [(totals as fn(Rounding, &mut Wrong), 16), (rates, 20)] {
        let mut wrong = Wrong::default();
        of(Rounding::Down, &mut wrong);
        assert!(wrong.0.len() >= least, "{:#?}", wrong.0);
        assert!(wrong.0.iter().any(|it| it.contains("wrong by")) && wrong.0.iter().any(|it| it.contains("only")));
    }
}

#[test]
fn the_model_rounds_as_candor_does() {
    let mut random = Random(1);
    for step in [1, 2, 3, 5, 9, 17, 33, 524_289, 1_048_577] {
        assert_eq!(rounded(step, Rounding::Random, &mut random), step);
    }
    assert_eq!(rounded(5_000_000, Rounding::Random, &mut random), 1_048_577);
    for count in [4, 6, 7, 8, 12, 700] {
        let sum: u64 = (0..40_000).map(|_| rounded(count, Rounding::Random, &mut random)).sum();
        let mean = sum as f64 / 40_000.0;
        assert!((mean / count as f64 - 1.0).abs() < 0.01, "{count} became {mean}");
    }
}
