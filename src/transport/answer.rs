//! What an answer means: from a status, a few headers and a body to an [`Answer`].
//!
//! A pure function that takes whatever a stranger sends and never fails. It reads no clock: `Retry-After` as a date is
//! judged against the answer's own `Date`, so a wrong clock on either side can't stretch a wait. What becomes of the
//! batch is the sender's business.

use super::Answer;
use serde_json::Value;
use std::time::Duration;

/// A wish to be asked later counts for at least this long.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// And for at most this long, so that one header can't silence a program for good.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// No batch holds more records than this. An answer that speaks of more is not about the batch.
const MOST_RECORDS: u64 = 1 << 20;

/// Judges an answer.
///
/// | answer | meaning |
/// |---|---|
/// | 2xx, JSON, an OTLP response | [`Answer::Accepted`] |
/// | any other 2xx | [`Answer::NotOtlp`] |
/// | 3xx | [`Answer::Redirected`] |
/// | 408, 425, 429, 502, 503, 504 | [`Answer::Busy`] |
/// | any other 5xx | [`Answer::ServerError`] |
/// | 401, 403, 404 | [`Answer::Refused`] |
/// | 410 | [`Answer::Gone`] |
/// | 413 | [`Answer::TooLarge`] |
/// | any other 4xx | [`Answer::Rejected`] |
/// | anything else | [`Answer::NotOtlp`] |
///
/// The last row is for numbers that end no HTTP exchange (0, 1xx, 600 and above). Whoever sent one is no OTLP receiver,
/// so the batch is kept, as with a captive portal's page; it must not be dropped for a stranger's mistake.
///
/// `content_encoding` is the header as received. Any value makes a 2xx [`Answer::NotOtlp`]: no encoding was offered.
/// `truncated` says that the body was longer than what was read of it.
pub(crate) fn answer(
    status: u16,
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    retry_after: Option<&str>,
    date: Option<&str>,
    body: &[u8],
    truncated: bool,
) -> Answer {
    match status {
        200..=299 if truncated || content_encoding.is_some() || !is_json(content_type) => Answer::NotOtlp,
        200..=299 => rejected(body).map_or(Answer::NotOtlp, |rejected| Answer::Accepted { rejected }),
        300..=399 => Answer::Redirected,
        408 | 425 | 429 | 502 | 503 | 504 => Answer::Busy { retry_after: wait(retry_after, date) },
        500..=599 => Answer::ServerError { retry_after: wait(retry_after, date) },
        401 | 403 | 404 => Answer::Refused,
        410 => Answer::Gone,
        413 => Answer::TooLarge,
        400..=499 => Answer::Rejected,
        _ => Answer::NotOtlp,
    }
}

/// Whether a `Content-Type` is `application/json`, with or without parameters.
fn is_json(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// How many records an OTLP response refuses; `None` if the body is no OTLP response.
///
/// OTLP says that unknown fields are ignored, and beside `partialSuccess` they are. But an object made of nothing else
/// is what a captive portal or the wrong server answers (`{"error":…}`, `{"status":"ok"}`): to take it for a receipt
/// would lose the batch, to take it for none costs one more try.
fn rejected(body: &[u8]) -> Option<u64> {
    let Value::Object(response) = serde_json::from_slice(body).ok()? else { return None };
    match response.get("partialSuccess") {
        None if response.is_empty() => Some(0),
        None => None,
        Some(Value::Null) => Some(0),
        Some(Value::Object(partial)) => match partial.get("rejectedLogRecords") {
            None | Some(Value::Null) => Some(0),
            Some(Value::Number(count)) => count.as_u64(),
            Some(Value::String(count)) => whole_number(count),
            Some(_) => None,
        }
        .filter(|&count| count <= MOST_RECORDS),
        Some(_) => None,
    }
}

/// A number written in decimal digits and nothing else, which `str::parse` alone does not ask for: it takes `+1`.
fn whole_number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit are still a number, just a very large one.
    Some(text.parse().unwrap_or(u64::MAX))
}

/// How long the receiver wishes to be left alone: seconds, or a date judged against the answer's own.
///
/// `None` if it says nothing that can be understood. A date that has passed means "now".
fn wait(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let wish = retry_after?.trim();
    let wait = match whole_number(wish) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let until = httpdate::parse_http_date(wish).ok()?;
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
        answer(status, JSON, None, None, None, b"{}", false)
    }

    fn ok(body: &[u8]) -> Answer {
        answer(200, JSON, None, None, None, body, false)
    }

    fn accepted(rejected: u64) -> Answer {
        Answer::Accepted { rejected }
    }

    #[test]
    fn every_status_means_what_the_table_says() {
        for status in 0..=u16::MAX {
            let expected = match status {
                200..=299 => accepted(0),
                300..=399 => Answer::Redirected,
                401 | 403 | 404 => Answer::Refused,
                408 | 425 | 429 | 502 | 503 | 504 => Answer::Busy { retry_after: None },
                410 => Answer::Gone,
                413 => Answer::TooLarge,
                400 | 402 | 405..=407 | 409 | 411 | 412 | 414..=424 | 426..=428 | 430..=499 => Answer::Rejected,
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
            (br#"{"partial_success":{}}"#, None),
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
            (b"<html><body>Welcome to the hotel</body></html>", None),
        ];
        for &(body, rejected) in table {
            let expected = rejected.map_or(Answer::NotOtlp, accepted);
            assert_eq!(ok(body), expected, "{}", String::from_utf8_lossy(body));
        }
        // Deeper than any answer of a receiver: refused, not followed down.
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(ok(&deep), Answer::NotOtlp);
    }

    #[test]
    fn only_plain_whole_json_counts_as_a_receipt() {
        let of = |kind, encoding, truncated| answer(200, kind, encoding, None, None, b"{}", truncated);
        for kind in ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x"]
        {
            assert_eq!(of(Some(kind), None, false), accepted(0), "{kind}");
        }
        for kind in ["", ";", "text/html", "text/json", "application/jsonp", "application/json, text/html", "json"] {
            assert_eq!(of(Some(kind), None, false), Answer::NotOtlp, "{kind}");
        }
        assert_eq!(of(None, None, false), Answer::NotOtlp);
        assert_eq!(of(JSON, None, true), Answer::NotOtlp);
        for encoding in ["gzip", "br", "identity", ""] {
            assert_eq!(of(JSON, Some(encoding), false), Answer::NotOtlp, "{encoding}");
        }
    }

    #[test]
    fn headers_of_a_success_change_no_failure() {
        for status in [302, 400, 401, 410, 413, 429, 500] {
            let plain = answer(status, None, None, None, None, b"", false);
            assert_eq!(answer(status, JSON, Some("gzip"), None, None, b"{}", true), plain, "{status}");
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
        for &(wish, date, seconds) in table {
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(answer(429, None, None, Some(wish), date, b"", false), Answer::Busy { retry_after }, "{wish}");
            let expected = Answer::ServerError { retry_after };
            assert_eq!(answer(500, None, None, Some(wish), date, b"", false), expected, "{wish}");
        }
    }
}
