// Only the consent room makes permits.

#![allow(unreachable_code, reason = "`todo!` is in place of a value that cannot be had")]

fn main() {
    let _ = candor::consent::Permit { watch: todo!(), _life: todo!() };
}
