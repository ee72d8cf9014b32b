//! Declarations in a separate package. This may be a library whose author forgot to say so, or a part of an
//! application. Only the application knows which.

candor::scope! {
    /// Find out which formats fail to decode, so that those decoders are fixed first.
    pub FORMATS = "parts.formats" {
        title: "Formats", revision: 1, about: installation, retention: 20 days,
        benefit: "Fewer films that don't play", other_uses: none,
    }
}

/// A format could not be decoded.
#[derive(candor::Event)]
#[event(name = "parts.failed", scope = FORMATS, linkage = none)]
#[expect(clippy::exhaustive_structs, reason = "an application makes it")]
pub struct Failed {
    /// Whether another decoder was tried.
    pub again: bool,
}
