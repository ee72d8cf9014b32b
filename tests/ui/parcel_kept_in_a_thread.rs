// A transport can't send after it has returned.

use candor::{Answer, Parcel, SendError, Transport};
use std::sync::Arc;

struct Background<T>(Arc<T>);

impl<T: Transport> Transport for Background<T> {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let inner = Arc::clone(&self.0);
        std::thread::spawn(move || inner.send(parcel));
        Ok(Answer::Accepted { rejected: 0 })
    }
}

fn main() {}
