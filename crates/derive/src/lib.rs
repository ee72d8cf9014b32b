//! The derives `Event` and `Category` and the macros `scope!`, `counter!`, `timing!` and `attempts!` of candor. Use them
//! through `candor`, which re-exports all of them.
//!
//! The macros read the application's declarations, report every mistake at once together with its fix, and expand to
//! trait implementations, a static and its registration. They never decide what may be stored or sent. The traits and
//! the `const` checks of `candor::event` decide that; the expansion only calls them.
//!
//! Modules: `attr` reads attributes and doc comments, `names` contains the rule for names, `ctxt` collects mistakes.
//! `event`, `category` and `scope` turn input into a checked model. `expand` writes the model out as code.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attr;
mod category;
mod ctxt;
mod event;
mod expand;
mod names;
mod scope;
mod shorthand;
mod snapshot;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Code;
use quote::quote;
use syn::DeriveInput;

/// Makes a struct an event: something the program reports. Its fields are generalised before they are stored.
///
/// Compiled examples: [events and their attributes](../candor/event/index.html#events-and-their-attributes), and
/// [every privacy class](../candor/event/class/index.html#examples).
///
/// - `#[event(…)]` takes `name`, `scope` (the constant that `scope!` makes) and `linkage` (`rollup`, `none`, `session`,
///   `day`, `week` or `month`). All three are required. `until = "2027-06-30"` is optional: the last UTC day on which
///   the event is recorded. `about = installation` is optional too.
/// - `once = day`, `week` or `month` takes the place of `linkage`: an installation reports the event at most once in that period.
///   With fields, `values = first` or `values = last` says which values. `every = week` or `month` says how often the counts of a
///   `rollup` leave, `reason = "…"` beside it why counts of content leave more often than once a month.
/// - `#[field(…)]` takes a [privacy class](../candor/event/class/index.html) and an example: `#[field(count, example =
///   3)]`, `#[field(media_duration, example = "1:30:31")]`. A `bool`, a category, and an `Option` of either take no
///   attribute.
/// - `#[field(item)]` marks the field that identifies the sampled entity. Its value decides whether the event is
///   counted. It is never stored or sent.
/// - The event and each field need a doc comment. The person reads this text.
/// - `#[event(crate = path)]` is the path to candor [where it is not called `candor`][renamed].
///
/// `#[field(…)]` also takes these keys, each for some classes:
///
/// | key | for | meaning |
/// |---|---|---|
/// | `example = 3` | every class but `presence` and `item` | an example value that the person is shown; required |
/// | `unit = "ms"` | `step`, `signed_step`, `ladder`, `digits`, `log_buckets`, `exact` | the unit of the numbers |
/// | `top = 100` | `step`, `signed_step`, `digits`, `log_buckets`, `exact` | the highest bound; required |
/// | `from = -720` | `signed_step`, `log_buckets` | the lowest bound, or the lowest above 0; required |
/// | `from = "2026-01"`, `count = 24` | `date` | the first period, and how many periods there are; required |
/// | `reason = "…"` | `exact`, `ladder`, `digits`, `log_buckets`, content classes, `item` | the reason, which the person reads |
/// | `group = "cache"` | numbers and `resolution` | fields that reveal each other; an event has at most two of a group |
/// | `domain = "server"` | `hash`, `cohort`, `item` | the name space; fields of two events with the same one get the same codes |
/// | `one_in = 64` | `item` | the sampling rate: one of this many entities can ever be counted |
///
/// [renamed]: ../candor/event/index.html#where-candor-has-another-name
///
/// The struct may have lifetimes, but no other generics. The compiler reports broken rules that depend on types (the
/// budget, the linkage) at the struct's name.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event_or_mistakes(input.into()).into()
}

/// Makes a struct a snapshot: what a program reports of its state once a week or month. Each field is reported as a record of its
/// own, so that no record holds the whole row.
///
/// [A compiled example](../candor/event/trait.Snapshot.html).
///
/// - `#[snapshot(…)]` takes `name`, `scope` and `every` (`week` or `month`). All three are required.
/// - A field is a `bool`, a category, or has a class: `#[field(count, example = 1_200)]`. There are up to 64.
/// - `#[gauge(min, mean, max, last)]` says which values of the period are reported of a number. Without it, the last one is.
/// - `#[map]` marks a map from a category to a whole number, `#[map(keys = ["mp3", "flac"])]` one from text to a whole number.
/// - The snapshot and each field need a doc comment. The person reads this text.
#[proc_macro_derive(Snapshot, attributes(snapshot, field, gauge, map))]
pub fn derive_snapshot(input: TokenStream) -> TokenStream {
    snapshot_or_mistakes(input.into()).into()
}

