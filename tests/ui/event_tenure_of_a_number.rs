candor::scope! {
    /// Find out how many people use the new list, so that the old one can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "One list", other_uses: none,
    }
}

/// The program was used.
#[derive(candor::Event)]
#[event(name = "program.used", scope = USAGE, once = week, values = first)]
struct ProgramUsed {
    /// How many weeks ago you agreed.
    #[field(tenure)]
    since: u32,
}

fn main() {}
