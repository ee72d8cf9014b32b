//! Receivers that answer wrongly, too much, too slowly or not at all.

use super::*;

#[test]
fn the_request_is_what_it_says_and_no_more() {
    let (seen, requests) = mpsc::channel();
    let server = Server::new(move |mut stream| {
        let request = read_request(&mut stream).unwrap();
        stream.write_all(OTLP.as_bytes()).unwrap();
        seen.send((request, read_to_end(&mut stream))).unwrap();
    });
    let http = server.http();
    assert_eq!(send(&http, BODY, always), Ok(Answer::Accepted { rejected: 0 }));
    let (request, (more, in_good_order)) = requests.recv_timeout(HANG).unwrap();
    assert_eq!(request.body, BODY);
    assert_eq!(request.head[0], "POST /v1/logs HTTP/1.1");
    let mut head: Vec<String> = request.head[1..].iter().map(|line| line.to_lowercase()).collect();
    head.sort();
    assert_eq!(
        head,
        [
            "accept-encoding: identity".to_owned(),
            "accept: application/json".into(),
            "connection: close".into(),
            format!("content-length: {}", BODY.len()),
            "content-type: application/json".into(),
            format!("host: {}", server.address),
            format!("idempotency-key: {KEY}"),
            format!("user-agent: candor/{}", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert_eq!((more, in_good_order), (0, true), "an exchange that is over ends in good order");
}

#[test]
fn a_large_body_arrives_whole() {
    let body: Vec<u8> = (0..3_000_001_u32).map(|n| (n % 251) as u8).collect();
    let (seen, requests) = mpsc::channel();
    let server = Server::new(move |mut stream| {
        seen.send(read_request(&mut stream).unwrap().body).unwrap();
        stream.write_all(OTLP.as_bytes()).unwrap();
    });
    assert_eq!(send(&server.http(), &body, always), Ok(Answer::Accepted { rejected: 0 }));
    assert!(requests.recv_timeout(HANG).unwrap() == body);
}

#[test]
fn nothing_is_kept_from_one_request_to_the_next() {
    let (seen, requests) = mpsc::channel();
    let server = Server::new(move |mut stream| {
        seen.send(read_request(&mut stream).unwrap().head).unwrap();
        let cookie = OTLP.replace("\r\n\r\n", "\r\nSet-Cookie: id=42; Path=/\r\nETag: \"42\"\r\n\r\n");
        stream.write_all(cookie.as_bytes()).unwrap();
    });
    let http = server.http();
    for _ in 0..2 {
        assert_eq!(send(&http, BODY, always), Ok(Answer::Accepted { rejected: 0 }));
    }
    assert_eq!(requests.recv_timeout(HANG).unwrap(), requests.recv_timeout(HANG).unwrap());
    assert_eq!(server.accepted(), 2, "each request has a connection of its own");
}

#[test]
fn nothing_is_sent_for_nothing() {
    let server = Server::answering(OTLP);
    broke_off(send(&server.http(), b"", always));
    assert!(matches!(server.http().exchange(BODY, "a\r\nX-Evil: 1", always), Err(SendError::Network(_))));
    assert_eq!(server.accepted(), 0);
}

#[test]
fn answers_are_judged() {
    let seconds = |n| Some(Duration::from_secs(n));
    let (accepted, json) = (Answer::Accepted { rejected: 0 }, "Content-Type: application/json");
    let taken = Answer::Taken { rejected: 0 };
    for (head, body, expected) in [
        (format!("200 OK\r\n{json}"), "{}", accepted.clone()),
        (format!("202 Later\r\n{json}; charset=utf-8"), "{\"partialSuccess\":null}", accepted.clone()),
        ("200 OK\r\nContent-Type: text/html".into(), "<html>Welcome</html>", Answer::NotOtlp),
        ("200 OK\r\nContent-Type: text/html".into(), "{}", Answer::NotOtlp),
        (format!("200 OK\r\n{json}"), "<html>Welcome</html>", Answer::NotOtlp),
        (format!("200 OK\r\n{json}\r\nContent-Encoding: br"), "{}", taken.clone()),
        (format!("200 OK\r\n{json}\r\nContent-Encoding: \u{fc}"), "{}", taken.clone()),
        ("200 OK".into(), "{}", taken.clone()),
        ("204 No Content".into(), "", taken.clone()),
        ("301 Moved\r\nLocation: /elsewhere".into(), "", Answer::Redirected),
        ("304 Not Modified".into(), "", Answer::Redirected),
        (format!("400 Bad Request\r\n{json}"), "{\"code\":3}", Answer::Rejected),
        (format!("400 Bad Request\r\n{json}"), "{}", Answer::Refused),
        ("422 No".into(), "", Answer::Rejected),
        ("403 Forbidden".into(), "no", Answer::Refused),
        ("410 Gone".into(), "", Answer::Gone),
        ("413 Too Large".into(), "", Answer::TooLarge),
        ("429 Slow Down\r\nRetry-After: 120".into(), "{}", Answer::Busy { retry_after: seconds(120) }),
        ("500 Oops\r\nRetry-After: x".into(), "oops", Answer::ServerError { retry_after: None }),
        (
            "503 Busy\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nRetry-After: Sun, 22 Nov 2026 10:01:00 GMT".into(),
            "",
            Answer::Busy { retry_after: seconds(60) },
        ),
        (format!("799 What\r\n{json}"), "{}", Answer::NotOtlp),
    ] {
        let length = body.len();
        let server = Server::answering(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}"));
        assert_eq!(send(&server.http(), BODY, always), Ok(expected), "{head}");
    }
    // Every way to mark the end of the body, and every kind of output before the answer.
    for answer in [
        format!("HTTP/1.1 200 OK\r\n{json}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"),
        format!("HTTP/1.1 100 Continue\r\n\r\n{OTLP}"),
    ] {
        let server = Server::answering(answer);
        assert_eq!(send(&server.http(), BODY, always), Ok(accepted.clone()));
    }
    let server = Server::new(move |mut stream| {
        read_request(&mut stream).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\n{json}\r\n\r\n{{}}").unwrap();
    });
    assert_eq!(send(&server.http(), BODY, always), Ok(accepted));
}

#[test]
fn only_a_receipt_ends_in_good_order() {
    for (answer, expected) in [
        (OTLP, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", true),
        ("HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", false),
    ] {
        let (seen, ends) = mpsc::channel();
        let server = Server::new(move |mut stream| {
            read_request(&mut stream).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            seen.send(read_to_end(&mut stream).1).unwrap();
        });
        send(&server.http(), BODY, always).unwrap();
        assert_eq!(ends.recv_timeout(HANG), Ok(expected), "{answer}");
    }
}

#[test]
fn redirects_are_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::answering(OTLP);
        let server = Server::answering(format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://{}/v1/logs\r\nContent-Length: 0\r\n\r\n",
            other.address
        ));
        assert_eq!(send(&server.http(), BODY, always), Ok(Answer::Redirected));
        assert_eq!(server.accepted(), 1);
        assert_eq!(other.accepted(), 0, "{status}");
    }
    // Control: a connection to the other server would have been seen.
    let other = Server::answering(OTLP);
    send(&other.http(), BODY, always).unwrap();
    assert_eq!(other.accepted(), 1);
}

#[test]
fn no_answer_is_read_for_ever() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    for (head, again) in [
        (format!("{json}\r\n"), " ".repeat(1000)),
        (format!("{json}Content-Length: 999999999999\r\n\r\n"), " ".repeat(1000)),
        (format!("{json}Transfer-Encoding: chunked\r\n\r\n"), format!("3e8\r\n{}\r\n", " ".repeat(1000))),
        ("HTTP/1.1 200 OK\r\n".into(), "X-More: and more\r\n".into()),
        ("HTTP/1.1 200 OK\r\nX-Long: ".into(), "a".repeat(1000)),
        ("HTTP".into(), "P".repeat(1000)),
        (String::new(), "HTTP/1.1 102 Processing\r\n\r\n".into()),
    ] {
        let (seen, written) = mpsc::channel();
        let (first, more) = (head.clone(), again.clone());
        let server = Server::new(move |mut stream| {
            read_request(&mut stream).unwrap();
            stream.write_all(first.as_bytes()).unwrap();
            let mut count = 0_usize;
            while stream.write_all(more.as_bytes()).is_ok() {
                count += more.len();
            }
            seen.send(count).unwrap();
        });
        match send(&server.hurried(hurry()), BODY, always) {
            Ok(answer) => {
                assert!(answer == Answer::Taken { rejected: 0 } && head.starts_with("HTTP/1.1 200 "), "{head}")
            }
            Err(SendError::Network(text)) => {
                assert!(text == "the answer's header is too large" || text == "the answer is not HTTP", "{text}");
            }
            // Interim answers, which only announce another one, are skipped. How many arrive in time depends on the
            // machine's speed.
            Err(error) => assert!(error == SendError::TimedOut("waiting for the answer") && head.is_empty(), "{head}"),
        }
        // The test checks that the exchange ended.
        written.recv_timeout(HANG).unwrap();
    }
}

