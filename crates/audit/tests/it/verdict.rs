//! The verdict comes first, and says whether enough was read to judge at all. A field that is the same everywhere is never
//! the worst.

use crate::program::{complaint, judged, plan, report, report_from_stdin, run, text};
use serde_json::Value;

/// The printed report on one line, since its lines are wrapped.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table of `good` rows with two columns and `bad` rows with one, the bad ones first.
fn ragged(good: usize, bad: usize) -> String {
    format!("a,b\n{}{}", "1\n".repeat(bad), "1,2\n".repeat(good))
}

#[test]
fn a_percent_may_be_left_out_and_not_a_row_more() {
    for (good, bad, options, code) in [
        (99, 1, &[][..], 0),
        (98, 1, &[], 3),
        (198, 2, &[], 0),
        (999, 1, &["--allow-left-out", "0.1"], 0),
        (998, 1, &["--allow-left-out", "0.1"], 3),
        (100, 0, &["--allow-left-out", "0"], 0),
        (9_999, 1, &["--allow-left-out", "0"], 3),
        (50, 50, &["--allow-left-out", "50"], 0),
        (0, 9, &["--allow-left-out", "100"], 3),
    ] {
        let input = ragged(good, bad);
        let (found, report, said) = judged(input.as_bytes(), options);
        assert_eq!(found, code, "{good} and {bad} with {options:?}: {said}");
        assert_eq!(report["verdict"], if code == 0 { "passes" } else { "fails" });
        assert_eq!(report["input"]["left_out"]["rows"], bad);
        assert_eq!(report["input"]["left_out"]["of"], good + bad);
        assert_eq!(said.is_empty(), code == 0, "{said}");
    }
}

#[test]
fn what_was_left_out_is_told_with_its_first_lines_and_the_way_out() {
    let input = format!("{}1,2,3\n", ragged(20, 4));
    let (code, _, said) = judged(input.as_bytes(), &["--quiet"]);
    assert_eq!(code, 3);
    for part in [
        "5 of 25 rows (20.0 %) could not be read or were left out; 1 % is allowed.",
        "4 rows: fewer columns than the header (lines 2, 3, 4 and more)",
        "1 row: more columns than the header (line 26)",
        "--allow-left-out 20",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // What the message proposes is enough.
    assert_eq!(judged(input.as_bytes(), &["--allow-left-out", "20"]).0, 0);
    let thirds = ragged(2, 1);
    assert!(judged(thirds.as_bytes(), &[]).2.contains("--allow-left-out 33.4"));
    assert_eq!(judged(thirds.as_bytes(), &["--allow-left-out", "33.4"]).0, 0);
    assert_eq!(judged(thirds.as_bytes(), &["--allow-left-out", "33.3"]).0, 3);
}

/// A column that can't be read would look like one large crowd.
#[test]
fn a_column_of_nan_is_no_crowd() {
    let input = format!("x,y\n{}", "nan,1\n".repeat(60));
    let (code, report, said) = judged(input.as_bytes(), &["--as", "x=bitrate"]);
    assert_eq!((code, &report["input"]["left_out"]["rows"]), (3, &60.into()));
    assert!(said.contains("`x` can't be read as bitrate (negative or NaN)"), "{said}");
    let commas = format!("x;y\n{}", "1,5;2\n".repeat(60));
    let (code, _, said) = judged(commas.as_bytes(), &["--as", "x=step:1", "--delimiter", ";"]);
    assert!(code == 3 && said.contains("`x` can't be read as step:1 (not a number)"), "{said}");
    // A row counts once, in however many fields and plans it can't be read. A missing value is no error.
    let twice = format!("x,y\nnan,nan\n{}", ",1\n".repeat(99));
    let plans = ["--plan", "x=bitrate;y=bitrate", "--plan", "x=count"];
    let (code, report, _) = judged(twice.as_bytes(), &plans);
    assert_eq!((code, &report["input"]["left_out"]["rows"]), (0, &1.into()));
    // As text, `nan` is a value.
    assert_eq!(judged(input.as_bytes(), &[]).0, 0);
}

#[test]
fn the_verdict_comes_first() {
    let input = ragged(40, 0);
    for (options, head) in
        [(&[][..], "passes"), (&["--max-unique", "0"], "passes"), (&["--max-under-k", "0"], "passes")]
    {
        let output = run(input.as_bytes(), options);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().next(), Some(&*format!("VERDICT: {head}")), "{said}");
        let json = run(input.as_bytes(), &[options, &["--json", "-"]].concat());
        let json = String::from_utf8(json.stdout).unwrap();
        let keys: Vec<&str> = json.lines().filter_map(|line| line.strip_prefix("  \"")).collect();
        assert!(keys[0].starts_with("verdict\": \"passes\"") && keys[1].starts_with("why\""), "{json}");
    }
    let said = text(input.as_bytes(), &[]);
    assert!(said.contains("No limit is set for small classes: --max-unique and --max-under-k set one."), "{said}");
    let failing = run(b"a\n1\n2\n", &["--max-unique", "50"]);
    assert_eq!(failing.status.code(), Some(1));
    let said = String::from_utf8(failing.stdout).unwrap();
    assert!(said.starts_with("VERDICT: fails\n") && said.contains("OVER THE LIMIT: rows, as given: all of"), "{said}");
    // What could not be read weighs more than what was measured.
    assert_eq!(judged(ragged(1, 1).as_bytes(), &["--max-unique", "50"]).0, 3);
    let page = run(input.as_bytes(), &["--html", "-"]);
    assert!(String::from_utf8(page.stdout).unwrap().contains("<strong>Verdict: passes</strong>"));
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_candor-audit")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for code in ["0 no limit is exceeded", "1 more rows than", "2 the command line or", "3 the audit says too little"] {
        assert!(help.contains(code), "{code}: {help}");
    }
}

