//! The report as data: the content of `--json` and the source of the text and the page. Its keys are described in README.md
//! and stay stable. It holds names and figures, never a value of a row.

pub(crate) mod page;
mod plot;
pub(crate) mod terminal;
mod verdict;

use crate::{
    args::Audit,
    input::Rows,
    invert::Inversion,
    measure::{self, Measured, Spread},
    plan::Wishes,
    quantiles::Quantiles,
    runs::LENGTHS,
    sizes::{BINS, Sizes, share},
};
use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The version of the report format.
    pub(crate) candor_audit: u32,
    /// What was read.
    pub(crate) input: Input,
    /// The settings of the run.
    pub(crate) settings: Settings,
    /// Each event type, in the order of first occurrence.
    pub(crate) events: Vec<Event>,
    /// Limits that were exceeded, in words.
    pub(crate) over_limits: Vec<String>,
    /// The amount of data written to temporary files.
    pub(crate) storage: Storage,
}

#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) format: &'static str,
    /// Rows that were measured.
    pub(crate) rows: u64,
    pub(crate) malformed: Vec<Malformed>,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Malformed {
    pub(crate) what: &'static str,
    pub(crate) rows: u64,
    pub(crate) first_line: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Settings {
    pub(crate) k: u64,
    pub(crate) budget: u64,
    pub(crate) budget_bits: f64,
    pub(crate) link: Option<String>,
    pub(crate) sensitive: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Storage {
    pub(crate) temporary_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) event: String,
    pub(crate) rows: u64,
    pub(crate) count: Option<u64>,
    pub(crate) plans: Vec<Plan>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) plan: String,
    pub(crate) fields: Vec<Field>,
    /// Classes by record.
    pub(crate) by_record: Figures,
    /// Classes by the sum of counts, if the input has counts.
    pub(crate) by_count: Option<Figures>,
    /// The most effective fix first.
    pub(crate) leave_one_out: Vec<Without>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) sensitive: Option<Sensitive>,
    pub(crate) linked: Option<Linked>,
    pub(crate) inversion: Option<Inverted>,
    pub(crate) verdict: String,
    pub(crate) mend: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub(crate) field: String,
    pub(crate) class: String,
    pub(crate) unit: Option<&'static str>,
    pub(crate) missing: u64,
    pub(crate) not_numbers: u64,
    pub(crate) negative: u64,
    pub(crate) first_line: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) rows: u64,
    pub(crate) classes: u64,
    pub(crate) share_unique: Option<f64>,
    pub(crate) share_under_5: Option<f64>,
    pub(crate) share_under_20: Option<f64>,
    pub(crate) share_under_50: Option<f64>,
    pub(crate) share_under_k: Option<f64>,
    pub(crate) entropy_bits: f64,
    pub(crate) smallest_class: u64,
    pub(crate) largest_class: u64,
    pub(crate) sizes: Vec<Bin>,
}

