//! Plots as inline SVG. Each has a title and a text description for readers who can't see it, takes its colors from the
//! page, and loads nothing. The template escapes every inserted text.

use super::{Figures, Plan, terminal::FIELDS_MOST};
use crate::words::{percent, shown, whole};
use maud::{Markup, html};

const WIDTH: f64 = 720.0;
/// Where the bars begin. Their names are to the left.
const LEFT: f64 = 230.0;
/// Length of the longest bar. The figures are to its right.
const LONGEST: f64 = WIDTH - LEFT - 165.0;
const LINE: f64 = 26.0;

/// One bar, or a pair of bars with one name.
struct Bar {
    name: String,
    /// For each bar: its share, the share in words, and its style.
    parts: Vec<(f64, String, &'static str)>,
}

/// Plots how many rows are in classes of each size.
pub(super) fn sizes(figures: &Figures, id: &str) -> Markup {
    let upper = figures.sizes.iter().skip(1).map(|bin| Some(bin.from - 1)).chain([None]);
    let bars = figures.sizes.iter().zip(upper).map(|(bin, upper)| {
        let name = match upper {
            Some(upper) if upper == bin.from => "alone".to_owned(),
            Some(upper) => format!("in {} to {}", whole(bin.from), whole(upper)),
            None => format!("in {} or more", whole(bin.from)),
        };
        let style = if bin.from < 20 { "bad" } else { "good" };
        Bar { name, parts: vec![(bin.share.unwrap_or(0.0), percent(bin.share), style)] }
    });
    bars_of("Share of rows by the size of their class", &bars.collect::<Vec<_>>(), id)
}

/// Plots the effect of leaving out each field.
pub(super) fn without(plan: &Plan, k: u64, id: &str) -> Markup {
    let now = ("with all fields".to_owned(), plan.by_record.share_under_k);
    let each = plan
        .leave_one_out
        .iter()
        .take(FIELDS_MOST)
        .map(|one| (format!("without {}", shown(&one.field)), one.share_under_k));
    let bars = std::iter::once(now).chain(each).enumerate().map(|(at, (name, share))| Bar {
        name,
        parts: vec![(share.unwrap_or(0.0), percent(share), if at == 0 { "bad" } else { "good" })],
    });
    bars_of(&format!("Share of rows in a class of fewer than {k}, without each field"), &bars.collect::<Vec<_>>(), id)
}

/// Plots the plans side by side.
pub(super) fn plans(plans: &[Plan], k: u64, id: &str) -> Markup {
    let bars = plans.iter().map(|plan| {
        let (alone, under) = (plan.by_record.share_unique, plan.by_record.share_under_k);
        let parts = vec![
            (under.unwrap_or(0.0), format!("{} under {k}", percent(under)), "good"),
            (alone.unwrap_or(0.0), format!("{} alone", percent(alone)), "bad"),
        ];
        Bar { name: shown(&plan.plan), parts }
    });
    bars_of(
        &format!("Each plan: rows in a class of fewer than {k}, and rows that are alone"),
        &bars.collect::<Vec<_>>(),
        id,
    )
}

/// Plots how fast runs of rows become unique as they grow longer.
pub(super) fn sequences(plan: &Plan, id: &str) -> Markup {
    let (height, left, right, top) = (220.0, 60.0, 20.0, 16.0);
    let bottom = height - 40.0;
    let longest = plan.sequences.iter().map(|run| run.length).max().unwrap_or(1).max(2) as f64;
    let points: Vec<(f64, f64, String)> = plan
        .sequences
        .iter()
        .filter_map(|run| {
            let share = run.share_unique?;
            let x = left + (run.length as f64 - 1.0) / (longest - 1.0) * (WIDTH - left - right);
            Some((x, bottom - share * (bottom - top), format!("runs of {}: {}", run.length, percent(run.share_unique))))
        })
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
    let words: Vec<&str> = points.iter().map(|(_, _, words)| words.as_str()).collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
            title id=(format!("{id}-t")) { "Share of runs of consecutive rows that have exactly one match" }
            desc id=(format!("{id}-d")) { (words.join("; ")) }
            @for (share, label) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "all")] {
                @let y = bottom - share * (bottom - top);
                line class="axis" x1=(left) x2=(WIDTH - right) y1=(y) y2=(y) {}
                text x=(left - 8.0) y=(y + 4.0) text-anchor="end" { (label) }
            }
            polyline class="curve" points=(line.join(" ")) {}
            @for ((x, y, words), run) in points.iter().zip(&plan.sequences) {
                circle class="dot" cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" { title { (words) } }
                text x=(format!("{x:.1}")) y=(bottom + 20.0) text-anchor="middle" { (run.length) }
            }
            text x=(WIDTH - right) y=(bottom + 36.0) text-anchor="end" { "rows in a row" }
        }
    }
}

fn bars_of(title: &str, bars: &[Bar], id: &str) -> Markup {
    let parts: usize = bars.iter().map(|bar| bar.parts.len()).sum();
    let thick = |bar: &Bar| LINE * bar.parts.len() as f64;
    let height = LINE * parts as f64 + 8.0 * bars.len() as f64 + 8.0;
    let words: Vec<String> = bars
        .iter()
        .map(|bar| {
            let figures: Vec<&str> = bar.parts.iter().map(|(_, words, _)| words.as_str()).collect();
            format!("{}: {}", bar.name, figures.join(", "))
        })
        .collect();
    let mut y = 4.0;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
            title id=(format!("{id}-t")) { (title) }
            desc id=(format!("{id}-d")) { (words.join("; ")) }
            @for bar in bars {
                text x=(LEFT - 10.0) y=(y + thick(bar) / 2.0 + 4.0) text-anchor="end" { (short(&bar.name)) }
                @for (at, (share, words, style)) in bar.parts.iter().enumerate() {
                    @let top = y + LINE * at as f64;
                    @let length = (share * LONGEST).max(if *share > 0.0 { 1.5 } else { 0.0 });
                    rect class=(style) x=(LEFT) y=(top + 3.0) width=(format!("{length:.1}")) height=(LINE - 6.0) {
                        title { (bar.name) ": " (words) }
                    }
                    text x=(format!("{:.1}", LEFT + length + 8.0)) y=(top + LINE / 2.0 + 4.0) { (words) }
                }
                (advance(&mut y, thick(bar) + 8.0))
            }
        }
    }
}

/// Adds `by` to `y` and renders nothing.
fn advance(y: &mut f64, by: f64) -> Markup {
    *y += by;
    html! {}
}

/// Shortens a name so that it fits beside the bars.
fn short(name: &str) -> String {
    if name.chars().count() <= 32 {
        return name.to_owned();
    }
    name.chars().take(31).chain(['…']).collect()
}
