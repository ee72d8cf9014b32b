//! The constraints around the program: environment variables, CI, the audience, administrators' rules. They can only narrow.
//!
//! A block does not change the person's decision. It closes the gates while it lasts. This module never opens a gate: a
//! variable that says "on" is not an act of the person and is ignored.

use crate::ambient::Environment;
use crate::consent::{
    agreement::controller::Audience,
    agreement::schema::ContractSchema,
    constraints::block::{Block, shown},
    constraints::limits::Limits,
    constraints::policy::Policies,
};
use std::path::PathBuf;

/// The variables that block any program, whatever its name.
pub(crate) const VARIABLES: [&str; 3] = ["DO_NOT_TRACK", "CANDOR_OFF", "CI"];

/// All constraints around the program, as last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    /// The block by the environment or the audience, if any. Read once, when the client is made.
    pub(crate) block: Option<Block>,
    /// How the program knows that the person is an adult, if it says so.
    pub(crate) adult: Option<String>,
    /// The directories in which administrators put their rules.
    pub(in crate::consent) directories: Vec<PathBuf>,
    /// The rules that were last read.
    pub(in crate::consent) policies: Policies,
    /// Why the rules can't be read now, if they can't. Closes every scope for the moment, but is not a rule.
    pub(in crate::consent) doubt: Option<String>,
    /// Files next to the rules that may be meant as rules but are ignored.
    pub(in crate::consent) ignored: Vec<String>,
}

impl Constraints {
    /// Constraints whose administrators' rules were not read yet.
    pub(crate) fn of(block: Option<Block>, adult: Option<String>, directories: Vec<PathBuf>) -> Self {
        Constraints { block, adult, directories, ..Constraints::default() }
    }

    /// What closes every scope, if anything does.
    pub(crate) fn block(&self) -> Option<Block> {
        self.block.clone().or_else(|| self.doubted()).or_else(|| self.policies.block())
    }

    /// The block that holds while the rules can't be read, because what they say now is unknown.
    fn doubted(&self) -> Option<Block> {
        let why = self.doubt.as_ref()?;
        Some(Block(format!("administrators' rules that can't be read now ({why}); candor tries again soon")))
    }

    /// What closes the scope of this contract, if it is the environment, the audience or a rule that was read. When such a block
    /// is lifted, records that were pending before it must not be sent. While the rules can't be read, no rule counts, because
    /// none is known to be in force.
    pub(in crate::consent) fn lasting_block_of(&self, build: &ContractSchema) -> Option<Block> {
        let ruled = || self.policies.block_of(build).filter(|_| self.doubt.is_none());
        self.block.clone().or_else(ruled)
    }

    /// What closes the scope of this contract, if anything does.
    pub(crate) fn block_of(&self, build: &ContractSchema) -> Option<Block> {
        self.block.clone().or_else(|| self.doubted()).or_else(|| self.policies.block_of(build))
    }

    /// The limits of a scope that is not closed.
    pub(crate) fn limits(&self, build: &ContractSchema) -> Limits {
        self.policies.limits(build)
    }
}

/// The first block that applies, by the audience or an environment variable.
pub(crate) fn block(
    environment: &Environment,
    application_variable: Option<&str>,
    lift_ci: bool,
    audience: Audience,
    adult: bool,
) -> Option<Block> {
    let set = |name: &str| environment.value(name).filter(|value| !means_off(value));
    match audience {
        Audience::Adults => {}
        Audience::Children => return Some(Block("its audience, which is children".into())),
        Audience::Mixed if adult => {}
        Audience::Mixed => {
            return Some(Block(
                "its audience, which may include children: the program has not stated that you are an adult".into(),
            ));
        }
    }
    // Any value except empty, `0` and `false` blocks: a user who set another value may have meant to block.
    let do_not_track = environment.value("DO_NOT_TRACK").filter(|value| !matches!(value.trim(), "" | "0" | "false"));
    for (name, value) in [("DO_NOT_TRACK", do_not_track), ("CANDOR_OFF", set("CANDOR_OFF"))] {
        if let Some(value) = value {
            return Some(Block(format!("the environment variable {name}={}", shown(value, 16))));
        }
    }
    if let Some(name) = application_variable
        && let Some(value) = environment.value(name)
        && (means_off(value) && !value.trim().is_empty())
    {
        return Some(Block(format!("the environment variable {name}={}", shown(value, 16))));
    }
    if !lift_ci && let Some(value) = set("CI") {
        return Some(Block(format!(
            "the environment variable CI={}: CI runs are unattended (a service without a screen, for which somebody \
             said yes, can allow it with `Config::lift_ci_block`)",
            shown(value, 16)
        )));
    }
    None
}

/// Whether a value is `0`, `false`, `off`, `no` or empty. Case and surrounding whitespace do not matter.
fn means_off(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "off" | "no")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(pairs: &[(&str, &str)]) -> bool {
        block(&Environment::of(pairs), Some("PLAYER_TELEMETRY"), false, Audience::Adults, false).is_some()
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
            assert!(!blocked(&[("CANDOR_OFF", off)]), "{off}");
            assert!(blocked(&[("PLAYER_TELEMETRY", off)]), "{off}");
        }
        for (value, blocks) in [
            ("0", false),
            ("false", false),
            ("off", true),
            ("no", true),
            ("FALSE", true),
            (" 0", false),
            ("\tfalse ", false),
            ("  ", false),
        ] {
            assert_eq!(blocked(&[("DO_NOT_TRACK", value)]), blocks, "{value}");
        }
        assert!(!blocked(&[("DO_NOT_TRACK", "")]));
        assert!(!blocked(&[("PLAYER_TELEMETRY", "")]));
    }

    #[test]
    fn ci_can_be_lifted_and_the_rest_can_not() {
        let by = |pairs: &[(&str, &str)], audience| block(&Environment::of(pairs), None, true, audience, false);
        assert_eq!(by(&[("CI", "true")], Audience::Adults), None);
        assert!(by(&[("CI", "true"), ("DO_NOT_TRACK", "1")], Audience::Adults).is_some());
        assert!(by(&[], Audience::Children).is_some());
        assert!(by(&[], Audience::Mixed).is_some());
    }

    #[test]
    fn a_sign_of_an_adult_opens_a_mixed_audience_and_nothing_else() {
        let by = |pairs: &[(&str, &str)], audience| block(&Environment::of(pairs), None, true, audience, true);
        assert_eq!(by(&[], Audience::Mixed), None);
        assert!(by(&[], Audience::Children).is_some());
        assert!(by(&[("DO_NOT_TRACK", "1")], Audience::Mixed).is_some());
    }
}
