//! The report for a terminal: tables of at most 100 columns, and one line that says what to do next. Everything from the
//! input is escaped before it is printed.

use super::{Event, Figures, Half, Plan, Report, ScopeBudget, verdict::MEANING};
use crate::words::{self, amount, percent, rows, shown, whole};
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use std::fmt::Write as _;

/// The width of the report in columns.
const WIDTH: u16 = 100;

/// The most fields that are listed. A table may have thousands.
pub(super) const FIELDS_MOST: usize = 30;

/// A line below the headers and no other line.
const HEADED: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// Renders the whole report.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "VERDICT: {}", report.verdict);
    report.why.iter().for_each(|why| wrap(&mut out, "  ", why));
    if let Some(input) = &report.input {
        let _ = writeln!(out, "\n{}: {}, read as {}", shown(&input.name), rows(input.rows), input.read_as());
        input.notes.iter().for_each(|note| wrap(&mut out, "  ", &format!("note: {note}")));
    }
    report.scopes.iter().for_each(|scope| one_scope(&mut out, scope, report));
    for event in &report.events {
        one_event(&mut out, event, report);
    }
    if report.input.is_some() {
        out.push_str("\nWhat the figures mean, and what they do not\n");
        MEANING.iter().for_each(|(what, text)| wrap(&mut out, "  ", &format!("{what} {text}")));
    }
    out
}

fn one_scope(out: &mut String, scope: &ScopeBudget, report: &Report) {
    let _ = writeln!(out, "\n══ scope {}: what stays the same about an installation", shown(&scope.scope));
    if !scope.panels.is_empty() {
        let mut heads = ["panel", "reports", "bits"].map(String::from).to_vec();
        heads.extend(scope.alone.iter().map(|one| format!("alone of {}", whole(one.installations))));
        let mut lines = Vec::new();
        for (at, panel) in scope.panels.iter().enumerate() {
            let bits = format!("{:.2}", (panel.outcomes as f64).log2());
            lines.push(vec![format!("{}: {}", at + 1, short(&panel.fields)), whole(panel.outcomes), bits]);
            let plans = report.events.iter().flat_map(|event| event.plans.iter().map(move |plan| (event, plan)));
            for (event, plan) in plans.filter(|(_, plan)| panel.plan.as_ref() == Some(&plan.plan)) {
                let figures = &plan.by_record;
                let mut line = vec![format!("measured: {}", shown(&event.event)), whole(figures.classes)];
                line.push(format!("{:.2}", figures.entropy_bits));
                line.extend(figures.alone_among.iter().map(|one| percent(one.share)));
                lines.push(line);
            }
        }
        let mut sum = vec!["together, all equally likely".into(), whole(scope.outcomes), format!("{:.2}", scope.bits)];
        sum.extend(scope.alone.iter().map(|one| percent(one.share)));
        lines.push(sum);
        table(out, &heads, lines.into_iter(), 1);
    }
    scope.notes().iter().for_each(|note| wrap(out, "  ", note));
}

/// Names joined by commas, the first ten.
fn short(names: &[String]) -> String {
    let mut text = names.iter().take(10).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > 10 {
        let _ = write!(text, " and {} more", names.len() - 10);
    }
    text
}

fn one_event(out: &mut String, event: &Event, report: &Report) {
    let k = report.settings.k;
    let represents = |count| format!(" that represent {}{}", whole(count), lower_bound(report));
    let counted = event.count.map(represents).unwrap_or_default();
    let _ = writeln!(out, "\n══ {}: {}{counted}", shown(&event.event), words::rows(event.rows));
    let rows: Vec<(String, &Figures)> = event
        .plans
        .iter()
        .flat_map(|plan| {
            let by_count = plan.by_count.as_ref().map(|figures| (format!("{} (by count)", shown(&plan.plan)), figures));
            let name =
                if by_count.is_some() { format!("{} (by record)", shown(&plan.plan)) } else { shown(&plan.plan) };
            std::iter::once((name, &plan.by_record)).chain(by_count)
        })
        .collect();
    figures(out, &rows, k, report);
    for plan in &event.plans {
        one_plan(out, plan, event.plans.len() > 1, k);
    }
    if let Some(reach) = &event.reach {
        let _ = writeln!(out, "\n  To have {} rows or more in each class of a field", reach.k);
        for field in &reach.fields {
            wrap(out, "    ", &format!("{}: {}", shown(&field.field), field.price(reach.k)));
            // Not wrapped, so that it can be copied.
            field.attribute.iter().for_each(|attribute| _ = writeln!(out, "      {attribute}"));
        }
        reach.advice().iter().for_each(|line| _ = writeln!(out, "    {line}"));
    }
}

