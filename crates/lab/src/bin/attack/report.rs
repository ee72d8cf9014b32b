//! Figures with their intervals, and a picture of them. This module judges nothing.

use super::{rule::Rule, wire::Seen};
use std::fmt::Write as _;

/// The places of the true answers in an attacker's order, over many trials.
#[derive(Debug, Clone)]
pub(crate) struct Hits {
    among: usize,
    ranks: Vec<u32>,
}

impl Hits {
    /// No trial yet; each will be among so many.
    pub(crate) fn of(among: usize) -> Self {
        Hits { among, ranks: Vec::new() }
    }

    pub(crate) fn add(&mut self, ranks: &[usize]) {
        self.ranks.extend(ranks.iter().map(|rank| *rank as u32));
    }

    fn within(&self, most: u32) -> [f64; 3] {
        interval(self.ranks.iter().filter(|rank| **rank < most).count(), self.ranks.len())
    }

    /// The share of right first guesses, and the ends of its 95 % interval.
    pub(crate) fn first(&self) -> [f64; 3] {
        self.within(1)
    }

    /// The same for the first ten.
    pub(crate) fn ten(&self) -> [f64; 3] {
        self.within(10)
    }

    /// The share of right first guesses that guessing gives.
    pub(crate) fn chance(&self) -> f64 {
        1.0 / self.among as f64
    }

    /// The median rank, as a share of all. Chance gives 0.5.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.ranks.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).map_or(0.5, |rank| f64::from(*rank) / self.among as f64)
    }

    /// Whether the shares of the first ten differ by at most four standard errors, and the medians by at most as much.
    pub(crate) fn agrees_with(&self, other: &Hits) -> bool {
        let (a, b) = (self.ten()[0], other.ten()[0]);
        let error = |share: f64, of: &Hits| share * (1.0 - share) / of.ranks.len() as f64;
        let near = |a: f64, b: f64, spread: f64| (a - b).abs() <= 4.0 * spread.sqrt() + 1e-3;
        let share = (a + b) / 2.0;
        near(a, b, error(share, self) + error(share, other))
            && near(self.median(), other.median(), 2.0 * (error(0.5, self) + error(0.5, other)))
    }
}

/// A share in per cent with its interval.
pub(crate) fn share([share, low, high]: [f64; 3]) -> String {
    if share.is_nan() {
        return "not asked".to_owned();
    }
    format!("{:.3} % [{:.3}, {:.3}]", share * 100.0, low * 100.0, high * 100.0)
}

/// The quantile of the normal distribution for 95 %.
pub(crate) const Z: f64 = 1.959_964;

/// A share with Wilson's 95 % interval.
fn interval(hits: usize, of: usize) -> [f64; 3] {
    let (hits, of, z) = (hits as f64, of as f64, Z);
    let share = hits / of;
    let scale = 1.0 + z * z / of;
    let middle = share + z * z / (2.0 * of);
    let half = z * (share * (1.0 - share) / of + z * z / (4.0 * of * of)).sqrt();
    [share, (middle - half).max(0.0) / scale, (middle + half) / scale]
}

/// Whether both report plays at all, and about the same number. A device that reports nothing is not protected but
/// broken. Plays of the same film are either all counted or all not, so the tolerance is a few standard deviations
/// larger.
pub(crate) fn as_many(one: &[Seen], other: &[Seen], rule: &Rule) -> bool {
    let plays = |seen: &[Seen]| -> f64 {
        seen.iter().flat_map(|seen| &seen.told).map(|it| rule.counts[usize::from(it.step)] as f64).sum()
    };
    let (one, other) = (plays(one), plays(other));
    one > 0.0 && (one - other).abs() <= 10.0 * (one + other).sqrt()
}

/// One point of the picture.
pub(crate) struct Point {
    /// The panel that it belongs to, and the line in the panel.
    pub(crate) panel: String,
    pub(crate) line: &'static str,
    pub(crate) one_in: u64,
    /// A share with the ends of its interval.
    pub(crate) share: [f64; 3],
}

const COLOURS: [&str; 4] = ["#1b6ca8", "#b3541e", "#4c8c4a", "#888888"];
const PANEL: (f64, f64) = (380.0, 300.0);
const COLUMNS: usize = 3;
/// The range of the axes: from one in 2^5 to one in 2^12, and from 1 to 1/10,000.
const HALVINGS: (f64, f64) = (5.0, 12.0);
const DECADES: f64 = 4.0;

/// The points as a picture with one panel for each choice of items: what the attackers find, and what the publisher
/// misses, over one in how many items is counted. Both axes are logarithmic.
pub(crate) fn picture(title: &str, points: &[Point]) -> String {
    let mut panels: Vec<&str> = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for point in points {
        if !panels.contains(&&*point.panel) {
            panels.push(&point.panel);
        }
        if !lines.contains(&point.line) {
            lines.push(point.line);
        }
    }
    let (wide, high) = (PANEL.0 * COLUMNS as f64, PANEL.1 * panels.len().div_ceil(COLUMNS) as f64 + 60.0);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="18">{title}</text>
"#
    );
    for (at, line) in lines.iter().enumerate() {
        let x = 10.0 + 270.0 * at as f64;
        let _ = writeln!(out, r#"<text x="{x}" y="38" fill="{}">{line}</text>"#, COLOURS[at % COLOURS.len()]);
    }
    for (at, panel) in panels.iter().enumerate() {
        let (left, top) = (PANEL.0 * (at % COLUMNS) as f64 + 50.0, PANEL.1 * (at / COLUMNS) as f64 + 75.0);
        let (right, bottom) = (left + PANEL.0 - 70.0, top + PANEL.1 - 65.0);
        let x = |one_in: u64| {
            let halvings = (one_in as f64).log2().clamp(HALVINGS.0, HALVINGS.1);
            left + (halvings - HALVINGS.0) / (HALVINGS.1 - HALVINGS.0) * (right - left)
        };
        let y = |share: f64| top + (-share.clamp(1e-9, 1.0).log10() / DECADES).min(1.0) * (bottom - top);
        let _ = writeln!(out, r#"<text x="{left}" y="{:.1}">{panel}</text>"#, top - 8.0);
        for (share, words) in [(1.0, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.0001, "0.01 %")] {
            let (y, x) = (y(share), left - 48.0);
            let _ = writeln!(
                out,
                r##"<path d="M{left} {y:.1}H{right}" stroke="#ccc"/><text x="{x}" y="{y:.1}">{words}</text>"##
            );
        }
        for halvings in (HALVINGS.0 as u32..=HALVINGS.1 as u32).step_by(2) {
            let one_in = 1u64 << halvings;
            let _ = writeln!(out, r#"<text x="{:.1}" y="{:.1}">1/{one_in}</text>"#, x(one_in), bottom + 16.0);
        }
        for (at, line) in lines.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let mut path = String::new();
            for point in points.iter().filter(|point| point.panel == **panel && point.line == *line) {
                let (x, [share, low, high]) = (x(point.one_in), point.share.map(y));
                let _ = writeln!(out, r#"<path d="M{x:.1} {low:.1}V{high:.1}" stroke="{colour}"/>"#);
                let _ = writeln!(out, r#"<circle cx="{x:.1}" cy="{share:.1}" r="3" fill="{colour}"/>"#);
                let _ = write!(path, "{}{x:.1} {share:.1}", if path.is_empty() { 'M' } else { 'L' });
            }
            let _ = writeln!(out, r#"<path d="{path}" fill="none" stroke="{colour}"/>"#);
        }
    }
    out.push_str("</svg>\n");
    out
}
