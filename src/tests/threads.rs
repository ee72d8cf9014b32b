//! Tests a system that can't create threads. Events that fit into memory are kept and the rest is counted. What the client
//! reports is true.

use super::{CRASH, Happened, config};
use crate::Client;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn without_threads_nothing_is_sent_or_lost_and_the_program_is_told() {
    let home = tempfile::tempdir().unwrap();
    let client = Client::without_threads(config(home.path()));
    client.grant(CRASH).unwrap();
    // Pending maintenance makes no thread either. It stays pending, and no caller waits for a missing thread.
    client.engine().tasks.request(crate::engine::Task::Housekeeping);
    let _ = client.status(CRASH).unwrap();
    assert!(client.engine().tasks.are_pending(), "no thread was made for it");
    client.record(Happened { times: 1 });
    let trouble = client.flush(LONG).unwrap().trouble.unwrap();
    assert!(trouble.contains("no thread could be made") && trouble.contains("is kept"), "{trouble}");
    // The events that were in memory are on disk now.
    let kept = |client: &Client| client.manifest().unwrap().scope(CRASH).unwrap().waiting.len();
    assert_eq!((client.manifest().unwrap().outcomes.lines, kept(&client)), (1, 1));
    client.record(Happened { times: 2 });
    assert!(client.shutdown(LONG));
    drop(client);
    // Threads can be created again.
    let client = Client::new(config(home.path())).unwrap();
    assert_eq!(kept(&client), 2, "what was recorded last came to disk when the client ended");
    assert_eq!(client.flush(LONG).unwrap().trouble.unwrap(), "no answer: there is nobody");
}

#[test]
fn without_threads_what_fits_into_memory_is_kept_and_the_rest_is_counted() {
    const FITS: u64 = 16_384;
    let home = tempfile::tempdir().unwrap();
    // As lines they take more than the disk may have by default.
    let client = Client::without_threads(config(home.path()).waiting_limit(16 << 20));
    client.grant(CRASH).unwrap();
    (0..FITS + 100).for_each(|_| client.record(Happened { times: 1 }));
    assert!(client.shutdown(LONG));
    let outcomes = client.manifest().unwrap().outcomes;
    let lost: Vec<_> = outcomes.dropped.iter().map(|dropped| (dropped.reason.name(), dropped.count)).collect();
    assert_eq!((outcomes.lines, lost), (FITS, vec![("ring_full", 100)]));
}
