candor::scope! {
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub CON = "con" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
    }
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub PORT = "com1.formats" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
    }
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub CONSOLE = "console" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
    }
}

fn main() {}
