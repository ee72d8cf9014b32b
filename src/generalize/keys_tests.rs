//! Tests of codes and of the secrets file. Codes differ between scopes, periods, installations, grants and name spaces;
//! this is checked over ten million of them. Sends nothing, and writes only to its own temporary directories.

use super::*;
use crate::{
    ambient::{SystemClock, SystemEntropy},
    disk::{Disk, System},
    tests::{CRASH, every, real},
};
use std::{io::Write as _, path::Path, thread};

/// Everything that a code depends on apart from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The secret of one installation's grant for one scope.
    secret: Key,
    scope: &'static str,
    kind: &'static str,
    index: u32,
    domain: &'static str,
}

impl Place {
    fn period_key(&self) -> Key {
        period_key(&scope_key(&self.secret, "org.example.player", self.scope), self.kind, self.index)
    }
}

/// Two installations, each with two grants for two scopes, in four periods and two name spaces.
fn places() -> Vec<Place> {
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let today = Day::parse("2026-11-22").unwrap();
    let periods = [
        ("month", today.month()),
        ("month", today.month() + 1),
        // The same index in another kind of period is another period.
        ("week", today.month()),
        ("day", today.0),
    ];
    let mut places = Vec::new();
    for _install_and_grant in 0..4 {
        for scope in ["usage", "connectivity"] {
            let secret = ambient.random().unwrap();
            for (kind, index) in periods {
                for domain in ["server", "device"] {
                    places.push(Place { secret, scope, kind, index, domain });
                }
            }
        }
    }
    // Differs from the first place only in its scope, with the same secret: only the key derivation separates the two.
    let known = places.first().copied().unwrap();
    places.push(Place { scope: "connectivity", ..known });
    places
}

/// The codes of the values `0..many` in one place.
fn draw_all(place: &Place, many: usize) -> Vec<u64> {
    let key = place.period_key();
    let code = |value: usize| {
        let value = (value as u64).to_le_bytes();
        u64::from_le_bytes(*identifier(&key, place.domain, &value).as_bytes().first_chunk().unwrap())
    };
    (0..many).map(code).collect()
}

/// The number of codes of all places, computed on two threads, and the number of those that occur more than once.
fn matches(places: &[Place], many: usize) -> (usize, usize) {
    let mut codes = Vec::with_capacity(places.len() * many);
    let (first, second) = places.split_at(places.len() / 2);
    thread::scope(|threads| {
        let half = threads.spawn(|| second.iter().flat_map(|place| draw_all(place, many)).collect::<Vec<_>>());
        codes.extend(first.iter().flat_map(|place| draw_all(place, many)));
        codes.extend(half.join().unwrap());
    });
    codes.sort_unstable();
    (codes.len(), codes.windows(2).filter(|pair| pair[0] == pair[1]).count())
}

