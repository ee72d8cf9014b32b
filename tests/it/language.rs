//! Notices in more than one language: each is complete or not offered at all, and a grant is to the text that the person read.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE},
    home::{Home, state},
    must_say::{About, must_say, nothing_was_written, on_one_line, reads_as_kept, unsaid},
    server::Server,
    stage::CONTROLLER,
};
use candor::{
    AddressLog, Audience, Client, Config, Controller, Erasure, Error, Scope, Translation,
    consent::{State, UseAnswer},
};
use std::fs;

const SCOPES: [Scope; 3] = [PLAYBACK, CONNECTIVITY, USAGE];

/// The texts of the tested program in French.
const FRENCH: [(&str, &str); 80] = [
    ("scope.playback.title", "Statistiques de lecture"),
    ("scope.playback.purpose", "Savoir quels formats saccadent, pour corriger ces décodeurs en premier."),
    ("scope.playback.benefit", "Moins de films qui saccadent"),
    ("scope.playback.also_never.1", "identifier ce que vous regardez"),
    ("scope.connectivity.title", "Problèmes de connexion"),
    (
        "scope.connectivity.purpose",
        "Savoir quels serveurs domestiques perdent la connexion, pour mieux en tenir compte.",
    ),
    ("scope.connectivity.benefit", "Moins de connexions perdues"),
    ("scope.usage.title", "Tailles des bibliothèques"),
    ("scope.usage.purpose", "Savoir quelle taille ont les bibliothèques, pour que la taille courante soit rapide."),
    ("scope.usage.benefit", "Des listes plus rapides"),
    ("event.playback.finished", "Une lecture s’est terminée ou a été arrêtée."),
    ("field.playback.finished.film", "Quel film c’était."),
    ("field.playback.finished.film.reason", "un essai compte tout"),
    ("field.playback.finished.bitrate", "Le débit moyen de la lecture."),
    ("field.playback.finished.duration", "Combien de temps elle a duré."),
    ("field.playback.finished.codec", "Le format de l’image."),
    ("event.playback.opened", "Un film a été ouvert\u{a0}: de quelques films, comme partout."),
    ("field.playback.opened.film", "Quel film c’était."),
    ("field.playback.opened.resumed", "S’il avait déjà été commencé."),
    ("event.playback.jumped", "Quelqu’un a sauté dans un film."),
    ("field.playback.jumped.forward", "Si c’était vers l’avant."),
    ("event.server.unreachable", "Un serveur multimédia n’a pas pu être joint."),
    ("field.server.unreachable.server", "Quel serveur, pour qu’un seul serveur en panne n’en paraisse pas plusieurs."),
    ("field.server.unreachable.cause", "Pourquoi."),
    ("event.server.slow", "Un serveur multimédia a répondu tard."),
    ("field.server.slow.server", "Quel serveur."),
    ("event.server.found", "Un serveur multimédia a été trouvé."),
    ("field.server.found.server", "Quel serveur."),
    ("event.network.lost", "L’ordinateur a perdu son réseau."),
    ("field.network.lost.came_back", "S’il est revenu en moins d’une minute."),
    ("event.library.opened", "La bibliothèque a été ouverte."),
    ("field.library.opened.shelves", "Combien d’étagères elle a."),
    ("event.library.tidied", "La bibliothèque a été mise en ordre, ce qui intéresse pendant un temps."),
    ("field.library.tidied.by_hand", "Si c’était à la main."),
    ("field.library.opened.sorted", "Si elle est triée, lorsque c’est connu."),
    ("event.playback.finished.period_reason", "un essai dure quelques jours"),
    ("event.playback.opened.period_reason", "un essai dure quelques jours"),
    ("scope.using.title", "Utilisation"),
    ("scope.using.purpose", "Savoir sur combien d’ordinateurs le programme est utilisé, pour prévoir son entretien."),
    ("scope.using.benefit", "Un programme qui dure"),
    ("event.active.day", "Le programme a été utilisé ce jour."),
    ("event.active.last", "Comment le programme était réglé à la fin de la semaine."),
    ("field.active.last.dark", "Si c’était en sombre."),
    ("event.active.month", "Le programme a été utilisé ce mois."),
    ("event.active.week", "Le programme a été utilisé cette semaine."),
    ("field.active.week.dark", "Si c’était en sombre."),
    ("field.active.week.since", "Depuis combien de semaines vous avez dit oui."),
    ("scope.songs.title", "Chansons"),
    ("scope.songs.purpose", "Savoir quelles chansons sont interrompues, pour réparer ces formats en premier."),
    ("scope.songs.benefit", "Des chansons entières"),
    ("event.song.broken_off", "Une chanson a été interrompue."),
    ("field.song.broken_off.song", "Quelle chanson c’était."),
    ("field.song.broken_off.song.reason", "un essai compte tout"),
    ("field.song.broken_off.early", "Si c’était dans sa première moitié."),
    ("event.songs.searched", "On a cherché des chansons."),
    ("field.songs.searched.found", "Si l’on en a trouvé."),
    ("scope.state.title", "Réglages"),
    ("scope.state.purpose", "Savoir quels réglages servent, pour retirer les autres."),
    ("scope.state.benefit", "Moins de réglages"),
    ("scope.state.budget_reason", "un essai transmet tout"),
    ("snapshot.program.state", "Comment le programme est réglé."),
    ("field.program.state.dark.dark", "Si c’est en sombre."),
    ("field.program.state.songs.songs", "Combien de chansons il a."),
    ("field.program.state.load.min.load", "À quel point l’ordinateur était occupé."),
    ("field.program.state.load.mean.load", "À quel point l’ordinateur était occupé."),
    ("field.program.state.load.max.load", "À quel point l’ordinateur était occupé."),
    ("scope.switches.title", "Beaucoup de réglages"),
    ("scope.switches.purpose", "Savoir lesquels de beaucoup de réglages servent, pour retirer les autres."),
    ("scope.switches.benefit", "Moins de réglages"),
    ("snapshot.many", "Beaucoup de réglages."),
    ("field.many.formats.formats", "Chansons de chaque format."),
    ("field.many.suffixes.suffixes", "Chansons de chaque suffixe."),
    ("field.many.one.one", "Si le premier est allumé."),
    ("field.many.two.two", "Si le second est allumé."),
    ("label.mp3", "MP3"),
    ("label.flac", "FLAC"),
    ("label.h264", "H.264"),
    ("label.hevc", "HEVC"),
    ("label.timed_out", "délai dépassé"),
    // Applies to this field only.
    ("label.server.unreachable.cause.refused", "connexion refusée"),
];

