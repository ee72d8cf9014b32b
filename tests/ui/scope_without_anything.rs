// Every key that is missing is told at once.

candor::scope! {
    PLAYBACK = "playback" {}
}

candor::scope! {
    /// Count which servers can't be reached, so that the right time-outs are found.
    CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Servers that are found sooner", training: no, advertising: no,
    }
}

candor::scope! {}

fn main() {}
