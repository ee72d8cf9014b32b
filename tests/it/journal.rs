//! Promises 7 and 9 for pending data: damage loses only the data that it touched. The loss is counted, and damaged data
//! is never sent. Pending data stays within its limits. Clocks may jump.

use crate::{
    child::{self, Child},
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files,
    home::{APPLICATION, DAY, HOUR, Home, MINUTE, TestClock, dropped, flush, send, wait_for, waiting},
    server::Server,
    stage::CONTROLLER,
};
use candor::{Audience, Client, Config, Scope};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Makes a store with `lines` lines in one segment that no program writes to any more. Returns the segment's path.
fn with_lines(home: &Home, server: &Server, lines: u64) -> PathBuf {
    // The client is restarted because a new grant may make the worker begin another segment.
    drop(home.start_granted(server, &[USAGE]));
    let client = home.start(server);
    for _ in 0..lines {
        client.record_durable(opened(2));
    }
    drop(client);
    only(home.waiting("waiting", USAGE))
}

#[track_caller]
fn only(mut paths: Vec<PathBuf>) -> PathBuf {
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths.remove(0)
}

/// Makes a batch that is pending because its receiver was not available. Returns its path.
fn with_batch(home: &Home, server: &Server, scope: Scope) -> PathBuf {
    server.say([crate::server::Say::status(503)]);
    let client = home.start_granted(server, &[scope]);
    client.record_durable(opened(2));
    client.record_durable(unreachable());
    assert_eq!(flush(&client).waiting, 1);
    drop(client);
    home.clock.advance(HOUR);
    only(home.waiting("outbox", scope))
}

/// The position after each line's newline.
fn ends(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

#[test]
fn a_damaged_line_is_lost_and_counted_and_the_others_leave() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 6);
    let whole = fs::read(&segment).unwrap();
    let original = home.path().join("original");
    files::copy(&home.store(), &original);
    let lines: Vec<String> = String::from_utf8(whole.clone()).unwrap().lines().skip(1).map(json_of).collect();
    let ends = ends(&whole);
    // One bit of each line is flipped: in its checksum, its number, its value, its id and its newline.
    let hurts = (1..7).flat_map(|line| {
        let (start, end) = (ends[line - 1], ends[line]);
        [start, start + 9, start + 40 + 29 * line, end - 10, end - 1].map(|at| (line, at))
    });
    for (line, at) in hurts.step_by(2) {
        files::restore(&original, &home.store());
        files::write(&segment, &files::bit_flipped(&whole, at * 8 + at % 8));
        let heard = server.lines().len();
        let client = home.start(&server);
        send(&client);
        let left = server.lines().split_off(heard);
        assert!(left.iter().all(|line| lines.contains(line)), "byte {at} made a line up: {left:#?}");
        assert!(!left.contains(&lines[line - 1]) || at == ends[line] - 1, "byte {at}");
        // A damaged newline also loses the line after it.
        assert!(left.len() == 5 || at == ends[line] - 1 && left.len() >= 4, "byte {at}: {} lines", left.len());
        assert!(dropped(&client, "damaged") >= 1, "byte {at}");
        assert_eq!(dropped(&client, "foreign"), 0, "byte {at}");
        assert!(home.waiting("waiting", USAGE).is_empty());
    }
}

fn json_of(line: &str) -> String {
    line.splitn(4, ' ').nth(3).unwrap().to_owned()
}

#[test]
fn a_segment_cut_anywhere_keeps_what_is_before_the_cut() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 4);
    let whole = fs::read(&segment).unwrap();
    let original = home.path().join("original");
    files::copy(&home.store(), &original);
    let ends = ends(&whole);
    for cut in [0, 1, 30, ends[0] - 1, ends[0], ends[0] + 1, ends[1] - 1, ends[1], ends[2] + 60, whole.len() - 1] {
        files::restore(&original, &home.store());
        files::write(&segment, &whole[..cut]);
        let heard = server.lines().len();
        let client = home.start(&server);
        send(&client);
        let whole_lines = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
        assert_eq!(server.lines().len() - heard, whole_lines, "cut at {cut}");
        assert!(home.waiting("waiting", USAGE).is_empty(), "cut at {cut}: it is not read for ever");
    }
}

