// Only the consent room makes permits.

#![allow(unreachable_code)]

fn main() {
    let _ = candor::consent::Permit { watch: todo!(), _life: todo!() };
}
