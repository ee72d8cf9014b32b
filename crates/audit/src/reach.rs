//! Proposes for each field the steps or labels with which none of its classes has fewer than K rows, and says what they cost.
//! Keeps how often each value of a field occurs, in bounded memory. A proposal names only rounded bounds, and labels that K rows
//! or more have.

use crate::{
    classes::Class,
    number::{self, Amount},
};
use std::collections::{BTreeMap, HashMap};

/// Bounds are proposed as numbers of this many digits and zeros, which tell little of single values.
const BOUND_DIGITS: u32 = 2;
/// Numbers are kept whole, or with this many digits if there are too many.
const ALL_DIGITS: u32 = 19;
/// The most labels of a vocabulary in candor, without `other`.
const LABELS_MOST: usize = 63;
/// The most steps of candor's ladders that may be single numbers.
const SINGLES_MOST: usize = 10;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// The fewest rows in a class.
    pub(crate) rows: u64,
    /// The most steps of a ladder.
    pub(crate) rungs: usize,
}

/// How often each value of a field occurs.
#[derive(Debug)]
pub(crate) struct Column {
    numbers: Option<Numbers>,
    labels: Option<HashMap<Box<[u8]>, u64>>,
    /// Whether the class takes numbers only, so that other values are not sent.
    only_numbers: bool,
    /// Rows without a value, or with one that can't be read.
    not_sent: u64,
    rows: u64,
    most: usize,
}

/// Whole numbers by value: how many rows have it, and how many of these have exactly it.
#[derive(Debug)]
struct Numbers {
    counts: BTreeMap<u64, (u64, u64)>,
    digits: u32,
}

/// What is proposed for a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Proposal {
    /// Lower bounds of steps.
    Ladder(Vec<u64>),
    /// Labels to keep. All others become `other`.
    Vocabulary(Vec<String>),
    /// Nothing reaches the goal, for this reason.
    Nothing(&'static str),
}

/// A proposal with its price.
#[derive(Debug, Clone)]
pub(crate) struct Priced {
    pub(crate) proposal: Proposal,
    /// Distinct values in the input, whole numbers if they are numbers. If there were too many to list, there are more.
    pub(crate) before: Figures,
    pub(crate) after: Figures,
    /// Whether there are more distinct values than `before` says.
    pub(crate) more: bool,
    /// The share of the rows with a value for which something else than the value is sent.
    pub(crate) moved: Option<f64>,
    /// The fewest rows in a class of a value.
    pub(crate) fewest: u64,
    /// Rows without a usable value. They are a class of their own.
    pub(crate) not_sent: u64,
}

/// How many distinct outcomes a field has, and their entropy in bits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) outcomes: u64,
    pub(crate) bits: f64,
}

impl Figures {
    fn of(counts: impl Iterator<Item = u64> + Clone, not_sent: u64) -> Figures {
        let counts = || counts.clone().chain(Some(not_sent)).filter(|rows| *rows > 0).map(|rows| rows as f64);
        let all: f64 = counts().sum();
        let bits = counts().map(|rows| rows / all * (all / rows).log2()).sum();
        Figures { outcomes: counts().count() as u64, bits }
    }
}

impl Column {
    /// Keeps at most about `most` different values.
    pub(crate) fn new(class: &Class, most: usize) -> Column {
        Column {
            numbers: Some(Numbers { counts: BTreeMap::new(), digits: ALL_DIGITS }),
            labels: (!class.is_number()).then(HashMap::new),
            only_numbers: class.is_number(),
            not_sent: 0,
            rows: 0,
            most,
        }
    }

    /// Counts the value of a row.
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.rows += 1;
        if value.is_empty() {
            self.not_sent += 1;
            return;
        }
        match number::read(value) {
            Ok(amount) => {
                let most = self.most;
                self.numbers.iter_mut().for_each(|numbers| numbers.add(amount, most));
            }
            Err(_) if self.only_numbers => self.not_sent += 1,
            Err(_) => self.numbers = None,
        }
        let Some(labels) = &mut self.labels else { return };
        // candor's vocabularies do not distinguish upper and lower case of ASCII letters.
        let label = value.trim_ascii().to_ascii_lowercase();
        if labels.len() < self.most || labels.contains_key(&label[..]) {
            *labels.entry(label.into()).or_default() += 1;
        } else {
            self.labels = None;
        }
    }

    /// Proposes the finest steps that reach the goal.
    pub(crate) fn propose(&self, goal: Goal) -> Priced {
        match (&self.numbers, &self.labels) {
            (Some(numbers), _) => numbers.propose(goal, self.not_sent),
            (None, Some(labels)) => vocabulary(labels, goal, self.not_sent),
            (None, None) => Priced {
                proposal: Proposal::Nothing(
                    "it has too many different values to list; leave it out, or send a hash of it",
                ),
                before: Figures { outcomes: self.most as u64, bits: 0.0 },
                after: Figures::default(),
                more: true,
                moved: None,
                fewest: 0,
                not_sent: self.not_sent,
            },
        }
    }
}

