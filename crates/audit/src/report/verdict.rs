//! Summarizes the figures in a sentence and names the most useful fix. Judges by k, and never claims that no row can be
//! told apart: it states what was counted.

use super::{
    data::{Event, LeftOut, Plan, ScopeBudget},
    left_out::findings,
};
use crate::{
    args::Audit,
    words::{amount, percent, shown, whole},
};

/// What each figure means, and what it does not mean. The same in every report.
pub(crate) const MEANING: [(&str, &str); 6] = [
    (
        "A class",
        "is all rows that look the same after generalisation. A row alone in its class can be told from every other \
         row here by anyone who knows these fields of it.",
    ),
    (
        "Fewer than k",
        "counts rows, not people. If one person makes many rows, a class of twenty rows may be one person; --link counts \
         distinct link values in each class too.",
    ),
    (
        "Other data",
        "is not in these figures. Anyone who knows more than these fields, or has a second release of the same rows, \
         can tell more rows apart than is shown.",
    ),
    (
        "This sample",
        "is what was measured. In a larger population classes are larger, in a smaller one smaller, and rare values that \
         are absent here may be present there.",
    ),
    (
        "A run",
        "of rows is what a recipient sees when rows can be put in order or linked. Rounding that hides one row often does \
         not hide a run.",
    ),
    (
        "The envelope",
        "(network address, time of arrival, order of requests) is not measured here, and is seen by every recipient.",
    ),
];

/// The beginning of a report: the verdict, and why.
pub(super) struct Head {
    /// `passes` or `fails`.
    pub(super) verdict: &'static str,
    /// Why, one sentence each: first the limits, then what was found.
    pub(super) why: Vec<String>,
    /// Why the audit itself failed, if it did.
    pub(super) failure: Option<String>,
}

/// Judges by the limits of the command line, and by how much could be read.
pub(super) fn head(
    events: &[Event],
    scopes: &[ScopeBudget],
    left_out: Option<&LeftOut>,
    over_limits: &[String],
    audit: &Audit,
) -> Head {
    let mut why = Vec::new();
    let failure = left_out.and_then(|left_out| unread(events, left_out, &mut why));
    why.extend(over_limits.iter().map(|over| format!("OVER THE LIMIT: {over}")));
    if left_out.is_none() {
        why.push("There are no rows: only the budget is judged.".into());
    } else if audit.max_unique.is_none() && audit.max_under_k.is_none() {
        why.push("No limit is set for small classes: --max-unique and --max-under-k set one.".into());
    } else if over_limits.is_empty() && !events.is_empty() {
        why.push("No limit for small classes is exceeded.".into());
    }
    why.extend(scopes.iter().map(ScopeBudget::sentence));
    why.extend(findings(events));
    let fails = failure.is_some() || !over_limits.is_empty();
    Head { verdict: if fails { "fails" } else { "passes" }, why, failure }
}

/// Says how much was read. Returns why the audit fails, if that is too little.
fn unread(events: &[Event], left_out: &LeftOut, why: &mut Vec<String>) -> Option<String> {
    if events.is_empty() {
        why.push("There are no rows to measure, so there is nothing to judge.".into());
        why.extend((left_out.rows > 0).then(|| left_out.sentence()));
        why.extend(left_out.reasons());
        Some(why.join(" "))
    } else {
        why.push(left_out.sentence());
        why.extend(left_out.reasons());
        left_out.is_over().then(|| {
            why.push(left_out.advice());
            why.join(" ")
        })
    }
}

/// The finding, without the fix.
pub(super) fn verdict(plan: &Plan, k: u64) -> String {
    let figures = &plan.by_record;
    match figures.share_under_k {
        Some(_) if plan.fields.is_empty() => {
            "This event has none of the plan's fields, so all its rows look the same.".into()
        }
        None => "There are no rows, so there is nothing to judge.".into(),
        Some(0.0) => format!(
            "Each row shares its class with at least {} others; the smallest class holds {}.",
            k - 1,
            whole(figures.smallest_class)
        ),
        share => format!(
            "{} of the rows are in a class of fewer than {k}, and {} are alone in theirs.",
            if share >= Some(1.0) { "All".to_owned() } else { percent(share) },
            percent(figures.share_unique)
        ),
    }
}