const SAFEGUARD: (&str, &str) = ("controller.transfer_safeguard", "clauses contractuelles types");

type Table = Vec<(&'static str, &'static str)>;

pub(crate) fn french() -> Translation {
    Translation::new("fr").texts(FRENCH)
}

/// The endpoint is always the same, so that the text is always the same.
fn config(home: &Home) -> Config {
    home.config_to("https://telemetry.example.org").transport("https://telemetry.example.org/v1/logs", Nowhere)
}

struct Nowhere;

impl candor::Transport for Nowhere {
    fn send(&self, _: candor::Parcel<'_>) -> Result<candor::Answer, candor::SendError> {
        panic!("nothing is sent here")
    }
}

fn bilingual(home: &Home) -> Client {
    Client::new(config(home).version("12.4").translation(french())).unwrap()
}

fn mistake(config: Config) -> String {
    let error = Client::new(config).unwrap_err();
    assert!(error.is_configuration() && !error.needs_language() && !error.is_store(), "{error:?}");
    error.to_string()
}

/// A controller, and what it states apart from its name and contact.
struct Recipient {
    controller: Controller,
    address: &'static str,
    safeguard: bool,
    address_days: Option<u32>,
    erasure_days: Option<u32>,
}

const RECIPIENTS: [Recipient; 2] = [
    Recipient {
        controller: CONTROLLER,
        address: "1 rue de l'Exemple, 75001 Paris",
        safeguard: false,
        address_days: None,
        erasure_days: Some(30),
    },
    Recipient {
        controller: OTHER,
        address: "Hauptstraße 1, Berlin",
        safeguard: true,
        address_days: Some(1),
        erasure_days: None,
    },
];

