//! Measures how much roll-ups reveal about a person's library. `.ci/attack` runs it.
//!
//! Each of 10,000 simulated people has a library of films and plays from it for 30 days on a real [client](device),
//! whose requests are kept as they are sent. An [attacker] who knows every library, every rule and all requests of a
//! person orders the libraries by likelihood. The program prints how often the right library comes first, or is among
//! the first ten. It prints the same for plays that are sent one by one with rounded values, and for chance. It fails
//! if candor's figures are not near chance. It also fails if the attacker is too weak to judge that: given exact
//! counts, it must name nearly every person.

#![expect(clippy::indexing_slicing, reason = "a program that measures; a panic is a failed measurement")]

mod attacker;
mod device;
mod diary;
mod films;
mod model;
mod options;
mod people;
mod report;
mod rule;
mod wire;

use attacker::{Libraries, ranks, ranks_of_single_plays};
use films::Film;
use options::Options;
use people::{Person, Setting};
use report::{Figures, Point};
use rule::{Partition, Rule};
use std::{error::Error, path::Path, process::ExitCode};
use wire::Seen;

/// An event of [`device`], and the limits that its figures must keep.
struct Asked {
    name: &'static str,
    tells: &'static str,
    one_in: u64,
    /// The highest allowed upper ends of the 95 % intervals, for the first place and for the first ten.
    most: (f64, f64),
    /// The lowest allowed median rank of the true library, as a share of all libraries. Chance gives 0.5.
    median: f64,
}

/// Two fields reveal more than one, so fewer films are counted: one in three times the event's number of outcomes (6 or
/// 84), rounded up to the next 2^n, and at least 32. The limits leave three standard deviations and more for the effect
/// of another seed or other secrets.
const EVENTS: [Asked; 2] = [
    Asked { name: "film.played", tells: "duration", one_in: 32, most: (0.002, 0.005), median: 0.385 },
    Asked { name: "film.streamed", tells: "duration, bitrate", one_in: 256, most: (0.002, 0.005), median: 0.42 },
];
/// How many people are searched for among all by their diaries of a year.
const DIARIES: usize = 1_000;
/// For how many people the control tries to find the library.
const CONTROLS: usize = 1_000;

