//! Properties that must hold for any bytes in place of a lock file. For fuzzers and tests only. Never reads a file.
#![allow(missing_docs, reason = "for fuzzers")]

use super::form::Lock;

pub fn lock(bytes: &[u8]) {
    match Lock::read(bytes) {
        Ok(lock) => {
            // Each lock has exactly one text. Only line endings may differ.
            let text = lock.text();
            assert_eq!(String::from_utf8_lossy(bytes).replace("\r\n", "\n"), text);
            assert!(Lock::read(text.as_bytes()).is_ok());
        }
        Err(trouble) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!(trouble.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{:?} of {lines}", trouble.line);
            assert!(!trouble.what.is_empty());
        }
    }
}