#[test]
fn garbage_among_what_waits_is_removed_and_stops_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 1);
    let directory = segment.parent().unwrap();
    for (name, bytes) in [
        ("0000.jsonl", Vec::new()),
        ("1111.jsonl", vec![0; 100_000]),
        ("2222.jsonl", vec![b'\n'; 100_000]),
        ("3333.jsonl", b"candor-segment 1 00000000 {}\n".repeat(1_000)),
        ("4444.jsonl", [b"[".repeat(100_000), b"]".repeat(100_000)].concat()),
        ("5555.jsonl", vec![0xff; 1 << 20]),
    ] {
        files::write(&directory.join(name), &bytes);
    }
    let client = home.start(&server);
    assert_eq!(waiting(&client, USAGE).len(), 1);
    send(&client);
    assert_eq!(server.lines().len(), 1, "the sound one leaves");
    assert!(dropped(&client, "damaged") > 0);
    assert!(home.waiting("waiting", USAGE).is_empty());
}

#[test]
fn a_damaged_batch_is_dropped_and_counted() {
    let (home, server) = (Home::new(), Server::new());
    let batch = with_batch(&home, &server, USAGE);
    let whole = fs::read(&batch).unwrap();
    let head = ends(&whole)[0];
    let cases: Vec<Vec<u8>> = [3, 20, 60, head - 2, head - 1, head, head + 100, head + 900, whole.len() - 1]
        .into_iter()
        .map(|at| files::flipped(&whole, at))
        .chain([0, 1, head, head + 1, whole.len() - 1].map(|cut| whole[..cut].to_vec()))
        .chain([[whole.clone(), b" ".repeat(1024)].concat(), vec![0; 2 << 20]])
        .collect();
    let heard = server.requests().len();
    for (case, bytes) in cases.iter().enumerate() {
        files::write(&batch, bytes);
        let client = home.start(&server);
        send(&client);
        assert_eq!(server.requests().len(), heard, "case {case}");
        assert_eq!(dropped(&client, "damaged"), 1, "case {case}");
        assert!(!batch.exists(), "case {case}");
    }
    files::write(&batch, &whole);
    let client = home.start(&server);
    send(&client);
    assert_eq!(server.requests().len(), heard + 1, "the control");
    assert_eq!(server.requests()[heard].body, server.requests()[heard - 1].body, "the very bytes of the first try");
}

/// A batch is sent as a whole or not at all, so damage loses each of its records. Their number comes from the first
/// line, which has a checksum of its own, or from the number of records in the body that have an id.
#[test]
fn of_a_damaged_batch_each_record_is_counted() {
    let (home, server) = (Home::new(), Server::new());
    with_lines(&home, &server, 12);
    server.say([crate::server::Say::status(503)]);
    let client = home.start(&server);
    assert_eq!(flush(&client).waiting, 1);
    drop(client);
    home.clock.advance(HOUR);
    let batch = only(home.waiting("outbox", USAGE));
    let whole = fs::read(&batch).unwrap();
    let head = ends(&whole)[0];
    let cut = |at: usize| whole[..at].to_vec();
    let cases = [
        (12, files::bit_flipped(&whole, (head + 400) * 8)),
        (12, cut(whole.len() - 1)),
        (12, cut(head)),
        (12, [whole.clone(), b" ".repeat(2 << 20)].concat()),
        (12, files::flipped(&whole, 20)),
        (12, whole[head..].to_vec()),
        (1, cut(head - 1)),
        (1, Vec::new()),
        (1, vec![0; 9_000]),
    ];
    let heard = server.requests().len();
    for (case, (lost, bytes)) in cases.iter().enumerate() {
        files::write(&batch, bytes);
        let client = home.start(&server);
        send(&client);
        assert_eq!((server.requests().len(), batch.exists()), (heard, false), "case {case}");
        assert_eq!(dropped(&client, "damaged"), *lost, "case {case}");
    }
    // Only the second half is left, and about half of the records can be counted.
    files::write(&batch, &whole[head + (whole.len() - head) / 2..]);
    let client = home.start(&server);
    send(&client);
    assert!((5..=7).contains(&dropped(&client, "damaged")), "{}", dropped(&client, "damaged"));
    drop(client);
    // Records that are still in a segment are not lost with the batch.
    let (home, server) = (Home::new(), Server::new());
    let [_, batch] = with_lines_twice(&home, &server);
    let whole = fs::read(&batch).unwrap();
    files::write(&batch, &files::flipped(&whole, whole.len() - 9));
    let heard = server.lines().len();
    let client = home.start(&server);
    send(&client);
    assert_eq!((server.lines().len() - heard, dropped(&client, "damaged")), (5, 0));
}