#[test]
#[ignore = "ten million codes take a while: `.ci/generalizers` draws them"]
fn ten_million_codes_and_no_two_alike() {
    let places = places();
    let many = 10_000_000usize.div_ceil(places.len());
    let (drawn, alike) = matches(&places, many);
    assert!(drawn >= 10_000_000);
    // By chance, two codes are equal in one of 370,000 such runs.
    assert_eq!(alike, 0);
    // Control: if a place is listed twice, all of its codes are found to occur twice.
    let twice = [places[0], places[1], places[0]];
    assert_eq!(matches(&twice, 10_000).1, 10_000);
    let line = format!("\nfigure: draws {drawn}\nfigure: matches {alike}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

#[test]
fn codes_of_different_places_differ() {
    let places = places();
    assert_eq!(matches(&places, 300), (places.len() * 300, 0));
    assert_eq!(matches(&[places[3], places[3]], 300).1, 300, "the control");
}

/// Parts are hashed with their lengths, so that no two lists of parts give the same input, wherever they are split.
#[test]
fn where_a_name_space_ends_and_a_value_begins_matters() {
    let key = [7; 32];
    let cuts = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc")];
    let codes: Vec<_> = cuts.iter().map(|(domain, value)| identifier(&key, domain, value.as_bytes())).collect();
    for (at, code) in codes.iter().enumerate() {
        assert!(codes.iter().skip(at + 1).all(|other| other != code));
    }
    // Control: without lengths they all give the same hash.
    let joined = |(domain, value): &(&str, &str)| blake3::keyed_hash(&key, format!("{domain}{value}").as_bytes());
    assert!(cuts.iter().all(|cut| joined(cut) == joined(&cuts[0])));
}

/// The value that decides which entities are sampled is neither a code nor part of one.
#[test]
fn an_item_is_chosen_by_bits_of_its_own() {
    let place = places()[0];
    let scope = scope_key(&place.secret, "org.example.player", place.scope);
    let items = *keyed(&scope, [b"rollup", b"item", b""]).as_bytes();
    let codes = draw_all(&place, 2_000);
    let draws: Vec<u64> =
        (0..2_000u64).map(|value| words::<true>(&items, place.domain, &value.to_le_bytes()).0).collect();
    assert!(draws.iter().all(|draw| !codes.contains(draw)));
    assert!(codes.iter().zip(draw_all(&place, 2_000)).all(|(code, again)| *code == again), "the control");
}

/// Reading the secrets file never panics, whatever it contains, and returns secrets only if they were written there.
#[test]
fn a_file_of_secrets_is_read_as_it_was_written_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keys");
    let files = Files::new(Arc::new(System), home.path().to_owned());
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keys = Keys::new(files.clone(), path.clone(), "org.example.player".into(), ambient);
    assert!(keys.read().unwrap().is_none(), "none yet");
    keys.write(&Secrets(BTreeMap::from([("usage".into(), Secret(Zeroizing::new("00".repeat(32))))]))).unwrap();
    let whole = files.read(&path, FILE_MOST).unwrap();
    let put = |bytes: &[u8]| files.replace(&path, bytes).unwrap();
    for cut in (0..whole.len()).step_by(every()) {
        put(&whole[..cut]);
        assert!(keys.read().unwrap().is_none(), "cut at {cut}");
    }
    for bit in (0..whole.len() * 8).step_by(every()) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        put(&bytes);
        assert!(keys.read().unwrap().is_none(), "bit {bit}");
    }
    // A valid seal around something that is not a set of secrets.
    for json in ["", "[]", "{", "null", "{\"usage\":1}", "{\"usage\":null}", &"[".repeat(60_000)] {
        put(&disk::seal("keys", json));
        assert!(keys.read().unwrap().is_none(), "{json:.20}");
    }
    // A secret that is empty, of the wrong length, in capitals or not hexadecimal does not decode to a key.
    for secret in ["", "00", &"00".repeat(31), &"00".repeat(33), &"AA".repeat(32), &"zz".repeat(32)] {
        put(&disk::seal("keys", &format!("{{\"usage\":\"{secret}\"}}")));
        assert!(
            keys.read().unwrap().is_some_and(|secrets| secrets.0.values().all(|text| unhex::<32>(&text.0).is_none())),
            "{secret}"
        );
    }
    put(&whole);
    assert!(
        keys.read().unwrap().is_some_and(|secrets| unhex::<32>(&secrets.0["usage"].0) == Some([0; 32])),
        "the control"
    );
}

/// A disk whose reads fail while the flag is set.
#[derive(Default)]
struct Unreadable(AtomicBool);

impl Disk for Unreadable {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if self.0.load(Ordering::SeqCst) { Err(io::ErrorKind::Interrupted.into()) } else { System.read(path, most) }
    }

    real!(stat make_dir list read_shared create append lock_file rename remove_file remove_tree sync_dir);
}

/// A failed read must not destroy the secrets of any scope, nor drop the keys of the current day.
#[test]
fn secrets_that_cannot_be_read_now_are_neither_removed_nor_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keys");
    let disk = Arc::new(Unreadable::default());
    let files = Files::new(disk.clone(), home.path().to_owned());
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keys = Keys::new(files.clone(), path.clone(), "org.example.crash".into(), ambient);
    let known = |keys: &Keys| keys.current.load().periods[CRASH.index()].as_ref().map(|periods| *periods.day);
    keys.create(CRASH).unwrap();
    keys.refresh(Day(20_000), [CRASH].into_iter());
    let before = (std::fs::read(&path).unwrap(), known(&keys));
    assert!(before.1.is_some() && !keys.are_unread());
    disk.0.store(true, Ordering::SeqCst);
    keys.refresh(Day(20_000), [CRASH].into_iter());
    assert_eq!(known(&keys), before.1, "the keys of today are as good as they were");
    assert!(keys.are_unread(), "and it is tried again");
    assert!(
        keys.create(CRASH).is_err()
            && keys.destroy(ScopeKey::undeclared("usage")).is_err()
            && keys.destroy(ScopeKey::undeclared(CRASH.name())).is_err()
    );
    assert_eq!(std::fs::read(&path).unwrap(), before.0);
    keys.refresh(Day(20_001), [CRASH].into_iter());
    assert_eq!(known(&keys), None, "codes of another day are made with other keys");
    disk.0.store(false, Ordering::SeqCst);
    keys.refresh(Day(20_001), [CRASH].into_iter());
    assert!(known(&keys).is_some() && known(&keys) != before.1 && !keys.are_unread());
    // A file that was read and is damaged is different: its secrets can no longer be attributed to any scope.
    files.replace(&path, b"damaged").unwrap();
    assert!(keys.destroy(CRASH.into()).unwrap());
    assert!(!path.exists());
}
