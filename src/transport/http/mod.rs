//! OTLP over HTTP: sends one parcel to one endpoint and returns the answer. This is the only module that uses the network.
//!
//! Each request has its own connection. Nothing is kept between requests: no pool, no cookies, no redirects, no proxy, no TLS
//! session. The request contains what the protocol needs and what the person was shown, and nothing else that would distinguish
//! programs or people. No environment variable changes its destination. The receiver is not trusted: its answer is limited in
//! size and time, and [`answer`](super::answer) interprets it.
//!
//! Before every step the transport checks that the parcel's permit is still valid; see [`line`](mod@line). When
//! [`Http::send`](Transport::send) returns, the connection is closed. Only then is the parcel dropped, because a withdrawal waits
//! for its permit.

mod endpoint;
mod line;
mod resolver;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

use super::{Answer, Parcel, SendError, Transport, answer::answer};
use crate::{clean, error::Error};
use endpoint::Endpoint;
use line::{Gate, Line};
use resolver::{LookUp, Names};
use rustls::{ClientConfig, crypto::CryptoProvider};
use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::Duration,
};
use ureq::{Agent, Timeout, config::Config, http::HeaderMap};
use wire::Dial;

/// The most bytes that are read of an answer's body. A receiver's body needs about a hundredth of it.
const LONGEST_ANSWER: u64 = 4096;
/// The most bytes that are read of an answer's header.
const LONGEST_HEADER: usize = 8192;
/// How many characters of an error's text are kept.
const LONGEST_TEXT: usize = 160;

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    resolve: Duration,
    connect: Duration,
    send: Duration,
    answer: Duration,
    all: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits { resolve: seconds(3), connect: seconds(3), send: seconds(5), answer: seconds(5), all: seconds(10) }
    }
}

/// candor's own transport: `POST`s a parcel to an OTLP receiver.
#[derive(Debug)]
pub(crate) struct Http {
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    config: Config,
    look_up: LookUp,
}

impl Http {
    /// Makes a transport to `endpoint`: `https://host[:port][/path]`, or `http://` to this computer. Opens no connection.
    ///
    /// For https it uses the TLS provider `tls`, or else the process's default, or else the one of the `ring` feature.
    /// `roots` (DER) replace Mozilla's root certificates.
    ///
    /// # Errors
    /// candor does not accept the endpoint, there is no TLS provider, or TLS can't be set up.
    pub(crate) fn new(
        endpoint: &str,
        tls: Option<Arc<CryptoProvider>>,
        roots: Option<Vec<Vec<u8>>>,
    ) -> Result<Self, Error> {
        Self::with(endpoint, tls, roots, Limits::default(), LookUp::SYSTEM)
    }

    fn with(
        endpoint: &str,
        tls: Option<Arc<CryptoProvider>>,
        roots: Option<Vec<Vec<u8>>>,
        limits: Limits,
        look_up: LookUp,
    ) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(endpoint)?;
        let secure = endpoint.server.is_some();
        let tls = if secure { Some(tls::settings(&endpoint.url, tls, roots)?) } else { None };
        Ok(Http { endpoint, tls, config: config(secure, limits), look_up })
    }

    /// The full URL to which requests for `endpoint` are sent. Needs no TLS provider and opens no connection.
    ///
    /// # Errors
    /// candor does not accept the endpoint.
    pub(crate) fn address(endpoint: &str) -> Result<String, Error> {
        Endpoint::parse(endpoint).map(|endpoint| endpoint.url)
    }

    /// Sends one request and returns the answer. Stops when `is_authorized` returns `false`. The connection is closed when
    /// this returns.
    ///
    /// # Errors
    /// The body is empty, `is_authorized` returned `false`, or the exchange failed or timed out.
    fn exchange(
        &self,
        body: &[u8],
        key: &str,
        is_authorized: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Answer, SendError> {
        if body.is_empty() {
            return Err(SendError::Network("there is nothing to send".into()));
        }
        let gate = Gate::new(is_authorized);
        let line = Closing(Arc::new(Line::new(gate.clone())));
        let exchanged = self.converse(gate, &line.0, body, key);
        if line.0.stopped() {
            return Err(SendError::Stopped);
        }
        let (answer, over) = exchanged.map_err(|error| named(&error))?;
        if over {
            line.0.hang_up();
        }
        Ok(answer)
    }

    /// Runs the exchange and returns the answer. Also returns whether the exchange ended normally: the receiver has taken the
    /// request, and its whole answer has been read. Only then may the connection be closed normally. Otherwise it must be reset:
    /// the answer may have come early, and the kernel may still hold bytes of the request and would deliver them.
    fn converse(&self, gate: Gate, line: &Arc<Line>, body: &[u8], key: &str) -> Result<(Answer, bool), ureq::Error> {
        let tls = self.tls.clone().zip(self.endpoint.server.clone());
        let encoded = Arc::new(AtomicBool::new(false));
        let status = Arc::new(AtomicU16::new(0));
        let dial = Dial { line: line.clone(), tls, encoded: encoded.clone(), status: status.clone() };
        // An agent could keep state between requests, so each request gets its own agent.
        let agent = Agent::with_parts(self.config.clone(), dial, Names { gate, look_up: self.look_up });
        let response = agent
            .post(&self.endpoint.uri)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .header("Connection", "close")
            .send(body);
        let response = match response {
            // The status was read before the header became too long. It says what happened to the request.
            Err(error) if is_long(&error) && status.load(Ordering::Relaxed) != 0 => {
                let status = status.load(Ordering::Relaxed);
                return Ok((answer(status, None, None, None, None, &[], false), false));
            }
            response => response?,
        };
        let (head, body) = response.into_parts();
        let header = |name| text_of(&head.headers, name);
        // An encoding that isn't text still counts as one. If the HTTP library removed the header, `encoded` says that the
        // connection saw it.
        let encoding = head.headers.get("content-encoding").map(|value| value.to_str().unwrap_or("unreadable"));
        let encoding = encoding.or(encoded.load(Ordering::Relaxed).then_some("taken away"));
        let (mut text, mut whole) = (Vec::new(), false);
        // For any status that is neither a success nor 400, the status alone decides. Reading the body could only lose the
        // answer to a stalled connection. An encoded body is never decoded.
        let status = head.status.as_u16();
        if (head.status.is_success() || status == 400) && encoding.is_none() {
            let most = LONGEST_ANSWER + 1;
            let read = body.into_with_config().limit(most).reader().take(most).read_to_end(&mut text);
            // The status is valid even if the rest of the body does not arrive.
            whole = read.is_ok() && text.len() as u64 <= LONGEST_ANSWER;
        }
        let kind = header("content-type");
        let meaning = answer(status, kind, encoding, header("retry-after"), header("date"), &text, whole);
        let over = whole && matches!(meaning, Answer::Accepted { .. } | Answer::Taken { .. });
        Ok((meaning, over))
    }
}

