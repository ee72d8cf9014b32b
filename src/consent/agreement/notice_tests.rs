//! Checks notices of everything that a program can declare, in both languages. They are compared with the required
//! statements and with the reference texts in `tests/notices`, also with each sentence removed in turn.

use crate::consent::{
    agreement::contract::Contract,
    agreement::controller::{AddressLog, Audience, CheckedController, Erasure},
    agreement::languages::{Languages, Spoken},
    agreement::notice::Notice,
    agreement::party::Party,
    agreement::scope::{About as Whom, Scope, ScopeStatic, ScopeWords, UseAnswer, Uses},
    agreement::terms::{EventTerms, FieldTerms, ItemTerms, SnapshotTerms},
};
use crate::{
    event::{Linkage, Period, says},
    language::{Locale, Say, columns, phrase},
    precision::{
        AGE, BITRATE, BYTE_SIZE, COUNT, DURATION, HOUR_BAND, IDENTIFIER, LATENCY, LOCALE, MEDIA_DURATION,
        NETWORK_ADDRESS, Precision, RATIO, RESOLUTION, ROLLUP_COUNT, TENURE, TEXT_SHAPE, Unit, day_number,
    },
    tests::must_say::{About, nothing_was_written, on_one_line, reads_as_kept, unsaid},
};
use std::sync::Arc;

const WHY: &str = "tests";

static ALL_NO: ScopeStatic = ScopeStatic::new(words("quiet", [UseAnswer::No; 5], &[]));
static ALL_YES: ScopeStatic =
    ScopeStatic::new(words("loud", [UseAnswer::Yes(WHY); 5], &["x1", "x2"])).with_budget(4_096, "x10");

const fn words(name: &'static str, uses: [UseAnswer; 5], also_never: &'static [&'static str]) -> ScopeWords {
    let [training, sale_or_sharing, advertising, profiling, judging_workers] = uses;
    ScopeWords {
        name,
        constant: "S",
        title: "x0",
        purpose: "x3.",
        benefit: "x4",
        revision: 1,
        about: Whom::Installation,
        retention_days: 100,
        uses: Uses { training, sale_or_sharing, advertising, profiling, judging_workers },
        also_never,
    }
}

const PLAIN: CheckedController = CheckedController {
    legal_name: "Example SAS",
    address: "1 rue de l’Exemple, Paris",
    country: "FR",
    contact: "privacy@example.org",
    data_protection_officer: None,
    authority: None,
    processors: &[],
    hosting_countries: &[],
    transfer_safeguard: None,
    onward_sharing: &[],
    address_log: AddressLog::NotKept,
    erasure: Erasure::Unsupported,
};

const FULL: CheckedController = CheckedController {
    data_protection_officer: Some("dpo@example.org"),
    authority: Some("CNIL"),
    processors: &["A SA", "B SA"],
    hosting_countries: &["FR", "DE"],
    transfer_safeguard: Some("SCC"),
    onward_sharing: &["C SA"],
    address_log: AddressLog::Days(1),
    erasure: Erasure::WithinDays(30),
    ..PLAIN
};

/// Every precision, with a class that determines where its labels come from.
fn precisions() -> Vec<(&'static str, Precision)> {
    const HALVES: Precision = Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 30, 60] };
    const DATES: Precision = Precision::Cuts {
        unit: Unit::Date,
        cuts: &[crate::precision::EARLIEST, day_number(2026, 1, 1), day_number(2026, 2, 1)],
    };
    const VERSIONS: Precision = Precision::Cuts { unit: Unit::Version, cuts: &[0, 12 << 32, (12 << 32) | 4] };
    const MINUTES: Precision = Precision::Cuts { unit: Unit::Minutes, cuts: &[-60, 0, 60] };
    const BYTES: Precision = Precision::Cuts { unit: Unit::Bytes, cuts: &[0, 200, 200_000, 1 << 30] };
    vec![
        ("closed", Precision::Flag),
        ("closed", Precision::Labels(&["private", "other"])),
        ("vocabulary", Precision::Labels(&["mkv", "other"])),
        ("hour_band", HOUR_BAND),
        ("network_address", NETWORK_ADDRESS),
        ("locale", LOCALE),
        ("text_shape", TEXT_SHAPE),
        ("media_duration", MEDIA_DURATION),
        ("duration", DURATION),
        ("bitrate", BITRATE),
        ("count", COUNT),
        ("byte_size", BYTE_SIZE),
        ("latency", LATENCY),
        ("ratio", RATIO),
        ("age", AGE),
        ("tenure", TENURE),
        ("resolution", RESOLUTION),
        ("ladder", HALVES),
        ("date", DATES),
        ("version", VERSIONS),
        ("ladder", MINUTES),
        ("ladder", BYTES),
        ("hash", IDENTIFIER),
        ("cohort", Precision::Cohort { bits: 4 }),
        ("release", Precision::Releases(&["1.4.0", "1.4.1"])),
    ]
}