impl Numbers {
    fn add(&mut self, amount: Amount, most: usize) {
        let whole = amount.whole();
        let exact = matches!(amount, Amount::Parts(parts) if parts % number::PARTS == 0);
        let floor = floored(whole, self.digits);
        let (rows, exactly) = self.counts.entry(floor).or_default();
        *rows += 1;
        *exactly += u64::from(exact && floor == whole);
        if self.counts.len() > most && self.digits > BOUND_DIGITS {
            // Fewer digits make larger buckets out of whole smaller ones, so that counts stay exact.
            self.digits = if self.digits == ALL_DIGITS { 6 } else { self.digits - 1 };
            self.counts = self.coarser(self.digits);
        }
    }

    fn coarser(&self, digits: u32) -> BTreeMap<u64, (u64, u64)> {
        let mut counts: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (&value, &(rows, exactly)) in &self.counts {
            let floor = floored(value, digits);
            let sum = counts.entry(floor).or_default();
            sum.0 += rows;
            sum.1 += if floor == value { exactly } else { 0 };
        }
        counts
    }

    fn propose(&self, goal: Goal, not_sent: u64) -> Priced {
        let cells = self.coarser(BOUND_DIGITS);
        let rows: u64 = cells.values().map(|(rows, _)| rows).sum();
        let mut least = goal.rows;
        let steps = loop {
            let steps = ladder(&cells, least);
            let bounds: Vec<u64> = steps.iter().map(|(bound, ..)| *bound).collect();
            if steps.len() <= goal.rungs && !is_mostly_single(&bounds) {
                break steps;
            }
            least += (least / 8).max(1);
        };
        let proposal = match &steps[..] {
            _ if rows < goal.rows => Proposal::Nothing("fewer rows than that have a value"),
            [] | [_] => Proposal::Nothing("no two steps have so many rows each; leave it out"),
            steps => Proposal::Ladder(steps.iter().map(|(bound, ..)| *bound).collect()),
        };
        let exactly: u64 = steps.iter().map(|(.., exactly)| exactly).sum();
        Priced {
            proposal,
            before: Figures::of(self.counts.values().map(|(rows, _)| *rows), not_sent),
            after: Figures::of(steps.iter().map(|(_, rows, _)| *rows), not_sent),
            more: self.digits < ALL_DIGITS,
            moved: crate::sizes::share(rows - exactly, rows),
            fewest: steps.iter().map(|(_, rows, _)| *rows).min().unwrap_or(0),
            not_sent,
        }
    }
}

/// From low to high, a step begins at the first bound at which the step below it has `least` rows. A last step with fewer joins
/// the one below. Returns each step's lower bound, its rows, and its rows that have exactly the bound.
fn ladder(cells: &BTreeMap<u64, (u64, u64)>, least: u64) -> Vec<(u64, u64, u64)> {
    let mut steps: Vec<(u64, u64, u64)> = vec![(0, 0, 0)];
    for (&bound, &(rows, exactly)) in cells {
        if steps.last().is_some_and(|(_, rows, _)| *rows >= least) {
            steps.push((bound, 0, 0));
        }
        if let Some(step) = steps.last_mut() {
            step.1 += rows;
            step.2 += if step.0 == bound { exactly } else { 0 };
        }
    }
    if steps.len() > 1
        && let Some((_, rows, _)) = steps.pop_if(|(_, rows, _)| *rows < least)
        && let Some(step) = steps.last_mut()
    {
        step.1 += rows;
    }
    steps
}

/// Whether candor would ask for a reason, because most values would be sent exactly.
fn is_mostly_single(bounds: &[u64]) -> bool {
    let single = bounds.iter().zip(bounds.iter().skip(1)).filter(|(low, high)| *high - *low == 1).count();
    single > SINGLES_MOST || (bounds.len() > 3 && single == bounds.len() - 1)
}

/// The first digits of a number, and zeros for the rest.
fn floored(value: u64, digits: u32) -> u64 {
    let length = value.checked_ilog10().unwrap_or(0) + 1;
    let unit = 10u64.pow(length.saturating_sub(digits));
    value - value % unit
}

/// Keeps each label that enough rows have. If all others together are too few, the rarest of those that are kept join them.
fn vocabulary(labels: &HashMap<Box<[u8]>, u64>, goal: Goal, not_sent: u64) -> Priced {
    let all: u64 = labels.values().sum();
    let mut kept: Vec<(String, u64)> = labels
        .iter()
        .filter(|(label, rows)| **rows >= goal.rows && is_word(label))
        .map(|(label, rows)| (String::from_utf8_lossy(label).into_owned(), *rows))
        .collect();
    kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    kept.truncate(LABELS_MOST);
    let rest = |kept: &[(String, u64)]| all - kept.iter().map(|(_, rows)| rows).sum::<u64>();
    while (1..goal.rows).contains(&rest(&kept)) && kept.pop().is_some() {}
    let other = rest(&kept);
    let counts: Vec<u64> = kept.iter().map(|(_, rows)| *rows).chain(Some(other)).collect();
    Priced {
        before: Figures::of(labels.values().copied(), not_sent),
        after: Figures::of(counts.iter().copied(), not_sent),
        more: false,
        moved: crate::sizes::share(other, all),
        fewest: counts.into_iter().filter(|rows| *rows > 0).min().unwrap_or(0),
        proposal: match kept.is_empty() {
            _ if all < goal.rows => Proposal::Nothing("fewer rows than that have a value"),
            true => Proposal::Nothing("no label has so many rows; leave it out, or send a hash of it"),
            false => Proposal::Vocabulary(kept.into_iter().map(|(label, _)| label).collect()),
        },
        not_sent,
    }
}