impl Transport for Http {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let authorization = parcel.authorization();
        let answer = self.exchange(parcel.body(), parcel.idempotency_key(), move || authorization.is_authorized());
        // The connection is closed. A withdrawal may be confirmed only from now on.
        drop(parcel);
        answer
    }
}

/// Resets the connection when it is dropped, however the exchange ends, including by a panic.
struct Closing(Arc<Line>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.reset();
    }
}

fn config(secure: bool, limits: Limits) -> Config {
    // The builder reads the proxy variables of the environment when it is created. So it is created only once, at `init`, and
    // `proxy(None)` discards what it read.
    Agent::config_builder()
        .proxy(None)
        .https_only(secure)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .accept_encoding("identity")
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .max_response_header_size(LONGEST_HEADER)
        .input_buffer_size(line::SLICE)
        .output_buffer_size(line::SLICE)
        .timeout_resolve(Some(limits.resolve))
        .timeout_connect(Some(limits.connect))
        .timeout_send_request(Some(limits.send))
        .timeout_await_100(None)
        .timeout_send_body(Some(limits.send))
        .timeout_recv_response(Some(limits.answer))
        .timeout_recv_body(Some(limits.answer))
        .timeout_global(Some(limits.all))
        .build()
}

/// Whether the error says that an answer's header has more bytes or more fields than the limit.
fn is_long(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::LargeResponseHeader(..) => true,
        // The HTTP library does not export the type of this error, so only its text can be compared.
        ureq::Error::Protocol(error) => error.to_string().contains("too many headers"),
        _ => false,
    }
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Turns an error of the HTTP library into a [`SendError`]. Uses candor's own texts where there are some, and removes misleading
/// characters, because an error may quote what an untrusted receiver sent.
fn named(error: &ureq::Error) -> SendError {
    let text = match error {
        ureq::Error::Timeout(step) => {
            return SendError::TimedOut(match step {
                Timeout::Resolve => "resolve",
                Timeout::Connect => "connect",
                Timeout::SendRequest | Timeout::SendBody => "sending",
                Timeout::RecvResponse => "waiting for the answer",
                Timeout::RecvBody => "reading the answer",
                _ => "all steps together",
            });
        }
        ureq::Error::HostNotFound => "the host has no address".into(),
        ureq::Error::RequireHttpsOnly(_) => "the host is not this computer, and only https may leave it".into(),
        ureq::Error::LargeResponseHeader(..) => "the answer's header is too large".into(),
        ureq::Error::Protocol(_) => "the answer is not HTTP".into(),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => "the request can't be written".into(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => format!("TLS: {error}"),
            None => error.to_string(),
        },
        _ => "the exchange was interrupted".into(),
    };
    SendError::Network(text.chars().filter(|c| !clean::misleads(*c)).take(LONGEST_TEXT).collect())
}