/// Whether the receiver took the request does not depend on what else it answers.
#[test]
fn a_header_that_is_too_long_leaves_the_status_what_it_is() {
    let long = format!("X-Long: {}\r\n", "a".repeat(20_000));
    let many: String = (0..300).map(|number| format!("X-{number}: 1\r\n")).collect();
    for header in [long, many] {
        for (status, expected) in [
            ("200 OK", Answer::Taken { rejected: 0 }),
            ("503 Busy", Answer::Busy { retry_after: None }),
            ("401 No", Answer::Refused),
            ("302 Found", Answer::Redirected),
        ] {
            let text = format!("HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\n\r\n");
            let server = Server::new(move |mut stream| {
                read_request(&mut stream).unwrap();
                let _ = stream.write_all(text.as_bytes());
            });
            assert_eq!(send(&server.http(), BODY, always), Ok(expected), "{status}");
        }
    }
}

#[test]
fn the_longest_answer_is_read_and_no_longer() {
    for (length, expected) in [
        (LONGEST_ANSWER, Answer::Accepted { rejected: 0 }),
        (LONGEST_ANSWER + 1, Answer::Taken { rejected: 0 }),
        (LONGEST_ANSWER * 3, Answer::Taken { rejected: 0 }),
    ] {
        let spaces = " ".repeat(usize::try_from(length).unwrap() - 2);
        let server = Server::answering(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{}}{spaces}"
        ));
        assert_eq!(send(&server.http(), BODY, always), Ok(expected), "{length}");
    }
}