/// The lines of a segment are numbered. Lines after the last sound one are counted as far as they can be told apart.
#[test]
fn each_damaged_line_at_the_end_of_a_segment_is_counted() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 40);
    let whole = fs::read(&segment).unwrap();
    let original = home.path().join("original");
    files::copy(&home.store(), &original);
    let ends = ends(&whole);
    let hit = |lines: &[usize]| {
        lines.iter().fold(whole.clone(), |bytes, line| files::bit_flipped(&bytes, (ends[line - 1] + 60) * 8))
    };
    let last: Vec<usize> = (21..=40).collect();
    let cases = [
        (20, hit(&last)),
        (21, hit(&[&[10], &last[..]].concat())),
        (1, hit(&[40])),
        (2, hit(&[10, 40])),
        // A gap in the numbers says how many lines were lost before a sound line. They are not counted again.
        (19, hit(&last[..19])),
        // A torn line: the program was killed while it wrote.
        (2, hit(&[10])[..ends[39] + 50].to_vec()),
        (1, [&whole[..ends[39]], &[0; 50_000][..]].concat()),
        (1, [&whole[..ends[39]], &[b'\n'; 50][..]].concat()),
    ];
    for (case, (lost, bytes)) in cases.iter().enumerate() {
        files::restore(&original, &home.store());
        files::write(&segment, bytes);
        let heard = server.lines().len();
        let client = home.start(&server);
        send(&client);
        let left = (server.lines().len() - heard) as u64;
        assert_eq!(dropped(&client, "damaged"), *lost, "case {case}: {left} left");
        assert!(left + lost == 40 || case >= 5, "case {case}: {left} left");
    }
    // Without a first line no line can be checked. Lines that still show their number are counted, and so is what follows them.
    files::restore(&original, &home.store());
    let mut bytes = whole.clone();
    bytes[..ends[0] - 1].fill(0);
    bytes[ends[39]..ends[39] + 12].fill(b'!');
    files::write(&segment, &bytes);
    let client = home.start(&server);
    send(&client);
    assert_eq!(dropped(&client, "damaged"), 40);
}

#[test]
fn damaged_counts_lose_what_was_hit_and_no_more() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK]));
    let client = home.start(&server);
    for _ in 0..6 {
        client.record_durable(film());
    }
    drop(client);
    let counts = only(home.waiting("counts", PLAYBACK));
    let whole = fs::read(&counts).unwrap();
    files::write(&counts, &files::flipped(&whole, ends(&whole)[3] + 30));
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#"{"key":"count","value":{"intValue":"5"}}"#), "{}", lines[0]);
    assert!(dropped(&client, "damaged") >= 1);
}

#[test]
fn a_damaged_schedule_waits_an_hour() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    wait_for("the worker to choose its moment", || home.schedule(USAGE).is_some());
    drop(client);
    let schedule = home.schedule(USAGE).unwrap();
    files::write(&schedule, b"candor-schedule 1 00000000 2\n{}\n");
    let client = home.start(&server);
    assert!(flush(&client).trouble.is_some() && server.connections() == 0, "doubt means later");
    home.clock.advance(HOUR + DAY / 24);
    let _ = fs::remove_file(&schedule);
    send(&client);
    assert_eq!(server.lines().len(), 1);
}

/// How many bytes are pending.
fn held(home: &Home) -> u64 {
    ["waiting", "counts", "outbox"].iter().map(|kind| files::bytes(&home.store().join(kind))).sum()
}

/// Records many events on each client and looks at the disk from time to time. Returns the largest number of pending bytes seen.
fn flood(home: &Home, clients: &[&Client], events: u64) -> u64 {
    let mut most = 0;
    for number in 0..events {
        for client in clients {
            client.record_durable(opened(number));
            client.record_durable(unreachable());
            client.record_durable(film());
        }
        if number % 100 == 0 {
            most = most.max(held(home));
        }
    }
    most.max(held(home))
}

