//! Known answers: each format of the journal and of the wire as literal bytes, which must be the same on every platform. A
//! store that one platform wrote is read on another, and receivers get the same bytes from all of them.

use super::{
    line::{self, Record},
    outbox,
    segment::{self, Header},
};
use crate::{
    ambient::{Day, hex},
    disk,
    event::{Example, Field, Linkage, MAX_FIELDS, Schema},
    precision::{Precision, Unit},
    tests::CRASH,
    transport::otlp::{self, Service},
};

const FIELD: Field = Field {
    name: "",
    doc: "What it is.",
    class: "count",
    precision: Precision::Flag,
    optional: true,
    group: "",
    domain: "",
    reason: None,
    example: Example::First,
};
const CUTS: Precision = Precision::Cuts { unit: Unit::Count, cuts: &[0, 1, 1_000, 5_000_000_000] };
const CODE: Field =
    Field { name: "server", class: "hash", precision: Precision::Code { bits: 64 }, domain: "server", ..FIELD };
// Not linked into any program, so that the notices and manifests of other tests don't contain it.
static LINE: Schema = Schema::declare(
    "form.line",
    "It happened.",
    CRASH,
    Linkage::Month,
    &[
        CODE,
        Field { name: "size", precision: CUTS, ..FIELD },
        Field { name: "codec", class: "category", precision: Precision::Labels(&["h264", "other"]), ..FIELD },
    ],
    None,
);
static ROW: Schema = Schema::declare(
    "form.row",
    "It happened.",
    CRASH,
    Linkage::Rollup,
    &[Field { name: "size", precision: CUTS, ..FIELD }, Field { name: "again", class: "flag", ..FIELD }],
    None,
);
/// 2026-11-22.
const DAY: Day = Day(20_779);

fn outcomes(of: &[u16]) -> [u16; MAX_FIELDS] {
    std::array::from_fn(|at| of.get(at).copied().unwrap_or(0))
}

fn record() -> Record {
    Record {
        schema: &LINE,
        day: DAY,
        outcomes: outcomes(&[1, 4, 2]),
        code: [0x64, 0xbf, 0xcc, 0xc0, 0x80, 0x58, 0x01, 0x74],
        count: 0,
        other: false,
        uid: std::array::from_fn(|at| at as u8),
    }
}

fn row() -> Record {
    Record { schema: &ROW, outcomes: outcomes(&[3, 2]), count: 12, ..record() }
}

const LINE_TEXT: &str = concat!(
    r#"{"timeUnixNano":"1795305600000000000","observedTimeUnixNano":"1795305600000000000","severityNumber":9,"#,
    r#""eventName":"form.line","attributes":[{"key":"server","value":{"stringValue":"64bfccc080580174"}},"#,
    r#"{"key":"size","value":{"intValue":"5000000000"}},{"key":"codec","value":{"stringValue":"other"}},"#,
    r#"{"key":"candor.divisor","value":{"intValue":"1"}},"#,
    r#"{"key":"log.record.uid","value":{"stringValue":"000102030405060708090a0b0c0d0e0f"}}]}"#
);
const ROW_TEXT: &str = concat!(
    r#"{"timeUnixNano":"1795305600000000000","observedTimeUnixNano":"1795305600000000000","severityNumber":9,"#,
    r#""eventName":"form.row","attributes":[{"key":"size","value":{"intValue":"1000"}},"#,
    r#"{"key":"again","value":{"boolValue":true}},{"key":"count","value":{"intValue":"1025"}},"#,
    r#"{"key":"candor.divisor","value":{"intValue":"1"}},"#,
    r#"{"key":"log.record.uid","value":{"stringValue":"000102030405060708090a0b0c0d0e0f"}}]}"#
);
const CELL: &str =
    r#"{"event":"form.row","fields":{"size":{"intValue":"1000"},"again":{"boolValue":true}},"count":5000000000}"#;

#[test]
fn a_record_has_these_bytes() {
    assert_eq!(record().encode().unwrap(), LINE_TEXT);
    assert_eq!(row().encode().unwrap(), ROW_TEXT);
}

#[test]
fn a_count_has_these_bytes() {
    assert_eq!(line::encode_cell(&ROW, &outcomes(&[3, 2]), 5_000_000_000).unwrap(), CELL);
}

