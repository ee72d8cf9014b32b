//! `candor agreed` and `candor withdraw`: show a person's grants to a program on this computer, and withdraw one
//! without that program's help. Uses the public functions of the library, as a program that declares nothing and so can
//! record and send nothing. It can withdraw consent, and never grants it.

use crate::{
    args::{Agreed, Program, Withdraw},
    error::{Error, Result, did_you_mean},
};
use candor::{
    __private::clean_line, AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Parcel, SendError,
    Transport, consent::Undeclared,
};
use serde_json::Value;
use std::fmt::Write as _;

/// A configuration must name a controller. Nothing is recorded here, so there is none.
const NOBODY: Controller = Controller::new("nobody: this program reports nothing", "nobody", "ZZ")
    .address("nowhere")
    .processors(&[])
    .onward_sharing(&[])
    .address_log(AddressLog::NotKept)
    .erasure(Erasure::Unsupported);

struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Parcel<'_>) -> std::result::Result<Answer, SendError> {
        Err(SendError::Network("this program sends nothing".into()))
    }
}

fn open(program: &Program) -> Result<Client> {
    let mut config = Config::new(&program.application, NOBODY, Audience::Adults).transport("nowhere", Nowhere);
    if let (Some(data), Some(marks)) = (&program.data, &program.config) {
        config = config.directories(data, marks);
    }
    Client::new(config).map_err(|error| Error::Input(error.to_string()))
}

fn read(client: &Client) -> Result<Vec<Undeclared>> {
    client.undeclared().map_err(|error| Error::Input(error.to_string()))
}

fn place(client: &Client) -> String {
    client.manifest().map(|manifest| clean_line(&manifest.store.display().to_string())).unwrap_or_default()
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    let mut json = serde_json::to_string_pretty(value).map_err(|error| Error::Input(error.to_string()))?;
    json.push('\n');
    Ok(json)
}

/// Returns the text to print.
pub(crate) fn agreed(asked: &Agreed) -> Result<String> {
    let client = open(&asked.program)?;
    let all = read(&client)?;
    if asked.json {
        return json(&all);
    }
    let (application, place) = (&asked.program.application, place(&client));
    if all.is_empty() {
        return Ok(format!("{application}: nothing is agreed to (records: {place})\n"));
    }
    let places = match (&asked.program.data, &asked.program.config) {
        (Some(data), Some(config)) => {
            let [data, config] = [data, config].map(|path| clean_line(&path.display().to_string()));
            format!(" --data {data} --config {config}")
        }
        _ => String::new(),
    };
    let mut out = format!("{application}: agreed to (records: {place})\n");
    for yes in &all {
        let until = yes
            .until
            .as_deref()
            .map(|until| format!(", valid until the end of {}", clean_line(until)))
            .unwrap_or_default();
        let via = clean_line(yes.via.as_deref().unwrap_or("how is not recorded"));
        let _ = writeln!(out, "\n{}\n  since   {}{until} ({via})", clean_line(&yes.name), clean_line(&yes.since));
        if let Some(contract) = &yes.contract {
            let text =
                |path: &str| clean_line(contract.pointer(path).and_then(Value::as_str).unwrap_or("not readable"));
            let _ = writeln!(out, "  to      {}, at {}", text("/controller/legal_name"), text("/endpoint"));
            for event in contract["events"].as_array().into_iter().flatten() {
                let names = |value: &Value| clean_line(value["name"].as_str().unwrap_or("not readable"));
                let fields: Vec<String> = event["fields"].as_array().into_iter().flatten().map(names).collect();
                let _ = writeln!(out, "  what    {}: {}", names(event), fields.join(", "));
            }
        }
        let _ = writeln!(out, "  take it back with: candor withdraw {application} {}{places}", yes.name);
    }
    Ok(out)
}

/// Returns the text to print, and whether the withdrawal is confirmed: no process can send any more data of the scope.
pub(crate) fn withdraw(asked: &Withdraw) -> Result<(String, bool)> {
    let client = open(&asked.program)?;
    // A withdrawal must work with unreadable records too, because the program may still be able to use them.
    if let Ok(all) = read(&client)
        && !all.iter().any(|yes| yes.name == asked.scope)
    {
        let (application, scope) = (&asked.program.application, &asked.scope);
        let hint = did_you_mean(scope, all.iter().map(|yes| yes.name.as_str()));
        return Err(Error::Usage(format!(
            "nothing named `{scope}` is agreed to in {application}.{hint} `candor agreed {application}` lists what is"
        )));
    }
    let receipt = client.withdraw_undeclared(&asked.scope).map_err(|error| Error::Input(error.to_string()))?;
    let text = if asked.json { json(&receipt)? } else { receipt.to_string() };
    Ok((text, receipt.confirmed))
}