#[test]
fn compressed_answers_are_never_unpacked() {
    let mut answer =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
            .to_vec();
    // `{}`, compressed with gzip.
    answer.extend([31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0]);
    let server = Server::answering(answer);
    // Decompressed, it would be an OTLP response.
    assert_eq!(send(&server.http(), BODY, always), Ok(Answer::Taken { rejected: 0 }));
}

#[test]
fn receivers_that_stall_are_left() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Ty"] {
        let server = Server::answering(said);
        let sent = send(&server.hurried(hurry()), BODY, always);
        assert_eq!(sent, Err(SendError::TimedOut("waiting for the answer")), "{said}");
    }
    // The status line already reports what happened to the request.
    for said in [json, &json.replace("\r\n\r\n", "\r\nX: y\r\n\r\n{"), "HTTP/1.1 200 OK\r\n\r\n"] {
        let server = Server::answering(said);
        assert_eq!(send(&server.hurried(hurry()), BODY, always), Ok(Answer::Taken { rejected: 0 }), "{said}");
    }
    // A receiver that doesn't read the request either.
    let (returned, go_on) = mpsc::channel::<()>();
    let server = Server::new(move |_unread| go_on.recv_timeout(HANG).unwrap());
    let limits = Limits { send: SHORT, ..unhurried() };
    assert_eq!(send(&server.hurried(limits), &vec![b' '; 32 << 20], always), Err(SendError::TimedOut("sending")));
    returned.send(()).unwrap();
}

#[test]
fn the_limit_over_all_holds_where_each_step_keeps_its_own() {
    let limits = Limits { all: SHORT, ..unhurried() };
    let server = Server::answering("");
    let sent = send(&server.hurried(limits), BODY, always);
    assert_eq!(sent, Err(SendError::TimedOut("all steps together")));
}

#[test]
fn a_byte_at_a_time_gains_no_time() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n";
    let answer = format!("{head}{:40}", "{}");
    let late = Err(SendError::TimedOut("waiting for the answer"));
    for (quickly, expected) in [(0, late), (head.len(), Ok(Answer::Taken { rejected: 0 }))] {
        let answer = answer.clone();
        let server = Server::new(move |mut stream| {
            read_request(&mut stream).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(&answer.as_bytes()[..quickly]).unwrap();
            for byte in &answer.as_bytes()[quickly..] {
                std::thread::sleep(SHORT / 10);
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
            }
        });
        assert_eq!(send(&server.hurried(hurry()), BODY, always), expected);
    }
}

#[test]
fn connections_that_break_are_told_as_such() {
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{}";
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Ty", "SSH-2.0-OpenSSH_9.6\r\n", "\0\0\0\0\r\n\r\n", "{}\r\n\r\n"] {
        let server = Server::new(move |mut stream| {
            read_request(&mut stream).unwrap();
            stream.write_all(said.as_bytes()).unwrap();
        });
        let text = broke_off(send(&server.http(), BODY, always));
        assert!(!text.is_empty() && text.len() <= LONGEST_TEXT && !text.contains("SSH"), "{text}");
    }
    let server = Server::answering(half);
    assert_eq!(send(&server.http(), BODY, always), Ok(Answer::Taken { rejected: 0 }));
    // The connection is reset before and after the request was read.
    for read in [false, true] {
        let server = Server::new(move |mut stream| {
            if read {
                read_request(&mut stream).unwrap();
            }
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        });
        broke_off(send(&server.http(), &vec![b' '; 1 << 20], always));
    }
    // No server is listening.
    let http = Http::new(&format!("http://{}", deserted()), None, None).unwrap();
    broke_off(send(&http, BODY, always));
}

#[cfg(target_os = "linux")]
#[test]
fn connecting_does_not_wait_for_ever() {
    let (address, _listener, _waiting) = crowded();
    let limits = Limits { connect: SHORT, ..unhurried() };
    let http = Http::with(&format!("http://{address}"), None, None, limits, names::fixed()).unwrap();
    assert_eq!(send(&http, BODY, always), Err(SendError::TimedOut("connect")));
}
