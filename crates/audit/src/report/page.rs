//! The report as one HTML page that needs no network and no script. The template escapes every inserted value. A content
//! security policy in the page forbids the browser to load or run anything.

use super::{
    Event, Figures, Half, Inverted, Plan, Report, ScopeBudget, plot,
    terminal::{cell, lower_bound},
    verdict::MEANING,
};
use crate::words::{percent, rows, shown, whole};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "
:root { color-scheme: light dark; --ground: #fdfdfb; --ink: #1d2126; --soft: #5b636c; --line: #c9ced4;
  --good: #2f6f9f; --bad: #b4452c; --card: #f1f3f1; }
@media (prefers-color-scheme: dark) { :root { --ground: #16191d; --ink: #e6e8ea; --soft: #a2abb4; --line: #434b54;
  --good: #6cb0e0; --bad: #f08a6c; --card: #20252b; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem; } h3 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { background: var(--card); border-left: 4px solid var(--bad); padding: .6rem 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
svg { width: 100%; height: auto; margin: .5rem 0; } svg text { fill: var(--ink); font-size: 13px; }
.good { fill: var(--good); } .bad { fill: var(--bad); } .axis { stroke: var(--line); }
.curve { fill: none; stroke: var(--good); stroke-width: 2; } .dot { fill: var(--bad); }
dt { font-weight: 600; } dd { margin: 0 0 .6rem 0; } .soft { color: var(--soft); }
@media print { body { max-width: none; } }
";

/// Renders the whole page.
pub(crate) fn page(report: &Report) -> String {
    let name = report.input.as_ref().map_or_else(|| "scopes".into(), |input| shown(&input.name));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Crowds in " (name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "How well rows hide in a crowd" }
                    p class="verdict" { strong { "Verdict: " (report.verdict) } }
                    ul { @for why in &report.why { li { (why) } } }
                    @if let Some(input) = &report.input {
                        p { (name) ": " (rows(input.rows)) ", read as " (input.read_as()) ". A crowd is "
                            (report.settings.k) " rows or more that look the same." }
                        @if !input.notes.is_empty() {
                            h2 { "The input" }
                            ul { @for note in &input.notes { li { (note) } } }
                        }
                    }
                    @for scope in &report.scopes { (one_scope(scope)) }
                    @for (at, event) in report.events.iter().enumerate() { (one_event(event, report, at)) }
                    h2 { "What the figures mean, and what they do not" }
                    dl { @for (what, text) in MEANING { dt { (what) } dd { (what) " " (text) } } }
                }
            }
        }
    };
    page.into_string()
}

fn one_scope(scope: &ScopeBudget) -> Markup {
    html! {
        section {
            h2 { "Scope " (shown(&scope.scope)) ": what stays the same about an installation" }
            p { (scope.sentence()) }
            @if !scope.panels.is_empty() {
                div class="table" { table {
                    caption { "What one installation reports together" }
                    thead { tr { th scope="col" { "fields" } th scope="col" { "different reports" } } }
                    tbody { @for panel in &scope.panels { tr {
                        th scope="row" { (panel.fields.iter().map(|field| shown(field)).collect::<Vec<_>>().join(", ")) }
                        td { (whole(panel.outcomes)) }
                    } } }
                } }
            }
            ul { @for note in scope.notes() { li { (note) } } }
        }
    }
}

fn one_event(event: &Event, report: &Report, at: usize) -> Markup {
    let k = report.settings.k;
    let several = event.plans.len() > 1;
    html! {
        section {
            h2 { (shown(&event.event)) }
            p { (rows(event.rows))
                @if let Some(count) = event.count { " that represent " (whole(count)) (lower_bound(report)) } "." }
            (figures(event, report))
            @if several {
                h3 { "The plans side by side" }
                (plot::plans(&event.plans, k, &format!("e{at}-plans")))
            }
            @if let Some(reach) = &event.reach {
                h3 { "To have " (reach.k) " rows or more in each class of a field" }
                dl { @for field in &reach.fields {
                    dt { (shown(&field.field)) }
                    dd { (field.price(reach.k)) @if let Some(attribute) = &field.attribute { " " code { (attribute) } } }
                } }
                @for line in reach.advice() { p { (line) } }
            }
            @for (number, plan) in event.plans.iter().enumerate() {
                (one_plan(plan, k, several, &format!("e{at}-p{number}")))
            }
        }
    }
}

fn figures(event: &Event, report: &Report) -> Markup {
    let settings = &report.settings;
    let mut columns = vec![5, 20, 50];
    if !columns.contains(&settings.k) {
        columns.push(settings.k);
    }
    let share = |figures: &Figures, k: u64| match k {
        5 => figures.share_under_5,
        20 => figures.share_under_20,
        50 => figures.share_under_50,
        _ => figures.share_under_k,
    };
    let line = |name: String, figures: &Figures| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (whole(figures.classes)) }
                td { (percent(figures.share_unique)) }
                @for k in &columns { td { (percent(share(figures, *k))) } }
                td { (whole(figures.smallest_class)) } td { (whole(figures.largest_class)) }
                td { (format!("{:.2}", figures.entropy_bits)) }
            }
        }
    };
    html! {
        div class="table" { table {
            caption { "Classes by plan, and the share of rows in small ones. The budget is "
                (format!("{:.2}", settings.budget_bits)) " bits (" (whole(settings.budget)) " outcomes)." }
            thead { tr {
                th scope="col" { "plan" } th scope="col" { "classes" } th scope="col" { "alone" }
                @for k in &columns { th scope="col" { "under " (k) } }
                th scope="col" { "smallest" } th scope="col" { "largest" } th scope="col" { "bits" }
            } }
            tbody { @for plan in &event.plans {
                @match &plan.by_count {
                    None => { (line(shown(&plan.plan), &plan.by_record)) },
                    Some(counted) => {
                        (line(format!("{} (by record)", shown(&plan.plan)), &plan.by_record))
                        (line(format!("{} (by count)", shown(&plan.plan)), counted))
                    },
                }
            } }
        } }
    }
}

