//! Figures with their intervals, as rows of a table, as data and as a curve. This module judges nothing.

use super::{
    people::Person,
    rule::{Partition, Rule},
    wire::Seen,
};
use std::fmt::Write as _;

/// How well an attack did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// The number of people attacked.
    pub(crate) people: usize,
    /// The number of libraries to choose from.
    among: usize,
    /// How many people's libraries came first; the next field counts those among the ten likeliest.
    pub(crate) first: usize,
    ten: usize,
    /// How many libraries are likelier than the true one (the median), as a share of all, with the ends of the 95 %
    /// interval. Chance gives 0.5.
    pub(crate) median: [f64; 3],
}

impl Figures {
    pub(crate) fn of(ranks: &[usize], among: usize) -> Self {
        let mut sorted = ranks.to_vec();
        sorted.sort_unstable();
        let within = |most: usize| sorted.partition_point(|rank| *rank < most);
        // The number of ranks below the median is binomial.
        let (middle, spread) = (sorted.len() as f64 / 2.0, Z * (sorted.len() as f64).sqrt() / 2.0);
        let at = |place: f64| sorted.get(place.max(0.0) as usize).or(sorted.last()).copied().unwrap_or(0);
        let median = [middle, middle - spread, middle + spread].map(|place| at(place) as f64 / among as f64);
        Figures { people: ranks.len(), among, first: within(1), ten: within(10), median }
    }

    /// The figures that guessing gives.
    pub(crate) fn chance(people: usize, among: usize) -> Self {
        let of_all = people as f64 / among as f64;
        let (first, ten) = (of_all.round() as usize, (10.0 * of_all).round() as usize);
        Figures { people, among, first, ten, median: [0.5; 3] }
    }

    /// The share of people whose library came first, and the ends of its 95 % interval.
    pub(crate) fn top_1(&self) -> [f64; 3] {
        interval(self.first, self.people)
    }

    /// The same for the ten likeliest.
    pub(crate) fn top_10(&self) -> [f64; 3] {
        interval(self.ten, self.people)
    }

    /// Whether the shares of the first ten differ by at most four standard errors.
    pub(crate) fn agrees_with(&self, other: &Figures) -> bool {
        let (a, b, n) = (self.top_10()[0], other.top_10()[0], self.people as f64);
        (a - b).abs() <= 4.0 * ((a * (1.0 - a) + b * (1.0 - b)) / n).sqrt() + 1.0 / n
    }

    pub(crate) fn row(&self, what: &str, more: &str) -> String {
        let share = |[share, low, high]: [f64; 3]| {
            format!("{:7.3} % [{:6.3}, {:6.3}]", share * 100.0, low * 100.0, high * 100.0)
        };
        let [median, low, high] = self.median.map(|share| share * self.among as f64);
        let (first, ten) = (share(self.top_1()), share(self.top_10()));
        format!("{what:<54} {first}  {ten}  {median:>5.0} [{low:>5.0}, {high:>5.0}]  {more}")
    }
}

pub(crate) fn head() -> String {
    let head = ["what is told", "first [95 %]", "among the first ten [95 %]", "median rank [95 %]"];
    format!("{:<54} {:<26}  {:<26}  {}", head[0], head[1], head[2], head[3])
}

/// The quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_964;

/// A share with Wilson's 95 % interval.
fn interval(hits: usize, of: usize) -> [f64; 3] {
    let (hits, of, z) = (hits as f64, of as f64, Z);
    let share = hits / of;
    let scale = 1.0 + z * z / of;
    let middle = share + z * z / (2.0 * of);
    let half = z * (share * (1.0 - share) / of + z * z / (4.0 * of * of)).sqrt();
    [share, (middle - half).max(0.0) / scale, (middle + half) / scale]
}

/// What the developer learns: how far the reported shares of the buckets are from the shares of everything that was
/// played, as total variation distance; the same for groups of 500 people; and what percentage of all plays the
/// extrapolated total is.
pub(crate) fn error(people: &[Person], seen: &[Seen], partition: &Partition, rule: &Rule) -> String {
    let apart = |people: &[Person], seen: &[Seen]| {
        let (mut told, mut played) = (vec![0.0; partition.len()], vec![0.0; partition.len()]);
        for it in seen.iter().flat_map(|seen| &seen.told) {
            told[usize::from(it.cell)] += rule.counts[usize::from(it.step)] as f64;
        }
        for person in people {
            partition.played(person).iter().zip(&mut played).for_each(|(count, sum)| *sum += *count as f64);
        }
        let (all_told, all_played): (f64, f64) = (told.iter().sum(), played.iter().sum());
        told.iter().zip(&played).map(|(a, b)| (a / all_told.max(1.0) - b / all_played).abs()).sum::<f64>() / 2.0
    };
    let groups: Vec<f64> = people.chunks(500).zip(seen.chunks(500)).map(|(people, seen)| apart(people, seen)).collect();
    let of_500 = groups.iter().sum::<f64>() / groups.len() as f64;
    let (all, told) = (apart(people, seen) * 100.0, plays(seen, rule) * rule.one_in as f64);
    let played: usize = people.iter().flat_map(|person| &person.days).map(Vec::len).sum();
    let totals = told / played as f64 * 100.0;
    format!("shares wrong by {all:.2} %, of 500 people {:.2} %; {totals:.0} % of plays", of_500 * 100.0)
}

