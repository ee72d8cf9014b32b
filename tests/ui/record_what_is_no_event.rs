// Only events can be recorded.

struct Opened;

fn main() {
    candor::record(Opened);
    candor::record("opened");
}
