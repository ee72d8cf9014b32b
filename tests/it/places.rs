//! Promise 9 in difficult places: there is no home, it belongs to another user, or the system allows the program less
//! than others. The program keeps running and reports why nothing is sent.

use crate::{
    child::{self, Child},
    disk::is_root,
    events::{PLAYBACK, USAGE, opened},
    files,
    home::{APPLICATION, HANG, Home, TestClock, flush, state, wait_for, waiting},
    server::Server,
    stage::CONTROLLER,
};
use candor::{
    Audience, Client, Config, Error, consent,
    consent::{MayAsk, State, WhyNot},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};

/// Users that the system does not know and that run nothing else.
const STRANGER: u32 = 54_321;
const OTHER: u32 = 54_322;

const ENDPOINT: &str = "CANDOR_IT_ENDPOINT";

/// Like most programs, it lets the platform choose where its data goes.
fn anywhere() -> Config {
    let endpoint = std::env::var(ENDPOINT).unwrap_or_else(|_| "http://127.0.0.1:9".into());
    Config::new(APPLICATION, CONTROLLER, Audience::Adults).endpoint(endpoint).clock(TestClock::new()).lift_ci_block()
}

/// As in the README: an error that `init` returns ends `main`.
fn readme(why: &str) -> Result<(), Error> {
    let _candor = candor::init(anywhere())?;
    let status = consent::status(USAGE)?;
    assert!(!status.is_open(), "{status:?}");
    assert!(status.trouble.as_ref().is_some_and(|trouble| trouble.contains(why)), "not {why}: {status:?}");
    for error in [
        consent::grant(USAGE).unwrap_err(),
        consent::deny(USAGE).unwrap_err(),
        consent::stop_asking_about_widenings().unwrap_err(),
        consent::receipts().unwrap_err(),
        consent::undeclared().unwrap_err(),
    ] {
        assert!(error.is_store() && !error.is_configuration(), "{error}");
        assert!(error.to_string().contains(why), "not {why}: {error}");
    }
    // Nothing was ever granted that could be withdrawn, and no receipt claims that it was.
    match consent::withdraw(PLAYBACK) {
        Err(error) => assert!(error.is_store() && error.to_string().contains(why), "not {why}: {error}"),
        Ok(receipt) => panic!("{receipt}"),
    }
    candor::record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed") });
    candor::record_durable(opened(2));
    let flushed = candor::flush(HANG)?;
    assert!(flushed.requests == 0 && flushed.trouble.as_deref().unwrap().contains(why), "{flushed:?}");
    let page = candor::manifest()?.to_string();
    assert!(page.contains("No records are kept: ") && page.contains(why), "{page}");
    for wrong in ["records are in", "an unknown time", "took your yes back", "until you are asked again"] {
        assert!(!page.contains(wrong), "{wrong}: {page}");
    }
    let may = consent::may_ask(USAGE)?;
    assert!(matches!(may, MayAsk::No { why: WhyNot::CannotKeep, .. }), "{may:?}");
    assert!(candor::shutdown(HANG));
    Ok(())
}

#[test]
#[ignore = "run by the tests of this file, which say why it can keep nothing"]
fn child_without_a_place() {
    if child::home().is_none() {
        return;
    }
    readme(&std::env::var("WHY").unwrap()).unwrap();
    child::done("places::child_without_a_place");
}

