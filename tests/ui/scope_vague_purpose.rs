// A purpose that could mean anything is nothing to agree to.

candor::scope! {
    /// Improving users' experience.
    pub EXPERIENCE = "experience" {
        title: "Experience", revision: 1, about: installation, retention: 90 days,
        benefit: "A better program", other_uses: none,
    }

    /// Statistics
    pub STATISTICS = "statistics" {
        title: "Statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "A better program", other_uses: none,
    }

    /// We collect what you do to improve our products.
    pub PRODUCTS = "products" {
        title: "Products", revision: 1, about: installation, retention: 90 days,
        benefit: "A better program", other_uses: none,
    }

    pub SILENT = "silent" {
        title: "Silent", revision: 1, about: installation, retention: 90 days,
        benefit: "A better program", other_uses: none,
    }
}

fn main() {}
