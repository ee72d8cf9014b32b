//! The history in standard terms: the names of ISO/IEC TS 27560:2023, each mapped to a term of the W3C Data Privacy
//! Vocabulary (2.3) or of Dublin Core by the JSON-LD context, as DPV's guide to 27560 maps them.
//!
//! Computed from the lines and the contracts alone, so that a verifier can compute it again and compare. It claims
//! nothing that is not in them, reads no file and decides nothing.

use crate::consent::{proof::parts::Parts, records::entry::EVERY_SCOPE};
use serde_json::{Map, Value, json};

/// The meaning of the names. Keys without an entry (`candor`, `line`) are candor's own, and readers of JSON-LD skip
/// them.
fn context() -> Value {
    let id = |term: &str| json!({"@id": term, "@type": "@id"});
    let typed = |term: &str, of: &str| json!({"@id": term, "@type": of});
    json!({
        "dpv": "https://w3id.org/dpv#",
        "dct": "http://purl.org/dc/terms/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "schema_version": id("dct:conformsTo"),
        "receipt_id": "dct:identifier",
        "record_id": "dct:identifier",
        "records": "dpv:hasRecordOfActivity",
        "pii_principal_id": "dpv:hasDataSubject",
        "pii_processing": "dpv:hasProcess",
        "contract": id("dpv:hasProcess"),
        "privacy_notice": id("dpv:hasNotice"),
        "text": "dct:description",
        "language": "dct:language",
        "purpose": "dpv:hasPurpose",
        "lawful_basis": id("dpv:hasLegalBasis"),
        "pii_information": "dpv:hasPersonalData",
        "pii_type": "dct:title",
        "pii_optional": id("dpv:hasNecessity"),
        "pii_controllers": "dpv:hasDataController",
        "recipient_third_parties": "dpv:hasRecipient",
        "party_name": "dpv:hasName",
        "party_role": "@type",
        "party_address": "dpv:hasAddress",
        "party_contact": "dpv:hasContact",
        "authority_party": "dpv:hasAuthority",
        "jurisdiction": "dpv:hasJurisdiction",
        "storage_locations": "dpv:hasStorageCondition",
        "retention_period": "dpv:hasStorageCondition",
        "withdrawal_method": "dpv:hasConsentControl",
        "event": "dpv:hasConsentStatus",
        "event_state": "@type",
        "event_type": "@type",
        "event_time": typed("dpv:isIndicatedAtTime", "xsd:dateTime"),
        "validity_duration": typed("dct:valid", "xsd:date"),
        "entity_id": id("dpv:isIndicatedBy"),
        "collection_method": id("dpv:hasDataSource"),
    })
}

/// The whole document.
pub(in crate::consent) fn document(parts: &Parts) -> Value {
    let lines: Vec<Value> = parts.lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    let notices = parts
        .notices
        .iter()
        .map(|(digest, text)| json!({"@id": format!("#{digest}"), "@type": "dpv:ConsentNotice", "text": text}));
    json!({
        "@context": context(),
        "@type": "dpv:ConsentReceipt",
        "schema_version": "https://w3id.org/dpv/schema/dpv-27560#receipt",
        "receipt_id": lines.last().and_then(|line| text(line, "hash")).unwrap_or_default(),
        "dct:created": parts.made_at,
        "dct:subject": parts.application,
        "privacy_notice": notices.collect::<Vec<_>>(),
        "records": records(parts, &lines),
        "candor": parts,
    })
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// One record for each scope, in the order in which they were first decided about.
fn records(parts: &Parts, lines: &[Value]) -> Vec<Value> {
    let mut scopes: Vec<&str> = Vec::new();
    for scope in lines.iter().filter_map(|line| text(line, "scope")) {
        // A decision about being asked is not consent.
        if scope != EVERY_SCOPE && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.into_iter().map(|scope| record(parts, lines, scope)).collect()
}

fn record(parts: &Parts, lines: &[Value], scope: &str) -> Value {
    // A line is identified by its position, whatever number it states.
    let of_scope = || (1_u64..).zip(lines).filter(|(_, line)| text(line, "scope") == Some(scope));
    let (mut events, mut processing, mut agreed, mut given) = (Vec::new(), Vec::new(), Vec::new(), false);
    for (at, line) in of_scope() {
        events.push(event(at, line, given));
        given |= text(line, "decision") == Some("granted");
        if let Some(digest) = text(line, "contract")
            && !agreed.contains(&digest)
        {
            agreed.push(digest);
            processing.push(process(parts, at, scope, digest));
        }
    }
    if parts.unwritten.iter().any(|unwritten| unwritten == scope) {
        events.push(json!({"event_state": "dpv:ConsentWithdrawn", "entity_id": "dpv:DataSubject"}));
    }
    json!({
        "@type": "dpv:ConsentRecord",
        "schema_version": "https://w3id.org/dpv/schema/dpv-27560#record",
        "record_id": of_scope().next().and_then(|(_, line)| text(line, "hash")).unwrap_or_default(),
        "pii_principal_id": {"@type": "dpv:DataSubject", "dct:identifier": "installation"},
        "purpose": {"@type": "dpv:Purpose", "dct:identifier": scope},
        "pii_processing": processing,
        "event": events,
    })
}

/// The DPV term for a decision, and whether the person took it (`true`) or the program wrote it down (`false`).
fn state(decision: &str, given_before: bool) -> (&'static str, bool) {
    match decision {
        "granted" if given_before => ("dpv:RenewedConsentGiven", true),
        "granted" => ("dpv:ConsentGiven", true),
        // The person refused more, and what they granted before stays in force.
        "kept" => ("dpv:ConsentGiven", true),
        "denied" => ("dpv:ConsentRefused", true),
        "withdrawn" => ("dpv:ConsentWithdrawn", true),
        "deferred" => ("dpv:ConsentRequestDeferred", true),
        "narrowed" => ("dpv:ConsentGiven", false),
        "expired" => ("dpv:ConsentExpired", false),
        "revoked" => ("dpv:ConsentRevoked", false),
        "void" => ("dpv:ConsentInvalidated", false),
        _ => ("dpv:ConsentUnknown", false),
    }
}

fn event(at: u64, line: &Value, given_before: bool) -> Value {
    let (state, by_person) = state(text(line, "decision").unwrap_or_default(), given_before);
    let mut event = Map::new();
    event.insert("line".into(), at.into());
    event.insert("event_state".into(), state.into());
    if matches!(state, "dpv:ConsentGiven" | "dpv:RenewedConsentGiven") {
        event.insert("event_type".into(), "dpv:ExpressedConsent".into());
    }
    if by_person {
        event.insert("entity_id".into(), "dpv:DataSubject".into());
    }
    let mut said = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            event.insert(key.into(), value.into());
        }
    };
    said("event_time", text(line, "at").map(Into::into));
    said("validity_duration", text(line, "until").map(Into::into));
    said("dpv:hasIndicationMethod", text(line, "via").map(Into::into));
    said("language", text(line, "language").map(Into::into));
    said("privacy_notice", text(line, "notice").map(|digest| format!("#{digest}")));
    said("contract", text(line, "contract").map(|digest| format!("#{digest}")));
    Value::Object(event)
}

