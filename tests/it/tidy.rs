//! Checks what the repository says about itself: the order of its modules, the one place for each authority, its wording.

mod circles;
mod ignored;

use crate::must_say::on_one_line;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(below: &str, extensions: &[&str]) -> Vec<PathBuf> {
    fn walk(dir: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, extensions, found);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join(below), extensions, &mut found);
    found
}

/// Each source file's path below `src`, and its text without comments and tests.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(ROOT).join("src");
    let sources = files("src", &["rs"]).into_iter().filter_map(|path| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        if name.contains("tests") {
            return None;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Tests are at the end of a file. The declaration of a file of tests before them is not the end.
        let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        Some((name, code.join("\n")))
    });
    sources.collect()
}

fn modules() -> Vec<String> {
    let lib = read("src/lib.rs");
    let from = lib.find("// Data flows down this list").expect("lib.rs says where its list of modules begins");
    let to = lib.find("// The public interface is:").expect("lib.rs says where its exports begin");
    let list = lib[from..to]
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned));
    list.collect()
}

/// Every module below `module` in the list that `code` imports.
fn reaches_down(code: &str, module: &str, modules: &[String]) -> Vec<String> {
    let at = modules.iter().position(|other| other == module).unwrap();
    let mut imported = Vec::new();
    // `crate::module` anywhere, and the first words inside `use crate::{…}`, whose braces may contain others.
    let mut rest = code;
    while let Some(start) = rest.find("crate::") {
        rest = &rest[start + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            imported.push(word(rest));
            continue;
        };
        let (mut depth, mut fresh) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && c.is_alphabetic() => {
                    imported.push(word(&group[i..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    imported.retain(|name| modules[at + 1..].contains(name));
    imported
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_point_up_the_list() {
    let modules = modules();
    assert!(modules.len() > 10, "{modules:?}");
    for (name, code) in sources() {
        let module = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if !modules.contains(&module) {
            assert!(["lib", "manual"].contains(&module.as_str()), "{name} is in no module of lib.rs's list");
            continue;
        }
        // `consent` re-exports the process-wide client's functions, since users look for them there. Nothing in it calls one.
        let code = if name == "consent/mod.rs" { code.replace("pub use crate::decisions::*;", "") } else { code };
        let down = reaches_down(&code, &module, &modules);
        assert!(down.is_empty(), "{name} imports {down:?}, which are below `{module}` in lib.rs");
    }
}

#[test]
fn an_import_that_points_down_is_noticed() {
    let modules = modules();
    for code in [
        "use crate::engine::Engine;",
        "use crate::{\n    error::Error,\n    engine::{Engine, Worker},\n};",
        "fn f() { crate::client::g() }",
    ] {
        assert_eq!(reaches_down(code, "journal", &modules).len(), 1, "{code}");
    }
    assert!(reaches_down("use crate::{error::Error, disk::{Files, send}};", "journal", &modules).is_empty());
}

/// The only place for each kind of authority: its name, the marks that show its use, and the paths where they may occur.
const AUTHORITIES: [(&str, &[&str], &[&str]); 6] = [
    ("the network", &["std::net", "TcpStream", "ureq::", "socket2"], &["transport/http/"]),
    ("the file system", &["std::fs", "fs::File", "OpenOptions"], &["disk/"]),
    (
        "time, entropy and the environment",
        &["SystemTime::now", "Instant::now", "std::env", "getrandom::", "dirs::"],
        &["ambient.rs"],
    ),
    (
        "making a permit, an admission or an erasure permit",
        &["Permit {", "Admission {", "ErasurePermit {", "Permit::issue", "ErasurePermit::issue"],
        &["consent/"],
    ),
    ("making a thread", &["thread::spawn(", "thread::Builder", "thread::{Builder"], &["thread.rs"]),
    ("making a parcel", &["Parcel {", "Parcel<'b> {", "Load::"], &["transport/mod.rs"]),
];

fn misplaced(name: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (what, marks, places) in AUTHORITIES {
        if places.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        found
            .extend(marks.iter().filter(|mark| code.contains(**mark)).map(|mark| format!("{name}: {what} (`{mark}`)")));
    }
    found
}

#[test]
fn each_authority_has_one_place() {
    let found: Vec<String> = sources().iter().flat_map(|(name, code)| misplaced(name, code)).collect();
    assert!(found.is_empty(), "{found:#?}");
    // Negative control: the marks do occur in their places.
    for (what, marks, places) in AUTHORITIES {
        let there = sources().iter().any(|(name, code)| {
            places.iter().any(|place| name.starts_with(place)) && marks.iter().any(|mark| code.contains(mark))
        });
        assert!(there, "no mark of {what} is in {places:?}: this test looks for the wrong thing");
    }
    assert_eq!(misplaced("send/mod.rs", "let p = Permit { watch };").len(), 1);
}

/// This includes the modules' own tests: a check of silence searches all of the source for these calls.
#[test]
fn the_time_is_read_in_one_module_by_tests_too() {
    let readers: Vec<PathBuf> = files("src", &["rs"])
        .into_iter()
        .filter(|path| ["SystemTime::now", "Instant::now"].iter().any(|mark| read(path).contains(mark)))
        .collect();
    assert!(readers.len() == 1 && readers[0].ends_with("src/ambient.rs"), "{readers:#?}");
}

/// A file's modification time comes from the file system's clock. It may be used to see that a file changed. An age
/// computed from it would mix two clocks.
#[test]
fn no_age_is_told_by_a_files_time() {
    let told = |code: &str| ["version.1", "version.2", ".modified()", "mtime"].iter().any(|mark| code.contains(mark));
    let found: Vec<String> = sources().into_iter().filter(|(_, code)| told(code)).map(|(name, _)| name).collect();
    assert_eq!(found, ["disk/unix.rs", "disk/windows.rs"], "who else reads a file's time?");
    assert!(told("if stat.version.1 < oldest {"));
}

/// The statements of `code` with a lock that another thread could hold at the moment of a fork. The child process
/// would wait for such a lock forever, whatever client it makes for itself. These are locks that are not the client's
/// own, or that are shared with other code.
fn outlives_a_fork(name: &str, code: &str) -> Vec<String> {
    const LOCKS: [&str; 3] = ["Mutex", "MutexGuard", "Condvar"];
    const OTHERS: [&str; 6] = ["parking_lot", "RwLock", "OnceLock", "LazyLock", "Lazy", "Barrier"];
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let has = |text: &str, marks: &[&str]| words(text).iter().any(|word| marks.contains(&word.as_str()));
    let mut found = Vec::new();
    for statement in code.split(';').map(str::trim) {
        let elsewhere = statement.contains("use std::") || statement.contains("std::sync::");
        let bad = has(statement, &OTHERS)
            || (name != "sync.rs" && elsewhere && has(statement, &LOCKS))
            || (statement
                .lines()
                .any(|line| line.trim_start().trim_start_matches("pub(crate) ").starts_with("static "))
                && (has(statement, &LOCKS) || has(statement, &["OnceCell"])));
        if bad {
            found.push(format!("{name}: {}", statement.lines().last().unwrap_or_default()));
        }
    }
    found
}

#[test]
fn no_lock_outlives_a_fork() {
    let found: Vec<String> = sources().iter().flat_map(|(name, code)| outlives_a_fork(name, code)).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(!section(&read("Cargo.toml"), "dependencies").iter().any(|line| line.contains("parking_lot")));
    for code in [
        "use parking_lot::Mutex;",
        "use std::{\n    io,\n    sync::{Arc, Mutex},\n};",
        "let lock = std::sync::Mutex::new(());",
        "static CLIENT: OnceCell<Client> = OnceCell::new();",
        "static ALL: Mutex<Vec<u8>> = Mutex::new(Vec::new());",
        "static REGISTRY: LazyLock<Registry> = LazyLock::new(registry);",
    ] {
        assert_eq!(outlives_a_fork("journal/mod.rs", code).len(), 1, "{code}");
    }
    let own =
        "use crate::sync::Mutex;\nuse once_cell::sync::OnceCell;\nstruct S { rings: OnceCell<Rings>, lock: Mutex<()> }";
    assert!(outlives_a_fork("journal/mod.rs", own).is_empty());
}

/// rustix's function for a limit of the process unwraps the system's answer, and in a sandbox that answer is an error.
#[test]
fn nothing_is_called_that_panics_where_a_sandbox_refuses_it() {
    let is_one = |statement: &str| statement.contains("rustix::process") && statement.contains("getrlimit");
    let panics = |code: &str| code.split(';').any(is_one);
    let found: Vec<String> = sources().into_iter().filter(|(_, code)| panics(code)).map(|(name, _)| name).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(panics("use rustix::process::{Resource, getrlimit};"), "the control");
}

/// Text that people see is made harmless in one place. Every `Display` uses it, or `NEED_NOT` says why it need not.
#[test]
fn every_display_is_clean() {
    const NEED_NOT: [(&str, &str); 8] = [
        ("ambient.rs", "a date"),
        ("consent/records/entry.rs", "a word of a fixed list"),
        ("consent/records/unconfirmed.rs", "a sentence of a fixed list"),
        ("event/mod.rs", "a name that was checked"),
        ("journal/span.rs", "a day, and a word of a fixed list"),
        ("language/tag.rs", "a tag that was checked"),
        ("consent/agreement/compatibility.rs", "each of its words goes through it"),
        ("transport/http/line.rs", "an error that never leaves its module"),
    ];
    let (mut seen, mut bad) = (0, Vec::new());
    for (name, code) in sources() {
        for text in code.split("Display for ").skip(1) {
            seen += 1;
            let body = text.split("\n}\n").next().unwrap();
            let clean = ["Clean(f)", "clean::Clean(f)", "clean::text(", "clean::line(", "self.words", "self.text"];
            let known = NEED_NOT.iter().any(|(file, _)| *file == name);
            if !known && !clean.iter().any(|mark| body.contains(mark)) {
                bad.push(format!("{name}: Display for {}", text.lines().next().unwrap()));
            }
        }
    }
    assert!(seen >= 8 && bad.is_empty(), "{seen} seen: {bad:#?}");
}

/// Each proof is constructed in one file only, as often as listed here.
#[test]
fn the_proofs_are_made_in_one_file() {
    let makers = |mark: &str| -> Vec<(String, usize)> {
        sources().into_iter().map(|(name, code)| (name, code.matches(mark).count())).filter(|(_, n)| *n > 0).collect()
    };
    assert_eq!(makers("then_some(Permit {"), [("consent/state/permit.rs".to_owned(), 1)]);
    assert_eq!(makers("Some(Admission {"), [("consent/state/permit.rs".to_owned(), 2)]);
    assert_eq!(makers("then_some(ErasurePermit {"), [("consent/state/permit.rs".to_owned(), 1)]);
    assert_eq!(makers("ErasurePermit::issue("), [("consent/state/erasure.rs".to_owned(), 1)]);
    assert_eq!(makers("then_some(Parcel {"), [("transport/mod.rs".to_owned(), 1)]);
    assert_eq!(makers("Some(Parcel {"), [("transport/mod.rs".to_owned(), 1)]);
    assert_eq!(makers("Parcel { load"), [("transport/mod.rs".to_owned(), 2)]);
    assert_eq!(makers("Ok(Generalized {"), [("generalize/mod.rs".to_owned(), 1)]);
    // A request for erasure is written from the ids in its permit, and from no bytes that a caller passes in.
    assert_eq!(makers("otlp::erasure("), [("transport/mod.rs".to_owned(), 1)]);
    assert_eq!(makers(".send(parcel)"), [("send/mod.rs".to_owned(), 1)]);
    // The compiler keeps every other module from making a proof or moving a gate, as long as these say so.
    let permit = read("src/consent/state/permit.rs");
    assert_eq!(permit.matches("pub(in crate::consent) fn issue(").count(), permit.matches("fn issue(").count());
    assert!(
        permit.contains("\n    fn set(&self, scope: Scope, epoch: u64)"),
        "one function sets a gate, under its lock"
    );
    for moves in ["keep_closed", "keep_paused", "follow_records", "open", "close_if_other", "close", "stop"] {
        assert!(permit.contains(&format!("pub(in crate::consent) fn {moves}(&self")), "{moves}");
    }
    assert!(read("src/consent/agreement/scope.rs").contains("pub(in crate::consent) fn gate(self)"));
}

#[test]
fn every_module_says_what_it_is_for() {
    for below in ["src", "crates/derive/src", "examples", "benches", "tests/it"] {
        for path in files(below, &["rs"]) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("//!"), "{} does not begin with what it is for", path.display());
        }
    }
}

/// The lines of the section `[name]` of a manifest.
fn section<'t>(manifest: &'t str, name: &str) -> Vec<&'t str> {
    let lines = manifest.lines().skip_while(|line| line.trim() != format!("[{name}]")).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    for (manifest, sections) in [
        (
            "Cargo.toml",
            &[
                "dependencies",
                "target.'cfg(unix)'.dependencies",
                "target.'cfg(windows)'.dependencies",
                "dev-dependencies",
            ][..],
        ),
        ("crates/derive/Cargo.toml", &["dependencies"][..]),
        ("crates/audit/Cargo.toml", &["dependencies"][..]),
        ("crates/cli/Cargo.toml", &["dependencies"][..]),
        ("crates/models/Cargo.toml", &["dependencies"][..]),
        ("crates/crossed/Cargo.toml", &["dependencies"][..]),
        (
            "crates/lab/Cargo.toml",
            &["dependencies", "target.'cfg(target_os = \"linux\")'.dependencies", "target.'cfg(unix)'.dependencies"][..],
        ),
        ("crates/fork/Cargo.toml", &["target.'cfg(unix)'.dependencies"][..]),
        ("crates/parts/Cargo.toml", &["dependencies", "dev-dependencies"][..]),
        ("crates/parts/events/Cargo.toml", &["dependencies"][..]),
    ] {
        let text = read(manifest);
        for name in sections {
            let lines = section(&text, name);
            assert!(!lines.is_empty(), "{manifest} has no [{name}]");
            for line in lines {
                let reason = line.split_once(" # ").map_or("", |(_, reason)| reason);
                assert!(reason.len() > 15, "{manifest}: `{line}` gives no reason");
            }
        }
    }
}

/// What both tools have in their own file of errors: all but the lines that may differ.
fn shared_errors(tool: &str) -> String {
    let text = read(format!("crates/{tool}/src/error.rs"));
    let own = |line: &&str| line.starts_with("//!") || line.trim_end_matches(" as shown;").ends_with("clean_line");
    text.lines().filter(|line| !own(line) && *line != "use crate::words::shown;").collect::<Vec<_>>().join("\n")
}

/// Each tool is a package of its own, and a file can't be part of two.
#[test]
fn the_errors_of_both_tools_are_the_same() {
    let (cli, audit) = (shared_errors("cli"), shared_errors("audit"));
    assert!(cli.lines().count() > 35, "the file was not found: {cli}");
    assert_eq!(cli, audit, "change crates/cli/src/error.rs and crates/audit/src/error.rs alike");
}

#[test]
fn every_feature_is_documented() {
    let text = read("Cargo.toml");
    let features = section(&text, "features");
    let names: Vec<&str> = features.iter().filter_map(|line| Some(line.split_once('=')?.0.trim())).collect();
    assert!(names.contains(&"ring"));
    for name in names.into_iter().filter(|name| *name != "default") {
        assert!(read("src/lib.rs").contains(&format!("| `{name}` |")), "feature `{name}` is not in lib.rs's table");
    }
}

#[test]
fn the_changelog_says_what_leaves() {
    let text = read("CHANGELOG.md");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(text.matches(&format!("\n## {version} ")).count(), 1, "one heading for {version}");
    for release in text.split("\n## ").skip(1) {
        let name = release.lines().next().unwrap();
        let (before, section) =
            release.split_once("### What leaves").unwrap_or_else(|| panic!("{name}: no *What leaves*"));
        assert!(!before.contains("### "), "{name}: *What leaves* comes first");
        let section = section.split("\n### ").next().unwrap();
        assert!(section.contains("\n- "), "{name}: *What leaves* is empty; if nothing changed, it says so");
    }
}

/// Words that were once used as names here, each with the field's standard word. None of them is an identifier or the
/// name of a file.
const OTHER_WORDS: [(&str, &str); 18] = [
    ("errand", "erasure permit"),
    ("vigil", "watch"),
    ("wishes", "erasure requests"),
    ("chores", "tasks"),
    ("owe", "request"),
    ("keep_house", "do_housekeeping"),
    ("belief", "clock trust"),
    ("believed", "trusted_now"),
    ("tongue", "locale"),
    ("hole", "placeholder"),
    ("nap", "poll_interval"),
    ("eye", "authorization"),
    ("pile", "group"),
    ("besides", "details"),
    ("overlay", "constraints"),
    ("unshut", "reopen_gate"),
    ("heal", "repair"),
    ("facade", "decisions"),
];

/// The identifiers of `code` that are in `OTHER_WORDS`, outside of strings.
fn other_words(code: &str) -> Vec<&'static str> {
    let mut plain = String::new();
    // The text between an even and an odd quotation mark is code.
    code.replace("\\\"", "").split('"').step_by(2).for_each(|part| plain.push_str(part));
    let words: std::collections::BTreeSet<String> =
        plain.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase).collect();
    OTHER_WORDS.into_iter().map(|(word, _)| word).filter(|word| words.contains(*word)).collect()
}

