//! What surrounds the program and can only narrow: environment variables, CI, the audience, administrators' rules.
//!
//! A block leaves the person's answer what it was, and closes the gates while it lasts. Nothing in here can open one; a
//! variable that says "on" is not an act of the person and is ignored.

use crate::consent::{
    agreement::contract::Audience, agreement::schema::ContractSchema, constraints::limits::Limits,
    constraints::policy::Policies,
};
use crate::{ambient::Environment, clean};
use std::path::PathBuf;

/// The variables that block whatever the program is called.
pub(crate) const VARIABLES: [&str; 3] = ["DO_NOT_TRACK", "CANDOR_OFF", "CI"];

/// Who blocks, in words for a message and the person's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) String);

/// All that surrounds the program, as last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    /// The environment and the audience: read once, when the client is made.
    pub(crate) block: Option<Block>,
    /// How the program knows that the person is an adult.
    pub(crate) adult: Option<String>,
    /// Where administrators leave their rules, and what they say.
    pub(crate) directories: Vec<PathBuf>,
    /// Those that were last read.
    pub(crate) policies: Policies,
    /// Why they can't be looked at now. Closes every scope for the moment, and is nobody's rule.
    pub(crate) doubt: Option<String>,
    /// Files beside the rules that may be meant as some and are ignored.
    pub(crate) ignored: Vec<String>,
}

impl Constraints {
    /// With administrators' rules still unread.
    pub(crate) fn of(block: Option<Block>, adult: Option<String>, directories: Vec<PathBuf>) -> Self {
        Constraints { block, adult, directories, ..Constraints::default() }
    }

    /// What closes every scope.
    pub(crate) fn block(&self) -> Option<Block> {
        self.block.clone().or_else(|| self.doubted()).or_else(|| self.policies.block())
    }

    /// What closes for the moment: nobody knows what the rules say now.
    fn doubted(&self) -> Option<Block> {
        let why = self.doubt.as_ref()?;
        Some(Block(format!("administrators' rules that can't be looked at now ({why}); that is tried again soon")))
    }

    /// What closes the scope of this contract by a rule that was read, or by what surrounds the program: lifting it must not
    /// send what waited before. Where nobody knows what the rules say now, none of them is known to be one.
    pub(crate) fn lasting_block_of(&self, build: &ContractSchema) -> Option<Block> {
        let ruled = || self.policies.block_of(build).filter(|_| self.doubt.is_none());
        self.block.clone().or_else(ruled)
    }

    /// What closes the scope of this contract.
    pub(crate) fn block_of(&self, build: &ContractSchema) -> Option<Block> {
        self.block.clone().or_else(|| self.doubted()).or_else(|| self.policies.block_of(build))
    }

    /// What is left of a scope that is not closed.
    pub(crate) fn limits(&self, build: &ContractSchema) -> Limits {
        self.policies.limits(build)
    }
}

/// The first block that applies, or none.
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
                "its audience, among whom may be children: the program has not said that you are none".into(),
            ));
        }
    }
    // Whatever it says but nothing, 0 and false: who sets it to anything else may have meant it.
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
            "the environment variable CI={}: nobody is there to be asked (a service without a screen, for which somebody \
             said yes, lifts this with `Config::lift_ci_block`)",
            shown(value, 16)
        )));
    }
    None
}

/// `0`, `false`, `off`, `no` and nothing at all.
fn means_off(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "off" | "no")
}

/// A value from outside, cut and cleaned for a message.
pub(crate) fn shown(value: &str, most: usize) -> String {
    clean::line(&value.chars().take(most).collect::<String>())
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
