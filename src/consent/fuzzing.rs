//! Properties that must hold for any bytes in place of a snapshot, a history, a contract or a rule. For fuzzers and tests
//! only; accesses no files.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is what a fuzzer looks for")]

use crate::consent::{
    agreement::compatibility::{Projection, Rule, compare},
    agreement::schema::{ContractSchema, Partition},
    constraints::limits::Limits,
    constraints::policy::Policies,
    json::canonical,
    proof::verify::{Wrong, verify},
    records::entry::{GENESIS, Line, chain},
    records::snapshot::{Snapshot, sealed},
};
use crate::disk;
use serde_json::json;

/// Checks the bytes unchanged, and as the content of a valid seal.
pub fn snapshot(bytes: &[u8]) {
    let read = |bytes: &[u8]| -> Option<Snapshot> { serde_json::from_str(disk::unseal("consent", bytes)?).ok() };
    let text = String::from_utf8_lossy(bytes);
    for bytes in [bytes.to_vec(), disk::seal("consent", &text)] {
        let Some(snapshot) = read(&bytes) else { continue };
        assert_eq!(read(&sealed(&snapshot)).as_ref(), Some(&snapshot), "what was read, written, reads the same");
        let mut flipped = bytes;
        let at = flipped.len() / 2;
        flipped[at] ^= 1;
        assert!(read(&flipped).is_none(), "a seal shows a flipped bit");
    }
}

/// Checks the history unchanged, and again with consecutive numbers and hashes.
pub fn ledger(bytes: &[u8]) {
    chained(bytes);
    let mut lines: Vec<Line> = Vec::new();
    for text in bytes.split(|&byte| byte == b'\n') {
        let Ok(mut line) = serde_json::from_slice::<Line>(text) else { continue };
        if !line.is_dated() {
            continue;
        }
        line.line = lines.len() as u64 + 1;
        line.previous = lines.last().map_or(GENESIS.into(), |line| line.hash.clone());
        lines.push(line.sealed());
    }
    let text: String = lines.iter().map(Line::text).collect();
    assert!(chained(text.as_bytes()) == Some(lines.len()), "what follows is a chain");
}

/// The number of entries of a chain, or `None` if it is not one. What the store accepts as a chain must also pass `verify`.
fn chained(bytes: &[u8]) -> Option<usize> {
    let (lines, torn) = chain(bytes)?;
    let text: String = lines.iter().map(Line::text).collect();
    assert_eq!(text.as_bytes(), &bytes[..torn.map_or(bytes.len(), |at| usize::try_from(at).unwrap())]);
    let verdict = verify(&text, &[]);
    // `verify` also checks what entries mean in sequence. The store does not, so only flaws of the chain itself count here.
    let unchained = [Wrong::Hash, Wrong::Order, Wrong::Number];
    let flaw = verdict.flaws.iter().find(|flaw| unchained.contains(&flaw.wrong) && !lines.is_empty());
    assert!(flaw.is_none(), "the store takes it for a chain, and who verifies does not: {flaw:?}");
    let text = text.replacen("\"epoch\":", "\"epoch\":1", 1);
    assert!(lines.is_empty() || chain(text.as_bytes()).is_none(), "an edited line is none");
    Some(lines.len())
}

pub fn contract(bytes: &[u8]) {
    let Some(terms) = std::str::from_utf8(bytes).ok().and_then(ContractSchema::read) else { return };
    let again = ContractSchema::read(&canonical(&json!(terms)));
    assert_eq!(again.as_ref(), Some(&terms), "what was read, written, reads the same");
    let same = compare(&terms, &terms);
    assert!(same.is_no_wider(), "{:?}", same.changes);
    // A contract without events does not allow any event, and no contract allows another recipient.
    let fewer = ContractSchema { events: Vec::new(), ..terms.clone() };
    assert!(compare(&terms, &fewer).projection.is_empty(), "what was not agreed to is not said");
    let other = ContractSchema { endpoint: format!("{}x", terms.endpoint), ..terms.clone() };
    assert!(compare(&other, &terms).stops(), "another recipient stops");
}

/// Checks the bytes as an administrator's rule, over a contract with a field of each kind.
pub fn policy(bytes: &[u8]) {
    let build = ContractSchema::read(include_str!("../../fuzz/corpus/contract/of-each-kind")).unwrap();
    let whole = compare(&build, &build).projection;
    let (none, one) = (Policies::default(), Policies::of_bytes(&[bytes]));
    let another = br#"{"candor_policy":1,"rule":"r","coarsen":{"played.bitrate":[0,2000000]},"validity_days":90}"#;
    let (two, swapped) = (Policies::of_bytes(&[bytes, another]), Policies::of_bytes(&[another, bytes]));
    let left = |rules: &Policies| rules.limits(&build).narrow(&build, whole.clone());
    no_more(&build, &left(&none), &left(&one));
    no_more(&build, &left(&one), &left(&two));
    assert!(left(&two) == left(&swapped), "the order of rules matters");
    assert!(left(&two) == left(&Policies::of_bytes(&[bytes, another, bytes])), "saying it twice says the same");
    if one.block_of(&build).is_some() {
        assert!(two.block_of(&build).is_some(), "what was closed is open again");
    }
    assert!(one.no_prompts().is_none() || two.no_prompts().is_some(), "the program may ask again");
    let days = |rules: &Policies| rules.limits(&build).validity_days.unwrap_or(u32::MAX);
    assert!(days(&two) <= days(&one).min(90), "a yes is good for longer again");
    let limits: Limits = one.limits(&build);
    assert!(limits.digest().is_some() || left(&one) == whole, "a limit without a name");
    // Text that is shown to the person must stay on its line.
    for words in one.words(&build).into_iter().chain(one.block().map(|block| block.0)).chain(one.no_prompts()) {
        assert!(!words.contains('\u{1b}') && !words.contains('\n'), "{words:?}");
    }
}

/// Asserts that what may be sent under `less` can be computed from what may be sent under `more`.
fn no_more(build: &ContractSchema, more: &Projection, less: &Projection) {
    for event in &build.events {
        for (at, field) in event.fields.iter().enumerate() {
            let said = |projection: &Projection, outcome: u16| {
                let said = projection.get(event.name.as_str())?;
                Some(said.rules.get(at).unwrap_or(&Rule::Leave).of(outcome))
            };
            let outcomes = match &field.precision {
                Partition::Flag {} => 2,
                Partition::Labels { labels } => labels.len() as u16,
                Partition::Cuts { cuts, .. } => cuts.len() as u16,
                Partition::Code { .. } => 1,
                Partition::Cohort { bits } => 1 << bits.min(&8),
                Partition::Releases { most } => (*most).min(64) as u16 + 2,
            };
            for one in 0..=outcomes {
                assert!(said(more, one).is_some() || said(less, one).is_none(), "{} is said again", field.name);
                for other in 0..one {
                    let apart = said(less, one) != said(less, other);
                    assert!(!apart || said(more, one) != said(more, other), "{}: {one} and {other}", field.name);
                }
            }
        }
    }
}