#[test]
fn the_fields_words_are_used() {
    for (name, code) in sources() {
        let found = other_words(&code);
        assert!(found.is_empty(), "src/{name} uses {found:?}: see OTHER_WORDS for the field's words");
        let stem = name.rsplit('/').next().unwrap().trim_end_matches(".rs");
        assert!(!OTHER_WORDS.iter().any(|(word, _)| *word == stem), "src/{name} is named by a word of our own");
    }
    assert_eq!(other_words("fn heal(&self) { say(\"a hole\") }"), ["heal"], "the control");
}

/// Words of an earlier style, each with plain ones. No code, comment, message or page has them.
const OLD_WORDS: [(&str, &str); 17] = [
    ("anew", "again, a new one"),
    ("errand", "erasure permit"),
    ("errands", "erasure permits"),
    ("mend", "fix"),
    ("mended", "fixed, repaired"),
    ("mending", "recovery"),
    ("mends", "fixes"),
    ("shut", "close"),
    ("stands", "is, occurs, is in force"),
    ("tongue", "locale"),
    ("tongues", "locales, languages"),
    ("unshut", "reopen"),
    ("vigil", "watch"),
    ("whoever", "who, anyone who"),
    ("wish", "request, preference"),
    ("wished", "asked for"),
    ("wishes", "requests"),
];

