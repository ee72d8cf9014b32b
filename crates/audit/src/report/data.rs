//! The report as data. Its keys are described in README.md and stay stable. It measures and judges nothing.

use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// `passes` or `fails`.
    pub(crate) verdict: &'static str,
    /// Why, one sentence each.
    pub(crate) why: Vec<String>,
    /// The version of the report format.
    pub(crate) candor_audit: u32,
    /// What was read, if there are rows.
    pub(crate) input: Option<Input>,
    /// What stays the same about an installation, with --scope.
    pub(crate) scopes: Vec<ScopeBudget>,
    /// The settings of the run.
    pub(crate) settings: Settings,
    /// Each event type, in the order of first occurrence.
    pub(crate) events: Vec<Event>,
    /// Limits that were exceeded, in words.
    pub(crate) over_limits: Vec<String>,
    /// Why the audit itself failed, for the standard error output: too many rows were left out, or there were none.
    #[serde(skip)]
    pub(crate) failure: Option<String>,
    /// The amount of data written to temporary files.
    pub(crate) storage: Storage,
}

#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) format: &'static str,
    /// What separates the columns of a table.
    pub(crate) delimiter: Option<char>,
    /// Rows that were measured.
    pub(crate) rows: u64,
    pub(crate) left_out: LeftOut,
    pub(crate) malformed: Vec<Malformed>,
    pub(crate) notes: Vec<String>,
}

/// The joint budget of a scope.
#[derive(Debug, Serialize)]
pub(crate) struct ScopeBudget {
    pub(crate) scope: String,
    pub(crate) outcomes: u64,
    pub(crate) bits: f64,
    pub(crate) bound: u64,
    /// The number of outcomes that the contract itself says.
    pub(crate) declared: Option<u64>,
    /// If all outcomes are equally likely.
    pub(crate) alone: Vec<Alone>,
    pub(crate) panels: Vec<PanelBudget>,
    /// Events that are not counted.
    pub(crate) activity: Vec<String>,
    /// Events with a code.
    pub(crate) coded: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PanelBudget {
    pub(crate) events: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) outcomes: u64,
    /// The plan that measures it on the rows.
    pub(crate) plan: Option<String>,
    pub(crate) not_in_rows: Vec<String>,
}

/// The share of so many installations that is expected to be alone with what it says.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Alone {
    pub(crate) installations: u64,
    pub(crate) share: Option<f64>,
}

impl Input {
    /// What the input was read as, in words.
    pub(crate) fn read_as(&self) -> String {
        match self.delimiter {
            Some('\t') => "a table with tabs between its columns".into(),
            Some(delimiter) => format!("a table with `{delimiter}` between its columns"),
            None => "OTLP records".into(),
        }
    }
}

/// Rows that were left out, or in which a value could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) rows: u64,
    /// Among how many.
    pub(crate) of: u64,
    pub(crate) share: Option<f64>,
    /// Which share is allowed.
    pub(crate) allowed: f64,
    /// The most frequent first. A row may have several.
    pub(crate) reasons: Vec<LeftOutReason>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LeftOutReason {
    pub(crate) what: String,
    pub(crate) rows: u64,
    /// The first lines.
    pub(crate) lines: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Malformed {
    pub(crate) what: &'static str,
    pub(crate) rows: u64,
    pub(crate) first_line: Option<u64>,
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
    /// What --reach proposes.
    pub(crate) reach: Option<Reach>,
    pub(crate) plans: Vec<Plan>,
}

/// Proposals for the fields of the first plan.
#[derive(Debug, Serialize)]
pub(crate) struct Reach {
    pub(crate) k: u64,
    pub(crate) fields: Vec<Reached>,
    /// The proposals as an option, to measure them together.
    pub(crate) option: Option<String>,
    /// The field to coarsen first.
    pub(crate) first: Option<String>,
}

/// What is proposed for one field, and its price.
#[derive(Debug, Serialize)]
pub(crate) struct Reached {
    pub(crate) field: String,
    /// As the program would declare it, if there is a proposal.
    pub(crate) attribute: Option<String>,
    /// Why there is none.
    pub(crate) why_not: Option<String>,
    pub(crate) outcomes_before: u64,
    /// Whether there are more than that.
    pub(crate) before_is_least: bool,
    pub(crate) outcomes_after: u64,
    pub(crate) bits_before: f64,
    pub(crate) bits_after: f64,
    pub(crate) share_moved: Option<f64>,
    pub(crate) smallest_class: u64,
    /// Rows without a usable value.
    pub(crate) not_sent: u64,
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
    #[serde(rename = "mend")]
    pub(crate) fix: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub(crate) field: String,
    pub(crate) class: String,
    pub(crate) unit: Option<&'static str>,
    pub(crate) missing: u64,
    pub(crate) not_numbers: u64,
    /// What `not_numbers` counts, in words.
    #[serde(skip)]
    pub(crate) misfit: &'static str,
    pub(crate) negative: u64,
    /// Whether it is the same in all rows, so that it tells none of them apart.
    pub(crate) constant: bool,
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
    /// If these classes are as frequent among installations as they are here.
    pub(crate) alone_among: Vec<Alone>,
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
    /// Whether the field is the same in all rows. Such a field is never the first.
    pub(crate) constant: bool,
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