/// The scope in which all questions are answered with yes, and which says more than usual.
fn loud() -> Scope {
    let scope = Scope::of(&ALL_YES);
    scope.set_stays(2_048, 3);
    scope
}

fn events() -> Vec<EventTerms> {
    let item = |one_in: u64, reason: Option<&'static str>| {
        Some(ItemTerms {
            name: "item",
            doc: "x5.",
            one_in,
            monthly: if reason.is_some() { 1 } else { 16 },
            domain: "d",
            reason,
        })
    };
    let items = [
        item(1, None),
        item(1, Some("x6")),
        item(32, None),
        item(32, Some("x6")),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    ];
    let linkages = [Linkage::Rollup, Linkage::None, Linkage::Session, Linkage::Day, Linkage::Week, Linkage::Month];
    let plain = linkages.into_iter().map(|linkage| (linkage, None));
    let periods = [
        (Linkage::Rollup, Some(Period::Week)),
        (Linkage::Rollup, Some(Period::Month)),
        (Linkage::Once, Some(Period::Day)),
        (Linkage::Once, Some(Period::Week)),
        (Linkage::Once, Some(Period::Month)),
    ];
    let mut events: Vec<EventTerms> = plain
        .chain(periods)
        .zip(items)
        .map(|((linkage, period), item)| EventTerms {
            name: "x.y",
            doc: "x7.",
            linkage: linkage.name(),
            linkage_says: says(linkage, period),
            period: period.map(Period::name),
            period_reason: (linkage == Linkage::Rollup && period == Some(Period::Week)).then_some("x9"),
            values: match period {
                Some(Period::Week) if linkage == Linkage::Once => Some("first"),
                Some(Period::Month) if linkage == Linkage::Once => Some("last"),
                _ => None,
            },
            holds_back: false,
            snapshot: None,
            until: (linkage == Linkage::None).then(|| "2027-06-30".into()),
            item,
            fields: Vec::new(),
        })
        .collect();
    let fields = precisions().into_iter().map(|(class, precision)| FieldTerms {
        name: "f",
        doc: "x8.",
        class,
        precision,
        at_random: false,
        optional: class == "hash",
        domain: "",
        reason: (class == "bitrate" || class == "count").then_some("x6"),
    });
    events[0].fields = fields.collect();
    events.extend(snapshots());
    events
}

/// Two snapshots: a field of each statistic, and a map.
fn snapshots() -> impl Iterator<Item = EventTerms> {
    let parts = [
        ("y.a", "week", "last"),
        ("y.a", "week", "min"),
        ("y.b", "month", "mean"),
        ("y.b", "month", "max"),
        ("y.b", "month", ""),
    ];
    parts.into_iter().map(|(name, period, statistic)| {
        let field = |name, class, precision| FieldTerms {
            name,
            doc: "x12.",
            class,
            precision,
            at_random: !matches!(statistic, "min" | "max"),
            optional: false,
            domain: "",
            reason: None,
        };
        let keyed = statistic.is_empty();
        let key = field("f_key", "closed", Precision::Labels(&["x13", "other"]));
        let value = field("f", "count", COUNT);
        EventTerms {
            name,
            doc: "x12.",
            linkage: Linkage::Once.name(),
            linkage_says: Say::OnceAWeek,
            period: Some(period),
            period_reason: None,
            values: Some("last"),
            holds_back: false,
            snapshot: Some(SnapshotTerms {
                name,
                doc: "x11.",
                statistic: if keyed { "last" } else { statistic },
                keyed,
            }),
            until: None,
            item: None,
            fields: if keyed { vec![key, value] } else { vec![value] },
        }
    })
}

fn party(controller: CheckedController) -> Party {
    Party {
        application: "org.example.x".into(),
        service_version: None,
        controller,
        audience: Audience::Adults,
        endpoint: "http://localhost:4318/v1/logs".into(),
        validity_days: 365,
        languages: Arc::new(Languages::new("en", "en", &[]).unwrap()),
    }
}