/// The words of `text` that are in `OLD_WORDS`, also as parts of identifiers.
fn old_words(text: &str) -> Vec<&'static str> {
    // These keys of documents that people keep have their names for good.
    let text =
        ["\"besides\"", "\"mend\"", "`mend`"].into_iter().fold(text.to_owned(), |text, key| text.replace(key, ""));
    let mut parted = String::new();
    for (before, c) in std::iter::once(' ').chain(text.chars()).zip(text.chars()) {
        if before.is_lowercase() && c.is_uppercase() {
            parted.push(' ');
        }
        parted.extend(c.to_lowercase());
    }
    let words: Vec<&str> = parted.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let is_used = |old: &str| {
        let mut places = (0..words.len()).filter(|&at| words[at] == old);
        places.any(|at| old != "shut" || words.get(at + 1) != Some(&"down"))
    };
    OLD_WORDS.into_iter().map(|(word, _)| word).filter(|word| is_used(word)).collect()
}

#[test]
fn no_word_of_an_earlier_style_is_back() {
    let below = ["src", "crates", "tests", "examples", "benches", "fuzz"];
    let texts = below.into_iter().flat_map(|below| files(below, &["rs", "md", "stderr"]));
    let pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|page| Path::new(ROOT).join(page));
    let mut count = 0;
    for path in texts.chain(pages) {
        // This file has the list.
        if path.ends_with("tests/it/tidy.rs") && !path.starts_with(Path::new(ROOT).join("crates")) {
            continue;
        }
        let found = old_words(&read(&path));
        assert!(found.is_empty(), "{} uses {found:?}: see OLD_WORDS for plain words", path.display());
        count += 1;
    }
    assert!(count > 400, "only {count} files were read");
    // The controls.
    for (word, _) in OLD_WORDS {
        assert_eq!(old_words(&format!("fn a_{word}_b()")), [word]);
        assert_eq!(old_words(&format!("{}{}", word[..1].to_uppercase(), &word[1..])), [word]);
    }
    assert_eq!(old_words("enum Seen { UnseenIsWished }"), ["wished"]);
    assert!(old_words("shut\n/// down, shutdown, \"mend\", understands, recommend, standing").is_empty());
}

