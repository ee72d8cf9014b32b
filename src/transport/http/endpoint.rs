//! Checks endpoints. candor accepts https to any host, and http to this computer only.
//!
//! This module never resolves a name and never opens a connection. Whether a name such as `localhost` really leads to this
//! computer is checked again with the resolved address, when the connection is made.

use crate::error::{Error, Kind};
use rustls::pki_types::ServerName;
use std::net::{Ipv4Addr, Ipv6Addr};
use ureq::http::Uri;

/// The path at which OTLP receivers take logs.
const PATH: &str = "/v1/logs";
/// How many characters of a refused endpoint an error repeats.
const SHOWN: usize = 200;

const NOT_A_URL: &str = "it is not a URL: write `https://` and a host, or `http://localhost:4318`";
const NOT_HTTPS: &str =
    "it is not https. Without TLS only this computer (127.0.0.1, [::1], localhost) is allowed. Write `https://`";
const NO_HOST: &str = "it has no host: write `https://` and a host";
const BAD_HOST: &str = "its host is neither a DNS name nor an IP address";
const BAD_PORT: &str = "its port is not a number from 1 to 65535";
const USER: &str = "it carries a user name or password, which every request would show";
const QUERY: &str = "it carries a query or fragment, which could tell programs or people apart";

/// An endpoint that candor accepts.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// The full URL of the log receiver.
    pub(super) uri: Uri,
    /// The same URL as text.
    pub(super) url: String,
    /// The name that the certificate must have; `None` for this computer without TLS.
    pub(super) server: Option<ServerName<'static>>,
}

impl Endpoint {
    /// Parses an endpoint as OpenTelemetry defines it: a base URL, to which `/v1/logs` is added unless it ends with it.
    ///
    /// # Errors
    /// candor does not accept the endpoint; the error says why.
    pub(super) fn parse(given: &str) -> Result<Self, Error> {
        Self::read(given).map_err(|why| Kind::Endpoint { given: shown(given), why }.into())
    }

    fn read(given: &str) -> Result<Self, &'static str> {
        // A URL has no spaces, control characters or look-alike letters.
        if !given.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NOT_A_URL);
        }
        let (scheme, rest) = given.split_once("://").ok_or(NOT_A_URL)?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(NOT_HTTPS);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(USER);
        }
        if rest.contains(['?', '#']) {
            return Err(QUERY);
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(NO_HOST);
        }
        let uri: Uri = given.parse().map_err(|_| NOT_A_URL)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(NO_HOST)?;
        // The parser accepts a colon without a port, or with an invalid port.
        if authority != host && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(BAD_PORT);
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let server = match secure {
            true => Some(ServerName::try_from(bare.to_owned()).map_err(|_| BAD_HOST)?),
            false if is_this_computer(bare) => None,
            false => return Err(NOT_HTTPS),
        };
        let path = uri.path().trim_end_matches('/');
        let added = if path.ends_with(PATH) { "" } else { PATH };
        let url = format!("{}://{authority}{path}{added}", if secure { "https" } else { "http" });
        Ok(Endpoint { uri: url.parse().map_err(|_| NOT_A_URL)?, url, server })
    }
}

