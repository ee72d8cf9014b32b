//! From a value to an outcome, on the caller's stack, before anything is kept. Makes [`Generalized`].
//!
//! Raw values end here: what goes on is 64 bytes of outcome numbers and at most one code. No lock, no allocation, no
//! clock, no system call. Keeps nothing but the keys of codes, and sends nothing.

mod keys;

pub(crate) use keys::{Keys, example as example_code, sent as sent_code};

use crate::{
    consent::Admission,
    event::{Codes, Event, MAX_FIELDS, Sink},
};

/// An event of which only outcomes are left. The only thing the journal's ring takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generalized {
    /// The schema's number, from 1.
    schema: u32,
    /// Whom it is about; 0 is the installation, the only one for now.
    subject: u32,
    epoch: u64,
    outcomes: [u16; MAX_FIELDS],
    code: [u8; 16],
}

// One cache line: what is pushed is copied, and never split between two.
const _: () = assert!(size_of::<Generalized>() == 64);

impl Generalized {
    #[inline]
    pub(crate) fn schema(&self) -> u32 {
        self.schema
    }

    pub(crate) fn subject(&self) -> u32 {
        self.subject
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn outcomes(&self) -> &[u16; MAX_FIELDS] {
        &self.outcomes
    }

    pub(crate) fn code(&self) -> &[u8; 16] {
        &self.code
    }
}

/// Generalises an admitted event. `None` when its type is not registered in this program, which the caller counts.
#[inline]
pub(crate) fn generalize<E: Event>(event: &E, admission: Admission, codes: &dyn Codes) -> Option<Generalized> {
    let schema = E::schema();
    let mut sink = Sink::new(schema, codes);
    event.generalize(&mut sink);
    (schema.index() != 0).then_some(Generalized {
        schema: schema.index(),
        subject: 0,
        epoch: admission.epoch(),
        outcomes: sink.outcomes,
        code: sink.code,
    })
}
