//! `scope!`: reads scope declarations into models without mistakes.
//!
//! Everything that a person relies on must be written out. The macro never supplies a default, except that no promises
//! are added to the written ones.

mod purpose;
mod syntax;

use crate::{
    attr::{self, Keys},
    ctxt::Ctxt,
    names::{self, is_device, is_name},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Ident, LitStr, Path, Result, Visibility};
use syntax::{Declared, Value, Written};

/// A scope that was read without a mistake.
pub(crate) struct Scope {
    /// The doc comment and all other attributes above the constant.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) constant: Ident,
    pub(crate) krate: Path,
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) terms: Terms,
}

/// The content of the braces.
pub(crate) struct Terms {
    pub(crate) title: String,
    pub(crate) benefit: String,
    pub(crate) revision: u32,
    pub(crate) retention_days: u32,
    /// Each of the five questions with its answer.
    pub(crate) uses: Vec<(&'static str, UseAnswer)>,
    pub(crate) also_never: Vec<String>,
    /// For a library's scope: the path of its controller, and its endpoint.
    pub(crate) library: Option<(Path, String)>,
    /// A larger budget than the default, and its reason.
    pub(crate) budget: Option<(u64, String)>,
}

/// The answer to one of the five questions.
pub(crate) enum UseAnswer {
    No,
    Yes(String),
}

/// Other uses of the data that the recipient might make. Each question must be answered.
const QUESTIONS: [&str; 5] = ["training", "sale_or_sharing", "advertising", "profiling", "judging_workers"];

/// Every key, in the order in which messages list them.
const KEYS: [&str; 15] = [
    "title",
    "revision",
    "about",
    "retention",
    "benefit",
    "training",
    "sale_or_sharing",
    "advertising",
    "profiling",
    "judging_workers",
    "other_uses",
    "also_never",
    "library",
    "budget",
    "budget_reason",
];

/// Ten years. For a longer time, a person can't know what they consented to.
const LONGEST: u32 = 3_650;

/// Reads all declarations of one `scope!`. With each comes what is wrong with it, as messages of the compiler; such a scope
/// only replaces the declared one.
pub(crate) fn read(input: TokenStream) -> Result<Vec<(Option<TokenStream>, Scope)>> {
    let declared: Declared = syn::parse2(input)?;
    Ok(declared.0.into_iter().map(read_one).collect())
}

fn read_one(written: Written) -> (Option<TokenStream>, Scope) {
    let mut ctxt = Ctxt::default();
    let Written { mut attrs, vis, constant, name, entries } = written;
    let krate = attr::krate(&mut ctxt, &attrs, "scope", "`#[scope(…)]`");
    attrs.retain(|attr| !attr.path().is_ident("scope"));

    let purpose = attr::doc(&mut ctxt, &attrs, &constant, "scope").and_then(|text| match purpose::fault(&text) {
        None => Some(text),
        Some(fault) => {
            let docs = attrs.iter().filter(|attr| attr.path().is_ident("doc"));
            ctxt.error(
                quote!(#(#docs)*),
                format!(
                    "{fault}; say what will be found out and what will be done about it, such as `/// Find out which \
                     formats stutter, so that those decoders are fixed first.`"
                ),
            );
            None
        }
    });
    let terms = Terms::read(&mut ctxt, &name, &constant, entries);
    let read = ctxt.finish(purpose.zip(terms));
    let (messages, (purpose, terms)) = match read {
        Ok(read) => (None, read),
        Err(errors) => (Some(errors.into_compile_error()), (String::new(), Terms::stand_in())),
    };
    (messages, Scope { attrs, vis, constant, krate, name: name.value(), purpose, terms })
}

impl Terms {
    /// The content for a stand-in scope. It is never linked, because the mistakes end the compilation.
    fn stand_in() -> Self {
        Terms {
            title: String::new(),
            benefit: String::new(),
            revision: 1,
            retention_days: 1,
            uses: all_no(),
            also_never: Vec::new(),
            library: None,
            budget: None,
        }
    }

    fn read(ctxt: &mut Ctxt, name: &LitStr, constant: &Ident, entries: Vec<(Ident, Result<Value>)>) -> Option<Self> {
        let named = name.value();
        if !is_name(&named) {
            ctxt.error(name, format!("`{named}` is not a valid name: use {}, such as `playback`", names::RULE));
        } else if is_device(&named) {
            let message = format!(
                "`{named}` begins with the name of a device on Windows, where no file can be called that: use another first \
                 part"
            );
            ctxt.error(name, message);
        }
        let mut reader = Reader { ctxt, keys: Keys::new(entries), scope: named, constant };
        let title = reader.required("title", "\"Playback statistics\"", text);
        let revision = reader.required("revision", "1", revision);
        let about = reader.required("about", "installation", about);
        let retention_days = reader.required("retention", "90 days", days);
        let benefit = reader.required("benefit", "\"Fewer films that stutter\"", text);
        let uses = reader.uses();
        let also_never = match reader.keys.take(reader.ctxt, "also_never") {
            Some(entry) => reader.read(entry, promises),
            None => Some(Vec::new()),
        };
        let library = match reader.keys.take(reader.ctxt, "library") {
            Some(entry) => reader.read(entry, library).map(Some),
            None => Some(None),
        };
        let budget = reader.budget();
        let Reader { ctxt, keys, .. } = reader;
        keys.none_left(ctxt, "a scope", &KEYS);
        about?;
        Some(Terms {
            title: title?,
            benefit: benefit?,
            revision: revision?,
            retention_days: retention_days?,
            uses: uses?,
            also_never: also_never?,
            library: library?,
            budget: budget?,
        })
    }
}

/// Takes the keys of one scope and records what is wrong or missing.
struct Reader<'a> {
    ctxt: &'a mut Ctxt,
    keys: Keys<Result<Value>>,
    scope: String,
    constant: &'a Ident,
}

impl Reader<'_> {
    fn required<T>(&mut self, key: &str, such_as: &str, read: fn(&Ident, &Value) -> Result<T>) -> Option<T> {
        if let Some(entry) = self.keys.take(self.ctxt, key) {
            return self.read(entry, read);
        }
        self.missing(key, &format!("`{key}: {such_as},`"));
        None
    }

