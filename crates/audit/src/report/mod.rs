//! Makes the report from what was measured: the content of `--json` and the source of the text and the page. Its keys are
//! described in README.md
//! and stay stable. It holds names and figures, never a value of a row.

mod data;
mod left_out;
pub(crate) mod page;
mod plot;
mod reach;
mod scopes;
pub(crate) mod terminal;
mod verdict;

use crate::{
    args::Audit,
    input::Rows,
    invert::Inversion,
    measure::{self, Measured, Spread},
    plan::Spec,
    quantiles::Quantiles,
    runs::LENGTHS,
    scope::Scope,
    sizes::{BINS, Sizes, share},
};
pub(crate) use data::{
    Alone, Bin, Event, Field, Figures, Half, Input, Inverted, LeftOut, Linked, Malformed, Plan, Reach, Report,
    ScopeBudget, Sensitive, Sequence, Settings, Storage, Without,
};

impl Report {
    /// Assembles the report from the measurement.
    pub(crate) fn new(
        audit: &Audit,
        rows: &Rows,
        spec: &Spec,
        scopes: &[Scope],
        measured: (Vec<measure::Event>, u64),
    ) -> Report {
        let (events, temporary_bytes) = measured;
        let name = audit.file.as_deref().map_or_else(String::new, |file| file.display().to_string());
        let name = if name == "-" { "standard input".into() } else { name };
        let malformed = rows.troubles().kinds().map(|(what, rows, lines)| Malformed {
            what,
            rows,
            first_line: lines.first().copied(),
        });
        let malformed = malformed.collect();
        let left_out = LeftOut::new(rows, &events, audit.allow_left_out);
        let settings = Settings::new(audit);
        let total = events.iter().map(|event| event.rows).sum();
        let events: Vec<Event> = events
            .into_iter()
            .map(|event| {
                let counted = event.count.is_some();
                let plans: Vec<Plan> =
                    event.plans.iter().map(|plan| Plan::new(plan, counted, spec, &settings)).collect();
                (event, plans)
            })
            .map(|(event, plans)| Event {
                reach: spec.reach.and_then(|goal| Reach::new(&event, plans.first()?, goal)),
                plans,
                event: event.name,
                rows: event.rows,
                count: event.count,
            })
            .collect();
        let scopes: Vec<ScopeBudget> = scopes.iter().map(|scope| ScopeBudget::new(scope, Some(spec))).collect();
        let over_limits = verdict::over_limits(&events, &scopes, audit.max_unique, audit.max_under_k, audit.k);
        let head = verdict::head(&events, &scopes, Some(&left_out), &over_limits, audit);
        Report {
            verdict: head.verdict,
            why: head.why,
            failure: head.failure,
            candor_audit: 1,
            scopes,
            input: Some(Input {
                name,
                format: rows.format(),
                delimiter: rows.delimiter(),
                rows: total,
                left_out,
                malformed,
                notes: rows.notes(),
            }),
            settings,
            events,
            over_limits,
            storage: Storage { temporary_bytes },
        }
    }
}

impl Report {
    /// The report about scopes alone, without any rows.
    pub(crate) fn of_scopes(audit: &Audit, scopes: &[Scope]) -> Report {
        let scopes: Vec<ScopeBudget> = scopes.iter().map(|scope| ScopeBudget::new(scope, None)).collect();
        let over_limits = verdict::over_limits(&[], &scopes, None, None, audit.k);
        let head = verdict::head(&[], &scopes, None, &over_limits, audit);
        Report {
            verdict: head.verdict,
            why: head.why,
            failure: head.failure,
            candor_audit: 1,
            scopes,
            input: None,
            settings: Settings::new(audit),
            events: Vec::new(),
            over_limits,
            storage: Storage { temporary_bytes: 0 },
        }
    }
}

impl Settings {
    fn new(audit: &Audit) -> Settings {
        let budget = audit.budget.unwrap_or(1_024);
        Settings {
            k: audit.k,
            budget,
            budget_bits: (budget as f64).log2(),
            link: audit.link.clone(),
            sensitive: audit.sensitive.clone(),
        }
    }
}