fn main() -> ExitCode {
    let done = Options::read(std::env::args().skip(1)).map_err(Into::into).and_then(|options| {
        if options.control {
            return control(&Attack::new(&options)?).map(|()| println!("attack: control: nearly everybody is named"));
        }
        match &options.curve {
            Some(file) => curve(&options, file),
            None => judge(&options),
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

/// Everything that is the same for every design.
struct Attack {
    setting: Setting,
    films: Vec<Film>,
    people: Vec<Person>,
    /// The films that each event can tell apart.
    partitions: [Partition; 2],
}

impl Attack {
    fn new(options: &Options) -> Result<Self, Box<dyn Error>> {
        let (films, setting) = (films::read(&options.films)?, options.setting);
        if setting.library > films.len() / 2 {
            return Err("there are too few films for libraries of that size".into());
        }
        let people = people::people(&films, &setting);
        println!("{} films; {setting:?}", films.len());
        println!("{}", report::head());
        println!("{}", Figures::chance(people.len(), people.len()).row("chance", ""));
        let partitions = [Partition::durations(&films), Partition::streams(&films)];
        Ok(Attack { setting, films, people, partitions })
    }

    /// The same libraries, played from for a year.
    fn a_year(&self) -> Self {
        let (setting, films) = (self.setting.a_year(), self.films.clone());
        let partitions = [Partition::durations(&films), Partition::streams(&films)];
        Attack { setting, people: people::people(&films, &setting), films, partitions }
    }

    /// What all devices would send under another rule, according to the model.
    fn model(&self, event: usize, rule: &Rule) -> Vec<Seen> {
        model::all(&self.people, &self.partitions[event], rule, self.setting.seed)
    }

    /// Attacks the people in `seen`, who are the first ones of all.
    fn figures(&self, seen: &[Seen], partition: &Partition, rule: &Rule) -> Figures {
        let libraries = Libraries::of(&self.people, partition);
        Figures::of(&ranks(seen, &libraries, rule, &self.setting), self.people.len())
    }

    fn show(&self, what: &str, seen: &[Seen], partition: &Partition, rule: &Rule) -> Figures {
        let figures = self.figures(seen, partition, rule);
        println!("{}", figures.row(what, &report::error(&self.people[..seen.len()], seen, partition, rule)));
        figures
    }

    fn single_plays(&self) {
        for (words, seconds) in [("to the second", 1), ("to the minute", 60), ("to 5 minutes", 300)] {
            let tells = |film: u32| self.films[film as usize].seconds / seconds;
            let ranks = ranks_of_single_plays(&self.people, &self.setting, tells);
            let figures = Figures::of(&ranks, self.people.len());
            println!("{}", figures.row(&format!("each play on its own, rounded down {words}"), ""));
        }
    }

    /// What real clients sent, by event.
    fn clients(&self, directory: &Path) -> Result<[Vec<Seen>; 2], Box<dyn Error>> {
        let told = device::all(&self.films, &self.people, directory, |first, bodies| {
            let read = |at: usize| {
                let (asked, days) = (&EVENTS[at], (first, self.setting.days));
                wire::read(bodies, asked.name, &self.partitions[at], &Rule::candor(asked.one_in), days)
            };
            Ok((read(0)?, read(1)?))
        })?;
        let (played, streamed) = told.into_iter().unzip();
        Ok([played, streamed])
    }
}

/// The whole measurement.
fn judge(options: &Options) -> Done {
    let attack = Attack::new(options)?;
    attack.single_plays();
    let begin = std::time::Instant::now();
    let told = attack.clients(&options.directory)?;
    let (took, a_year) = (begin.elapsed().as_secs(), attack.a_year());
    let (mut summary, mut diaries, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    let people = attack.people.len();
    for (at, asked) in EVENTS.iter().enumerate() {
        let (partition, Asked { name, tells, one_in, .. }) = (&attack.partitions[at], asked);
        let exact = attack.model(at, &Rule::exact());
        let unprotected = attack.show(&format!("every count as it is: {tells}"), &exact, partition, &Rule::exact());
        let (what, rule) = (format!("{tells}, one in {one_in}"), Rule::candor(*one_in));
        let figures = attack.show(&format!("candor: {what}"), &told[at], partition, &rule);
        let by_diary = diary::ranks(&told[at], &attack.people, partition, &rule, &attack.setting);
        let by_diary = Figures::of(&by_diary, attack.people.len());
        println!("{}", by_diary.row("        to one who knows what was played on each day", ""));
        let modelled = attack.model(at, &rule);
        let model = attack.show(&format!("model:  {what}"), &modelled, partition, &rule);
        if !figures.agrees_with(&model) || !report::as_many(&told[at], &modelled, &rule) {
            wrong.push(format!("{name}: the model does not say what real clients do"));
        }
        let after_a_year = a_year.model(at, &rule);
        a_year.show(&format!("model:  {what}, 12 months"), &after_a_year, partition, &rule);
        let some = &after_a_year[..DIARIES.min(after_a_year.len())];
        let by_diary = Figures::of(&diary::ranks(some, &a_year.people, partition, &rule, &a_year.setting), people);
        println!("{}", by_diary.row(&format!("        the same with diaries, of {} people", some.len()), ""));
        diaries.push(format!("{:.0} %", by_diary.top_1()[0] * 100.0));
        if figures.top_10()[2] >= unprotected.top_10()[1] {
            wrong.push(format!("{name} tells as much as exact counts: the attacker is too weak to judge"));
        }
        let ([first, _, first_end], [ten, _, ten_end]) = (figures.top_1(), figures.top_10());
        if first_end > asked.most.0 || ten_end > asked.most.1 || figures.median[0] < asked.median {
            wrong.push(format!("{name} is not near chance: {}", figures.row("", "").trim()));
        }
        summary.push(format!("{tells}, one in {one_in}: {:.2} % first, {:.2} % in ten", first * 100.0, ten * 100.0));
    }
    if let Err(error) = control(&attack) {
        wrong.push(error.to_string());
    }
    if !wrong.is_empty() {
        return Err(wrong.join("; ").into());
    }
    let (seed, diaries) = (attack.setting.seed, diaries.join(" and "));
    println!(
        "attack: {} of {people} people (chance 0.01, 0.1); with diaries of 12 months {diaries} first; seed {seed}; \
         clients {took} s",
        summary.join("; ")
    );
    Ok(())
}

/// The same attacker, given each day's plays by the minute, must name nearly every person.
fn control(attack: &Attack) -> Done {
    let rule = Rule::exact();
    let minutes = Partition::minutes(&attack.films);
    let some = &attack.people[..CONTROLS.min(attack.people.len())];
    let exact = model::all(some, &minutes, &rule, attack.setting.seed);
    let figures = attack.figures(&exact, &minutes, &rule);
    println!("{}", figures.row(&format!("control, {} people: every minute and count", some.len()), ""));
    if figures.top_1()[1] < 0.95 {
        return Err("the attacker is broken: given each day's minutes it does not name nearly everybody".into());
    }
    Ok(())
}

/// Measures other sampling rates and a whole year: the trade-off as data and as a picture. Uses real clients for the
/// shipped design.
fn curve(options: &Options, file: &Path) -> Done {
    let attack = Attack::new(options)?;
    let mut points = Vec::new();
    let a_year = attack.a_year();
    let lines = [
        ["duration, 30 days", "duration, 12 months"],
        ["duration and bitrate, 30 days", "duration and bitrate, 12 months"],
    ];
    for (at, lines) in lines.into_iter().enumerate() {
        for (line, attack) in lines.into_iter().zip([&attack, &a_year]) {
            for one_in in (0..=10).map(|halvings| 1 << halvings) {
                let (rule, partition) = (Rule::candor(one_in), &attack.partitions[at]);
                let seen = attack.model(at, &rule);
                let figures = attack.show(&format!("model: {line}, one in {one_in}"), &seen, partition, &rule);
                let error = report::error(&attack.people, &seen, partition, &rule);
                points.push(Point { line, one_in, figures, error, real: false });
            }
        }
    }
    let told = attack.clients(&options.directory)?;
    for (at, Asked { name, one_in, .. }) in EVENTS.into_iter().enumerate() {
        let (line, partition, rule) = (lines[at][0], &attack.partitions[at], Rule::candor(one_in));
        let figures = attack.show(&format!("clients: {name}, one in {one_in}"), &told[at], partition, &rule);
        let error = report::error(&attack.people, &told[at], partition, &rule);
        let model = points.iter().find(|point| point.line == line && point.one_in == one_in);
        let model = model.ok_or("the model was not asked about the shipped design")?.figures;
        if !figures.agrees_with(&model) {
            return Err(format!("{name}: the model does not say what real clients do").into());
        }
        points.push(Point { line, one_in, figures, error, real: true });
    }
    std::fs::write(file, report::picture(&points))?;
    std::fs::write(file.with_extension("tsv"), report::data(&points))?;
    println!("attack: {} and its data, {} points", file.display(), points.len());
    Ok(())
}
