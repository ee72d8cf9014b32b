//! The list of candor's own sentences, each with its key and its placeholders, and how placeholders are filled. Never
//! holds the words of a language.
//!
//! A placeholder is `{name}`. If a word depends on a number, its forms are listed after the name of the placeholder
//! with that number: `{days} {days:day|days}`. The rule of the language selects the form for a number.

use std::borrow::Cow;

/// The value of a placeholder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// A number. It is written as the language writes numbers, and it can select a plural form.
    Number(i64),
    /// Text, inserted unchanged.
    Text(&'a str),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Arg::Text(text)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Arg::Text(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Arg::Number(number)
    }
}

impl From<u32> for Arg<'_> {
    fn from(number: u32) -> Self {
        Arg::Number(number.into())
    }
}

impl From<u64> for Arg<'_> {
    fn from(number: u64) -> Self {
        Arg::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Arg<'_> {
    fn from(number: usize) -> Self {
        Arg::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

macro_rules! sentences {
    ($($say:ident $key:literal $([$($placeholder:ident)+])?;)+) => {
        /// A sentence, or a part of one, that candor itself shows to people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Say {
            $($say,)+
        }

        impl Say {
            /// All sentences.
            pub(crate) const ALL: &'static [Say] = &[$(Say::$say,)+];

            /// The key of the sentence in a program's own table.
            pub(crate) const fn key(self) -> &'static str {
                match self {
                    $(Say::$say => concat!("candor.", $key),)+
                }
            }

            /// The placeholders that every language must use, in any order.
            pub(crate) const fn placeholders(self) -> &'static [&'static str] {
                match self {
                    $(Say::$say => &[$($(stringify!($placeholder)),+)?],)+
                }
            }
        }
    };
}

