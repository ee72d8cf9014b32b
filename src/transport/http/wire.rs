//! Connects the HTTP library to a [`Line`]: plain or TLS bytes over one connection.
//!
//! The library writes its requests here and reads its answers here. Every byte, including those of a TLS handshake, passes
//! through the [`Line`], which checks the permit each time. This module never owns a socket and never uses a connection twice.
//!
//! TLS is handled here and not by the library's own connector, for three reasons. That connector takes root certificates only in
//! a form that Mozilla's list doesn't have. It panics if a provider lacks a protocol version. It hides a failed write until the
//! next call. TLS's `close_notify` is not sent: the answer shows that the request arrived, and the request said that it is the
//! only one on this connection.

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

/// Opens the connection of one exchange.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) line: Arc<Line>,
    /// The TLS settings and the name that the certificate must have. `None` only for this computer.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Set when the answer's header names an encoding. If the host program has enabled the library's decompression, the library
    /// removes that line from the header. Compressed data from an untrusted receiver must not be decompressed.
    pub(super) encoded: Arc<AtomicBool>,
    /// The status of the answer as soon as its first line has been read; 0 before. It is valid whatever happens to the rest of
    /// the header.
    pub(super) status: Arc<AtomicU16>,
}

impl Connector<()> for Dial {
    type Out = Wire;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wire>, Error> {
        if details.needs_tls() != self.tls.is_some() {
            return Err(Error::TlsRequired);
        }
        // A name such as `localhost` may resolve to another computer.
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

/// The connection as the HTTP library uses it.
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
        // A header stays in the buffer until it is complete. So a line that is split over two reads is not missed.
        if names_an_encoding(self.buffers.input()) {
            self.encoded.store(true, Ordering::Relaxed);
        }
        // A 1xx only announces an answer.
        if self.status.load(Ordering::Relaxed) == 0
            && let Some(status) = status_in(self.buffers.input()).filter(|status| *status >= 200)
        {
            self.status.store(status, Ordering::Relaxed);
        }
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // The connection is never kept for another request.
        false
    }

    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// Sends the bytes that TLS has ready.
fn flush(tls: &mut ClientConnection, timed: &mut Timed<'_>) -> Result<(), Error> {
    while tls.wants_write() {
        tls.write_tls(timed)?;
    }
    Ok(())
}

/// Reads until there are decrypted bytes, or the receiver has closed the connection. Returns how many bytes there are; 0 if
/// it has closed.
fn receive(tls: &mut ClientConnection, timed: &mut Timed<'_>, input: &mut [u8]) -> Result<usize, Error> {
    loop {
        match tls.reader().read(input) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Ok(done?),
        }
        tls.read_tls(timed)?;
        tls.process_new_packets()?;
        // A receiver may ask for new keys; TLS must answer that.
        flush(tls, timed)?;
    }
}

/// Whether a line of the header is a `Content-Encoding`.
fn names_an_encoding(input: &[u8]) -> bool {
    const NAME: &[u8] = b"content-encoding";
    input
        .split(|&byte| byte == b'\n')
        .skip(1)
        .any(|line| line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME)))
}

/// The status in the first line of an answer (RFC 9112, section 4). `None` if the line is incomplete or not HTTP/1.
fn status_in(input: &[u8]) -> Option<u16> {
    let rest = input.strip_prefix(b"HTTP/1.")?;
    let [minor, b' ', code @ ..] = rest else { return None };
    let [code @ .., after] = code.get(..4)? else { return None };
    let is_one = minor.is_ascii_digit() && matches!(after, b' ' | b'\r' | b'\n') && code.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(code).ok().filter(|_| is_one)?.parse().ok()
}

/// A connection with a time limit, as a stream.
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
