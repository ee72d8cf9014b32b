//! Promise 11, a crowd to stand in: data that describes content is sent only as the counts of a closed day, and never alone.

use crate::{
    events::{Codec, PLAYBACK, PlaybackFinished, PlaybackJumped, film},
    files,
    home::{DAY, Home, dropped, flush, send, wait_for, waiting},
    server::Server,
};
use candor::Client;
use serde_json::Value;
use std::{fs::File, time::Duration};

/// The growing counts as the person sees them: the day, the event and the count, in order.
fn growing(client: &Client) -> Vec<(String, String, u64)> {
    let manifest = client.manifest().unwrap();
    let growing = &manifest.scope(PLAYBACK).unwrap().growing;
    growing.iter().map(|count| (count.day.clone(), count.event.to_owned(), count.count)).collect()
}

fn count_of(line: &str) -> u64 {
    let record: Value = serde_json::from_str(line).unwrap();
    let attributes = record["attributes"].as_array().unwrap();
    let count = attributes.iter().find(|pair| pair["key"] == "count").unwrap();
    count["value"]["intValue"].as_str().unwrap().parse().unwrap()
}

fn short(bitrate: u64) -> PlaybackFinished {
    PlaybackFinished { film: "a film", bitrate, duration: Duration::from_secs(200), codec: Codec::H264 }
}

#[test]
fn todays_counts_grow_are_shown_and_do_not_leave() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    for played in 1..=5 {
        client.record_durable(film());
        let growing = growing(&client);
        assert_eq!(growing.len(), 1);
        assert_eq!((growing[0].1.as_str(), growing[0].2), ("playback.finished", played));
        assert_eq!(flush(&client).requests, 0, "a flush closes no day");
    }
    drop(client);
    let client = home.start(&server);
    client.record_durable(film());
    client.record_durable(short(70_000));
    let mut counts: Vec<u64> = growing(&client).into_iter().map(|(_, _, count)| count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 6], "over a restart, too");
    send(&client);
    assert_eq!(server.connections(), 0);
    let text = client.manifest().unwrap().to_string();
    assert!(text.contains("counted today, not final and not sent yet: 2"), "{text}");
    assert!(waiting(&client, PLAYBACK).is_empty(), "no line before the day is over");
}