#[test]
fn what_waits_never_outgrows_its_limit() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).waiting_limit(1)).unwrap();
    for scope in [USAGE, PLAYBACK, CONNECTIVITY] {
        client.grant(scope).unwrap();
    }
    let most = flood(&home, &[&client], 6_000);
    assert!(most > 1 << 19, "{most}: there was more than fits");
    assert!(most <= 1 << 20, "{most} bytes waited, and the least limit is 1 MiB");
    let outcomes = client.manifest().unwrap().outcomes;
    // Some file systems keep the name of a removed file while it is open and free no space until then. There, some
    // events are never kept.
    assert!(outcomes.lines == 12_000 || cfg!(windows), "{outcomes:?}");
    let kept = waiting(&client, USAGE).len() + waiting(&client, CONNECTIVITY).len();
    let ended = kept as u64 + outcomes.counted + dropped(&client, "full");
    assert_eq!(ended, 18_000, "each event is kept, or dropped and counted: {outcomes:?}");
}

#[test]
fn the_limit_holds_for_all_processes_together() {
    let (home, server) = (Home::new(), Server::new());
    let start = || Client::new(home.config(&server).waiting_limit(1)).unwrap();
    let first = start();
    for scope in [USAGE, PLAYBACK, CONNECTIVITY] {
        first.grant(scope).unwrap();
    }
    let others = [start(), start(), start()];
    let clients = [&first, &others[0], &others[1], &others[2]];
    let most = flood(&home, &clients, 900);
    assert!(most <= 1 << 20, "{most} bytes waited, and the limit is 1 MiB for all processes together");
}

#[test]
fn what_waits_too_long_is_dropped_and_counted() {
    let (home, server) = (Home::new(), Server::new());
    with_lines(&home, &server, 3);
    let client = home.start(&server);
    wait_for("the worker to choose its moment", || home.schedule(USAGE).is_some());
    // The age of a file follows the real day, whose hour may be later than this clock's noon.
    home.clock.pass(DAY * 9);
    send(&client);
    assert_eq!(server.connections(), 0);
    assert_eq!(dropped(&client, "age"), 3);
    assert!(home.all_waiting().is_empty());
}

/// The first line holds everything twice: whichever single bit of it flips, every line is sent.
#[test]
fn a_bit_of_the_first_line_loses_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 50);
    let whole = fs::read(&segment).unwrap();
    let original = home.path().join("original");
    files::copy(&home.store(), &original);
    let head = ends(&whole)[0];
    for at in [0, 5, 18, 40, head / 2 - 2, head / 2, head / 2 + 9, head - 20, head - 2] {
        files::restore(&original, &home.store());
        files::write(&segment, &files::bit_flipped(&whole, at * 8 + at % 7));
        let heard = server.lines().len();
        let client = home.start(&server);
        send(&client);
        assert_eq!(server.lines().len() - heard, 50, "byte {at}");
        assert_eq!(dropped(&client, "damaged"), 0, "byte {at}");
    }
    // If the whole first line is gone, no line can be checked, and each is counted as damaged.
    files::restore(&original, &home.store());
    files::write(&segment, &[vec![0; head - 1], whole[head - 1..].to_vec()].concat());
    let heard = server.lines().len();
    let client = home.start(&server);
    send(&client);
    assert_eq!((server.lines().len() - heard, dropped(&client, "damaged")), (0, 50));
}

