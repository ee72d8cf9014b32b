//! Turns the values of an event into outcomes, on the caller's stack, before anything is kept. The result is
//! [`Generalized`].
//!
//! Raw values are dropped here. What is passed on is 64 bytes: outcome numbers and at most one code. This takes no
//! lock, makes no allocation, reads no clock and makes no system call. The module keeps nothing except the keys for
//! codes, and never sends anything.

mod keys;

pub(crate) use keys::{Keys, example};

use crate::{
    consent::Admission,
    event::{Answers, Code, Codes, Event, MAX_FIELDS, Schema, Sink, Snapshot},
    precision::Precision,
};

/// A generalised event: it holds outcomes only. The journal's ring takes nothing else.
#[derive(Debug, Clone, Copy)]
#[repr(align(8))]
pub(crate) struct Generalized {
    /// The schema's number, counted from 1.
    schema: u32,
    /// Whom the event is about. 0 is the installation, the only value for now.
    subject: u32,
    epoch: u64,
    outcomes: [u16; MAX_FIELDS],
    code: Code,
}

// The size of one cache line, on 32-bit platforms as well.
const _: () = assert!(size_of::<Generalized>() == 64);

impl Generalized {
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Generalized { schema: 1, subject: 0, epoch: 1, outcomes: [0; MAX_FIELDS], code: Code::NONE }
    }

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

    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

/// Shows what would be sent of an event: each field's name, with its outcome in the words of the manifest. A program
/// can use it to show a person a value of their own beside what would be sent of it. Needs no consent, keeps nothing
/// and sends nothing.
///
/// The outcomes are those of this build. If the person agreed to less, less is kept. Codes and groups depend on the
/// secret of a grant, so they are not shown: a code reads `a code`, and a group reads, for example, `one of 16 groups`.
///
/// ```
/// # candor::scope! {
/// #     /// Find out how many shelves people fill, so that lists of that length are fast.
/// #     pub LIBRARY = "library" { title: "Library", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// /// A library was imported.
/// #[derive(candor::Event)]
/// #[event(name = "library.imported", scope = LIBRARY, linkage = rollup)]
/// struct LibraryImported {
///     /// How many shelves it has.
///     #[field(count, example = 3)]
///     shelves: usize,
///     /// Whether it was sorted.
///     sorted: bool,
/// }
///
/// let sent = candor::preview(&LibraryImported { shelves: 7, sorted: true });
/// assert_eq!(sent, [("shelves", "5 to 8".into()), ("sorted", "yes".into())]);
/// ```
#[must_use]
pub fn preview<E: Event>(event: &E) -> Vec<(&'static str, String)> {
    struct AnyCode;
    impl Codes for AnyCode {
        fn code(&self, _: &Schema, _: &str, _: &[u8]) -> Option<(Code, u64)> {
            Some((Code::NONE, 0))
        }
        fn draw(&self, _: &Schema, _: &str, _: &[u8]) -> Option<u64> {
            Some(0)
        }
        fn draw_of_month(&self, _: &Schema, _: &str, _: &[u8]) -> Option<u64> {
            Some(0)
        }
    }
    let mut sink = Sink::new(E::schema(), &AnyCode);
    event.generalize(&mut sink);
    let fields = E::schema().fields().iter().zip(sink.outcomes);
    let words = |precision: Precision, outcome| match precision {
        Precision::Cohort { .. } if outcome != 0 => format!("one of {} groups", precision.outcomes()),
        _ => precision.words(outcome),
    };
    fields.map(|(field, outcome)| (field.name, words(field.precision, outcome))).collect()
}

/// The name space in which a secret of the grant chooses the panel that an installation reports.
const PANEL: &str = "candor.panel";

/// Why an event was not generalised. The caller counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Its type is not registered in this program.
    Unregistered,
    /// It is about an item that is not sampled.
    NotChosen,
    /// It belongs to a panel that this installation does not report.
    OtherPanel,
    /// It is about an item, and there is no key now to tell whether that item is sampled.
    NoKey,
}

/// Whether this installation reports the panel that a record belongs to.
#[inline]
fn is_answered(schema: &'static Schema, key: u16, codes: &dyn Codes) -> Result<(), Rejection> {
    let panels = schema.panels();
    if panels > 1 {
        let drawn = codes.draw(schema, PANEL, b"").ok_or(Rejection::NoKey)?;
        if drawn % u64::from(panels) != u64::from(schema.panel(key)) {
            return Err(Rejection::OtherPanel);
        }
    }
    Ok(())
}

/// Generalises the fields of a snapshot that was admitted, each by itself.
pub(crate) fn generalize_snapshot<S: Snapshot>(
    snapshot: &S,
    admission: &Admission,
    codes: &dyn Codes,
    each: &mut dyn FnMut(Result<Generalized, Rejection>),
) {
    let mut take = |schema: &'static Schema, outcomes: [u16; MAX_FIELDS], unreadable: u16, keyless: bool| {
        if unreadable != 0 {
            schema.count_unreadable(unreadable);
        }
        let is_empty = outcomes.iter().all(|outcome| *outcome == 0);
        let key = outcomes.first().copied().unwrap_or(0);
        each(if keyless {
            Err(Rejection::NoKey)
        } else if schema.index() == 0 {
            Err(Rejection::Unregistered)
        } else if is_empty {
            // What is not known is not reported.
            return;
        } else {
            is_answered(schema, key, codes).map(|()| Generalized {
                schema: schema.index(),
                subject: 0,
                epoch: admission.epoch(),
                outcomes,
                code: Code::NONE,
            })
        });
    };
    snapshot.answer(&mut Answers::new(codes, &mut take));
}

/// Generalises an event that was admitted.
#[inline]
pub(crate) fn generalize<E: Event>(
    event: &E,
    admission: Admission,
    codes: &dyn Codes,
) -> Result<Generalized, Rejection> {
    let schema = E::schema();
    is_answered(schema, 0, codes)?;
    let mut sink = Sink::new(schema, codes);
    event.generalize(&mut sink);
    if sink.keyless {
        return Err(Rejection::NoKey);
    }
    if !sink.chosen {
        return Err(Rejection::NotChosen);
    }
    if sink.unreadable != 0 {
        schema.count_unreadable(sink.unreadable);
    }
    if schema.index() == 0 {
        return Err(Rejection::Unregistered);
    }
    Ok(Generalized {
        schema: schema.index(),
        subject: 0,
        epoch: admission.epoch(),
        outcomes: sink.outcomes,
        code: sink.code,
    })
}
