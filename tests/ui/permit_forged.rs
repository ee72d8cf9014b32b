// Only the consent room makes permits.

fn main() {
    let _ = candor::consent::Permit { watch: todo!(), _life: todo!() };
}
