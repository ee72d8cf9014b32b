// An attempt that tells why it failed can't fail for no cause. A cause is a category, not a text.

include!("support/scopes.rs");

#[derive(candor::Category)]
pub enum Cause {
    DiskFull,
    Other,
}

candor::attempts! {
    /// A backup was tried.
    pub BACKUP = "backup.tried" in PLAYBACK {
        /// Why it failed, if it did.
        cause: Cause,
    }
    /// A copy was tried.
    pub COPY = "copy.tried" in PLAYBACK {
        /// Why it failed, if it did.
        message: String,
    }
}

fn main() {
    BACKUP.failed();
    let _ = BACKUP.of(Err::<(), _>("no space"), |error| *error);
}
