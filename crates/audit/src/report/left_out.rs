//! How many rows the audit could not read, why, and whether that is more than allowed. Never repairs or guesses a value.

use super::data::{Event, LeftOut, LeftOutReason};
use crate::{
    input::Rows,
    measure, words,
    words::{percent, shown},
};

/// Why the records that represent the remainder of a day's counts are left out.
const REST: &str = "a record of everything else of a day, without fields";

impl LeftOut {
    /// Counts what was left out or unreadable, among the rows that were measured and those that could not be.
    pub(super) fn new(rows: &Rows, measured: &[measure::Event], allowed_percent: f64) -> LeftOut {
        let mut reasons: Vec<LeftOutReason> = rows
            .troubles()
            .kinds()
            .map(|(what, rows, lines)| LeftOutReason { what: what.to_owned(), rows, lines: lines.to_vec() })
            .collect();
        if let Some(rest) = rows.rest() {
            reasons.push(LeftOutReason { what: REST.into(), rows: rest.records, lines: rest.lines.clone() });
        }
        let out: u64 = reasons.iter().map(|reason| reason.rows).sum();
        let unreadable: u64 = measured.iter().map(|event| event.unreadable).sum();
        for event in measured {
            // A field may be in several plans. The plan with the most unreadable values speaks for it.
            let mut seen: Vec<&measure::Seen> = event.plans.iter().flat_map(|plan| &plan.fields).collect();
            seen.sort_by_key(|seen| (seen.field.column, std::cmp::Reverse(seen.unreadable())));
            seen.dedup_by_key(|seen| seen.field.column);
            reasons.extend(seen.into_iter().filter(|seen| seen.unreadable() > 0).map(|seen| LeftOutReason {
                what: format!(
                    "`{}` can't be read as {} ({})",
                    shown(&seen.field.name),
                    seen.field.class.describe(),
                    why(seen)
                ),
                rows: seen.unreadable(),
                lines: seen.lines.clone(),
            }));
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        let total = out + measured.iter().map(|event| event.rows).sum::<u64>();
        LeftOut {
            rows: out + unreadable,
            of: total,
            share: crate::sizes::share(out + unreadable, total),
            allowed: allowed_percent / 100.0,
            reasons,
        }
    }

    /// Whether more is left out than allowed. A share that equals what is allowed is not more.
    pub(super) fn is_over(&self) -> bool {
        // The tolerance is far below one row in 2^40 and only absorbs the rounding of the percentage.
        self.rows as f64 > self.allowed * self.of as f64 * (1.0 + 1e-12)
    }

    /// One sentence with the share, and what is allowed.
    pub(super) fn sentence(&self) -> String {
        let allowed = words::plain(self.allowed * 100.0);
        match self.rows {
            0 => format!("All rows could be read: {}.", words::whole(self.of)),
            left => format!(
                "{} of {} ({}) could not be read or {} left out; {allowed} % is allowed.",
                words::whole(left),
                words::rows(self.of),
                percent(self.share),
                if left == 1 { "was" } else { "were" },
            ),
        }
    }

    /// The reasons in words, the most frequent first, each with its first lines.
    pub(super) fn reasons(&self) -> impl Iterator<Item = String> {
        self.reasons.iter().map(|reason| {
            let lines: Vec<String> = reason.lines.iter().map(u64::to_string).collect();
            let more = if reason.rows > reason.lines.len() as u64 { " and more" } else { "" };
            let word = if lines.len() == 1 && more.is_empty() { "line" } else { "lines" };
            format!("{}: {} ({word} {}{more}).", words::rows(reason.rows), reason.what, lines.join(", "))
        })
    }

    /// What to do about it.
    pub(super) fn advice(&self) -> String {
        // Rounded up to a tenth of a percent, so that the audit passes with it.
        let share = self.share.unwrap_or(0.0) * 100.0;
        let enough = ((share * 10.0).ceil() / 10.0).min(100.0);
        format!(
            "Correct these rows or the options. If the figures are useful without them, say so: --allow-left-out {}",
            words::plain(enough)
        )
    }
}

fn why(seen: &measure::Seen) -> String {
    let kinds = [(seen.not_numbers, seen.field.class.misfit()), (seen.negative, "negative or NaN")];
    let kinds = kinds.iter().filter(|(rows, _)| *rows > 0).map(|(_, why)| *why);
    kinds.collect::<Vec<_>>().join(", or ")
}

/// The findings of all events and plans, one line each. Lists the first ten.
pub(super) fn findings(events: &[Event]) -> Vec<String> {
    const MOST: usize = 10;
    let all: usize = events.iter().map(|event| event.plans.len()).sum();
    let plans = events.iter().flat_map(|event| event.plans.iter().map(move |plan| (event, plan)));
    let mut lines: Vec<String> = plans
        .take(MOST)
        .map(|(event, plan)| match all {
            1 => plan.verdict.clone(),
            _ => format!("{}, {}: {}", shown(&event.event), shown(&plan.plan), plan.verdict),
        })
        .collect();
    if all > MOST {
        lines.push(format!("{} more findings are below.", all - MOST));
    }
    lines
}
