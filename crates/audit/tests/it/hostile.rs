//! Missing, malformed or malicious inputs: each results in a report or in a message that names the fix.

use crate::program::{complaint, judged, plan, report, run, text};
use std::process::Command;

#[test]
fn what_can_not_be_asked_is_refused_with_the_fix() {
    let input = b"length,year\n1,2\n3,4\n";
    for (options, fix) in [
        (&["--budget", "0"][..], "--budget 0 allows no outcome at all; give how many"),
        (&["--k", "1"], "give 2 to 1000000"),
        (&["--memory", "0"], "--memory is in MiB"),
        (&["--max-unique", "101"], "percentage"),
        (&["--max-unique", "NaN"], "percentage"),
        (&["--fields", "lenght"], "Did you mean `length`? There are `length`, `year`."),
        (&["--link", "who"], "--link names `who`, which is not there"),
        (&["--sensitive", "who"], "--sensitive names `who`"),
        (&["--count", "who"], "--count names `who`"),
        (&["--event-column", "who"], "--event-column names `who`"),
        (&["--as", "yaer=exact"], "Did you mean `year`?"),
        (&["--as", "length=stepp:5"], "Did you mean `step`? The classes are exact, omit, step, ladder,"),
        (&["--as", "length"], "FIELD=CLASS"),
        (&["--as", "length=exact", "--as", "length=omit"], "twice"),
        (&["--as", "length=ladder:0,5,3"], "does not rise: 5 is followed by 3"),
        (&["--as", "length=ladder:0,0"], "does not rise"),
        (&["--as", "length=ladder:0,nan"], "where a number"),
        (&["--as", "length=step:-5"], "where a number"),
        (&["--as", "length=step:0"], "above 0"),
        (&["--plan", ""], "--plan is empty"),
        (&["--plan", "length=exact;length=omit"], "twice"),
        (&["--plan", "size=exact"], "--plan names `size`"),
        (&["--invert", "length="], "duration=size*8/bitrate"),
        (&["--invert", "length=size"], "--invert names `size`"),
        (&["--invert", "length=year", "--group", "length"], "which --group does not name"),
        (&["--json", "-", "--html", "-"], "can't share the standard output"),
        (&["--delimiter", ";;"], "one ASCII character"),
    ] {
        let said = complaint(input, options);
        assert!(said.contains(fix), "{options:?}: {said}");
    }
    // Clap's own errors have the same exit code.
    for options in [&["--k", "many"][..], &["--group", "length"], &["--no-such-option"]] {
        complaint(input, options);
    }
}

