// A parcel ends with the call it was handed to, and its permit with it.

use candor::{Answer, Parcel, SendError, Transport};
use std::sync::Mutex;

static LATER: Mutex<Vec<Parcel<'static>>> = Mutex::new(Vec::new());

struct Hoarder;

impl Transport for Hoarder {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        if let Ok(mut later) = LATER.lock() {
            later.push(parcel);
        }
        Ok(Answer::Accepted { rejected: 0 })
    }
}

fn main() {}