/// Claims that no program can keep, in the languages of candor's texts.
const TOO_BIG: [&str; 30] = [
    "anonymous",
    "anonymise",
    "anonymize",
    "cannot be identified",
    "can't be identified",
    "impossible to identify",
    "nothing leaves this computer",
    "fully private",
    "completely private",
    "untraceable",
    "no risk",
    "perfectly safe",
    "100 %",
    "100%",
    "guarantee",
    "anonyme",
    "anonymis",
    "ne peut pas vous identifier",
    "ne peuvent pas vous identifier",
    "ne permet pas de vous identifier",
    "ne permettent pas de vous identifier",
    "impossible de vous identifier",
    "rien ne quitte cet ordinateur",
    "rien ne sort de cet ordinateur",
    "totalement privé",
    "entièrement privé",
    "intraçable",
    "aucun risque",
    "parfaitement sûr",
    "garanti",
];

/// The claims in `TOO_BIG` that a text makes, whatever its line breaks and spaces are.
fn too_big(text: &str) -> Vec<&'static str> {
    let leader = |line: &str| line.trim().trim_start_matches(['/', '!', '#', '-', '*', '|', '>']).to_lowercase();
    let text = on_one_line(&text.lines().map(leader).collect::<Vec<_>>().join(" ")).replace('’', "'");
    TOO_BIG.into_iter().filter(|claim| text.contains(claim)).collect()
}

