// Two scopes for the cases beside this folder to hang their events on.

candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }

    /// Count which servers can't be reached, so that the right time-outs are found.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Servers that are found sooner", other_uses: none,
    }
}
