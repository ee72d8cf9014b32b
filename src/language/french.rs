//! candor's own sentences in French. Holds only words, and never decides what is shown. They are typed with plain
//! spaces and apostrophes; `typeset_french` replaces these by the characters of French typography.

use super::sentence::Say;

/// The plural form in French: 0 for zero and one, 1 for every other number.
pub(super) fn form(n: u64) -> usize {
    usize::from(n >= 2)
}

pub(super) const fn sentence(say: Say) -> &'static str {
    match say {
        Say::Number => "12\u{202f}345,6",
        Say::Date => "{day}/{month}/{year}",
        Say::MegabitsPerSecond => "{n} Mbit/s",
        Say::KilobitsPerSecond => "{n} kbit/s",
        Say::BitsPerSecond => "{n} bit/s",
        Say::Gibibytes => "{n} Gio",
        Say::Mebibytes => "{n} Mio",
        Say::Kibibytes => "{n} Kio",
        Say::Bytes => "{n} {n:octet|octets}",
        Say::Seconds => "{n} s",
        Say::Milliseconds => "{n} ms",
        Say::Minutes => "{n} min",
        Say::Days => "{n} {n:jour|jours}",
        Say::Weeks => "{n} {n:semaine|semaines}",
        Say::Lines => "{n} {n:ligne|lignes}",
        Say::Percent => "{n} %",
        Say::ToUnder => "de {low} à moins de {high}",
        Say::OrMore => "{low} ou plus",
        Say::Through => "de {low} à {high}",
        Say::None => "rien",
        Say::Under => "moins de {high}",
        Say::NotAll => "{low} ou plus, mais pas tout",
        Say::All => "tout",
        Say::Before => "avant {high}",
        Say::ToBefore => "à partir de {low}, mais avant {high}",
        Say::OrLater => "à partir de {low}",
        Say::No => "non",
        Say::Yes => "oui",
        Say::NotSent => "non transmis",
        Say::ACode => "un code",
        Say::Group => "groupe {n} sur {all}",
        Say::YesOrNo => "oui ou non",
        Say::OneOf => "une valeur parmi : {labels}",
        Say::OneStepAtRandom => {
            "arrondi au hasard à l'un des deux paliers les plus proches, parmi ces {n} paliers, pour que les sommes soient \
             justes : {steps}"
        }
        Say::OneStepOf => "arrondi au palier inférieur, parmi ces {n} paliers : {steps}",
        Say::CodeOf => "un code de {bits} bits, calculé avec un secret qui reste sur cet ordinateur",
        Say::OneGroupOf => "l'un des {n} groupes possibles, choisi avec un secret qui reste sur cet ordinateur",
        Say::OneRelease => "l'une des {n} dernières versions du programme, ou plus ancienne, ou autre",
        Say::NextStep => "{first} ; {next}",
        Say::LongSteps => "{first} ; {second} ; {third} ; … ; {last}",
        Say::StepBefore => "avant",
        Say::StepOlder => "plus ancien",
        Say::NextLabel => "{first}, {next}",
        Say::LabelAsSent => "{words} ({label})",
        Say::Other => "autre",
        Say::Night => "nuit",
        Say::Morning => "matin",
        Say::Afternoon => "après-midi",
        Say::Evening => "soir",
        Say::Loopback => "cet ordinateur lui-même",
        Say::Private => "un réseau domestique ou d'entreprise",
        Say::LinkLocal => "uniquement le réseau directement relié",
        Say::GlobalV4 => "une adresse internet (IPv4)",
        Say::GlobalV6 => "une adresse internet (IPv6)",
        Say::Empty => "vide",
        Say::DigitsTo8 => "de 1 à 8 chiffres",
        Say::DigitsTo32 => "de 9 à 32 chiffres",
        Say::DigitsTo128 => "de 33 à 128 chiffres",
        Say::DigitsOver128 => "plus de 128 chiffres",
        Say::AsciiTo8 => "de 1 à 8 caractères simples",
        Say::AsciiTo32 => "de 9 à 32 caractères simples",
        Say::AsciiTo128 => "de 33 à 128 caractères simples",
        Say::AsciiOver128 => "plus de 128 caractères simples",
        Say::UnicodeTo8 => "de 1 à 8 caractères quelconques",
        Say::UnicodeTo32 => "de 9 à 32 caractères quelconques",
        Say::UnicodeTo128 => "de 33 à 128 caractères quelconques",
        Say::UnicodeOver128 => "plus de 128 caractères quelconques",
        Say::Rollup => {
            "compté sur cet ordinateur ; seuls les totaux de la journée sont transmis, chacun arrondi au hasard à l'un \
             des deux paliers voisins, pour que les sommes restent justes : 1, 2, 3, 5, 9, 17, 33 et ainsi de suite, \
             jusqu'à 1\u{202f}048\u{202f}577"
        }
        Say::RollupOfWeek => {
            "compté sur cet ordinateur ; seuls les totaux d'une semaine (du lundi au dimanche) sont transmis, chacun \
             arrondi au hasard à l'un des deux paliers voisins, pour que les sommes restent justes : 1, 2, 3, 5, 9, 17, \
             33 et ainsi de suite, jusqu'à 1\u{202f}048\u{202f}577"
        }
        Say::RollupOfMonth => {
            "compté sur cet ordinateur ; seuls les totaux d'un mois sont transmis, chacun arrondi au hasard à l'un des \
             deux paliers voisins, pour que les sommes restent justes : 1, 2, 3, 5, 9, 17, 33 et ainsi de suite, \
             jusqu'à 1\u{202f}048\u{202f}577"
        }
        Say::RollupSooner => "plus souvent qu'une fois par mois, pour la raison suivante : {reason}",
        Say::OnceADay => "un seul enregistrement par jour au plus, sans code, quel que soit le nombre d'occurrences",
        Say::OnceAWeek => {
            "un seul enregistrement par semaine (du lundi au dimanche) au plus, sans code, quel que soit le nombre \
             d'occurrences"
        }
        Say::OnceAMonth => "un seul enregistrement par mois au plus, sans code, quel que soit le nombre d'occurrences",
        Say::SnapshotOfWeek => {
            "une fois par semaine (du lundi au dimanche) au plus, quand elle est finie ; chaque ligne est un enregistrement \
             distinct, sans code"
        }
        Say::SnapshotOfMonth => {
            "une fois par mois au plus, quand il est fini ; chaque ligne est un enregistrement distinct, sans code"
        }
        Say::ForEach => "pour chacun : {keys}",
        Say::Smallest => "la plus petite valeur de la période",
        Say::Mean => "la moyenne des valeurs de la période",
        Say::Largest => "la plus grande valeur de la période",
        Say::ValuesOfFirst => "avec les valeurs de la première fois",
        Say::ValuesOfLast => "avec les valeurs de la dernière fois",
        Say::NoLinkage => {
            "chaque occurrence est transmise séparément, sans code ; celles d'une même journée arrivent ensemble"
        }
        Say::Session => "les codes restent les mêmes jusqu'à la fermeture du programme ou la fin de la journée",
        Say::Day => "les codes restent les mêmes pendant une journée",
        Say::Week => "les codes restent les mêmes pendant une semaine",
        Say::Month => "les codes restent les mêmes pendant un mois",
        Say::ItemAll => "tous sont comptés ; la valeur elle-même n'est ni conservée ni transmise",
        Say::ItemAllBecause => {
            "tous sont comptés, pour la raison suivante : {reason} ; la valeur elle-même n'est ni conservée ni \
             transmise"
        }
        Say::ItemFew => {
            "un sur {n} seulement peut être compté un jour, toujours les mêmes ; parmi ceux-ci, un sur {months} est compté, \
             d'autres chaque mois ; un secret gardé sur cet ordinateur les choisit ; la valeur elle-même n'est ni conservée ni \
             transmise"
        }
        Say::ItemFewBecause => {
            "un sur {n} seulement est compté, pour la raison suivante : {reason} ; ce sont toujours les mêmes, choisis \
             avec un secret gardé sur cet ordinateur ; la valeur elle-même n'est ni conservée ni transmise"
        }
        Say::NotContent => "n'est pas traité comme un contenu que vous consultez, pour la raison suivante : {reason}",
        Say::Exact => "certains nombres sont transmis tels quels, pour la raison suivante : {reason}",
        Say::Why => "Pourquoi : {purpose}",
        Say::Benefit => "Ce que vous y gagnez : {benefit}.",
        Say::NoFeature => "Aucune fonction de ce programme ne dépend de votre réponse.",
        Say::Reports => "Ce que ce programme transmettrait",
        Say::Event => "{doc} ({name})",
        Say::Until => "jusqu'au {day} inclus",
        Say::Field => "{name} : {doc}",
        Say::LeftOut => "omis si la valeur n'est pas connue",
        Say::NothingYet => "rien pour l'instant : cette version du programme ne transmet rien de ce genre",
        Say::Stays => {
            "Réunies, ces données peuvent dire {n} choses différentes sur ce qui reste le même sur votre ordinateur. Moins \
             il y en a, plus il y a d'ordinateurs qui disent la même chose que le vôtre."
        }
        Say::StaysInParts => {
            "Votre ordinateur n'en transmet qu'une partie sur {panels}, choisie par un secret gardé sur votre ordinateur."
        }
        Say::StaysMore => "Elles peuvent en dire plus que d'habitude, pour la raison suivante : {reason}.",
        Say::Envelope => {
            "Chaque envoi indique aussi le programme ({program}), le logiciel qui transmet (candor, avec sa version et \
             son langage de programmation), la catégorie de données avec sa révision, et la durée pendant laquelle \
             elles peuvent être conservées. Chaque enregistrement porte un numéro tiré au hasard. Il indique \
             aussi la proportion de ce qui est compté."
        }
        Say::CutToDay => "Les dates sont transmises sans l'heure.",
        Say::Receiver => "Destinataire : {name}, {address} ({country})",
        Say::At => "à l'adresse {endpoint}",
        Say::Contact => "contact : {contact}",
        Say::Officer => "délégué à la protection des données : {officer}",
        Say::NoOfficer => "délégué à la protection des données : aucun",
        Say::Authority => "autorité auprès de laquelle vous pouvez déposer une réclamation : {authority}",
        Say::NoAuthority => "autorité auprès de laquelle vous pouvez déposer une réclamation : non indiquée",
        Say::Processors => "sous-traitants : {list}",
        Say::NoProcessors => "sous-traitants : aucun",
        Say::Countries => "pays de conservation : {list}",
        Say::NoCountries => "pays de conservation : aucun n'est indiqué",
        Say::Safeguard => "mesures de protection pour les transferts internationaux : {safeguard}",
        Say::NoSafeguard => "mesures de protection pour les transferts internationaux : aucune",
        Say::PassedOn => "communication à des tiers : {list}",
        Say::NotPassedOn => "communication à des tiers : aucune",
        Say::AddressNotKept => {
            "votre adresse réseau (adresse IP) : le destinataire la voit, comme pour toute connexion, et ne la \
             conserve pas"
        }
        Say::AddressKept => {
            "votre adresse réseau (adresse IP) : le destinataire la voit, comme pour toute connexion, et la conserve \
             pendant {days} {days:jour|jours}"
        }
        Say::Retention => "Durée : le destinataire conserve ces données pendant {days} {days:jour|jours}.",
        Say::Schedule => {
            "Envoi : une fois par jour, à un moment tiré au hasard pour ces données, ou à la demande du programme."
        }
        Say::Here => "Ce qui est conservé sur cet ordinateur",
        Say::HereWaiting => "les données en attente d'envoi : {days} {days:jour|jours} au plus",
        Say::HereCounts => {
            "les décomptes en cours, ou un décompte égal à un qui en attend d'autres pour être envoyé avec eux : {days} \
             {days:jour|jours} au plus"
        }
        Say::HereTold => {
            "le jour, la semaine ou le mois où une donnée transmise une seule fois l'a été : au plus tant que dure votre oui"
        }
        Say::HereSent => "une copie de ce qui a été transmis, pour vous : {days} {days:jour|jours}",
        Say::HereNames => {
            "les numéros tirés au hasard des enregistrements transmis, pour que vous puissiez faire effacer ces \
             enregistrements : {days} {days:jour|jours}"
        }
        Say::HereSecret => {
            "un secret qui sert à calculer les codes et à faire les choix au hasard : au plus tant que dure votre oui"
        }
        Say::HereDay => {
            "le dernier jour où votre oui a servi, pour qu'une horloge déréglée ne le prolonge pas : au plus tant que dure \
             votre oui"
        }
        Say::HereAnswer => {
            "votre réponse et ce qui vous a été demandé, pour que vous en ayez la preuve : jusqu'à la suppression des \
             données de ce programme"
        }
        Say::Uses => "Autres utilisations de ces données",
        Say::UseNo => "{what} : non",
        Say::UseYes => "{what} : OUI, {why}",
        Say::UseTraining => "entraînement de modèles d'apprentissage automatique",
        Say::UseSale => "vente, ou partage avec d'autres pour leurs propres besoins",
        Say::UseAdvertising => "publicité",
        Say::UseProfiling => "profilage de personnes",
        Say::UseWorkers => "évaluation du travail des salariés",
        Say::Never => "{promise} : jamais",
        Say::Validity => {
            "Un oui est valable {days} {days:jour|jours}. Ensuite, la transmission s'arrête, les données en attente ne \
             sont pas transmises, et la question peut vous être posée de nouveau."
        }
        Say::Withdraw => {
            "Vous pouvez dire non. Vous pouvez aussi revenir sur votre oui dans ce programme à tout moment, aussi \
             facilement que vous l'avez donné : la transmission s'arrête, et les données en attente sont détruites. \
             Les données déjà transmises restent chez le destinataire jusqu'à la fin de la durée de conservation."
        }
        Say::Erase => {
            "Si vous demandez l'effacement des données transmises, les numéros tirés au hasard de ces enregistrements \
             sont envoyés au même destinataire, dans une requête par lot, à des moments tirés au hasard sur 7 jours, \
             sans rien d'autre à votre sujet. Le destinataire s'engage à effacer ces enregistrements dans un délai de {days} {days:jour|jours}."
        }
        Say::NoErase => {
            "Le destinataire ne peut pas effacer des enregistrements un par un avant la fin de la durée de \
             conservation. Si vous le demandez, rien n'est envoyé."
        }
    }
}
