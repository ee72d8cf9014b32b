// Only a recorded yes opens a scope's gate.

include!("support/scopes.rs");

fn main() {
    PLAYBACK.gate().store(1, std::sync::atomic::Ordering::SeqCst);
}
