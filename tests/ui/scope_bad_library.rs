candor::scope! {
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub TEXT = "codeclib.text" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
        library: "https://telemetry.codeclib.example",
    }
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub ALONE = "codeclib.alone" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
        library: { endpoint: "https://telemetry.codeclib.example" },
    }
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub OTHER = "codeclib.other" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
        library: { controller: CODECLIB, url: "https://telemetry.codeclib.example" },
    }
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub TITLE = "codeclib.title" {
        title: { controller: CODECLIB, endpoint: "https://telemetry.codeclib.example" },
        revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
        library: { controller: CODECLIB, endpoint: "" },
    }
}

fn main() {}
