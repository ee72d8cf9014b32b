//! A wrong configuration is refused before any file is touched. The error says what is wrong and what to write instead.

use crate::{
    child::{self, Child},
    events::{PLAYBACK, USAGE, film, opened},
    files,
    home::{APPLICATION, HANG, Home, TestClock},
    server::Server,
    stage::{CONTROLLER, by},
};
use candor::{AddressLog, Audience, Client, Config, Controller, Erasure, Error, consent};

/// Checks that no client can be made: it is a configuration error, its text has these parts, and no file was touched.
#[track_caller]
fn is_refused(home: &Home, config: Config, says: &[&str]) -> Error {
    let error = Client::new(config).map(drop).unwrap_err();
    assert!(error.is_configuration() && !error.is_store() && !error.needs_notice() && !error.is_blocked(), "{error:?}");
    let text = error.to_string();
    assert!(says.iter().all(|part| text.contains(part)), "{says:?} in: {text}");
    assert!(files::tree(&home.path()).is_empty());
    error
}

#[test]
fn an_endpoint_that_is_none_is_refused_with_its_reason() {
    let home = Home::new();
    for (endpoint, why) in [
        ("", "not a URL"),
        ("telemetry.example.org", "not a URL"),
        ("http://telemetry.example.org", "Without TLS only this computer"),
        ("http://192.0.2.1:4318", "Without TLS only this computer"),
        ("http://0.0.0.0:4318", "Without TLS only this computer"),
        ("ftp://telemetry.example.org", "Without TLS only this computer"),
        ("file:///etc/passwd", "Without TLS only this computer"),
        ("https://", "has no host"),
        ("https:///v1/logs", "has no host"),
        ("https://:4318", "has no host"),
        ("https://ann:hunter2@telemetry.example.org", "a user name or password"),
        ("http://ann@127.0.0.1:4318", "a user name or password"),
        ("https://telemetry.example.org/?token=hunter2", "a query"),
        ("http://127.0.0.1:4318/#hunter2", "a query or fragment"),
        ("http://127.0.0.1:99999", "endpoint `"),
        ("http://127.0.0.1:0", "port"),
    ] {
        let error = is_refused(&home, home.config_to(endpoint), &["endpoint `", why]);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn without_an_endpoint_it_says_how_to_give_one() {
    let home = Home::new();
    is_refused(&home, home.nowhere(), &["Config::endpoint(", "Config::transport("]);
}

#[cfg(not(feature = "ring"))]
#[test]
fn https_without_a_tls_provider_says_which_line_to_add() {
    let home = Home::new();
    let config = home.config_to("https://telemetry.example.org");
    is_refused(&home, config, &["Cargo.toml", r#"candor = { features = ["ring"] }"#, "Config::tls_provider"]);
}

#[test]
fn an_application_id_that_names_a_device_is_refused() {
    for id in ["con", "aux.example", "com1", "lpt9.org.example", "nul", "prn"] {
        let (home, server) = (Home::new(), Server::new());
        let config = Config::new(id, CONTROLLER, Audience::Adults)
            .endpoint(server.endpoint())
            .directories(home.path().join("data"), home.path().join("config"));
        is_refused(&home, config, &["application id `", "a device on Windows", "another first part"]);
    }
}

#[test]
fn a_bad_application_id_is_refused() {
    let home = Home::new();
    let long = "a".repeat(49);
    for id in [
        "",
        "Org.example",
        "org example",
        "../../etc",
        "org/example",
        "org..example",
        ".org",
        "org.",
        "1org",
        "örg",
        long.as_str(),
        "org-example",
    ] {
        let config = Config::new(id, CONTROLLER, Audience::Adults).endpoint("http://127.0.0.1:9");
        let config = config.directories(home.data(), home.config_dir());
        is_refused(&home, config, &["application id `", "[a-z][a-z0-9_]*", "org.example.player"]);
    }
}

#[test]
fn a_controller_nobody_can_identify_is_refused() {
    let home = Home::new();
    for (controller, what) in [
        (by("", "privacy@example.org", "FR"), "legal_name"),
        (by(" \t", "privacy@example.org", "FR"), "legal_name"),
        (CONTROLLER.address(""), "address"),
        (by("Example SAS", "privacy@example.org", ""), "country"),
        (by("Example SAS", "", "FR"), "contact"),
    ] {
        let config = Config::new(APPLICATION, controller, Audience::Adults).endpoint("http://127.0.0.1:9");
        is_refused(&home, config.directories(home.data(), home.config_dir()), &[what, "is required"]);
    }
}

/// What is left out of a controller must not become a promise. Each entry that would be one is asked for by name.
#[test]
fn a_controller_that_leaves_a_promise_open_is_refused() {
    let home = Home::new();
    let refused = |controller: Controller, said: &[&str]| {
        let config = Config::new(APPLICATION, controller, Audience::Adults).endpoint("http://127.0.0.1:9");
        is_refused(&home, config.directories(home.data(), home.config_dir()), said);
    };
    let bare = Controller::new("Example SAS", "privacy@example.org", "FR");
    let calls = ["`.address(", "`.processors(", "`.onward_sharing(", "`.address_log(", "`.erasure("];
    refused(bare, &calls);
    let all_but = |left_out: &str| {
        let with = |name: &str, controller: Controller, stated: fn(Controller) -> Controller| {
            if left_out.contains(name) { controller } else { stated(controller) }
        };
        let controller = with("address(", bare, |it| it.address("Paris"));
        let controller = with("processors", controller, |it| it.processors(&[]));
        let controller = with("onward_sharing", controller, |it| it.onward_sharing(&[]));
        let controller = with("address_log", controller, |it| it.address_log(AddressLog::NotKept));
        with("erasure", controller, |it| it.erasure(Erasure::Unsupported))
    };
    for call in calls {
        refused(all_but(call), &["the controller leaves out", call]);
    }
    // Negative control: with all of them it is taken, and the other entries may be left out.
    let config = Config::new(APPLICATION, all_but("nothing"), Audience::Adults).endpoint("http://127.0.0.1:9");
    Client::new(config.directories(home.data(), home.config_dir())).unwrap();
}

#[test]
fn one_directory_for_both_is_refused() {
    let home = Home::new();
    let config = home.config_to("http://127.0.0.1:9").directories(home.data(), home.data());
    is_refused(&home, config, &["two different directories"]);
    let config = home.config_to("http://127.0.0.1:9").directories(home.data(), home.data().join("."));
    is_refused(&home, config, &["two different directories"]);
}

#[test]
fn the_process_wide_client_is_made_once_and_first() {
    let (home, server) = (Home::new(), Server::new());
    Child::new("config::child_init", &home.path()).var("CANDOR_IT_ENDPOINT", server.endpoint()).run();
    assert_eq!(server.lines().len(), 3);
}

#[test]
#[ignore = "run by the_process_wide_client_is_made_once_and_first, in a process where nothing is made yet"]
fn child_init() {
    let Some(home) = child::home() else { return };
    // Before `init`.
    candor::record(film());
    candor::record_durable(opened(2));
    candor::record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed") });
    for error in [
        consent::grant(USAGE).unwrap_err(),
        consent::deny(USAGE).unwrap_err(),
        consent::withdraw(USAGE).unwrap_err(),
        consent::status(USAGE).unwrap_err(),
        consent::notice(USAGE).map(drop).unwrap_err(),
        consent::notice_in(USAGE, "en").map(drop).unwrap_err(),
        consent::languages().map(drop).unwrap_err(),
        consent::receipt(USAGE).unwrap_err(),
        consent::delete_sent(USAGE).unwrap_err(),
        candor::manifest().map(drop).unwrap_err(),
        candor::flush(HANG).map(drop).unwrap_err(),
    ] {
        assert!(error.is_configuration(), "{error:?}");
        assert!(error.to_string().contains("candor::init(Config::new("), "{error}");
    }
    assert!(candor::shutdown(HANG));
    assert!(files::tree(&home).is_empty());
    // `init` works once.
    let clock = TestClock::new();
    let config = || {
        let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults).clock(clock.clone()).lift_ci_block();
        config
            .endpoint(std::env::var("CANDOR_IT_ENDPOINT").unwrap())
            .directories(home.join("data"), home.join("config"))
    };
    let guard = candor::init(config()).unwrap();
    let again = candor::init(config()).map(drop).unwrap_err();
    assert!(again.is_configuration() && again.to_string().contains("already"), "{again}");
    assert!(files::tree(&home).is_empty());
    // After `init` recording works.
    consent::grant(USAGE).unwrap();
    candor::record(opened(2));
    candor::record_durable(opened(2));
    candor::record_with(|| opened(2));
    candor::record_with(|| -> crate::events::PlaybackFinished { panic!("nobody agreed to that one") });
    let kept = || candor::manifest().unwrap().scope(USAGE).unwrap().waiting.len();
    crate::home::wait_for("the events", || kept() == 3);
    assert_eq!(candor::flush(HANG).unwrap().records, 3);
    // An explicit client of another store has separate gates.
    let other = Home::new();
    let client = other.start(&Server::new());
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed there") });
    client.grant(PLAYBACK).unwrap();
    candor::record_with(|| -> crate::events::PlaybackFinished { panic!("nobody agreed here") });
    // Recording ends when the guard is dropped.
    candor::record(opened(2));
    drop(guard);
    candor::record_with(|| -> crate::events::LibraryOpened { panic!("it has ended") });
    assert_eq!(kept(), 1, "what was recorded is on disk");
    child::done("config::child_init");
}
