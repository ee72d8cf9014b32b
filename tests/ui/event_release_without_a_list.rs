// A list of releases is written down, or named.

include!("support/scopes.rs");

/// The program was started.
#[derive(candor::Event)]
#[event(name = "program.started", scope = PLAYBACK, linkage = rollup)]
struct Started {
    /// Which release it is.
    #[field(release, example = "1.4.1")]
    release: String,
    /// Which release it was before.
    #[field(release = "1.4.0", example = "1.4.1")]
    before: String,
    /// How large it is.
    #[field(byte_size, group = "program", example = 734_003_200)]
    bytes: u64,
}

fn main() {}
