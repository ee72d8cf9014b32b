candor::scope! {
    /// Find out which settings people use, so that the others can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Fewer settings", other_uses: none,
        budget: 4_096,
    }
    /// Find out which lists people use, so that the others can go.
    pub LISTS = "lists" {
        title: "Lists", revision: 1, about: installation, retention: 30 days, benefit: "Fewer lists", other_uses: none,
        budget: 512, budget_reason: "we are few",
    }
}

fn main() {}