    fn missing(&mut self, key: &str, fix: &str) {
        let scope = &self.scope;
        self.ctxt.error(self.constant, format!("scope `{scope}` does not say its `{key}`: write {fix}"));
    }

    fn read<T>(&mut self, (key, value): (Ident, Result<Value>), read: fn(&Ident, &Value) -> Result<T>) -> Option<T> {
        self.ctxt.keep(value.and_then(|value| read(&key, &value)))
    }

    /// Reads a larger budget and its reason, if there is one. `None` if a mistake was recorded.
    fn budget(&mut self) -> Option<Option<(u64, String)>> {
        let outcomes = self.keys.take(self.ctxt, "budget");
        let reason = self.keys.take(self.ctxt, "budget_reason");
        match (outcomes, reason) {
            (None, None) => Some(None),
            (Some(outcomes), Some(reason)) => {
                let (outcomes, reason) = (self.read(outcomes, budget), self.read(reason, text));
                Some(Some((outcomes?, reason?)))
            }
            (Some((key, _)), None) => {
                self.ctxt.error(
                    key,
                    "a larger `budget` singles people out, so they must be told why: write `budget_reason: \"…\",` beside it, \
                     or leave both out, which allows 1,024 different reports",
                );
                None
            }
            (None, Some((key, _))) => {
                self.ctxt.error(
                    key,
                    "`budget_reason` says why the `budget` is larger: write `budget: 4_096,` too, or leave it out",
                );
                None
            }
        }
    }

    /// Reads the five answers, or `other_uses: none`, which replaces them.
    fn uses(&mut self) -> Option<Vec<(&'static str, UseAnswer)>> {
        let answers = QUESTIONS.map(|question| (question, self.keys.take(self.ctxt, question)));
        if let Some(entry) = self.keys.take(self.ctxt, "other_uses") {
            let none = self.read(entry, none);
            for (question, answer) in answers {
                if let Some((key, _)) = answer {
                    self.ctxt.error(
                        key,
                        format!("`other_uses: none` answers `{question}` already: leave one of the two out"),
                    );
                }
            }
            return none.map(|()| all_no());
        }
        if answers.iter().all(|(_, answer)| answer.is_none()) {
            let scope = &self.scope;
            self.ctxt.error(
                self.constant,
                format!(
                    "scope `{scope}` does not say what else is done with its data: write `other_uses: none,`, or \
                     answer each question with `no` or `yes(\"what for\")`: `{}`",
                    QUESTIONS.join("`, `")
                ),
            );
            return None;
        }
        let answers = answers.map(|(question, entry)| {
            if let Some(entry) = entry {
                return Some((question, self.read(entry, answer)?));
            }
            self.missing(question, &format!("`{question}: no,` or `{question}: yes(\"what for\"),`"));
            None
        });
        answers.into_iter().collect()
    }
}