/// The facts that the notice of a scope must state.
fn about<'a>(scope: Scope, language: &str, recipient: &Recipient) -> About<'a> {
    let french = FRENCH.iter().find(|(key, _)| *key == format!("scope.{}.benefit", scope.name())).unwrap().1;
    assert!(
        scope.uses().all().iter().all(|(_, _, answer)| *answer == UseAnswer::No),
        "the tested program says no to all"
    );
    About {
        legal_name: recipient.controller.legal_name(),
        address: recipient.address,
        contact: recipient.controller.contact(),
        program: "org.example.player 12.4",
        benefit: if language == "fr" { french } else { scope.benefit() },
        retention_days: scope.retention_days(),
        validity_days: 365,
        counts_days: 28,
        address_days: recipient.address_days,
        erasure_days: recipient.erasure_days,
        yes: [None; 5],
    }
}

/// Another recipient, which has everything that `CONTROLLER` lacks.
const OTHER: Controller = Controller::new("Autre GmbH", "privacy@example.net", "DE")
    .address("Hauptstraße 1, Berlin")
    .data_protection_officer("dpo@example.net")
    .processors(&["Hosting Ltd", "Mail Inc"])
    .hosting_countries(&["DE", "US"])
    .transfer_safeguard("standard contractual clauses")
    .onward_sharing(&["Partner BV"])
    .address_log(AddressLog::Days(1))
    .erasure(Erasure::Unsupported);

#[test]
fn every_notice_says_all_that_must_be_said_in_every_language() {
    for recipient in &RECIPIENTS {
        let controller = recipient.controller;
        let home = Home::new();
        let client = Client::new(
            Config::new("org.example.player", controller, Audience::Adults)
                .directories(home.data(), home.config_dir())
                .transport("https://telemetry.example.org/v1/logs", Nowhere)
                .version("12.4.1")
                .translation(if recipient.safeguard { french().texts([SAFEGUARD]) } else { french() }),
        )
        .unwrap();
        assert_eq!(client.languages(), ["en", "fr"]);
        for scope in SCOPES {
            for language in client.languages() {
                let notice = client.notice_in(scope, &language).unwrap();
                assert_eq!(notice.language(), language);
                let (french, about) = (language == "fr", about(scope, &language, recipient));
                let lost = unsaid(notice.text(), french, &about);
                assert!(lost.is_empty(), "{language} {}: {lost:#?}\n{notice}", scope.name());
                // Negative control: the check notices when any one of them is cut out.
                let text = on_one_line(notice.text());
                for said in must_say(french, &about) {
                    assert!(!unsaid(&text.replace(&said, ""), french, &about).is_empty(), "{said}");
                }
                for line in notice.text().lines() {
                    assert!(line.chars().count() <= 80, "{line}");
                    assert!(!line.ends_with(' ') && !line.contains('\t'), "{line:?}");
                }
            }
        }
        let french = on_one_line(client.notice_in(PLAYBACK, "fr").unwrap().text());
        if controller == OTHER {
            assert!(french.contains("clauses contractuelles types") && !french.contains("standard contractual"));
            assert!(french.contains("Hosting Ltd, Mail Inc") && french.contains("la conserve pendant 1 jour"));
        }
    }
}

#[test]
fn notices_read_as_they_are_kept() {
    let home = Home::new();
    let client = bilingual(&home);
    for scope in SCOPES {
        for language in client.languages() {
            let notice = client.notice_in(scope, &language).unwrap();
            reads_as_kept(&format!("{}.{language}.txt", scope.name()), notice.text());
        }
    }
    nothing_was_written();
}

