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
/// Examples that are compiled: [events and their attributes](../candor/event/index.html#events-and-their-attributes), and
/// [every privacy class](../candor/event/class/index.html#examples).
///
/// - `#[event(…)]` takes `name`, `scope` (the constant that `scope!` makes) and `linkage` (`rollup`, `none`, `session`,
///   `day`, `week` or `month`). All three are required. `until = "2027-06-30"` names the last UTC day on which it
///   is recorded. `about = installation` may be said.
/// - `#[field(…)]` takes a [privacy class](../candor/event/class/index.html) and an example: `#[field(count, example = 3)]`,
///   `#[field(media_duration, example = "1:30:31")]`. A `bool`, a category, and an `Option` of either take no attribute.
/// - `#[field(item)]` marks the field that says which item the event is about. It chooses whether the event is counted, and
///   is never kept or sent.
/// - The event and each field need a doc comment, which is the text a person reads.
/// - `#[event(crate = path)]` names candor [where it is not called `candor`][renamed].
///
/// Besides, `#[field(…)]` takes these keys, each for the classes that can use it:
///
/// | key | for | what it says |
/// |---|---|---|
/// | `example = 3` | every class but `presence` and `item` | a value that the person is shown; required |
/// | `unit = "ms"` | `step`, `signed_step`, `ladder`, `digits`, `log_buckets`, `exact` | the unit of the numbers |
/// | `top = 100` | `step`, `signed_step`, `digits`, `log_buckets`, `exact` | the highest bound; required |
/// | `from = -720` | `signed_step`, `log_buckets` | the lowest bound, or the lowest above 0; required |
/// | `from = "2026-01"`, `count = 24` | `date` | the first period, and how many there are; required |
/// | `reason = "…"` | `exact`, `ladder`, `digits`, `log_buckets`, content classes, `item` | why; the person reads it |
/// | `group = "cache"` | numbers and `resolution` | fields that reveal each other; an event has at most two of a group |
/// | `domain = "server"` | `hash`, `cohort`, `item` | the name space: the same one gives two events' fields the same codes |
/// | `one_in = 64` | `item` | of how many items one is counted |
///
/// [renamed]: ../candor/event/index.html#where-candor-has-another-name
///
/// The struct may have lifetimes, and no other generics. Broken rules that depend on types (the budget, the linkage)
/// are reported by the compiler at the struct's name.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(input.into()).into()
}

/// Makes an enum a category: a closed list of labels, which is a privacy class of its own.
///
/// [An example that is compiled](../candor/event/index.html#categories).
///
/// A variant is sent as its name in snake case, such as `h264` for `H264`. `#[category(rename = "h265")]` above a variant
/// gives it another label.
///
/// The variants carry no data, there are 2 to 64 of them, and one is `Other`: for values that the program does not know
/// yet. The first one is the example that a person is shown. `#[category(crate = path)]` on the enum names candor where it
/// is not called `candor`.
#[proc_macro_derive(Category, attributes(category))]
pub fn derive_category(input: TokenStream) -> TokenStream {
    category::derive(input.into()).into()
}

/// Declares scopes: the things a person can agree to, each with one purpose, one retention and one set of promises.
///
/// [Examples that are compiled](../candor/event/index.html#scopes).
///
/// | key | what it says |
/// |---|---|
/// | `title: "Playback statistics"` | the title that a person reads |
/// | `revision: 1` | counts what the purpose has meant; the next number needs a new grant |
/// | `about: installation` | whom the data is about |
/// | `retention: 90 days` | how long the recipient keeps it |
/// | `benefit: "Fewer films that stutter"` | what the person gets from it |
/// | `training`, `sale_or_sharing`, `advertising`, `profiling`, `judging_workers` | `no`, or `yes("what for")` |
/// | `other_uses: none` | stands for five times `no` |
/// | `also_never: ["identifying what you watch"]` | further promises |
/// | `library: { … }` | for the scope of a library, see below |
///
/// The doc comment is the purpose, and says what will be found out and what will be done about it. Every key is
/// required except `also_never` and `library`; they may come in any order. Retention is counted in days, up to 3,650.
/// `#[scope(crate = path)]` above a scope names candor where it is not called `candor`.
///
/// A library's own scope says who is answerable for it and where its reports go, with a constant of type
/// `candor::Controller`: `library: { controller: CODECLIB, endpoint: "https://telemetry.codeclib.example" }`. It stays
/// closed until the application calls `Config::allow`.
#[proc_macro]
pub fn scope(input: TokenStream) -> TokenStream {
    scope::declare(input.into()).into()
}