fn all_no() -> Vec<(&'static str, UseAnswer)> {
    QUESTIONS.map(|question| (question, UseAnswer::No)).into()
}

fn text(key: &Ident, value: &Value) -> Result<String> {
    match value {
        Value::Text(text) => nonempty(key, text),
        _ => Err(value.wrong(format!("`{key}` is text: write it in quotes, `{key}: \"…\",`"))),
    }
}

fn nonempty(key: &Ident, text: &LitStr) -> Result<String> {
    let words = text.value();
    if words.trim().is_empty() {
        return Err(Error::new_spanned(text, format!("`{key}` is empty: write what a person should read")));
    }
    Ok(words)
}

fn revision(_: &Ident, value: &Value) -> Result<u32> {
    let revision = match value {
        Value::Number(number, None) => number.base10_parse().ok().filter(|revision| *revision > 0),
        _ => None,
    };
    revision.ok_or_else(|| {
        value.wrong(
            "`revision` counts what the purpose has meant, from 1: write `revision: 1,`, and the next number when its \
             meaning changes",
        )
    })
}

fn budget(_: &Ident, value: &Value) -> Result<u64> {
    let outcomes = match value {
        Value::Number(number, None) => {
            number.base10_parse().ok().filter(|outcomes| (1_025..=1 << 32).contains(outcomes))
        }
        _ => None,
    };
    outcomes.ok_or_else(|| {
        value.wrong(
            "`budget` is how many different reports an installation may make about what stays the same about it: write a number \
             above 1,024, such as `budget: 4_096,`, or leave it out",
        )
    })
}

fn about(_: &Ident, value: &Value) -> Result<()> {
    match value {
        Value::Word(word) if word == "installation" => Ok(()),
        Value::Word(word) if word == "subject" => Err(value.wrong(
            "scopes about a subject can't be declared yet: servers are not supported; write `about: installation,`, \
             and record only the doings of the person who agreed",
        )),
        _ => Err(value.wrong("`about` says whom the data is about: write `about: installation,`")),
    }
}

fn days(_: &Ident, value: &Value) -> Result<u32> {
    let fix = "write the days until the recipient deletes the data, 1 to 3650, such as `retention: 90 days,`";
    match value {
        Value::Number(number, Some(unit)) if unit == "days" || unit == "day" => number
            .base10_parse()
            .ok()
            .filter(|days| (1..=LONGEST).contains(days))
            .ok_or_else(|| value.wrong(format!("{number} days is no retention: {fix}"))),
        Value::Number(_, Some(unit)) => {
            Err(Error::new_spanned(unit, format!("`retention` is counted in days, not in `{unit}`: {fix}")))
        }
        _ => Err(value.wrong(format!("`retention` is a number of days: {fix}"))),
    }
}

fn answer(key: &Ident, value: &Value) -> Result<UseAnswer> {
    match value {
        Value::Word(word) if word == "no" => Ok(UseAnswer::No),
        Value::Yes(_, what) if !what.value().trim().is_empty() => Ok(UseAnswer::Yes(what.value())),
        _ => Err(value.wrong(format!("`{key}` is a question: write `{key}: no,` or `{key}: yes(\"what for\"),`"))),
    }
}

fn none(_: &Ident, value: &Value) -> Result<()> {
    match value {
        Value::Word(word) if word == "none" => Ok(()),
        _ => Err(value.wrong(
            "`other_uses` is only ever `none`: write `other_uses: none,`, or answer the five questions one by one",
        )),
    }
}

fn promises(key: &Ident, value: &Value) -> Result<Vec<String>> {
    match value {
        Value::Word(word) if word == "none" => Ok(Vec::new()),
        Value::List(_, promises) => promises.iter().map(|promise| nonempty(key, promise)).collect(),
        _ => Err(value.wrong(
            "`also_never` lists promises: write `also_never: [\"identifying what you watch\"],`, or leave it out",
        )),
    }
}

fn library(key: &Ident, value: &Value) -> Result<(Path, String)> {
    match value {
        Value::Library(_, controller, endpoint) => Ok((controller.clone(), nonempty(key, endpoint)?)),
        _ => Err(value.wrong(
            "`library` says who is responsible and where its reports go: write `library: { controller: CONTROLLER, \
             endpoint: \"https://…\" },`, or leave it out in an application",
        )),
    }
}