/// Claims that were once made here and are false, each with what is true. In lower case, as [`on_one_line`] returns text.
const NOT_SO: [(&str, &str); 27] = [
    (". a fixed sample of items does not add up", "it does for an attacker who knows the days"),
    ("rounded down to a power of two", "the steps of a count are 0, 1, 2, 3, 5, 9, 17, … 513, 1024"),
    ("à une puissance de deux", "the steps of a count are 0, 1, 2, 3, 5, 9, 17, … 513, 1024"),
    ("then powers of two", "the steps of a count are 0, 1, 2, 3, 5, 9, 17, … 513, 1024"),
    ("counts are sent, rounded down", "a roll-up's count is rounded at random to a neighbouring step"),
    ("counts are rounded down to", "a roll-up's count is rounded at random to a neighbouring step"),
    ("arrondis à la valeur inférieure", "a roll-up's count is rounded at random to a neighbouring step"),
    ("any opentelemetry collector", "no collector takes part in the check: say what was tried"),
    ("the environment can only block", "it says where the home is, and another home has other records"),
    ("adds no id of the person, program", "a request names the program"),
    ("no id of the program", "a request names the program"),
    ("can read every byte", "the headers of a request are not shown"),
    ("takes effect at once", "a withdrawal waits up to half a second to be confirmed"),
    ("stops at once", "a withdrawal waits up to half a second to be confirmed"),
    ("s'arrête aussitôt", "a withdrawal waits up to half a second to be confirmed"),
    ("takes a yes back, at once", "a withdrawal waits up to half a second to be confirmed"),
    (". nothing is stored, computed or sent until", "a no is stored, with what was refused"),
    ("nothing is stored until", "a no is stored, with what was refused"),
    ("55,525", "the check can't repeat it"),
    ("1,899 podcasts", "the check can't repeat it"),
    ("of one's plays in 72 %", "the check can't repeat it"),
    ("in about 0.6 % of cases, where chance", "after twelve months it is far more: see the page about rounding"),
    ("pay ten times as much", "no bench says so"),
    ("11 million a second", "no bench says so"),
    ("by an early model", "nothing repeats it"),
    ("only `candor withdraw` writes", "`candor agreed` finishes what was interrupted"),
    ("only `withdraw` writes", "`candor agreed` finishes what was interrupted"),
];

