//! Shared by `exhaustive` and `random`: runs each mistake in turn and reads the message of a failed schedule. Never
//! runs a schedule itself.

use std::any::Any;

/// Returns the message of a failed schedule.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "?".to_owned(), |message| (*message).to_owned()),
    }
}

/// Converts a plan to the type of the copy with mistakes, which has the same fields.
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

/// Activates each mistake in turn and calls `look`, which runs the plans with it and returns the message of the first
/// schedule that fails. Returns how many mistakes of `here` were noticed, or the name of the first one that was not.
pub(crate) fn every_mistake(here: &[&'static str], look: impl Fn() -> Option<String>) -> Result<usize, String> {
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let mut noticed = 0;
    for &mistake in here {
        crate::switch::set(mistake);
        let found = look();
        crate::switch::set("");
        // A schedule that fails for another reason has not noticed the mistake.
        let Some(what) = found.as_ref().and_then(|message| message.strip_prefix(crate::scenario::VIOLATION)) else {
            return Err(format!("not noticed: {mistake} ({found:?})"));
        };
        eprintln!("noticed: {mistake}: {what}");
        noticed += 1;
    }
    // Restores the previous hook, which recognizes panics that are only how a thread ends.
    std::panic::set_hook(said);
    Ok(noticed)
}

/// Every mistake, whether random or exhaustive schedules notice it.
pub(crate) fn all() -> Vec<&'static str> {
    let written = crate::mistaken::NAMES.iter().filter(|name| !name.ends_with("its second half"));
    written.copied().chain(["slices not asked for"]).collect()
}
