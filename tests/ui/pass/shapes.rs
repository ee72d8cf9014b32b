//! Every shape an event can have, and every type that a class takes.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use candor::Event;
use std::time::Duration;

include!("../support/scopes.rs");

/// The program was opened.
#[derive(Event)]
#[event(name = "opened", scope = PLAYBACK, linkage = none)]
struct Opened;

/// The program was closed.
#[derive(Event)]
#[event(name = "closed", scope = PLAYBACK, linkage = none)]
struct Closed {}

/// What may be unknown is wrapped in an option, and then not sent.
///
/// It costs one outcome of the budget.
#[derive(Event)]
#[event(name = "optional.numbers", scope = PLAYBACK, linkage = rollup)]
struct Optional {
    /// Which film it was.
    #[field(item)]
    film: &'static str,
    /** Average bitrate
     *  of the stream. */
    #[field(bitrate, example = 4_213_000)]
    bitrate: Option<u32>,
    /// How long it played.
    #[field(media_duration, example = "45:10")]
    duration: Option<Duration>,
    /// Whether it was live.
    live: Option<bool>,
}

/// Every kind of number that can be counted.
#[derive(Event)]
#[event(name = "counted", scope = PLAYBACK, linkage = none)]
struct Counted {
    /// How many.
    #[field(count, example = 0)]
    items: u8,
    /// How often.
    #[field(example = 1_024u16, count)]
    r#type: usize,
}

/// A name that is borrowed, and one that may be unknown.
#[derive(Event)]
#[event(name = "server.borrowed", scope = CONNECTIVITY, linkage = day)]
struct Borrowed<'a, 'b: 'a>
where
    'b: 'b,
{
    /// Which server.
    #[field(hash, domain = "server-name", example = "nas.local")]
    server: Option<&'a &'b str>,
}

/// Bytes that name something.
#[derive(Event)]
#[event(name = "server.bytes", scope = CONNECTIVITY, linkage = week)]
struct Bytes {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: Vec<u8>,
}

macro_rules! event {
    ($name:literal, $scope:path, $type:ident { $($field:ident: $class:ident = $example:expr => $of:ty),* }) => {
        /// Declared by a macro.
        #[derive(Event)]
        #[event(name = $name, scope = $scope, linkage = none, until = "2028-02-29")]
        struct $type {
            $(
                /// Passed through a macro.
                #[field($class, example = $example)]
                $field: $of,
            )*
        }
    };
}

event!("from.a_macro", crate::CONNECTIVITY, Generated { tries: count = 3 => u32, late: count = 1 => Option<u64> });

fn main() {
    candor::record(Opened);
    candor::record(Closed {});
    candor::record(Optional { film: "a", bitrate: None, duration: None, live: None });
    candor::record(Counted { items: 1, r#type: 2 });
    candor::record(Borrowed { server: Some(&"nas.local") });
    candor::record(Bytes { server: b"nas.local".to_vec() });
    candor::record(Generated { tries: 1, late: None });

    assert_eq!(Opened::schema().outcomes(), 1);
    assert_eq!(Optional::schema().outcomes(), 15 * 7 * 3);
    assert_eq!(
        Optional::schema().doc(),
        "What may be unknown is wrapped in an option, and then not sent.",
        "the first paragraph is the person's text, and the rest is for developers"
    );
    assert_eq!(Optional::schema().fields()[0].doc, "Average bitrate of the stream.");
    assert_eq!(Counted::schema().fields()[1].name, "type");
    assert_eq!(Counted::schema().fields()[1].example_raw(), "1024");
    assert_eq!(Generated::schema().scope(), CONNECTIVITY);
    assert_eq!(Generated::schema().until().as_deref(), Some("2028-02-29"));
    assert_eq!(Counted::schema().until(), None);
}