/// Makes an enum a category: a closed list of labels. A category is a privacy class of its own.
///
/// [A compiled example](../candor/event/index.html#categories).
///
/// A variant is sent as its name in snake case, such as `h264` for `H264`. `#[category(rename = "h265")]` above a
/// variant gives it another label.
///
/// The variants carry no data. There are 2 to 64 of them. One is `Other`, for values that the program does not know
/// yet. The first variant is the example that a person is shown. `#[category(crate = path)]` on the enum is the path to
/// candor where it is not called `candor`.
#[proc_macro_derive(Category, attributes(category))]
pub fn derive_category(input: TokenStream) -> TokenStream {
    category_or_mistakes(input.into()).into()
}

/// Declares scopes. A scope is one thing that a person can consent to, with one purpose, one retention and one set of
/// promises.
///
/// [Compiled examples](../candor/event/index.html#scopes).
///
/// | key | meaning |
/// |---|---|
/// | `title: "Playback statistics"` | the title that a person reads |
/// | `revision: 1` | the version of the purpose; a higher number needs a new grant |
/// | `about: installation` | whom the data is about |
/// | `retention: 90 days` | how long the recipient keeps it |
/// | `benefit: "Fewer films that stutter"` | what the person gets from it |
/// | `training`, `sale_or_sharing`, `advertising`, `profiling`, `judging_workers` | `no`, or `yes("what for")` |
/// | `other_uses: none` | short for `no` to all five |
/// | `also_never: ["identifying what you watch"]` | further promises |
/// | `library: { … }` | for the scope of a library, see below |
/// | `budget: 4_096`, `budget_reason: "…"` | more than 1,024 different reports about what stays the same, and why |
///
/// The doc comment is the purpose. It says what will be found out and what will be done about it. Every key except
/// `also_never`, `library`, `budget` and `budget_reason` is required. The keys may be in any order. Retention is counted in days, up to 3,650.
/// `#[scope(crate = path)]` above a scope is the path to candor where it is not called `candor`.
///
/// A library's own scope names its controller, a constant of type `candor::Controller`, and the endpoint of its
/// reports: `library: { controller: CODECLIB, endpoint: "https://telemetry.codeclib.example" }`. The scope stays closed
/// until the application calls `Config::allow`.
#[proc_macro]
pub fn scope(input: TokenStream) -> TokenStream {
    scopes_or_mistakes(input.into()).into()
}

/// Declares counters: constants that count how often something happened.
///
/// [Compiled examples](../candor/shorthand/index.html).
///
/// ```text
/// candor::counter! {
///     /// The program was opened.
///     pub OPENED = "program.opened" in USAGE;
///     /// A page was printed.
///     pub PRINTED = "page.printed" in USAGE {
///         /// On which paper.
///         paper: Paper,
///     }
/// }
/// ```
///
/// Each is an event with `linkage = rollup`. The doc comments are what the person reads. After the name comes the scope: the
/// constant that `scope!` makes. In braces there may be one field, such as a category, with the same attributes as a field of
/// a struct that derives `Event`. `#[counter(crate = path)]` above it is the path to candor where it is not called `candor`.
#[proc_macro]
pub fn counter(input: TokenStream) -> TokenStream {
    shorthand::expand(shorthand::Kind::Counter, input.into()).into()
}

/// Declares timings: constants that measure how long something takes, with the class `latency`.
///
/// [Compiled examples](../candor/shorthand/index.html). The form is that of [`counter!`]. The field `took` comes by itself.
#[proc_macro]
pub fn timing(input: TokenStream) -> TokenStream {
    shorthand::expand(shorthand::Kind::Timing, input.into()).into()
}

/// Declares attempts: constants that count how often something succeeded and how often it failed.
///
/// [Compiled examples](../candor/shorthand/index.html). The form is that of [`counter!`]. The field `succeeded` comes by itself.
/// The field in braces, if there is one, is a category: why it failed.
#[proc_macro]
pub fn attempts(input: TokenStream) -> TokenStream {
    shorthand::expand(shorthand::Kind::Attempts, input.into()).into()
}