/// Each run of a short program records one event. A run continues the file that the run before it left.
#[test]
fn many_short_runs_make_few_files() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
    for number in 0..33 {
        let client = home.start(&server);
        client.record_durable(opened(number));
        client.record_durable(film());
    }
    // One file, and another for each run whose end a busy computer did not wait for.
    let (lines, counts) = (home.waiting("waiting", USAGE).len(), home.waiting("counts", PLAYBACK).len());
    assert!((1..=3).contains(&lines) && (1..=3).contains(&counts), "{lines} and {counts} files of 33 runs");
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 34);
    assert!(lines.iter().any(|line| line.contains(r#"{"key":"count","value":{"intValue":"33"}}"#)), "{lines:#?}");
    assert!(client.manifest().unwrap().outcomes.dropped.is_empty());
}

/// No program continues a segment that a batch names: the batch that sends its lines is already on disk.
#[test]
fn what_was_put_into_a_batch_is_gone_on_with_by_nobody() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 2);
    let bytes = fs::read(&segment).unwrap();
    let client = home.start(&server);
    send(&client);
    drop(client);
    // As if the program died before it removed the segment that it had put into a batch.
    let name = segment.file_stem().unwrap().to_str().unwrap();
    let sealed = segment.with_file_name(format!("{name}-sealed.jsonl"));
    files::write(&sealed, &bytes);
    let client = home.start(&server);
    client.record_durable(opened(3));
    assert_eq!(fs::read(&sealed).unwrap(), bytes);
}

/// No program continues a file with a torn end, and only one run looks at it.
#[test]
fn short_runs_make_few_files_beside_any_number_of_torn_ones() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK]));
    let run = || home.start(&server).record_durable(film());
    for _ in 0..6 {
        run();
        let counts = home.waiting("counts", PLAYBACK);
        let last = counts.iter().find(|path| !path.to_str().unwrap().contains("-torn")).unwrap();
        let bytes = fs::read(last).unwrap();
        // Such names sort last.
        files::write(
            &last.with_file_name(format!("{}-zzz{}-torn.jsonl", home.clock.day(), counts.len())),
            &bytes[..bytes.len() - 3],
        );
        fs::remove_file(last).unwrap();
    }
    (0..33).for_each(|_| run());
    let counts = home.waiting("counts", PLAYBACK);
    assert!(counts.len() <= 6 + 5, "{} files of 39 runs", counts.len());
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    // Each torn file loses its last line.
    assert!(
        server.lines().iter().any(|line| line.contains(r#"{"key":"count","value":{"intValue":"33"}}"#)),
        "{:#?}",
        server.lines()
    );
    assert_eq!(dropped(&client, "damaged"), 6);
}

/// Count files that no program holds are subject to the limit like all other data, even on their own day: removing them
/// takes them from no running program.
#[test]
fn counts_of_today_that_nobody_holds_are_within_the_limit() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK, USAGE]));
    home.start(&server).record_durable(film());
    let counts = only(home.waiting("counts", PLAYBACK));
    let bytes = fs::read(&counts).unwrap();
    for number in 0..2_000 {
        files::write(&counts.with_file_name(format!("{}-{number:06}.jsonl", home.clock.day())), &bytes);
    }
    let client = home.start(&server);
    // Where files are slow, the worker takes longer than a caller waits.
    wait_for("room to be made", || home.waiting("counts", PLAYBACK).len() <= 256);
    let full = dropped(&client, "full");
    let left = home.waiting("counts", PLAYBACK).len();
    assert_eq!(full, 2_001 - left as u64, "and each is counted");
    client.record_durable(opened(1));
    assert_eq!((waiting(&client, USAGE).len(), dropped(&client, "full")), (1, full), "there is room for what is new");
}

/// The limit counts disk blocks and files, because small files take much more space than their contents.
#[test]
fn small_files_are_bounded_by_the_blocks_they_take() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 1);
    let bytes = fs::read(&segment).unwrap();
    for number in 0..600 {
        files::write(&segment.with_file_name(format!("{}-{number:06}-x-sealed.jsonl", home.clock.day())), &bytes);
    }
    let client = home.start(&server);
    wait_for("room to be made", || home.waiting("waiting", USAGE).len() <= 256);
    // A caller that reads the outcomes waits until the cleanup at the start is done.
    let full = dropped(&client, "full");
    let left = home.waiting("waiting", USAGE);
    assert_eq!(full, 601 - left.len() as u64, "and each is counted");
    // The oldest files went first.
    assert!(left.iter().any(|path| path.to_str().unwrap().contains("-000599-")));
    assert!(!left.iter().any(|path| path.to_str().unwrap().contains("-000001-")));
    drop(client);
    // The lengths of these files are within a limit of one mebibyte. Their blocks take twice as much.
    let client = Client::new(home.config(&server).waiting_limit(1)).unwrap();
    assert!(dropped(&client, "full") > 0);
    let blocks = |path: &PathBuf| {
        let metadata = fs::metadata(path).unwrap();
        #[cfg(unix)]
        return std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
        #[cfg(not(unix))]
        metadata.len().next_multiple_of(4_096)
    };
    let taken: u64 = home.waiting("waiting", USAGE).iter().map(blocks).sum();
    assert!(taken <= 1 << 20, "{taken} bytes of the disk");
    drop(client);
}

