//! The file of secrets: destroyed with the grant, byte for byte, and not used if it is not as it was written.

use crate::{
    items::{hex, unhex},
    lab::{Every, ITEMS, LAB, Lab, Met, dropped, first_day, say_yes, send, start},
    tally,
};
use candor::Client;
use std::{fs, path::Path};

/// Sets a file's mode. Windows has no modes.
fn mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// The secret of a scope as the file contains it.
pub(crate) fn secret(lab: &Lab, scope: candor::Scope) -> String {
    let text = fs::read_to_string(lab.keys()).unwrap();
    let secrets: serde_json::Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    secrets[scope.name()].as_str().unwrap().to_owned()
}

/// A keyed hash of parts, each preceded by its length.
pub(crate) fn parts(key: &[u8; 32], parts: [&[u8]; 3]) -> [u8; 32] {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    *blake3::keyed_hash(key, &bytes).as_bytes()
}

/// Everything that can be derived from a secret alone, without other random values, raw and as hex.
fn derived(secret: &str, scope: &str) -> Vec<Vec<u8>> {
    let raw = unhex(secret);
    let base = blake3::derive_key("candor 2026-11-22 identifier pseudonym v1 scope key", &raw);
    let scope = parts(&base, [b"scope", b"org.example.lab", scope.as_bytes()]);
    let mut keys = vec![raw, base.to_vec(), scope.to_vec(), parts(&scope, [b"rollup", b"item", b""]).to_vec()];
    // The first day by its number, its week and its month, and the two after each. A week begins on a Monday, as
    // 1970-01-05 did.
    let first = first_day();
    let day = u32::try_from(start() / 86_400).unwrap();
    let month = u32::try_from(i32::from(first.year()) * 12 + i32::from(first.month()) - 1).unwrap();
    for (kind, index) in [("day", day), ("week", (day + 3) / 7), ("month", month)] {
        for index in index..index + 3 {
            keys.push(parts(&scope, [b"period", kind.as_bytes(), &index.to_le_bytes()]).to_vec());
        }
    }
    keys.iter().flat_map(|key| [key.clone(), hex(key).into_bytes(), hex(key).to_uppercase().into_bytes()]).collect()
}

/// How many files contain each of these, summed up.
fn held(lab: &Lab, needles: &[Vec<u8>]) -> usize {
    needles.iter().map(|needle| lab.holding(needle).len()).sum()
}

fn record_all(client: &Client) {
    client.record_durable(Met { hash: "nas.local", cohort: "nas.local" });
    client.record(Met { hash: "nas.local", cohort: "nas.local" });
    client.record_durable(Every { which: "something" });
}

#[test]
fn after_a_withdrawal_no_file_holds_a_byte_of_a_key() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    say_yes(&client, LAB);
    record_all(&client);
    send(&client);
    let (gone, stays) = (secret(&lab, ITEMS), secret(&lab, LAB));
    assert_ne!(gone, stays, "each scope has its own");
    let needles = derived(&gone, ITEMS.name());
    // The control: before, the secret is in one file, and what is derived from it is in none.
    assert_eq!(lab.holding(gone.as_bytes()), [lab.keys()]);
    assert_eq!(held(&lab, &needles), 1, "its hex, and nothing else");
    let receipt = client.withdraw(ITEMS).unwrap();
    assert!(receipt.confirmed && receipt.destroyed.complete && receipt.destroyed.secret, "{receipt:?}");
    assert_eq!(held(&lab, &needles), 0);
    assert_eq!(lab.holding(stays.as_bytes()), [lab.keys()], "the other scope's stays");
    drop(client);
    assert_eq!(held(&lab, &needles), 0, "after the program has ended");
    let client = lab.start();
    assert_eq!(held(&lab, &needles), 0, "and has begun again");
    say_yes(&client, ITEMS);
    record_all(&client);
    assert_eq!(held(&lab, &needles), 0, "a new grant has a new secret");
    assert_ne!(secret(&lab, ITEMS), gone);
    tally::figure("key_needles", needles.len() as u64);
    tally::property("hash", "no key byte after a withdrawal");
}

/// A secret that was being written when the power failed is in a file of its own.
#[test]
fn a_withdrawal_finds_a_secret_that_was_being_written() {
    let lab = Lab::new();
    drop(lab.start_granted(ITEMS));
    let temporary = lab.keys().with_extension("new");
    for damage in [None, Some(&b"no file of secrets"[..])] {
        let needles = derived(&secret(&lab, ITEMS), ITEMS.name());
        fs::copy(lab.keys(), &temporary).unwrap();
        if let Some(damage) = damage {
            fs::write(lab.keys(), damage).unwrap();
        }
        assert!(held(&lab, &needles) > 0);
        let client = lab.start();
        assert!(client.withdraw(ITEMS).unwrap().confirmed);
        assert_eq!(held(&lab, &needles), 0, "{damage:?}");
        say_yes(&client, ITEMS);
    }
}

/// The pending lines.
fn waiting(client: &Client) -> Vec<String> {
    client.manifest().unwrap().scope(ITEMS).unwrap().waiting.clone()
}

