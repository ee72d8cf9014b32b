// A parcel has a permit in it, and no program can put one there.

#![allow(unreachable_code)]

fn main() {
    let _ = candor::Parcel { batch: todo!(), permit: todo!() };
}
