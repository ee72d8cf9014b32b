//! Collects the mistakes of one macro call, so that the compiler reports all of them in one run.
//!
//! It never returns a model if there was a mistake: [`Ctxt::finish`] is the only way to get the result.

use proc_macro2::Span;
use quote::ToTokens;
use std::fmt::Display;
use syn::{Error, Result};

/// The mistakes found so far.
#[derive(Default)]
#[must_use = "mistakes are reported by `finish`"]
pub(crate) struct Ctxt {
    errors: Option<Error>,
}

impl Ctxt {
    /// Records a mistake at the place of `tokens`.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.note(Error::new_spanned(tokens, message));
    }

    /// Returns the value, or records the mistake and returns `None`.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.note(error)).ok()
    }

    /// Returns the value if there was no mistake, else all mistakes.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T> {
        match (self.errors, value) {
            (None, Some(value)) => Ok(value),
            (Some(errors), _) => Err(errors),
            // No mistake was recorded, but something could not be read. To be safe, this is an error and never an
            // expansion.
            (None, None) => Err(Error::new(Span::call_site(), "candor can't read this declaration")),
        }
    }

    fn note(&mut self, error: Error) {
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }
}