/// The claims in `NOT_SO` that a text makes.
fn not_so(text: &str) -> Vec<(&'static str, &'static str)> {
    let leader = |line: &str| line.trim().trim_start_matches(['/', '!', '#', '-', '*', '|', '>']).to_lowercase();
    // A string of the source may continue on the next line, which would split a claim.
    let text = text.replace("\\\n", "\n");
    let text = on_one_line(&text.lines().map(leader).collect::<Vec<_>>().join(" ")).replace('’', "'");
    NOT_SO.into_iter().filter(|(claim, _)| text.contains(claim)).collect()
}

/// A claim that was found to be false must not come back.
#[test]
fn nothing_is_said_that_is_known_not_to_be_so() {
    let mut texts = files("src", &["rs", "md"]);
    texts.extend(files("crates/derive/src", &["rs"]));
    texts.extend(["crates/audit/src", "crates/cli/src"].iter().flat_map(|below| files(below, &["rs"])));
    texts.extend(files("examples", &["rs"]));
    texts.extend(files("tests/notices", &["txt"]));
    texts.extend(
        ["README.md", "CHANGELOG.md", "crates/audit/README.md", "crates/cli/README.md"]
            .map(|name| Path::new(ROOT).join(name)),
    );
    assert!(texts.len() > 100, "{} texts were found", texts.len());
    for path in texts {
        let said = not_so(&fs::read_to_string(&path).unwrap());
        assert!(said.is_empty(), "{} says what is not so: {said:#?}", path.display());
    }
}

