//! Checks programs that must not compile, each with its complete message, and programs that must compile.
//!
//! Every file in `tests/ui` contains one mistake. The `.stderr` file beside it is the message that the developer
//! reads, and says what to write instead. The files in `tests/ui/pass` are what the messages ask for. After changing
//! a message, review it and run `TRYBUILD=overwrite cargo test --test ui`.

use std::{
    env,
    error::Error,
    fs,
    io::{Write as _, stderr},
    path::Path,
    process::Command,
};

/// The compiler version whose messages the `.stderr` files hold. Another version words them differently.
const PINNED: &str = "1.95";

#[test]
fn mistakes_are_told_with_their_fix() -> Result<(), Box<dyn Error>> {
    let version = rustc_version()?;
    assert!(
        version.starts_with(&format!("rustc {PINNED}.")),
        "the messages in tests/ui are pinned for rustc {PINNED}, and this is {}: run `cargo +{PINNED}.0 test --test ui`, \
         or pin them again and change PINNED in tests/ui.rs",
        version.trim(),
    );

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let (mistakes, fixes) = (cases(&root)?, cases(&root.join("pass"))?);
    assert!(mistakes > 0 && fixes > 0, "no cases in {}", root.display());
    let ui = trybuild::TestCases::new();
    ui.compile_fail("tests/ui/*.rs");
    ui.pass("tests/ui/pass/*.rs");
    // The cases run when this is dropped. A case that fails panics here.
    drop(ui);

    // This writes to stderr directly, since the harness captures what a passing test prints.
    writeln!(stderr(), "ui: {mistakes} cases must not compile, {fixes} must")?;
    Ok(())
}

/// The version text of the compiler that cargo uses.
fn rustc_version() -> Result<String, Box<dyn Error>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Ok(String::from_utf8(Command::new(rustc).arg("--version").output()?.stdout)?)
}

/// How many Rust files the folder holds.
fn cases(folder: &Path) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        count += usize::from(entry?.path().extension().is_some_and(|extension| extension == "rs"));
    }
    Ok(count)
}