/// What was agreed to, as far as 27560 has names for it. The whole contract is also in the document, word for word.
fn process(parts: &Parts, at: u64, scope: &str, digest: &str) -> Value {
    let kept = parts.contracts.get(digest);
    let contract: Value = kept.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let controller = contract.get("controller").cloned().unwrap_or_default();
    let processor = |name: &Value| json!({"party_name": name, "party_role": "dpv:DataProcessor"});
    let third = |name: &Value| json!({"party_name": name, "party_role": "dpv:ThirdParty"});
    let recipients: Vec<Value> =
        list(&contract, "processors").map(processor).chain(list(&contract, "onward_sharing").map(third)).collect();
    let part = |key: &str| controller.get(key).cloned().unwrap_or_default();
    let days = contract.get("retention_days").and_then(Value::as_u64).map(|days| format!("P{days}D"));
    let countries: Vec<&Value> = list(&contract, "hosting_countries").collect();
    json!({
        "line": at,
        "@id": format!("#{digest}"),
        "@type": "dpv:Process",
        "purpose": {"@type": "dpv:Purpose", "dct:identifier": scope, "dct:hasVersion": contract.get("revision")},
        "lawful_basis": "dpv:ExpressedConsent",
        "collection_method": "dpv:DataSubjectDataSource",
        "pii_information": list(&contract, "events").flat_map(personal_data).collect::<Vec<_>>(),
        "pii_controllers": {
            "party_name": part("legal_name"), "party_role": "dpv:DataController", "party_address": part("address"),
            "party_contact": part("contact"), "dpv:hasDataProtectionOfficer": part("data_protection_officer"),
        },
        "recipient_third_parties": recipients,
        "authority_party": part("authority"),
        "jurisdiction": part("country"),
        "storage_locations": {"@type": "dpv:StorageLocation", "dpv:hasLocation": countries},
        "retention_period": {"@type": "dpv:StorageDuration", "dpv:hasDuration": days},
        "withdrawal_method": {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": "in the program, at any time"},
    })
}

/// Each field of an event, or the event itself if it has no fields.
fn personal_data(event: &Value) -> Vec<Value> {
    let name = text(event, "name").unwrap_or_default();
    let data = |what: String, optional: bool| {
        let necessity = if optional { "dpv:Optional" } else { "dpv:Required" };
        json!({"@type": "dpv:PersonalData", "pii_type": what, "pii_optional": necessity})
    };
    let field = |field: &Value| {
        let optional = field.get("optional").and_then(Value::as_bool).unwrap_or_default();
        data(format!("{name}: {}", text(field, "name").unwrap_or_default()), optional)
    };
    let fields: Vec<Value> = list(event, "fields").map(field).collect();
    if fields.is_empty() { vec![data(name.to_owned(), false)] } else { fields }
}