#[test]
fn inputs_that_are_no_table_are_refused_with_the_fix() {
    for (input, fix) in [
        (&b""[..], "is empty"),
        (b" \n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"[{}]", "jq -c '.[]'"),
    ] {
        let said = complaint(input, &[]);
        assert!(said.contains(fix), "{said}");
    }
    let wide = vec![b','; 5_000];
    assert!(complaint(&wide, &[]).contains("more than 4096 columns"));
    let long = [b"\"".as_slice(), &vec![b'x'; 100_000]].concat();
    assert!(complaint(&long, &[]).contains("longer than 64 KiB"));
    let missing = Command::new(env!("CARGO_BIN_EXE_candor-audit")).args(["/no/such/file"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("can't read /no/such/file"));
    let folder = Command::new(env!("CARGO_BIN_EXE_candor-audit")).args(["/"]).output().unwrap();
    assert!(String::from_utf8(folder.stderr).unwrap().contains("is a folder"));
}

#[test]
fn no_rows_are_no_audit_and_one_row_is() {
    let (code, none, said) = judged(b"a,b\n", &[]);
    assert_eq!((code, &none["verdict"]), (3, &"fails".into()));
    assert_eq!((&none["input"]["rows"], none["events"].as_array().unwrap().len()), (&0.into(), 0));
    assert!(said.contains("nothing to judge"), "{said}");
    let one = report(b"a,b\n1,2", &["--sensitive", "b", "--link", "a"]);
    let figures = &plan(&one)["by_record"];
    assert_eq!(
        (&figures["rows"], &figures["share_unique"], &figures["entropy_bits"]),
        (&1.into(), &1.0.into(), &0.0.into())
    );
    assert!(plan(&one)["sequences"][1]["share_unique"].is_null());
    assert!(text(b"a,b\n1,2", &[]).contains("all are alone") || text(b"a,b\n1,2", &[]).contains("fewer than 20"));
}

#[test]
fn malformed_rows_are_counted_by_kind_with_their_first_line() {
    let huge = "x".repeat(70_000);
    let input = format!("a,b\r\n1,2\r\n\r\n3\r\n\"q\r\nq\",5\r\n1,2,3\r\n4\r\n{huge},1\r\n1,2\r\n\"open,1\r\n");
    let said = report(input.as_bytes(), &[]);
    assert_eq!(said["input"]["rows"], 3);
    let malformed = said["input"]["malformed"].as_array().unwrap();
    let lines: Vec<(&str, u64, u64)> = malformed
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["rows"].as_u64().unwrap(), one["first_line"].as_u64().unwrap()))
        .collect();
    // The last row's quote is never closed, so that the row has one column.
    assert_eq!(
        lines,
        [
            ("a value is longer than 64 KiB (a quote that is never closed?)", 1, 9),
            ("fewer columns than the header", 3, 4),
            ("more columns than the header", 1, 7),
        ]
    );
    let strict = complaint(input.as_bytes(), &["--strict"]);
    assert!(strict.contains("line 4: fewer columns than the header"), "{strict}");
}

#[test]
fn odd_bytes_are_values_and_odd_names_are_shown_escaped() {
    let input = b"\xef\xbb\xbfa\x1b[31m,b\xff,a\x1b[31m,,=cmd()\n\0,\xff\xfe,=1+1,@x,\x1b]0;t\x07\n\0,\xff\xfe,=1+1,@x,\x1b]0;t\x07\n";
    let said = report(input, &[]);
    assert_eq!(plan(&said)["by_record"]["classes"], 1);
    assert_eq!(plan(&said)["fields"][0]["field"], "a\u{1b}[31m");
    assert_eq!(plan(&said)["fields"][2]["field"], "a\u{1b}[31m (2)");
    assert_eq!(plan(&said)["fields"][3]["field"], "column 4");
    assert!(said["input"]["notes"][0].as_str().unwrap().contains("like an earlier one"));
    let printed = text(input, &[]);
    assert!(printed.contains("a\\u{1b}[31m (2)"), "{printed}");
    assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
    // No value of a row is shown.
    assert!(!printed.contains("=1+1") && !printed.contains("@x"));
    let said = complaint(input, &["--link", "\u{1b}[2J\u{202e}"]);
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}

#[test]
fn numbers_that_are_none_are_not_sent_and_huge_ones_are_the_top() {
    let input = b"x\nnan\n-1\nwords\n\"\"\n1e999\ninf\n9007199254740993\n60\n59.999\n-0\n";
    let said = report(input, &["--as", "x=media_duration"]);
    let field = &plan(&said)["fields"][0];
    assert_eq!(
        (&field["negative"], &field["not_numbers"], &field["missing"], &field["first_line"]),
        (&2.into(), &1.into(), &1.into(), &2.into())
    );
    // Classes (rows): not sent (4), top bucket (3), 1 min (1), 0 min (2).
    let figures = &plan(&said)["by_record"];
    assert_eq!(
        (&figures["classes"], &figures["largest_class"], &figures["smallest_class"]),
        (&4.into(), &4.into(), &1.into())
    );
}

