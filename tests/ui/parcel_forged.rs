// A parcel has its proof in it, and no program can put one there.

#![allow(unreachable_code)]

fn main() {
    let _ = candor::Parcel { load: todo!() };
}
