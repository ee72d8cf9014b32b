//! Keyed 128-bit codes. A row's class is the sum of the codes of its buckets, so that removing one field from a class is a
//! subtraction. Each run has a new key that is never written anywhere: an attacker can't make rows collide on purpose.

use crate::error::{Error, Result};

/// A code. It is compared, added and subtracted, but never decoded.
pub(crate) type Code = u128;

/// Makes codes with the key of the run.
#[derive(Clone)]
pub(crate) struct Coder {
    key: [u8; 32],
    /// Reused for each value, because most values are short.
    buffer: Vec<u8>,
}

impl Coder {
    /// A coder with a new random key.
    pub(crate) fn fresh() -> Result<Coder> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::Input(format!("the system gave no random bytes: {error}")))?;
        Ok(Coder { key, buffer: Vec::new() })
    }

    /// The code of one value in one name space.
    pub(crate) fn code(&mut self, space: u32, kind: u8, value: &[u8]) -> Code {
        self.buffer.clear();
        self.buffer.extend_from_slice(&space.to_le_bytes());
        self.buffer.push(kind);
        self.buffer.extend_from_slice(value);
        let hash = blake3::keyed_hash(&self.key, &self.buffer);
        let (half, _) = hash.as_bytes().split_at(16);
        half.try_into().map_or(0, Code::from_le_bytes)
    }

    /// Odd factors that make a sum of codes depend on the order of its terms.
    pub(crate) fn factors(&mut self, count: usize) -> Vec<Code> {
        (0..count as u64).map(|at| self.code(u32::MAX, 0, &at.to_le_bytes()) | 1).collect()
    }
}
