//! Whether the disk has space for an answer, as far as that can be known without writing.

use crate::consent::{agreement::contract::Contract, state::consent::Consent};
use crate::disk::Need;
use std::io;

/// The disk space that an answer needs in addition to its texts: about ten small files of one or two blocks each, and their
/// directories.
pub(in crate::consent) const LEAST: Need = Need { room: 64 << 10, files: 16, largest: LINE };

/// More bytes than one decision adds to a file.
const LINE: u64 = 8 << 10;

impl Consent {
    /// Whether the files of an answer can be written, as far as this can be known without writing. If this wrongly succeeds, the
    /// person is asked in vain.
    pub(in crate::consent) fn can_keep(&self, contract: &Contract) -> io::Result<()> {
        let (ledger, files) = (&self.ledger, self.ledger.files());
        let mut need = LEAST;
        let texts = [contract.json.len(), contract.notice_or_own().text().len()];
        for text in texts.map(|len| len as u64) {
            need.room += text.next_multiple_of(4_096);
            need.largest = need.largest.max(text);
        }
        // The snapshot and the marks are replaced by new files that exist beside the old ones for a moment. The history is
        // appended to.
        for path in [ledger.snapshot_path(), ledger.marks_path(), ledger.ledger_path()] {
            let len = files.stat(&path)?.map_or(0, |stat| stat.len);
            need.largest = need.largest.max(len.saturating_add(LINE));
            if path != ledger.ledger_path() {
                need.room = need.room.saturating_add(len);
            }
        }
        ledger.places().into_iter().try_for_each(|place| files.may_write(place, need))
    }

    /// The same with the minimum sizes only: does not look at the current sizes of the files. For callers that are not about to
    /// ask.
    pub(in crate::consent) fn can_keep_little(&self) -> io::Result<()> {
        self.ledger.places().into_iter().try_for_each(|place| self.ledger.files().may_write(place, LEAST))
    }
}
