//! Interprets an HTTP answer: turns a status, a few headers and a body into an [`Answer`].
//!
//! It is a pure function that accepts any untrusted input and never fails. It never reads a clock: a `Retry-After` date is
//! compared with the answer's own `Date`, so a wrong clock on either side can't lengthen a wait. It never decides what happens to
//! the batch; the module `send` does that.

use super::Answer;
use serde_json::Value;
use std::time::Duration;

/// The shortest wait that a `Retry-After` results in.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a `Retry-After` results in, so that one header can't silence a program forever.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// No batch holds more records than this. An answer with a larger number is not about the batch.
const MOST_RECORDS: u64 = 1 << 20;

/// Interprets an answer.
///
/// | answer | meaning |
/// |---|---|
/// | 2xx, JSON, an OTLP response | [`Answer::Accepted`] |
/// | 2xx with a page: HTML by its `Content-Type`, or a body that begins with `<` | [`Answer::NotOtlp`] |
/// | any other 2xx | [`Answer::Taken`] |
/// | 3xx | [`Answer::Redirected`] |
/// | 408, 425, 429, 502, 503, 504 | [`Answer::Busy`] |
/// | any other 5xx | [`Answer::ServerError`] |
/// | 410 | [`Answer::Gone`] |
/// | 413 | [`Answer::TooLarge`] |
/// | 422; 400 with the status that OTLP requires, `INVALID_ARGUMENT` | [`Answer::Rejected`] |
/// | any other 4xx | [`Answer::Refused`] |
/// | anything else | [`Answer::NotOtlp`] |
///
/// The answer comes from the intended receiver: a connection is either to the server that the certificate names, or to this
/// computer. So a 2xx means that the request was taken, whatever the rest of the answer is. Sending it again would only send it
/// twice. The one exception is a web page, because that does not come from an OTLP receiver.
///
/// A 4xx may be about the request or about a configuration: a proxy that requires a certificate answers 400, and one that
/// accepts only some content types answers 415. Data is dropped only if the receiver has read it and says so.
///
/// The last row is for numbers that end no HTTP exchange (0, 1xx, 600 and above). An OTLP receiver does not send them. So the
/// batch is kept, as after a captive portal's page; it must not be dropped because of another program's mistake.
///
/// `content_encoding` is the header as received. The request offered no encoding, so an encoded body is ignored.
/// `whole` says that `body` is the complete body.
pub(crate) fn answer(
    status: u16,
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    retry_after: Option<&str>,
    date: Option<&str>,
    body: &[u8],
    whole: bool,
) -> Answer {
    let body = if content_encoding.is_some() { &[] } else { body };
    match status {
        200..=299 if is_page(content_type, body) => Answer::NotOtlp,
        200..=299 => {
            let said = match form(content_type) {
                Form::Protobuf => rejected_in_protobuf(body),
                Form::Json | Form::Other => rejected(body),
            };
            match said.filter(|_| whole) {
                Some(rejected) if form(content_type) == Form::Json => Answer::Accepted { rejected },
                said => Answer::Taken { rejected: said.unwrap_or(0) },
            }
        }
        300..=399 => Answer::Redirected,
        408 | 425 | 429 | 502 | 503 | 504 => Answer::Busy { retry_after: wait(retry_after, date) },
        500..=599 => Answer::ServerError { retry_after: wait(retry_after, date) },
        410 => Answer::Gone,
        413 => Answer::TooLarge,
        422 => Answer::Rejected,
        400 if whole && says_invalid(form(content_type), body) => Answer::Rejected,
        400..=499 => Answer::Refused,
        _ => Answer::NotOtlp,
    }
}

/// The format that a body has according to its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Protobuf,
    Other,
}

/// The media type in a `Content-Type`, without its parameters.
fn media(content_type: Option<&str>) -> &str {
    content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}

fn form(content_type: Option<&str>) -> Form {
    let media = media(content_type);
    if media.eq_ignore_ascii_case("application/json") {
        Form::Json
    } else if media.eq_ignore_ascii_case("application/x-protobuf") {
        Form::Protobuf
    } else {
        Form::Other
    }
}

/// Whether the answer is a web page: HTML or XHTML by its `Content-Type`, or a body that begins with `<` (after a byte order
/// mark and white space, if any).
fn is_page(content_type: Option<&str>, body: &[u8]) -> bool {
    let media = media(content_type);
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    ["text/html", "application/xhtml+xml"].iter().any(|page| media.eq_ignore_ascii_case(page))
        || body.trim_ascii_start().first() == Some(&b'<')
}

