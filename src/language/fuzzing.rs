//! Properties that must hold for any text in place of a Fluent resource. For fuzzers and tests only. Never reads a
//! file.
#![allow(missing_docs, reason = "for fuzzers")]

use super::{Given, Locale, Say, Tag, Translation, in_english, phrase};

pub fn fluent(bytes: &[u8]) {
    let (Some(tag), text) = (Tag::parse("pl"), String::from_utf8_lossy(bytes)) else { return };
    let translation = Translation::new("pl").fluent(text.as_ref());
    let Ok(given) = Given::of(&tag, &[&translation]) else { return };
    // A translation that was accepted may lack sentences, and `check` then reports it. One that passes `check` has all
    // of them.
    let needed = [(vec!["scope.playback.title".to_owned()], "Playback")];
    let passes = given.check(&tag, true, &needed, &[]).is_ok();
    let locale = Locale::given(tag, given);
    for say in Say::ALL.iter().filter(|say| say.placeholders().is_empty()) {
        let words = locale.words(*say);
        assert!(!passes || !words.trim().is_empty(), "{}: {:?}", say.key(), in_english(*say));
    }
    assert!(!passes || !phrase::item(&locale, 32, 1, Some("because")).is_empty());
}
