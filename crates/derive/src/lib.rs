//! The derives and the `scope!` macro of candor. Use them through `candor`, which exports all three.
//!
//! They read what an application wrote, report every mistake at once with what to write instead, and expand to trait
//! implementations, a static and its registration. They never decide what may be kept or sent: that is fixed by the
//! traits and the `const` checks of `candor::event`, which the expansion can only call.
//!
//! Inside: `attr` reads attributes and doc comments, `names` knows the rule for names, `ctxt` collects mistakes;
//! `event`, `category` and `scope` turn input into a checked model; `expand` writes the model out.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attr;
mod category;
mod ctxt;
mod event;
mod expand;
mod names;
mod scope;

use proc_macro::TokenStream;

/// Makes a struct an event: something the program can tell, made of fields that are generalised before they are kept.
///
/// ```text
/// /// A stream ended or was stopped.
/// #[derive(Event)]
/// #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
/// struct PlaybackFinished {
///     /// Average bitrate of the stream.
///     #[field(bitrate, example = 4_213_000)]
///     bitrate: u64,
///     /// How long it played.
///     #[field(media_duration, example = "1:30:31")]
///     duration: std::time::Duration,
///     /// How the video was coded.
///     codec: Codec,
/// }
/// ```
///
/// - `#[event(…)]` takes `name`, `scope` (the constant that `scope!` makes) and `linkage` (`rollup`, `none`, `session`,
///   `day`, `week` or `month`). All three are required. `until = "2027-06-30"` names the last UTC day on which it
///   is recorded. `about = installation` may be said.
/// - `#[field(…)]` takes a privacy class and an example: `bitrate`, `count` (a number), `media_duration`
///   (`"h:mm:ss"` or `"m:ss"`) or `hash` (text; `domain = "…"` gives two events' fields the same codes). A `bool`, a
///   category, and an `Option` of either take no attribute.
/// - The event and each field need a doc comment, which is the text a person reads.
/// - `#[event(crate = path)]` names candor where it is not called `candor`.
///
/// The struct may have lifetimes, and no other generics. Broken rules that depend on types (the budget, the linkage)
/// are reported by the compiler at the struct's name.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(input.into()).into()
}

/// Makes an enum a category: a closed list of labels, which is a privacy class of its own.
///
/// ```text
/// #[derive(Category)]
/// enum Codec {
///     H264,                               // sent as `h264`
///     #[category(rename = "h265")]
///     Hevc,                               // sent as `h265`
///     Other,                              // required: where a value goes that this program does not know yet
/// }
/// ```
///
/// The variants carry no data, there are 2 to 64 of them, and one is `Other`. The first one is the example that a
/// person is shown. `#[category(crate = path)]` on the enum names candor where it is not called `candor`.
#[proc_macro_derive(Category, attributes(category))]
pub fn derive_category(input: TokenStream) -> TokenStream {
    category::derive(input.into()).into()
}

/// Declares scopes: the things a person can agree to, each with one purpose, one retention and one set of promises.
///
/// ```text
/// candor::scope! {
///     /// Find out which formats stutter, so that those decoders are fixed first.
///     pub PLAYBACK = "playback" {
///         title: "Playback statistics",
///         revision: 1,
///         about: installation,
///         retention: 90 days,
///         benefit: "Fewer films that stutter",
///         training: no, sale_or_sharing: no, advertising: no, profiling: no, judging_workers: no,
///         also_never: ["identifying what you watch"],
///     }
/// }
/// ```
///
/// The doc comment is the purpose, and says what will be found out and what will be done about it. Every key is
/// required except `also_never`; they may come in any order. The five answers are `no` or `yes("what for")`;
/// `other_uses: none` stands for five times no. Retention is counted in days, up to 3,650. `#[scope(crate = path)]`
/// above a scope names candor where it is not called `candor`.
///
/// A library's own scope says who is answerable for it and where its reports go, with a constant of type
/// `candor::Controller`: `library: { controller: CODECLIB, endpoint: "https://telemetry.codeclib.example" }`. It stays
/// closed until the application calls `Config::allow`.
#[proc_macro]
pub fn scope(input: TokenStream) -> TokenStream {
    scope::declare(input.into()).into()
}