#[test]
fn a_claim_that_is_not_so_is_noticed() {
    for text in [
        "only the day's counts are sent, rounded down to\n    a power of two",
        "seuls les totaux sont transmis, arrondis vers le bas à\n  une puissance de\u{a0}deux",
        "la transmission s’arrête aussitôt",
        "Typed events. Nothing is stored, computed\n/// or sent until",
        "reporting \\\n             stops at once",
    ] {
        assert!(!not_so(text).is_empty(), "{text}");
    }
    assert!(not_so("one in three times as many, rounded up to a power of two").is_empty());
}

/// This covers everything that a person or a developer reads.
#[test]
fn no_word_is_too_big() {
    let mut texts = files("src", &["rs", "md"]);
    texts.extend(files("crates/derive/src", &["rs"]));
    texts.extend(["crates/audit/src", "crates/cli/src"].iter().flat_map(|below| files(below, &["rs"])));
    texts.extend(files("examples", &["rs"]));
    let notices = files("tests/notices", &["txt"]);
    assert!(notices.len() >= 8, "notices are kept in both languages");
    texts.extend(notices.clone());
    texts.extend(
        ["README.md", "CHANGELOG.md", "crates/audit/README.md", "crates/cli/README.md"]
            .map(|name| Path::new(ROOT).join(name)),
    );
    for path in texts {
        let mut text = fs::read_to_string(&path).unwrap();
        if notices.contains(&path) {
            // The highest step of a ratio is a number and not a claim.
            text = text.replace("90\u{a0}% ; 100\u{a0}%", "").replace("90 %, 100 %", "");
            text = text.replace("90\u{a0}%\u{202f}; 100\u{a0}%", "");
        }
        // Neither is a width in a style sheet.
        let claims = too_big(&text.replace("width: 100%", ""));
        assert!(claims.is_empty(), "{} says {claims:?}", path.display());
    }
}

#[test]
fn a_word_that_is_too_big_is_noticed() {
    for text in [
        "/// It is completely\n/// anonymous.",
        "Vous êtes GARANTI de rien.",
        "C’est sûr à 100\u{a0}%.",
        "Les données sont\n  anonymisées",
        "ils ne peuvent pas\u{202f}vous\n- identifier",
        "It can’t be identified",
    ] {
        assert!(!too_big(text).is_empty(), "{text}");
    }
    assert!(too_big("Rounding is not anonymity; 50 % are left.").is_empty());
}

/// The modules of the test functions, by the function's name.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for below in ["tests/it", "src"] {
        for path in files(below, &["rs"]) {
            let text = fs::read_to_string(&path).unwrap();
            let place = path.strip_prefix(Path::new(ROOT).join(below)).unwrap().with_extension("");
            let place = place.to_str().unwrap().replace(['/', '\\'], "::").replace("::mod", "");
            for after in text.split("#[test]\n").skip(1) {
                let function = after.lines().map(str::trim_start).find_map(|line| line.strip_prefix("fn "));
                let name = function.expect("a test is a function").split('(').next().unwrap();
                found.entry(name.to_owned()).or_default().push(place.clone());
            }
        }
    }
    found
}