fn figures(out: &mut String, rows: &[(String, &Figures)], k: u64, report: &Report) {
    let mut heads = vec!["plan".to_owned(), "classes".into(), "alone".into()];
    let mut shares = vec![5, 20, 50];
    if !shares.contains(&k) {
        shares.push(k);
    }
    heads.extend(shares.iter().map(|k| format!("< {k}")));
    heads.extend(["smallest", "largest", "bits"].map(String::from));
    let lines = rows.iter().map(|(name, figures)| {
        let mut line = vec![name.clone(), whole(figures.classes), percent(figures.share_unique)];
        line.extend(shares.iter().map(|wanted| {
            percent(match wanted {
                5 => figures.share_under_5,
                20 => figures.share_under_20,
                50 => figures.share_under_50,
                _ => figures.share_under_k,
            })
        }));
        line.extend([
            whole(figures.smallest_class),
            whole(figures.largest_class),
            format!("{:.2}", figures.entropy_bits),
        ]);
        line
    });
    table(out, &heads, lines, 1);
    let settings = &report.settings;
    let over = rows.iter().filter(|(_, figures)| figures.classes > settings.budget).count();
    let lines = match over {
        0 => "no line has".to_owned(),
        1 => "one line has".to_owned(),
        over => format!("{over} lines have"),
    };
    let (bits, outcomes) = (settings.budget_bits, whole(settings.budget));
    let _ = writeln!(out, "  The budget is {bits:.2} bits ({outcomes} outcomes); {lines} more classes.");
}