/// The change that would improve the result most for its cost.
pub(super) fn fix(plan: &Plan, k: u64) -> String {
    let figures = &plan.by_record;
    let under = figures.share_under_k.unwrap_or(0.0);
    if figures.rows == 0 {
        return "Audit a file with rows.".into();
    }
    if plan.fields.is_empty() {
        return "Name fields that it has.".into();
    }
    if figures.rows < k {
        return format!("There are fewer than {k} rows: no generalisation can make a crowd of them. Audit more.");
    }
    if plan.fields.iter().all(|field| field.constant) {
        return "Nothing tells rows apart: each field is the same in all rows.".into();
    }
    if under > 0.0 {
        return coarsen(plan, under, k);
    }
    if let Some(linked) = &plan.linked
        && linked.share_under_k > Some(0.0)
    {
        return format!(
            "But {} are in a class with fewer than {k} values of `{}`: count each one's rows once.",
            percent(linked.share_under_k),
            shown(&linked.field)
        );
    }
    if let Some(inverted) = &plan.inversion
        && let (Some(others), own) = (inverted.error_from_others.median, inverted.error_from_own_cell.median)
        && own.is_none_or(|own| others < own)
    {
        return format!(
            "But the rest of the group gives `{}` to within {} (median): send one of the group less.",
            shown(&inverted.left),
            amount(others)
        );
    }
    if let Some(sensitive) = &plan.sensitive
        && sensitive.share_with_one_value > Some(0.0)
    {
        return format!(
            "But {} are in a class with a single value of `{}`: coarsen the fields, or leave it out.",
            percent(sensitive.share_with_one_value),
            shown(&sensitive.field)
        );
    }
    let run = plan.sequences.iter().find(|run| run.share_unique.unwrap_or(0.0) >= 0.01);
    if let Some(run) = run {
        return format!(
            "But {} of runs of {} have one match: send counts without link or order instead of rows.",
            percent(run.share_unique),
            run.length
        );
    }
    format!("At k = {k} nothing here needs a fix. What the figures do not cover is said below.")
}

fn coarsen(plan: &Plan, under: f64, k: u64) -> String {
    let mut vary = plan.leave_one_out.iter().filter(|one| !one.constant);
    let best = vary.next();
    let only = vary.next().is_none();
    match best {
        Some(best) if only => {
            format!("Next: make `{}` coarser, and give it a top: rare values are at its ends.", shown(&best.field))
        }
        Some(best) if best.share_under_k.unwrap_or(0.0) < under => format!(
            "Next: coarsen `{}`; without it {} would be in a class of fewer than {k}.",
            shown(&best.field),
            percent(best.share_under_k)
        ),
        Some(best) => {
            format!("No single field is the cause: coarsen several, `{}` first, or leave some out.", shown(&best.field))
        }
        None => "No field is measured.".into(),
    }
}

/// The command line's limits that at least one event and plan exceeds, in words.
pub(super) fn over_limits(
    events: &[Event],
    scopes: &[ScopeBudget],
    max_unique: Option<f64>,
    max_under_k: Option<f64>,
    k: u64,
) -> Vec<String> {
    let too_many = |scope: &ScopeBudget| {
        let (name, outcomes, bound) = (shown(&scope.scope), whole(scope.outcomes), whole(scope.bound));
        format!("scope {name}: {outcomes} different reports say what stays the same, and {bound} are allowed")
    };
    let mut over: Vec<String> = scopes.iter().filter(|scope| scope.is_over()).map(too_many).collect();
    for event in events {
        for plan in &event.plans {
            let figures = &plan.by_record;
            let unique = ("alone in their class".to_owned(), figures.share_unique, max_unique);
            let under = (format!("in a class of fewer than {k}"), figures.share_under_k, max_under_k);
            for (what, share, limit) in [unique, under] {
                if let (Some(share), Some(limit)) = (share, limit)
                    && share * 100.0 > limit
                {
                    let (event, plan) = (shown(&event.event), shown(&plan.plan));
                    over.push(format!(
                        "{event}, {plan}: {} of the rows are {what}, above {limit} %",
                        percent(Some(share))
                    ));
                }
            }
        }
    }
    over
}
