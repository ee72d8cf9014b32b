//! Selects the mistake that is active in the copy of the modules with mistakes. The real modules never use this.

use std::sync::Mutex;

static ON: Mutex<&str> = Mutex::new("");

pub(crate) fn set(mistake: &'static str) {
    *ON.lock().unwrap() = mistake;
}

pub(crate) fn on(mistake: &str) -> bool {
    *ON.lock().unwrap() == mistake
}