/// Reads and expands an event. If there are mistakes, it expands to all messages and a stand-in implementation. The
/// stand-in only prevents follow-up errors of the compiler.
fn event_or_mistakes(input: Code) -> Code {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let (krate, event) = event::read(&input);
    match event {
        Ok(event) => expand::event(&event),
        Err(errors) => {
            let messages = errors.into_compile_error();
            let stand_in = expand::event_stand_in(&krate, &input.ident, &input.generics);
            quote!(#messages #stand_in)
        }
    }
}

/// The same for a snapshot.
fn snapshot_or_mistakes(input: Code) -> Code {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let (krate, snapshot) = snapshot::read(&input);
    match snapshot {
        Ok(snapshot) => expand::snapshot(&snapshot),
        Err(errors) => {
            let messages = errors.into_compile_error();
            let stand_in = expand::snapshot_stand_in(&krate, &input.ident, &input.generics);
            quote!(#messages #stand_in)
        }
    }
}

/// The same for a category.
fn category_or_mistakes(input: Code) -> Code {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let (krate, category) = category::read(&input);
    match category {
        Ok(category) => expand::category(&category),
        Err(errors) => {
            let messages = errors.into_compile_error();
            let stand_in = expand::category_stand_in(&krate, &input.ident, &input.generics);
            quote!(#messages #stand_in)
        }
    }
}

/// The same for scopes. The stand-in of one with mistakes is a constant.
fn scopes_or_mistakes(input: Code) -> Code {
    let scopes = match scope::read(input) {
        Ok(scopes) => scopes,
        Err(error) => return error.into_compile_error(),
    };
    let expanded = scopes.into_iter().map(|(messages, scope)| {
        let scope = expand::scope(&scope);
        quote!(#messages #scope)
    });
    expanded.collect()
}

#[cfg(test)]
mod tests {
    use super::{
        category_or_mistakes, event_or_mistakes, scopes_or_mistakes,
        shorthand::{self, Kind},
    };
    use quote::quote;

    #[test]
    fn a_renamed_crate_is_named_by_nothing_else() {
        let expanded = [
            event_or_mistakes(quote! {
                /// A stream ended.
                #[event(crate = elsewhere, name = "a", scope = S, linkage = month)]
                struct A<'a> {
                    /// Which server.
                    #[field(hash, example = "nas")]
                    server: &'a str,
                    /// How often.
                    #[field(count, example = 3)]
                    often: u32,
                    /// Whether.
                    yes: bool,
                }
            }),
            event_or_mistakes(quote!(
                #[event(crate = elsewhere)]
                enum Broken {}
            )),
            category_or_mistakes(quote!(
                #[category(crate = elsewhere)]
                enum B {
                    One,
                    Other,
                }
            )),
            category_or_mistakes(quote!(
                #[category(crate = elsewhere)]
                struct Broken;
            )),
            scopes_or_mistakes(quote! {
                /// Find out which formats stutter.
                #[scope(crate = elsewhere)]
                #[cfg(all())]
                S = "s" {
                    title: "t", revision: 1, about: installation, retention: 1 day, benefit: "b", other_uses: none,
                }
            }),
            shorthand::expand(
                Kind::Attempts,
                quote! {
                    /// It was tried.
                    #[attempts(crate = elsewhere)]
                    TRIED = "it.tried" in S {
                        /// What went wrong.
                        cause: Cause,
                    }
                },
            ),
        ];
        for tokens in expanded {
            let text = tokens.to_string();
            assert!(text.contains("elsewhere ::"), "{text}");
            assert!(!text.contains(":: candor"), "{text}");
        }
    }

    #[test]
    fn a_condition_on_a_scope_holds_for_its_registration() {
        let text = scopes_or_mistakes(quote! {
            /// Find out which formats stutter.
            #[cfg(unix)]
            S = "s" {
                title: "t", revision: 1, about: installation, retention: 1 day, benefit: "b", other_uses: none,
            }
        })
        .to_string();
        assert_eq!(text.matches("# [cfg (unix)]").count(), 2, "{text}");
    }

    #[test]
    fn a_condition_on_a_shorthand_holds_for_all_of_it() {
        let declared = quote! {
            /// It happened.
            #[cfg(unix)]
            HAPPENED = "it.happened" in S;
        };
        for kind in [Kind::Counter, Kind::Timing, Kind::Attempts] {
            let text = shorthand::expand(kind, declared.clone()).to_string();
            assert_eq!(text.matches("# [cfg (unix)]").count(), 3, "{text}");
        }
    }

    #[test]
    fn what_is_no_rust_is_refused_in_words() {
        let shorthand = shorthand::expand(Kind::Counter, quote!(pub));
        let others = [event_or_mistakes(quote!(fn)), category_or_mistakes(quote!(1)), scopes_or_mistakes(quote!(pub))];
        for text in others.into_iter().chain([shorthand]) {
            assert!(text.to_string().contains("compile_error"));
        }
    }
}
