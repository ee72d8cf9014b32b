//! Forged stores: records and lines with valid checksums that candor did not write.

use crate::files;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// JSON with sorted keys and no spaces.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{}:{}", json!(k), canonical(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// The document inside a sealed file.
pub(crate) fn unsealed(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
}

/// Writes a sealed file with a valid checksum.
pub(crate) fn seal(path: &Path, kind: &str, value: &Value) {
    let json = canonical(value);
    let text = format!("candor-{kind} 1 {:08x} {}\n{json}\n", crc32c::crc32c(json.as_bytes()), json.len());
    files::write(path, text.as_bytes());
}

/// Changes every contract that the store records as agreed to, as if another build of the program had been granted. All
/// checksums and hashes are valid afterwards.
pub(crate) fn agreed_to_something_else(store: &Path, change: impl Fn(&mut Value)) {
    rewrite(store, change, |_| ());
}

/// Renames a scope everywhere but in the high-water marks, as if a program had declared a scope that this one does not.
pub(crate) fn rename_scope(store: &Path, from: &str, to: &str) {
    let rename = |value: &mut Value| {
        if value["scope"] == from {
            value["scope"] = json!(to);
        }
    };
    rewrite(store, rename, rename);
    let moved = |value: &mut Value| {
        let all = value.as_object_mut().unwrap();
        let one = all.remove(from).unwrap();
        all.insert(to.into(), one);
    };
    change_snapshot(store, |snapshot| moved(&mut snapshot["scopes"]));
    let keys = store.join("keys");
    let mut secrets = unsealed(&keys);
    moved(&mut secrets);
    seal(&keys, "keys", &secrets);
    for kind in ["waiting", "counts", "outbox", "sent", "named", "erasing"] {
        if store.join(kind).join(from).exists() {
            fs::rename(store.join(kind).join(from), store.join(kind).join(to)).unwrap();
        }
    }
    for path in files::all(&store.join("erasing").join(to)).iter().filter(|path| path.extension().is_some()) {
        let mut request = unsealed(path);
        rename(&mut request);
        seal(path, "erasure", &request);
    }
    fs::rename(store.join(format!("{from}.life")), store.join(format!("{to}.life"))).unwrap();
}

/// Writes `words` into every text of the records that is neither a name nor a number: the place of a grant and the texts of
/// the contract.
pub(crate) fn attack(store: &Path, words: &str) {
    let contract = |contract: &mut Value| {
        contract["endpoint"] = json!(format!("https://{words}"));
        contract["controller"]["legal_name"] = json!(words);
        contract["also_never"] = json!([words]);
        contract["processors"] = json!([words]);
    };
    let line = |line: &mut Value| {
        if !line["via"].is_null() || line["decision"] == "granted" {
            line["via"] = json!(words);
        }
    };
    rewrite(store, contract, line);
    change_snapshot(store, |snapshot| {
        for entry in snapshot["scopes"].as_object_mut().unwrap().values_mut() {
            entry["via"] = json!(words);
        }
    });
}

fn rewrite(store: &Path, change: impl Fn(&mut Value), change_line: impl Fn(&mut Value)) {
    let ledger = store.join("ledger.jsonl");
    let (mut lines, mut previous) = (Vec::new(), String::new());
    let mut renamed = Vec::new();
    for line in fs::read_to_string(&ledger).unwrap().lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(digest) = line["contract"].as_str().map(str::to_owned) {
            let text = fs::read_to_string(store.join("contracts").join(&digest)).unwrap();
            let mut contract: Value = serde_json::from_str(&text).unwrap();
            change(&mut contract);
            let text = canonical(&contract);
            let new = blake3::hash(text.as_bytes()).to_hex().to_string();
            files::write(&store.join("contracts").join(&new), text.as_bytes());
            line["contract"] = json!(new);
            renamed.push((digest, new));
        }
        change_line(&mut line);
        line["previous"] = json!(previous);
        line["hash"] = json!("");
        previous = blake3::hash(canonical(&line).as_bytes()).to_hex().to_string();
        line["hash"] = json!(previous);
        lines.push(line);
    }
    let text: String = lines.iter().map(|line| canonical(line) + "\n").collect();
    files::write(&ledger, text.as_bytes());
    let path = store.join("consent");
    let mut snapshot = unsealed(&path);
    snapshot["head"] = json!(previous);
    snapshot["previous"] = lines.last().unwrap()["previous"].clone();
    if !snapshot["pending"].is_null() {
        snapshot["pending"] = lines.last().unwrap().clone();
    }
    for entry in snapshot["scopes"].as_object_mut().unwrap().values_mut() {
        if let Some((_, new)) = renamed.iter().find(|(old, _)| entry["contract"] == json!(old)) {
            entry["contract"] = json!(new);
        }
    }
    seal(&path, "consent", &snapshot);
}

/// Appends a line with a valid checksum and the next number to a segment that no program is writing.
pub(crate) fn plant_line(segment: &Path, json: &str) {
    plant_line_about(segment, 0, json);
}

pub(crate) fn plant_line_about(segment: &Path, subject: u32, json: &str) {
    let mut text = fs::read_to_string(segment).unwrap();
    // The first line of a segment holds the header twice; this reads the first copy.
    let header: Value = serde_json::from_str(text.lines().next().unwrap().split(' ').nth(3).unwrap()).unwrap();
    let salt = header["salt"].as_str().unwrap();
    let rest = format!("{} {subject} {json}", text.lines().count());
    let crc = crc32c::crc32c_append(crc32c::crc32c(salt.as_bytes()), rest.as_bytes());
    text.push_str(&format!("{crc:08x} {rest}\n"));
    files::write(segment, text.as_bytes());
}

/// The first line of a batch, as JSON, and its body.
pub(crate) fn read_batch(path: &Path) -> (Value, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let head = std::str::from_utf8(&bytes[..at]).unwrap().splitn(4, ' ').nth(3).unwrap();
    (serde_json::from_str(head).unwrap(), bytes[at + 1..].to_vec())
}

/// Writes a batch with valid checksums.
pub(crate) fn write_batch(path: &Path, head: &Value, body: &[u8]) {
    let mut head = head.clone();
    head["body_crc"] = json!(crc32c::crc32c(body));
    head["body_len"] = json!(body.len());
    let json = head.to_string();
    let mut bytes = format!("candor-batch 1 {:08x} {json}\n", crc32c::crc32c(json.as_bytes())).into_bytes();
    bytes.extend_from_slice(body);
    files::write(path, &bytes);
}

/// Changes the snapshot and gives it a valid checksum.
pub(crate) fn change_snapshot(store: &Path, change: impl Fn(&mut Value)) {
    let path = store.join("consent");
    let mut snapshot = unsealed(&path);
    change(&mut snapshot);
    seal(&path, "consent", &snapshot);
}
