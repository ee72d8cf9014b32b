// Every mistake is told in one compilation.

#[derive(candor::Event)]
#[event(name = "Finished", linkage = yearly)]
struct PlaybackFinished {
    #[field(text)]
    title: String,
    /// How often it stalled.
    #[field(count)]
    stalls: u32,
}

fn main() {
    candor::record(PlaybackFinished { title: String::new(), stalls: 0 });
}
