//! The joint budget of a scope: how many different reports one installation can make about what stays the same about it.
//!
//! What stays the same links an installation's months and singles it out: the fields of once-events, settings, and everything
//! with a code. The fields of one event were checked when it was compiled. What several events say together is worked out here,
//! when the program starts. If it is above the bound, the events are split into panels, each within it: an installation reports
//! the events of one panel only, which a secret of the grant chooses. All installations have the same panels, so that many share
//! each one.
//!
//! What changes from period to period, such as how often something happened, is not counted here. Never sees a value.

use super::schema::Schema;
use std::collections::BTreeMap;

/// How many different reports there are, and how they are split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Over all panels together. 1 if nothing stays the same.
    pub(crate) outcomes: u64,
    /// The number of panels, at least 1.
    pub(crate) panels: u32,
}

impl Budget {
    /// In bits, with one decimal: how many yes-or-no questions would say as much.
    pub(crate) fn bits(self) -> f64 {
        ((self.outcomes as f64).log2() * 10.0).round() / 10.0
    }

    /// The share of `installations` that is expected to make a report that no other one makes, if all reports are equally
    /// frequent. Where some are rarer, it is larger. With four decimals, so that each platform says the same.
    pub(crate) fn alone(self, installations: u32) -> f64 {
        let others = i32::try_from(installations.saturating_sub(1)).unwrap_or(i32::MAX);
        ((1.0 - 1.0 / self.outcomes as f64).powi(others) * 10_000.0).round() / 10_000.0
    }
}

/// A part of a scope's reports that is told together or not at all: one event, events that a code ties together, or one key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) events: Vec<&'static str>,
    /// The position of the key in a map, otherwise 0.
    pub(super) key: usize,
    pub(super) outcomes: u64,
}

/// The parts of a scope's events. `tied` says whether the codes of two events can be matched.
pub(super) fn parts(schemas: &[&'static Schema], tied: impl Fn(&'static Schema, &'static Schema) -> bool) -> Vec<Part> {
    let mut left: Vec<&'static Schema> = schemas.iter().copied().filter(|schema| schema.tells_what_stays()).collect();
    let mut parts = Vec::new();
    while let Some(first) = left.pop() {
        let (mut group, mut at) = (vec![first], 0);
        while let Some(&one) = group.get(at) {
            let (more, rest) = left.into_iter().partition(|other| tied(one, other));
            group.extend::<Vec<_>>(more);
            left = rest;
            at += 1;
        }
        let mut events: Vec<&str> = group.iter().map(|schema| schema.name()).collect();
        events.sort_unstable();
        if let [one] = group.as_slice() {
            let keys = one.parts().into_iter().enumerate();
            parts.extend(keys.map(|(key, outcomes)| Part { events: events.clone(), key, outcomes }));
        } else {
            let outcomes = group.iter().fold(1, |all: u64, it| all.saturating_mul(it.outcomes()));
            parts.push(Part { events, key: 0, outcomes });
        }
    }
    parts
}

/// The panel of each event, or of each key of a map, counted from 0.
pub(super) type Panels = BTreeMap<&'static str, Vec<u32>>;

/// The fewest panels for which all outcomes together stay within the bound, and which part is in which.
///
/// # Errors
/// Even with a panel for each part there are more. Returns how many.
pub(super) fn panels(parts: &[Part], bound: u64) -> Result<(Budget, Panels), u64> {
    // The largest first, each to the panel that is the smallest so far: then the panels become about equal.
    let mut sorted: Vec<&Part> = parts.iter().collect();
    sorted.sort_by(|a, b| b.outcomes.cmp(&a.outcomes).then_with(|| (&a.events, a.key).cmp(&(&b.events, b.key))));
    let most = u32::try_from(sorted.len()).unwrap_or(u32::MAX).max(1);
    let mut outcomes = 0;
    for count in 1..=most {
        let mut panels: Vec<(u64, u32)> = (0..count).map(|panel| (1, panel)).collect();
        let mut of = Panels::new();
        for part in &sorted {
            let Some(smallest) = panels.iter_mut().min() else { break };
            smallest.0 = smallest.0.saturating_mul(part.outcomes);
            for event in &part.events {
                let keys = of.entry(event).or_default();
                keys.resize(keys.len().max(part.key + 1), 0);
                if let Some(panel) = keys.get_mut(part.key) {
                    *panel = smallest.1;
                }
            }
        }
        outcomes = panels.iter().fold(0, |sum: u64, (outcomes, _)| sum.saturating_add(*outcomes));
        if outcomes <= bound {
            return Ok((Budget { outcomes, panels: count }, of));
        }
    }
    Err(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(event: &'static str, outcomes: u64) -> Part {
        Part { events: vec![event], key: 0, outcomes }
    }

    #[test]
    fn what_fits_together_is_told_together() {
        let (budget, of) = panels(&[part("a", 10), part("b", 100)], 1_024).unwrap();
        assert_eq!(budget, Budget { outcomes: 1_000, panels: 1 });
        assert_eq!((&of["a"], &of["b"]), (&vec![0], &vec![0]));
        assert_eq!(panels(&[], 1_024).unwrap().0, Budget { outcomes: 1, panels: 1 });
    }

    #[test]
    fn what_does_not_fit_is_split_into_the_fewest_panels() {
        // Two panels: 400 x 3 is too much, 400 and 300 x 3 are not 1,024 together, 400 x 1 and 300 are.
        let (budget, of) = panels(&[part("a", 400), part("b", 300)], 1_024).unwrap();
        assert_eq!(budget, Budget { outcomes: 700, panels: 2 });
        assert_ne!(of["a"], of["b"]);
        let flags: Vec<Part> = (0..45).map(|_| part("flag", 2)).collect();
        let (budget, _) = panels(&flags, 1_024).unwrap();
        // 7 panels: three of 7 flags and four of 6, which makes 640.
        assert_eq!(budget, Budget { outcomes: 3 * 128 + 4 * 64, panels: 7 });
    }

    #[test]
    fn what_is_too_much_by_itself_is_an_error() {
        assert_eq!(panels(&[part("a", 800), part("b", 800)], 1_024), Err(1_600));
        assert_eq!(panels(&[part("a", 2)], 1), Err(2));
        assert_eq!(panels(&[part("a", u64::MAX), part("b", u64::MAX)], 1_024), Err(u64::MAX));
    }

    #[test]
    fn the_share_that_is_alone_follows_from_the_numbers() {
        let budget = Budget { outcomes: 1_024, panels: 1 };
        assert!((budget.bits() - 10.0).abs() < 1e-9);
        assert!((budget.alone(500) - 0.614).abs() < 0.001 && (budget.alone(5_000) - 0.0076).abs() < 0.0001);
        assert!(budget.alone(1) == 1.0 && Budget { outcomes: 1, panels: 1 }.alone(2) == 0.0);
    }
}
