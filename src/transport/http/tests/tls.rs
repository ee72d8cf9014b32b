//! Certificates that must not be trusted, and sessions that must not be resumed.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    HandshakeKind, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> Option<Vec<Vec<u8>>> {
        Some(vec![self.0.der().to_vec()])
    }

    /// Settings of a server whose certificate names this host.
    fn server(&self, host: &str, expired: bool, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = if expired { date_time_ymd(2021, 1, 1) } else { date_time_ymd(4000, 1, 1) };
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let settings = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
        let mut settings =
            settings.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        // Allow clients to resume a session, in either TLS version.
        settings.send_tls13_tickets = 4;
        Arc::new(settings)
    }
}

/// What a server saw of one connection: the kind of handshake, if one was completed, and the number of application bytes.
type Seen = (Option<HandshakeKind>, usize);

fn serve(settings: Arc<ServerConfig>) -> (Server, mpsc::Receiver<Seen>) {
    let (seen, connections) = mpsc::channel();
    let server = Server::new(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(settings.clone()).unwrap(), stream);
        let mut count = 0;
        if let Ok(request) = read_request(&mut stream) {
            count = request.body.len();
            let _ = stream.write_all(OTLP.as_bytes());
        }
        let kind = stream.conn.handshake_kind().filter(|_| !stream.conn.is_handshaking());
        // Bytes beyond a whole request count too.
        count += read_to_end(&mut stream).0;
        seen.send((kind, count)).unwrap();
    });
    (server, connections)
}

fn client(server: &Server, host: &str, roots: Option<Vec<Vec<u8>>>, limits: Limits) -> Http {
    let url = format!("https://{host}:{}", server.address.port());
    Http::with(&url, Some(provider()), roots, limits, names::fixed()).unwrap()
}

#[test]
fn a_receiver_with_the_right_certificate_gets_the_request() {
    for version in [&TLS12, &TLS13] {
        for host in ["telemetry.example", "127.0.0.1"] {
            let authority = Authority::new();
            let (server, connections) = serve(authority.server(host, false, version));
            let http = client(&server, host, authority.root(), Limits::default());
            let body = vec![b' '; 1_000_000];
            assert_eq!(send(&http, &body, always), Ok(Answer::Accepted { rejected: 0 }));
            assert_eq!(connections.recv_timeout(HANG), Ok((Some(HandshakeKind::Full), body.len())));
        }
    }
}

#[test]
fn a_receiver_that_is_not_the_one_meant_gets_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let host = "telemetry.example";
    for version in [&TLS12, &TLS13] {
        for (case, settings, roots) in [
            ("another host's", authority.server("other.example", false, version), authority.root()),
            ("a parent's", authority.server("example", false, version), authority.root()),
            ("expired", authority.server(host, true, version), authority.root()),
            ("of an unknown authority", other.server(host, false, version), authority.root()),
            // An authority that is not among Mozilla's roots either.
            ("of an authority not built in", authority.server(host, false, version), None),
        ] {
            let (server, connections) = serve(settings);
            let text = broke_off(send(&client(&server, host, roots, Limits::default()), BODY, always));
            assert!(text.contains("certificate"), "{case}: {text}");
            let (_, bytes) = connections.recv_timeout(HANG).unwrap();
            assert_eq!(bytes, 0, "{case}: some of the request arrived");
        }
    }
}

#[test]
fn sessions_are_not_resumed() {
    for version in [&TLS12, &TLS13] {
        let authority = Authority::new();
        let (server, connections) = serve(authority.server("telemetry.example", false, version));
        let mut http = client(&server, "telemetry.example", authority.root(), Limits::default());
        let kinds = |http: &Http| {
            [(); 3].map(|()| {
                send(http, BODY, always).unwrap();
                connections.recv_timeout(HANG).unwrap().0.unwrap()
            })
        };
        assert_eq!(kinds(&http), [HandshakeKind::Full; 3]);
        // Control: this server would have resumed the sessions.
        let mut forgetless = ClientConfig::clone(http.tls.as_deref().unwrap());
        forgetless.resumption = rustls::client::Resumption::in_memory_sessions(8);
        http.tls = Some(Arc::new(forgetless));
        assert!(kinds(&http).contains(&HandshakeKind::Resumed));
    }
}

