//! Directory names that a platform treats in a special way: the store is found whatever they are.

use crate::{
    events::{USAGE, opened},
    home::{Home, flush, say_yes, state},
    server::Server,
};
use candor::{Client, consent::State};

/// Windows accepts at most 260 characters from a program that does not declare that it supports longer paths.
#[test]
fn a_path_longer_than_260_characters_holds_a_store() {
    let (home, server) = (Home::new(), Server::new());
    let deep = (0..4).fold(home.data(), |path, _| path.join("a directory with a long name".repeat(4)));
    let start = || Client::new(home.config(&server).directories(&deep, home.config_dir())).unwrap();
    let client = start();
    say_yes(&client, USAGE);
    client.record_durable(opened(3));
    drop(client);
    let client = start();
    assert_eq!(flush(&client).records, 1);
    client.record_durable(opened(4));
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.confirmed && receipt.destroyed.complete && receipt.destroyed.files > 0, "{receipt}");
    let longest = crate::files::all(&deep).iter().map(|path| path.as_os_str().len()).max();
    assert!(longest.unwrap() > 400 && state(&start(), USAGE) == State::Withdrawn);
}

/// Two names of one directory. A program may get either, depending on how it is started.
#[cfg(windows)]
#[test]
fn a_store_is_one_by_each_of_its_names() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let slashes = home.data().to_str().unwrap().replace('\\', "/");
    let verbatim = format!(r"\\?\{}", home.data().display());
    for other in [
        home.path().join("DATA"),
        home.path().join("data."),
        home.path().join("data "),
        slashes.into(),
        verbatim.into(),
    ] {
        let second = Client::new(home.config(&server).directories(&other, home.config_dir())).unwrap();
        assert!(state(&second, USAGE) == State::Granted, "{}", other.display());
        let receipt = second.withdraw(USAGE).unwrap();
        assert!(receipt.confirmed, "{}: {receipt}", other.display());
        client.record_durable(opened(2));
        assert!(home.all_waiting().is_empty() && flush(&client).requests == 0, "{}", other.display());
        say_yes(&client, USAGE);
    }
}
