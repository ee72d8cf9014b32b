//! The HTML page: self-contained, with balanced elements, accessible without seeing it, and not affected by markup in
//! column names.

use crate::program::run;

fn page(input: &str, options: &[&str]) -> String {
    let output = run(input.as_bytes(), &[options, &["--html", "-"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sample() -> String {
    let lines: String = (0..200).map(|n| format!("u{},{},{},{}\n", n % 9, n % 7, n % 40, n % 3)).collect();
    format!("who,a,b,c\n{lines}")
}

const OPTIONS: [&str; 10] =
    ["--link", "who", "--sensitive", "c", "--invert", "a=b*2", "--plan", "all | a=exact;b=step:5", "--plan", "a=exact"];

/// Asserts that every opened element is closed, in order.
fn assert_balanced(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None if name.starts_with('!') || name == "meta" => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = page(&sample(), &OPTIONS);
    assert_balanced(&page);
    for outside in ["http:", "https:", "//", "src=", "href=", "<script", "<link", "url(", "@import"] {
        assert!(!page.contains(outside), "the page holds `{outside}`");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_can_be_heard() {
    let page = page(&sample(), &OPTIONS);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    let count = |mark: &str| page.matches(mark).count();
    assert_eq!(count("<h1"), 1);
    assert!(count("<h2") >= 2 && count("<h3") >= 8);
    assert_eq!(count("<table"), count("<caption"));
    assert_eq!(count("<svg"), count("role=\"img\""));
    // One plot compares the plans. Each plan has plots of sizes and runs, and one of left-out fields if it has more than
    // one field.
    assert_eq!(count("<svg"), 1 + 2 * 2 + 1);
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), 2 * count("<svg"), "a title and a description for each plot");
    for named in page.split("aria-labelledby=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')) {
        assert!(ids.contains(&named), "{named}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2 * count("<svg"), "no id occurs twice");
    assert_eq!(count("<th>"), 0, "each head says what it heads");
}

#[test]
fn names_from_the_input_stay_names() {
    let evil = "</title><script>alert(1)</script>&\"'><img onerror=x>\u{202e}";
    let quoted = format!("\"{}\"", evil.replace('"', "\"\""));
    let input = format!("{quoted},b,what\n1,2,{quoted}\n1,3,{quoted}\n");
    let page = page(&input, &["--event-column", "what", "--link", "b"]);
    assert_balanced(&page);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("\\u{202e}"));
    assert!(!page.contains("\"'>"));
}

#[test]
fn the_page_is_written_to_a_file_beside_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let (html, json) = (folder.path().join("a.html"), folder.path().join("a.json"));
    let options = ["--html", html.to_str().unwrap(), "--json", json.to_str().unwrap()];
    let output = run(b"a\n1\n", &options);
    assert!(String::from_utf8(output.stdout).unwrap().contains("VERDICT"));
    assert!(std::fs::read_to_string(html).unwrap().ends_with("</html>"));
    assert!(std::fs::read_to_string(json).unwrap().ends_with("}\n"));
}
