//! Tests of the connection type alone, so that the HTTP library's buffers can't hide its behavior.

use super::*;
use crate::transport::http::line::{SLICE, Until};
use ureq::unversioned::transport::NextTimeout;

fn soon() -> Until {
    Until::new(NextTimeout { after: HANG.into(), ..NextTimeout::default() })
}

/// Opens a connection to a receiver that reports the number of bytes and how the connection ended. Also returns the consent
/// switch.
fn open() -> (Line, Arc<AtomicBool>, Server, mpsc::Receiver<(usize, bool)>) {
    let (seen, ends) = mpsc::channel();
    let server = Server::new(move |mut stream| seen.send(read_to_end(&mut stream)).unwrap());
    let is_authorized = Arc::new(AtomicBool::new(true));
    let asked = is_authorized.clone();
    let line = Line::new(Gate::new(move || asked.load(SeqCst)));
    line.open(&[server.address], soon()).unwrap();
    // On Windows, a connection that is reset before it is accepted never becomes a connection.
    while server.accepted.load(SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    (line, is_authorized, server, ends)
}

#[test]
fn no_more_than_a_slice_goes_at_once() {
    let (line, _authorized, _server, ends) = open();
    let written = line.write(&vec![0; 1 << 20], soon()).unwrap();
    assert!((1..=SLICE).contains(&written), "{written}");
    line.hang_up();
    assert_eq!(ends.recv_timeout(HANG), Ok((written, true)));
}

/// A linger time of zero makes closing the socket a reset, on every system.
#[test]
fn a_line_lingers_for_no_time_until_it_is_hung_up() {
    let (line, _authorized, _server, ends) = open();
    assert_eq!(line.lingers(), Some(Duration::ZERO));
    line.hang_up();
    assert_eq!(ends.recv_timeout(HANG), Ok((0, true)));
}

#[test]
fn the_end_of_consent_resets_at_once_and_for_good() {
    for reading in [true, false] {
        let (line, is_authorized, _server, ends) = open();
        is_authorized.store(false, SeqCst);
        let refused = if reading { line.read(&mut [0; 16], soon()) } else { line.write(b"bytes", soon()) };
        assert!(refused.is_err() && line.stopped());
        // The `Line` value still exists; its network connection does not.
        was_reset(&ends, 0);
        is_authorized.store(true, SeqCst);
        assert!(line.write(b"bytes", soon()).is_err() && line.read(&mut [0; 16], soon()).is_err());
    }
}

/// A process that was forked in the meantime also holds the connection for as long as it lives. Closing only this process's
/// copy would leave the connection open, and the kernel would still send its buffered data.
#[cfg(unix)]
#[test]
fn a_child_that_has_the_connection_does_not_keep_it() {
    for how in ["consent ends", "reset", "hang up"] {
        let (line, is_authorized, _server, ends) = open();
        line.share_with_children();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        match how {
            "consent ends" => {
                is_authorized.store(false, SeqCst);
                assert!(line.write(b"bytes", soon()).is_err());
            }
            "reset" => line.reset(),
            _ => line.hang_up(),
        }
        let ended = ends.recv_timeout(HANG / 2);
        let lives = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(lives, "the child was there all the time");
        assert_eq!(ended, Ok((0, how == "hang up")), "{how}");
    }
}

#[test]
fn a_closed_line_carries_nothing() {
    let (line, _authorized, _server, ends) = open();
    line.reset();
    was_reset(&ends, 0);
    assert!(line.write(b"bytes", soon()).is_err() && line.read(&mut [0; 16], soon()).is_err());
    line.hang_up();
    line.reset();
    assert!(!line.stopped());
}