#[test]
fn tables_cut_anywhere_never_panic() {
    let whole = b"a,b,n\n\"x\"\"y\",2,3\r\n\"line\nbreak\",nan,-1\n{,},1e9\n";
    let mut rng = fastrand::Rng::with_seed(5);
    for cut in 0..whole.len() {
        let mut input = whole[..cut].to_vec();
        if let Some(byte) = input.get_mut(rng.usize(0..=cut)) {
            *byte = rng.u8(..);
        }
        let output = run(&input, &["--quiet", "--json", "-"]);
        assert!(matches!(output.status.code(), Some(0 | 2 | 3)), "{:?}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn events_are_told_apart_by_a_column() {
    let input = b"what,n\nopened,1\nclosed,1\nopened,2\nopened,1\n";
    let said = report(input, &["--event-column", "what"]);
    let events: Vec<(&str, u64, u64)> = said["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let classes = event["plans"][0]["by_record"]["classes"].as_u64().unwrap();
            (event["event"].as_str().unwrap(), event["rows"].as_u64().unwrap(), classes)
        })
        .collect();
    assert_eq!(events, [("opened", 3, 2), ("closed", 1, 1)]);
    let named = report(input, &["--event-column", "what", "--count", "n", "--fields", "n,what"]);
    assert_eq!(named["events"][0]["plans"][0]["by_record"]["classes"], 2, "what is asked for by name is compared");
    let one = report(input, &["--event-column", "what", "--event", "opened"]);
    assert_eq!(one["input"]["rows"], 3);
    assert!(complaint(input, &["--event-column", "what", "--event", "open"]).contains("which no row is"));
    let mut many = String::from("what,n\n");
    (0..1_002).for_each(|n| many.push_str(&format!("e{n},1\n")));
    assert!(complaint(many.as_bytes(), &["--event-column", "what"]).contains("more than 1000 event names"));
}

#[test]
fn a_table_as_wide_as_it_may_be_is_measured_and_listed_in_short() {
    let names: Vec<String> = (0..4_095).map(|n| format!("c{n}")).collect();
    let row = vec!["7"; 4_095].join(",");
    let input = format!("what,{}\n0,{row}\n1,{row}\n", names.join(","));
    let printed = text(input.as_bytes(), &[]);
    assert!(printed.lines().count() < 100 && printed.contains("and 4066 more"), "{printed}");
    let events: String = (0..10).map(|n| format!("e{n},{row}\n")).collect();
    let input = format!("what,{}\n{events}", names.join(","));
    assert!(complaint(input.as_bytes(), &["--event-column", "what"]).contains("more than 20000 figures"));
}

#[test]
fn limits_decide_the_exit_code() {
    let input = b"a\n1\n1\n2\n";
    for (options, code) in [
        (&["--max-unique", "34"][..], 0),
        (&["--max-unique", "33"], 1),
        (&["--max-under-k", "100", "--k", "3"], 0),
        (&["--max-under-k", "99", "--k", "3"], 1),
        (&["--max-under-k", "33", "--k", "2"], 1),
    ] {
        let output = run(input, options);
        assert_eq!(output.status.code(), Some(code), "{options:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().contains("OVER THE LIMIT"), code == 1);
    }
    assert!(run(input, &["--quiet", "--max-unique", "0"]).stdout.is_empty());
}

#[test]
fn the_input_is_never_written_over() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a\n1\n").unwrap();
    for option in ["--json", "--html"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor-audit"));
        let output = command.arg(file.path()).arg(option).arg(file.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "a\n1\n");
}

#[test]
fn no_file_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = String::from("a,b\n");
    (0..40_000).for_each(|n| input.push_str(&format!("{n},{}\n", n * 7)));
    let said = report(input.as_bytes(), &["--memory", "1", "--temp", folder.path().to_str().unwrap()]);
    assert!(said["storage"]["temporary_bytes"].as_u64().unwrap() > 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let said = complaint(input.as_bytes(), &["--memory", "1", "--temp", "/no/such/folder"]);
    assert!(said.contains("--temp DIR"), "{said}");
}

#[test]
fn what_is_printed_fits_a_hundred_columns() {
    let name = "a_very_long_name_of_a_column_".repeat(4);
    let input = format!("{name},b,c\n1,2,3\n4,5,6\n");
    let options = ["--k", "7", "--plan", &format!("{name}=exact;b=exact;c=step:5"), "--plan", "b=exact", "--link", "c"];
    for line in text(input.as_bytes(), &options).lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
}