#[test]
fn a_day_that_is_over_leaves_as_counts() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    let nanos = home.clock.day_nanos();
    for _ in 0..5 {
        client.record_durable(film());
    }
    client.record_durable(short(70_000));
    home.clock.advance(DAY);
    client.record_durable(film());
    send(&client);
    let mut lines = server.lines();
    lines.sort_by_key(|line| count_of(line));
    assert_eq!(lines.iter().map(|line| count_of(line)).collect::<Vec<_>>(), [1, 5]);
    for line in &lines {
        assert!(line.contains(&format!(r#""timeUnixNano":"{nanos}""#)), "stamped with the day: {line}");
    }
    assert!(lines[1].contains(r#"{"key":"bitrate","value":{"intValue":"4000000"}}"#));
    assert!(lines[1].contains(r#"{"key":"duration","value":{"intValue":"3600"}}"#));
    assert!(lines[1].contains(r#"{"key":"codec","value":{"stringValue":"hevc"}}"#));
    send(&client);
    assert_eq!(server.requests().len(), 1, "a day leaves once");
}

#[test]
fn a_lone_play_waits_for_company() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    home.clock.advance(DAY);
    send(&client);
    assert_eq!(server.connections(), 0, "not on its own day");
    assert_eq!(growing(&client).len(), 1, "it is carried into the next one");
    client.record_durable(short(70_000));
    let second = home.clock.day_nanos();
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains(&second.to_string()) && count_of(line) == 1), "{lines:#?}");
}

#[test]
fn a_lone_play_of_each_event_waits_by_itself() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    client.record_durable(PlaybackJumped { forward: true });
    client.record_durable(PlaybackJumped { forward: true });
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert!(lines.len() == 1 && lines[0].contains("playback.jumped"), "{lines:#?}");
    assert_eq!(growing(&client).iter().map(|count| count.1.as_str()).collect::<Vec<_>>(), ["playback.finished"]);
}

#[test]
fn a_lone_play_that_finds_no_company_is_dropped_after_four_weeks() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    for _ in 0..28 {
        home.clock.advance(DAY);
        send(&client);
    }
    assert_eq!(growing(&client).len(), 1, "it waits for as long as the person was told");
    home.clock.advance(DAY * 2);
    send(&client);
    assert_eq!(server.connections(), 0);
    assert!(growing(&client).is_empty());
    assert_eq!(home.waiting("counts", PLAYBACK).iter().filter(|path| path.extension().unwrap() == "jsonl").count(), 0);
}

#[test]
fn a_lone_play_that_was_dropped_is_counted() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    for _ in 0..30 {
        home.clock.advance(DAY);
        send(&client);
    }
    assert_eq!(dropped(&client, "age"), 1);
}

#[test]
fn rare_combinations_of_a_day_are_added_up() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    let rungs = [0, 64_000, 96_000, 128_000, 192_000, 256_000, 320_000, 1_000_000, 2_000_000, 4_000_000];
    let mut plays = 0;
    for codec in [Codec::H264, Codec::Other] {
        for (times, bitrate) in rungs.into_iter().enumerate() {
            // The rarer ones come first in their order. The more frequent ones must be named all the same.
            for _ in 0..=times {
                client.record_durable(PlaybackFinished {
                    film: "a film",
                    bitrate,
                    duration: Duration::from_secs(60),
                    codec,
                });
                plays += 1;
            }
        }
    }
    assert_eq!(plays, 110);
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 16, "{lines:#?}");
    let (others, named): (Vec<&String>, Vec<&String>) =
        lines.iter().partition(|line| line.contains(r#"{"key":"candor.other","value":{"boolValue":true}}"#));
    assert_eq!((others.len(), named.len()), (1, 15));
    assert!(!others[0].contains("bitrate") && !others[0].contains("codec"), "it says of none what it was");
    // Two were played once, two were played twice, and one of the two that were played 3 times: 1 + 1 + 2 + 2 + 3 = 9.
    assert_eq!(count_of(others[0]), 9);
    assert!(named.iter().all(|line| count_of(line) >= 3));
}

#[test]
fn sixteen_combinations_are_all_named() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    for codec in [Codec::H264, Codec::Hevc] {
        for minutes in [0, 1, 5, 20] {
            for bitrate in [64_000, 8_000_000] {
                client.record_durable(PlaybackFinished {
                    film: "a film",
                    bitrate,
                    duration: Duration::from_secs(minutes * 60),
                    codec,
                });
            }
        }
    }
    home.clock.advance(DAY);
    send(&client);
    assert_eq!(server.lines().len(), 16);
    assert!(server.lines().iter().all(|line| !line.contains("candor.other")));
}

#[test]
fn the_counts_of_all_processes_leave_as_one_day() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK]));
    let (first, second) = (home.start(&server), home.start(&server));
    // Nine in all, which is a step, so that the count stays as it is.
    first.record_durable(film());
    for _ in 0..4 {
        first.record_durable(film());
        second.record_durable(film());
    }
    assert_eq!(growing(&first).iter().map(|count| count.2).sum::<u64>(), 9);
    drop(second);
    home.clock.advance(DAY);
    // As if another process still held its counts: the day is not closed without it.
    let mut held = Vec::new();
    wait_for("the second one to let go", || {
        let open = home.waiting("counts", PLAYBACK).into_iter().map(|path| File::open(path).unwrap());
        held = open.filter(|file| file.try_lock().is_ok()).collect();
        !held.is_empty()
    });
    send(&first);
    assert_eq!(server.connections(), 0);
    drop(held);
    send(&first);
    assert_eq!(server.lines().len(), 1);
    assert_eq!(count_of(&server.lines()[0]), 9);
}

/// The bytes on the wire: one of the two steps beside the count, and both of them on different days.
#[test]
fn a_count_between_two_steps_leaves_as_either_of_them() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    let mut seen = std::collections::BTreeSet::new();
    // That only one of them is drawn on 40 days has a probability of 1 in 2^39.
    for day in 1..=40 {
        for _ in 0..7 {
            client.record_durable(film());
        }
        home.clock.advance(DAY);
        send(&client);
        let lines = server.lines();
        assert_eq!(lines.len(), day);
        seen.extend(lines.iter().map(|line| count_of(line)));
        if seen.len() == 2 {
            break;
        }
    }
    assert_eq!(seen, std::collections::BTreeSet::from([5, 9]));
}

/// As on a full disk, or where some Windows file systems can't replace an open file.
#[test]
fn plays_are_counted_once_where_their_file_cant_be_written_again() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    let counts = home.waiting("counts", PLAYBACK).remove(0);
    files::make_dir(&counts.with_extension("making").join("in the way"));
    for _ in 0..3_000 {
        client.record_durable(film());
    }
    assert!(std::fs::metadata(&counts).unwrap().len() > 300 << 10, "it was not written again");
    let dropped = client.manifest().unwrap().outcomes.dropped;
    assert!(dropped.is_empty(), "{dropped:?}");
    assert_eq!(growing(&client).iter().map(|count| count.2).sum::<u64>(), 3_001);
    drop(client);
    assert_eq!(growing(&home.start(&server)).iter().map(|count| count.2).sum::<u64>(), 3_001);
}

#[test]
fn many_plays_are_counted_exactly_over_many_files() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    // Enough increments that the file is rewritten with its sums meanwhile.
    for _ in 0..2_500 {
        client.record_durable(film());
    }
    // Where files are slow, a durable event may still be under way when its call returns.
    wait_for("every play to be counted", || growing(&client).iter().map(|count| count.2).sum::<u64>() == 2_500);
    drop(client);
    let client = home.start(&server);
    client.record_durable(film());
    let counts = growing(&client);
    assert_eq!((counts.len(), counts[0].2), (1, 2_501));
}