/// Whether candor's vocabularies take this label, and it does not mean the rest.
fn is_word(label: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._+-".contains(byte);
    (1..=32).contains(&label.len()) && label.iter().all(fits) && label != b"other"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: impl IntoIterator<Item = String>, most: usize) -> Column {
        let mut column = Column::new(&Class::Exact, most);
        values.into_iter().for_each(|value| column.add(value.as_bytes()));
        column
    }

    const GOAL: Goal = Goal { rows: 20, rungs: 16 };

    #[test]
    fn steps_are_as_fine_as_the_rows_allow() {
        let priced = column((0..100).map(|n| n.to_string()), 1_000).propose(GOAL);
        assert_eq!(priced.proposal, Proposal::Ladder(vec![0, 20, 40, 60, 80]));
        assert_eq!((priced.before.outcomes, priced.after.outcomes, priced.fewest), (100, 5, 20));
        assert_eq!(priced.moved, Some(0.95));
        assert!((priced.before.bits - 100f64.log2()).abs() < 1e-9 && (priced.after.bits - 5f64.log2()).abs() < 1e-9);
        // The rest at the end joins the step below it, and the most steps are kept to.
        let priced = column((0..119).map(|n| n.to_string()), 1_000).propose(GOAL);
        assert_eq!(priced.proposal, Proposal::Ladder(vec![0, 20, 40, 60, 80]));
        let priced = column((0..1_000).map(|n| n.to_string()), 10_000).propose(GOAL);
        let Proposal::Ladder(bounds) = &priced.proposal else { unreachable!() };
        assert!((8..=16).contains(&bounds.len()) && priced.fewest >= 20, "{bounds:?}");
        // A fraction is moved, and what is no number in a field of numbers is not sent.
        let mut odd = Column::new(&Class::read("step:5").unwrap(), 100);
        (0..30).for_each(|_| odd.add(b"0.5"));
        (0..30).for_each(|_| odd.add(b"70"));
        odd.add(b"x");
        let priced = odd.propose(GOAL);
        assert_eq!((priced.proposal, priced.not_sent), (Proposal::Ladder(vec![0, 70]), 1));
        assert_eq!(priced.moved, Some(0.5));
    }

    #[test]
    fn what_is_all_single_numbers_is_coarser() {
        let many = (0..40).flat_map(|n| std::iter::repeat_n(n.to_string(), 50));
        let Proposal::Ladder(bounds) = column(many, 1_000).propose(GOAL).proposal else { unreachable!() };
        assert!(!is_mostly_single(&bounds) && bounds.len() > 4, "{bounds:?}");
        // Three values are all there are.
        let few = (0..3).flat_map(|n| std::iter::repeat_n(n.to_string(), 50));
        assert_eq!(column(few, 1_000).propose(GOAL).proposal, Proposal::Ladder(vec![0, 1, 2]));
    }

    #[test]
    fn rare_labels_join_others_until_they_are_enough() {
        let labels = [("H264", 50), ("h264", 10), ("hevc", 30), ("av1", 12), ("vp9", 3), ("a b", 2)];
        let values = || labels.iter().flat_map(|(label, rows)| std::iter::repeat_n((*label).to_owned(), *rows));
        let priced = column(values(), 100).propose(Goal { rows: 15, rungs: 16 });
        assert_eq!(priced.proposal, Proposal::Vocabulary(vec!["h264".into(), "hevc".into()]));
        assert_eq!((priced.fewest, priced.after.outcomes, priced.moved), (17, 3, Some(17.0 / 107.0)));
        // All others are 17, too few: one more joins them.
        let priced = column(values(), 100).propose(GOAL);
        assert_eq!((priced.proposal, priced.fewest), (Proposal::Vocabulary(vec!["h264".into()]), 47));
        assert!(matches!(column(values(), 100).propose(Goal { rows: 90, rungs: 16 }).proposal, Proposal::Nothing(_)));
        assert!(matches!(column(values(), 2).propose(GOAL).proposal, Proposal::Nothing(_)));
    }

    #[test]
    fn many_numbers_keep_fewer_digits_and_exact_counts() {
        let values = || (0..5_000u64).map(|n| (n * 7_919 % 100_003).to_string());
        let (roomy, tight) = (column(values(), 10_000).propose(GOAL), column(values(), 500).propose(GOAL));
        assert_eq!((&roomy.proposal, roomy.after, roomy.moved), (&tight.proposal, tight.after, tight.moved));
        assert!(tight.more && !roomy.more && tight.before.outcomes <= 500);
    }
}
