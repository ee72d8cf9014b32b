include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "a", scope = PLAYBACK, linkage = none, until = "2027-06")]
struct A;

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "b", scope = PLAYBACK, linkage = none, until = "2027-02-29")]
struct B;

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "c", scope = PLAYBACK, linkage = none, until = "next summer")]
struct C;

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "d", scope = PLAYBACK, linkage = none, until = 2027)]
struct D;

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "e", scope = PLAYBACK, linkage = none, until = "2027-06-30T12:00:00Z")]
struct E;

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "f", scope = PLAYBACK, linkage = none, until = "", until = "2027-06-30")]
struct F;

fn main() {}