/// Makes five lines that are in a segment and in a batch, as an interrupted build of a batch leaves them. Returns both paths.
fn with_lines_twice(home: &Home, server: &Server) -> [PathBuf; 2] {
    let segment = with_lines(home, server, 5);
    let bytes = fs::read(&segment).unwrap();
    server.say([crate::server::Say::status(503)]);
    let client = home.start(server);
    assert_eq!(flush(&client).waiting, 1);
    drop(client);
    home.clock.advance(HOUR);
    let batch = only(home.waiting("outbox", USAGE));
    let text = String::from_utf8(fs::read(&batch).unwrap()).unwrap();
    let name = text.split("\"segment\":\"").nth(1).unwrap().split('"').next().unwrap();
    let segment = segment.with_file_name(name);
    fs::write(&segment, &bytes).unwrap();
    files::mode(&segment, 0o600);
    [segment, batch]
}

/// A record that both files lose is counted as lost once. A record that only one of them loses is not lost.
#[test]
fn what_lies_twice_is_lost_once() {
    // Dropped because they are too old.
    let (home, server) = (Home::new(), Server::new());
    let files = with_lines_twice(&home, &server);
    let client = home.start(&server);
    wait_for("the worker to choose its moment", || home.schedule(USAGE).is_some());
    home.clock.pass(DAY * 9);
    send(&client);
    assert_eq!((dropped(&client, "age"), files.map(|path| path.exists())), (5, [false; 2]));
    // Dropped because the receiver takes no more.
    let (home, server) = (Home::new(), Server::new());
    let files = with_lines_twice(&home, &server);
    server.say([crate::server::Say::status(410)]);
    let client = home.start(&server);
    let _ = flush(&client);
    assert_eq!((dropped(&client, "gone"), files.map(|path| path.exists())), (5, [false; 2]));
    // The control: nothing is lost, and nothing arrives twice.
    let (home, server) = (Home::new(), Server::new());
    let _ = with_lines_twice(&home, &server);
    let before = server.lines().len();
    let client = home.start(&server);
    send(&client);
    assert_eq!((server.lines().len() - before, dropped(&client, "full")), (5, 0));
}

/// Files as a restored backup leaves them: they are not used, and in the end they are dropped and counted.
#[cfg(unix)]
#[test]
fn files_that_others_may_open_come_to_a_counted_end() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 5);
    files::mode(&segment, 0o644);
    let client = home.start(&server);
    send(&client);
    assert_eq!((server.lines().len(), segment.exists()), (0, true), "somebody may write it today");
    drop(client);
    home.clock.advance(DAY);
    let client = home.start(&server);
    assert_eq!((dropped(&client, "foreign"), segment.exists()), (5, false));
    drop(client);
    let (home, server) = (Home::new(), Server::new());
    // The clock may begin ten seconds before midnight, and this test needs a single day.
    home.clock.advance(HOUR);
    let batch = with_batch(&home, &server, USAGE);
    files::mode(&batch, 0o644);
    let client = home.start(&server);
    let flushed = flush(&client);
    let trouble = flushed.trouble.unwrap();
    assert!(trouble.contains(batch.to_str().unwrap()) && trouble.contains("chmod go-rwx"), "{trouble}");
    assert_eq!(
        (flushed.waiting, dropped(&client, "foreign"), batch.exists()),
        (1, 0, true),
        "it may be repaired today"
    );
    files::mode(&batch, 0o600);
    home.clock.advance(HOUR);
    assert_eq!((flush(&client).records, batch.exists()), (1, false));
    drop(client);
    let (home, server) = (Home::new(), Server::new());
    let batch = with_batch(&home, &server, USAGE);
    files::mode(&batch, 0o644);
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    assert_eq!((dropped(&client, "foreign"), batch.exists()), (1, false));
    drop(client);
    // In a day's counts, one line represents many events. All are counted, whichever part of the program handles the file first.
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK]));
    let client = home.start(&server);
    for _ in 0..8 {
        client.record_durable(film());
    }
    let counts = only(home.waiting("counts", PLAYBACK));
    files::mode(&counts, 0o644);
    home.clock.advance(DAY);
    send(&client);
    assert_eq!((dropped(&client, "foreign"), counts.exists()), (8, false));
}