fn one_plan(plan: &Plan, k: u64, several: bool, id: &str) -> Markup {
    html! {
        section {
            @if several { h3 { "Plan: " (shown(&plan.plan)) } }
            p class="verdict" { (plan.verdict) " " (plan.fix) }
            (fields(plan))
            h3 { "Sizes of classes" }
            (plot::sizes(&plan.by_record, &format!("{id}-sizes")))
            @if plan.leave_one_out.len() > 1 {
                h3 { "Which field to coarsen next" }
                (plot::without(plan, k, &format!("{id}-without")))
                div class="table" { table {
                    caption { "Without one field, the most effective first" }
                    thead { tr { th scope="col" { "without" } th scope="col" { "alone" } th scope="col" { "under " (k) }
                        th scope="col" { "bits" } th scope="col" { "bits lost" } } }
                    tbody { @for one in &plan.leave_one_out { tr {
                        th scope="row" { (shown(&one.field)) }
                        td { (percent(one.share_unique)) } td { (percent(one.share_under_k)) }
                        td { (format!("{:.2}", one.entropy_bits)) } td { (format!("{:.2}", one.bits_lost)) }
                    } } }
                } }
            }
            h3 { "Runs of rows" }
            (plot::sequences(plan, &format!("{id}-runs")))
            div class="table" { table {
                caption { "Runs of consecutive rows that have exactly one match among all runs" }
                thead { tr { th scope="col" { "rows in a row" } th scope="col" { "runs" } th scope="col" { "with one match" } } }
                tbody { @for run in &plan.sequences { tr {
                    th scope="row" { (run.length) } td { (whole(run.runs)) } td { (percent(run.share_unique)) }
                } } }
            } }
            @if let Some(sensitive) = &plan.sensitive {
                h3 { "Values of " (shown(&sensitive.field)) " within classes" }
                p { "The fewest distinct values in a class: " (whole(sensitive.fewest_values)) ". "
                    (percent(sensitive.share_with_one_value)) " of the rows are in a class with a single value, which a \
                     row's class then tells." }
            }
            @if let Some(linked) = &plan.linked {
                h3 { "Values of " (shown(&linked.field)) " within classes" }
                p { "The fewest distinct values in a class: " (whole(linked.fewest_values)) ". "
                    (percent(linked.share_under_k)) " of the rows are in a class with fewer than " (k) " of them." }
            }
            @if let Some(inverted) = &plan.inversion { (inversion(inverted)) }
        }
    }
}

fn fields(plan: &Plan) -> Markup {
    html! {
        div class="table" { table {
            caption { "The fields, and how many rows did not send them" }
            thead { tr { th scope="col" { "field" } th scope="col" { "class" } th scope="col" { "missing" }
                th scope="col" { "unreadable" } th scope="col" { "negative or NaN" } } }
            tbody { @for field in &plan.fields { tr {
                th scope="row" { (shown(&field.field)) }
                td { (field.class) @if let Some(unit) = field.unit { " (" (unit) ")" } }
                td { (whole(field.missing)) } td { (whole(field.not_numbers)) } td { (whole(field.negative)) }
            } } }
        } }
    }
}

fn inversion(inverted: &Inverted) -> Markup {
    let none = Half { median: None, p90: None, open: false };
    let lines = [
        ("the rest of the group", inverted.error_from_others, inverted.width_from_others),
        ("its own cell", inverted.error_from_own_cell, inverted.width_of_own_cell),
        ("both together", inverted.error_from_both, none),
    ];
    html! {
        h3 { "What the group tells of " (shown(&inverted.left)) }
        @if inverted.not_sent.is_empty() {
            div class="table" { table {
                caption { (shown(&inverted.formula)) " over " (rows(inverted.rows)) "; "
                    (whole(inverted.skipped)) " could not be compared" }
                thead { tr { th scope="col" { "known from" } th scope="col" { "error: median" } th scope="col" { "error: 90 %" }
                    th scope="col" { "width: median" } th scope="col" { "width: 90 %" } } }
                tbody { @for (name, error, width) in lines { tr {
                    th scope="row" { (name) }
                    td { (cell(error.median, error)) } td { (cell(error.p90, error)) }
                    td { (cell(width.median, width)) } td { (cell(width.p90, width)) }
                } } }
            } }
        } @else {
            p { "This plan does not send " (inverted.not_sent.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", "))
                ", so nothing can be worked out." }
        }
    }
}
