//! Administrators' rules: files that can only forbid, coarsen and shorten.
//!
//! Several files can apply together, for the whole system and for one user. What is allowed is what all of them allow.
//!
//! A file that was read and contains something unknown to this version, or that was seen and can't be used, forbids
//! everything, because its author meant to forbid something. A file that can't be read now is not a rule: it closes every
//! scope for the moment, and destroys nothing. A file can never grant, hide, lengthen or redirect anything, because the format
//! has no key for that.

use crate::consent::{
    agreement::schema::ContractSchema,
    constraints::block::{Block, shown},
    constraints::limits::{Limits, Remaining},
    json::parse_strict,
    records::failed::Failed,
};
use crate::{
    disk::{self, Files, Look, StatKind},
    mutants::{self, Mutant},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

/// The largest rule file that is read, in bytes. More than a rule needs.
const FILE_MOST: u64 = 64 << 10;
/// The most rule files in one directory. More than an administrator can keep track of.
const FILES_MOST: usize = 64;
/// The most characters of a path, and of the reason why a file can't be read, that a person is shown. The file's author
/// controls the text of both.
const PATH_MOST: usize = 240;
const WHY_MOST: usize = 160;
/// The number of the file format that this version reads.
const FORM: u32 = 1;

/// The content of one rule file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    /// The number of the file format: 1.
    candor_policy: u32,
    /// The rule's name, which the person is shown.
    rule: String,
    /// The ids of the applications that it applies to; all applications if absent.
    #[serde(default)]
    applications: Option<BTreeSet<String>>,
    #[serde(default)]
    forbid: Forbid,
    /// Fields, as `event.field`, with the steps or labels that are left of each.
    #[serde(default)]
    coarsen: BTreeMap<String, Remaining>,
    /// The most days for which a grant is valid.
    #[serde(default)]
    validity_days: Option<u32>,
    /// Whether the program is forbidden to ask on its own initiative.
    #[serde(default)]
    no_prompts: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forbid {
    #[serde(default)]
    everything: bool,
    #[serde(default)]
    scopes: BTreeSet<String>,
    /// URLs of endpoints, or their hosts.
    #[serde(default)]
    recipients: BTreeSet<String>,
    #[serde(default)]
    events: BTreeSet<String>,
    #[serde(default)]
    fields: BTreeSet<String>,
}

/// The rules that apply to this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Policies {
    rules: Vec<(PathBuf, Policy)>,
    unreadable: Option<String>,
}

/// The result of reading all directories once.
#[derive(Debug, Clone, Default)]
pub(in crate::consent) struct Looked {
    pub(in crate::consent) policies: Policies,
    /// The paths of files that may be meant as rules, but whose names do not make them rules.
    pub(in crate::consent) ignored: Vec<String>,
}

impl Looked {
    /// Reads every `*.json` in these directories, except those whose names begin with a dot. A directory that does not exist has
    /// no rules.
    ///
    /// # Errors
    /// A directory or a file can't be read now. The rules in the others may not be all.
    pub(crate) fn at(files: &Files, directories: &[PathBuf], application: &str) -> Result<Self, Failed> {
        let Looked { mut policies, mut ignored } = Looked::default();
        for directory in directories {
            let names = match files.list(directory) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    is_absent(files, directory)?;
                    Vec::new()
                }
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => match files.examine(directory) {
                    // The path is a file instead of a directory. It may be meant as a rule.
                    Look::Read(stat) if stat.kind != StatKind::Dir => {
                        policies.refuse(directory, &error.to_string());
                        continue;
                    }
                    // A parent of the path is a file, so the directory does not exist.
                    Look::Failed(below) if below.kind() == io::ErrorKind::NotADirectory => Vec::new(),
                    _ => return Err(Failed::of(directory, error)),
                },
                Err(error) if disk::refusal(&error).is_some() => {
                    policies.refuse(directory, &error.to_string());
                    continue;
                }
                Err(error) if mutants::on(Mutant::FailureIsRule) => {
                    policies.refuse(directory, &error.to_string());
                    continue;
                }
                Err(error) => return Err(Failed::of(directory, error)),
            };
            let (mut names, others): (Vec<String>, Vec<String>) =
                names.into_iter().partition(|name| name.ends_with(".json") && !name.starts_with('.'));
            names.sort();
            let meant = others.into_iter().filter(|name| name.to_ascii_lowercase().contains(".json"));
            let path = |name: String| shown(&directory.join(name).display().to_string(), PATH_MOST);
            ignored.extend(meant.take(FILES_MOST).map(path));
            if names.len() > FILES_MOST {
                policies.refuse(directory, "it holds more than 64 files");
                continue;
            }
            for name in names {
                let path = directory.join(&name);
                if name.contains(char::REPLACEMENT_CHARACTER) {
                    policies.refuse(&path, "its name is no text");
                    continue;
                }
                match read(files, &path)? {
                    Ok(policy) if policy.is_about(application) => policies.rules.push((path, policy)),
                    Ok(_) => {}
                    Err(why) => policies.refuse(&path, &why),
                }
            }
        }
        ignored.sort();
        Ok(Looked { policies, ignored })
    }
}

