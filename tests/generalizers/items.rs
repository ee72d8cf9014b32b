//! Items, the entities that are sampled: the grant's secret chooses the few that are counted, always the same ones,
//! and nothing about any single one is kept or sent.

use crate::{
    lab::{DAY, Eighth, Every, ITEMS, Lab, Played, Read, Stopped, dropped, say_yes, send},
    secrets::{parts, secret},
    tally,
};
use candor::{Client, Event, event::Installation};
use std::collections::BTreeSet;

/// Whether an event is counted, judged by the counter of events that are not.
fn counts<E: Event<About = Installation>>(client: &Client, event: E) -> bool {
    let before = dropped(client, "not_chosen");
    client.record_durable(event);
    match dropped(client, "not_chosen") - before {
        0 => true,
        1 => false,
        more => panic!("one event was counted {more} times as not chosen"),
    }
}

fn name(item: usize) -> String {
    format!("a film nobody knows, number {item}")
}

/// The numbers of the items that are sampled, out of those `of` these numbers.
fn chosen<E: Event<About = Installation>>(
    client: &Client,
    of: impl IntoIterator<Item = usize>,
    event: impl Fn(&str) -> E,
) -> BTreeSet<usize> {
    let mut before = dropped(client, "not_chosen");
    let mut is_chosen = |item: &usize| {
        // The name is leaked, so that it outlives whatever the event borrows.
        client.record_durable(event(Box::leak(name(*item).into_boxed_str())));
        let after = dropped(client, "not_chosen");
        let left_out = after - std::mem::replace(&mut before, after);
        assert!(left_out <= 1, "one event was counted {left_out} times as not chosen");
        left_out == 0
    };
    of.into_iter().filter(&mut is_chosen).collect()
}

fn played(client: &Client, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    chosen(client, of, |film| Played { film: Some(Box::leak(film.to_owned().into_boxed_str())), first: true })
}

/// Checks that a count is within five standard deviations of its mean, for `of` independent draws at one in `one_in`.
fn within_five_sigma(chosen: u64, of: u64, one_in: u64) -> Result<(), String> {
    let (n, p) = (of as f64, 1.0 / one_in as f64);
    let (mean, sigma) = (n * p, (n * p * (1.0 - p)).sqrt());
    let off = (chosen as f64 - mean).abs();
    if off <= 5.0 * sigma {
        Ok(())
    } else {
        Err(format!("{chosen} of {of} where {mean:.0} ± {:.0} were due", 5.0 * sigma))
    }
}

#[test]
fn the_share_that_is_counted_is_the_one_that_is_promised() {
    const ITEMS_IN_ALL: u64 = 100_000;
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    let share = |record: &dyn Fn(&str)| {
        let before = dropped(&client, "not_chosen");
        (0..ITEMS_IN_ALL).for_each(|item| record(&format!("item {item}")));
        ITEMS_IN_ALL - (dropped(&client, "not_chosen") - before)
    };
    let one_in_512 = share(&|film| client.record(Played { film: Some(film), first: false }));
    let one_in_8 = share(&|which| client.record(Eighth { which }));
    let all = share(&|which| client.record(Every { which }));
    within_five_sigma(one_in_512, ITEMS_IN_ALL, 512).unwrap();
    within_five_sigma(one_in_8, ITEMS_IN_ALL, 8).unwrap();
    assert_eq!(all, ITEMS_IN_ALL);
    // Negative controls: the share of another rate, and a share that is off by a half, are noticed.
    within_five_sigma(one_in_512, ITEMS_IN_ALL, 8).unwrap_err();
    within_five_sigma(195 * 15 / 10, ITEMS_IN_ALL, 512).unwrap_err();
    tally::figure("items", ITEMS_IN_ALL);
    tally::figure("chosen_of_512", one_in_512);
    tally::figure("chosen_of_8", one_in_8);
    tally::property("item", "share within five sigma");
}

/// The films whose end would be counted in any month.
fn stopped(client: &Client, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    chosen(client, of, |film| Stopped { film: Box::leak(film.as_bytes().to_vec().into_boxed_slice()) })
}

#[test]
fn an_item_is_always_counted_or_never_and_few_of_them_in_a_month() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    // As bytes instead of text.
    let all = stopped(&client, 0..1_500);
    assert!(!all.is_empty(), "one such secret in 10²⁰ chooses none");
    // Those that are counted and as many that are not: a look at each costs a read of the manifest.
    let known = || all.iter().copied().chain((0..60).filter(|item| !all.contains(item)));
    assert_eq!(stopped(&client, known()), all, "again");
    let read = chosen(&client, known(), |book| Read { book: Box::leak(book.to_owned().into_boxed_str()) });
    assert_ne!(read, all, "another name space");
    let mut client = Some(client);
    let mut months = std::collections::BTreeMap::<_, BTreeSet<usize>>::new();
    for days in [1, 32, 31, 33, 31, 270] {
        drop(client.take());
        lab.clock.advance(DAY * days);
        let client = client.insert(lab.start());
        assert_eq!(stopped(client, known()), all, "{days} days later");
        let few = played(client, known());
        assert!(few.is_subset(&all), "an item that the other event of the name space never counts");
        assert_eq!(played(client, known()), few, "again");
        let month = lab.today().first_of_month();
        let before = months.entry(month).or_insert_with(|| few.clone());
        assert_eq!(*before, few, "in one month");
    }
    assert!(months.len() >= 5, "{months:?}");
    let distinct: BTreeSet<_> = months.values().collect();
    assert!(distinct.len() >= 3, "each month chooses again: {months:?}");
    let union: BTreeSet<_> = months.values().flatten().collect();
    assert!(union.len() > months.values().map(BTreeSet::len).max().unwrap(), "{months:?}");
    let client = &client.unwrap();
    lab.clock.advance(DAY);
    send(client);
    assert_eq!(stopped(client, known()), all, "the day changes while the program runs");
    // The control: another grant and another installation sample other items.
    client.withdraw(ITEMS).unwrap();
    say_yes(client, ITEMS);
    assert_ne!(stopped(client, known()), all, "another grant");
    let other = Lab::new();
    assert_ne!(stopped(&other.start_granted(ITEMS), known()), all, "another installation");
    tally::property("item", "always or never");
    tally::property("item", "chosen again each month");
    tally::property("item", "new with a new grant");
}

