// A parcel is good for one send.

use candor::{Answer, Parcel, SendError, Transport};

struct Stubborn<T>(T);

impl<T: Transport> Transport for Stubborn<T> {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        match self.0.send(parcel) {
            Err(_) => self.0.send(parcel),
            answer => answer,
        }
    }
}

fn main() {}
