//! A person's receipts: every decision of a store, with the texts it names, to keep elsewhere. Only reads: it changes,
//! sends and writes nothing. The host program writes the file, where the person wants it.

use crate::consent::{
    agreement::contract::Contract,
    proof::parts::{FORM, Parts},
    proof::vocabulary,
    records::entry::{EVERY_SCOPE, Line},
    records::ledger::{LEDGER_MOST, Ledger},
    records::reading::Records,
    records::tombstone::Tombstone,
};
use crate::{
    ambient::Time,
    clean,
    error::{At, Error, Kind},
};
use std::{collections::BTreeMap, fmt};

/// All decisions of one store, oldest first, with the contracts and notices they name.
///
/// `Display` is for people, [`Receipts::to_json`] is for files and for [`verify`](crate::consent::verify()). It belongs
/// to the person: none of it is ever sent, and only the host program writes it anywhere.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// consent::grant(USAGE.shown(&consent::notice(USAGE)?).via("settings/privacy"))?;
/// consent::withdraw(USAGE)?;
///
/// let receipts = consent::receipts()?;
/// assert_eq!(receipts.len(), 2);
/// println!("{receipts}");                        // on a page of the program
/// # let file = home.path().join("receipts.json");
/// std::fs::write(&file, receipts.to_json())?;    // where the person wants it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Receipts {
    pub(in crate::consent) parts: Parts,
    /// The titles of the scopes, as far as this program knows them.
    titles: BTreeMap<String, String>,
}

/// Every decision of this store. Does not wait for other processes: a decision that is being written is either
/// included or not.
///
/// # Errors
/// The store can't be used, or a file of it can't be read; or the history kept changing while it was read.
pub(in crate::consent) fn receipts(ledger: &Ledger, program: &[Contract], now: Time) -> Result<Receipts, Error> {
    ledger.is_usable()?;
    let (records, bytes) = records_and_bytes(ledger)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.split_inclusive('\n');
    let (mut trouble, mut unwritten) = (None, Vec::new());
    let mut lines: Vec<String> = match &records {
        Records::Nothing => Vec::new(),
        // Exported unchanged: `verify` reports what is wrong with it.
        Records::Closed(why) | Records::Refused(_, why) => {
            trouble = Some((*why).to_owned());
            lines.map(Into::into).collect()
        }
        Records::Sound(sound) => {
            let is_yes = |scope: &str| sound.entry(scope).is_some_and(|entry| entry.decision.opens());
            let withdrawn = sound.revoked.iter().filter(|(scope, said)| Tombstone::is_persons(said) && is_yes(scope));
            unwritten = withdrawn.map(|(scope, _)| scope.clone()).collect();
            // Half a line, and a grant that never came into force, were not decided. A withdrawal whose line is
            // still to be appended was decided, and the next start appends exactly this line.
            let whole = lines.filter(|line| line.ends_with('\n')).map(Into::into);
            let pending = sound.snapshot.pending.as_ref().filter(|_| sound.behind).map(Line::text);
            whole.chain(pending).take(usize::try_from(sound.snapshot.lines).unwrap_or(usize::MAX)).collect()
        }
    };
    for line in &mut lines {
        if line.ends_with('\n') {
            line.pop();
        }
    }
    let (mut contracts, mut notices) = (BTreeMap::new(), BTreeMap::new());
    for line in lines.iter().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        for (digest, kept) in [(line.contract, &mut contracts), (line.notice, &mut notices)] {
            // A line may hold anything that was written into the file. Only a text with the digest it is named by
            // is taken.
            if let Some(digest) = digest
                && let Some(text) = ledger.text(&digest)?
            {
                kept.insert(digest, text);
            }
        }
    }
    let titles = program.iter().map(|contract| (contract.scope.name().into(), contract.scope.title().into()));
    let parts = Parts {
        form: FORM.into(),
        application: ledger.application.clone(),
        made_by: env!("CARGO_PKG_VERSION").into(),
        made_at: now.rfc3339(),
        trouble,
        unwritten,
        lines,
        contracts,
        notices,
    };
    Ok(Receipts { parts, titles: titles.collect() })
}

/// The records, and the history's bytes at the same time.
///
/// # Errors
/// A file can't be read. Or three attempts in a row found records and history that do not fit each other.
fn records_and_bytes(ledger: &Ledger) -> Result<(Records, Vec<u8>), Error> {
    let path = ledger.ledger_path();
    for _ in 0..3 {
        let records = ledger.read()?;
        let bytes = ledger.files().contents(&path, LEDGER_MOST).found().at("read", &path)?.unwrap_or_default();
        // Another process may have recorded a decision between the two reads.
        let fits = match &records {
            Records::Sound(sound) => {
                count(&bytes) + u64::from(sound.behind) == sound.snapshot.lines + u64::from(sound.ahead)
            }
            Records::Nothing => bytes.is_empty(),
            Records::Closed(_) | Records::Refused(..) => true,
        };
        if fits {
            return Ok((records, bytes));
        }
    }
    Err(Kind::Locked { path }.into())
}

