//! What holds of any text in the place of a Fluent one. For fuzzers and tests only.
#![allow(missing_docs, reason = "for fuzzers")]

use super::{Given, Locale, Say, Tag, Translation, in_english, phrase};

pub fn fluent(bytes: &[u8]) {
    let (Some(tag), text) = (Tag::parse("pl"), String::from_utf8_lossy(bytes)) else { return };
    let translation = Translation::new("pl").fluent(text.as_ref());
    let Ok(given) = Given::of(&tag, &[&translation]) else { return };
    // What is taken may lack sentences, and says so; a language that passes says all of them.
    let needed = [(vec!["scope.playback.title".to_owned()], "Playback")];
    let passes = given.check(&tag, true, &needed, &[]).is_ok();
    let locale = Locale::given(tag, given);
    for say in Say::ALL.iter().filter(|say| say.placeholders().is_empty()) {
        let words = locale.words(*say);
        assert!(!passes || !words.trim().is_empty(), "{}: {:?}", say.key(), in_english(*say));
    }
    assert!(!passes || !phrase::item(&locale, 32, Some("because")).is_empty());
}
