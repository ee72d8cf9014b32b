//! The three decoders read the same bodies and say the same. The bodies are made by candor itself: events are recorded on several
//! installations, days pass, and what a transport is handed is kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed, and says where"
)]

use candor::{
    AddressLog, Answer, Audience, Client, Clock, Config, Controller, Erasure, Event, Parcel, Scope, SendError,
    Transport,
};
use candor_reading::{Estimate, Record, median, ratio, records, share, total};
use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

candor::scope! {
    /// Find out how many shelves people use and how often exports fail, so that both get better.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
}

/// An export ended.
#[derive(Event)]
#[event(name = "export.ended", scope = USAGE, linkage = rollup)]
struct ExportEnded {
    /// Whether it worked.
    ok: bool,
    /// How many shelves it had.
    #[field(count, example = 3)]
    shelves: u64,
}

/// The program was started.
#[derive(Event)]
#[event(name = "program.started", scope = USAGE, linkage = rollup)]
struct Started {
    /// Whether for the first time.
    first: bool,
}

/// A film was opened.
#[derive(Event)]
#[event(name = "film.opened", scope = USAGE, linkage = rollup, every = day, reason = "a test lasts a few days")]
struct FilmOpened<'a> {
    /// Which film.
    #[field(item)]
    film: &'a str,
    /// Whether it had been begun before.
    resumed: bool,
}

/// The library was sorted.
#[derive(Event)]
#[event(name = "library.sorted", scope = USAGE, linkage = none)]
struct Sorted {
    /// How many shelves it has.
    #[field(count, example = 3)]
    shelves: u64,
}

const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR")
    .address("1 rue de l'Exemple, Paris")
    .processors(&[])
    .hosting_countries(&["FR"])
    .onward_sharing(&[])
    .address_log(AddressLog::NotKept)
    .erasure(Erasure::Unsupported);

/// Noon of a day.
const START: Duration = Duration::from_secs(20_786 * 86_400 + 43_200);
const LIMIT: Duration = Duration::from_secs(60);

struct Days(Mutex<SystemTime>);

impl Clock for Days {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<String>>>);

