//! All attackers together, on every design: what each of them finds, and what the publisher learns. `.ci/attack grid`
//! runs it on the model, which agrees with real clients for the design that ships.

use super::{
    attacker::{self, Libraries},
    diary,
    films::Film,
    link, member, model,
    people::{self, Person, Setting},
    report::{self, Hits, Point},
    rule::{Partition, Rule},
    useful,
};
use std::fmt::Write as _;

/// What is told of a play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// The length, on six steps.
    Length,
    /// The length and the bitrate.
    Stream,
}

impl Tells {
    pub(crate) fn partition(self, films: &[Film]) -> Partition {
        match self {
            Tells::Length => Partition::durations(films),
            Tells::Stream => Partition::streams(films),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Tells::Length => "length",
            Tells::Stream => "length and bitrate",
        }
    }
}

/// One design: what is told, and how plays are counted.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    pub(crate) tells: Tells,
    pub(crate) rule: Rule,
}

impl Design {
    pub(crate) fn words(&self) -> String {
        let rule = &self.rule;
        let period = match rule.period {
            1 => "day".to_owned(),
            7 => "week".to_owned(),
            30 => "month".to_owned(),
            days => format!("{days} days"),
        };
        let chosen = match (rule.ever, rule.now) {
            (1, 1) => "all".to_owned(),
            (ever, 1) => format!("1/{ever}"),
            (1, now) => format!("1/{now} each {}", rule.turn),
            (ever, now) => format!("1/{ever} ever, 1/{now} of them each {}", rule.turn),
        };
        let held = if rule.holds_back { "" } else { ", a lone count is told" };
        let cap = if rule.cap == 16 { String::new() } else { format!(", cap {}", rule.cap) };
        let steps = match (rule.unbiased, rule.counts.get(4)) {
            (false, _) => ", rounded down".to_owned(),
            (true, Some(5)) => String::new(),
            (true, _) => format!(", steps {:?}", &rule.counts[1..rule.counts.len().min(5)]),
        };
        format!("{}; {period}; {chosen}{held}{cap}{steps}", self.tells.words())
    }
}

impl Design {
    /// The points of the picture, if it differs from what ships only in which items are counted.
    fn points(&self, listening: &Listening, found: &Found) -> Vec<Point> {
        let rule = &self.rule;
        let usual = Rule::closing(30, 1);
        if rule.period != 30
            || rule.counts != usual.counts
            || rule.cap != usual.cap
            || !rule.holds_back
            || !rule.unbiased
        {
            return Vec::new();
        }
        let choice = match (rule.ever, rule.now, rule.turn) {
            (_, 1, _) => "one choice",
            (1, _, 1) => "chosen again each month",
            (1, _, 3) => "chosen again each quarter",
            (1, ..) => "chosen again each year",
            _ => "one choice, of which a part each month",
        };
        let panel = format!("{}, {}; {choice}", listening.name, self.tells.words());
        let wrong = found.errors[1] / 100.0;
        let lines = [
            ("library, 12 months, of 2,000", found.library[1].first()),
            ("diary, 12 months, of 1,000", found.diary[2].first()),
            ("link, month 4, of 2,000", found.link.first()),
            ("error of a share, 5,000 people", [wrong; 3]),
        ];
        let point = |(line, share)| Point { panel: panel.clone(), line, one_in: rule.one_in(), share };
        lines.into_iter().map(point).collect()
    }
}

/// How the people of one measurement listen.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    pub(crate) name: &'static str,
    pub(crate) films: Vec<Film>,
    pub(crate) setting: Setting,
}

/// What all attackers find.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// After one month and after twelve.
    pub(crate) library: [Hits; 2],
    /// After one month, three and twelve.
    pub(crate) diary: [Hits; 3],
    /// After twelve months, by the attacker who follows single items.
    pub(crate) by_item: Hits,
    pub(crate) link: Hits,
    /// The AUC for any track and for the rarest, after twelve months.
    pub(crate) member: [[f64; 3]; 2],
    /// The share of plays told.
    pub(crate) told: f64,
    /// The error of a share in points, with 500 people and with 5,000.
    pub(crate) errors: [f64; 2],
}

/// How many trials there are, and among how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Each world has people of its own.
    pub(crate) worlds: usize,
    pub(crate) libraries: usize,
    pub(crate) diaries: usize,
    pub(crate) links: usize,
    /// Only the attackers that decide, each after its longest time.
    pub(crate) quick: bool,
}

impl Size {
    /// With ten worlds there are 20,000 trials.
    pub(crate) const USUAL: Size = Size { worlds: 10, libraries: 2_000, diaries: 1_000, links: 2_000, quick: false };

    fn trials(self) -> usize {
        self.worlds * self.libraries
    }