sentences! {
    // How numbers and days are written. The number is 12345.6.
    Number "number";
    Date "date" [year month day];
    // Quantities.
    MegabitsPerSecond "unit.mbit_per_s" [n];
    KilobitsPerSecond "unit.kbit_per_s" [n];
    BitsPerSecond "unit.bit_per_s" [n];
    Gibibytes "unit.gib" [n];
    Mebibytes "unit.mib" [n];
    Kibibytes "unit.kib" [n];
    Bytes "unit.b" [n];
    Seconds "unit.s" [n];
    Milliseconds "unit.ms" [n];
    Minutes "unit.min" [n];
    Days "unit.days" [n];
    Weeks "unit.weeks" [n];
    Lines "unit.lines" [n];
    Percent "unit.percent" [n];
    // Ranges of quantities.
    ToUnder "range.to_under" [low high];
    OrMore "range.or_more" [low];
    Through "range.through" [low high];
    None "range.none";
    Under "range.under" [high];
    NotAll "range.not_all" [low];
    All "range.all";
    Before "range.before" [high];
    ToBefore "range.to_before" [low high];
    OrLater "range.or_later" [low];
    // Outcomes of a value.
    No "outcome.no";
    Yes "outcome.yes";
    NotSent "outcome.not_sent";
    ACode "outcome.code";
    Group "outcome.group" [n all];
    // Partitions of a precision.
    YesOrNo "precision.yes_or_no";
    OneOf "precision.one_of" [labels];
    OneStepOf "precision.steps" [n steps];
    OneStepAtRandom "precision.steps_at_random" [n steps];
    CodeOf "precision.code" [bits];
    OneGroupOf "precision.cohort" [n];
    OneRelease "precision.release" [n];
    NextStep "precision.next_step" [first next];
    LongSteps "precision.long_steps" [first second third last];
    StepBefore "precision.before";
    StepOlder "precision.older";
    NextLabel "precision.next_label" [first next];
    LabelAsSent "precision.label_as_sent" [words label];
    // The labels of candor's own classes.
    Other "label.other";
    Night "label.night";
    Morning "label.morning";
    Afternoon "label.afternoon";
    Evening "label.evening";
    Loopback "label.loopback";
    Private "label.private";
    LinkLocal "label.link_local";
    GlobalV4 "label.global_v4";
    GlobalV6 "label.global_v6";
    Empty "label.empty";
    DigitsTo8 "label.digits_1_8";
    DigitsTo32 "label.digits_9_32";
    DigitsTo128 "label.digits_33_128";
    DigitsOver128 "label.digits_over_128";
    AsciiTo8 "label.ascii_1_8";
    AsciiTo32 "label.ascii_9_32";
    AsciiTo128 "label.ascii_33_128";
    AsciiOver128 "label.ascii_over_128";
    UnicodeTo8 "label.unicode_1_8";
    UnicodeTo32 "label.unicode_9_32";
    UnicodeTo128 "label.unicode_33_128";
    UnicodeOver128 "label.unicode_over_128";
    // Linkages.
    Rollup "linkage.rollup";
    RollupOfWeek "linkage.rollup_week";
    RollupOfMonth "linkage.rollup_month";
    RollupSooner "linkage.rollup_sooner" [reason];
    OnceADay "linkage.once_day";
    OnceAWeek "linkage.once_week";
    OnceAMonth "linkage.once_month";
    SnapshotOfWeek "linkage.snapshot_week";
    SnapshotOfMonth "linkage.snapshot_month";
    ForEach "snapshot.for_each" [keys];
    Smallest "snapshot.smallest";
    Mean "snapshot.mean";
    Largest "snapshot.largest";
    ValuesOfFirst "linkage.values_first";
    ValuesOfLast "linkage.values_last";
    NoLinkage "linkage.none";
    Session "linkage.session";
    Day "linkage.day";
    Week "linkage.week";
    Month "linkage.month";
    // Which items are sampled, and the reasons of fields.
    ItemAll "item.all";
    ItemAllBecause "item.all_because" [reason];
    ItemFew "item.few" [n months];
    ItemFewBecause "item.few_because" [n reason];
    NotContent "because.not_content" [reason];
    Exact "because.exact" [reason];
    // The notice, in the order in which it is shown.
    Why "notice.why" [purpose];
    Benefit "notice.benefit" [benefit];
    NoFeature "notice.no_feature";
    Reports "notice.reports";
    Event "notice.event" [doc name];
    Until "notice.until" [day];
    Field "notice.field" [name doc];
    LeftOut "notice.left_out";
    NothingYet "notice.nothing_yet";
    Stays "notice.stays" [n];
    StaysInParts "notice.stays_in_parts" [panels];
    StaysMore "notice.stays_more" [reason];
    Envelope "notice.envelope" [program];
    CutToDay "notice.cut_to_day";
    Receiver "notice.receiver" [name address country];
    At "notice.at" [endpoint];
    Contact "notice.contact" [contact];
    Officer "notice.officer" [officer];
    NoOfficer "notice.no_officer";
    Authority "notice.authority" [authority];
    NoAuthority "notice.no_authority";
    Processors "notice.processors" [list];
    NoProcessors "notice.no_processors";
    Countries "notice.countries" [list];
    NoCountries "notice.no_countries";
    Safeguard "notice.safeguard" [safeguard];
    NoSafeguard "notice.no_safeguard";
    PassedOn "notice.passed_on" [list];
    NotPassedOn "notice.not_passed_on";
    AddressNotKept "notice.address_not_kept";
    AddressKept "notice.address_kept" [days];
    Retention "notice.retention" [days];
    Schedule "notice.schedule";
    Here "notice.here";
    HereWaiting "notice.here_waiting" [days];
    HereCounts "notice.here_counts" [days];
    HereTold "notice.here_told";
    HereSent "notice.here_sent" [days];
    HereNames "notice.here_names" [days];
    HereSecret "notice.here_secret";
    HereDay "notice.here_day";
    HereAnswer "notice.here_answer";
    Uses "notice.uses";
    UseNo "notice.use_no" [what];
    UseYes "notice.use_yes" [what why];
    UseTraining "notice.use_training";
    UseSale "notice.use_sale";
    UseAdvertising "notice.use_advertising";
    UseProfiling "notice.use_profiling";
    UseWorkers "notice.use_workers";
    Never "notice.never" [promise];
    Validity "notice.validity" [days];
    Withdraw "notice.withdraw";
    Erase "notice.erase" [days];
    NoErase "notice.no_erase";
}

impl Say {
    /// The sentence for a label of one of candor's own classes. `None` if the label explains itself, or if it is the
    /// program's own.
    pub(crate) fn label(class: &str, label: &str) -> Option<Say> {
        let own = matches!(class, "hour_band" | "network_address" | "text_shape");
        let labels: &[Say] = match class {
            _ if label == "other" => &[Say::Other],
            _ if own => Say::ALL,
            _ => &[],
        };
        let named = |say: &&Say| say.key().strip_prefix("candor.label.") == Some(label);
        labels.iter().find(named).copied()
    }
}

