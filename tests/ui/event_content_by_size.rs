// A size with a length, or with a second size, tells one file from many others. A size alone does not.

include!("support/scopes.rs");

/// A file was served.
#[derive(candor::Event)]
#[event(name = "file.served", scope = PLAYBACK, linkage = none)]
struct FileServed {
    /// How large it was.
    #[field(byte_size, example = 734_003_200)]
    bytes: u64,
    /// How long that took.
    #[field(ladder = [0, 60, 600], unit = "s", example = 70)]
    took: std::time::Duration,
}

/// A file was packed.
#[derive(candor::Event)]
#[event(name = "file.packed", scope = PLAYBACK, linkage = rollup)]
struct FilePacked {
    /// How large it was before.
    #[field(byte_size, example = 734_003_200)]
    before: u64,
    /// How large it was afterwards.
    #[field(byte_size, example = 34_003_200)]
    after: u64,
}

/// A call ended.
#[derive(candor::Event)]
#[event(name = "call.ended", scope = PLAYBACK, linkage = none)]
struct CallEnded {
    /// How long it was.
    #[field(ladder = [0, 10, 60], unit = "min", group = "media", example = 37)]
    length: std::time::Duration,
}

fn main() {}