    /// What guessing gives, in words.
    pub(crate) fn chance(self) -> String {
        let of = |among: usize| 100.0 / among as f64;
        format!("library {} %, diary {} %, link {} %", of(self.libraries), of(self.diaries), of(self.links))
    }
}

/// People who listen for so many months.
fn world(listening: &Listening, people: usize, months: usize, number: usize) -> (Setting, Vec<Person>) {
    let seed = listening.setting.seed.wrapping_add(number as u64 * 7_919 + months as u64);
    let setting = Setting { people, seed, ..listening.setting }.months(months);
    (setting, people::people(&listening.films, &setting))
}

/// Runs one design against everybody.
pub(crate) fn attack(listening: &Listening, design: &Design, size: Size) -> Found {
    let (partition, rule) = (design.tells.partition(&listening.films), &design.rule);
    let library = [1, 12].map(|months| {
        let mut hits = Hits::of(size.libraries);
        for number in 0..if size.quick && months < 12 { 0 } else { size.worlds } {
            let (setting, people) = world(listening, size.libraries, months, number);
            let libraries = Libraries::of(&people, &partition);
            let seen = model::all(&people, &partition, rule, setting.seed);
            hits.add(&attacker::ranks(&seen, &libraries, rule, &setting));
        }
        hits
    });
    let diary = [1, 3, 12].map(|months| {
        let mut hits = Hits::of(size.diaries);
        for number in 0..if size.quick && months < 12 { 0 } else { size.trials().div_ceil(size.diaries) } {
            let (setting, people) = world(listening, size.diaries, months, number);
            let seen = model::all(&people, &partition, rule, setting.seed);
            hits.add(&diary::ranks(&seen, &people, &partition, rule, &setting));
        }
        hits
    });
    let mut by_item = Hits::of(size.diaries);
    if rule.period < 30 || size.quick {
        by_item = diary[2].clone();
    } else {
        // This takes long, so a tenth of the trials must do.
        for number in 0..size.worlds {
            let (setting, people) = world(listening, size.diaries, 12, number);
            let seen = model::all(&people[..size.libraries / 10], &partition, rule, setting.seed);
            by_item.add(&diary::refined(&seen, &people, &partition, rule, &setting));
        }
    }
    let mut links = Hits::of(size.links);
    for number in 0..size.trials().div_ceil(size.links) {
        let months = if rule.now > 1 { rule.turn.saturating_sub(1) * rule.period / 30 + 4 } else { 4 };
        let (setting, people) = world(listening, size.links, months, number);
        let seen = model::all(&people, &partition, rule, setting.seed);
        links.add(&link::ranks(&seen, &people, &partition, rule, &setting));
    }
    let any: Vec<u32> = (0..listening.films.len() as u32).collect();
    let member = [any, member::rarest(&listening.films, &partition)].map(|targets| {
        if size.quick {
            return [f64::NAN; 3];
        }
        let (setting, people) = world(listening, size.trials(), 12, 0);
        member::auc(&member::answers(&people, &targets, &partition, rule, &setting))
    });
    let (setting, people) = world(listening, 10_000, 1, 1_000);
    let (of_500, told) = useful::errors(&people, 500, rule, &setting);
    let (of_5000, _) = useful::errors(&people, 5_000, rule, &setting);
    Found { library, diary, by_item, link: links, member, told, errors: [of_500, of_5000] }
}

pub(crate) fn head() -> String {
    "listening\tdesign\tlibrary 1 month\tlibrary 12\tlibrary 12 rank\tdiary 1\tdiary 3\tdiary 12\tdiary 12, by item\tlink\tmember\tmember, \
     rarest\ttold\terror of 500\terror of 5,000\n"
        .to_owned()
}

/// One line of the table.
pub(crate) fn row(listening: &Listening, design: &str, found: &Found) -> String {
    let mut out = format!("{}\t{design}", listening.name);
    let share = |hits: &Hits| report::share(hits.first());
    for hits in &found.library {
        let _ = write!(out, "\t{}", share(hits));
    }
    let _ = write!(out, "\t{:.3}", found.library[1].median());
    for hits in found.diary.iter().chain([&found.by_item, &found.link]) {
        let _ = write!(out, "\t{}", share(hits));
    }
    for area in found.member {
        let [auc, low, high] = area;
        if auc.is_nan() {
            out.push_str("\tnot asked");
        } else {
            let _ = write!(out, "\t{auc:.3} [{low:.3}, {high:.3}]");
        }
    }
    let _ = writeln!(out, "\t{:.0} %\t{:.2}\t{:.2}", found.told * 100.0, found.errors[0], found.errors[1]);
    out
}

