//! What a person reads after their grant was narrowed: the notice that they agreed to, and its language.

use super::{CRASH, config};
use crate::{
    Client,
    actions::{keep, switch},
    consent::Receipt,
};

#[test]
fn a_receipt_names_the_language_of_the_notice_after_a_narrowing() {
    let home = tempfile::tempdir().unwrap();
    let client = Client::without_worker(config(home.path())).unwrap();
    let notice = client.notice(CRASH).unwrap();
    let granted = client.grant(CRASH.shown(&notice)).unwrap();
    assert!(granted.language.is_some(), "{granted:?}");
    let is_same = |receipt: &Receipt| (&receipt.language, &receipt.notice) == (&granted.language, &granted.notice);
    for on in [false, true] {
        let narrowed = switch::switch(client.engine(), CRASH, "crash.happened.times", on).unwrap();
        assert!(is_same(&narrowed) && narrowed.line > granted.line, "{narrowed:?}");
        assert!(is_same(&client.receipt(CRASH).unwrap()));
    }
    let kept = keep::keep(client.engine(), CRASH, false).unwrap();
    assert!(is_same(&kept), "{kept:?}");
    // Another process reads it from the history, too.
    let second = Client::without_worker(config(home.path())).unwrap();
    assert!(is_same(&second.receipt(CRASH).unwrap()));
    // The control: the history's own line does not repeat it, and a withdrawal has no notice.
    let history = home.path().join("data/org.example.crash/candor-1/ledger.jsonl");
    assert_eq!(std::fs::read_to_string(history).unwrap().matches("\"language\":null").count(), 3);
    let withdrawn = client.withdraw(CRASH).unwrap();
    assert_eq!((withdrawn.language, withdrawn.notice), (None, None));
}
