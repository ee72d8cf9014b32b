//! Measures what counts of plays reveal about a person, by all attackers together. `.ci/attack` runs it.
//!
//! Simulated people have libraries, of films or of albums, and listen for a year. A [model] of the device counts what
//! they play. For the design that ships, real [clients](device) do the same, whose requests are kept as they are sent,
//! and the program fails if the model does not say what they say. Four attackers get what was sent:
//!
//! - one who knows every [library](attacker) and looks for the person's,
//! - one who knows what everybody played on which [day](diary) and looks for the person,
//! - one who knows nothing but what is common, and [follows](link) a person across a change of address,
//! - one who asks whether one [track](member) is in a library.
//!
//! Beside them stand the same attackers on plays that are sent one by one, and on counts of everything. The program
//! fails if the design that ships misses a goal, and if an attacker is too weak to judge that: where everything is told,
//! it must win. [`grid`] has all designs, and [`activity`] the attacker on events that have nothing to do with content.

#![expect(clippy::indexing_slicing, reason = "a program that measures; a panic is a failed measurement")]

mod activity;
mod attacker;
mod device;
mod diary;
mod films;
mod grid;
mod link;
mod member;
mod model;
mod odds;
mod options;
mod people;
mod report;
mod rule;
mod useful;
mod wire;

use attacker::Libraries;
use grid::{Design, Found, Listening, Size, Tells};
use options::{Options, Task};
use people::Setting;
use report::Hits;
use rule::Rule;
use std::{error::Error, path::Path, process::ExitCode, time::Instant};
use wire::Seen;

/// An event of [`device`].
struct Asked {
    name: &'static str,
    tells: Tells,
    /// One film in this many can ever be counted.
    ever: u64,
}

const EVENTS: [Asked; 2] = [
    Asked { name: "film.played", tells: Tells::Length, ever: 32 },
    Asked { name: "film.streamed", tells: Tells::Stream, ever: 256 },
];

impl Asked {
    /// The design that ships.
    fn design(&self) -> Design {
        Design { tells: self.tells, rule: Rule::shipped(self.ever) }
    }
}

/// What ships must stay below: the first guess of those who know libraries and of those who follow a person, in
/// multiples of chance; the first guess among 1,000 diaries after twelve months; the AUC for any track and for the
/// rarest.
const TIMES_CHANCE: f64 = 3.0;
const DIARY: f64 = 0.01;
const MEMBER: [f64; 2] = [0.52, 0.6];

/// How many people use real clients, and for how many months.
const CLIENTS: (usize, usize) = (2_000, 4);

