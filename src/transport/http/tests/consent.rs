//! Consent that is withdrawn before, during and after each step of a request.

use super::*;
use crate::transport::http::line::SLICE;

/// A switch that tests turn off while a request is under way.
#[derive(Clone)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn on() -> Self {
        Switch(Arc::new(AtomicBool::new(true)))
    }

    fn off(&self) {
        self.0.store(false, SeqCst);
    }

    fn is_authorized(&self) -> impl Fn() -> bool + Send + Sync + 'static + use<> {
        let switch = self.0.clone();
        move || switch.load(SeqCst)
    }
}

#[test]
fn without_consent_nobody_is_even_connected_to() {
    let server = Server::answering(OTLP);
    assert_eq!(send(&server.http(), BODY, || false), Err(SendError::Stopped));
    assert_eq!(server.accepted(), 0);
    // Control: with consent, the server is reached.
    let server = Server::answering(OTLP);
    assert_eq!(send(&server.http(), BODY, always), Ok(Answer::Accepted { rejected: 0 }));
    assert_eq!(server.accepted(), 1);
}

/// Reads a little of a body, withdraws consent, and continues reading after the client has returned. Returns the number of
/// bytes that arrived and the client's result.
fn cut_short(body: usize, obeyed: bool) -> (usize, Result<Answer, SendError>) {
    let switch = Switch::on();
    let (seen, received) = mpsc::channel();
    let (returned, go_on) = mpsc::channel::<()>();
    let off = switch.clone();
    let server = Server::new(move |mut stream| {
        let mut first = vec![0; 64 * 1024];
        stream.read_exact(&mut first).unwrap();
        off.off();
        // A client that obeys returns before the server reads more. One that doesn't obey returns only if the server reads
        // on.
        if obeyed {
            go_on.recv_timeout(HANG).unwrap();
        }
        let (mut more, mut buffer) = (0, vec![0; 64 * 1024]);
        while more + first.len() < body {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => more += n,
            }
        }
        let _ = stream.write_all(OTLP.as_bytes());
        seen.send(first.len() + more).unwrap();
    });
    let is_authorized = switch.is_authorized();
    let sent = send(&server.hurried(unhurried()), &vec![b' '; body], move || is_authorized() || !obeyed);
    returned.send(()).unwrap();
    (received.recv_timeout(HANG).unwrap(), sent)
}

#[test]
fn consent_that_ends_within_a_body_stops_it() {
    const LENGTH: usize = 16 << 20;
    let (received, sent) = cut_short(LENGTH, true);
    assert_eq!(sent, Err(SendError::Stopped));
    assert!(received < LENGTH, "all of it arrived");
    // Control: a client that ignores the switch sends everything.
    let (received, sent) = cut_short(LENGTH, false);
    assert_eq!(sent, Ok(Answer::Accepted { rejected: 0 }));
    assert!(received >= LENGTH);
}

#[test]
fn each_check_lets_one_slice_leave_at_most() {
    const LENGTH: usize = 20 * SLICE;
    let receive = || {
        let (seen, received) = mpsc::channel();
        let server = Server::new(move |mut stream| seen.send(read_to_end(&mut stream).0).unwrap());
        (server, received)
    };
    for yeses in 0..12 {
        let (server, received) = receive();
        let left = AtomicUsize::new(yeses);
        let is_authorized = move || left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        assert_eq!(send(&server.http(), &vec![b' '; LENGTH], is_authorized), Err(SendError::Stopped));
        if server.accepted() > 0 {
            let received = received.recv_timeout(HANG).unwrap();
            // One consent check was used for the name lookup and one for the connection.
            assert!(received <= yeses.saturating_sub(2) * SLICE, "{received} bytes for {yeses} yeses");
        }
    }
    // Control: with enough consent checks, everything arrives.
    let (server, received) = receive();
    let sent = send(&server.hurried(hurry()), &vec![b' '; LENGTH], always);
    assert_eq!(sent, Err(SendError::TimedOut("waiting for the answer")));
    assert!(received.recv_timeout(HANG).unwrap() > LENGTH);
}

#[test]
fn consent_that_ends_before_the_answer_resets_the_connection() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    // No answer at all, half a header, half a body. The limits are so long that waiting for any of them would fail the
    // test.
    for said in ["", "HTTP/1.1 200 OK\r\nContent", json] {
        let switch = Switch::on();
        let (seen, ends) = mpsc::channel();
        let off = switch.clone();
        let server = Server::new(move |mut stream| {
            read_request(&mut stream).unwrap();
            stream.write_all(said.as_bytes()).unwrap();
            off.off();
            seen.send(read_to_end(&mut stream)).unwrap();
        });
        assert_eq!(send(&server.hurried(unhurried()), BODY, switch.is_authorized()), Err(SendError::Stopped));
        was_reset(&ends, 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn consent_that_ends_while_connecting_is_noticed() {
    let (address, _listener, _waiting) = crowded();
    let asked = AtomicUsize::new(0);
    let http = Http::with(&format!("http://{address}"), None, None, unhurried(), names::fixed()).unwrap();
    assert_eq!(send(&http, BODY, move || asked.fetch_add(1, SeqCst) < 10), Err(SendError::Stopped));
}

#[test]
fn a_failed_check_is_final() {
    let server = Server::answering(OTLP);
    let asked = AtomicUsize::new(0);
    // Refused once, then allowed again: a grant given in between is a different one, for other data.
    let is_authorized = move || asked.fetch_add(1, SeqCst) != 3;
    assert_eq!(send(&server.http(), &[b' '; 8 * SLICE], is_authorized), Err(SendError::Stopped));
    drop(server);

    let gate = Gate::new({
        let asked = AtomicUsize::new(0);
        move || asked.fetch_add(1, SeqCst) != 0
    });
    assert!(gate.ask().is_err() && gate.ask().is_err() && gate.stopped());
}

#[test]
fn an_answer_that_was_read_counts_even_if_consent_ended_since() {
    let switch = Switch::on();
    let server = Server::answering(OTLP);
    let sent = send(&server.http(), BODY, switch.is_authorized());
    switch.off();
    assert_eq!(sent, Ok(Answer::Accepted { rejected: 0 }));
}

#[test]
fn nothing_of_an_exchange_outlives_it() {
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{}";
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999999\r\n\r\n<html>";
    for said in [OTLP, half, html, "HTTP/1.1 503 Busy\r\n\r\n", "", "nonsense\r\n\r\n"] {
        for is_authorized in [true, false] {
            let server = Server::answering(said);
            let held = Arc::new(());
            let watch = Arc::downgrade(&held);
            let _ = send(&server.hurried(hurry()), BODY, move || {
                let _held = &held;
                is_authorized
            });
            // The consent check belongs to the connection: once the check is dropped, the connection and its socket are
            // gone too.
            assert!(watch.upgrade().is_none(), "{said}");
        }
    }
}

#[test]
fn the_connection_is_gone_when_the_call_returns_even_by_a_panic() {
    let (seen, ends) = mpsc::channel();
    let server = Server::new(move |mut stream| {
        let (_, orderly) = read_to_end(&mut stream);
        seen.send((0, orderly)).unwrap();
    });
    let http = server.http();
    let asked = AtomicUsize::new(0);
    let is_authorized = move || {
        assert!(asked.fetch_add(1, SeqCst) < 4, "a panic on purpose");
        true
    };
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        http.exchange(&[b' '; 8 * SLICE], KEY, is_authorized)
    }));
    assert!(sent.is_err());
    was_reset(&ends, 0);
}
