//! Single faults that once led to an error. Each runs in moments, while the whole sweep takes hours.

use super::{
    OPERATIONS, prepare,
    seams::{Call, Error, Fault, Lasts},
    trial,
};
use crate::tests::every;
use std::path::PathBuf;

/// Checks that this error leads to nothing wrong at each such call of an operation at a path that ends in `path` (any path if
/// empty). Tries every `every()`th call, and fails if there is none.
#[track_caller]
fn holds(operation: &str, call: Call, path: &str, error: Error, lasts: Lasts) {
    let operation = OPERATIONS.iter().find(|it| it.name == operation).unwrap();
    let before = prepare(operation, 1);
    let mut tried = 0;
    let is_such = |(of, at_path): &(Call, PathBuf)| *of == call && (path.is_empty() || at_path.ends_with(path));
    for (at, _) in before.trace.iter().enumerate().filter(|(_, call)| is_such(call)).step_by(every()) {
        let (_, _, wrong) = trial(operation, &before, Some(Fault { at: at as u64, error, lasts }));
        assert_eq!(wrong, [] as [String; 0], "{} at {at}", operation.name);
        tried += 1;
    }
    assert!(tried > 0, "{} makes no such call", operation.name);
}

#[test]
fn what_waits_goes_though_the_look_fails_that_found_a_refusal() {
    holds("tombstone_seen", Call::List, "data/org.example.crash/candor-1", Error::NoMemory, Lasts::Once);
    holds("tombstone_seen", Call::Read, "ledger.jsonl", Error::Io, Lasts::Once);
    holds("begin_tombstone", Call::Read, "config/org.example.crash/candor-1/crash.revoked", Error::Io, Lasts::ForFile);
}

#[test]
fn a_store_that_is_gone_for_a_moment_is_looked_at_again() {
    holds("begin", Call::Stat, "data/org.example.crash/candor-1", Error::NotFound, Lasts::Long);
    holds("begin", Call::Read, "high", Error::NotFound, Lasts::Long);
}

#[test]
fn one_reading_of_a_wrong_clock_closes_nothing_for_long() {
    holds("grant_shown", Call::Now, "clock", Error::BackDays, Lasts::Once);
}

#[test]
fn one_reading_of_a_wrong_clock_drops_nothing() {
    for error in [Error::BackYears, Error::AheadYears] {
        holds("flush", Call::Now, "clock", error, Lasts::Once);
    }
}

#[test]
fn what_the_program_ended_is_no_act_of_the_person() {
    holds("revoke_again", Call::Stat, "data/org.example.crash/candor-1", Error::Io, Lasts::Once);
    holds("revoke", Call::Create, "consent.new", Error::NoSpace, Lasts::Once);
}

#[test]
fn a_grant_that_is_over_ends_though_the_disk_did_not_take_it_at_first() {
    holds("begin_expired", Call::WriteAll, "consent.new", Error::Stale, Lasts::ForFile);
}

#[test]
fn what_was_agreed_to_and_is_not_shown_for_a_moment_closes_for_a_moment() {
    holds("ask_no_more", Call::Read, "", Error::NotFound, Lasts::Once);
}

#[test]
fn a_refusal_after_a_grant_is_one_withdrawal_however_the_looks_and_the_disk_fail() {
    for error in [Error::Io, Error::TooManyFiles] {
        holds("deny_a_yes", Call::Read, "", error, Lasts::Once);
    }
    for error in [Error::AheadDays, Error::AheadYears, Error::BackDays, Error::BackYears] {
        holds("deny_a_yes", Call::Now, "", error, Lasts::Once);
    }
    for operation in ["deny_a_yes", "withdraw"] {
        for path in ["consent.new", "ledger.jsonl"] {
            for lasts in [Lasts::ForFile, Lasts::Long] {
                holds(operation, Call::WriteAll, path, Error::NoSpace, lasts);
            }
        }
    }
}

#[test]
fn a_grant_that_could_not_be_narrowed_stays_in_force() {
    for error in [Error::Io, Error::NoSpace] {
        for operation in ["switch_off", "begin_rules"] {
            for (call, path) in [(Call::SyncDir, "config/org.example.crash/candor-1"), (Call::WriteAll, "consent.new")]
            {
                holds(operation, call, path, error, Lasts::Long);
            }
        }
    }
}