/// How many plays were reported, according to counts that are rounded down.
fn plays(seen: &[Seen], rule: &Rule) -> f64 {
    seen.iter().flat_map(|seen| &seen.told).map(|it| rule.counts[usize::from(it.step)] as f64).sum()
}

/// Whether both report plays at all, and about the same number. A device that reports nothing is not protected but
/// broken. Plays of the same film are either all counted or all not, so the tolerance is a few standard deviations
/// larger.
pub(crate) fn as_many(one: &[Seen], other: &[Seen], rule: &Rule) -> bool {
    let (one, other) = (plays(one, rule), plays(other, rule));
    one > 0.0 && (one - other).abs() <= 10.0 * (one + other).sqrt()
}

/// One point of the curve.
pub(crate) struct Point {
    /// The line of the chart that it belongs to.
    pub(crate) line: &'static str,
    pub(crate) one_in: u64,
    pub(crate) figures: Figures,
    pub(crate) error: String,
    /// Whether it comes from real clients.
    pub(crate) real: bool,
}

/// The points as tab-separated values.
pub(crate) fn data(points: &[Point]) -> String {
    let mut out =
        String::from("line\tfrom\tone in\ttop 1\tlow\thigh\ttop 10\tlow\thigh\tmedian rank\tof the developer\n");
    for point in points {
        let ([a, b, c], [d, e, f]) = (point.figures.top_1(), point.figures.top_10());
        let from = if point.real { "clients" } else { "model" };
        let _ = writeln!(
            out,
            "{}\t{from}\t{}\t{a:.5}\t{b:.5}\t{c:.5}\t{d:.5}\t{e:.5}\t{f:.5}\t{:.4}\t{}",
            point.line, point.one_in, point.figures.median[0], point.error
        );
    }
    out
}

const COLOURS: [&str; 4] = ["#1b6ca8", "#7fb2d9", "#b3541e", "#e0a37e"];
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 40.0;
const TOP: f64 = 50.0;
/// The range of the axes: to one in 2^10, and from 1 to 1/2,000.
const MOST_HALVINGS: f64 = 10.0;
const DECADES: f64 = 3.3;

/// The points as a picture: the share of people whose library is among the ten likeliest, over one in how many films is
/// counted. Both axes are logarithmic. A ring marks a point from real clients.
pub(crate) fn picture(points: &[Point]) -> String {
    let x = |one_in: f64| LEFT + one_in.log2() / MOST_HALVINGS * (RIGHT - LEFT);
    let y = |share: f64| TOP + (-share.max(1e-9).log10() / DECADES).min(1.0) * (HEIGHT - TOP - 50.0);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="{LEFT}" y="18">Share of people whose library is among the ten likeliest; of 10,000 people, 0.001 by chance</text>
"#
    );
    for (share, words) in [(1.0, "1"), (0.1, "0.1"), (0.01, "0.01"), (0.001, "0.001")] {
        let y = y(share);
        let _ =
            writeln!(out, r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#ccc"/><text x="4" y="{y:.1}">{words}</text>"##);
    }
    for halvings in (0..=10u32).step_by(2) {
        let one_in = 1u64 << halvings;
        let _ = writeln!(out, r#"<text x="{:.1}" y="{:.1}">1/{one_in}</text>"#, x(one_in as f64), HEIGHT - 28.0);
    }
    let _ = writeln!(out, r#"<text x="{LEFT}" y="{:.1}">films that are ever counted</text>"#, HEIGHT - 10.0);
    let mut lines: Vec<&str> = Vec::new();
    for point in points {
        if !lines.contains(&point.line) {
            lines.push(point.line);
        }
    }
    for (at, line) in lines.into_iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let of_line = points.iter().filter(|point| point.line == line);
        let mut path = String::new();
        for point in of_line {
            let (x, [share, low, high]) = (x(point.one_in as f64), point.figures.top_10());
            let (y, low, high) = (y(share), y(low), y(high));
            let ring = if point.real { 7 } else { 3 };
            let fill = if point.real { "none" } else { colour };
            let _ = writeln!(out, r#"<path d="M{x:.1} {low:.1}V{high:.1}" stroke="{colour}"/>"#);
            let _ = writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{ring}" fill="{fill}" stroke="{colour}"/>"#);
            if !point.real {
                let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
            }
        }
        let _ = writeln!(out, r#"<path d="{path}" fill="none" stroke="{colour}"/>"#);
        let under = TOP + 14.0 * at as f64;
        let _ = writeln!(out, r#"<text x="{:.1}" y="{under:.1}" fill="{colour}">{line}</text>"#, WIDTH - 300.0);
    }
    out.push_str("</svg>\n");
    out
}