#[test]
fn an_item_nobody_knows_and_one_without_a_key_count_nothing() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    for _ in 0..200 {
        assert!(!counts(&client, Played { film: None, first: true }));
    }
    // The control: every item of an event with `one_in = 1` is counted while there is a key.
    assert!((0..50).all(|item| counts(&client, Every { which: &name(item) })));
    drop(client);
    std::fs::remove_file(lab.keys()).unwrap();
    let client = lab.start();
    assert!(client.status(ITEMS).unwrap().is_open());
    for item in 0..50 {
        client.record_durable(Every { which: &name(item) });
        client.record_durable(Played { film: Some(&name(item)), first: true });
    }
    // Without a key it is unknown whether the items would be left out, so they are not counted as left out.
    assert_eq!((dropped(&client, "in_doubt"), dropped(&client, "not_chosen")), (100, 0));
    assert_eq!(client.manifest().unwrap().outcomes.counted, 0);
    tally::property("item", "without a name or a key counts nothing");
}

/// The keys that sample items for good and of this month, from the file of secrets and the derivation that the manual
/// states.
fn items_keys(lab: &Lab) -> [[u8; 32]; 2] {
    let secret = unhex(&secret(lab, ITEMS));
    let base = blake3::derive_key("candor 2026-11-22 identifier pseudonym v1 scope key", &secret);
    let scope = parts(&base, [b"scope", b"org.example.lab", ITEMS.name().as_bytes()]);
    let today = lab.today();
    let month = u32::try_from(i32::from(today.year()) * 12 + i32::from(today.month()) - 1).unwrap();
    [parts(&scope, [b"rollup", b"item", b""]), parts(&scope, [b"period", b"month", &month.to_le_bytes()])]
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_byte_of_an_item_is_kept_or_sent() {
    const MANY: usize = 400;
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    let seen = stopped(&client, 0..MANY);
    let seen_this_month = played(&client, 0..MANY);
    for item in 0..MANY {
        client.record_durable(Every { which: &name(item) });
        client.record(Every { which: &name(item) });
    }
    let [key, key_of_month] = items_keys(&lab);
    let mut needles: Vec<Vec<u8>> = vec![b"a film nobody knows".to_vec(), hex(b"a film nobody knows").into_bytes()];
    let (mut predicted, mut predicted_this_month) = (BTreeSet::new(), BTreeSet::new());
    for item in 0..MANY {
        let bytes = name(item).into_bytes();
        for domain in ["film", "which"] {
            let draw = parts(&key, [b"item", domain.as_bytes(), &bytes]);
            let draw_of_month = parts(&key_of_month, [b"item", domain.as_bytes(), &bytes]);
            let number = |draw: &[u8]| u64::from_le_bytes(draw[..8].try_into().unwrap());
            if domain == "film" && number(&draw) <= u64::MAX / 32 {
                predicted.insert(item);
                if number(&draw_of_month) <= u64::MAX / 16 {
                    predicted_this_month.insert(item);
                }
            }
            for draw in [draw, draw_of_month] {
                let decimal = number(&draw).to_string().into_bytes();
                needles.extend([draw[..8].to_vec(), hex(&draw[..8]).into_bytes(), decimal]);
            }
        }
        let plain = *blake3::hash(&bytes).as_bytes();
        needles.extend([plain[..8].to_vec(), hex(&plain[..8]).into_bytes()]);
    }
    // The hashes that are searched for are those that decide the sampling.
    assert_eq!(predicted, seen);
    assert_eq!(predicted_this_month, seen_this_month);
    let look = |bodies: &[Vec<u8>]| {
        let files = lab.files();
        for needle in &needles {
            let within = |held: &[u8]| held.windows(needle.len()).any(|at| at == needle);
            let found: Vec<_> = files.iter().filter(|(_, held)| within(held)).map(|(path, _)| path).collect();
            assert!(found.is_empty(), "{:?} is in {found:?}", String::from_utf8_lossy(needle));
            assert!(!bodies.iter().any(|body| within(body)), "{:?} was sent", String::from_utf8_lossy(needle));
        }
    };
    look(&[]);
    // The controls: what is stored is found where it is stored, and so would be one of these values in a file.
    assert!(!lab.holding(b"items.every").is_empty());
    let planted = lab.keys().with_file_name("planted");
    std::fs::write(&planted, &needles[5]).unwrap();
    assert_eq!(lab.holding(&needles[5]), std::slice::from_ref(&planted));
    std::fs::remove_file(planted).unwrap();
    lab.clock.advance(DAY);
    send(&client);
    let bodies = lab.sent();
    assert!(bodies.iter().any(|body| String::from_utf8_lossy(body).contains("items.every")), "{bodies:?}");
    look(&bodies);
    drop(client);
    look(&bodies);
    tally::figure("item_needles", needles.len() as u64);
    tally::property("item", "no byte kept or sent");
}
