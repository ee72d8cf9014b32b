include!("support/scopes.rs");

macro_rules! wide {
    ($($field:ident)*) => {
        /// A stream ended or was stopped.
        #[derive(candor::Event)]
        #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
        struct PlaybackFinished {
            $(
                /// Whether it happened.
                $field: bool,
            )*
        }
    };
}

wide!(a b c d e f g h i j k l m n o p q);

fn main() {}