/// Whether the body of a 400 is what OTLP requires: a `google.rpc.Status` with code 3, `INVALID_ARGUMENT`. A proxy's body is not.
fn says_invalid(form: Form, body: &[u8]) -> bool {
    const INVALID_ARGUMENT: u64 = 3;
    let code = match form {
        Form::Json => serde_json::from_slice::<Value>(body).ok().and_then(|status| status.get("code")?.as_u64()),
        Form::Protobuf => varint_of(body, 1),
        Form::Other => None,
    };
    code == Some(INVALID_ARGUMENT)
}

/// The number of records that an OTLP response refuses. `None` if the body is no OTLP response.
///
/// The JSON form of protobuf allows two spellings of a name; both are read. OTLP says that unknown fields are ignored. They are
/// ignored next to `partialSuccess`. But an object with unknown fields only (`{"error":…}`, `{"status":"ok"}`) is no OTLP
/// response.
fn rejected(body: &[u8]) -> Option<u64> {
    let Value::Object(response) = serde_json::from_slice(body).ok()? else { return None };
    let either = |object: &serde_json::Map<String, Value>, one: &str, other: &str| {
        object.get(one).or_else(|| object.get(other)).cloned()
    };
    match either(&response, "partialSuccess", "partial_success") {
        None if response.is_empty() => Some(0),
        None => None,
        Some(Value::Null) => Some(0),
        Some(Value::Object(partial)) => match either(&partial, "rejectedLogRecords", "rejected_log_records") {
            None | Some(Value::Null) => Some(0),
            Some(Value::Number(count)) => count.as_u64(),
            Some(Value::String(count)) => whole_number(&count),
            Some(_) => None,
        }
        .filter(|&count| count <= MOST_RECORDS),
        Some(_) => None,
    }
}

/// The same for protobuf: `ExportLogsServiceResponse { partial_success: 1 { rejected_log_records: 1 } }`.
fn rejected_in_protobuf(body: &[u8]) -> Option<u64> {
    // A message with only default values has no bytes.
    let Some(rest) = body.strip_prefix(&[1 << 3 | 2]) else { return body.is_empty().then_some(0) };
    let (length, partial) = varint(rest)?;
    let partial = partial.get(..usize::try_from(length).ok()?)?;
    let count = if partial.first() == Some(&(1 << 3)) { varint_of(partial, 1)? } else { 0 };
    (count <= MOST_RECORDS).then_some(count)
}

/// The number in a field of a protobuf message. `None` unless it is the message's first field.
fn varint_of(message: &[u8], field: u8) -> Option<u64> {
    varint(message.strip_prefix(&[field << 3])?).map(|(number, _)| number)
}

/// Reads a protobuf varint of at most ten bytes. Returns the number and the bytes after it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
    }
    None
}

/// A number that is written in decimal digits only. `str::parse` alone would also accept `+1`.
fn whole_number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number that does not fit becomes the largest one.
    Some(text.parse().unwrap_or(u64::MAX))
}

