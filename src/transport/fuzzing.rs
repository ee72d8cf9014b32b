//! Checks what must hold for any answer from an untrusted receiver. For fuzzers and tests only; never opens a connection.
#![allow(missing_docs, reason = "for fuzzers")]

use super::{Answer, answer::answer};
use std::time::Duration;

/// Interprets one answer and checks the result. The input holds a status in two bytes; one line each for `Content-Type`,
/// `Content-Encoding`, `Retry-After` and `Date`, empty if the header is missing; a line that is empty if the body is complete;
/// and the body.
pub fn response(bytes: &[u8]) {
    let [high, low, rest @ ..] = bytes else { return };
    // An odd first byte results in an even status from 200 to 710. An even one results in the two bytes as a number.
    let status = if high & 1 == 0 { u16::from_be_bytes([*high, *low]) } else { 200 + u16::from(*low) * 2 };
    let mut parts = rest.splitn(6, |&byte| byte == b'\n');
    let mut header = || {
        let text = std::str::from_utf8(parts.next()?).ok()?;
        (!text.is_empty()).then_some(text)
    };
    let (media, encoding, retry, date, whole) = (header(), header(), header(), header(), header().is_none());
    let body = parts.next().unwrap_or_default();
    let said = answer(status, media, encoding, retry, date, body, whole);
    let handed_over = matches!(said, Answer::Accepted { .. } | Answer::Taken { .. });
    assert!(!handed_over || (200..300).contains(&status), "{status} is no yes");
    let kind = media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    assert!(!handed_over || kind != "text/html", "a page is no receipt");
    assert!(!matches!(said, Answer::Accepted { .. }) || (kind == "application/json" && encoding.is_none() && whole));
    if let Answer::Busy { retry_after: Some(wait) } | Answer::ServerError { retry_after: Some(wait) } = said {
        assert!((Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&wait), "{wait:?}");
    }
    assert_eq!(said, answer(status, media, encoding, retry, date, body, whole), "the same answer means the same");
}