fn about(controller: &CheckedController, scope: Scope) -> About<'static> {
    About {
        legal_name: controller.legal_name,
        address: controller.address,
        contact: controller.contact,
        program: "org.example.x",
        benefit: "x4.",
        retention_days: 100,
        validity_days: 365,
        counts_days: 62,
        address_days: match controller.address_log {
            AddressLog::Days(days) => Some(days),
            AddressLog::NotKept => None,
        },
        erasure_days: match controller.erasure {
            Erasure::WithinDays(days) => Some(days),
            Erasure::Unsupported => None,
        },
        yes: scope.uses().all().map(|(_, _, answer)| (answer != UseAnswer::No).then_some(WHY)),
    }
}

/// The program's own texts belong to no language, so that one locale table works for both languages.
fn spoken(locale: &Locale) -> Spoken {
    let languages = Languages::new("en", "en", &[]).unwrap();
    languages.of_interface().unwrap().with(locale.clone())
}

/// The notice of a program that declares as little as possible and of one that declares everything, then the words for each
/// outcome.
fn everything(locale: &Locale) -> String {
    let spoken = spoken(locale);
    let quiet = Notice::new(&party(PLAIN), Scope::of(&ALL_NO), &[], &spoken);
    let loud = Notice::new(&party(FULL), loud(), &events(), &spoken);
    let mut text = format!("{quiet}\n{loud}\n");
    for (class, precision) in precisions() {
        let label = |label: &str| phrase::label(locale, class, label);
        let outcomes = 0..=u16::try_from(precision.outcomes()).unwrap();
        let words: Vec<String> = outcomes.map(|outcome| precision.words_in(locale, outcome, &label)).collect();
        text.push_str(&format!("{}\n", words.join(" | ")));
    }
    // Raw values, as they are on the computer.
    for (unit, value) in [(Unit::Days, 1), (Unit::PerMille, -5), (Unit::BitsPerSecond, 4_213), (Unit::Date, 20_779)] {
        text.push_str(&format!("{}\n", unit.words_in(locale, value)));
    }
    text
}

const LANGUAGES: [(&str, Locale); 2] = [("en", Locale::ENGLISH), ("fr", Locale::FRENCH)];

#[test]
fn everything_reads_as_it_is_kept() {
    for (language, locale) in LANGUAGES {
        reads_as_kept(&format!("everything.{language}.txt"), &everything(&locale));
    }
    nothing_was_written();
}

/// If a sentence is removed from either table, the result differs from the reference text.
#[test]
fn every_sentence_is_in_what_is_kept() {
    for (language, locale) in LANGUAGES {
        let whole = everything(&locale);
        for say in Say::ALL {
            // A language without a number format writes numbers as in English.
            let english_numbers = (language, *say) == ("en", Say::Number);
            let lost = everything(&locale.without(*say)) != whole;
            assert!(lost || english_numbers, "{language} {} is said nowhere", say.key());
        }
    }
}

/// The sentences that a notice must contain are removed one by one, in each language, and each removal must be detected.
#[test]
fn no_sentence_that_must_be_said_can_be_lost() {
    let owed = [
        Say::Benefit,
        Say::NoFeature,
        Say::Reports,
        Say::Envelope,
        Say::CutToDay,
        Say::Receiver,
        Say::Contact,
        Say::Retention,
        Say::Schedule,
        Say::Here,
        Say::HereWaiting,
        Say::HereCounts,
        Say::HereSent,
        Say::HereNames,
        Say::HereSecret,
        Say::HereDay,
        Say::HereAnswer,
        Say::Uses,
        Say::UseTraining,
        Say::UseSale,
        Say::UseAdvertising,
        Say::UseProfiling,
        Say::UseWorkers,
        Say::Validity,
        Say::Withdraw,
    ];
    let of_quiet = [
        Say::NoOfficer,
        Say::NoAuthority,
        Say::NoProcessors,
        Say::NoCountries,
        Say::NoSafeguard,
        Say::NotPassedOn,
        Say::AddressNotKept,
        Say::NoErase,
        Say::UseNo,
    ];
    let of_loud = [
        Say::Officer,
        Say::Authority,
        Say::Processors,
        Say::Countries,
        Say::Safeguard,
        Say::PassedOn,
        Say::AddressKept,
        Say::Erase,
        Say::UseYes,
    ];
    let cases = [(PLAIN, Scope::of(&ALL_NO), of_quiet), (FULL, loud(), of_loud)];
    for (language, locale) in LANGUAGES {
        for (controller, scope, own) in &cases {
            let missed = |locale: &Locale| {
                let notice = Notice::new(&party(*controller), *scope, &events(), &spoken(locale));
                unsaid(notice.text(), language == "fr", &about(controller, *scope))
            };
            assert_eq!(missed(&locale), [""; 0], "{language}");
            for say in owed.iter().chain(own) {
                assert!(!missed(&locale.without(*say)).is_empty(), "{language} {} was not missed", say.key());
            }
        }
    }
}

