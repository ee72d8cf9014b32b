//! The telemetry of ten public programs, declared with candor. Which values they send today and what their maintainers ask was
//! read in their sources; the declarations are new. Linked scopes belong to a whole program, so this test is a
//! program of its own.
//!
//! For each program a made-up installation reports a month, and what arrives is compared. Every question names the records that
//! answer it, or says why it can't be asked. The manual's page `schemas` is written from the same data.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

#[path = "../examples/support/controller.rs"]
mod controller;

#[path = "schemas/aoe.rs"]
mod aoe;
#[path = "schemas/go.rs"]
mod go;
#[path = "schemas/greptimedb.rs"]
mod greptimedb;
#[path = "schemas/home_assistant.rs"]
mod home_assistant;
#[path = "schemas/homebrew.rs"]
mod homebrew;
#[path = "schemas/influxdb.rs"]
mod influxdb;
#[path = "schemas/kde.rs"]
mod kde;
#[path = "schemas/navidrome.rs"]
mod navidrome;
#[path = "schemas/page.rs"]
mod page;
#[path = "schemas/program.rs"]
mod program;
#[path = "schemas/rerun.rs"]
mod rerun;
#[path = "schemas/syncthing.rs"]
mod syncthing;

use candor::{AddressLog, Controller, Erasure};
use program::{Answer, Home, Program};

const ALL: [&Program; 10] = [
    &navidrome::PROGRAM,
    &influxdb::PROGRAM,
    &greptimedb::PROGRAM,
    &rerun::PROGRAM,
    &aoe::PROGRAM,
    &homebrew::PROGRAM,
    &home_assistant::PROGRAM,
    &syncthing::PROGRAM,
    &kde::PROGRAM,
    &go::PROGRAM,
];

macro_rules! reports {
    ($($test:ident $program:ident;)*) => {$(
        #[test]
        fn $test() {
            program::reports(&$program::PROGRAM);
        }
    )*};
}
reports! {
    a_music_server_reports navidrome;
    a_database_of_measurements_reports influxdb;
    a_database_in_a_cluster_reports greptimedb;
    a_viewer_reports rerun;
    a_manager_of_sessions_reports aoe;
    a_package_manager_reports homebrew;
    a_hub_for_homes_reports home_assistant;
    a_program_that_keeps_folders_equal_reports syncthing;
    a_desktop_reports kde;
    a_toolchain_reports go;
}

#[test]
fn every_answer_names_records_that_exist() {
    let home = Home::new();
    let client = home.start();
    for program in ALL {
        let events = program::events(&client, program);
        for (question, answer) in program.questions {
            for (event, field) in answer.records() {
                assert!(program::has(&events, event, field), "{}, {question}: {event}.{field}", program.name);
            }
        }
        // The control: names that are not declared are found out.
        let (event, field) = program.questions[0].1.records()[0];
        assert!(!program::has(&events, event, "no_such_field") && !program::has(&events, "no.such.event", field));
    }
}

#[test]
fn four_of_five_questions_are_answered() {
    let all: Vec<&Answer> = ALL.iter().flat_map(|program| program.questions).map(|(_, answer)| answer).collect();
    let whole = all.iter().filter(|answer| matches!(answer, Answer::By(_))).count();
    println!("{whole} of {} questions are answered", all.len());
    assert!(all.len() >= 77 && whole * 100 >= all.len() * 80, "{whole} of {}", all.len());
}

#[test]
fn the_page_says_what_the_declarations_say() {
    let home = Home::new();
    let text = page::text(&home.start(), &ALL);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/schemas.md");
    if std::env::var_os("SCHEMAS").is_some_and(|it| it == "write") {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        kept == text,
        "src/manual/schemas.md differs: write it again with `SCHEMAS=write cargo test --test schemas`\n{text}"
    );
}
