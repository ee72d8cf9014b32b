// A parcel can't be copied.

use candor::{Answer, Parcel, SendError, Transport};

struct Forked<T>(T, T);

impl<T: Transport> Transport for Forked<T> {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let copy = parcel.clone();
        self.0.send(parcel)?;
        self.1.send(copy)
    }
}

fn main() {}