fn one_plan(out: &mut String, plan: &Plan, named: bool, k: u64) {
    if named {
        let _ = writeln!(out, "\n── {}", shown(&plan.plan));
    } else {
        out.push('\n');
    }
    let mut classes: Vec<String> = Vec::new();
    for field in plan.fields.iter().take(FIELDS_MOST) {
        let unit = field.unit.map_or_else(String::new, |unit| format!(" ({unit})"));
        classes.push(format!("{} as {}{unit}", shown(&field.field), field.class));
    }
    if plan.fields.len() > FIELDS_MOST {
        classes.push(format!("and {} more", plan.fields.len() - FIELDS_MOST));
    }
    wrap(out, "  ", &format!("Fields: {}", if classes.is_empty() { "none".into() } else { classes.join(", ") }));
    for field in plan.fields.iter().take(FIELDS_MOST) {
        let not_sent: Vec<String> =
            [(field.missing, "missing"), (field.not_numbers, field.misfit), (field.negative, "negative or NaN")]
                .into_iter()
                .filter(|(rows, _)| *rows > 0)
                .map(|(rows, why)| format!("{} {why}", whole(rows)))
                .collect();
        if !not_sent.is_empty() {
            let first = field.first_line.map_or_else(String::new, |line| format!(" (first on line {line})"));
            wrap(out, "  ", &format!("{} not sent: {}{first}", shown(&field.field), not_sent.join(", ")));
        }
    }
    let _ = writeln!(out);
    wrap(out, "  ", &format!("FOUND: {} {}", plan.verdict, plan.fix));
    if plan.leave_one_out.len() > 1 {
        let _ = writeln!(out, "\n  Without one field, the most effective first");
        let heads = ["without", "alone", &format!("< {k}"), "bits", "bits lost"].map(String::from);
        let lines = plan.leave_one_out.iter().take(FIELDS_MOST).map(|one| {
            let (bits, lost) = (format!("{:.2}", one.entropy_bits), format!("{:.2}", one.bits_lost));
            vec![shown(&one.field), percent(one.share_unique), percent(one.share_under_k), bits, lost]
        });
        table(out, &heads, lines, 1);
        if plan.leave_one_out.len() > FIELDS_MOST {
            let _ = writeln!(out, "  and {} more, which are in --json", plan.leave_one_out.len() - FIELDS_MOST);
        }
    }
    let _ = writeln!(out, "\n  Runs of rows that have exactly one match among all runs");
    let heads: Vec<String> = plan.sequences.iter().map(|run| format!("{} in a row", run.length)).collect();
    table(out, &heads, [plan.sequences.iter().map(|run| percent(run.share_unique)).collect()].into_iter(), 0);
    if let Some(sensitive) = &plan.sensitive {
        let (field, share) = (shown(&sensitive.field), percent(sensitive.share_with_one_value));
        let text = format!(
            "Distinct values of `{field}`: {} at least in a class; {share} of the rows are in a class with one.",
            whole(sensitive.fewest_values)
        );
        wrap(out, "  ", &text);
    }
    if let Some(linked) = &plan.linked {
        let (field, share) = (shown(&linked.field), percent(linked.share_under_k));
        let text = format!(
            "Distinct values of `{field}`: {} at least in a class; {share} of the rows are in a class with fewer than {k}.",
            whole(linked.fewest_values)
        );
        wrap(out, "  ", &text);
    }
    if let Some(inverted) = &plan.inversion {
        let _ = writeln!(out, "\n  Group: {}", shown(&inverted.formula));
        if !inverted.not_sent.is_empty() {
            let names: Vec<String> = inverted.not_sent.iter().map(|name| shown(name)).collect();
            wrap(out, "  ", &format!("This plan does not send {}, so nothing can be worked out.", names.join(", ")));
            return;
        }
        let left = shown(&inverted.left);
        let heads = [
            format!("{left} is known from"),
            "error: median".into(),
            "90 %".into(),
            "width: median".into(),
            "90 %".into(),
        ];
        let none = Half { median: None, p90: None, open: false };
        let lines = [
            ("the rest of the group", inverted.error_from_others, inverted.width_from_others),
            ("its own cell", inverted.error_from_own_cell, inverted.width_of_own_cell),
            ("both together", inverted.error_from_both, none),
        ];
        let line = |(name, error, width): (&str, Half, Half)| {
            vec![
                name.to_owned(),
                cell(error.median, error),
                cell(error.p90, error),
                cell(width.median, width),
                cell(width.p90, width),
            ]
        };
        table(out, &heads, lines.into_iter().map(line), 1);
        let _ = writeln!(out, "  Over {}; {} could not be compared.", rows(inverted.rows), whole(inverted.skipped));
    }
}

/// A note about candor's counts, for OTLP input.
pub(super) fn lower_bound(report: &Report) -> &'static str {
    if report.input.as_ref().is_some_and(|input| input.format == "otlp") {
        " (what candor counts is sent as its cell's lower bound)"
    } else {
        ""
    }
}

/// A figure of a distribution as text. Says that it is open if the measured quantity is unbounded.
pub(super) fn cell(value: Option<f64>, of: Half) -> String {
    match value {
        Some(value) => amount(value),
        None if of.open => "open".into(),
        None => "–".into(),
    }
}

/// Writes a table. The first `words` columns hold words, the others figures.
fn table(out: &mut String, heads: &[String], lines: impl Iterator<Item = Vec<String>>, words: usize) {
    let mut table = Table::new();
    table.load_style(HEADED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH - 2).set_header(heads);
    lines.for_each(|line| _ = table.add_row(line));
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

/// Writes text, wrapped to lines that fit.
fn wrap(out: &mut String, indent: &str, text: &str) {
    let most = usize::from(WIDTH);
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > most {
            out.push('\n');
            width = 0;
        }
        if width == 0 {
            out.push_str(indent);
            width = indent.chars().count();
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
}
