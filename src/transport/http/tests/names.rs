//! Name lookups that return wrong addresses, hang or accumulate.

use super::*;
use std::sync::{Condvar, Mutex};

/// A lookup with one fixed answer. It has its own counter, so that tests don't wait for each other.
pub(super) fn finding(find: fn(&str, u16) -> io::Result<Vec<SocketAddr>>) -> LookUp {
    LookUp { find, busy: Box::leak(Box::new(AtomicUsize::new(0))) }
}

/// Resolves every name to this computer.
pub(super) fn fixed() -> LookUp {
    finding(|_, port| Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]))
}

fn at(port: u16, limits: Limits, look_up: LookUp) -> Http {
    Http::with(&format!("http://localhost:{port}"), None, None, limits, look_up).unwrap()
}

#[test]
fn the_systems_look_up_finds_this_computer() {
    let server = Server::answering(OTLP);
    let http = Http::new(&format!("http://localhost:{}/", server.address.port()), None, None).unwrap();
    assert_eq!(http.endpoint.url, format!("http://localhost:{}/v1/logs", server.address.port()));
    assert_eq!(send(&http, BODY, always), Ok(Answer::Accepted { rejected: 0 }));
}

#[test]
fn addresses_are_not_looked_up() {
    let server = Server::answering(OTLP);
    let look_up = finding(|_, _| panic!("looked up"));
    let http = Http::with(&format!("http://{}", server.address), None, None, Limits::default(), look_up).unwrap();
    assert_eq!(send(&http, BODY, always), Ok(Answer::Accepted { rejected: 0 }));
}

#[test]
fn a_name_that_leads_away_from_this_computer_is_not_followed() {
    for find in [
        (|_, port| Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))])) as fn(&str, u16) -> _,
        // One address outside loopback is enough for a refusal, even among loopback addresses.
        |_, port| Ok(vec![SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([0, 0, 0, 0], port))]),
        |_, port| Ok(vec![SocketAddr::from(([0, 0, 0, 0], port))]),
    ] {
        let server = Server::answering(OTLP);
        let text = broke_off(send(&at(server.address.port(), Limits::default(), finding(find)), BODY, always));
        assert!(text.contains("not this computer"), "{text}");
        assert_eq!(server.accepted(), 0);
    }
    // Control: the last address does lead to the server, and only the rule prevented the connection.
    let server = Server::answering(OTLP);
    assert!(TcpStream::connect(("0.0.0.0", server.address.port())).is_ok() || cfg!(not(target_os = "linux")));
}

#[test]
fn names_without_an_address_are_told_as_such() {
    for find in [
        (|_, _| Ok(vec![])) as fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
        |_, _| Err(io::Error::other("no such host")),
        |_, _| panic!("a resolver's plug-in"),
    ] {
        let look_up = finding(find);
        broke_off(send(&at(1, Limits::default(), look_up), BODY, always));
        freed(look_up);
    }
}

#[test]
fn the_next_address_is_tried() {
    // No server listens on the second loopback address.
    let find: fn(&str, u16) -> _ =
        |_, port| Ok([[127, 0, 0, 2], [127, 0, 0, 3], [127, 0, 0, 1]].map(|ip| SocketAddr::from((ip, port))).to_vec());
    let server = Server::answering(OTLP);
    let sent = send(&at(server.address.port(), Limits::default(), finding(find)), BODY, always);
    assert_eq!(sent, Ok(Answer::Accepted { rejected: 0 }));
}

/// Lookups that hang until they are released.
struct Hanging {
    go: Mutex<bool>,
    changed: Condvar,
}

impl Hanging {
    const fn new() -> Self {
        Hanging { go: Mutex::new(false), changed: Condvar::new() }
    }

    fn wait(&self) -> io::Result<Vec<SocketAddr>> {
        let go = self.go.lock().unwrap();
        drop(self.changed.wait_timeout_while(go, HANG, |go| !*go).unwrap());
        Ok(vec![])
    }

    fn release(&self, look_up: LookUp) {
        *self.go.lock().unwrap() = true;
        self.changed.notify_all();
        freed(look_up);
    }
}

/// Waits until no lookup is running.
fn freed(look_up: LookUp) {
    let began = instant();
    while look_up.busy.load(SeqCst) > 0 {
        assert!(began.elapsed() < HANG, "a look-up never ended");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn look_ups_that_hang_are_left_and_never_more_than_two() {
    static HANGING: Hanging = Hanging::new();
    let look_up = finding(|_, _| HANGING.wait());
    let http = at(1, Limits { resolve: SHORT, ..unhurried() }, look_up);
    for _ in 0..2 {
        assert_eq!(send(&http, BODY, always), Err(SendError::TimedOut("resolve")));
    }
    for _ in 0..5 {
        assert!(broke_off(send(&http, BODY, always)).contains("look-ups"));
        assert_eq!(look_up.busy.load(SeqCst), 2);
    }
    // When the system gives up on a lookup, another one may start.
    HANGING.release(look_up);
    assert!(broke_off(send(&http, BODY, always)).contains("no address"));
}

#[test]
fn consent_that_ends_during_a_look_up_is_noticed() {
    static HANGING: Hanging = Hanging::new();
    let look_up = finding(|_, _| HANGING.wait());
    // Consent holds until the lookup hangs.
    let is_authorized = move || look_up.busy.load(SeqCst) == 0;
    assert_eq!(send(&at(1, unhurried(), look_up), BODY, is_authorized), Err(SendError::Stopped));
    HANGING.release(look_up);
}