#[test]
fn no_english_is_left_in_french_notices() {
    let home = Home::new();
    let client = bilingual(&home);
    // Labels as they are sent, names and addresses belong to no language.
    let names = [
        "(timed_out)",
        "(refused)",
        "(other)",
        "https://telemetry.example.org/v1/logs",
        "org.example.player",
        "by_hand",
    ];
    let english = [
        "the", "of", "and", "is", "are", "was", "what", "this", "that", "for", "to", "not", "no", "yes", "with",
        "your", "you", "which", "how", "it", "by", "or", "at", "days", "day", "kept", "sent", "none", "nobody",
        "rounded", "secret",
    ];
    for scope in SCOPES {
        let left = |text: &str| {
            let text = names.iter().fold(text.to_lowercase(), |text, name| text.replace(name, ""));
            let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
            // This word is the same in both languages.
            english.iter().filter(|word| **word != "secret" && words.contains(*word)).copied().collect::<Vec<_>>()
        };
        assert_eq!(left(client.notice_in(scope, "fr").unwrap().text()), [""; 0], "{}", scope.name());
        assert!(left(client.notice_in(scope, "en").unwrap().text()).len() > 15, "the list finds English");
    }
}

#[test]
fn without_a_notice_in_the_interfaces_language_a_grant_needs_one_that_was_picked() {
    let (home, server) = (Home::new(), Server::new());
    let start = || Client::new(home.config(&server).translation(french()).interface_language("pt")).unwrap();
    let client = start();
    let needs_language = |error: &Error| {
        assert!(error.needs_language() && !error.needs_notice() && !error.is_configuration(), "{error:?}");
        error.to_string()
    };
    let text = needs_language(&client.notice(PLAYBACK).unwrap_err());
    assert!(text.contains("no notice in `pt`") && text.contains("`en`, `fr`"), "{text}");
    let notice = client.notice_in(PLAYBACK, "fr").unwrap();
    let text = needs_language(&client.grant(PLAYBACK.shown(&notice)).unwrap_err());
    assert!(text.contains("in `fr`") && text.contains("in `pt`") && text.contains("PLAYBACK.shown(&notice)"), "{text}");
    assert_eq!(state(&client, PLAYBACK), State::NeverAsked);
    assert!(!home.store().exists(), "nothing is written");

    let receipt = client.grant(PLAYBACK.shown(&notice).via("settings").language_picked()).unwrap();
    assert_eq!(receipt.language.as_deref(), Some("fr"));
    assert_eq!(receipt.notice.as_deref(), Some(notice.text()));
    assert_eq!(state(&client, PLAYBACK), State::Granted);
    let ledger = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert!(ledger.contains(r#""language":"fr""#) && ledger.contains(r#""language_picked":true"#), "{ledger}");
    drop(client);
    let client = start();
    let kept = client.receipt(PLAYBACK).unwrap();
    assert_eq!((kept.language.as_deref(), kept.notice.as_deref()), (Some("fr"), Some(notice.text())));
    assert_eq!(state(&client, PLAYBACK), State::Granted);

    // Granting the scope alone records no way of asking, and keeps the text in the program's own language.
    let bare = client.grant(USAGE).unwrap();
    assert_eq!((bare.language.as_deref(), bare.via.as_deref()), (Some("en"), None));
    assert_eq!(bare.notice.as_deref(), Some(client.notice_in(USAGE, "en").unwrap().text()));
    let ledger = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.matches("language_picked").count(), 1, "{ledger}");
}

#[test]
fn a_notice_in_another_language_than_the_interfaces_must_be_picked_too() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).translation(french()).interface_language("fr-CA")).unwrap();
    let (french, english) = (client.notice(USAGE).unwrap(), client.notice_in(USAGE, "en").unwrap());
    assert_eq!((french.language(), english.language()), ("fr", "en"));
    assert!(client.grant(USAGE.shown(&english)).unwrap_err().needs_language());
    client.grant(USAGE.shown(&french)).unwrap();
    assert_eq!(client.grant(CONNECTIVITY).unwrap().language.as_deref(), Some("fr"), "the scope alone");
    // The person is asked again, in the other language.
    client.withdraw(USAGE).unwrap();
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    let receipt = client.grant(USAGE.shown(&english).language_picked()).unwrap();
    assert_eq!((receipt.language.as_deref(), receipt.notice.as_deref()), (Some("en"), Some(english.text())));
    assert_eq!(client.manifest().unwrap().scope(USAGE).unwrap().notice, french.text());
}

