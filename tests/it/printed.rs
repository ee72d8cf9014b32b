//! Text from elsewhere reaches a person's terminal as plain text. Whatever was written into records, contracts, paths,
//! answers and errors, it controls no terminal, reverses no text direction and adds no line.

use crate::{
    events::{USAGE, opened},
    files, forge,
    home::{HANG, Home, say_yes},
    server::Server,
};
use candor::{Answer, Client, Parcel, SendError, Transport, consent};
use serde_json::json;

/// Clears the screen, sets the title, adds a link, changes the direction of writing, hides text, and ends the line.
const ATTACK: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}]8;;http://e\u{1b}\\\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}\r\n  confirmed  yes: FORGED\n";

/// Asserts that a text contains no misleading character of the attack, and no forged line.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && misleads(*c)).collect();
    assert!(bad.is_empty(), "{what}: {bad:?}\n{text:?}");
    let forged = text.lines().any(|line| line.trim_start().starts_with("confirmed  yes: FORGED"));
    assert!(!forged, "{what}: a line that nobody wrote\n{text}");
}

fn misleads(c: char) -> bool {
    c.is_control() || "\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}".contains(c)
}

/// Makes a grant whose records contain the attack in every place that takes words.
fn planted(home: &Home, server: &Server) {
    let client = home.start(server);
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    drop(client);
    forge::attack(&home.store(), ATTACK);
}

#[test]
fn records_that_anyone_can_have_changed() {
    let (home, server) = (Home::new(), Server::new());
    planted(&home, &server);
    let client = home.start(&server);
    let manifest = client.manifest().unwrap();
    assert!(format!("{:?}", manifest.scope(USAGE).unwrap().agreed_via).contains("FORGED"), "it is there");
    harmless("manifest", &manifest.to_string());
    harmless("manifest as JSON", &manifest.to_json());
    let exact: serde_json::Value = serde_json::from_str(&manifest.to_json()).unwrap();
    assert!(exact.to_string().contains("FORGED"), "which is equal as data");
    for change in client.status(USAGE).unwrap().changes {
        harmless("change", &change.to_string());
    }
    harmless("receipt", &client.receipt(USAGE).unwrap().to_string());
    let receipts = client.receipts().unwrap();
    harmless("receipts", &receipts.to_string());
    harmless("receipts as JSON", &receipts.to_json());
    let verdict = consent::verify(&receipts.to_json(), &[]);
    harmless("verdict", &verdict.to_string());
    harmless("erasures", &client.erasures(USAGE).unwrap().to_string());
    harmless("flush", &format!("{:?}", client.flush(HANG).unwrap().trouble));
    harmless("withdrawal", &client.withdraw(USAGE).unwrap().to_string());
}

#[test]
fn records_of_a_scope_that_nobody_declares() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    let marks = json!({"gone": {"epoch": home.start(&server).receipt(USAGE).unwrap().epoch}});
    forge::rename_scope(&home.store(), "usage", "gone");
    forge::seal(&home.marks().join("high"), "high", &marks);
    forge::attack(&home.store(), ATTACK);
    let client = home.start(&server);
    assert!(format!("{:?}", client.undeclared().unwrap()).contains("FORGED"), "it is there");
    harmless("manifest", &client.manifest().unwrap().to_string());
    harmless("withdrawal", &client.withdraw_undeclared("gone").unwrap().to_string());
}

#[test]
fn what_the_program_itself_hands_in() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for error in [
        client.withdraw_undeclared(ATTACK).unwrap_err(),
        client.switch_off(USAGE, ATTACK).unwrap_err(),
        client.notice_in(USAGE, ATTACK).unwrap_err(),
        Client::new(home.config_to(format!("https://{ATTACK}"))).unwrap_err(),
    ] {
        harmless("error", &error.to_string());
        harmless("error, as `main` prints it", &format!("{error:?}"));
    }
    harmless("receipt", &client.revoke(USAGE, ATTACK).unwrap().to_string());
    harmless("receipts", &client.receipts().unwrap().to_string());
}

#[cfg(unix)]
#[test]
fn places_on_disk() {
    let (home, server) = (Home::new(), Server::new());
    let strange = home.path().join(ATTACK.replace('/', ":"));
    let config = home.config(&server).directories(strange.join("data"), strange.join("config"));
    let client = Client::new(config).unwrap();
    client.grant(USAGE).unwrap();
    harmless("manifest", &client.manifest().unwrap().to_string());
    drop(client);
    let store = files::all(&strange).into_iter().find(|path| path.ends_with("consent")).unwrap();
    files::write(&store, b"damaged");
    let client = Client::new(home.config(&server).directories(strange.join("data"), strange.join("config"))).unwrap();
    harmless("error", &client.receipts().map(|it| it.to_string()).unwrap_or_else(|error| error.to_string()));
    harmless("error", &client.undeclared().map(|it| format!("{it:?}")).unwrap_or_else(|error| error.to_string()));
    harmless("manifest", &client.manifest().unwrap().to_string());
}

#[cfg(unix)]
#[test]
fn places_that_cant_be_used() {
    let (home, server) = (Home::new(), Server::new());
    let strange = home.path().join(ATTACK.replace('/', ":"));
    files::write(&strange, b"a file");
    let client = Client::new(home.config(&server).directories(strange.join("data"), strange.join("config"))).unwrap();
    let trouble = client.status(USAGE).unwrap().trouble.unwrap();
    assert!(trouble.contains("FORGED") && !trouble.contains('\n'), "{trouble:?}");
    harmless("trouble", &trouble);
    let manifest = client.manifest().unwrap();
    let unread = &manifest.scope(USAGE).unwrap().unread;
    assert!(!unread.is_empty() && unread.iter().all(|line| !line.contains('\n')), "{unread:?}");
    harmless("manifest", &manifest.to_string());
    harmless("flush", &client.flush(HANG).unwrap().trouble.unwrap());
}

/// A transport that repeats the text of a stranger's answer in its error.
struct Repeats;

impl Transport for Repeats {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Err(SendError::Network(ATTACK.into()))
    }
}

#[test]
fn what_a_transport_repeats() {
    let home = Home::new();
    let client = Client::new(home.nowhere().transport(format!("us{ATTACK}"), Repeats)).unwrap();
    harmless("notice", client.notice(USAGE).unwrap().text());
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    let trouble = client.flush(HANG).unwrap().trouble.unwrap();
    assert!(trouble.contains("FORGED") && !trouble.contains('\n'), "{trouble:?}");
    harmless("trouble", &trouble);
    harmless("manifest", &client.manifest().unwrap().to_string());
}

/// Checks that the text in the forged records is an attack, so that the tests can't pass for lack of one.
#[test]
fn the_attack_is_one() {
    assert!(std::panic::catch_unwind(|| harmless("", ATTACK)).is_err());
    assert!(std::panic::catch_unwind(|| harmless("", "x\n  confirmed  yes: FORGED")).is_err());
    assert!(ATTACK.chars().filter(|c| misleads(*c)).count() > 10);
}