/// How long the receiver asks us to wait: a number of seconds, or a date that is compared with the answer's own date. The result
/// is between `SHORTEST_WAIT` and `LONGEST_WAIT`.
///
/// `None` if the header is missing or can't be understood. A date that has passed means "now".
fn wait(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let value = retry_after?.trim();
    let wait = match whole_number(value) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let until = httpdate::parse_http_date(value).ok()?;
            let now = httpdate::parse_http_date(date?.trim()).ok()?;
            until.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json");
    const DAY: u64 = 86_400;

    fn of(status: u16) -> Answer {
        answer(status, JSON, None, None, None, b"{}", true)
    }

    fn ok(body: &[u8]) -> Answer {
        answer(200, JSON, None, None, None, body, true)
    }

    fn accepted(rejected: u64) -> Answer {
        Answer::Accepted { rejected }
    }

    fn taken(rejected: u64) -> Answer {
        Answer::Taken { rejected }
    }

    #[test]
    fn every_status_means_what_the_table_says() {
        for status in 0..=u16::MAX {
            let expected = match status {
                200..=299 => accepted(0),
                300..=399 => Answer::Redirected,
                408 | 425 | 429 | 502 | 503 | 504 => Answer::Busy { retry_after: None },
                410 => Answer::Gone,
                413 => Answer::TooLarge,
                422 => Answer::Rejected,
                400..=407 | 409 | 411 | 412 | 414..=421 | 423 | 424 | 426..=428 | 430..=499 => Answer::Refused,
                500 | 501 | 505..=599 => Answer::ServerError { retry_after: None },
                0..=199 | 600.. => Answer::NotOtlp,
            };
            assert_eq!(of(status), expected, "{status}");
        }
    }

    #[test]
    fn otlp_responses_are_told_from_everything_else() {
        let table: &[(&[u8], Option<u64>)] = &[
            (b"{}", Some(0)),
            (b" {\n} \r\n", Some(0)),
            (br#"{"partialSuccess":null}"#, Some(0)),
            (br#"{"partialSuccess":{}}"#, Some(0)),
            (br#"{"partialSuccess":{"rejectedLogRecords":null}}"#, Some(0)),
            (br#"{"partialSuccess":{"errorMessage":"slow down"}}"#, Some(0)),
            (br#"{"partialSuccess":{"rejectedLogRecords":"0"}}"#, Some(0)),
            (br#"{"partialSuccess":{"rejectedLogRecords":"7"}}"#, Some(7)),
            (br#"{"partialSuccess":{"rejectedLogRecords":7}}"#, Some(7)),
            (br#"{"partialSuccess":{"rejectedLogRecords":1048576}}"#, Some(1 << 20)),
            (br#"{"partialSuccess":{"rejectedLogRecords":"7","future":1},"future":[]}"#, Some(7)),
            (br#"{"partialSuccess":{"rejectedLogRecords":1048577}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":-1}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":"+1"}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":""}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":"many"}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":"99999999999999999999999"}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":1e300}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":1.5}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":true}}"#, None),
            (br#"{"partialSuccess":{"rejectedLogRecords":[1]}}"#, None),
            (br#"{"partialSuccess":[]}"#, None),
            (br#"{"partialSuccess":"ok"}"#, None),
            (br#"{"partialSuccess":0}"#, None),
            (br#"{"partial_success":{}}"#, Some(0)),
            (br#"{"partial_success":{"rejected_log_records":7}}"#, Some(7)),
            (br#"{"partialSuccess":{"rejected_log_records":"7"}}"#, Some(7)),
            (br#"{"html":1}"#, None),
            (br#"{"error":"no such page"}"#, None),
            (b"", None),
            (b"[]", None),
            (b"null", None),
            (b"0", None),
            (b"ok", None),
            (b"{}{}", None),
            (b"{", None),
            (b"\xef\xbb\xbf{}", None),
            (b"\xff\xfe", None),
        ];
        for &(body, rejected) in table {
            let expected = rejected.map_or(taken(0), accepted);
            assert_eq!(ok(body), expected, "{}", String::from_utf8_lossy(body));
        }
        // Nested deeper than any receiver's answer: the parser refuses it at its recursion limit.
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(ok(&deep), taken(0));
    }

    #[test]
    fn only_plain_whole_json_counts_as_a_receipt() {
        let of = |kind, encoding, whole| answer(200, kind, encoding, None, None, b"{}", whole);
        for kind in ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x"]
        {
            assert_eq!(of(Some(kind), None, true), accepted(0), "{kind}");
        }
        for kind in ["", ";", "text/plain", "text/json", "application/jsonp", "application/json, text/html", "json"] {
            assert_eq!(of(Some(kind), None, true), taken(0), "{kind}");
        }
        assert_eq!(of(None, None, true), taken(0));
        assert_eq!(of(JSON, None, false), taken(0));
        for encoding in ["gzip", "br", "identity", ""] {
            assert_eq!(of(JSON, Some(encoding), true), taken(0), "{encoding}");
        }
        // The content of a body counts if the body is complete, whatever its type.
        let two = br#"{"partialSuccess":{"rejectedLogRecords":2}}"#;
        assert_eq!(answer(200, None, None, None, None, two, true), taken(2));
        assert_eq!(answer(200, JSON, None, None, None, two, false), taken(0));
        assert_eq!(answer(200, JSON, Some("gzip"), None, None, two, true), taken(0));
    }

    #[test]
    fn a_page_is_never_a_receipt() {
        let html: &[u8] = b"<html><body>Welcome to the hotel</body></html>";
        for status in [200, 201, 202, 203, 204, 206, 299] {
            for kind in ["text/html", "Text/HTML ; charset=utf-8", "application/xhtml+xml"] {
                for body in [html, b"", b"{}"] {
                    assert_eq!(answer(status, Some(kind), None, None, None, body, true), Answer::NotOtlp, "{kind}");
                    assert_eq!(answer(status, Some(kind), Some("gzip"), None, None, body, false), Answer::NotOtlp);
                }
            }
            for body in [html, b" \r\n\t<!DOCTYPE html>", b"\xef\xbb\xbf<?xml version=\"1.0\"?>", b"<"] {
                for (kind, whole) in [(None, true), (JSON, false), (Some("text/plain"), true)] {
                    assert_eq!(answer(status, kind, None, None, None, body, whole), Answer::NotOtlp);
                }
            }
        }
    }

    #[test]
    fn protobuf_says_what_was_rejected() {
        let of = |body: &[u8]| answer(200, Some("application/x-protobuf"), None, None, None, body, true);
        for (body, rejected) in [
            (&b""[..], 0),
            (b"\x0a\x00", 0),
            (b"\x0a\x02\x08\x02", 2),
            (b"\x0a\x03\x08\xac\x02", 300),
            (b"\x0a\x08\x08\x02\x12\x04slow", 2),
            (b"\x0a\x06\x12\x04slow", 0),
            // Cut off, larger than any batch, endless, and no such message: the request is taken, and nothing more is known.
            (b"\x0a\x05\x08\x02", 0),
            (b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0),
            (b"\x0a\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0),
            (b"\x08\x02", 0),
            (b"\xff", 0),
        ] {
            assert_eq!(of(body), taken(rejected), "{body:?}");
        }
    }

    #[test]
    fn a_400_is_the_receivers_own_where_it_says_what_otlp_asks_for() {
        let of = |kind, body: &[u8], whole| answer(400, Some(kind), None, None, None, body, whole);
        let (json, protobuf) = ("application/json", "application/x-protobuf");
        for (kind, body) in
            [(json, &br#"{"code":3,"message":"no"}"#[..]), (json, br#"{"code":3}"#), (protobuf, b"\x08\x03\x12\x02no")]
        {
            assert_eq!(of(kind, body, true), Answer::Rejected);
            assert_eq!(of(kind, body, false), Answer::Refused, "cut off");
            assert_eq!(answer(400, Some(kind), Some("gzip"), None, None, body, true), Answer::Refused);
            assert_eq!(of("text/html", body, true), Answer::Refused);
        }
        for body in [&b"{}"[..], b"", br#"{"code":400,"message":"no"}"#, br#"{"code":16}"#, br#"{"code":"3"}"#, b"[3]"]
        {
            assert_eq!(of(json, body, true), Answer::Refused, "{body:?}");
        }
        for body in [&b""[..], b"\x08\x10", b"\x08", b"\x0a\x03"] {
            assert_eq!(of(protobuf, body, true), Answer::Refused, "{body:?}");
        }
    }

    #[test]
    fn headers_of_a_success_change_no_failure() {
        for status in [302, 400, 401, 410, 413, 429, 500] {
            let plain = answer(status, None, None, None, None, b"", true);
            assert_eq!(answer(status, JSON, Some("gzip"), None, None, b"{}", false), plain, "{status}");
        }
    }

    #[test]
    fn retry_after_is_understood_bounded_or_ignored() {
        const NOW: Option<&str> = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        let table: &[(&str, Option<&str>, Option<u64>)] = &[
            ("120", None, Some(120)),
            (" 120 ", None, Some(120)),
            ("0", None, Some(1)),
            ("1", None, Some(1)),
            ("86400", None, Some(DAY)),
            ("86401", None, Some(DAY)),
            ("18446744073709551615", None, Some(DAY)),
            ("99999999999999999999999999999999", None, Some(DAY)),
            ("-1", None, None),
            ("+5", None, None),
            ("1.5", None, None),
            ("1e300", None, None),
            ("NaN", None, None),
            ("inf", None, None),
            ("", None, None),
            ("120, 60", None, None),
            ("soon", NOW, None),
            ("Sun, 22 Nov 2026 10:02:00 GMT", NOW, Some(120)),
            ("Sunday, 22-Nov-26 10:02:00 GMT", NOW, Some(120)),
            ("Sun, 22 Nov 2026 10:02:00 GMT", None, None),
            ("Sun, 22 Nov 2026 10:02:00 GMT", Some("yesterday"), None),
            ("Sun, 22 Nov 2026 10:00:00 GMT", NOW, Some(1)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", NOW, Some(1)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", NOW, Some(1)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", NOW, Some(DAY)),
            ("Sun, 99 Nov 2026 10:02:00 GMT", NOW, None),
        ];
        for &(value, date, seconds) in table {
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(answer(429, None, None, Some(value), date, b"", true), Answer::Busy { retry_after }, "{value}");
            let expected = Answer::ServerError { retry_after };
            assert_eq!(answer(500, None, None, Some(value), date, b"", true), expected, "{value}");
        }
    }
}