#[test]
fn a_notice_whose_words_changed_is_stale_in_its_own_language_only() {
    let (home, server) = (Home::new(), Server::new());
    let reworded = |benefit: &str| {
        let table = FRENCH
            .map(|(key, text)| (key, if key == "scope.usage.benefit" { benefit.to_owned() } else { text.into() }));
        Client::new(home.config(&server).translation(Translation::new("fr").texts(table))).unwrap()
    };
    let old = reworded("Des listes plus rapides");
    let (french, english) = (old.notice_in(USAGE, "fr").unwrap(), old.notice_in(USAGE, "en").unwrap());
    drop(old);
    let client = reworded("Des listes bien plus rapides");
    let error = client.grant(USAGE.shown(&french).language_picked()).unwrap_err();
    assert!(error.to_string().contains("is not the one this program would show now"), "{error}");
    client.grant(USAGE.shown(&english)).unwrap();
    // A language that this program does not have.
    drop(client);
    let monoglot = home.start(&server);
    let error = monoglot.grant(USAGE.shown(&french).language_picked()).unwrap_err();
    assert!(error.to_string().contains("is not the one this program would show now"), "{error}");
}

#[test]
fn a_grant_outlasts_new_words_for_the_same_contract() {
    let (home, server) = (Home::new(), Server::new());
    let own = french_in("de");
    let sentences = pasted(&mistake(home.config(&server).translation(own.clone())));
    let in_words = |validity: &str| {
        let own_words = sentences.iter().cloned().map(|(key, text)| match key.as_str() {
            "candor.notice.validity" => (key, validity.to_owned()),
            _ => (key, text),
        });
        let config = home.config(&server).interface_language("de").translation(own.clone().texts(own_words));
        Client::new(config).unwrap()
    };
    let old = in_words("A yes is good for {days} {days:day|days}.");
    let asked = old.notice(USAGE).unwrap();
    let receipt = old.grant(USAGE.shown(&asked)).unwrap();
    drop(old);
    let client = in_words("A yes is valid for {days} {days:day|days}.");
    let fresh = client.notice(USAGE).unwrap();
    assert!(asked.text().contains("good for 365 days") && fresh.text().contains("valid for 365 days"), "{fresh}");
    // The person is not asked again, and what they agreed to stays as they read it.
    let status = client.status(USAGE).unwrap();
    assert_eq!((status.state, status.is_open(), status.changes.as_slice()), (State::Granted, true, &[][..]));
    assert!(!client.may_ask(USAGE).unwrap().is_yes());
    let kept = client.receipt(USAGE).unwrap();
    assert_eq!((kept.notice.as_deref(), &kept.contract), (Some(asked.text()), &receipt.contract));
}

