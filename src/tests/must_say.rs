//! The sentences that every notice must contain, word for word in each language. They are written here a second time, so that a
//! test fails if a sentence is lost from a table or states another number. This module uses no code that makes notices.

/// The facts that a notice states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) legal_name: &'a str,
    pub(crate) address: &'a str,
    pub(crate) contact: &'a str,
    pub(crate) program: &'a str,
    pub(crate) benefit: &'a str,
    pub(crate) retention_days: u32,
    pub(crate) validity_days: u32,
    /// For how many days counts may stay on the computer.
    pub(crate) counts_days: u32,
    /// How many days network addresses are kept, if they are.
    pub(crate) address_days: Option<u32>,
    /// Within how many days records are deleted on request, if they can be.
    pub(crate) erasure_days: Option<u32>,
    /// The explanation after each of the five closed answers that is yes.
    pub(crate) yes: [Option<&'a str>; 5],
}

/// Returns every sentence that a notice must contain, in English or French.
pub(crate) fn must_say(french: bool, about: &About<'_>) -> Vec<String> {
    let pick = |english: &str, other: &str| if french { other.to_owned() } else { english.to_owned() };
    let days = |n: u32| match (french, n) {
        (true, n) => format!("{n} jour{}", if n < 2 { "" } else { "s" }),
        (false, 1) => "1 day".to_owned(),
        (false, n) => format!("{n} days"),
    };
    let sent = days(about.retention_days.min(90));
    let mut said = vec![
        // The network address, and what happens to it.
        pick(
            "your network address (IP address): the recipient sees it, as with any connection, and",
            "votre adresse réseau (adresse IP) : le destinataire la voit, comme pour toute connexion, et",
        ),
        match about.address_days {
            Some(n) => {
                format!("{} {}", pick("connection, and keeps it for", "connexion, et la conserve pendant"), days(n))
            }
            None => pick("connection, and does not keep it", "connexion, et ne la conserve pas"),
        },
        // What is stored locally, and how long.
        pick("What is kept on this computer", "Ce qui est conservé sur cet ordinateur"),
        pick("data that waits to be sent: 7 days at most", "les données en attente d’envoi : 7 jours au plus"),
        format!(
            "{} {} {}",
            pick(
                "counts that still grow, or a count of one that waits for more to be sent with it:",
                "les décomptes en cours, ou un décompte égal à un qui en attend d’autres pour être envoyé avec eux :",
            ),
            days(about.counts_days),
            pick("at most", "au plus"),
        ),
        format!(
            "{} {sent}",
            pick("a copy of what was sent, for you:", "une copie de ce qui a été transmis, pour vous :")
        ),
        format!(
            "{} {}",
            pick(
                "the random numbers of the records that were sent, so that you can have those records deleted:",
                "les numéros tirés au hasard des enregistrements transmis, pour que vous puissiez faire effacer ces \
                 enregistrements :",
            ),
            days(about.retention_days)
        ),
        pick(
            "a secret that makes codes and random choices: no longer than your yes lasts",
            "un secret qui sert à calculer les codes et à faire les choix au hasard : au plus tant que dure votre oui",
        ),
        pick(
            "the latest day on which your yes was used, so that a wrong clock can't extend it: no longer than your yes \
             lasts",
            "le dernier jour où votre oui a servi, pour qu’une horloge déréglée ne le prolonge pas : au plus tant que dure \
             votre oui",
        ),
        pick(
            "your answer and what you were asked, as your record: until this program's data is deleted",
            "votre réponse et ce qui vous a été demandé, pour que vous en ayez la preuve : jusqu’à la suppression des \
             données de ce programme",
        ),
        // What the person gets, and that no feature depends on the answer.
        format!("{} {}", pick("What you get:", "Ce que vous y gagnez :"), about.benefit),
        pick(
            "No feature of this program depends on your answer.",
            "Aucune fonction de ce programme ne dépend de votre réponse.",
        ),
        // How long a grant is valid, and how it is withdrawn.
        format!("{} {}.", pick("A yes is valid for", "Un oui est valable"), days(about.validity_days)),
        pick(
            "You can say no. You can also take back a yes in this program at any time, as easily as you gave it: reporting \
             stops, and data that waits is destroyed. Data that was already sent stays with the recipient until the \
             retention period is over.",
            "Vous pouvez dire non. Vous pouvez aussi revenir sur votre oui dans ce programme à tout moment, aussi \
             facilement que vous l’avez donné : la transmission s’arrête, et les données en attente sont détruites. Les \
             données déjà transmises restent chez le destinataire jusqu’à la fin de la durée de conservation.",
        ),
        // Who receives the data, where it is kept, and how long.
        format!("{} {}, {}", pick("Who receives it:", "Destinataire :"), about.legal_name, about.address),
        format!("contact{} {}", pick(":", " :"), about.contact),
        pick("data-protection officer: ", "délégué à la protection des données : "),
        pick("authority for complaints: ", "autorité auprès de laquelle vous pouvez déposer une réclamation : "),
        pick("processed on their behalf by: ", "sous-traitants : "),
        pick("kept in: ", "pays de conservation : "),
        pick("safeguard for international transfers: ", "mesures de protection pour les transferts internationaux : "),
        pick("passed on to: ", "communication à des tiers : "),
        format!(
            "{} {}.",
            pick("the recipient keeps the data for", "le destinataire conserve ces données pendant"),
            days(about.retention_days)
        ),
        // What is sent, and when.
        pick("What this program would report", "Ce que ce programme transmettrait"),
        format!(
            "{} ({})",
            pick("Each request also names the program", "Chaque envoi indique aussi le programme"),
            about.program
        ),
        pick("Each record has a random number.", "Chaque enregistrement porte un numéro tiré au hasard."),
        pick("It also says one in how many is counted.", "Il indique aussi la proportion de ce qui est compté."),
        pick("Times are rounded down to the day.", "Les dates sont transmises sans l’heure."),
        pick(
            "When: once a day, at a random time of its own, or when the program asks for it.",
            "Envoi : une fois par jour, à un moment tiré au hasard pour ces données, ou à la demande du programme.",
        ),
        // Erasure, explained before the person answers.
        match about.erasure_days {
            Some(n) => format!(
                "{} {}.",
                pick(
                    "If you ask for the sent data to be deleted, the random numbers of those records are sent to the same \
                     recipient, in one request for each batch, at random times within 7 days, with nothing else about \
                     you. The recipient promises to delete the records within",
                    "Si vous demandez l’effacement des données transmises, les numéros tirés au hasard de ces \
                     enregistrements sont envoyés au même destinataire, dans une requête par lot, à des moments tirés \
                     au hasard sur 7 jours, sans rien d’autre à votre sujet. Le destinataire s’engage à effacer ces enregistrements dans un délai de",
                ),
                days(n)
            ),
            None => pick(
                "The recipient can't delete single records before the retention period is over. If you ask for it, \
                 nothing is sent.",
                "Le destinataire ne peut pas effacer des enregistrements un par un avant la fin de la durée de \
                 conservation. Si vous le demandez, rien n’est envoyé.",
            ),
        },
        // The five closed answers.
        pick("Other uses of this data", "Autres utilisations de ces données"),
    ];
    let uses = [
        ("training of machine-learning models", "entraînement de modèles d’apprentissage automatique"),
        (
            "sale, or sharing with others for their own purposes",
            "vente, ou partage avec d’autres pour leurs propres besoins",
        ),
        ("advertising", "publicité"),
        ("profiling of people", "profilage de personnes"),
        ("judging the performance of workers", "évaluation du travail des salariés"),
    ];
    said.extend(uses.into_iter().zip(about.yes).map(|((english, other), yes)| {
        let answer = match yes {
            Some(why) => format!("{}, {why}", pick("YES", "OUI")),
            None => pick("no", "non"),
        };
        format!("- {}{} {answer}", pick(english, other), pick(":", " :"))
    }));
    said
}

/// Puts a text on one line with plain spaces, so that line breaks and narrow spaces don't affect a comparison.
pub(crate) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the required sentences that a notice does not contain.
pub(crate) fn unsaid(notice: &str, french: bool, about: &About<'_>) -> Vec<String> {
    let text = on_one_line(notice);
    must_say(french, about).into_iter().filter(|said| !text.contains(said.as_str())).collect()
}

/// Compares a text with the one kept in `tests/notices` under this name, where people can read it. With `NOTICES=write` in the
/// environment the kept text is written again, and the test fails (in [`nothing_was_written`]), so that a person reads it.
#[track_caller]
pub(crate) fn reads_as_kept(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notices").join(name);
    if std::env::var_os("NOTICES").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let mut lines = kept.split('\n').zip(text.split('\n')).enumerate();
    let first = lines.find(|(_, (kept, now))| kept != now);
    assert!(
        kept == text,
        "tests/notices/{name} is not what people are shown (first: {first:?}): read it, and write it with NOTICES=write"
    );
}

/// Fails if `NOTICES` is set. Call this after all texts were compared.
#[track_caller]
pub(crate) fn nothing_was_written() {
    assert!(std::env::var_os("NOTICES").is_none(), "written: read them, then run this again without NOTICES");
}
