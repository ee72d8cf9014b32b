//! The contracts and notices that decisions name: each is stored once, under its digest. Never says what a text means.

use crate::consent::{
    json::digest,
    records::failed::{Failed, not_read},
    records::ledger::{Ledger, TEXT_MOST},
    records::snapshot::Entry,
};
use crate::{
    disk::Seen,
    error::{At, Error, Kind},
};
use std::{io, path::PathBuf};

impl Ledger {
    fn contract_path(&self, digest: &str) -> PathBuf {
        self.texts().join(digest)
    }

    /// The directory of contracts and notices.
    pub(in crate::consent) fn texts(&self) -> PathBuf {
        self.store.join("contracts")
    }

    /// Stores a contract or a notice under its digest, once.
    pub(crate) fn keep_text(&self, digest: &str, text: &str) -> Result<(), Error> {
        if self.may_keep_text(digest, text)? {
            return Ok(());
        }
        let (path, dir) = (self.contract_path(digest), self.texts());
        self.files.own_dir(&dir).at("use the directory", &dir)?;
        self.files.replace(&path, text.as_bytes()).at("write", &path)
    }

    /// Whether the text is stored already. Changes nothing.
    ///
    /// # Errors
    /// The text can't be stored.
    pub(in crate::consent) fn may_keep_text(&self, digest: &str, text: &str) -> Result<bool, Error> {
        let path = self.contract_path(digest);
        match self.seen_text(digest)? {
            Seen::Read(Some(_)) => return Ok(true),
            Seen::Refused if !self.is_too_large(&path, TEXT_MOST)? => return Err(not_read(&path)),
            Seen::Read(None) | Seen::Absent | Seen::Refused => {}
        }
        if text.len() as u64 > TEXT_MOST {
            // A text that can't be read back can't be compared, so an agreement to it would have no effect.
            return Err(Kind::Store { path, why: "a contract or notice is larger than 512 KiB" }.into());
        }
        self.files.may_replace(&path).at("write", &path)?;
        Ok(false)
    }

    /// A contract or notice that was stored earlier. `None` unless its bytes still have that digest.
    pub(crate) fn text(&self, kept: &str) -> Result<Option<String>, Failed> {
        Ok(match self.seen_text(kept)? {
            Seen::Read(text) => text,
            Seen::Absent | Seen::Refused => None,
        })
    }

    /// The same, for a caller that tells a text that is absent from one that was not read. The inner `None` means that the
    /// bytes have another digest.
    fn seen_text(&self, kept: &str) -> Result<Seen<Option<String>>, Failed> {
        let path = self.contract_path(kept);
        Ok(match self.look(&path, self.files.contents(&path, TEXT_MOST))? {
            Seen::Read(bytes) => Seen::Read((digest(&bytes) == kept).then(|| String::from_utf8(bytes).ok()).flatten()),
            // A file that is listed and can't be found is an error, not an absent file.
            Seen::Absent if self.names(&self.texts())?.iter().any(|name| name == kept) => {
                return Err(Failed::of(&path, io::ErrorKind::NotFound.into()));
            }
            Seen::Absent => Seen::Absent,
            Seen::Refused => Seen::Refused,
        })
    }

    /// The path of a contract or notice that exists but was not read. It is neither missing nor damaged.
    fn unread_text(&self, digest: &str) -> Result<Option<PathBuf>, Failed> {
        let path = self.contract_path(digest);
        let is_refused = matches!(self.look(&path, self.files.contents(&path, TEXT_MOST))?, Seen::Refused);
        Ok((is_refused && !self.is_too_large(&path, TEXT_MOST)?).then_some(path))
    }

    /// The same for the contract and the notice that were agreed to, as an error.
    pub(crate) fn unread_of(&self, entry: &Entry) -> Result<Option<Error>, Failed> {
        for digest in [&entry.contract, &entry.notice].into_iter().flatten() {
            if let Some(path) = self.unread_text(digest)? {
                return Ok(Some(not_read(&path)));
            }
        }
        Ok(None)
    }

    /// The contract that was agreed to, if it and its notice are stored unchanged. This is checked even if this build would
    /// produce the same text, because the person must be able to read what they agreed to.
    pub(in crate::consent) fn agreed(&self, entry: &Entry) -> Result<Option<String>, Failed> {
        let text = |digest: &Option<String>| digest.as_deref().map_or(Ok(None), |digest| self.text(digest));
        let (notice, contract) = (text(&entry.notice)?, text(&entry.contract)?);
        Ok(contract.filter(|_| notice.is_some()))
    }
}