/// Returns the tests and steps that a page names in the last column of its tables and that do not exist, and the
/// number of all that it names.
fn missing(page: &str) -> (Vec<String>, usize) {
    let (tests, run) = (tests(), read(".ci/run"));
    let exists = |named: &str| {
        if let Some(step) = named.strip_prefix(".ci/run ") {
            // Slow steps are run by name and are in no list.
            return run.contains(&format!("\nstep_{step}() {{"));
        }
        if named.starts_with(".ci/") {
            return Path::new(ROOT).join(named).is_file();
        }
        let Some((module, name)) = named.rsplit_once("::") else { return false };
        // A module's tests are at its end, in a module of tests, or in a file of their own.
        let parent = module.strip_suffix("::tests").unwrap_or(module);
        tests.get(name).is_some_and(|places| places.iter().any(|place| place == module || place == parent))
    };
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let last = rows.filter_map(|row| row.rsplit(" | ").next()).filter(|cell| cell.starts_with('`'));
    let named: Vec<&str> = last.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    (named.iter().filter(|named| !exists(named)).map(|named| (*named).to_owned()).collect(), named.len())
}

/// Each fault in the manual names a test or a step that exists.
#[test]
fn every_fault_has_its_test() {
    let page = read("src/manual/faults.md");
    let (missing, named) = missing(&page);
    assert!(missing.is_empty(), "the page on faults names tests that there are not: {missing:#?}");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault ")).count();
    assert!(rows >= 40 && named >= rows, "{rows} rows name {named} tests");
}

#[test]
fn a_test_that_there_is_not_is_noticed() {
    for named in ["tidy::no_such_test", "journal::every_fault_has_its_test", ".ci/run nothing", ".ci/nothing", "alone"]
    {
        let row = format!("| a fault | a promise | `{named}` |");
        assert_eq!(missing(&row), (vec![named.to_owned()], 1));
    }
    let row = "| a fault | a promise | `tidy::every_fault_has_its_test`, `.ci/run tidy`, `.ci/kill` |";
    assert_eq!(missing(row), (Vec::new(), 3));
}

/// The manual's table of modules names every module in the list of lib.rs.
#[test]
fn the_manual_knows_every_module() {
    let manual = read("src/manual/architecture.md");
    for module in modules() {
        assert!(manual.contains(&format!("`{module}`")), "the manual's architecture does not name `{module}`");
    }
    assert!(read("README.md").contains("bash .ci/run"), "the README gives the test command");
    assert!(read("README.md").contains("cargo run --example quickstart"), "the README gives the demonstration");
}

/// The tests and test modules in a file that are compiled on one platform only, each with the name of the file.
fn of_one_platform(file: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = code.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !["#[cfg(unix)]", "#[cfg(windows)]", "#[cfg(target_os = "].iter().any(|begin| line.starts_with(begin)) {
            continue;
        }
        let mut is_test = false;
        let item = lines.by_ref().find(|line| {
            is_test |= *line == "#[test]";
            !line.starts_with("#[")
        });
        let item = item.unwrap_or_default();
        let name = match (item.strip_prefix("fn "), item.strip_prefix("mod ")) {
            (Some(test), _) if is_test => test.split('(').next(),
            (_, Some(module)) => module.strip_suffix(';'),
            _ => None,
        };
        found.extend(name.map(|name| format!("{file}: {name}")));
    }
    found
}

#[test]
fn what_runs_on_one_platform_is_listed_with_its_reason() {
    let mut there: Vec<String> = files("src", &["rs"])
        .into_iter()
        .chain(files("tests/it", &["rs"]))
        .chain(files("tests/generalizers", &["rs"]))
        .chain([PathBuf::from("tests/library.rs")])
        .flat_map(|path| of_one_platform(path.file_stem().unwrap().to_str().unwrap(), &read(&path)))
        // The two platform files of the `disk` module are not tests.
        .filter(|name| !["mod: unix", "mod: windows"].contains(&name.as_str()))
        .collect();
    let list = read("tests/one_platform.txt");
    let mut listed: Vec<String> =
        list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    there.sort();
    listed.sort();
    assert_eq!(there, listed);
    let code = "#[cfg(unix)]\n#[test]\nfn a() {}\n#[cfg(unix)]\nfn b() {}\n    #[cfg(windows)]\n    mod c;";
    assert_eq!(of_one_platform("x", code), ["x: a", "x: c"], "the control");
}
