//! Each mistake about periods that the macro itself finds.

candor::scope! {
    /// Find out how many people use the new list, so that the old one can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "One list", other_uses: none,
    }
}

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, once = year)]
struct NoSuchPeriod;

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, once = week, linkage = rollup)]
struct BothOnceAndLinkage;

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, once = week, every = week)]
struct BothOnceAndEvery;

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, linkage = none, values = first)]
struct ValuesWithoutOnce {
    /// Whether the list is dark.
    dark: bool,
}

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, once = week, values = middle)]
struct NoSuchValues {
    /// Whether the list is dark.
    dark: bool,
}

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, linkage = rollup, reason = "it is short")]
struct ReasonWithoutEvery;

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE)]
struct NeitherOnceNorLinkage;

fn main() {}
