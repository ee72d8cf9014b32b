//! Plays the rounds, computes what to search for, and reports what was found.

use super::{
    dump::{self, Mapping, Needle},
    member::APPLICATION,
};
use candor_lab::Ended;
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

/// The same text as in `src/generalize/keys.rs`.
const CONTEXT: &str = "candor 2026-11-22 identifier pseudonym v1 scope key";
/// The scope that is withdrawn.
const SCOPE: &str = "servers";

/// A process that carries out orders.
struct Member {
    process: Ended,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Member {
    fn start(directory: &Path) -> Result<Member, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("member").arg(directory).env("HOME", directory.join("home"));
        for name in ["DO_NOT_TRACK", "CANDOR_OFF", "CI", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (tell, told) = (process.stdin.take().ok_or("no stdin")?, process.stdout.take().ok_or("no stdout")?);
        let mut member = Member { process: Ended(process), tell, told: BufReader::new(told) };
        member.done("start")?;
        Ok(member)
    }

    fn does(&mut self, words: &[&str]) -> Result<(), Box<dyn Error>> {
        for word in words {
            writeln!(self.tell, "{word}")?;
            self.done(word)?;
        }
        Ok(())
    }

    fn done(&mut self, what: &str) -> Result<(), Box<dyn Error>> {
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        if line.trim() == "done" { Ok(()) } else { Err(format!("{what}: the member said {line:?}").into()) }
    }

    fn dump(&self) -> Result<Vec<Mapping>, Box<dyn Error>> {
        dump::of(self.process.id())
    }
}

fn keyed(key: &[u8; 32], parts: [&[u8]; 3]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(&(part.len() as u32).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn secret_of(store: &Path, scope: &str) -> Result<[u8; 32], Box<dyn Error>> {
    let text = fs::read_to_string(store.join("keys"))?;
    let secrets: BTreeMap<String, String> = serde_json::from_str(text.split_once('\n').ok_or("no seal")?.1)?;
    let hex = secrets.get(scope).ok_or("no secret")?;
    Ok(blake3::Hash::from_hex(hex)?.into())
}

/// Days since 1970, and the numbers of the current week and month as candor counts them.
fn today() -> (u32, u32, u32) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = today.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| span.get_days()) as u32;
    (day, (day + 3) / 7, today.year() as u32 * 12 + today.month() as u32 - 1)
}

/// The secret of a scope and all keys derived from it, by name.
fn keys_of(secret: [u8; 32], scope: &str) -> Vec<(String, [u8; 32])> {
    let base = blake3::derive_key(CONTEXT, &secret);
    let own = keyed(&base, [b"scope", APPLICATION.as_bytes(), scope.as_bytes()]);
    let (day, week, month) = today();
    let period = |kind: &str, index: u32| keyed(&own, [b"period", kind.as_bytes(), &index.to_le_bytes()]);
    let keys = [
        ("the secret", secret),
        ("the key of the context", base),
        ("the scope's key", own),
        ("the key of items", keyed(&own, [b"rollup", b"item", b""])),
        ("the key of the day", period("day", day)),
        ("the key of the week", period("week", week)),
        ("the key of the month", period("month", month)),
    ];
    keys.map(|(name, key)| (name.to_owned(), key)).into()
}

/// Each key in halves, so that a partly overwritten copy is found as well.
fn needles(keys: &[(String, [u8; 32])]) -> Vec<Needle> {
    let mut needles = Vec::new();
    for (name, key) in keys {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        for (part, half) in key.chunks(16).enumerate() {
            needles.push(Needle { name: format!("{name}, half {part}"), bytes: half.into() });
        }
        for (part, half) in hex.as_bytes().chunks(32).enumerate() {
            needles.push(Needle { name: format!("{name} in hex, half {part}"), bytes: half.into() });
        }
    }
    needles
}

/// What was found, with its places.
fn found(mappings: &[Mapping], needles: &[Needle]) -> Vec<String> {
    dump::places(mappings, needles).into_iter().map(|(needle, place)| format!("{} at {place}", needle.name)).collect()
}

/// The results of all rounds.
#[derive(Default)]
struct Sums {
    rounds: usize,
    /// Copies found before the withdrawal: in the process that withdraws, and in the other one.
    before: [usize; 2],
    after: [usize; 2],
}

fn round(sums: &mut Sums) -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let store = home.path().join("data").join(APPLICATION).join("candor-1");
    let mut first = Member::start(home.path())?;
    first.does(&["grant", "record", "manifest"])?;
    let mut second = Member::start(home.path())?;
    second.does(&["record", "manifest"])?;
    first.does(&["record"])?;
    let began = today();
    let mut keys = keys_of(secret_of(&store, SCOPE)?, SCOPE);
    let kept = keys_of(secret_of(&store, "books")?, "books");
    let members = [&first, &second].map(Member::dump);
    let [Ok(of_first), Ok(of_second)] = members else { return Err("a process's memory can't be read".into()) };
    // The key of a session is derived from a value that only the process knows. In memory it is between the key of
    // items and the key of the day.
    let key = |name: &str| keys.iter().find(|(known, _)| known.contains(name)).map(|(_, key)| *key).unwrap_or_default();
    let (items, day) = (key("items"), key("the day"));
    let mut sessions = 0;
    for (who, dump) in [("the first one", &of_first), ("the other one", &of_second)] {
        let days = dump::beside(dump, &items, 64);
        for (session, _) in dump::beside(dump, &items, 32).into_iter().zip(days).filter(|(_, beside)| *beside == day) {
            keys.push((format!("the key of the session of {who}"), session));
            sessions += 1;
        }
    }
    let needles = needles(&keys);
    for (place, dump) in sums.before.iter_mut().zip([&of_first, &of_second]) {
        let found = found(dump, &needles);
        if !["items", "day", "week", "month"].iter().all(|key| found.iter().any(|line| line.contains(key))) {
            return Err(format!("the search is no good: before the withdrawal it finds {found:?} only").into());
        }
        *place += found.len();
    }
    if sessions < 2 {
        return Err("the search is no good: it does not know the keys of the sessions".into());
    }
    first.does(&["withdraw"])?;
    let mut leaks = Vec::new();
    let left = found(&first.dump()?, &needles);
    sums.after[0] += left.len();
    leaks.extend(left.into_iter().map(|line| format!("in the process that withdrew: {line}")));
    second.does(&["look"])?;
    let left = found(&second.dump()?, &needles);
    sums.after[1] += left.len();
    leaks.extend(left.into_iter().map(|line| format!("in the other process: {line}")));
    // The control: the search still finds the keys of the scope that was not withdrawn.
    for member in [&first, &second] {
        if found(&member.dump()?, &self::needles(&kept)).is_empty() {
            return Err("the search is no good: it finds nothing of the scope that is still open".into());
        }
    }
    if today() != began {
        // The keys of other periods would have been searched for.
        return Ok(());
    }
    sums.rounds += 1;
    if leaks.is_empty() {
        return Ok(());
    }
    for leak in &leaks {
        println!("{leak}");
    }
    Err(format!("{} copies are left after a withdrawal", leaks.len()).into())
}

pub(crate) fn run(rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut sums = Sums::default();
    while sums.rounds < rounds {
        round(&mut sums)?;
    }
    let Sums { rounds, before, after } = sums;
    println!(
        "secrets: {} copies in {rounds} dumps of a process after its withdrawal and {} in {rounds} of another one after its \
         next look ({} and {} before)",
        after[0], after[1], before[0], before[1]
    );
    Ok(())
}
