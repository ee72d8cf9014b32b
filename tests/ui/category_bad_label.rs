#[derive(candor::Category)]
#[category(rename = "codecs")]
enum Codec {
    H264,
    #[category(rename = "H.265")]
    Hevc,
    #[category(rename = "h264")]
    Avc,
    Großformat,
    #[category(label = "av1")]
    Av1,
    Other,
}

fn main() {}