/// Something such as a lock may have kept a batch from being dropped for its age. It is dropped when it is due to be sent.
#[test]
fn a_batch_that_waited_too_long_is_dropped_for_its_age() {
    let (home, server) = (Home::new(), Server::new());
    let batch = with_batch(&home, &server, USAGE);
    let held = fs::File::open(&batch).unwrap();
    held.lock().unwrap();
    home.clock.advance(DAY * 9);
    let client = home.start(&server);
    send(&client);
    let ended = (dropped(&client, "age"), dropped(&client, "foreign"));
    // Some file systems keep the name for as long as any process has the file open.
    drop(held);
    assert_eq!((ended, batch.exists()), ((1, 0), false));
}

/// The same for the files together with the directories that contain them. The program closes these directories to
/// other users without a report, since they are its own. What is recorded from then on is kept and sent.
#[cfg(unix)]
#[test]
fn directories_that_others_may_open_are_closed_to_them() {
    use std::os::unix::fs::MetadataExt;
    for is_batch in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let file = if is_batch { with_batch(&home, &server, USAGE) } else { with_lines(&home, &server, 1) };
        let store = home.store();
        let above: Vec<_> = file.ancestors().skip(1).take_while(|path| **path != *store).collect();
        assert!(above.len() == 3 && file.starts_with(&store), "{above:?}");
        above.iter().for_each(|path| files::mode(path, 0o755));
        files::all(above[0]).iter().for_each(|path| files::mode(path, 0o644));
        home.clock.advance(DAY);
        let client = home.start(&server);
        client.record_durable(opened(1));
        // The scheduled time is not known. One hour later the data is sent.
        let before = server.lines().len();
        send(&client);
        home.clock.advance(HOUR);
        send(&client);
        assert_eq!((dropped(&client, "foreign"), dropped(&client, "disk"), file.exists()), (1, 0, false));
        assert_eq!((server.lines().len() - before, client.status(USAGE).unwrap().trouble), (1, None));
        let modes: Vec<_> = above.iter().map(|path| std::fs::metadata(path).unwrap().mode() & 0o777).collect();
        assert_eq!(modes, [0o700; 3]);
    }
}

/// If data can't be written, the person's page and the program say so for as long as that is the case.
#[test]
fn that_nothing_can_be_brought_to_disk_is_shown() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    // A file is in the place of the directory.
    let place = home.store().join("waiting").join("usage");
    let _ = std::fs::remove_dir_all(&place);
    files::make_dir(place.parent().unwrap());
    std::fs::write(&place, "").unwrap();
    let client = home.start(&server);
    client.record_durable(opened(1));
    assert_eq!(dropped(&client, "disk"), 1);
    let trouble = client.status(USAGE).unwrap().trouble.unwrap();
    assert!(trouble.starts_with("recorded events can't be written to disk (it is not a directory)"), "{trouble}");
    assert!(client.manifest().unwrap().to_string().contains(&trouble));
    std::fs::remove_file(&place).unwrap();
    home.clock.pass(std::time::Duration::from_secs(61));
    client.record_durable(opened(1));
    assert_eq!((dropped(&client, "disk"), client.status(USAGE).unwrap().trouble), (1, None));
}

