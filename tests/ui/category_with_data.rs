// A category is a closed list; data in a variant would be open.

#[derive(candor::Category)]
enum Codec {
    H264 { level: u32 },
    Other(String),
}

fn main() {}