impl Plan {
    fn new(plan: &Measured, counted: bool, spec: &Spec, settings: &Settings) -> Plan {
        let by_record = Figures::new(&plan.classes, settings.k);
        let mut leave_one_out: Vec<Without> = plan
            .fields
            .iter()
            .zip(&plan.without)
            .map(|(seen, sizes)| Without {
                field: seen.field.name.clone(),
                constant: seen.is_constant(),
                share_unique: share(sizes.unique(), sizes.rows()),
                share_under_k: sizes.share_under(settings.k),
                entropy_bits: sizes.entropy(),
                bits_lost: (by_record.entropy_bits - sizes.entropy()).max(0.0),
            })
            .collect();
        let helps =
            |one: &Without| (one.share_under_k, one.share_unique) != (by_record.share_under_k, by_record.share_unique);
        leave_one_out.sort_by(|a, b| {
            let shares = |one: &Without| [one.share_under_k.unwrap_or(0.0), one.share_unique.unwrap_or(0.0)];
            let ([a_under, a_alone], [b_under, b_alone]) = (shares(a), shares(b));
            // Of fields that help equally, the one that costs the fewest bits is first. If they help not at all, the one
            // with the most bits is, because it is the one that keeps rows apart.
            let bits = a.bits_lost.total_cmp(&b.bits_lost);
            let bits = if helps(a) || helps(b) { bits } else { bits.reverse() };
            let by_shares = a_under.total_cmp(&b_under).then(a_alone.total_cmp(&b_alone));
            // A field that is the same in all rows can't be the cause of anything, whatever the ties say.
            a.constant.cmp(&b.constant).then(by_shares).then(bits)
        });
        let sequences = LENGTHS.iter().zip(&plan.runs).map(|(&length, runs)| {
            // A run of length one is a class.
            let runs = if length == 1 { &plan.classes } else { runs };
            Sequence { length, runs: runs.rows(), share_unique: share(runs.unique(), runs.rows()) }
        });
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let sensitive = plan.sensitive.map(|Spread { fewest, rows_with_one, rows, .. }| Sensitive {
            field: name(&settings.sensitive),
            fewest_values: fewest,
            share_with_one_value: share(rows_with_one, rows),
        });
        let linked = plan.linked.map(|Spread { fewest, rows_under_k, rows, .. }| Linked {
            field: name(&settings.link),
            fewest_values: fewest,
            share_under_k: share(rows_under_k, rows),
        });
        let fields = plan.fields.iter().map(|seen| Field {
            field: seen.field.name.clone(),
            class: seen.field.class.describe(),
            unit: seen.field.class.unit(),
            missing: seen.missing,
            not_numbers: seen.not_numbers,
            misfit: seen.field.class.misfit(),
            negative: seen.negative,
            constant: seen.is_constant(),
            first_line: seen.lines.first().copied(),
        });
        let mut made = Plan {
            plan: plan.name.clone(),
            fields: fields.collect(),
            by_count: counted.then(|| Figures::new(&plan.counted, spec.k)),
            by_record,
            leave_one_out,
            sequences: sequences.collect(),
            sensitive,
            linked,
            inversion: plan.inversion.as_ref().map(Inverted::new),
            verdict: String::new(),
            fix: String::new(),
        };
        made.verdict = verdict::verdict(&made, settings.k);
        made.fix = verdict::fix(&made, settings.k);
        made
    }
}

impl Figures {
    fn new(sizes: &Sizes, k: u64) -> Figures {
        let rows = sizes.rows();
        let bins = BINS.iter().zip(sizes.binned());
        Figures {
            rows,
            classes: sizes.classes(),
            share_unique: share(sizes.unique(), rows),
            share_under_5: sizes.share_under(5),
            share_under_20: sizes.share_under(20),
            share_under_50: sizes.share_under(50),
            share_under_k: sizes.share_under(k),
            entropy_bits: sizes.entropy(),
            smallest_class: sizes.smallest(),
            largest_class: sizes.largest(),
            alone_among: scopes::INSTALLATIONS
                .map(|many| Alone { installations: many, share: sizes.alone_among(many) })
                .to_vec(),
            sizes: bins.map(|(&from, held)| Bin { from, rows: held, share: share(held, rows) }).collect(),
        }
    }
}

impl Inverted {
    fn new(inversion: &Inversion) -> Inverted {
        Inverted {
            formula: inversion.formula().text().to_owned(),
            left: inversion.formula().left.clone(),
            not_sent: inversion.not_sent.clone(),
            rows: inversion.rows,
            skipped: inversion.skipped,
            error_from_others: Half::new(&inversion.from_others),
            error_from_own_cell: Half::new(&inversion.from_own),
            error_from_both: Half::new(&inversion.from_both),
            width_from_others: Half::new(&inversion.others_width),
            width_of_own_cell: Half::new(&inversion.own_width),
        }
    }
}

impl Half {
    fn new(quantiles: &Quantiles) -> Half {
        let (median, p90) = (quantiles.quantile(0.5), quantiles.quantile(0.9));
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Half { median: finite(median), p90: finite(p90), open: p90.is_some_and(f64::is_infinite) }
    }
}
