//! What both ways of running have in common: the mistakes, one after the other, and how a schedule's end is read.

use std::any::Any;

/// A failed schedule's message.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "?".to_owned(), |message| (*message).to_owned()),
    }
}

/// The plan of the copy that holds the mistakes: another type with the same fields.
pub(crate) fn mistaken(plan: crate::scenario::Plan) -> crate::mistaken::scenario::Plan {
    crate::mistaken::scenario::Plan {
        processes: plan.processes,
        senders: plan.senders,
        batches: plan.batches,
        slices: plan.slices,
        bare: plan.bare,
        follow: plan.follow,
        lingers: plan.lingers,
        grants: plan.grants,
        grants_after: plan.grants_after,
        records: plan.records,
    }
}

/// Makes each mistake in turn and lets `look` run the plans over it, which answers the message of the first schedule that
/// fails. Answers how many of `here` were noticed, or the name of one that was not.
pub(crate) fn every_mistake(here: &[&'static str], look: impl Fn() -> Option<String>) -> Result<usize, String> {
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let mut noticed = 0;
    for &mistake in here {
        crate::switch::set(mistake);
        let found = look();
        crate::switch::set("");
        // A model that breaks has noticed nothing.
        let Some(what) = found.as_ref().and_then(|message| message.strip_prefix(crate::scenario::VIOLATION)) else {
            return Err(format!("not noticed: {mistake} ({found:?})"));
        };
        eprintln!("noticed: {mistake}: {what}");
        noticed += 1;
    }
    // The one that was there knows which panics are only the way in which a thread ends.
    std::panic::set_hook(said);
    Ok(noticed)
}

/// Every mistake there is, whoever notices it.
pub(crate) fn all() -> Vec<&'static str> {
    let written = crate::mistaken::NAMES.iter().filter(|name| !name.ends_with("its second half"));
    written.copied().chain(["slices not asked for"]).collect()
}
