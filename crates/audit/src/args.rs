//! The command line as parsed, before it is checked against the input. Makes no decisions.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Measure how well generalised data hides a row in a crowd
///
/// Reads a table (CSV with a header row) or OTLP/HTTP log bodies (JSON, one a line), puts rows that look the same
/// after generalisation into one class, and says how many rows are in small classes, which field causes most of that,
/// and how much runs of rows and derived fields reveal. The verdict comes first: whether a limit is exceeded.
///
/// Exit codes: 0 no limit is exceeded. 1 more rows than --max-unique or --max-under-k allows are in small classes, or a
/// scope has more outcomes than its budget.
/// 2 the command line or the input is wrong. 3 the audit says too little: over 1 % of the rows were unreadable or
/// left out (--allow-left-out), or there were no rows.
#[derive(Debug, Clone, Parser)]
#[command(name = "candor-audit", version)]
pub(crate) struct Audit {
    /// The table or the OTLP bodies; `-` is the standard input
    #[arg(required_unless_present = "scope")]
    pub(crate) file: Option<PathBuf>,
    /// How many rows make a crowd
    #[arg(long, default_value_t = 20, value_name = "K")]
    pub(crate) k: u64,
    /// The field that links rows of one person or program; runs stay within one of its values
    #[arg(long, value_name = "FIELD")]
    pub(crate) link: Option<String>,
    /// The field whose value a class reveals if it has few different ones
    #[arg(long, value_name = "FIELD")]
    pub(crate) sensitive: Option<String>,
    /// The field that says how many times a row counts; in OTLP records, `count` if not given
    #[arg(long, value_name = "FIELD")]
    pub(crate) count: Option<String>,
    /// The fields to measure; all but those of --link, --sensitive, --count and --event-column if not given
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// How coarse to make a field: exact, step:N, step:N:TOP, ladder:0,1,5,… or one of candor's classes
    #[arg(long = "as", value_name = "FIELD=CLASS")]
    pub(crate) classes: Vec<String>,
    /// A plan to compare with others over the same rows, such as 'year=step:10;length=ladder:0,1,5'
    ///
    /// Can be given several times. `NAME | ` before a plan is its name in the report. A plan covers the fields that it
    /// names and, if given, those of --fields. `omit` leaves a field out.
    #[arg(long = "plan", value_name = "PLAN")]
    pub(crate) plans: Vec<String>,
    /// Propose steps and labels with which no class of a field has fewer rows than this, and say what they cost
    ///
    /// For the fields of the first plan. A step begins at the first number of two digits and zeros at which the step below
    /// has K rows; a label that fewer rows have becomes `other`.
    #[arg(long, value_name = "K")]
    pub(crate) reach: Option<u64>,
    /// The most steps of a proposed ladder, 2 to 32
    #[arg(long, value_name = "N", default_value_t = 16, requires = "reach")]
    pub(crate) rungs: usize,
    /// The fields that belong together; the formula of --invert may use no others
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',', requires = "invert")]
    pub(crate) group: Vec<String>,
    /// How to calculate one field from others, such as 'duration=size*8/bitrate'
    #[arg(long, value_name = "FORMULA")]
    pub(crate) invert: Option<String>,
    /// How many distinct outcomes an event, or a scope with --scope, may have; 1,024 if not given
    #[arg(long, value_name = "N")]
    pub(crate) budget: Option<u64>,
    /// Work out the joint budget of the scopes in candor.lock, a receipt or a manifest (JSON), and measure it on the rows
    ///
    /// Counts what stays the same about an installation: the fields of events that are reported once in a period or have a
    /// code. Columns are called like the fields, or EVENT.FIELD. Without a file of rows, only the budget is printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) scope: Option<PathBuf>,
    /// Events of the scope that say what stays the same although their linkage does not tell, such as settings
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',', requires = "scope")]
    pub(crate) stays: Vec<String>,
    /// Measure only this event; for a table without --event-column, the name of its event
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// The column of a table that names the row's event
    #[arg(long, value_name = "FIELD")]
    pub(crate) event_column: Option<String>,
    /// What the input is, if its first byte does not tell
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub(crate) format: Format,
    /// What separates the columns of a table: one character, or `tab`; comma, semicolon, tab and | are found
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<String>,
    /// Write the report as JSON; `-` is the standard output, and then no text is printed there
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the report as one self-contained page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// About how much memory to use, in MiB; what does not fit goes to temporary files
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    pub(crate) memory: u64,
    /// Where temporary files go
    #[arg(long, value_name = "DIR")]
    pub(crate) temp: Option<PathBuf>,
    /// Exit with 1 if more than this share of rows is alone in its class, in percent
    #[arg(long, value_name = "PCT")]
    pub(crate) max_unique: Option<f64>,
    /// Exit with 1 if more than this share of rows is in a class of fewer than k, in percent
    #[arg(long, value_name = "PCT")]
    pub(crate) max_under_k: Option<f64>,
    /// Exit with 3 if more than this share of rows is unreadable or left out, in percent
    #[arg(long, value_name = "PCT", default_value_t = 1.0)]
    pub(crate) allow_left_out: f64,
    /// Fail at the first malformed row, instead of counting it and leaving it out
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print no report and no progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Told from its beginning.
    Auto,
    /// A table with a header row.
    Csv,
    /// OTLP/HTTP log bodies or log records, one a line.
    Otlp,
}