/// Checks that a directory that could not be listed is really absent, and not only out of reach for now.
///
/// # Errors
/// The directory or its parent is a link whose target can't be listed. The target may be absent only for now, such as a share that is
/// not mounted, so the rules in it are unknown. Or the directory exists by now, or it or its parent can't be examined.
fn is_absent(files: &Files, directory: &Path) -> Result<(), Failed> {
    // The directories further up belong to the system or the person. candor does not judge them.
    for step in directory.ancestors().take(2) {
        match files.examine(step) {
            Look::Absent => {}
            // The parent is a link that works, as dotfile managers make them. The directory is not in its target.
            Look::Read(stat) if stat.kind == StatKind::Link && step != directory && files.list(step).is_ok() => break,
            Look::Read(stat) if stat.kind == StatKind::Link => {
                let why = io::Error::new(io::ErrorKind::NotFound, "it is a link to nothing");
                return Err(Failed::of(step, why));
            }
            // It was created after the attempt to list it.
            Look::Read(_) if step == directory => return Err(Failed::of(step, io::ErrorKind::NotFound.into())),
            Look::Read(_) | Look::Refused(_) => break,
            Look::Failed(error) => return Err(Failed::of(step, error)),
        }
    }
    Ok(())
}

impl Policies {
    /// Makes policies from the bytes of rule files. A file that is not a valid rule forbids everything.
    #[cfg(any(test, fuzzing))]
    pub(in crate::consent) fn of_bytes(rules: &[&[u8]]) -> Self {
        let mut policies = Policies::default();
        for (at, rule) in rules.iter().enumerate() {
            let path = PathBuf::from(format!("{at}.json"));
            match parse(rule) {
                Ok(policy) => policies.rules.push((path, policy)),
                Err(why) => policies.refuse(&path, &why),
            }
        }
        policies
    }

    #[cfg(test)]
    pub(crate) fn of(rules: &[&serde_json::Value]) -> Self {
        let mut policies = Policies::default();
        for rule in rules {
            match serde_json::from_value((*rule).clone()) {
                Ok(policy) => policies.rules.push((PathBuf::from("rule.json"), policy)),
                Err(error) => policies.refuse(Path::new("rule.json"), &error.to_string()),
            }
        }
        policies
    }

    fn refuse(&mut self, path: &Path, why: &str) {
        let (path, why) = (shown(&path.display().to_string(), PATH_MOST), shown(why, WHY_MOST));
        self.unreadable.get_or_insert(format!("administrators' rules that can't be read ({path}: {why})"));
    }

    /// What closes every scope, if anything does.
    pub(crate) fn block(&self) -> Option<Block> {
        let all = |(path, policy): &(PathBuf, Policy)| policy.forbid.everything.then(|| Block(policy.named(path)));
        self.unreadable.clone().map(Block).or_else(|| self.rules.iter().find_map(all))
    }

    /// What closes the scope of this contract, if anything does.
    pub(crate) fn block_of(&self, build: &ContractSchema) -> Option<Block> {
        let closes = |(path, policy): &(PathBuf, Policy)| policy.closes(build).then(|| Block(policy.named(path)));
        self.block().or_else(|| self.rules.iter().find_map(closes))
    }

    /// The rule that forbids the program to ask on its own initiative, if there is one.
    pub(in crate::consent) fn no_prompts(&self) -> Option<String> {
        self.rules.iter().find(|(_, policy)| policy.no_prompts).map(|(path, policy)| policy.named(path))
    }

    /// The limits that all rules together set for a scope.
    pub(crate) fn limits(&self, build: &ContractSchema) -> Limits {
        self.rules.iter().fold(Limits::default(), |left, (_, policy)| left.meet(policy.limits(build)))
    }

    /// What limits a scope and by which rule, in words for the person.
    pub(in crate::consent) fn words(&self, build: &ContractSchema) -> Vec<String> {
        let mut words = Vec::new();
        for (path, policy) in &self.rules {
            let by = policy.named(path);
            let forbid = &policy.forbid;
            if forbid.everything || policy.closes(build) {
                words.push(format!("{by}: all of it is off"));
            }
            for event in &build.events {
                if forbid.events.contains(&event.name) {
                    words.push(format!("{by}: {} is left out", event.name));
                }
                for field in &event.fields {
                    let name = format!("{}.{}", event.name, field.name);
                    if forbid.fields.contains(&name) {
                        words.push(format!("{by}: {name} is left out"));
                    }
                    if policy.coarsen.contains_key(&name) {
                        words.push(format!("{by}: {name} is coarser"));
                    }
                }
            }
            if let Some(days) = policy.validity_days {
                words.push(format!("{by}: a yes is valid for {days} days at most"));
            }
            if policy.no_prompts {
                words.push(format!("{by}: the program does not ask of its own accord"));
            }
        }
        words
    }
}