#[test]
fn a_segment_has_these_bytes() {
    let of = |header: Header| Header { salt: "9f86d081884c7d65".into(), ..header };
    let waiting = of(Header::waiting("crash", 1_795_348_800_001, 7, DAY));
    let counts = of(Header::counts("crash", 1_795_348_800_001, 7, DAY));
    let text = |header, lines: &[&str]| String::from_utf8(segment::whole(header, lines.iter().copied()).unwrap());
    assert_eq!(
        text(&waiting, &["{\"a\":1}", "{\"b\":2}"]).unwrap(),
        concat!(
            r#"candor-segment 1 ec802040 {"kind":"waiting","scope":"crash","generation":1795348800001,"epoch":7,"day":20779,"salt":"9f86d081884c7d65"} "#,
            r#"candor-segment 1 ec802040 {"kind":"waiting","scope":"crash","generation":1795348800001,"epoch":7,"day":20779,"salt":"9f86d081884c7d65"}"#,
            "\n0fc8360d 1 0 {\"a\":1}\ncf6240d2 2 0 {\"b\":2}\n",
        )
    );
    assert_eq!(text(&counts, &[CELL]).unwrap().lines().nth(1).unwrap(), format!("fe5772c9 1 0 {CELL}"));
}

#[test]
fn a_sealed_document_has_these_bytes() {
    // The check value of CRC-32C.
    assert_eq!(disk::seal("keys", "123456789"), b"candor-keys 1 e3069283 9\n123456789\n");
}

const BATCH: &str = concat!(
    r#"candor-batch 1 8a16c69f {"scope":"crash","generation":1795348800001,"epoch":7,"key":"000102030405060708090a0b0c0d0e0f","#,
    r#""made":1795348800000,"tries":2,"left":true,"records":3,"sources":[{"segment":"2026-11-22-000001-0011223344556677-sealed.jsonl","#,
    r#""lines":[1,2,4]}],"body_crc":3808858755,"body_len":9}"#,
    "\n123456789"
);

#[test]
fn a_batch_has_these_bytes() {
    assert_eq!(outbox::again(BATCH.as_bytes()).as_deref(), Some(BATCH.as_bytes()));
    assert_eq!(outbox::records_in(BATCH.as_bytes()), 3);
}

/// The body length in a first line is a 64-bit number, also on 32-bit platforms.
#[test]
fn a_first_line_is_sound_however_long_it_says_the_body_is() {
    let json = BATCH.split_once('{').unwrap().1.split_once('\n').unwrap().0.replace(":9}", ":5000000000}");
    let json = format!("{{{json}");
    let bytes = format!("candor-batch 1 {:08x} {json}\n123456789", crc32c::crc32c(json.as_bytes()));
    assert_eq!(outbox::records_in(bytes.as_bytes()), 3, "by the first line");
    assert_eq!(outbox::again(bytes.as_bytes()), None, "and the batch is damaged all the same");
}

#[test]
fn a_request_has_these_bytes() {
    let service = Service { name: "org.example.player".into(), version: Some("12.4".into()) };
    let body = otlp::body(&service, CRASH, [LINE_TEXT, ROW_TEXT].into_iter());
    assert_eq!(body.len(), 2_048);
    let text = std::str::from_utf8(&body).unwrap().trim_end_matches(' ');
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        [
            r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"org.example.player"}},"#,
            r#"{"key":"service.version","value":{"stringValue":"12.4"}},{"key":"telemetry.sdk.language","value":{"stringValue":"rust"}},"#,
            r#"{"key":"telemetry.sdk.name","value":{"stringValue":"candor"}},{"key":"telemetry.sdk.version","value":{"stringValue":""#,
            version,
            r#""}}]},"scopeLogs":[{"scope":{"name":"candor","version":""#,
            version,
            r#"","attributes":[{"key":"candor.scope","value":{"stringValue":"crash"}},"#,
            r#"{"key":"candor.contract.revision","value":{"intValue":"1"}},{"key":"candor.retention.days","value":{"intValue":"30"}}]},"#,
            r#""logRecords":["#,
            LINE_TEXT,
            ",",
            ROW_TEXT,
            "]}]}]}"
        ]
        .concat()
    );
    let own = "0f0e0d0c0b0a09080706050403020100";
    let request = otlp::erasure(&service, CRASH, own, Day(20_779), &[record().uid]).unwrap();
    let wanted = [
        r#"{"timeUnixNano":"1795305600000000000","observedTimeUnixNano":"1795305600000000000","severityNumber":9,"#,
        r#""eventName":"candor.erasure","attributes":[{"key":"candor.erasure.uids","value":{"arrayValue":{"values":[{"#,
        r#""stringValue":"000102030405060708090a0b0c0d0e0f"}]}}},"#,
        r#"{"key":"log.record.uid","value":{"stringValue":"0f0e0d0c0b0a09080706050403020100"}}]}"#,
    ];
    assert!(std::str::from_utf8(&request).unwrap().contains(&wanted.concat()));
    // OTLP counts nanoseconds in 64 bits.
    assert_eq!(otlp::erasure(&service, CRASH, own, Day(300_000), &[record().uid]), None);
    assert_eq!(hex(&record().uid), "000102030405060708090a0b0c0d0e0f");
}