impl Transport for Taken {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().unwrap().push(String::from_utf8(parcel.body().to_vec()).unwrap());
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// The events of one installation on a day.
fn use_it(client: &Client, number: u64) {
    let films: Vec<String> = (0..2_000).map(|film| format!("film {film} of {number}")).collect();
    for at in 0..number * 3 {
        client.record_durable(ExportEnded { ok: at % 5 != 0, shelves: at * number });
        client.record_durable(Started { first: at == 0 });
    }
    client.record_durable(Sorted { shelves: number });
    for film in &films {
        client.record(FilmOpened { film, resumed: number.is_multiple_of(2) });
    }
}

/// What eight installations send, as the bodies of their requests.
fn bodies(scope: Scope) -> Vec<String> {
    let taken = Taken::default();
    for number in 1..=8 {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(Days(Mutex::new(UNIX_EPOCH + START)));
        let config = Config::new("org.example.books", CONTROLLER, Audience::Adults)
            .directories(home.path().join("a"), home.path().join("b"))
            .transport("taken", taken.clone())
            .clock(clock.clone())
            .lift_ci_block();
        let client = Client::new(config).unwrap();
        let notice = client.notice(scope).unwrap();
        client.grant(scope.shown(&notice)).unwrap();
        for _ in 0..2 {
            use_it(&client, number);
            assert!(client.flush(LIMIT).unwrap().trouble.is_none());
            *clock.0.lock().unwrap() += Duration::from_secs(86_400);
        }
        assert!(client.flush(LIMIT).unwrap().trouble.is_none());
    }
    taken.0.lock().unwrap().clone()
}

const STEPS: [i64; 13] = [0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1_024];

/// What is estimated, by name. The Python and SQL below ask the same.
fn in_rust(found: &[Record]) -> Vec<(&'static str, Estimate)> {
    let of = |event: &'static str| found.iter().filter(move |record| record.event == event);
    let failed = |record: &Record| record.field("ok") == Some("false");
    let resumed = |record: &Record| record.field("resumed") == Some("true");
    vec![
        ("exports", total(of("export.ended"))),
        ("films", total(of("film.opened"))),
        ("sorted", total(of("library.sorted"))),
        ("nothing", total(of("nothing"))),
        ("failed", share(of("export.ended"), failed)),
        ("resumed", share(of("film.opened"), resumed)),
        ("never", share(of("film.opened"), |_| false)),
        ("exports by starts", ratio(of("export.ended"), of("program.started"))),
        ("films by starts", ratio(of("film.opened"), of("program.started"))),
        ("exports by films", ratio(of("export.ended"), of("film.opened"))),
        ("shelves", median(of("export.ended"), "shelves", &STEPS)),
        ("shelves sorted", median(of("library.sorted"), "shelves", &STEPS)),
    ]
}

const IN_PYTHON: &str = r#"
import json, sqlite3, sys
package, bodies = sys.argv[1], sys.argv[2]
sys.path.insert(0, package)
sys.dont_write_bytecode = True
import candor_reading as reading

lines = open(bodies, encoding="utf-8").read().splitlines()
found = reading.records(lines + lines)
of = lambda event: [it for it in found if it.event == event]
steps = [0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1024]
exports, films, starts, sorted_ = of("export.ended"), of("film.opened"), of("program.started"), of("library.sorted")
python = [
    reading.total(exports), reading.total(films), reading.total(sorted_), reading.total(of("nothing")),
    reading.share(exports, lambda it: it.fields.get("ok") == "false"),
    reading.share(films, lambda it: it.fields.get("resumed") == "true"),
    reading.share(films, lambda it: False),
    reading.ratio(exports, starts), reading.ratio(films, starts), reading.ratio(exports, films),
    reading.median(exports, "shelves", steps), reading.median(sorted_, "shelves", steps),
]

store = sqlite3.connect(":memory:")
store.executescript(open(package + "/candor_reading.sql", encoding="utf-8").read())
for line in lines + lines:
    store.execute("insert into body values (?)", (line,))

def ask(view, fill):
    store.execute("delete from chosen")
    store.execute("delete from chosen_value")
    store.execute(fill)
    ((*numbers,),) = store.execute("select value, low, high, records, capped from " + view).fetchall()
    return reading.Estimate(*numbers)

def events(of):
    return f"insert into chosen select uid, 1, 1 from record where event = '{of}'"

def part(of, name, value):
    return (f"insert into chosen select uid, value = '{value}', 1 from record join field using (uid) "
            f"where event = '{of}' and name = '{name}'")

def two(above, below):
    return (f"insert into chosen select uid, event = '{above}', event = '{below}' from record "
            f"where event in ('{above}', '{below}')")

def values(of):
    return (f"insert into chosen_value select uid, cast(value as integer) from record join field using (uid) "
            f"where event = '{of}' and name = 'shelves'")

store.executemany("insert into step values (?)", [(step,) for step in steps])
sql = [
    ask("total", events("export.ended")), ask("total", events("film.opened")), ask("total", events("library.sorted")),
    ask("total", events("nothing")),
    ask("share", part("export.ended", "ok", "false")), ask("share", part("film.opened", "resumed", "true")),
    ask("share", part("film.opened", "resumed", "never")),
    ask("ratio", two("export.ended", "program.started")), ask("ratio", two("film.opened", "program.started")),
    ask("ratio", two("export.ended", "film.opened")),
    ask("median", values("export.ended")), ask("median", values("library.sorted")),
]
for name, estimates in (("python", python), ("sql", sql)):
    for it in estimates:
        print(name, it.value, it.low, it.high, it.records, it.capped)
"#;

/// The lines that a decoder of the program above printed.
fn said<'t>(text: &'t str, decoder: &str) -> Vec<Vec<f64>> {
    let lines = text.lines().filter_map(|line: &'t str| line.strip_prefix(decoder));
    lines.map(|line| line.split_whitespace().map(|number| number.parse().unwrap()).collect()).collect()
}

fn are_near(one: f64, other: f64) -> bool {
    one == other || (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

#[test]
fn all_three_decoders_agree() {
    let bodies = bodies(USAGE);
    let twice = bodies.iter().chain(&bodies).map(String::as_str);
    let found = records(twice).unwrap();
    assert_eq!(found.len(), records(bodies.iter().map(String::as_str)).unwrap().len());
    assert!(found.len() > 80 && bodies.len() > 8, "{} records", found.len());
    let divisors = |event: &str| {
        let found = found.iter().filter(|record| record.event == event);
        found.map(|record| record.divisor).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(divisors("film.opened").into_iter().eq([512]) && divisors("export.ended").into_iter().eq([1]));
    let rust = in_rust(&found);
    // What does not depend on chance.
    assert_eq!((rust[2].1.value, rust[2].1.low, rust[2].1.high), (16.0, 16.0, 16.0), "each is one record");
    assert!(rust.iter().all(|(name, it)| *name == "nothing" || it.records > 0), "{rust:#?}");

    let home = tempfile::tempdir().unwrap();
    let (program, file) = (home.path().join("ask.py"), home.path().join("bodies.jsonl"));
    fs::write(&program, IN_PYTHON).unwrap();
    let lines: Vec<&str> = bodies.iter().map(|body| body.trim_end()).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    // Without Python this test fails: nothing else compares the decoders.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new("python3").arg(&program).arg(package).arg(&file).output();
    let ran = ran.unwrap_or_else(|error| panic!("this test needs python3, with its sqlite3: {error}"));
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for decoder in ["python", "sql"] {
        let said = said(&text, decoder);
        assert_eq!(said.len(), rust.len(), "{text}");
        for ((what, here), there) in rust.iter().zip(said) {
            let here = [here.value, here.low, here.high, here.records as f64, here.capped as f64];
            println!("{decoder}, {what}: {there:?}");
            assert!(
                here.iter().zip(&there).all(|(one, other)| are_near(*one, *other)),
                "{decoder}, {what}: {here:?} {there:?}"
            );
        }
    }
}
