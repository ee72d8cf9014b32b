//! Every figure equals that of the reference, over random tables. It stays the same if memory is too small for the table.

use crate::{
    program::{plan, report, report_from_stdin},
    reference::{self as slow, Coarse, Texts},
};
use fastrand::Rng;
use serde_json::Value;

const HEADER: &str = "who,minutes,size,kind,secret,times";

/// A value of a number column, including every odd value that a column may hold.
fn odd_number(rng: &mut Rng, most: u32) -> String {
    match rng.u32(0..40) {
        0 => String::new(),
        1 => "nan".into(),
        2 => "-5".into(),
        3 => "inf".into(),
        4 => "words".into(),
        5 => "1e300".into(),
        6 => format!(" {}.5", rng.u32(0..most)),
        7 => "-0.0".into(),
        _ => rng.u32(0..most).to_string(),
    }
}

fn table(rng: &mut Rng) -> Texts {
    let rows = rng.usize(0..120);
    let row = |rng: &mut Rng| {
        let who = if rng.u32(0..15) == 0 { String::new() } else { format!("u{}", rng.u32(0..6)) };
        let kind = ["a", "b", "b", "b", "\"x,\ny\"", ""][rng.usize(0..6)].to_owned();
        let secret = ["", "s", "t", "t", "t"][rng.usize(0..5)].to_owned();
        let (minutes, size) = (odd_number(rng, 40), odd_number(rng, 9));
        vec![who, minutes, size, kind, secret, rng.u32(1..9).to_string()]
    };
    (0..rows).map(|_| row(rng)).collect()
}

fn csv(rows: &Texts) -> Vec<u8> {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("{HEADER}\r\n{}\r\n", lines.join("\r\n")).into_bytes()
}

fn close(what: &str, said: &Value, wanted: f64, tolerance: f64) {
    let said = said.as_f64().unwrap_or_else(|| panic!("{what}: {said} is no number, {wanted} is expected"));
    assert!((said - wanted).abs() <= tolerance, "{what}: {said} instead of {wanted}");
}

#[test]
fn every_figure_is_that_of_the_reference() {
    let plans: [(&str, &str, Coarse, Coarse); 5] = [
        ("exact", "exact", Coarse::Exact, Coarse::Exact),
        ("step:5", "step:2:6", Coarse::Step(5.0, None), Coarse::Step(2.0, Some(6.0))),
        ("step:0.5:20", "ladder:2,4", Coarse::Step(0.5, Some(20.0)), Coarse::Ladder(vec![2.0, 4.0])),
        ("ladder:0,0.5,1,5,20", "step:3", Coarse::Ladder(vec![0.0, 0.5, 1.0, 5.0, 20.0]), Coarse::Step(3.0, None)),
        ("step:10", "exact", Coarse::Step(10.0, None), Coarse::Exact),
    ];
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let rows = table(&mut rng);
        let (minutes, size, coarse_minutes, coarse_size) = &plans[seed as usize % plans.len()];
        let linked = rng.bool();
        let k = rng.u64(2..30);
        let (minutes, size, k_text) = (format!("minutes={minutes}"), format!("size={size}"), k.to_string());
        let mut options = vec!["--as", &minutes, "--as", &size, "--k", &k_text, "--fields", "minutes,size,kind"];
        options.extend(["--sensitive", "secret", "--count", "times", "--invert", "minutes=size*3+1"]);
        if linked {
            options.extend(["--link", "who"]);
        }
        let report = report(&csv(&rows), &options);
        assert_eq!(report["input"]["rows"], rows.len(), "seed {seed}");
        if rows.is_empty() {
            assert_eq!(report["events"].as_array().unwrap().len(), 0);
            continue;
        }
        let general: Texts = rows
            .iter()
            .map(|row| vec![slow::cell(coarse_minutes, &row[1]), slow::cell(coarse_size, &row[2]), row[3].clone()])
            .collect();
        let plan = plan(&report);
        check_classes(&format!("seed {seed}"), plan, &rows, &general, k);
        check_runs(&format!("seed {seed}"), plan, &rows, &general, linked, k);
        check_inversion(&format!("seed {seed}"), plan, &rows, coarse_minutes, coarse_size);
    }
}

