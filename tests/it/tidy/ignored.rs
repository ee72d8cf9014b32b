//! A result that is thrown away with `let _ =` has its reason beside it: in a comment on that line, or directly above it. A
//! comment holds for all such lines that follow each other. This reads lines: it does not know what a call returns.

use super::{ROOT, files};
use std::{fs, path::Path};

/// The lines of a source that throw a result away without a reason. Tests need none.
///
/// Nor does text that is written to a `String`, which can't fail. A file that brings in `fmt::Write` and not `io::Write` has
/// nothing else to write to by a plain name.
fn without_reason(text: &str) -> Vec<String> {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let brings_in = |module: &str| {
        text.split(&format!("{module}::")).skip(1).any(|named| match named.strip_prefix('{') {
            Some(group) => group.split('}').next().is_some_and(|group| group.contains("Write")),
            None => named.starts_with("Write"),
        })
    };
    let only_strings = brings_in("fmt") && !brings_in("io");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (mut found, mut has_reason) = (Vec::new(), false);
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("//") {
            has_reason = true;
            continue;
        }
        let Some(thrown_away) = thrown_away(line) else {
            has_reason = false;
            continue;
        };
        let value = if thrown_away.is_empty() { lines.get(at + 1).unwrap_or(&"") } else { thrown_away };
        has_reason |= line.contains(" // ");
        let cannot_fail = only_strings && is_written_to_a_name(value, lines.get(at + 1).unwrap_or(&""));
        if !has_reason && !cannot_fail {
            found.push(format!("{}: {line}", at + 1));
        }
    }
    found
}

/// What a line throws away: the code behind `let _ =`. `None` if the line has no such statement.
fn thrown_away(line: &str) -> Option<&str> {
    line.match_indices("let _ =").find_map(|(at, mark)| {
        let begins = line[..at].trim_end().chars().next_back().is_none_or(|before| "{};".contains(before));
        begins.then(|| line[at + mark.len()..].trim())
    })
}

/// Whether `write!` or `writeln!` writes to a variable. The first argument may be on the next line.
fn is_written_to_a_name(code: &str, next: &str) -> bool {
    let Some(arguments) = code.strip_prefix("writeln!(").or_else(|| code.strip_prefix("write!(")) else { return false };
    let arguments = if arguments.is_empty() { next } else { arguments };
    let first = arguments.split([',', ')']).next().unwrap_or_default();
    !first.is_empty() && first.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[test]
fn what_is_thrown_away_has_its_reason() {
    let is_test = |path: &Path| {
        let path = path.strip_prefix(ROOT).unwrap();
        path.components().any(|part| part.as_os_str().to_str().unwrap().contains("tests"))
    };
    let sources = ["src", "crates", "examples", "benches"].map(|below| files(below, &["rs"])).concat();
    let (mut found, mut seen) = (Vec::new(), 0);
    for path in sources.iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        seen += text.lines().filter(|line| thrown_away(line.trim()).is_some()).count();
        found.extend(without_reason(&text).into_iter().map(|line| format!("{}:{line}", path.display())));
    }
    assert!(found.is_empty(), "say why the result may be thrown away, or handle it: {found:#?}");
    assert!(seen > 100, "{seen} were seen: this test looks for the wrong thing");
}

#[test]
fn what_is_thrown_away_without_a_reason_is_noticed() {
    let strings = "use std::fmt::Write as _;\n";
    for code in [
        "fn f() {\n    let _ = save();\n}",
        "fn f() {\n    let _ =\n        save();\n}",
        "fn f() { let _ = save(); }",
        // This reason belongs to another line.
        "// Saved elsewhere.\nsave();\nlet _ = save();",
        "let _ = writeln!(out, \"a line\");",
        "use std::fmt::Write as _;\nuse std::io::{self, Write};\nlet _ = writeln!(out, \"a line\");",
        &format!("{strings}let _ = writeln!(io::stderr(), \"a line\");"),
        &format!("{strings}let _ = save();"),
    ] {
        assert_eq!(without_reason(code).len(), 1, "{code}");
    }
    for code in [
        "// Tried again later.\nlet _ = save();\nlet _ = save();",
        "let _ = save(); // tried again later",
        "/// let _ = save();",
        "#[must_use = \"`let _ = …` drops it at once\"]",
        &format!("{strings}let _ = writeln!(out);\nlet _ = write!(\n    out,\n    \"a line\"\n);"),
        "fn f() {}\n#[cfg(test)]\nmod tests { fn t() { let _ = save(); } }",
    ] {
        assert!(without_reason(code).is_empty(), "{code}");
    }
}