#[test]
fn a_clock_that_jumps_harms_nothing() {
    // Windows counts tenths of microseconds from 1601 on.
    const LAST: i64 = if cfg!(windows) { 910_692_730_085 } else { i64::MAX };
    let far: &[i64] = &[0, -1, -4_000_000_000, 1, 4_102_444_800, 253_402_300_799, 253_402_300_800, LAST, i64::MIN];
    for &seconds in far {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK, CONNECTIVITY]);
        let all = |client: &Client| {
            client.record(opened(2));
            client.record_durable(opened(2));
            client.record_durable(film());
            client.record_durable(unreachable());
            let _ = client.flush(crate::home::HANG).unwrap();
            let manifest = client.manifest().unwrap();
            assert!(!manifest.to_string().is_empty() && !manifest.to_json().is_empty());
        };
        all(&client);
        let today = home.clock.day_nanos() / 1_000_000_000 + 43_200;
        home.clock.jump_to(seconds);
        all(&client);
        drop(client);
        let client = home.start(&server);
        all(&client);
        client.withdraw(USAGE).unwrap();
        crate::home::say_yes(&client, USAGE);
        all(&client);
        home.clock.jump_to(today as i64);
        all(&client);
        if client.status(USAGE).unwrap().state == candor::consent::State::Expired {
            // A grant made while the clock was more than a year behind has expired by now.
            assert!(seconds < today as i64 - 365 * 86_400, "{seconds}");
            crate::home::say_yes(&client, USAGE);
        }
        if !client.status(USAGE).unwrap().is_open() {
            // A grant made while the clock was ahead is not trusted until it is given again.
            assert!(seconds > today as i64 + 86_400, "{seconds}");
            crate::home::say_yes(&client, USAGE);
        }
        assert!(client.status(USAGE).unwrap().is_open(), "{seconds}");
        // With the right time again the client sends, at the latest after the longest wait.
        home.clock.advance(DAY);
        wait_for("an event of today", || {
            home.clock.pass(MINUTE * 10);
            client.record_durable(opened(700));
            send(&client);
            server.lines().iter().any(|line| line.contains(r#""intValue":"513""#))
        });
    }
}

#[test]
fn half_written_files_of_a_program_that_died_are_no_trouble() {
    let (home, server) = (Home::new(), Server::new());
    let segment = with_lines(&home, &server, 2);
    let put = |path: &Path| files::write(path, b"half a fi");
    put(&segment.with_extension("new"));
    put(&home.store().join("consent.new"));
    put(&home.store().join("keys.new"));
    put(&home.marks().join("high.new"));
    files::make_dir(&home.store().join("trash").join("0123456789abcdef"));
    put(&home.store().join("trash").join("0123456789abcdef").join("1.jsonl"));
    let client = home.start(&server);
    // A caller that reads the status waits for the first work of the new client.
    assert!(client.status(USAGE).unwrap().is_open());
    assert!(files::all(&home.store().join("trash")).is_empty(), "what was to be destroyed is destroyed");
    client.grant(PLAYBACK).unwrap();
    client.withdraw(PLAYBACK).unwrap();
    send(&client);
    assert_eq!(server.lines().len(), 2);
}

/// Files as many programs that ran side by side leave them. Each file is held open until its contents are in a batch.
#[cfg(unix)]
#[test]
fn what_lies_in_many_files_leaves_where_few_can_be_opened() {
    let (home, server) = (Home::new(), Server::new());
    let first = home.start_granted(&server, &[USAGE]);
    let programs: Vec<Client> = (0..70).map(|_| home.start(&server)).collect();
    programs.iter().for_each(|client| client.record_durable(opened(2)));
    assert!(home.waiting("waiting", USAGE).len() >= 60, "files that nobody goes on with");
    drop((first, programs));
    let child = Child::new("journal::child_sends_with_few_files", &home.path());
    child.var("CANDOR_IT_ENDPOINT", server.endpoint()).after("ulimit -n 48").run();
    assert_eq!((server.lines().len(), home.all_waiting().len()), (70, 0));
}

#[test]
#[ignore = "run by what_lies_in_many_files_leaves_where_few_can_be_opened, under a limit"]
fn child_sends_with_few_files() {
    let Some(home) = child::home() else { return };
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults).lift_ci_block().clock(TestClock::new());
    let config = config.directories(home.join("data"), home.join("config"));
    let client = Client::new(config.endpoint(std::env::var("CANDOR_IT_ENDPOINT").unwrap())).unwrap();
    let flushed = flush(&client);
    assert_eq!((flushed.records, flushed.waiting, flushed.trouble), (70, 0, None));
    child::done("journal::child_sends_with_few_files");
}