fn check_classes(what: &str, plan: &Value, rows: &Texts, general: &Texts, k: u64) {
    let figures = &plan["by_record"];
    let sizes = slow::sizes(general);
    assert_eq!(figures["rows"], rows.len(), "{what}");
    assert_eq!(figures["classes"], slow::classes(general), "{what}");
    assert_eq!(figures["smallest_class"], *sizes.iter().min().unwrap(), "{what}");
    assert_eq!(figures["largest_class"], *sizes.iter().max().unwrap(), "{what}");
    let shares = [("share_unique", 2), ("share_under_5", 5), ("share_under_20", 20), ("share_under_50", 50)];
    for (key, under) in shares.into_iter().chain([("share_under_k", k)]) {
        close(&format!("{what} {key}"), &figures[key], slow::share_under(&sizes, under), 1e-12);
    }
    close(&format!("{what} entropy"), &figures["entropy_bits"], slow::entropy(&sizes), 1e-5);
    let bins = figures["sizes"].as_array().unwrap();
    for (bin, next) in bins.iter().zip(bins.iter().skip(1).map(|bin| bin["from"].as_u64().unwrap()).chain([u64::MAX])) {
        let from = bin["from"].as_u64().unwrap();
        let wanted = sizes.iter().filter(|size| **size >= from && **size < next).count();
        assert_eq!(bin["rows"], wanted, "{what} from {from}");
    }
    // By count: a row weighs as much as its count.
    let weights: Vec<u64> = rows.iter().map(|row| row[5].parse().unwrap()).collect();
    let weighted = slow::weighted(general, &weights);
    let total: u64 = weights.iter().sum();
    let counted = &plan["by_count"];
    assert_eq!(counted["rows"], total, "{what}");
    assert_eq!(counted["smallest_class"], *weighted.iter().min().unwrap(), "{what}");
    for (key, under) in shares.into_iter().chain([("share_under_k", k)]) {
        let held: u64 =
            weighted.iter().zip(&weights).filter(|(size, _)| **size < under).map(|(_, weight)| weight).sum();
        close(&format!("{what} by count {key}"), &counted[key], held as f64 / total as f64, 1e-12);
    }
    // Without each field, sorted by the result.
    let names = ["minutes", "size", "kind"];
    let list = plan["leave_one_out"].as_array().unwrap();
    assert_eq!(list.len(), names.len());
    let rank: Vec<f64> = list.iter().map(|one| one["share_under_k"].as_f64().unwrap()).collect();
    assert!(rank.is_sorted(), "{what}: {rank:?}");
    for one in list {
        let at = names.iter().position(|name| one["field"] == *name).unwrap();
        let sizes = slow::sizes(&slow::without(general, at));
        close(&format!("{what} without {at}"), &one["share_unique"], slow::share_under(&sizes, 2), 1e-12);
        close(&format!("{what} without {at}"), &one["share_under_k"], slow::share_under(&sizes, k), 1e-12);
        close(&format!("{what} without {at}"), &one["entropy_bits"], slow::entropy(&sizes), 1e-5);
    }
    let secrets: Vec<String> = rows.iter().map(|row| row[4].clone()).collect();
    let spread = slow::spread(general, &secrets);
    let single = spread.iter().filter(|values| **values == 1).count() as f64 / spread.len() as f64;
    assert_eq!(plan["sensitive"]["fewest_values"], *spread.iter().min().unwrap(), "{what}");
    close(&format!("{what} sensitive"), &plan["sensitive"]["share_with_one_value"], single, 1e-12);
}

fn check_runs(what: &str, plan: &Value, rows: &Texts, general: &Texts, linked: bool, k: u64) {
    let links: Vec<String> = rows.iter().map(|row| if linked { row[0].clone() } else { "all".into() }).collect();
    for (one, length) in plan["sequences"].as_array().unwrap().iter().zip([1, 2, 3, 5, 8, 12]) {
        let runs = slow::runs(general, &links, length);
        assert_eq!((&one["length"], &one["runs"]), (&length.into(), &runs.len().into()), "{what} runs of {length}");
        if runs.is_empty() {
            assert!(one["share_unique"].is_null());
        } else {
            let wanted = slow::unique(&runs) as f64 / runs.len() as f64;
            close(&format!("{what} runs of {length}"), &one["share_unique"], wanted, 1e-12);
        }
    }
    if !linked {
        assert!(plan["linked"].is_null());
        return;
    }
    let (some, links): (Texts, Vec<String>) =
        general.iter().cloned().zip(links).filter(|(_, link)| !link.is_empty()).unzip();
    let spread = slow::spread(&some, &links);
    if spread.is_empty() {
        return;
    }
    let few = spread.iter().filter(|values| **values < k).count() as f64 / spread.len() as f64;
    assert_eq!(plan["linked"]["fewest_values"], *spread.iter().min().unwrap(), "{what}");
    close(&format!("{what} linked"), &plan["linked"]["share_under_k"], few, 1e-12);
}