fn first(report: &Value) -> &str {
    plan(report)["leave_one_out"][0]["field"].as_str().unwrap()
}

#[test]
fn a_constant_column_is_never_the_worst() {
    // Each row is alone because of two fields together, so that leaving one out does not help.
    let rows: String = (0..60).map(|n| format!("same,{n},{},\n", n * 7)).collect();
    let input = format!("always,a,b,never\n{rows}");
    let said = report(input.as_bytes(), &[]);
    assert!(["a", "b"].contains(&first(&said)), "{}", plan(&said)["leave_one_out"]);
    let constant: Vec<bool> =
        plan(&said)["fields"].as_array().unwrap().iter().map(|field| field["constant"].as_bool().unwrap()).collect();
    assert_eq!(constant, [true, false, false, true]);
    assert!(!plan(&said)["mend"].as_str().unwrap().contains("always"));
    // One field varies: it is the only one to name, as if it were alone.
    let rows: String = (0..60).map(|n| format!("same,{n}\n")).collect();
    let said = report(format!("always,a\n{rows}").as_bytes(), &[]);
    assert_eq!(plan(&said)["mend"], "Next: make `a` coarser, and give it a top: rare values are at its ends.");
    // A field whose values all fall into one bucket is constant too.
    let said = report(
        format!("a,b\n{}", (0..60).map(|n| format!("{n},{n}\n")).collect::<String>()).as_bytes(),
        &["--as", "a=step:100"],
    );
    assert_eq!((first(&said), &plan(&said)["leave_one_out"][1]["constant"]), ("b", &true.into()));
}

#[test]
fn where_all_is_constant_nothing_tells_rows_apart() {
    let said = flat(&text(format!("a,b\n{}", "1,2\n".repeat(60)).as_bytes(), &[]));
    assert!(said.contains("Nothing tells rows apart: each field is the same in all rows."), "{said}");
    // The control: one row that differs.
    let said = flat(&text(format!("a,b\n{}1,3\n", "1,2\n".repeat(60)).as_bytes(), &[]));
    assert!(!said.contains("Nothing tells rows apart") && said.contains("`b`"), "{said}");
}

#[test]
fn the_delimiter_is_found() {
    let table = |by: &str| format!("\u{feff}a{by}\"b{by}c\"\r\n{}", format!("1{by}\"2\"\r\n").repeat(60));
    for by in [",", ";", "\t", "|"] {
        let said = report(table(by).as_bytes(), &[]);
        assert_eq!((&said["input"]["delimiter"], &said["input"]["rows"]), (&by.into(), &60.into()));
        assert_eq!(plan(&said)["fields"][1]["field"], format!("b{by}c"));
    }
    let clear = text(table(";").as_bytes(), &[]);
    assert!(clear.contains("read as a table with `;` between its columns"), "{clear}");
    // From a pipe that gives a few bytes at a time, too.
    let said = report_from_stdin(table("|").as_bytes(), &[]);
    assert_eq!((&said["input"]["delimiter"], &said["input"]["rows"]), (&"|".into(), &60.into()));
    // What is said counts, also where another would fit.
    let said = report(table(";").as_bytes(), &["--delimiter", ","]);
    assert_eq!(said["input"]["delimiter"], ",");
    let unclear = complaint(b"a,b;c\n1,2;3\n", &[]);
    assert!(unclear.contains("Say which: --delimiter ',' or --delimiter ';'."), "{unclear}");
    assert_eq!(report(b"a,b;c\n1,2;3\n", &["--delimiter", ";"])["input"]["rows"], 1);
    let binary: Vec<u8> = (0..9_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(complaint(&binary, &[]).contains("is no text"));
}
