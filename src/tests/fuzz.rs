//! Runs the fuzz targets without a fuzzer: on each kept input, and on inputs made from them at random, at least a hundred or for
//! a set time. `fuzz/` has the same targets for libFuzzer, and the kept inputs. `.ci/fuzz` runs them for a minute each.

use crate::{ambient::instant, transport::fuzzing as transport};
use crate::{consent::fuzzing as consent, journal::fuzzing as journal, lock::fuzzing as lock};
use fastrand::Rng;
use std::{fs, path::Path, time::Duration};

/// Fragments that begin, end and separate parts of the formats that are read.
const WORDS: [&str; 26] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    " ",
    "0",
    "1",
    "-1",
    "18446744073709551615",
    "null",
    "true",
    "\\u001b",
    "\r\n",
    "\u{feff}",
    "é",
    "<",
    "other",
    "\"epoch\":2",
    "\"forbid\":{\"everything\":true}",
    "\"coarsen\":{}",
    "\"decision\":\"granted\"",
    "{ $n ->\n    [one] a\n   *[other] b\n}\n",
];

/// Makes another input from one or two kept ones.
fn mutated(rng: &mut Rng, kept: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = rng.choice(kept).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..=bytes.len());
        let to = (at + rng.usize(..32)).min(bytes.len());
        match rng.u8(..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, rng.choice(WORDS).unwrap().bytes())),
            3 => drop(bytes.splice(at..to, rng.choice(WORDS).unwrap().bytes())),
            4 => {
                let other = rng.choice(kept).unwrap();
                let from = rng.usize(..=other.len());
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            5 => {
                let part = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => bytes.insert(at, rng.u8(..)),
        }
    }
    bytes
}

/// Tries every kept input, and others made from them: at least a hundred, and for as many seconds as `FUZZ_SECONDS` says.
#[track_caller]
fn tries(name: &str, target: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let kept: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!kept.is_empty(), "no input is kept in {}", directory.display());
    kept.iter().for_each(|bytes| target(bytes));
    let told = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seconds, seed) = (told("FUZZ_SECONDS"), told("FUZZ_SEED"));
    // By default the same few inputs each time. `.ci/run fuzz` sets for how long, and from which seed.
    let seed = seed.unwrap_or(1);
    let (mut rng, until) = (Rng::with_seed(seed), instant() + Duration::from_secs(seconds.unwrap_or(0)));
    // Each input has its own seed, which is enough to make an input that fails again.
    let (mut tried, mut own) = (0u64, seed);
    while tried < 100 || instant() < until {
        let bytes = mutated(&mut Rng::with_seed(own), &kept);
        let what = std::panic::catch_unwind(|| target(&bytes));
        assert!(what.is_ok(), "{name}: FUZZ_SEED={own} cargo test --lib fuzz::{name}: {}", bytes.escape_ascii());
        tried += 1;
        own = rng.u64(..);
    }
    println!("fuzz: {name} {tried} inputs from {} kept", kept.len());
}

macro_rules! targets {
    ($($room:ident: $($name:ident)+;)+) => {
        $($(#[test] fn $name() { tries(stringify!($name), $room::$name); })+)+
    };
}

targets! {
    journal: segment outbox;
    consent: snapshot ledger contract policy;
    lock: lock;
    transport: response;
}

#[cfg(feature = "fluent")]
#[test]
fn fluent() {
    tries("fluent", crate::language::fuzzing::fluent);
}

/// The kept input is accepted as a contract schema, so that inputs made from it are close to what candor reads.
#[test]
fn what_is_kept_is_taken() {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/contract/of-each-kind")).unwrap();
    assert!(crate::consent::ContractSchema::read(std::str::from_utf8(&bytes).unwrap()).is_some());
}

/// A target that panics is reported with the input.
#[test]
fn a_target_can_fail() {
    let wrong = |bytes: &[u8]| assert!(!bytes.starts_with(b"{"), "a mistake");
    assert!(std::panic::catch_unwind(|| tries("contract", wrong)).is_err());
}