#[test]
fn what_an_earlier_purge_left_is_left() {
    holds("begin_tombstone_withdraw", Call::RemoveTree, "", Error::Interrupted, Lasts::ForFile);
}

// Two tests instead of one, so that they can run on two processors.
#[test]
fn a_store_that_comes_into_sight_after_the_start_is_put_in_order() {
    comes_into_sight("begin_expired");
}

#[test]
fn a_store_that_comes_into_sight_under_other_rules_is_put_in_order() {
    comes_into_sight("begin_rules");
}

fn comes_into_sight(operation: &str) {
    // From each of these calls on, the whole store seems to be missing.
    for call in [Call::Stat, Call::Read, Call::List] {
        holds(operation, call, "", Error::NotFound, Lasts::Long);
    }
}

#[test]
fn a_snapshot_that_is_missed_once_is_no_reason_to_leave_a_grant_that_is_over() {
    for operation in ["begin_expired", "expires"] {
        for lasts in [Lasts::Once, Lasts::ForFile] {
            holds(operation, Call::Read, "candor-1/consent", Error::NotFound, lasts);
        }
    }
}

#[test]
fn what_waits_is_not_gone_where_its_directory_is_listed() {
    holds("begin_tombstone", Call::Stat, "waiting/crash", Error::NotFound, Lasts::ForFile);
}

#[test]
fn a_grant_that_took_its_place_is_answered_by_a_grant_though_it_cannot_be_read_back() {
    for error in [Error::NotFound, Error::TooManyFiles] {
        for operation in ["grant_first", "grant"] {
            holds(operation, Call::SyncDir, "data/org.example.crash/candor-1", error, Lasts::Long);
        }
    }
}

#[test]
fn a_store_whose_names_are_out_of_sight_proves_no_grant_away() {
    holds("withdraw_without_a_lock", Call::List, "data/org.example.crash/candor-1", Error::NotFound, Lasts::Long);
}

#[test]
fn a_rule_that_only_a_tombstone_kept_closes_no_longer_than_it_holds() {
    holds("blocked", Call::LockFile, "consent.lock", Error::ReadOnly, Lasts::ForFile);
}

#[test]
fn what_waits_is_not_gone_where_its_directory_was_seen_and_is_not_listed() {
    for operation in ["withdraw", "withdraw_undeclared", "blocked"] {
        for lasts in [Lasts::Once, Lasts::ForFile] {
            holds(operation, Call::List, "", Error::NotFound, lasts);
        }
    }
}

#[test]
fn what_can_neither_be_removed_nor_seen_is_not_gone() {
    for operation in ["revoke", "withdraw_undeclared"] {
        for call in [Call::Stat, Call::RemoveTree] {
            holds(operation, call, "", Error::NotFound, Lasts::Long);
        }
    }
}

#[test]
fn a_grant_that_is_not_over_by_one_wrong_reading_ends_all_the_same() {
    holds("begin_expired", Call::Now, "clock", Error::BackDays, Lasts::Once);
}

#[test]
fn the_first_reading_of_a_process_ends_nothing_by_being_ahead() {
    holds("begin_ended", Call::Now, "clock", Error::AheadYears, Lasts::Once);
}

#[test]
fn a_clock_that_leaps_after_the_first_grant_ends_nothing() {
    holds("grant_first", Call::Now, "clock", Error::AheadYears, Lasts::Long);
}

#[test]
fn half_a_line_of_a_life_lock_keeps_no_withdrawal_unconfirmed() {
    holds("grant", Call::WriteAll, "crash.life", Error::ShortWrite, Lasts::ForFile);
}

#[test]
fn what_was_agreed_to_under_other_rules_is_settled_when_it_is_found_again() {
    holds("rules", Call::Read, "", Error::NotFound, Lasts::ForFile);
}

#[test]
fn a_grant_that_is_over_by_a_clock_that_is_right_again_ends() {
    holds("begin_expired", Call::Now, "clock", Error::BackYears, Lasts::Long);
}