/// Starts the program on whatever the file contains. It makes no code, samples no item, and continues to run.
#[track_caller]
fn makes_nothing(lab: &Lab, what: &str) -> Client {
    let client = lab.start();
    client.record_durable(Met { hash: "nas.local", cohort: "nas.local" });
    let lines = waiting(&client);
    assert!(!lines.is_empty(), "{what}: the event itself is kept");
    assert!(
        lines.iter().all(|line| !line.contains(r#""hash""#) && !line.contains(r#""cohort""#)),
        "{what}: {lines:#?}"
    );
    client.record_durable(Every { which: "something" });
    assert_eq!(["in_doubt", "not_chosen"].map(|reason| dropped(&client, reason)), [1, 0], "{what}");
    client
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

#[test]
fn a_file_of_secrets_that_is_cut_or_flipped_makes_no_codes() {
    let lab = Lab::new();
    drop(lab.start_granted(ITEMS));
    let whole = fs::read(lab.keys()).unwrap();
    let mut damaged: Vec<(String, Vec<u8>)> =
        (0..whole.len()).map(|cut| (format!("cut at {cut}"), whole[..cut].into())).collect();
    // Which bits a seal detects is tested beside it. Here one bit of every byte is flipped.
    for bit in (0..whole.len()).map(|at| at * 8 + at % 8) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        damaged.push((format!("bit {bit}"), bytes));
    }
    damaged.push(("longer".into(), [&whole[..], b"\n"].concat()));
    damaged.push(("twice".into(), [&whole[..], &whole[..]].concat()));
    damaged.push(("large".into(), vec![b'{'; 70_000]));
    damaged.push(("not text".into(), vec![0xff; 200]));
    for (what, bytes) in &damaged {
        put(&lab.keys(), bytes);
        drop(makes_nothing(&lab, what));
        assert_eq!(&fs::read(lab.keys()).unwrap(), bytes, "{what}: nothing is repaired by guessing");
        // This keeps the store from filling up with what is recorded here.
        lab.clock.advance(crate::lab::DAY / 200);
    }
    // The control: with the original file the program makes codes and samples items.
    put(&lab.keys(), &whole);
    let client = lab.start();
    record_all(&client);
    let lines = waiting(&client);
    assert!(lines.iter().any(|line| line.contains(r#""hash""#)), "{lines:#?}");
    tally::figure("damaged_keys", damaged.len() as u64);
    tally::property("hash", "no code from a damaged secret");
}

/// A file that others could have read or replaced is not used as a secret.
#[cfg(unix)]
#[test]
fn a_file_of_secrets_that_others_may_open_makes_no_codes() {
    let lab = Lab::new();
    drop(lab.start_granted(ITEMS));
    for others in [0o644, 0o666, 0o640, 0o602, 0o777] {
        mode(&lab.keys(), others);
        drop(makes_nothing(&lab, &format!("mode {others:o}")));
    }
    let whole = fs::read(lab.keys()).unwrap();
    let elsewhere = lab.keys().with_file_name("elsewhere");
    put(&elsewhere, &whole);
    fs::remove_file(lab.keys()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, lab.keys()).unwrap();
    drop(makes_nothing(&lab, "a link"));
    fs::remove_file(lab.keys()).unwrap();
    fs::create_dir(lab.keys()).unwrap();
    let client = makes_nothing(&lab, "a directory");
    // A withdrawal is accepted whatever is there, and does not claim to have destroyed what it could not remove.
    let receipt = client.withdraw(ITEMS).unwrap();
    assert!(receipt.confirmed && !receipt.destroyed.secret && !receipt.destroyed.complete, "{receipt:?}");
    assert!(!client.status(ITEMS).unwrap().is_open());
    // A grant that can't have a secret fails.
    let notice = client.notice(ITEMS).unwrap();
    let error = client.grant(ITEMS.shown(&notice).via("settings/privacy")).unwrap_err();
    assert!(error.is_store() && error.to_string().contains("keys"), "{error}");
    assert!(!client.status(ITEMS).unwrap().is_open());
    tally::property("hash", "no code from an exposed secret");
}

/// A withdrawal also destroys a secret that can't be used.
#[test]
fn a_withdrawal_destroys_a_secret_it_can_not_read() {
    for (what, of_file, damage) in [("damaged", 0o600, true), ("open to others", 0o644, false)] {
        let lab = Lab::new();
        drop(lab.start_granted(ITEMS));
        let needles = derived(&secret(&lab, ITEMS), ITEMS.name());
        if damage {
            let mut bytes = fs::read(lab.keys()).unwrap();
            bytes[0] ^= 1;
            put(&lab.keys(), &bytes);
        }
        mode(&lab.keys(), of_file);
        assert_eq!(held(&lab, &needles), 1, "{what}");
        let receipt = lab.start().withdraw(ITEMS).unwrap();
        assert!(receipt.confirmed && receipt.destroyed.complete, "{what}: {receipt:?}");
        assert_eq!(held(&lab, &needles), 0, "{what}");
    }
}