/// The designs of the grid.
pub(crate) fn designs() -> Vec<Design> {
    let mut designs = Vec::new();
    let asked =
        [(Tells::Length, 32, [64, 128, 256, 512, 1_024]), (Tells::Stream, 256, [512, 1_024, 2_048, 4_096, 8_192])];
    for (tells, ever, rates) in asked {
        let mut add = |rule: Rule| designs.push(Design { tells, rule });
        let shipped = Rule::shipped(ever);
        add(shipped.clone());
        // What candor did at first.
        add(Rule::candor(ever));
        // Other periods, with a choice that stays.
        for one_in in [ever, shipped.one_in()] {
            for period in [1, 7] {
                add(Rule { holds_back: true, ..Rule::closing(period, one_in) });
            }
        }
        // Other rates, and other choices.
        for one_in in rates {
            let stays = Rule { holds_back: true, ..Rule::closing(30, one_in) };
            add(stays.clone());
            for turn in [1, 3] {
                add(Rule { ever: 1, now: one_in, turn, ..stays.clone() });
            }
            let both = Rule { ever, now: one_in / ever, ..stays };
            if one_in != shipped.one_in() {
                add(both.clone());
            }
            add(Rule { holds_back: false, ..both });
        }
        add(Rule { cap: 4, ..shipped.clone() });
        add(Rule { counts: vec![0, 1, 4, 16, 64, 256], ..shipped.clone() });
        add(Rule { counts: (0..64).collect(), ..shipped.clone() });
        add(Rule { unbiased: false, ..shipped });
    }
    designs
}

/// Plays that are sent one by one, with the length to so many seconds.
pub(crate) fn single(listening: &Listening, seconds: u64, size: Size) -> Found {
    // To the second, nothing but the length is needed. Rounded, the bitrate is told as well.
    let rates = Partition::streams(&listening.films);
    let tells = |film: u32| {
        let rate = if seconds == 1 { 0 } else { rates.bitrate_of(film) };
        listening.films[film as usize].seconds / seconds + (rate << 32)
    };
    let partition = Tells::Length.partition(&listening.films);
    let mut library = [Hits::of(size.libraries), Hits::of(size.libraries)];
    let (setting, people) = world(listening, size.libraries, 1, 0);
    library[0].add(&attacker::ranks_of_single_plays(&people, &setting, tells));
    library[1] = library[0].clone();
    let diary = [1, 3, 12].map(|months| {
        let mut hits = Hits::of(size.diaries);
        let (setting, people) = world(listening, size.diaries, months, 0);
        hits.add(&diary::ranks_of_single_plays(&people, &setting, tells));
        hits
    });
    let by_item = diary[2].clone();
    let (setting, people) = world(listening, size.links, 4, 0);
    let mut link = Hits::of(size.links);
    link.add(&link::ranks_of_single_plays(&people, &setting, tells));
    let any: Vec<u32> = (0..listening.films.len() as u32).collect();
    let member = [any, member::rarest(&listening.films, &partition)].map(|targets| {
        let (setting, people) = world(listening, size.libraries, 12, 0);
        member::auc(&member::answers_of_single_plays(&people, &targets, &setting, tells))
    });
    Found { library, diary, by_item, link, member, told: 1.0, errors: [0.0; 2] }
}

/// What candor never does: plays one by one, and counts of everything, day by day.
pub(crate) fn controls(listening: &Listening) -> Vec<(String, Found)> {
    // Who wins does so among few, too.
    let size = Size { worlds: 1, libraries: 500, diaries: 500, links: 500, quick: false };
    let words = [("each play, length to the second", 1), ("each play, length to 5 minutes and bitrate", 300)];
    let one_by_one = words.map(|(words, seconds)| (words.to_owned(), single(listening, seconds, size)));
    let everything = [Tells::Length, Tells::Stream].map(|tells| {
        let design = Design { tells, rule: Rule::closing(1, 1) };
        (design.words(), attack(listening, &design, size))
    });
    one_by_one.into_iter().chain(everything).collect()
}

/// Everything as a table, and as points of a picture. `show` gets each row as soon as it is there.
pub(crate) fn table(
    listening: &[Listening],
    designs: &[Design],
    size: Size,
    mut show: impl FnMut(&str),
) -> (String, Vec<Point>) {
    let (mut out, mut points) = (head(), Vec::new());
    // Days take long, and do not ship.
    let small = Size { worlds: 1, ..size };
    for listening in listening {
        let mut add = |words: &str, found: &Found| {
            let row = row(listening, words, found);
            show(&row);
            out.push_str(&row);
        };
        let controls = if size.quick { Vec::new() } else { controls(listening) };
        for (words, found) in controls {
            add(&words, &found);
        }
        for design in designs {
            let found = attack(listening, design, if design.rule.period < 30 { small } else { size });
            add(&design.words(), &found);
            points.extend(design.points(listening, &found));
        }
    }
    (out, points)
}
