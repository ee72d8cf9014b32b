// The doc comment is what a person reads before they agree.

include!("support/scopes.rs");

#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    #[field(count, example = 3)]
    stalls: u32,
    ///
    transcoded: bool,
    #[doc = concat!("How often it was ", "paused.")]
    #[field(count, example = 3)]
    pauses: u32,
}

fn main() {}
