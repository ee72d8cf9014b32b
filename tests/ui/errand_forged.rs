// Only the consent room makes errands, from a wish of the person's on disk.

#![allow(unreachable_code)]

fn main() {
    let _ = candor::consent::ErasurePermit { wish: todo!(), vigil: todo!() };
}