#[test]
fn no_english_sentence_is_said_in_french() {
    let french = on_one_line(&everything(&Locale::FRENCH)).to_lowercase();
    let english = on_one_line(&everything(&Locale::ENGLISH)).to_lowercase();
    let mut found = 0;
    for say in Say::ALL {
        // The text between the placeholders, where it is more than one word.
        let text = crate::language::in_english(*say).to_lowercase();
        let mut between =
            text.split(['{', '}']).step_by(2).map(|part| part.trim_matches([' ', '.', ',', ':', '(', ')']));
        for part in between.by_ref().filter(|part| part.contains(' ') && part.len() > 6) {
            assert!(!french.contains(part), "{part}");
            found += usize::from(english.contains(part));
        }
    }
    assert!(found > 60, "the English text holds the English sentences: {found}");
}

#[test]
fn every_line_fits_a_terminal() {
    for (_, locale) in LANGUAGES {
        for (controller, scope) in [(PLAIN, Scope::of(&ALL_NO)), (FULL, loud())] {
            let notice = Notice::new(&party(controller), scope, &events(), &spoken(&locale));
            for line in notice.text().lines() {
                assert!(columns(line) <= 80 && !line.ends_with(' '), "{line}");
            }
        }
    }
}

#[test]
fn a_contract_has_a_notice_in_each_language_and_each_its_digest() {
    let mut party = party(PLAIN);
    let table = ["title", "purpose", "benefit"].map(|what| (format!("scope.quiet.{what}"), "x"));
    let translation = crate::Translation::new("fr").texts(table);
    party.languages = Arc::new(Languages::new("pt", "en", &[translation]).unwrap());
    let contract = Contract::new(&party, Scope::of(&ALL_NO), &[]);
    let digests: Vec<(String, String)> =
        contract.notices().map(|notice| (notice.language().into(), notice.digest().into())).collect();
    let languages: Vec<&str> = digests.iter().map(|(language, _)| language.as_str()).collect();
    assert_eq!(languages, ["en", "fr"]);
    assert_ne!(digests[0].1, digests[1].1);
    assert_eq!(contract.notice_or_own().language(), "en", "the interface's language is not there");
    assert!(contract.notice().unwrap_err().needs_language());
    party.languages.check(&[contract]).unwrap();
}

/// The steps to which the counts of a period are rounded are those that the sentence names, in each language: the first ones, and the
/// last one.
#[test]
fn the_notice_names_the_steps_of_counts() {
    let Precision::Cuts { cuts, .. } = ROLLUP_COUNT else { unreachable!("counts are numbers") };
    for (_, locale) in LANGUAGES {
        for says in [Say::Rollup, Say::RollupOfWeek, Say::RollupOfMonth] {
            let text = on_one_line(&locale.words(says));
            // The last one is written with the separators of its language.
            let words = ["1,048,577", "1\u{202f}048\u{202f}577", "1 048 577"]
                .into_iter()
                .fold(text.clone(), |text, last| text.replace(last, "1048577"));
            let named = words.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<i64>().ok());
            assert_eq!(named.collect::<Vec<_>>(), [&cuts[..7], &cuts[cuts.len() - 1..]].concat(), "{text}");
        }
    }
}

/// Everything that candor says from its own table reads the same from a Fluent text.
#[cfg(feature = "fluent")]
#[test]
fn fluent_says_what_a_table_says() {
    let translation = crate::Translation::new("pl").fluent(crate::language::fluent_tests::english_in_fluent());
    let languages = Languages::new("pl", "pl", &[translation]).unwrap();
    languages.check(&[]).unwrap();
    let locale = languages.of_interface().unwrap().locale.clone();
    assert!(everything(&locale) == everything(&Locale::ENGLISH));
}
