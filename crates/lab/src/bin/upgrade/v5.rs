//! Version 5 of a program: it no longer reports anything, and declares no scope.

use candor::{Audience, Client, Config};
use std::{env, error::Error, path::Path};

#[path = "../../../../../examples/support/stage.rs"]
mod stage;
#[path = "../../../../../examples/support/mod.rs"]
mod support;

/// `PROGRAM ENDPOINT HOME ACT…`: `take back`. Prints at the end a line of JSON with the undeclared scopes that have a
/// grant, before and after the acts.
fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [endpoint, home, acts @ ..] = args.as_slice() else { return Err("ENDPOINT HOME ACT…".into()) };
    let home = Path::new(home);
    let config = Config::new("org.example.player", stage::CONTROLLER, Audience::Adults).endpoint(endpoint);
    let client = Client::new(config.directories(home.join("data"), home.join("config")).lift_ci_block())?;
    let before = client.undeclared()?;
    eprintln!("{}", client.manifest()?);
    for act in acts {
        match act.as_str() {
            "take back" => eprintln!("{}", client.withdraw_undeclared("playback")?),
            other => return Err(format!("no act is named {other}").into()),
        }
    }
    println!("{}", serde_json::to_string(&serde_json::json!({"before": before, "after": client.undeclared()?}))?);
    Ok(())
}