/// How many whole lines there are.
fn count(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

impl Receipts {
    /// How many decisions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.lines.len()
    }

    /// Whether nothing was ever decided.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.lines.is_empty()
    }

    /// The export as JSON-LD: it uses the names of ISO/IEC TS 27560:2023, mapped to the W3C Data Privacy Vocabulary and
    /// Dublin Core. Under `candor` it holds the lines of the history byte for byte, with the contracts.
    /// [`verify`](crate::consent::verify()) needs nothing else.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json =
            clean::json(&serde_json::to_string_pretty(&vocabulary::document(&self.parts)).unwrap_or_default());
        json.push('\n');
        json
    }
}

/// A decision in words for people.
fn words(decision: &str) -> &str {
    match decision {
        "granted" => "yes",
        "denied" => "no",
        "withdrawn" => "the yes was taken back",
        "narrowed" => "the yes is still in force; what was pending was destroyed",
        "expired" => "the yes ended with its last day",
        "void" => "the yes before it never came into force",
        "lost" => "the records were lost or damaged, which counts as a no",
        "deferred" => "later",
        "kept" => "what was agreed before was kept, and nothing new allowed",
        "revoked" => "the yes was ended by the program",
        "ask_no_more" => "no questions any more when a version would do more",
        "ask_again" => "questions again when a version would do more",
        other => other,
    }
}

impl fmt::Display for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.parts;
        let mut out = format!("What was decided in {}\n  as of {}\n", parts.application, parts.made_at);
        if parts.lines.is_empty() {
            out.push_str(match (&parts.trouble, parts.unwritten.is_empty()) {
                (None, true) => "\nNobody was asked, and nothing was decided.\n",
                (None, false) => "",
                (Some(_), _) => "\nWhat was decided can't be shown: nothing of the history could be read.\n",
            });
        }
        if let Some(trouble) = &parts.trouble {
            out.push_str(&format!("\nThese records can't be relied on, so reporting is off: {trouble}.\n"));
        }
        let mut shown: Vec<&String> = Vec::new();
        for (number, text) in (1..).zip(&parts.lines) {
            let Ok(line) = serde_json::from_str::<serde_json::Value>(text) else {
                out.push_str(&format!("\n{number}. This line can't be read.\n"));
                continue;
            };
            let text = |key: &str| line.get(key).and_then(serde_json::Value::as_str);
            // Cleaned to be part of one line, whatever was written into the file.
            let said = |key: &str| text(key).map(clean::line);
            let or = |key: &str, other: &str| said(key).unwrap_or_else(|| other.to_owned());
            let scope = or("scope", "?");
            let decision = or("decision", "?");
            let decision = words(&decision);
            let title = self.titles.get(scope.as_str()).map_or(String::new(), |title| format!("{title}, "));
            let scope = if scope == EVERY_SCOPE { "all kinds of reports" } else { scope.as_str() };
            out.push_str(&format!("\n{number}. {}  {title}{scope}: {decision}\n", or("at", "?")));
            if text("decision") == Some("granted") {
                out.push_str(&format!("   how        {}\n", or("via", "not recorded how")));
            }
            if text("decision") == Some("revoked") {
                out.push_str(&format!("   why        {}\n", or("via", "not said")));
            }
            let details = |key: &str| line.get("besides").and_then(|details| details.get(key));
            if details("own_words").is_some() {
                out.push_str(
                    "   asked      in words of the program's own, which nobody compared with what was agreed\n",
                );
            }
            let off = details("without").and_then(serde_json::Value::as_array);
            for field in off.into_iter().flatten().filter_map(serde_json::Value::as_str) {
                out.push_str(&format!("   without    {}\n", clean::line(field)));
            }
            if let Some(until) = said("until") {
                out.push_str(&format!("   valid      until the end of {until}, or until it is taken back\n"));
            }
            if let Some((digest, _)) = text("notice").and_then(|digest| parts.notices.get_key_value(digest)) {
                let at = shown.iter().position(|known| *known == digest).unwrap_or_else(|| {
                    shown.push(digest);
                    shown.len() - 1
                });
                out.push_str(&format!("   text       {} below\n", at + 1));
            } else if text("notice").is_some() {
                out.push_str("   text       lost\n");
            }
            out.push_str(&format!("   proof      {}\n", or("hash", "?")));
        }
        for scope in &parts.unwritten {
            out.push_str(&format!(
                "\n-  {}: the yes was taken back, which could not be written down yet\n",
                clean::line(scope)
            ));
        }
        for (number, digest) in (1..).zip(shown) {
            let text = parts.notices.get(digest).map_or("", String::as_str);
            out.push_str(&format!("\nText {number}\n------\n{}\n", text.trim_end()));
        }
        f.write_str(&clean::text(&out))
    }
}
