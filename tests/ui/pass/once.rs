//! Every way to report once in a period, and each period of a roll-up.

use candor::{Event, event::{Linkage, Period, Tenure, Values}};

candor::scope! {
    /// Find out how many people use the new list, so that the old one can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "One list", other_uses: none,
    }
}

/// The program was used on this day.
#[derive(Event)]
#[event(name = "used.day", scope = USAGE, once = day)]
struct Day;

/// The program was used in this week.
#[derive(Event)]
#[event(name = "used.week", scope = USAGE, once = week, values = first)]
struct Week {
    /// How many weeks ago you agreed.
    #[field(tenure)]
    since: Tenure,
    /// Whether the list is dark.
    dark: bool,
}

/// The program was used in this month.
#[derive(Event)]
#[event(name = "used.month", scope = USAGE, once = month, values = last, until = "2030-01-01")]
struct Month {
    /// Whether the list is dark.
    dark: bool,
}

/// The list was opened.
#[derive(Event)]
#[event(name = "list.opened", scope = USAGE, linkage = rollup)]
struct Opened;

/// The list was closed.
#[derive(Event)]
#[event(name = "list.closed", scope = USAGE, linkage = rollup, every = month)]
struct Closed;

/// A song was broken off.
#[derive(Event)]
#[event(name = "song.broken_off", scope = USAGE, linkage = rollup)]
struct BrokenOff<'a> {
    /// Which song.
    #[field(item)]
    song: &'a str,
}

/// A song was skipped.
#[derive(Event)]
#[event(name = "song.skipped", scope = USAGE, linkage = rollup, every = week, reason = "charts are made each week")]
struct Skipped<'a> {
    /// Which song.
    #[field(item)]
    song: &'a str,
}

fn main() {
    let of = |schema: &candor::event::Schema| (schema.linkage(), schema.period(), schema.values());
    assert_eq!(of(Day::schema()), (Linkage::Once, Some(Period::Day), None));
    assert_eq!(of(Week::schema()), (Linkage::Once, Some(Period::Week), Some(Values::First)));
    assert_eq!(of(Month::schema()), (Linkage::Once, Some(Period::Month), Some(Values::Last)));
    assert_eq!(of(Opened::schema()), (Linkage::Rollup, Some(Period::Day), None));
    assert_eq!(of(Closed::schema()), (Linkage::Rollup, Some(Period::Month), None));
    assert_eq!(of(BrokenOff::schema()), (Linkage::Rollup, Some(Period::Month), None));
    assert_eq!(of(Skipped::schema()), (Linkage::Rollup, Some(Period::Week), None));
    assert_eq!(Skipped::schema().period_reason(), Some("charts are made each week"));
    assert!(BrokenOff::schema().is_about_content() && !Opened::schema().is_about_content());
    candor::record(Week { since: Tenure, dark: true });
    candor::record(Month { dark: true });
    candor::record(BrokenOff { song: "a" });
    candor::record(Skipped { song: "a" });
    candor::record(Day);
    candor::record(Opened);
    candor::record(Closed);
}
