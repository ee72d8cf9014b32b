//! What a demonstration needs in addition to the program it shows: a clock that can be set forward by days, and a
//! comparison of the client's stored data with what the receiver got. All figures are computed from these two sources; none
//! is assumed.
#![allow(dead_code, clippy::indexing_slicing, reason = "each example and test uses a part of it; JSON indexes to null")]

mod controller;
#[path = "../../src/tests/start.rs"]
pub(crate) mod start;

use super::support::Receiver;
use candor::{AddressLog, Clock, Controller, Erasure, Manifest};
use serde_json::Value;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The controller of the data in the examples. A real program writes its own.
pub(crate) const CONTROLLER: Controller = by("Example Player SAS", "privacy@example.org", "FR");

/// The same for another company, another contact or another country.
pub(crate) const fn by(legal_name: &'static str, contact: &'static str, country: &'static str) -> Controller {
    controller::by(legal_name, contact, country)
        .address("1 rue de l'Exemple, 75001 Paris")
        .authority("CNIL")
        .erasure(Erasure::WithinDays(30))
}

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A clock that keeps the moment of its creation until it is advanced. A demonstration therefore shows the same result at
/// any time of day, also just before midnight.
#[derive(Clone)]
pub(crate) struct StageClock {
    began: SystemTime,
    ahead: Arc<AtomicU64>,
}

impl Default for StageClock {
    fn default() -> Self {
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(start::moment(SystemTime::now()).unsigned_abs());
        StageClock { began, ahead: Arc::default() }
    }
}

impl StageClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn days_ahead(&self) -> u64 {
        self.ahead.load(Ordering::SeqCst) / DAY.as_secs()
    }
}

impl Clock for StageClock {
    fn now(&self) -> SystemTime {
        self.began + Duration::from_secs(self.ahead.load(Ordering::SeqCst))
    }
}

/// Counts the files and directories below a directory, recursively.
pub(crate) fn entries_below(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| 1 + entries_below(&entry.path())).sum()
}

/// Prints the requests as they arrived, without the first `skipped` ones: head and body of each. Padding is counted, not
/// printed.
pub(crate) fn print_requests(receiver: &Receiver, skipped: usize) {
    for request in receiver.requests().into_iter().skip(skipped) {
        let body = String::from_utf8_lossy(&request.body);
        println!("{}\n\n{}", request.head, body.trim_end());
        println!("({} bytes, of which {} are padding)\n", body.len(), body.len() - body.trim_end().len());
    }
}

/// Prints, for each field, its example as a raw value and what would be sent for it.
pub(crate) fn print_examples(manifest: &Manifest) {
    for event in manifest.scopes.iter().flat_map(|page| &page.could_send) {
        for field in &event.fields {
            let name = format!("{}.{}", event.name, field.name);
            println!("{name:<30} {:>12} | {}", field.example_raw, field.example_sent);
        }
    }
}

/// The whole run as one line of JSON, from the client's sent log and the receiver's record. `manifest` was made before the
/// withdrawal, when the receiver had `requests_before` requests.
pub(crate) fn summary(
    recorded_before_grant: u64,
    kept_before_grant: u64,
    manifest: &Manifest,
    receiver: &Receiver,
    requests_before: usize,
) -> String {
    let (contributions, lines) = contributions_and_lines(manifest);
    let (received, bytes_equal) = (receiver.records().len(), same_bytes(manifest, receiver));
    let received_after_withdraw = receiver.requests().len() - requests_before;
    format!(
        "{{\"recorded_before_grant\":{recorded_before_grant},\"kept_before_grant\":{kept_before_grant},\
         \"contributions\":{contributions},\"lines\":{lines},\"received\":{received},\"bytes_equal\":{bytes_equal},\
         \"received_after_withdraw\":{received_after_withdraw}}}"
    )
}

/// Whether the bodies that the manifest shows as sent equal those the receiver got, byte for byte. False if there are none.
pub(crate) fn same_bytes(manifest: &Manifest, receiver: &Receiver) -> bool {
    let mut shown: Vec<Vec<u8>> =
        manifest.scopes.iter().flat_map(|page| &page.sent).map(|sent| sent.body.clone().into_bytes()).collect();
    let mut received: Vec<Vec<u8>> = receiver.requests().into_iter().map(|request| request.body).collect();
    shown.sort();
    received.sort();
    !shown.is_empty() && shown == received
}

/// From the sent log: the number of events behind the day's counts, and the number of records that were sent.
pub(crate) fn contributions_and_lines(manifest: &Manifest) -> (u64, u64) {
    let bodies = manifest.scopes.iter().flat_map(|page| &page.sent);
    let records = bodies.flat_map(|sent| records(&serde_json::from_str(&sent.body).unwrap_or_default()));
    let records: Vec<Value> = records.collect();
    let counts = records.iter().flat_map(|record| record["attributes"].as_array().cloned().unwrap_or_default());
    let counts = counts.filter(|pair| pair["key"] == "count");
    let count = |pair: Value| pair["value"]["intValue"].as_str().and_then(|count| count.parse::<u64>().ok());
    (counts.filter_map(count).sum(), records.len() as u64)
}

fn records(body: &Value) -> Vec<Value> {
    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().cloned().unwrap_or_default()
}
