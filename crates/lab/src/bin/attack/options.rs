//! The command-line options of the program.

use super::people::Setting;
use std::path::PathBuf;

pub(crate) struct Options {
    /// The table of films, as CSV.
    pub(crate) films: PathBuf,
    /// Holds the stores while they are in use.
    pub(crate) directory: PathBuf,
    pub(crate) setting: Setting,
    /// Only runs the control: the attacker on data in which it must find nearly every person.
    pub(crate) control: bool,
    /// Draws the curve into this file instead of judging.
    pub(crate) curve: Option<PathBuf>,
}

impl Options {
    /// `[curve FILE] [--films FILE] [--stores DIRECTORY] [--people N] [--library N] [--plays N] [--days N] [--seed N]
    /// [--popular] [--control]`
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let setting = Setting { people: 10_000, library: 200, plays: 200, days: 30, popular: false, seed: 20_261_122 };
        let films = PathBuf::from("target/films.csv");
        // In memory where that is possible, because a store syncs every file that it writes.
        let memory = PathBuf::from("/dev/shm");
        let directory = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let mut options = Options { films, directory, setting, control: false, curve: None };
        while let Some(word) = words.next() {
            let setting = &mut options.setting;
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            let number = |text: String| text.parse::<usize>().map_err(|_| format!("`{text}` is not a number"));
            match word.as_str() {
                "curve" => options.curve = Some(value()?.into()),
                "--films" => options.films = value()?.into(),
                "--stores" => options.directory = value()?.into(),
                "--people" => setting.people = number(value()?)?.max(1),
                "--library" => setting.library = number(value()?)?.max(1),
                "--plays" => setting.plays = number(value()?)?.max(1),
                "--days" => setting.days = number(value()?)?.max(1),
                "--seed" => setting.seed = number(value()?)? as u64,
                "--popular" => setting.popular = true,
                "--control" => options.control = true,
                _ => return Err(format!("no such argument: {word}")),
            }
        }
        Ok(options)
    }
}