impl Policy {
    fn is_about(&self, application: &str) -> bool {
        self.applications.as_ref().is_none_or(|applications| applications.contains(application))
    }

    fn named(&self, path: &Path) -> String {
        format!("your administrator's rule \"{}\" ({})", self.rule, shown(&path.display().to_string(), PATH_MOST))
    }

    fn closes(&self, build: &ContractSchema) -> bool {
        let recipient = |given: &String| is_recipient(given, &build.endpoint);
        self.forbid.scopes.contains(&build.scope) || self.forbid.recipients.iter().any(recipient)
    }

    /// The limits that this rule sets for a scope. Events of other scopes are ignored.
    fn limits(&self, build: &ContractSchema) -> Limits {
        let own = |name: &str| build.events.iter().any(|event| event.name == name);
        let own_field = |path: &String| path.rsplit_once('.').is_some_and(|(event, _)| own(event));
        Limits {
            forbidden: self.forbid.everything || self.closes(build),
            events: self.forbid.events.iter().filter(|name| own(name)).cloned().collect(),
            fields: self.forbid.fields.iter().filter(|path| own_field(path)).cloned().collect(),
            coarser: self
                .coarsen
                .iter()
                .filter(|(path, _)| own_field(path))
                .map(|(path, left)| (path.clone(), vec![left.clone()]))
                .collect(),
            validity_days: self.validity_days,
        }
    }
}

/// Whether a rule names this endpoint: by its URL, with or without `/v1/logs`, or by its host, with or without the port.
fn is_recipient(given: &str, endpoint: &str) -> bool {
    let given = given.trim().trim_end_matches('/').to_ascii_lowercase();
    let endpoint = endpoint.trim_end_matches('/').to_ascii_lowercase();
    let authority =
        endpoint.split_once("://").map_or(&*endpoint, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let base = endpoint.strip_suffix("/v1/logs").unwrap_or(&endpoint);
    [&*endpoint, base, authority, host, host.trim_matches(['[', ']'])].contains(&&*given)
}

/// Reads one file. The inner error says why the file can't be used as a rule; the outer one, that it can't be read now.
fn read(files: &Files, path: &Path) -> Result<Result<Policy, String>, Failed> {
    match files.read_shared(path, FILE_MOST) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) => match disk::refusal(&error) {
            Some(why) => Ok(Err(why.to_owned())),
            None => Err(Failed::of(path, error)),
        },
    }
}

fn parse(bytes: &[u8]) -> Result<Policy, String> {
    // Check the format number first, because a newer format may have keys that this version does not know.
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match value.get("candor_policy").and_then(serde_json::Value::as_u64) {
        Some(form) if form == u64::from(FORM) => {}
        Some(form) => return Err(format!("its format is {form}, but this version reads format {FORM}")),
        None => return Err(format!("it does not begin with \"candor_policy\": {FORM}")),
    }
    // If a key occurs twice, only the last one would apply, and what the first one forbids would be lost.
    if std::str::from_utf8(bytes).ok().and_then(parse_strict).is_none() {
        return Err("it has a key twice".into());
    }
    let mut policy: Policy = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    policy.rule = shown(&policy.rule, 80);
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_known_by_every_way_to_write_it_and_no_other_is() {
        let known: [(&str, &[&str]); 4] = [
            (
                "https://t.example.org/v1/logs",
                &[
                    "t.example.org",
                    "T.Example.ORG ",
                    "https://t.example.org",
                    "https://t.example.org/",
                    "HTTPS://t.example.org/v1/logs/",
                ],
            ),
            (
                "https://t.example.org:4318/in/v1/logs",
                &[
                    "t.example.org",
                    "t.example.org:4318",
                    "https://t.example.org:4318/in",
                    "https://t.example.org:4318/in/v1/logs",
                ],
            ),
            ("http://[::1]:4318/v1/logs", &["::1", "[::1]", "[::1]:4318", "http://[::1]:4318"]),
            ("https://[::1]/v1/logs", &["::1", "[::1]"]),
        ];
        for (endpoint, names) in known {
            for given in names {
                assert!(is_recipient(given, endpoint), "{given} is {endpoint}");
            }
            for given in [
                "",
                "org",
                "example.org",
                "a.t.example.org",
                "t.example.org:1",
                "https://t.example.org/out",
                "::",
                "::2",
            ] {
                assert!(!is_recipient(given, endpoint), "{given} is not {endpoint}");
            }
        }
    }
}
