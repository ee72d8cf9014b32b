//! What holds of any answer of a stranger. For fuzzers and tests only; opens no connection.
#![allow(missing_docs, reason = "for fuzzers")]

use super::{Answer, answer::answer};
use std::time::Duration;

/// A status in two bytes, five lines of headers, and the rest as the body.
pub fn response(bytes: &[u8]) {
    let [high, low, rest @ ..] = bytes else { return };
    // Half of them are statuses as they are met.
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
