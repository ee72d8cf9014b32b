// A parcel has its proof in it, and no program can put one there.

#![allow(unreachable_code, reason = "`todo!` is in place of a value that cannot be had")]

fn main() {
    let _ = candor::Parcel { load: todo!() };
}
