//! Collects the mistakes of one macro call, so that they are reported together instead of one for each compilation.
//!
//! It never lets a model through beside a mistake: [`Ctxt::finish`] is the only way out.

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
    /// Notes a mistake that covers `tokens`.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.note(Error::new_spanned(tokens, message));
    }

    /// Takes the value, or notes the mistake.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.note(error)).ok()
    }

    /// The value when no mistake was found, else every mistake.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T> {
        match (self.errors, value) {
            (None, Some(value)) => Ok(value),
            (Some(errors), _) => Err(errors),
            // No mistake was noted, and yet something could not be read: doubt ends in an error, never in an expansion.
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