/// Makes a directory for a child. If root runs the test, it belongs to `user`.
fn owned(path: &Path, user: u32, mode: u32) {
    if !path.exists() {
        fs::create_dir(path).unwrap();
    }
    if is_root() {
        chown(path, Some(user), Some(user)).unwrap();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn where_no_place_is_named_the_program_runs_on() {
    // Only a user that the system does not know has no home when the environment names none.
    if !is_root() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    owned(home.path(), STRANGER, 0o700);
    Child::new("places::child_without_a_place", home.path())
        .user(STRANGER)
        .after("unset HOME; cd \"$CANDOR_IT_HOME\"")
        .var("WHY", "names no place for a program's data")
        .run();
    assert!(files::tree(home.path()).is_empty(), "{:?}", files::tree(home.path()).keys());
}

#[test]
fn a_home_that_is_no_directory_of_its_own_is_not_used() {
    let home = tempfile::tempdir().unwrap();
    let user = if is_root() { STRANGER } else { rustix::process::geteuid().as_raw() };
    owned(home.path(), user, 0o700);
    fs::write(home.path().join("file"), "x").unwrap();
    for (shell, why) in [
        ("cd \"$CANDOR_IT_HOME\"; export HOME=here", "`here/.local/share`, is not an absolute path"),
        ("export HOME=\"$CANDOR_IT_HOME/file\"", "file` is not a directory"),
    ] {
        let child = Child::new("places::child_without_a_place", home.path()).after(shell).var("WHY", why);
        if is_root() { child.user(STRANGER) } else { child }.run();
        assert_eq!(files::tree(home.path()).len(), 1, "{shell}: {:?}", files::tree(home.path()).keys());
    }
}

#[test]
fn a_home_that_can_be_neither_read_nor_written_is_not_used() {
    let home = tempfile::tempdir().unwrap();
    let user = if is_root() { STRANGER } else { rustix::process::geteuid().as_raw() };
    owned(home.path(), user, 0o700);
    for (name, mode) in [("closed", 0o000), ("read-only", 0o500)] {
        owned(&home.path().join(name), user, mode);
        let child = Child::new("places::child_that_can_not_write", home.path())
            .after("export HOME=\"$CANDOR_IT_HOME/$NAME\"")
            .var("NAME", name);
        if is_root() { child.user(STRANGER) } else { child }.run();
    }
}

#[test]
#[ignore = "run by a_home_that_can_be_neither_read_nor_written_is_not_used"]
fn child_that_can_not_write() {
    if child::home().is_none() {
        return;
    }
    let client = Client::new(anywhere()).unwrap();
    let status = client.status(USAGE).unwrap();
    assert!(!status.is_open() && status.trouble.is_some(), "{status:?}");
    for error in [client.grant(USAGE).unwrap_err(), client.deny(USAGE).unwrap_err()] {
        let rules = error.is_blocked() && error.to_string().contains("rules");
        assert!(rules || error.is_store() && error.to_string().contains("ermission denied"), "{error}");
    }
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed") });
    assert!(!client.manifest().unwrap().to_string().is_empty());
    assert!(client.shutdown(HANG));
    child::done("places::child_that_can_not_write");
}

#[test]
fn nothing_is_made_in_a_home_that_is_another_users() {
    if !is_root() {
        return;
    }
    // Root in another user's home, as with `sudo`, and a user in another user's home that is open to everyone.
    for (user, mode) in [(0, 0o700), (OTHER, 0o777)] {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let theirs = home.path().join("home");
        owned(&theirs, STRANGER, mode);
        // Whether or not the parent directories already exist.
        for there in [false, true] {
            if there {
                for name in [".local", ".local/share", ".config"] {
                    owned(&theirs.join(name), STRANGER, mode);
                }
            }
            let before = files::tree(&theirs);
            Child::new("places::child_without_a_place", home.path())
                .user(user)
                .var("WHY", "home` belongs to another user")
                .run();
            assert_eq!(files::tree(&theirs), before, "as {user}");
        }
        // Nothing is written even where an earlier program made its own directories.
        for name in [".local/share", ".config"] {
            owned(&theirs.join(name).join(APPLICATION), user, 0o700);
        }
        let before = files::tree(&theirs);
        Child::new("places::child_without_a_place", home.path())
            .user(user)
            .var("WHY", "home` belongs to another user")
            .run();
        assert_eq!(files::tree(&theirs), before, "as {user}");
    }
}

#[test]
fn a_store_in_a_home_that_is_another_users_is_not_opened() {
    if !is_root() {
        return;
    }
    let (home, server) = (Home::new(), Server::new());
    let theirs = home.path().join("home");
    owned(&theirs, 0, 0o700);
    let run = |name| Child::new(name, &home.path()).var(ENDPOINT, server.endpoint());
    run("places::child_grants_at_home").run();
    chown(&theirs, Some(STRANGER), Some(STRANGER)).unwrap();
    let before = files::tree(&theirs);
    run("places::child_finds_a_grant").var("WHY", "home` belongs to another user").run();
    assert_eq!(files::tree(&theirs), before);
    assert_eq!(server.connections(), 0);
    // The control: the home belongs to the user that runs the program.
    chown(&theirs, Some(0), Some(0)).unwrap();
    run("places::child_finds_a_grant").run();
}

#[test]
#[ignore = "run by a_store_in_a_home_that_is_another_users_is_not_opened"]
fn child_grants_at_home() {
    if child::home().is_none() {
        return;
    }
    let client = Client::new(anywhere()).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    assert!(client.status(USAGE).unwrap().is_open());
    child::done("places::child_grants_at_home");
}

#[test]
#[ignore = "run by a_store_in_a_home_that_is_another_users_is_not_opened"]
fn child_finds_a_grant() {
    if child::home().is_none() {
        return;
    }
    let client = Client::new(anywhere()).unwrap();
    let status = client.status(USAGE).unwrap();
    match std::env::var("WHY") {
        Ok(why) => {
            assert!(!status.is_open() && status.trouble.as_ref().is_some_and(|it| it.contains(&why)), "{status:?}");
            client.record_durable(opened(3));
            assert_eq!(client.flush(HANG).unwrap().requests, 0);
            assert!(client.withdraw(USAGE).unwrap_err().is_store());
        }
        Err(_) => assert!(status.is_open(), "{status:?}"),
    }
    child::done("places::child_finds_a_grant");
}

/// A library may keep much memory for each thread, which the system takes from each thread's stack. candor's threads
/// have the stack size that the platform gives its own threads, however large a limit on address space is.
#[cfg(target_os = "linux")]
#[test]
fn a_library_with_much_of_its_own_in_each_thread_ends_no_program() {
    // The second size is nearly all of the stack that Rust gives a thread. The last two are larger.
    let free = "ulimit -s 8192";
    let limited = "ulimit -s 8192; ulimit -v 64000000";
    for (kept, limits) in
        [(1 << 20, free), (1_990_000, free), (1 << 20, limited), (2 << 20, limited), (4 << 20, limited)]
    {
        let (home, server) = (Home::new(), Server::new());
        let (source, library) = (home.path().join("kept.c"), home.path().join("kept.so"));
        let text = "__thread char kept[KEPT] __attribute__((tls_model(\"initial-exec\")));\n\
                    __attribute__((constructor)) void keep(void) { kept[5] = 1; }\n";
        fs::write(&source, text).unwrap();
        let mut compiler = std::process::Command::new("cc");
        compiler.args(["-shared", "-fPIC", &format!("-DKEPT={kept}"), "-o"]).arg(&library).arg(&source);
        assert!(compiler.status().unwrap().success());
        Child::new("places::child_beside_a_library", &home.path())
            .var(ENDPOINT, server.endpoint())
            .after(limits)
            // For the thread of the test itself.
            .var("RUST_MIN_STACK", "16777216")
            .var("LD_PRELOAD", library.to_str().unwrap())
            .run();
        assert_eq!(server.lines().len(), 2);
    }
}

/// If address space is short, a thread is still created, with as much stack as there is space for.
#[cfg(target_os = "linux")]
#[test]
fn where_address_space_is_short_threads_are_made_with_less_stack() {
    let (home, server) = (Home::new(), Server::new());
    Child::new("places::child_that_is_short_of_address_space", &home.path())
        .var(ENDPOINT, server.endpoint())
        .after("ulimit -s 65536")
        .run();
    assert_eq!(server.lines().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by where_address_space_is_short_threads_are_made_with_less_stack"]
fn child_that_is_short_of_address_space() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if child::home().is_none() {
        return;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.strip_suffix("kB")).unwrap();
    let current = Some((size.trim().parse::<u64>().unwrap() << 10) + (48 << 20));
    setrlimit(Resource::As, Rlimit { current, ..getrlimit(Resource::As) }).unwrap();
    let usual = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {});
    assert!(usual.is_err(), "the control: there is room for the platform's own");
    reports();
    child::done("places::child_that_is_short_of_address_space");
}

#[test]
#[ignore = "run by a_library_with_much_of_its_own_in_each_thread_ends_no_program"]
fn child_beside_a_library() {
    if child::home().is_none() {
        return;
    }
    // A large stack, like that of a program's first thread.
    std::thread::Builder::new().stack_size(16 << 20).spawn(reports).unwrap().join().unwrap();
    child::done("places::child_beside_a_library");
}

fn reports() {
    let client = Client::new(anywhere()).unwrap();
    client.grant(USAGE).unwrap();
    client.record(opened(2));
    client.record_durable(opened(2));
    assert_eq!(client.flush(HANG).unwrap().records, 2);
    assert!(client.shutdown(HANG));
}

/// The shell's limits on file size. A process that writes beyond its limit is ended by a signal.
const LIMITS: [&str; 5] = ["ulimit -f 0", "ulimit -f 1", "ulimit -f 2", "ulimit -f 4", "ulimit -f 8"];

#[test]
fn a_limit_on_the_size_of_files_ends_no_program() {
    for limit in LIMITS {
        for (granted, recorded) in [(false, false), (true, false), (true, true)] {
            let (home, server) = (Home::new(), Server::new());
            if granted {
                let client = home.start_granted(&server, &[USAGE]);
                (0..usize::from(recorded)).for_each(|_| client.record_durable(opened(2)));
                drop(client);
            }
            let said = Child::new("places::child_in_small_files", &home.path())
                .var(ENDPOINT, server.endpoint())
                .after(limit)
                .run();
            assert!(!granted || said.contains("LOST"), "{limit}: what is recorded can't be kept");
            // What was confirmed under the limit still holds when files may be larger again.
            let client = home.start(&server);
            let now = state(&client, USAGE);
            if said.contains("WITHDRAWN") {
                assert!(!client.status(USAGE).unwrap().is_open(), "{limit}, granted {granted}: {now:?}");
                assert_ne!(now, State::Granted, "{limit}, granted {granted}");
            }
        }
    }
}

#[test]
#[ignore = "run by a_limit_on_the_size_of_files_ends_no_program, under one"]
fn child_in_small_files() {
    let Some(home) = child::home() else { return };
    let config = anywhere().directories(home.join("data"), home.join("config"));
    let client = Client::new(config).unwrap();
    let _ = client.status(USAGE).unwrap();
    match client.grant(USAGE) {
        Ok(_) => assert!(client.status(USAGE).unwrap().is_open(), "a yes that was recorded holds"),
        Err(error) => assert!(error.is_store() || error.needs_notice(), "{error}"),
    }
    for _ in 0..200 {
        client.record_durable(opened(2));
        client.record(opened(3));
    }
    let flushed = flush(&client);
    let (page, status) = (client.manifest().unwrap(), client.status(USAGE).unwrap());
    assert!(!page.to_string().is_empty());
    if status.is_open() && page.outcomes.dropped.iter().any(|dropped| dropped.reason == candor::DropReason::Disk) {
        assert!(status.trouble.is_some(), "what is recorded is lost, and nobody says why: {status:?}");
        assert!(flushed.trouble.is_some(), "{flushed:?}");
        println!("LOST {:?} {:?}", status.trouble, flushed);
    }
    match client.withdraw(USAGE) {
        Ok(receipt) => {
            let said = receipt.to_string();
            assert!(!said.contains("did not answer"), "there is no other process: {said}");
            assert!(
                receipt.confirmed || said.contains("NO: reporting is stopped, but it could not be written to disk"),
                "{said}"
            );
            println!("WITHDRAWN {said}");
        }
        Err(error) => {
            assert!(error.is_store(), "{error}");
            assert!(error.to_string().contains("ulimit -f"), "{error}");
        }
    }
    client.record_with(|| -> crate::events::LibraryOpened { panic!("it was taken back") });
    let _ = client.deny(USAGE);
    client.shutdown(HANG);
    child::done("places::child_in_small_files");
}

/// Neither an event nor the count of lost events can be written.
#[test]
fn a_program_that_could_write_nothing_does_not_say_that_all_is_on_disk() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    let child = Child::new("places::child_ends_in_small_files", &home.path());
    child.var(ENDPOINT, server.endpoint()).after("ulimit -f 0").run();
    assert!(waiting(&home.start(&server), USAGE).is_empty());
}

#[test]
#[ignore = "run by a_program_that_could_write_nothing_does_not_say_that_all_is_on_disk, under a limit"]
fn child_ends_in_small_files() {
    let Some(home) = child::home() else { return };
    let client = Client::new(anywhere().directories(home.join("data"), home.join("config"))).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
    (0..100).for_each(|_| client.record(opened(2)));
    assert!(!client.shutdown(HANG));
    assert!(!client.shutdown(HANG), "nor the second time");
    child::done("places::child_ends_in_small_files");
}

#[test]
fn where_no_thread_can_be_made_nothing_is_lost_and_the_reason_is_told() {
    let (home, server) = (Home::new(), Server::new());
    let user = if is_root() { STRANGER } else { rustix::process::geteuid().as_raw() };
    owned(&home.path(), user, 0o700);
    let child = Child::new("places::child_without_threads", &home.path()).var(ENDPOINT, server.endpoint());
    if is_root() { child.user(STRANGER) } else { child }.run();
    // The program kept what it could not send.
    assert_eq!(server.lines().len(), 4);
}

/// Allows or forbids this user new processes and threads.
#[cfg(target_os = "linux")]
fn allow_threads(allow: bool) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nproc);
    limit.current = if allow { limit.maximum } else { Some(0) };
    setrlimit(Resource::Nproc, limit).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by where_no_thread_can_be_made_nothing_is_lost_and_the_reason_is_told"]
