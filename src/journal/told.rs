//! Which once-events were reported in which period: an empty file for each, `told/<scope>/<when granted>/<period>.<event>`.
//!
//! The file is made before the record is written, and only one process can make it. So a record may be lost when a program dies in
//! between, and is never made twice. The files last as long as the grant, also when a field is switched off in between; a
//! withdrawal destroys them with the pending data. Never holds a value of an event.

use super::{Journal, Writer, segment::Kind, span::Span};
use crate::{
    ambient::{Day, Time},
    consent::Scope,
    disk::Look,
    event::Schema,
};
use std::{io, path::PathBuf};

/// How long it is remembered that an event was reported in a period that is over. Until then a clock that is set back makes no
/// second record.
const DAYS: u32 = 60;

impl Journal {
    /// Notes that the event is reported in this period. Returns whether it was not noted before: only then it is to be reported.
    ///
    /// # Errors
    /// It can't be noted now.
    pub(super) fn claim(&self, writer: &mut Writer, schema: &Schema, given: Time, span: Span) -> io::Result<bool> {
        let (scope, number) = (schema.scope(), schema.index());
        if writer.told.get(&(scope.name(), number)) == Some(&(given, span.start)) {
            return Ok(false);
        }
        self.writing(writer, Kind::Waiting, scope, |writer| {
            let directory = self.told_dir(scope).join(given.0.to_string());
            self.files.own_dir(&directory)?;
            let is_new = match self.files.create(&directory.join(format!("{span}.{}", schema.name()))) {
                Ok(_) => {
                    // After a power failure the note must be there if the record is.
                    self.files.sync_dir(&directory)?;
                    true
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error),
            };
            writer.told.insert((scope.name(), number), (given, span.start));
            Ok(is_new)
        })
    }

    /// Forgets what was reported under an earlier grant, or in periods that have been over for long. `given` is when the grant in
    /// force was given.
    pub(crate) fn forget_told(&self, scope: Scope, given: Time, today: Day) {
        let (above, kept) = (self.told_dir(scope), given.0.to_string());
        let seen = |directory: &PathBuf| match self.files.children(directory) {
            Look::Read(names) => names,
            // What can't be listed now is forgotten another day.
            Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
        };
        for name in seen(&above) {
            let directory = above.join(&name);
            if name != kept {
                // What is left is never looked at: no grant has that name.
                let _ = self.throw_away(&directory);
                continue;
            }
            for name in seen(&directory) {
                let is_old = Span::split(&name).is_none_or(|(span, _)| span.end().plus(DAYS) < today);
                if is_old {
                    self.files.remove_or_leave(&directory.join(name));
                }
            }
        }
    }

    fn told_dir(&self, scope: Scope) -> PathBuf {
        self.store.join("told").join(scope.name())
    }
}
