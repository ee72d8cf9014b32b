//! What `--reach` proposes reaches it, and costs what it says.

use crate::program::{complaint, plan, report, run, text};
use serde_json::Value;

/// Skewed numbers, a few words and many names.
fn input() -> String {
    let mut rng = fastrand::Rng::with_seed(12);
    let row = |_| {
        let long = rng.u32(1..90) * rng.u32(1..90);
        let codec = ["h264", "h264", "h264", "HEVC", "hevc", "av1"][rng.usize(0..6)];
        let codec = if rng.u32(0..60) == 0 { ["secret-codec", "odd one"][rng.usize(0..2)] } else { codec };
        format!("{long},{codec},name{},{}\n", rng.u32(..), rng.u32(0..2))
    };
    format!("length,codec,who,flag\n{}", (0..2_000).map(row).collect::<String>())
}

fn proposed<'r>(report: &'r Value, field: &str) -> &'r Value {
    let fields = report["events"][0]["reach"]["fields"].as_array().unwrap();
    fields.iter().find(|one| one["field"] == field).unwrap()
}

#[test]
fn what_is_proposed_reaches_it_and_costs_what_is_said() {
    let input = input();
    for k in ["20", "100", "300"] {
        let said = report(input.as_bytes(), &["--reach", k]);
        let option = said["events"][0]["reach"]["option"].as_str().unwrap();
        let (_, assigned) = option.trim_end_matches('\'').split_once(" | ").unwrap();
        for one in assigned.split(';') {
            let (field, _) = one.split_once('=').unwrap();
            let measured = report(input.as_bytes(), &["--k", k, "--plan", one]);
            let figures = &plan(&measured)["by_record"];
            let price = proposed(&said, field);
            assert_eq!(figures["share_under_k"], 0.0, "{k}: {one}");
            assert_eq!(
                (&price["outcomes_after"], &price["smallest_class"]),
                (&figures["classes"], &figures["smallest_class"])
            );
            let exact = report(input.to_lowercase().as_bytes(), &["--fields", field]);
            let exact = &plan(&exact)["by_record"];
            assert_eq!(price["outcomes_before"], exact["classes"], "{one}");
            for (said, measured) in [("bits_after", figures), ("bits_before", exact)] {
                let (said, measured) = (price[said].as_f64().unwrap(), measured["entropy_bits"].as_f64().unwrap());
                assert!((said - measured).abs() < 1e-5, "{one}: {said} {measured}");
            }
        }
    }
}

#[test]
fn it_is_ready_to_paste_and_names_nothing_rare() {
    let input = input();
    let said = report(input.as_bytes(), &["--reach", "40", "--rungs", "5", "--as", "length=media_duration"]);
    let ladder = proposed(&said, "length")["attribute"].as_str().unwrap();
    assert!(ladder.starts_with("#[field(ladder = [0, ") && ladder.contains("], unit = \"s\", example = "), "{ladder}");
    assert!(ladder.split(']').next().unwrap().matches(',').count() < 5, "{ladder}");
    let words = proposed(&said, "codec")["attribute"].as_str().unwrap();
    assert_eq!(words, "#[field(vocabulary = [\"h264\", \"hevc\", \"av1\"], example = \"h264\")]");
    let name = proposed(&said, "who");
    assert!(name["attribute"].is_null() && name["why_not"].as_str().unwrap().contains("no label has so many rows"));
    assert_eq!(said["events"][0]["reach"]["first"], "who");
    let printed = text(input.as_bytes(), &["--reach", "40"]);
    assert!(
        printed.contains("To have 40 rows or more in each class of a field") && printed.contains("Coarsen `who` first")
    );
    let page = String::from_utf8(run(input.as_bytes(), &["--reach", "40", "--html", "-"]).stdout).unwrap();
    assert!(page.contains("#[field(vocabulary = ["));
    for text in [printed, page] {
        assert!(!text.contains("secret-codec") && !text.contains("name1"), "a rare value is told");
    }
}

#[test]
fn what_can_not_be_reached_says_why() {
    let few = report(b"a\n1\n2\n", &["--reach", "20"]);
    assert_eq!(proposed(&few, "a")["why_not"], "fewer rows than that have a value");
    let same = report(b"a\n7\n", &["--reach", "2"]);
    assert!(proposed(&same, "a")["attribute"].is_null());
    let date = report(b"a,b\n2026-01-01,1\n", &["--reach", "20", "--as", "a=date:month:2026-01:2"]);
    assert_eq!(date["events"][0]["reach"]["fields"].as_array().unwrap().len(), 1, "a date has no other steps");
    let gap = format!("a\n{}\"\"\n", "1\n900\n".repeat(30));
    let said = text(gap.as_bytes(), &["--reach", "20"]);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("1 row without a usable value"), "{said}");
    assert!(complaint(b"a\n1\n", &["--reach", "1"]).contains("give 2 to 1000000"));
    assert!(complaint(b"a\n1\n", &["--reach", "5", "--rungs", "40"]).contains("give 2 to 32"));
}
