#[derive(candor::Category)]
struct Codec(String);

#[derive(candor::Category)]
enum Container<const N: usize> {
    Mkv,
    Other,
}

fn main() {}
