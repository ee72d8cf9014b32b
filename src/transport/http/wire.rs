//! The seam to the HTTP library: plain or TLS bytes over a [`Line`].
//!
//! The library writes its requests here and reads its answers here; every byte, those of a TLS handshake too, goes
//! through the line and its questions. Nothing in this file owns a socket, and no connection is used twice.
//!
//! TLS is driven here rather than by the library's own connector, which takes root certificates only in a form that
//! Mozilla's list doesn't have, panics where a provider lacks a protocol version, and hides a failed write until the
//! next call. TLS's own farewell is left out: the answer has said that the request arrived, and the request that this
//! connection carries no other.

use super::line::{Line, SLICE, Until};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
};
use ureq::{
    Error,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport},
};

/// Connects the line of one exchange.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) line: Arc<Line>,
    /// TLS settings and whom the certificate must name; `None` for this computer only.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Set when the answer's header names an encoding. The library takes that line out of the header where the host has
    /// switched on its decompression, and a stranger's compressed data is not to be touched.
    pub(super) encoded: Arc<AtomicBool>,
    /// The status of the answer as soon as its first line is there; 0 before. It stands, however the rest of the header ends.
    pub(super) status: Arc<AtomicU16>,
}

impl Connector<()> for Dial {
    type Out = Wire;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wire>, Error> {
        if details.needs_tls() != self.tls.is_some() {
            return Err(Error::TlsRequired);
        }
        // A name that is said to be this computer's may lead elsewhere.
        if self.tls.is_none() && details.addrs.iter().any(|address| !address.ip().is_loopback()) {
            return Err(Error::RequireHttpsOnly(String::new()));
        }
        let until = Until::new(details.timeout);
        self.line.open(&details.addrs, until)?;
        let tls = match &self.tls {
            None => None,
            Some((settings, server)) => {
                let mut tls = ClientConnection::new(settings.clone(), server.clone())?;
                tls.complete_io(&mut Timed { line: &self.line, until })?;
                Some(Box::new(tls))
            }
        };
        let (line, buffers) = (self.line.clone(), LazyBuffers::new(SLICE, SLICE));
        Ok(Some(Wire { line, tls, encoded: self.encoded.clone(), status: self.status.clone(), buffers }))
    }
}

/// The line as the HTTP library sees it.
#[derive(Debug)]
pub(super) struct Wire {
    line: Arc<Line>,
    tls: Option<Box<ClientConnection>>,
    encoded: Arc<AtomicBool>,
    status: Arc<AtomicU16>,
    buffers: LazyBuffers,
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let mut timed = Timed { line: &self.line, until: Until::new(limit.for_write()) };
        let output = self.buffers.output();
        let output = output.get(..amount).unwrap_or(output);
        match &mut self.tls {
            None => timed.write_all(output)?,
            Some(tls) => {
                tls.writer().write_all(output)?;
                flush(tls, &mut timed)?;
            }
        }
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        let mut timed = Timed { line: &self.line, until: Until::new(limit.for_read()) };
        let input = self.buffers.input_append_buf();
        let amount = match &mut self.tls {
            None => timed.read(input)?,
            Some(tls) => receive(tls, &mut timed, input)?,
        };
        self.buffers.input_appended(amount);
        // A header stays in the buffer until all of it is there, so no line is missed at the seam of two reads.
        if names_an_encoding(self.buffers.input()) {
            self.encoded.store(true, Ordering::Relaxed);
        }
        // What only announces an answer is none.
        if self.status.load(Ordering::Relaxed) == 0
            && let Some(status) = status_in(self.buffers.input()).filter(|status| *status >= 200)
        {
            self.status.store(status, Ordering::Relaxed);
        }
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // Never kept for another request.
        false
    }

    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// Sends what TLS has ready.
fn flush(tls: &mut ClientConnection, timed: &mut Timed<'_>) -> Result<(), Error> {
    while tls.wants_write() {
        tls.write_tls(timed)?;
    }
    Ok(())
}

/// Reads until there is something to hand on, or the receiver has closed.
fn receive(tls: &mut ClientConnection, timed: &mut Timed<'_>, input: &mut [u8]) -> Result<usize, Error> {
    loop {
        match tls.reader().read(input) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Ok(done?),
        }
        tls.read_tls(timed)?;
        tls.process_new_packets()?;
        // A receiver may ask for new keys; that much it is told.
        flush(tls, timed)?;
    }
}

/// Whether a line of a header is a `Content-Encoding`.
fn names_an_encoding(input: &[u8]) -> bool {
    const NAME: &[u8] = b"content-encoding";
    input
        .split(|&byte| byte == b'\n')
        .skip(1)
        .any(|line| line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME)))
}

/// The status in the first line of an answer (RFC 9112, section 4).
fn status_in(input: &[u8]) -> Option<u16> {
    let rest = input.strip_prefix(b"HTTP/1.")?;
    let [minor, b' ', code @ ..] = rest else { return None };
    let [code @ .., after] = code.get(..4)? else { return None };
    let is_one = minor.is_ascii_digit() && matches!(after, b' ' | b'\r' | b'\n') && code.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(code).ok().filter(|_| is_one)?.parse().ok()
}

/// The line with a limit, as a stream.
struct Timed<'l> {
    line: &'l Line,
    until: Until,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.line.read(buffer, self.until).map_err(Error::into_io)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.write(bytes, self.until).map_err(Error::into_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{names_an_encoding, status_in};

    #[test]
    fn the_status_is_read_from_the_first_line_alone() {
        for (input, expected) in [
            ("HTTP/1.1 200 OK\r\nDate: x", Some(200)),
            ("HTTP/1.0 503\r\n", Some(503)),
            ("HTTP/1.1 204 ", Some(204)),
            ("HTTP/1.1 200", None),
            ("HTTP/1.1 2000 OK", None),
            ("HTTP/2 200 OK", None),
            ("HTTP/1.1 +20 OK", None),
            ("HTTP/1.1  200 OK", None),
            ("SSH-2.0-x HTTP/1.1 200 OK", None),
            ("", None),
        ] {
            assert_eq!(status_in(input.as_bytes()), expected, "{input}");
        }
    }

    #[test]
    fn encodings_are_seen_wherever_a_header_names_them() {
        for (input, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", true),
            ("HTTP/1.1 200 OK\ncontent-encoding:br\n\n", true),
            ("HTTP/1.1 200 OK\r\nDate: x\r\nCONTENT-ENCODING: identity\r\n", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nX-Content-Encoding: gzip\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nAccept-Encoding: gzip\r\nContent-Encod", false),
            ("HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":{\"errorMessage\":\"content-encoding\"}}", false),
            ("", false),
        ] {
            assert_eq!(names_an_encoding(input.as_bytes()), expected, "{input}");
        }
    }
}
