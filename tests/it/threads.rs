//! Public types can be moved to another thread and shared between threads.

use candor::{
    AddressLog, Answer, Audience, Candor, Client, Config, Controller, Dropped, Erasure, Error, EventPage, FieldPage,
    Flushed, GrowingCount, Manifest, Outcomes, Precision, Scope, ScopePage, SendError, SentPage, Translation, Unit,
    consent::{
        Change, Destroyed, Effect, ErasureRequest, ErasureState, ErasureStatus, Flaw, Grant, MayAsk, Notice, Prompt,
        Receipt, Receipts, State, Status, Undeclared, Verdict, WhyNot, Wrong,
    },
};

/// Compiles only if each type is `Send` and `Sync`.
macro_rules! shared {
    ($($type:ty),* $(,)?) => {
        const _: () = {
            const fn is<T: Send + Sync>() {}
            $(is::<$type>();)*
        };
    };
}

shared! {
    AddressLog, Answer, Audience, Candor, Client, Config, Controller, Dropped, Erasure, Error, EventPage, FieldPage,
    Flushed, GrowingCount, Manifest, Outcomes, Precision, Scope, ScopePage, SendError, SentPage, Translation, Unit,
    Change, Destroyed, Effect, ErasureRequest, ErasureState, ErasureStatus, Flaw, Grant, MayAsk, Notice, Prompt<'static>,
    Receipt, Receipts, State, Status, Undeclared, Verdict, WhyNot, Wrong,
}
