//! What people play: a table of films, or a made-up catalogue of albums, and what each item would report: its length
//! and an average bitrate.
//!
//! Lengths are real, in whole minutes. The seconds below a minute and the bitrate are made up, because the table has
//! neither and real files have both. They are always the same for a given film. This module does not know who plays
//! what.

use std::{error::Error, fs, path::Path};

/// One film, or one track of an album.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Film {
    pub(crate) seconds: u64,
    /// In bit/s.
    pub(crate) bitrate: u64,
    /// How many people voted on it. Used for libraries that follow popularity.
    pub(crate) votes: f64,
    /// What is played together with it: tracks of one album have the same number. A film is alone.
    pub(crate) album: u32,
}

/// How films are encoded in this model: the share of each kind, and its typical bitrate in kbit/s. A film's own bitrate
/// is spread around it by a factor of 1.4 in either direction. Films below 20 minutes need 0.6 of it.
const KINDS: [(f64, f64); 4] = [(0.25, 1_500.0), (0.25, 4_000.0), (0.35, 8_000.0), (0.15, 25_000.0)];
const SPREAD: f64 = 0.35;

/// Reads the columns `length` and `votes` of a CSV file with a header line.
pub(crate) fn read(path: &Path) -> Result<Vec<Film>, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let head = cells(lines.next().unwrap_or_default());
    let column = |name: &str| head.iter().position(|cell| cell == name).ok_or(format!("there is no column `{name}`"));
    let (length, votes) = (column("length")?, column("votes")?);
    let number = |cells: &[String], at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
    let mut films = Vec::new();
    for (at, line) in lines.enumerate() {
        let cells = cells(line);
        let (Some(minutes), Some(votes)) = (number(&cells, length), number(&cells, votes)) else {
            return Err(format!("line {} of the films can't be read", at + 2).into());
        };
        films.push(film(at as u64, minutes, votes));
    }
    Ok(films)
}

fn film(number: u64, minutes: f64, votes: f64) -> Film {
    let mut random = fastrand::Rng::with_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xf11a);
    let seconds = minutes as u64 * 60 + random.u64(0..60);
    let mut share = random.f64();
    let mut usual = KINDS[KINDS.len() - 1].1;
    for (part, kbit) in KINDS {
        if share < part {
            usual = kbit;
            break;
        }
        share -= part;
    }
    let normal = normal(&mut random);
    let short = if minutes < 20.0 { 0.6 } else { 1.0 };
    let bitrate = usual * 1_000.0 * short * (SPREAD * normal).exp();
    Film { seconds, bitrate: bitrate as u64, votes, album: number as u32 }
}

/// How albums are encoded in the made-up catalogue: the share of each kind, and its bitrate in kbit/s. All tracks of an
/// album are of one kind. The bitrate of the kinds without loss, from 800 on, differs from track to track.
const ENCODINGS: [(f64, f64); 6] =
    [(0.10, 128.0), (0.15, 192.0), (0.20, 256.0), (0.30, 320.0), (0.20, 880.0), (0.05, 2_600.0)];
const ALBUMS: u32 = 5_000;

/// A made-up catalogue of 5,000 albums with 6 to 16 tracks each. Most tracks are between two and seven minutes long.
pub(crate) fn tracks() -> Vec<Film> {
    let mut random = fastrand::Rng::with_seed(0x0a1b);
    let mut tracks = Vec::new();
    for album in 0..ALBUMS {
        let mut share = random.f64();
        let kind = ENCODINGS.iter().find(|(part, _)| {
            share -= part;
            share < 0.0
        });
        let usual = kind.unwrap_or(&ENCODINGS[3]).1;
        let mean = 235.0 * (0.3 * normal(&mut random)).exp();
        for _ in 0..random.u32(6..=16) {
            let seconds = (mean * (0.35 * normal(&mut random)).exp()).max(10.0) as u64;
            let spread = if usual >= 800.0 { (0.15 * normal(&mut random)).exp() } else { 1.0 };
            let bitrate = (usual * 1_000.0 * spread) as u64;
            tracks.push(Film { seconds, bitrate, votes: 1.0 / f64::from(album + 1), album });
        }
    }
    tracks
}

/// A normal deviate from two uniform ones: the Box-Muller transform.
pub(crate) fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// Splits one CSV line. A quoted field may contain commas, and a doubled quotation mark in it means one mark.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.trim_end_matches('\r').chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    cells.push(cell);
    cells
}
