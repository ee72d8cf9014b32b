//! Makes a second copy of the modules under test, with every mistake of `mistakes.txt` in it, each behind a switch. A
//! mistake quotes the source that it replaces. The build fails if that text is not in the source exactly once, so a
//! mistake never silently loses its effect.

use std::{env, fs, path::Path};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let src = Path::new(&here).join("../../src");
    for path in ["../../src/consent", "../../src/actions", "mistakes.txt", "src/engine.rs", "src/scenario.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let mistakes = fs::read_to_string(Path::new(&here).join("mistakes.txt")).expect("mistakes.txt");
    let mistakes: Vec<[&str; 4]> = mistakes
        .split("\n== ")
        .skip(1)
        .map(|text| {
            let (head, rest) = text.split_once('\n').expect("a head");
            let (name, file) = head.split_once(" @ ").expect("NAME @ FILE");
            let (old, new) = rest.split_once("\n-- with\n").expect("what and with what");
            [name, file, old.trim_end(), new.trim_end()]
        })
        .collect();
    let mut out = String::new();
    let src = src.as_path();
    let own = Path::new(&here).join("src");
    let mut modules = vec![
        ("consent".to_owned(), src, "consent/mod.rs".to_owned()),
        ("engine".to_owned(), own.as_path(), "engine.rs".to_owned()),
        ("scenario".to_owned(), own.as_path(), "scenario.rs".to_owned()),
    ];
    let actions = fs::read_to_string(own.join("actions.rs")).expect("actions.rs");
    let actions = actions.lines().filter_map(|line| line.strip_prefix("pub(crate) mod ")?.strip_suffix(';'));
    modules.extend(actions.map(|name| (format!("actions::{name}"), src, format!("actions/{name}.rs"))));
    let mut of_actions = String::new();
    for (name, root, file) in modules {
        let text = flat(root, &file, &mistakes).replace("crate::", "crate::mistaken::");
        match name.strip_prefix("actions::") {
            Some(name) => of_actions.push_str(&format!("pub(crate) mod {name} {{\n{text}\n}}\n")),
            None => out.push_str(&format!("pub(crate) mod {name} {{\n{text}\n}}\n")),
        }
    }
    out.push_str(&format!("pub(crate) mod actions {{\n{of_actions}\n}}\n"));
    let names: Vec<&str> = mistakes.iter().map(|mistake| mistake[0]).collect();
    out.push_str(&format!("pub(crate) const NAMES: &[&str] = &{names:?};\n"));
    let to = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("mistaken.rs");
    fs::write(to, out).expect("written");
}

/// Returns a source file with its modules inlined and its mistakes inserted, without its tests.
fn flat(root: &Path, file: &str, mistakes: &[[&str; 4]]) -> String {
    let path = root.join(file);
    let mut text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for [name, of, old, new] in mistakes.iter().filter(|mistake| mistake[1] == file) {
        let found = text.matches(old).count();
        assert!(found == 1, "mistakes.txt: `{name}` fits src/{of} {found} times, not once: {old}");
        text = text.replace(old, &new.replace("on(\"", "crate::switch::on(\""));
    }
    let mut out = String::new();
    let mut in_tests = false;
    for line in text.lines() {
        if line.starts_with("//!") {
            continue;
        }
        let module = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ")
            .strip_prefix("mod ")
            .and_then(|m| m.strip_suffix(';'));
        match module {
            Some(_) if in_tests => {}
            Some(module) => {
                // A submodule is a file next to `mod.rs`, or a folder with its own `mod.rs`.
                let folder = Path::new(file).parent().expect("a folder");
                let below = folder.join(format!("{module}.rs"));
                let below = if root.join(&below).exists() { below } else { folder.join(module).join("mod.rs") };
                let body = flat(root, below.to_str().expect("UTF-8"), mistakes);
                out.push_str(&format!("{} {{\n{body}\n}}", line.trim_end_matches(';')));
            }
            None if line == "#[cfg(test)]" => {}
            // The tests are at the end of a file.
            None if in_tests && line.starts_with("mod ") => break,
            None => out.push_str(line),
        }
        in_tests = line == "#[cfg(test)]";
        out.push('\n');
    }
    out
}
