//! What every version of the program does: it carries out its arguments in order and prints the status of its scope. It
//! does not depend on a version.
#![allow(dead_code, reason = "one version's codec is not another's")]

use candor::{Audience, Client, Config, Controller, Event, Scope, event::Installation};
use std::{env, error::Error, path::Path, time::Duration};

#[path = "../../../../../examples/support/stage.rs"]
pub(crate) mod stage;
#[path = "../../../../../examples/support/mod.rs"]
mod support;

pub(crate) use stage::CONTROLLER;

/// `PROGRAM ENDPOINT HOME ACT…`: `grant`, `extend`, `record`, `flush`. Prints at the end a line of JSON about the
/// scope.
pub(crate) fn run<E: Event<About = Installation>>(
    controller: Controller,
    scope: Scope,
    events: impl Fn() -> Vec<E>,
) -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [endpoint, home, acts @ ..] = args.as_slice() else { return Err("ENDPOINT HOME ACT…".into()) };
    let home = Path::new(home);
    let config = Config::new("org.example.player", controller, Audience::Adults).endpoint(endpoint);
    let client = Client::new(config.directories(home.join("data"), home.join("config")).lift_ci_block())?;
    for act in acts {
        match act.as_str() {
            "grant" => drop(client.grant(scope)?),
            "extend" => drop(client.grant(scope.shown(&client.notice(scope)?).via("upgrade"))?),
            "record" => events().into_iter().for_each(|event| client.record_durable(event)),
            "flush" => drop(client.flush(Duration::from_secs(10))?),
            other => return Err(format!("no act is named {other}").into()),
        }
    }
    let status = client.status(scope)?;
    println!("{}", serde_json::to_string(&status)?);
    for change in &status.changes {
        eprintln!("  {change}");
    }
    Ok(())
}
