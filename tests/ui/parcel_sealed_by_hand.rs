// Only candor seals parcels.

#![allow(unreachable_code)]

fn main() {
    let _ = candor::Parcel::seal(todo!(), todo!());
}
