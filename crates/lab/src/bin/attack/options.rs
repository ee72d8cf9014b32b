//! The command-line options of the program.

use super::people::Setting;
use std::path::PathBuf;

/// What to measure.
pub(crate) enum Task {
    /// What ships.
    Judge,
    /// All designs, into this file.
    Grid(PathBuf),
    /// Events that have nothing to do with content.
    Activity,
}

pub(crate) struct Options {
    pub(crate) task: Task,
    /// The table of films, as CSV.
    pub(crate) films: PathBuf,
    /// Holds the stores while they are in use.
    pub(crate) directory: PathBuf,
    pub(crate) setting: Setting,
    /// Only designs with this in their words.
    pub(crate) only: Option<String>,
    /// Only people who listen so.
    pub(crate) listening: Option<String>,
    /// How many worlds of 2,000 people there are. Ten give 20,000 trials.
    pub(crate) worlds: usize,
    /// Only what decides between designs.
    pub(crate) quick: bool,
}

impl Options {
    /// `[grid FILE | activity] [--films FILE] [--stores DIRECTORY] [--people N] [--library N] [--plays N] [--seed N]
    /// [--popular] [--worlds N] [--only WORDS] [--listening WORDS]
    /// [--quick]`
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let setting = Setting {
            people: 2_000,
            library: 200,
            plays: 200,
            days: 30,
            popular: false,
            albums: false,
            uneven: 0.0,
            seasons: 0.0,
            seed: 20_261_122,
        };
        let films = PathBuf::from("target/films.csv");
        // In memory where that is possible, because a store syncs every file that it writes.
        let memory = PathBuf::from("/dev/shm");
        let directory = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let mut options = Options {
            task: Task::Judge,
            films,
            directory,
            setting,
            only: None,
            listening: None,
            worlds: 1,
            quick: false,
        };
        while let Some(word) = words.next() {
            let setting = &mut options.setting;
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            let number = |text: String| text.parse::<usize>().map_err(|_| format!("`{text}` is not a number"));
            match word.as_str() {
                "grid" => options.task = Task::Grid(value()?.into()),
                "activity" => options.task = Task::Activity,
                "--only" => options.only = Some(value()?),
                "--listening" => options.listening = Some(value()?),
                "--worlds" => options.worlds = number(value()?)?.max(1),
                "--quick" => options.quick = true,
                "--films" => options.films = value()?.into(),
                "--stores" => options.directory = value()?.into(),
                "--people" => setting.people = number(value()?)?.max(1),
                "--library" => setting.library = number(value()?)?.max(1),
                "--plays" => setting.plays = number(value()?)?.max(1),
                "--seed" => setting.seed = number(value()?)? as u64,
                "--popular" => setting.popular = true,
                _ => return Err(format!("no such argument: {word}")),
            }
        }
        Ok(options)
    }
}
