//! What surrounds the program and can only narrow: environment variables, CI, the audience.
//!
//! A block never touches the person's record: it closes the gates while it lasts. Nothing in here can open one; a
//! variable that says "on" is not an act of the person and is ignored.

use super::{Consent, contract::Audience, scope::Scope};
use crate::ambient::Environment;

/// The variables that block whatever the program is called.
pub(crate) const VARIABLES: [&str; 3] = ["DO_NOT_TRACK", "CANDOR_OFF", "CI"];

/// Who blocks, in words for a message and the person's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) String);

/// The first block that applies, or none.
pub(crate) fn block(
    environment: &Environment,
    application_variable: Option<&str>,
    lift_ci: bool,
    audience: Audience,
) -> Option<Block> {
    let set = |name: &str| environment.value(name).filter(|value| !means_off(value));
    match audience {
        Audience::Adults => {}
        Audience::Children => return Some(Block("its audience, which is children".into())),
        Audience::Mixed => return Some(Block("its audience, among whom may be children".into())),
    }
    for name in ["DO_NOT_TRACK", "CANDOR_OFF"] {
        if let Some(value) = set(name) {
            return Some(Block(format!("the environment variable {name}={}", shown(value))));
        }
    }
    if let Some(name) = application_variable
        && let Some(value) = environment.value(name)
        && (means_off(value) && !value.trim().is_empty())
    {
        return Some(Block(format!("the environment variable {name}={}", shown(value))));
    }
    if !lift_ci && let Some(value) = set("CI") {
        return Some(Block(format!("the environment variable CI={}: nobody is there to be asked", shown(value))));
    }
    None
}

impl Consent {
    /// What blocks one scope, whatever the person decided: what blocks them all, or the program that does not allow a
    /// library to report.
    pub(crate) fn block_of(&self, scope: Scope) -> Option<Block> {
        let not_allowed = self.contracts.iter().any(|contract| contract.scope == scope && !contract.allowed);
        let by_program =
            || not_allowed.then(|| Block("this program, which does not allow its library to report".into()));
        self.block.clone().or_else(by_program)
    }
}

/// `0`, `false`, `off`, `no` and nothing at all.
fn means_off(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "off" | "no")
}

/// A value from outside, cut and cleaned for a message.
fn shown(value: &str) -> String {
    value.chars().take(16).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(pairs: &[(&str, &str)]) -> bool {
        block(&Environment::of(pairs), Some("PLAYER_TELEMETRY"), false, Audience::Adults).is_some()
    }

    #[test]
    fn the_environment_is_a_brake() {
        assert!(!blocked(&[]));
        for on in ["1", "true", "yes", "anything", " 1 "] {
            assert!(blocked(&[("DO_NOT_TRACK", on)]), "{on}");
            assert!(blocked(&[("CANDOR_OFF", on)]), "{on}");
            assert!(blocked(&[("CI", on)]), "{on}");
            assert!(!blocked(&[("PLAYER_TELEMETRY", on)]), "a yes in the environment is nobody's yes, nor a no");
        }
        for off in ["0", "false", "off", "OFF", "no"] {
            assert!(!blocked(&[("DO_NOT_TRACK", off)]), "{off}");
            assert!(blocked(&[("PLAYER_TELEMETRY", off)]), "{off}");
        }
        assert!(!blocked(&[("DO_NOT_TRACK", "")]));
        assert!(!blocked(&[("PLAYER_TELEMETRY", "")]));
    }

    #[test]
    fn ci_can_be_lifted_and_the_rest_can_not() {
        let by = |pairs: &[(&str, &str)], audience| block(&Environment::of(pairs), None, true, audience);
        assert_eq!(by(&[("CI", "true")], Audience::Adults), None);
        assert!(by(&[("CI", "true"), ("DO_NOT_TRACK", "1")], Audience::Adults).is_some());
        assert!(by(&[], Audience::Children).is_some());
        assert!(by(&[], Audience::Mixed).is_some());
    }
}