#[test]
fn no_tag_is_too_odd() {
    let home = Home::new();
    let client = bilingual(&home);
    for (tag, found) in [("fr", "fr"), ("FR", "fr"), ("fr-CA", "fr"), ("fr-Latn-CA-x-a", "fr"), ("en-GB", "en")] {
        assert_eq!(client.notice_in(USAGE, tag).unwrap().language(), found);
    }
    let british = Client::new(config(&home).written_in("en-GB")).unwrap();
    for tag in ["en", "en-GB", "en-GB-oxendict"] {
        assert_eq!(british.notice_in(USAGE, tag).unwrap().language(), "en-GB");
    }
    assert!(british.notice_in(USAGE, "en-US").unwrap_err().needs_language());
    assert_eq!(british.notice(USAGE).unwrap().language(), "en-GB", "the interface is in English");
    for tag in ["", "-", "pt", "fr_FR", "fr_FR.UTF-8", "C", "frr", "f", "\u{1b}[2J", "é", &"a-".repeat(10_000), "fr\n"]
    {
        let error = client.notice_in(USAGE, tag).unwrap_err();
        let text = error.to_string();
        assert!(error.needs_language() && text.contains("`en`, `fr`"), "{tag:?}: {error}");
        assert!(!text.contains(char::is_control) && text.len() < 500, "{text:?}");
    }
    for tag in ["", "fr_FR", "C", "français", "\n"] {
        assert!(mistake(config(&home).interface_language(tag)).contains("such as `fr` or `pt-BR`"));
        assert!(mistake(config(&home).written_in(tag)).contains("Config::written_in"));
        assert!(mistake(config(&home).translation(Translation::new(tag))).contains("`Translation`"));
    }
}

#[test]
fn a_table_is_whole_or_the_program_does_not_start() {
    let home = Home::new();
    let table = |change: &dyn Fn(&mut Table)| {
        let mut table: Table = FRENCH.to_vec();
        change(&mut table);
        config(&home).translation(Translation::new("fr").texts(table))
    };
    Client::new(table(&|_| {})).unwrap();
    // Every missing text is named, together with the program's own text, ready to be pasted.
    for (key, _) in FRENCH {
        let text = mistake(table(&|table| table.retain(|(known, _)| *known != key)));
        let named = if key.starts_with("label.server") { "\"label.refused\"".into() } else { format!("\"{key}\"") };
        assert!(text.contains("translation `fr`: 1 texts are missing") && text.contains(&named), "{key}: {text}");
    }
    let text = mistake(config(&home).translation(Translation::new("fr")));
    assert!(text.contains("\n    (\"scope.usage.benefit\", \"Faster lists\"),"), "{text}");
    assert_eq!(text.lines().count(), FRENCH.len() + 1, "{text}");
    let text = mistake(table(&|table| table.push(("scope.playback.titel", "Titre"))));
    assert!(
        text.contains("`scope.playback.titel` names nothing") && text.contains("`scope.playback.title`?"),
        "{text}"
    );
    assert!(mistake(table(&|table| table.push(("label.h265", "H.265")))).contains("`label.h265` names nothing"));
    assert!(mistake(table(&|table| table[3].1 = " \n")).contains("`scope.playback.also_never.1` is empty"));
    assert!(mistake(table(&|table| table[3].1 = "\u{1b}[8m")).contains("control character"));
    assert!(mistake(table(&|table| table.push(FRENCH[0]))).contains("`scope.playback.title` occurs twice"));
    let text = mistake(table(&|table| table.push(("candor.notice.withdraw", "Restez."))));
    assert!(text.contains("leave out `candor.notice.withdraw`"), "{text}");
    // The program's own language is English, so it accepts no translation into English.
    let text = mistake(config(&home).translation(Translation::new("en").texts([FRENCH[0]])));
    assert!(text.contains("translation `en`: `scope.playback.title` names nothing"), "{text}");
    // A label can be translated for all fields and for one of them. The text for the one field wins.
    let client = Client::new(table(&|table| table.push(("label.refused", "refusé")))).unwrap();
    let text = on_one_line(client.notice_in(CONNECTIVITY, "fr").unwrap().text());
    assert!(text.contains("délai dépassé (timed_out), connexion refusée (refused), autre (other)"), "{text}");
    // Two tables of one language are merged.
    let (first, second) = FRENCH.split_at(20);
    let both = config(&home).translation(Translation::new("fr").texts(first.to_vec()));
    Client::new(both.translation(Translation::new("FR").texts(second.to_vec()))).unwrap();
}

