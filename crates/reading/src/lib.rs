//! Reads what arrives from candor: the records in a request's body, and from them totals, shares, ratios and medians, each with
//! a 95 % interval. For the recipient of reports. Never needs candor itself, and never sees who reported.
//!
//! The page [Reading what arrives](https://docs.rs/candor/latest/candor/manual/reading/index.html) says what a record means,
//! what each interval covers, and what can't be known. The same decoder exists as a Python module without dependencies
//! (`candor_reading.py`) and as views for SQLite (`candor_reading.sql`), in this package's directory. A test compares all three.
//!
//! ```
//! # fn main() -> Result<(), candor_reading::Error> {
//! # let attribute = |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{value}}}"#);
//! # let record = |uid: &str, ok: bool, count: u64| format!(
//! #     r#"{{"timeUnixNano":"1795824000000000000","eventName":"export.ended","attributes":[{},{},{},{}]}}"#,
//! #     attribute("ok", &format!(r#"{{"boolValue":{ok}}}"#)), attribute("count", &format!(r#"{{"intValue":"{count}"}}"#)),
//! #     attribute("candor.divisor", r#"{"intValue":"1"}"#), attribute("log.record.uid", &format!(r#"{{"stringValue":"{uid}"}}"#)));
//! # let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{},{}]}}]}}]}}"#, record("1a", true, 33), record("2b", false, 2));
//! use candor_reading::{records, share, total};
//!
//! // Bodies that arrive twice do no harm: a record is known by its uid.
//! let found = records([body.as_str(), body.as_str()])?;
//! let exports = found.iter().filter(|record| record.event == "export.ended");
//! let failed = share(exports.clone(), |record| record.field("ok") == Some("false"));
//! assert_eq!(total(exports).value, 35.0);
//! assert!(failed.low < 2.0 / 35.0 && 2.0 / 35.0 < failed.high);
//! # Ok(())
//! # }
//! ```

mod body;
mod estimate;

pub use body::{Error, Record, records};
pub use estimate::{Estimate, median, ratio, share, total};