fn check_inversion(what: &str, plan: &Value, rows: &Texts, minutes: &Coarse, size: &Coarse) {
    let (mut others, mut own, mut both, mut width, mut own_width) = (vec![], vec![], vec![], vec![], vec![]);
    let middle = |(low, high): (f64, f64)| if high.is_infinite() { low } else { (low + high) / 2.0 };
    for row in rows {
        let truth = slow::number(&row[1]).filter(|truth| *truth <= 9_007_199_254_740_992.0);
        let (Some(truth), Some(left), Some(right)) =
            (truth, slow::bounds(minutes, &row[1]), slow::bounds(size, &row[2]))
        else {
            continue;
        };
        // The right side rises with the size, so that its bounds are at the size's bounds.
        let right_exact = matches!(size, Coarse::Exact) && right.0 > 9_007_199_254_740_992.0;
        if right_exact {
            continue;
        }
        let (low, high) = (right.0 * 3.0 + 1.0, right.1 * 3.0 + 1.0);
        others.push((middle(right) * 3.0 + 1.0 - truth).abs());
        own.push((middle(left) - truth).abs());
        let joint = (low.max(left.0), high.min(left.1));
        both.push((if joint.0 <= joint.1 { middle(joint) } else { middle(left) } - truth).abs());
        width.push(high - low);
        own_width.push(left.1 - left.0);
    }
    let inversion = &plan["inversion"];
    assert_eq!(inversion["rows"], others.len(), "{what}");
    assert_eq!(inversion["skipped"], rows.len() - others.len(), "{what}");
    for (key, values) in [
        ("error_from_others", others),
        ("error_from_own_cell", own),
        ("error_from_both", both),
        ("width_from_others", width),
        ("width_of_own_cell", own_width),
    ] {
        for (name, share) in [("median", 0.5), ("p90", 0.9)] {
            let said = &inversion[key][name];
            let wanted = if values.is_empty() { f64::INFINITY } else { slow::quantile(&values, share) };
            if wanted.is_infinite() {
                assert!(said.is_null(), "{what} {key} {name}: {said}");
            } else {
                close(&format!("{what} {key} {name}"), said, wanted, wanted * 0.0011);
            }
        }
    }
}

/// Compares candor's own class with the cuts as the reference states them.
#[test]
fn candors_class_is_candors() {
    let mut rng = Rng::with_seed(7);
    let lengths: Vec<String> = (0..300).map(|_| rng.u32(0..9_000).to_string()).collect();
    let input = format!("length\n{}\n", lengths.join("\n"));
    let cuts = Coarse::Ladder(vec![0.0, 60.0, 300.0, 1_200.0, 3_600.0, 7_200.0]);
    let general: Texts = lengths.iter().map(|text| vec![slow::cell(&cuts, text)]).collect();
    let report = report(input.as_bytes(), &["--as", "length=media_duration"]);
    close("entropy", &plan(&report)["by_record"]["entropy_bits"], slow::entropy(&slow::sizes(&general)), 1e-5);
    assert_eq!(plan(&report)["by_record"]["classes"], 6);
}

/// Too little memory for the table, the links and the pairs: the report made through files is the same.
#[test]
fn what_goes_through_files_is_the_same() {
    let mut rng = Rng::with_seed(11);
    let mut input = String::from("who,a,b,c\n");
    for _ in 0..60_000 {
        let who = rng.u32(0..4_000) * rng.u32(0..2);
        input.push_str(&format!("u{who},{},{},{}\n", rng.u32(0..3_000), rng.u32(0..40), rng.u32(0..3)));
    }
    let options = ["--link", "who", "--sensitive", "c", "--plan", "a=step:3;b=exact", "--plan", "a=exact;b=step:10"];
    let mut roomy = report(input.as_bytes(), &options);
    let mut tight = report(input.as_bytes(), &[&options[..], &["--memory", "1"]].concat());
    let mut piped = report_from_stdin(input.as_bytes(), &[&options[..], &["--memory", "3"]].concat());
    assert_eq!(roomy["storage"]["temporary_bytes"], 0);
    assert!(tight["storage"]["temporary_bytes"].as_u64().unwrap() > 20 << 20, "{}", tight["storage"]);
    for report in [&mut roomy, &mut tight, &mut piped] {
        report["storage"] = Value::Null;
        report["input"]["name"] = Value::Null;
    }
    assert_eq!(roomy, tight);
    assert_eq!(roomy, piped);
}

#[test]
fn plans_in_one_pass_are_the_plans_alone() {
    let mut rng = Rng::with_seed(3);
    let rows = table(&mut rng);
    let texts = ["minutes=step:5", "size=exact;kind=exact", "few | minutes=ladder:0,9;kind=omit;size=step:4"];
    let options: Vec<&str> = texts.iter().flat_map(|text| ["--plan", text]).collect();
    let together = report(&csv(&rows), &options);
    for (at, text) in texts.iter().enumerate() {
        let alone = report(&csv(&rows), &["--plan", text]);
        assert_eq!(&together["events"][0]["plans"][at], plan(&alone));
    }
    assert_eq!(together["events"][0]["plans"][2]["plan"], "few");
    // With --fields, a plan also includes those fields.
    let with = report(&csv(&rows), &["--fields", "kind,size", "--as", "size=step:2", "--plan", "minutes=step:5"]);
    let fields = plan(&with)["fields"].as_array().unwrap().clone();
    let said: Vec<String> = fields.iter().map(|f| format!("{} {}", f["field"], f["class"])).collect();
    assert_eq!(said, ["\"kind\" \"exact\"", "\"size\" \"step:2\"", "\"minutes\" \"step:5\""]);
}