fn child_without_threads() {
    let Some(home) = child::home() else { return };
    let config = || anywhere().directories(home.join("data"), home.join("config"));
    allow_threads(false);
    let client = Client::new(config()).unwrap();
    client.grant(USAGE).unwrap();
    client.record(opened(2));
    client.record(opened(3));
    let status = client.status(USAGE).unwrap();
    let why = "no thread could be made";
    assert!(status.is_open() && status.trouble.as_ref().is_some_and(|it| it.contains(why)), "{status:?}");
    let page = client.manifest().unwrap().to_string();
    assert!(page.contains(why), "{page}");
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    // At shutdown the recorded events are still written to disk.
    assert!(client.shutdown(HANG));
    drop(client);
    let client = Client::new(config()).unwrap();
    let waiting = |client: &Client| client.manifest().unwrap().scope(USAGE).unwrap().waiting.len();
    assert_eq!(waiting(&client), 2);
    client.record(opened(4));
    client.record(opened(5));
    assert!(client.status(USAGE).unwrap().trouble.is_some());
    // The next look tries again.
    allow_threads(true);
    assert_eq!(client.status(USAGE).unwrap().trouble, None);
    wait_for("what was recorded meanwhile", || waiting(&client) == 4);
    assert_eq!(client.flush(HANG).unwrap().records, 4);
    child::done("places::child_without_threads");
}
