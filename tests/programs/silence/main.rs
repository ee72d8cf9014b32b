//! wip
mod flow;
#[path = "../../../examples/support/stage.rs"]
mod stage;
#[path = "../../../examples/support/mod.rs"]
mod support;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let a: Vec<String> = std::env::args().collect();
    flow::run(&a[1], a.get(2).and_then(|m| flow::Mutant::named(m)))
}
