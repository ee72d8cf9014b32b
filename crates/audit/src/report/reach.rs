//! What `--reach` proposes, ready to paste, with the price of each proposal.

use super::data::{Plan, Reach, Reached};
use crate::{
    measure,
    reach::{Goal, Priced, Proposal},
    words::{percent, shown, whole},
};

impl Reach {
    /// The proposals for the first plan of an event. `None` if it has no field for which there could be one.
    pub(super) fn new(event: &measure::Event, plan: &Plan, goal: Goal) -> Option<Reach> {
        let seen = event.plans.first()?.fields.iter().zip(&event.reach);
        let priced: Vec<_> = seen.filter_map(|(seen, column)| Some((seen, column.as_ref()?.propose(goal)))).collect();
        let assigned: Vec<String> = priced
            .iter()
            .filter_map(|(seen, priced)| Some(format!("{}={}", seen.field.name, class(&priced.proposal)?)))
            .collect();
        let varies = plan.leave_one_out.iter().find(|one| !one.constant);
        Some(Reach {
            k: goal.rows,
            fields: priced.iter().map(|(seen, priced)| Reached::new(seen, priced)).collect(),
            option: (!assigned.is_empty()).then(|| format!("--plan 'reach {} | {}'", goal.rows, assigned.join(";"))),
            first: varies.map(|one| one.field.clone()),
        })
    }

    /// The field to coarsen first, and how to go on.
    pub(super) fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        if let Some(first) = self.first.as_ref().filter(|_| self.fields.len() > 1) {
            let first = shown(first);
            advice.push(format!("Coarsen `{first}` first: without it, the fewest rows are in small classes."));
        }
        if let Some(option) = &self.option {
            advice.push("Each proposal reaches it for its field alone. This measures them together:".into());
            advice.push(option.clone());
        }
        advice
    }
}

impl Reached {
    fn new(seen: &measure::Seen, priced: &Priced) -> Reached {
        let why_not = match &priced.proposal {
            Proposal::Nothing(why) => Some((*why).to_owned()),
            Proposal::Ladder(_) | Proposal::Vocabulary(_) => None,
        };
        Reached {
            field: seen.field.name.clone(),
            attribute: attribute(&priced.proposal, seen.field.class.unit_word()),
            why_not,
            outcomes_before: priced.before.outcomes,
            before_is_least: priced.more,
            outcomes_after: priced.after.outcomes,
            bits_before: priced.before.bits,
            bits_after: priced.after.bits,
            share_moved: priced.moved,
            smallest_class: priced.fewest,
            not_sent: priced.not_sent,
        }
    }

    /// The price in one sentence.
    pub(super) fn price(&self, k: u64) -> String {
        if let Some(why) = &self.why_not {
            return format!("Nothing to propose: {why}.");
        }
        let least = if self.before_is_least { "over " } else { "" };
        let rare = match self.not_sent {
            0 => String::new(),
            rows if rows < k => format!(
                " {} without a usable value: a class of its own that is smaller. Give them a value, or leave them out.",
                crate::words::rows(rows)
            ),
            rows => format!(" {} without a usable value: a class of its own.", crate::words::rows(rows)),
        };
        format!(
            "{least}{} outcomes become {}, {:.2} bits become {:.2}; the smallest has {}; the value of {} of the rows \
             changes.{rare}",
            whole(self.outcomes_before),
            whole(self.outcomes_after),
            self.bits_before,
            self.bits_after,
            crate::words::rows(self.smallest_class),
            percent(self.share_moved),
        )
    }
}

/// As the program would declare it. The example is one of the outcomes in the middle.
fn attribute(proposal: &Proposal, unit: Option<&str>) -> Option<String> {
    match proposal {
        Proposal::Ladder(bounds) => {
            let unit = unit.map_or_else(String::new, |unit| format!(", unit = \"{unit}\""));
            let example = bounds.get(bounds.len() / 2)?;
            Some(format!("#[field(ladder = [{}]{unit}, example = {example})]", joined(bounds, ", ")))
        }
        Proposal::Vocabulary(labels) => {
            let quoted: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
            Some(format!("#[field(vocabulary = [{}], example = {})]", joined(&quoted, ", "), quoted.first()?))
        }
        Proposal::Nothing(_) => None,
    }
}

/// As the command line takes it.
fn class(proposal: &Proposal) -> Option<String> {
    match proposal {
        Proposal::Ladder(bounds) => Some(format!("ladder:{}", joined(bounds, ","))),
        Proposal::Vocabulary(labels) => Some(format!("vocabulary:{}", labels.join(","))),
        Proposal::Nothing(_) => None,
    }
}

fn joined(all: &[impl ToString], by: &str) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(by)
}
