// A request for erasure names what a request on disk names, and takes no ids from anyone.

fn main() {
    let ids = [[0_u8; 16]];
    let _ = candor::Parcel::erasure(&ids);
}