/// Whether a host can only be the computer that the program runs on: `localhost` or a loopback address.
fn is_this_computer(bare: &str) -> bool {
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// The part of a refused endpoint that an error may repeat. It leaves out the user, the password, and the query or fragment,
/// which may hold a token.
fn shown(given: &str) -> String {
    let cut = given.split(['?', '#']).next().unwrap_or_default();
    let hidden = match cut.rsplit_once('@') {
        Some((before, after)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://…@{after}"),
            None => format!("…@{after}"),
        },
        None => cut.to_owned(),
    };
    let mut text: String = hidden.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if cut.len() < given.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_completed_as_opentelemetry_does() {
        for (given, url) in [
            ("https://t.example", "https://t.example/v1/logs"),
            ("https://t.example/", "https://t.example/v1/logs"),
            ("HTTPS://t.example:4318", "https://t.example:4318/v1/logs"),
            ("https://t.example/otel", "https://t.example/otel/v1/logs"),
            ("https://t.example/otel/", "https://t.example/otel/v1/logs"),
            ("https://t.example/v1/logs", "https://t.example/v1/logs"),
            ("https://t.example/v1/logs/", "https://t.example/v1/logs"),
            ("https://t.example/otel/v1/logs", "https://t.example/otel/v1/logs"),
            ("https://t.example/myv1/logs", "https://t.example/myv1/logs/v1/logs"),
            ("https://192.0.2.1", "https://192.0.2.1/v1/logs"),
            ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x/v1/logs"),
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/logs"),
            ("http://127.9.8.7", "http://127.9.8.7/v1/logs"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/logs"),
            ("http://LocalHost", "http://LocalHost/v1/logs"),
        ] {
            let endpoint = Endpoint::parse(given).unwrap();
            assert_eq!(endpoint.url, url, "{given}");
            assert_eq!(endpoint.uri.to_string().to_lowercase(), url.to_lowercase(), "{given}");
            assert_eq!(endpoint.server.is_some(), url.starts_with("https"), "{given}");
        }
    }

    #[test]
    fn everything_else_is_refused_and_says_why() {
        for (given, why) in [
            ("", NOT_A_URL),
            ("t.example", NOT_A_URL),
            ("t.example:4318", NOT_A_URL),
            ("https:t.example", NOT_A_URL),
            ("https://t.example/a b", NOT_A_URL),
            ("https://t.example\r\nX-Evil: 1", NOT_A_URL),
            (" https://t.example", NOT_A_URL),
            ("https://bücher.example", NOT_A_URL),
            ("https://t.example\\@evil", USER),
            ("https://t.example\\evil", NOT_A_URL),
            ("https://[::1", NOT_A_URL),
            ("http://t.example", NOT_HTTPS),
            ("http://192.0.2.1", NOT_HTTPS),
            ("http://127.1", NOT_HTTPS),
            ("http://0x7f000001", NOT_HTTPS),
            ("http://2130706433", NOT_HTTPS),
            ("http://0.0.0.0", NOT_HTTPS),
            ("http://[::ffff:127.0.0.1]", NOT_HTTPS),
            ("http://localhost.evil.example", NOT_HTTPS),
            ("http://127.0.0.1.evil.example", NOT_HTTPS),
            ("http://127.0.0.1@evil.example", USER),
            ("ftp://t.example", NOT_HTTPS),
            ("file:///etc/passwd", NOT_HTTPS),
            ("https://", NO_HOST),
            ("https:///v1/logs", NO_HOST),
            ("https://:443/", NO_HOST),
            ("https://t.example:", BAD_PORT),
            ("https://t.example:0", BAD_PORT),
            ("https://-t-.example", BAD_HOST),
            ("https://a..example", BAD_HOST),
            ("https://ann@t.example", USER),
            ("https://ann:secret@t.example", USER),
            ("https://@t.example", USER),
            ("https://t.example?key=1", QUERY),
            ("https://t.example/?", QUERY),
            ("https://t.example/#top", QUERY),
        ] {
            assert_eq!(Endpoint::read(given).unwrap_err(), why, "{given}");
        }
        // Whether the parser or candor refuses these does not matter; none is an endpoint.
        for given in
            ["https://t.example:65536", "https://t.example:4x", "https://t.example:-1", "https://a:1:2", "https://[]"]
        {
            assert!(Endpoint::parse(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_refusal_repeats_no_secret() {
        for given in [
            "https://ann:hunter2@t.example/",
            "https://t.example/?token=hunter2",
            "https://t.example/#hunter2",
            "ann:hunter2@t.example",
            "https://ann:p@hunter2@t.example/?a=hunter2",
        ] {
            let error = Endpoint::parse(given).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains("t.example") && !text.contains("hunter2"), "{text}");
            assert!(error.is_configuration());
        }
        assert!(Endpoint::parse(&"x".repeat(1 << 20)).unwrap_err().to_string().len() < 400);
    }
}
