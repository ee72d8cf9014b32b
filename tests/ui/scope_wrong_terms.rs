candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "Playback" {
        title: "", revision: 0, about: everyone, retention: 3 months,
        benefit: none, training: "no", sale_or_sharing: yes, advertising: yes(""), profiling: maybe("later"),
        judging_workers: false, also_never: "identifying what you watch",
    }

    /// Count which servers can't be reached, so that the right time-outs are found.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", title: "Connections", revision: one, about: installation, retention: 90,
        benefit: "Servers that are found sooner", other_uses: some, purpose: "To know",
    }

    /// Count which settings nobody changes, so that they can be removed.
    pub SETTINGS = "settings" {
        title: "Settings", revision: 1, about: installation, retention: 20 years, also_never: [""],
        benefit: "A settings page that fits on a screen", other_uses: none, training: no,
    }

    /// Count how often the search finds nothing, so that its index is fixed.
    pub SEARCH = "search" {
        title = "Search", revision: 1 about: installation, retention: 4000 days, benefits: "You find it",
        other_uses: none
    }
}

fn main() {}