/// The rows in classes of at least `from` rows and below the next bin.
#[derive(Debug, Serialize)]
pub(crate) struct Bin {
    pub(crate) from: u64,
    pub(crate) rows: u64,
    pub(crate) share: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Without {
    pub(crate) field: String,
    pub(crate) share_unique: Option<f64>,
    pub(crate) share_under_k: Option<f64>,
    pub(crate) entropy_bits: f64,
    pub(crate) bits_lost: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Sequence {
    pub(crate) length: usize,
    pub(crate) runs: u64,
    pub(crate) share_unique: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Sensitive {
    pub(crate) field: String,
    pub(crate) fewest_values: u64,
    pub(crate) share_with_one_value: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Linked {
    pub(crate) field: String,
    pub(crate) fewest_values: u64,
    pub(crate) share_under_k: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Inverted {
    pub(crate) formula: String,
    pub(crate) left: String,
    /// Fields of the formula that this plan does not send.
    pub(crate) not_sent: Vec<String>,
    pub(crate) rows: u64,
    pub(crate) skipped: u64,
    pub(crate) error_from_others: Half,
    pub(crate) error_from_own_cell: Half,
    pub(crate) error_from_both: Half,
    pub(crate) width_from_others: Half,
    pub(crate) width_of_own_cell: Half,
}

/// A median and a 90th percentile. `None` if nothing could be compared, or if the value is unbounded.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Half {
    pub(crate) median: Option<f64>,
    pub(crate) p90: Option<f64>,
    /// Whether a missing value is missing because it is unbounded.
    pub(crate) open: bool,
}

impl Report {
    /// Assembles the report from the measurement.
    pub(crate) fn new(audit: &Audit, rows: &Rows, wishes: &Wishes, measured: (Vec<measure::Event>, u64)) -> Report {
        let (events, temporary_bytes) = measured;
        let name =
            if audit.file.as_os_str() == "-" { "standard input".into() } else { audit.file.display().to_string() };
        let malformed =
            rows.troubles().kinds().map(|(what, rows, first_line)| Malformed { what, rows, first_line }).collect();
        let settings = Settings {
            k: audit.k,
            budget: audit.budget,
            budget_bits: (audit.budget as f64).log2(),
            link: audit.link.clone(),
            sensitive: audit.sensitive.clone(),
        };
        let total = events.iter().map(|event| event.rows).sum();
        let events: Vec<Event> = events
            .into_iter()
            .map(|event| Event {
                plans: event
                    .plans
                    .iter()
                    .map(|plan| Plan::new(plan, event.count.is_some(), wishes, &settings))
                    .collect(),
                event: event.name,
                rows: event.rows,
                count: event.count,
            })
            .collect();
        let over_limits = verdict::over_limits(&events, audit.max_unique, audit.max_under_k, audit.k);
        Report {
            candor_audit: 1,
            input: Input { name, format: rows.format(), rows: total, malformed, notes: rows.notes() },
            settings,
            events,
            over_limits,
            storage: Storage { temporary_bytes },
        }
    }
}

impl Plan {
    fn new(plan: &Measured, counted: bool, wishes: &Wishes, settings: &Settings) -> Plan {
        let by_record = Figures::new(&plan.classes, settings.k);
        let mut leave_one_out: Vec<Without> = plan
            .fields
            .iter()
            .zip(&plan.without)
            .map(|(seen, sizes)| Without {
                field: seen.field.name.clone(),
                share_unique: share(sizes.unique(), sizes.rows()),
                share_under_k: sizes.share_under(settings.k),
                entropy_bits: sizes.entropy(),
                bits_lost: (by_record.entropy_bits - sizes.entropy()).max(0.0),
            })
            .collect();
        leave_one_out.sort_by(|a, b| {
            let rank = |one: &Without| (one.share_under_k.unwrap_or(0.0), one.share_unique.unwrap_or(0.0));
            let (a_rank, b_rank) = (rank(a), rank(b));
            a_rank.0.total_cmp(&b_rank.0).then(a_rank.1.total_cmp(&b_rank.1)).then(a.bits_lost.total_cmp(&b.bits_lost))
        });
        let sequences = LENGTHS.iter().zip(&plan.runs).map(|(&length, runs)| {
            // A run of length one is a class.
            let runs = if length == 1 { &plan.classes } else { runs };
            Sequence { length, runs: runs.rows(), share_unique: share(runs.unique(), runs.rows()) }
        });
        let name = |wish: &Option<String>| wish.clone().unwrap_or_default();
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
            negative: seen.negative,
            first_line: seen.first_line,
        });
        let mut made = Plan {
            plan: plan.name.clone(),
            fields: fields.collect(),
            by_count: counted.then(|| Figures::new(&plan.counted, wishes.k)),
            by_record,
            leave_one_out,
            sequences: sequences.collect(),
            sensitive,
            linked,
            inversion: plan.inversion.as_ref().map(Inverted::new),
            verdict: String::new(),
            mend: String::new(),
        };
        made.verdict = verdict::verdict(&made, settings.k);
        made.mend = verdict::mend(&made, settings.k);
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
