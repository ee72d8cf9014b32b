candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: subject, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }
}

fn main() {}