/// Fills the placeholders of a template. Text that is not a placeholder stays unchanged. A placeholder without a value
/// is left out.
pub(super) fn fill(
    template: &str,
    args: &[(&str, Arg<'_>)],
    number: impl Fn(i64) -> String,
    form: impl Fn(u64) -> usize,
) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    for part in parts(template) {
        match part {
            Part::Words(words) => out.push_str(words),
            Part::Placeholder { name, forms } => {
                let arg = args.iter().find(|(known, _)| *known == name).map(|(_, arg)| *arg);
                match (arg, forms) {
                    (Some(Arg::Text(text)), None) => out.push_str(text),
                    (Some(Arg::Number(n)), None) => out.push_str(&number(n)),
                    (arg, Some(forms)) => {
                        let which = match arg {
                            Some(Arg::Number(n)) => form(n.unsigned_abs()),
                            _ => usize::MAX,
                        };
                        let chosen = forms.split('|').nth(which).or_else(|| forms.split('|').next_back());
                        out.push_str(chosen.unwrap_or_default());
                    }
                    (None, None) => {}
                }
            }
        }
    }
    out
}

/// What is wrong with a template for this sentence. `None` if nothing is.
pub(super) fn flaw(say: Say, template: &str) -> Option<String> {
    let mut used = Vec::new();
    for part in parts(template) {
        match part {
            Part::Words(words) if words.contains(['{', '}']) => {
                return Some(format!("`{}` has a brace that is not part of a placeholder", say.key()));
            }
            Part::Placeholder { name, forms } if say.placeholders().contains(&name) => {
                if forms.is_none() {
                    used.push(name);
                }
            }
            Part::Placeholder { name, .. } => {
                return Some(format!("`{}` has the placeholder `{{{name}}}`, which does not exist", say.key()));
            }
            Part::Words(_) => {}
        }
    }
    let missing = say.placeholders().iter().find(|placeholder| !used.contains(*placeholder))?;
    Some(format!("`{}` lacks the placeholder `{{{missing}}}`", say.key()))
}

enum Part<'t> {
    Words(&'t str),
    Placeholder { name: &'t str, forms: Option<&'t str> },
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let placeholder =
            rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).filter(|(it, _)| !it.contains('{'));
        if let Some((inner, after)) = placeholder {
            rest = after;
            let (name, forms) = inner.split_once(':').map_or((inner, None), |(name, forms)| (name, Some(forms)));
            return Some(Part::Placeholder { name, forms });
        }
        // A brace that does not begin a placeholder is ordinary text.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest.get(first..).and_then(|tail| tail.find('{')).map_or(rest.len(), |at| at + first);
        let (words, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Part::Words(words))
    })
}

/// Replaces plain spaces and apostrophes by those of French typography, so that the table can be typed and read
/// plainly.
pub(super) fn typeset_french(plain: &str) -> Cow<'_, str> {
    let rules = [
        (" :", "\u{a0}:"),
        ("« ", "«\u{a0}"),
        (" »", "\u{a0}»"),
        (" ;", "\u{202f};"),
        (" ?", "\u{202f}?"),
        (" !", "\u{202f}!"),
        (" %", "\u{a0}%"),
        ("{n} ", "{n}\u{a0}"),
        ("{days} ", "{days}\u{a0}"),
        ("'", "’"),
    ];
    rules.into_iter().fold(Cow::Borrowed(plain), |text, (from, to)| match text.contains(from) {
        true => Cow::Owned(text.replace(from, to)),
        false => text,
    })
}

/// The group separator and the decimal mark, read from how a language writes the number 12345.6. `None` if the sample
/// is not that number.
pub(super) fn number_style(sample: &str) -> Option<(&str, &str)> {
    let (group, rest) = sample.strip_prefix("12")?.split_once("345")?;
    let decimal = rest.strip_suffix('6')?;
    let plain = |mark: &str| mark.chars().count() <= 1 && !mark.contains(|c: char| c.is_alphanumeric());
    (plain(group) && plain(decimal) && !decimal.is_empty()).then_some((group, decimal))
}
