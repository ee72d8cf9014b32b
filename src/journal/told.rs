//! Which once-events were reported in which period: an empty file for each, `told/<scope>/periods/<period>-<event>`.
//!
//! The file is made before the record is written, and only one process can make it. So a record may be lost when a program dies in
//! between, and is never made twice. The files last as long as the grant, also when a field is switched off or the grant is renewed
//! in between; a withdrawal destroys them with the pending data. Never holds a value of an event.

use super::{Journal, Writer, segment::Kind, span::Span};
use crate::{ambient::Day, consent::Scope, disk::Look, event::Schema};
use std::{io, path::PathBuf};

/// How long it is remembered that an event was reported in a period that is over. Until then a clock that is set back makes no
/// second record.
const DAYS: u32 = 60;

impl Journal {
    /// Notes that the event is reported in this period. Returns whether it was not noted before: only then it is to be reported.
    ///
    /// # Errors
    /// It can't be noted now.
    pub(super) fn claim(&self, writer: &mut Writer, schema: &Schema, epoch: u64, span: Span) -> io::Result<bool> {
        let (scope, number) = (schema.scope(), schema.index());
        if writer.told.get(&(scope.name(), number)) == Some(&(epoch, span.start)) {
            return Ok(false);
        }
        self.writing(writer, Kind::Waiting, scope, |writer| {
            let directory = self.told_dir(scope);
            self.files.own_dir(&directory)?;
            let path = self.told(schema, span);
            let is_new = match self.files.create(&path) {
                Ok(_) => {
                    // After a power failure the note must be there if the record is.
                    self.files.sync_dir(&directory).inspect_err(|_| self.files.remove_or_leave(&path))?;
                    true
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error),
            };
            writer.told.insert((scope.name(), number), (epoch, span.start));
            Ok(is_new)
        })
    }

    /// Takes back a note whose record could not be written. If that fails, the record is missing in this period.
    pub(super) fn unclaim(&self, writer: &mut Writer, schema: &Schema, span: Span) {
        writer.told.remove(&(schema.scope().name(), schema.index()));
        self.files.remove_or_leave(&self.told(schema, span));
    }

    /// Forgets what was reported in periods that have been over for long.
    pub(crate) fn forget_told(&self, scope: Scope, today: Day) {
        let directory = self.told_dir(scope);
        let names = match self.files.children(&directory) {
            Look::Read(names) => names,
            // What can't be listed now is forgotten another day.
            Look::Absent | Look::Refused(_) | Look::Failed(_) => return,
        };
        for name in names {
            if Span::split(&name).is_none_or(|(span, _)| span.end().plus(DAYS) < today) {
                self.files.remove_or_leave(&directory.join(name));
            }
        }
    }

    fn told(&self, schema: &Schema, span: Span) -> PathBuf {
        // No event's name has this separator, so that two events never share a file.
        self.told_dir(schema.scope()).join(format!("{span}-{}", schema.name()))
    }

    fn told_dir(&self, scope: Scope) -> PathBuf {
        // A directory of its own, like a generation of pending data, so that it is destroyed in the same way.
        self.store.join("told").join(scope.name()).join("periods")
    }
}