#[test]
fn what_is_not_tls_gets_nothing() {
    let (seen, connections) = mpsc::channel();
    let server = Server::new(move |mut stream| {
        let mut first = vec![0; 4096];
        let n = stream.read(&mut first).unwrap();
        first.truncate(n);
        let _ = stream.write_all(OTLP.as_bytes());
        read_to_end(&mut stream);
        seen.send(first).unwrap();
    });
    broke_off(send(&client(&server, "telemetry.example", None, Limits::default()), BODY, always));
    let first = connections.recv_timeout(HANG).unwrap();
    assert!(!first.windows(4).any(|four| four == b"POST"), "the request went out in the clear");
    assert_eq!(first.first(), Some(&22), "not a TLS handshake");
}

#[test]
fn a_handshake_does_not_last_for_ever_nor_outlast_consent() {
    let stalling = || {
        Server::new(|mut stream| {
            read_to_end(&mut stream);
        })
    };
    let server = stalling();
    let http = client(&server, "telemetry.example", None, Limits { connect: SHORT, ..unhurried() });
    assert_eq!(send(&http, BODY, always), Err(SendError::TimedOut("connect")));

    let server = stalling();
    let http = client(&server, "telemetry.example", None, unhurried());
    let asked = AtomicUsize::new(0);
    assert_eq!(send(&http, BODY, move || asked.fetch_add(1, SeqCst) < 10), Err(SendError::Stopped));
}

/// Withdraws consent when the receiver has read a little. Returns the number of bytes the receiver got, and the sender's
/// result.
fn cut_short(obeyed: bool) -> (usize, Result<Answer, SendError>) {
    const LENGTH: usize = 8 << 20;
    let authority = Authority::new();
    let settings = authority.server("telemetry.example", false, &TLS13);
    let is_authorized = Arc::new(AtomicBool::new(true));
    let (seen, received) = mpsc::channel();
    let (returned, go_on) = mpsc::channel::<()>();
    let off = is_authorized.clone();
    let server = Server::new(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(settings.clone()).unwrap(), stream);
        let mut first = vec![0; 64 * 1024];
        stream.read_exact(&mut first).unwrap();
        off.store(false, SeqCst);
        if obeyed {
            go_on.recv_timeout(HANG).unwrap();
        }
        let mut all = first.len();
        while let Ok(n @ 1..) = stream.read(&mut first) {
            all += n;
            if all >= LENGTH {
                let _ = stream.write_all(OTLP.as_bytes());
                break;
            }
        }
        seen.send(all).unwrap();
    });
    let http = client(&server, "telemetry.example", authority.root(), unhurried());
    let sent = send(&http, &vec![b' '; LENGTH], move || is_authorized.load(SeqCst) || !obeyed);
    returned.send(()).unwrap();
    let received = received.recv_timeout(HANG).unwrap();
    assert_eq!(received >= LENGTH, !obeyed, "{received}");
    (received, sent)
}

#[test]
fn consent_that_ends_under_tls_comes_out_as_such() {
    assert_eq!(cut_short(true).1, Err(SendError::Stopped));
    // Control: without the withdrawal taking effect, the result is another one.
    assert!(!matches!(cut_short(false).1, Err(SendError::Stopped)));
}

#[test]
fn the_end_of_a_receiver_that_hangs_up_rudely_is_no_panic() {
    let authority = Authority::new();
    let settings = authority.server("telemetry.example", false, &TLS13);
    // During the handshake, and after it.
    for handshake in [false, true] {
        let settings = settings.clone();
        let server = Server::new(move |stream| {
            let mut stream = StreamOwned::new(ServerConnection::new(settings.clone()).unwrap(), stream);
            if handshake {
                let _ = read_request(&mut stream);
                let _ = stream.write_all(&OTLP.as_bytes()[..20]);
            }
            socket2::SockRef::from(&stream.sock).set_linger(Some(Duration::ZERO)).unwrap();
        });
        broke_off(send(&client(&server, "telemetry.example", authority.root(), Limits::default()), BODY, always));
    }
}

#[test]
fn roots_that_can_not_be_used_are_told_at_once() {
    for roots in [vec![], vec![vec![]], vec![b"not a certificate".to_vec()]] {
        let error = Http::new("https://telemetry.example", Some(provider()), Some(roots)).unwrap_err();
        assert!(error.to_string().contains("root certificate"), "{error}");
    }
}
