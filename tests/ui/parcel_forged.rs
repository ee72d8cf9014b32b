// Only `seal` makes parcels, and only candor has what it takes.

fn main() {
    let _ = candor::Parcel { batch: todo!(), permit: todo!() };
    let _ = candor::Parcel::seal(todo!(), todo!());
}