fn main() -> ExitCode {
    let done = Options::read(std::env::args().skip(1)).map_err(Into::into).and_then(|options| match &options.task {
        Task::Judge => judge(&options),
        Task::Grid(file) => all_designs(&options, file),
        Task::Activity => {
            println!("asked\tsettings\tactivity\tboth");
            activity::table(options.worlds, options.setting.seed, |row| print!("{row}"));
            println!("attack: 2,000 installations, {} worlds, chance 0.05 %", options.worlds);
            Ok(())
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("attack: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn Error>>;

/// How people listen here: films, each as often as any other; and whole albums.
fn listening(options: &Options) -> Result<Vec<Listening>, Box<dyn Error>> {
    let (films, setting) = (films::read(&options.films)?, options.setting);
    if setting.library > films.len() / 2 {
        return Err("there are too few films for libraries of that size".into());
    }
    let albums = Setting { albums: true, ..setting };
    Ok(vec![
        Listening { name: "even", films, setting },
        Listening { name: "albums", films: films::tracks(), setting: albums },
    ])
}

/// The measurement of the check: what ships beside what does not, and real clients beside the model.
fn judge(options: &Options) -> Done {
    let listening = listening(options)?;
    let size = Size { worlds: options.worlds, ..Size::USUAL };
    println!("by chance: {}\n{}", size.chance(), grid::head());
    let (mut wrong, mut summary) = (Vec::new(), Vec::new());
    for listening in &listening {
        for (words, found) in grid::controls(listening) {
            print!("{}", grid::row(listening, &words, &found));
            // Where less is told, not every attacker must win.
            let all_is_told = words.contains("second") || words.contains("bitrate; day");
            wrong.extend(too_weak(&found).filter(|_| all_is_told).map(|attacker| {
                format!("{}: the {attacker} attacker is too weak to judge: it does not win on {words}", listening.name)
            }));
        }
        for asked in &EVENTS {
            let design = asked.design();
            let found = grid::attack(listening, &design, size);
            print!("{}", grid::row(listening, &design.words(), &found));
            wrong.extend(missed(&found).map(|goal| format!("{}, {}: {goal}", listening.name, asked.name)));
            let most = [&found.library[1], &found.link].map(|hits| hits.first()[0] / hits.chance());
            summary.push(format!(
                "{} {}: diary {:.2} %, library {:.1} and link {:.1} times chance",
                listening.name,
                asked.name,
                found.diary[2].first()[0] * 100.0,
                most[0],
                most[1]
            ));
        }
    }
    let begin = Instant::now();
    wrong.extend(clients(options, &listening[0])?);
    if !wrong.is_empty() {
        return Err(wrong.join("; ").into());
    }
    println!("attack: {}; seed {}; clients {} s", summary.join("; "), options.setting.seed, begin.elapsed().as_secs());
    Ok(())
}

/// The goals that were missed. A few thousand trials show only what is missed by far, so a goal counts as missed if the
/// whole interval is beyond it. `.ci/attack grid` has enough trials to show the opposite.
fn missed(found: &Found) -> impl Iterator<Item = String> {
    let shares = [
        ("library, 12 months", &found.library[1], TIMES_CHANCE * found.library[1].chance()),
        ("link", &found.link, TIMES_CHANCE * found.link.chance()),
        ("diary, 12 months", &found.diary[2], DIARY),
    ];
    let shares = shares.map(|(name, hits, most)| (hits.first()[1] > most).then(|| (name, report::share(hits.first()))));
    let areas = [("any track", 0), ("the rarest tracks", 1)];
    let areas = areas.map(|(name, at)| {
        let [area, low, _] = found.member[at];
        (low > MEMBER[at]).then(|| (name, format!("{area:.3}")))
    });
    let missed: Vec<String> =
        shares.into_iter().chain(areas).flatten().map(|(name, figure)| format!("{name}: {figure}")).collect();
    missed.into_iter()
}

/// The attackers who do not win although everything is told.
fn too_weak(found: &Found) -> impl Iterator<Item = &'static str> {
    let wins = [
        ("library", found.library[1].first()[1] > 10.0 * found.library[1].chance()),
        ("link", found.link.first()[1] > 10.0 * found.link.chance()),
        ("diary", found.diary[2].first()[1] > 0.9),
        ("track", found.member[1][1] > MEMBER[1]),
    ];
    wins.into_iter().filter(|(_, wins)| !wins).map(|(name, _)| name)
}

/// Real clients for some months, and what the model says about the same people. Returns what does not agree.
fn clients(options: &Options, listening: &Listening) -> Result<Vec<String>, Box<dyn Error>> {
    let (people, months) = CLIENTS;
    let setting = Setting { people: people.min(options.setting.people), ..listening.setting }.months(months);
    let people = people::people(&listening.films, &setting);
    let partitions = EVENTS.each_ref().map(|asked| asked.tells.partition(&listening.films));
    let rules = EVENTS.each_ref().map(|asked| asked.design().rule);
    let told = device::all(&listening.films, &people, &options.directory, |first, bodies| {
        let read = |at: usize| wire::read(bodies, EVENTS[at].name, &partitions[at], &rules[at], (first, months));
        Ok([read(0)?, read(1)?])
    })?;
    let mut wrong = Vec::new();
    for (at, asked) in EVENTS.iter().enumerate() {
        let (partition, rule) = (&partitions[at], &rules[at]);
        let told: Vec<Seen> = told.iter().map(|told| told[at].clone()).collect();
        let modelled = model::all(&people, partition, rule, setting.seed);
        let libraries = Libraries::of(&people, partition);
        let hits = |seen: &[Seen]| {
            let attacks = [
                attacker::ranks(seen, &libraries, rule, &setting),
                diary::ranks(seen, &people, partition, rule, &setting),
                link::ranks(seen, &people, partition, rule, &setting),
            ];
            attacks.map(|ranks| {
                let mut hits = Hits::of(people.len());
                hits.add(&ranks);
                hits
            })
        };
        let (real, model) = (hits(&told), hits(&modelled));
        for ((name, real), model) in ["library", "diary", "link"].into_iter().zip(&real).zip(&model) {
            let of = |hits: &Hits| format!("{}, median {:.3}", report::share(hits.ten()), hits.median());
            println!("{}: {name}, first ten: clients {}; model {}", asked.name, of(real), of(model));
            if !real.agrees_with(model) {
                wrong.push(format!("{}: the model does not say what real clients do: {name}", asked.name));
            }
        }
        if !report::as_many(&told, &modelled, rule) {
            wrong.push(format!("{}: the model does not count as many plays as real clients", asked.name));
        }
    }
    Ok(wrong)
}

/// All attackers on every design, on the model: a table, and a picture beside it.
fn all_designs(options: &Options, file: &Path) -> Done {
    let mut listening = listening(options)?;
    for (name, uneven, seasons) in [("albums, uneven people", 0.7, 0.0), ("albums, uneven months", 0.0, 0.5)] {
        let setting = Setting { uneven, seasons, ..listening[1].setting };
        listening.push(Listening { name, films: listening[1].films.clone(), setting });
    }
    listening.retain(|it| options.listening.as_ref().is_none_or(|name| it.name == name));
    let size = Size { worlds: options.worlds, quick: options.quick, ..Size::USUAL };
    let mut designs = grid::designs();
    designs.retain(|design| options.only.as_ref().is_none_or(|only| design.words().contains(only)));
    print!("by chance: {}\n{}", size.chance(), grid::head());
    let (table, points) = grid::table(&listening, &designs, size, |row| print!("{row}"));
    std::fs::write(file, table)?;
    let title = "The first guess of each attacker, over one in how many items is counted in a month";
    std::fs::write(file.with_extension("svg"), report::picture(title, &points))?;
    println!("attack: {} and its picture, {} designs", file.display(), designs.len());
    Ok(())
}
