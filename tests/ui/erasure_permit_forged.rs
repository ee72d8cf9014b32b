// Only the consent module makes erasure permits, from a stored request of the person.

#![allow(unreachable_code, reason = "`todo!` is in place of a value that cannot be had")]

fn main() {
    let _ = candor::consent::ErasurePermit { request: todo!(), watch: todo!() };
}