#[test]
fn a_language_candor_does_not_speak_needs_its_sentences_too() {
    let home = Home::new();
    let own = french_in("de");
    let text = mistake(config(&home).translation(own.clone()));
    assert!(
        text.contains("translation `de`") && text.contains("(\"candor.notice.withdraw\", \"You can say no. You can"),
        "{text}"
    );
    assert!(!text.contains("scope.usage"), "{text}");
    // The error contains the table to fill in. A program that fills it in has the language.
    let sentences: Vec<(String, String)> = pasted(&text);
    assert!(sentences.len() > 100, "{}", sentences.len());
    let filled = |change: &dyn Fn(&str, &str) -> Option<String>| {
        let sentences = sentences.iter().filter_map(|(key, text)| Some((key.clone(), change(key, text)?)));
        config(&home).translation(own.clone().texts(sentences))
    };
    let shout = |key: &str, text: &str| match key {
        "candor.number" => Some("12'345,6".to_owned()),
        "candor.unit.days" | "candor.notice.validity" => Some(text.replace("day|days", "Tag|zwei Tage|Tage")),
        _ => Some(text.replace("Why:", "Warum:")),
    };
    let german = filled(&shout);
    let client = Client::new(german.interface_language("de-AT").validity_days(2)).unwrap();
    assert_eq!(client.languages(), ["de", "en"]);
    let notice = client.notice(PLAYBACK).unwrap();
    let text = on_one_line(notice.text());
    assert!(text.contains("Warum: Savoir quels formats") && text.contains("valid for 2 zwei Tage."), "{notice}");
    for (key, bad, why) in [
        ("candor.notice.erase", "Nie.", "lacks the placeholder `{days}`"),
        ("candor.notice.erase", "In {days} {tagen:Tag|Tagen}.", "has the placeholder `{tagen}`, which does not exist"),
        ("candor.notice.erase", "In {days} {days:Tag|Tagen} {.", "has a brace"),
        ("candor.notice.no_feature", "Kein {x}.", "has the placeholder `{x}`"),
        ("candor.number", "viele", "12345.6"),
        ("candor.notice.here", "", "is empty"),
    ] {
        let broken = filled(&|known, text| Some(if known == key { bad.to_owned() } else { text.to_owned() }));
        let text = mistake(broken);
        assert!(text.contains(&format!("`{key}`")) && text.contains(why), "{text}");
    }
    // Each sentence is required.
    for (left_out, _) in &sentences {
        let text = mistake(filled(&|known, text| (known != left_out).then(|| text.to_owned())));
        assert!(text.contains("1 texts are missing") && text.contains(left_out.as_str()), "{text}");
    }
}

/// The program's French texts under the name of another language.
fn french_in(language: &str) -> Translation {
    Translation::new(language).texts(FRENCH).plural(|n| usize::try_from(n).map_or(2, |n| n.clamp(1, 3) - 1))
}

/// The key and text of each line of an error that is meant to be pasted into a table.
fn pasted(error: &str) -> Vec<(String, String)> {
    let lines = error.lines().filter_map(|line| line.trim().strip_prefix('(')?.strip_suffix("),"));
    let pairs = lines.map(|line| serde_json::from_str::<(String, String)>(&format!("[{line}]")).unwrap());
    pairs.collect()
}

#[test]
fn a_program_may_be_written_in_another_language() {
    let home = Home::new();
    let client = Client::new(config(&home).written_in("fr").interface_language("fr")).unwrap();
    assert_eq!(client.languages(), ["fr"]);
    let notice = client.notice(USAGE).unwrap();
    assert!(notice.text().contains("Pourquoi\u{a0}: Find out how large"), "{notice}");
    let text = mistake(config(&home).written_in("nl"));
    assert!(
        text.contains("translation `nl`") && text.contains("candor.notice.why") && !text.contains("scope."),
        "{text}"
    );
}