#[test]
fn a_day_that_was_closed_halfway_is_closed_once() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    client.record_durable(film());
    drop(client);
    let counts = home.waiting("counts", PLAYBACK).remove(0);
    let bytes = std::fs::read(&counts).unwrap();
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    assert_eq!(server.lines().len(), 1);
    drop(client);
    // As if the program wrote the marker and died before it removed the day's files.
    crate::files::write(&counts, &bytes);
    let client = home.start(&server);
    send(&client);
    home.clock.advance(DAY);
    send(&client);
    assert_eq!(server.lines().len(), 1, "nothing counts twice");
    assert!(!counts.exists());
}

/// A list as a restored backup leaves it. A new list could name files that came late, which would then be removed uncounted.
#[cfg(unix)]
#[test]
fn a_day_whose_list_others_may_open_is_closed_once_it_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    (0..5).for_each(|_| client.record_durable(film()));
    drop(client);
    let counts = home.waiting("counts", PLAYBACK).remove(0);
    let list = counts.with_file_name(format!("{}.closing", home.clock.day()));
    files::write(&list, b"half a list");
    files::mode(&list, 0o644);
    home.clock.advance(DAY);
    let client = home.start(&server);
    let trouble = flush(&client).trouble.unwrap();
    assert!(trouble.contains(&list.display().to_string()) && trouble.contains("chmod go-rwx"), "{trouble}");
    assert!(counts.exists() && std::fs::read(&list).unwrap() == b"half a list");
    files::mode(&list, 0o600);
    send(&client);
    assert_eq!((server.lines().iter().map(|line| count_of(line)).sum::<u64>(), counts.exists()), (5, false));
}

candor::scope! {
    /// Find out which songs are broken off, so that those formats are repaired first.
    pub SONGS = "songs" {
        title: "Songs", revision: 1, about: installation, retention: 90 days, benefit: "Whole songs", other_uses: none,
    }
}

/// A song was broken off.
#[derive(candor::Event)]
#[event(name = "song.broken_off", scope = SONGS, linkage = rollup)]
struct SongBrokenOff {
    /// Which song it was.
    #[field(item, one_in = 1, reason = "a test counts everything")]
    song: &'static str,
    /// Whether in its first half.
    early: bool,
}

/// Songs were looked for.
#[derive(candor::Event)]
#[event(name = "songs.searched", scope = SONGS, linkage = rollup, every = week)]
struct SongsSearched {
    /// Whether any was found.
    found: bool,
}

fn broken(early: bool) -> SongBrokenOff {
    SongBrokenOff { song: "a song", early }
}

/// A Monday at noon, in seconds since 1970: 2027-03-01, which is also the first of a month.
const MONDAY: i64 = 1_803_902_400;

/// Goes on in steps of a few days, in which the program is started and sends.
fn days(home: &Home, server: &Server, days: u32, record: impl Fn(&Client, u32)) {
    for day in 0..days {
        let client = home.start(server);
        record(&client, day);
        send(&client);
        drop(client);
        home.clock.advance(DAY);
    }
}

#[test]
fn content_leaves_once_a_month() {
    let (home, server) = (Home::new(), Server::new());
    home.clock.jump_to(MONDAY);
    drop(home.start_granted(&server, &[SONGS]));
    let nanos = (MONDAY - 43_200) as u64 * 1_000_000_000;
    days(&home, &server, 31, |client, _| client.record_durable(broken(true)));
    assert_eq!(server.connections(), 0, "not in its own month");
    days(&home, &server, 3, |_, _| ());
    let lines = server.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(&format!(r#""timeUnixNano":"{nanos}""#)), "stamped with the month: {}", lines[0]);
    assert!((17..=33).contains(&count_of(&lines[0])), "{}", lines[0]);
}

#[test]
fn a_week_leaves_as_one_and_a_count_of_one_leaves_where_nobody_plays_it() {
    let (home, server) = (Home::new(), Server::new());
    home.clock.jump_to(MONDAY);
    drop(home.start_granted(&server, &[SONGS]));
    days(&home, &server, 9, |client, day| {
        if day == 3 {
            client.record_durable(SongsSearched { found: true });
            client.record_durable(broken(true));
        }
    });
    let lines = server.lines();
    assert_eq!(lines.len(), 1, "the song waits: {lines:#?}");
    assert!(lines[0].contains("songs.searched") && count_of(&lines[0]) == 1, "{}", lines[0]);
}

#[test]
fn a_lone_song_waits_a_month_for_company_and_is_then_dropped() {
    let (home, server) = (Home::new(), Server::new());
    home.clock.jump_to(MONDAY);
    drop(home.start_granted(&server, &[SONGS]));
    days(&home, &server, 65, |client, day| {
        if day == 3 {
            client.record_durable(broken(true))
        }
    });
    assert_eq!(server.connections(), 0);
    let client = home.start(&server);
    let outcomes = client.manifest().unwrap().outcomes;
    let lost = outcomes.lost.iter().find(|lost| lost.reason.name() == "age").map(|lost| lost.count);
    assert_eq!(lost, Some(1), "it is counted as lost");
}
