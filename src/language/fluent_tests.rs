//! Fluent texts as a source: they give the same notices as a table, plural forms follow Fluent's rules, and every mistake
//! is found.

use super::{Arg, Given, Locale, Say, Tag, Translation, in_english};
use std::sync::Arc;

/// candor's English sentences as a Fluent text, with their plural forms.
pub(crate) fn english_in_fluent() -> String {
    let sentence = |say: &Say| {
        let mut out = String::new();
        for (at, part) in in_english(*say).split(['{', '}']).enumerate() {
            match part.split_once(':').filter(|_| at % 2 == 1) {
                Some((placeholder, forms)) => {
                    let (one, other) = forms.split_once('|').unwrap();
                    out.push_str(&format!("{{ ${placeholder} ->\n    [one] {one}\n   *[other] {other}\n}}"));
                }
                None if at % 2 == 1 => out.push_str(&format!("{{ ${part} }}")),
                None => out.push_str(part),
            }
        }
        format!("{} = {out}\n", say.key().replace('.', "-"))
    };
    Say::ALL.iter().map(sentence).collect()
}

fn given(language: &str, source: &str) -> Result<Arc<Given>, String> {
    let translation = Translation::new(language).fluent(source);
    Given::of(&Tag::parse(language).unwrap(), &[&translation]).map_err(|error| error.to_string())
}

fn checked(source: &str) -> Result<(), String> {
    let tag = Tag::parse("pl").unwrap();
    let needed = [(vec!["scope.a_b.title".to_owned()], "T")];
    given("pl", source)?.check(&tag, true, &needed, &[]).map_err(|error| error.to_string())
}

#[test]
fn forms_are_chosen_by_the_rules_of_fluent() {
    let source =
        "candor-unit-days = { $n ->\n    [one] { $n } dzień\n    [few] { $n } dni\n   *[many] { $n } dni!\n}\n";
    let locale = Locale::given(Tag::parse("pl").unwrap(), given("pl", source).unwrap());
    let days = |n: i64| locale.say(Say::Days, &[("n", Arg::Number(n))]);
    assert_eq!([1, 2, 5, 22, 25].map(days), ["1 dzień", "2 dni", "5 dni!", "22 dni", "25 dni!"]);
}

#[test]
fn every_mistake_is_found() {
    let title = "scope-a_b-title = T\n";
    let whole = english_in_fluent() + title;
    checked(&whole).unwrap();
    let broken = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        checked(&whole.replacen(from, to, 1)).unwrap_err()
    };
    for (from, to, why) in [
        (title, "", "1 texts are missing; add them to its table, translated:\n    (\"scope.a_b.title\", \"T\"),"),
        (title, "scope-a_b-titel = T\n", "`scope.a_b.titel` names nothing in this program (is it `scope.a_b.title`?)"),
        (title, "scope-a_b-title = { $x }\n", "`scope.a_b.title`: "),
        (title, "scope-a_b-title = { brand }\n", "`scope.a_b.title`: "),
        (title, "scope-a_b-title = { \"\" }\n", "`scope.a_b.title` is empty"),
        (title, "scope-a_b-title = { \"\\u001B\" }[8m\n", "control character"),
        (title, "scope-a_b-title =\n", "can't be read"),
        (title, "scope-a_b-title =\n    .title = T\n", "`scope.a_b.title`: it has no value"),
        (title, "scope-a_b-title = T\nscope-a_b-title = U\n", "says something twice"),
        ("{ $purpose }", "purpose", "`candor.notice.why` lacks the variable `{ $purpose }`"),
        ("{ $purpose }", "{ $purpose } { $reason }", "`candor.notice.why`: "),
        ("candor-notice-withdraw", "candor-notice-stay", "`candor.notice.stay` names nothing"),
        ("= 12345.6", "= viele", "12345.6"),
    ] {
        let text = broken(from, to);
        assert!(text.starts_with("translation `pl`: ") && text.contains(why), "{to}: {text}");
    }
    // A Fluent term is private to the text, and a table may hold the remaining messages.
    checked(&whole.replace(title, "-brand = B\nscope-a_b-title = { -brand }\n")).unwrap();
    let both = Translation::new("pl").fluent(title).text("scope.a_b.title", "T");
    let error = Given::of(&Tag::parse("pl").unwrap(), &[&both]).unwrap_err().to_string();
    assert!(error.contains("is both in its table and in its Fluent text"), "{error}");
}
