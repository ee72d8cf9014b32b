// `timing!` and `attempts!` each bring a field.

include!("support/scopes.rs");

candor::timing! {
    /// A page was exported.
    pub EXPORTED = "page.exported" in PLAYBACK {
        /// Whether it took long.
        took: bool,
    }
}

candor::attempts! {
    /// A backup was tried.
    pub BACKUP = "backup.tried" in PLAYBACK {
        /// Whether it succeeded.
        succeeded: bool,
    }
}

fn main() {}
