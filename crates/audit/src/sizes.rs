//! The sizes of classes and every figure that follows from them. Holds the number of classes of each size, never which
//! class a row is in.

use std::collections::BTreeMap;

/// Sizes below this are kept in a list, because most classes of fine-grained data are tiny.
const LISTED: usize = 256;
/// Fixed-point parts of a bit, so that sums of entropy don't depend on the order of addition.
const FIXED: f64 = (1u64 << 20) as f64;

/// Lower bounds of the bins in which the distribution is shown.
pub(crate) const BINS: [u64; 8] = [1, 2, 5, 20, 50, 100, 1_000, 10_000];

/// The number of classes of each size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes {
    listed: Vec<u64>,
    larger: BTreeMap<u64, u64>,
    /// Classes above the cap, kept only as sums: only their totals are needed.
    huge: Huge,
    cap: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Huge {
    classes: u64,
    rows: u64,
    bits: u128,
    smallest: u64,
    largest: u64,
}

impl Sizes {
    /// Exact for every size up to `cap`, or up to 65,536 if `cap` is lower. This bounds the memory for any input.
    pub(crate) fn up_to(cap: u64) -> Sizes {
        Sizes { cap: cap.max(1 << 16), ..Sizes::default() }
    }

    /// Counts one class of `size` rows.
    pub(crate) fn add(&mut self, size: u64) {
        let at = usize::try_from(size).unwrap_or(usize::MAX);
        if at < LISTED {
            if self.listed.len() <= at {
                self.listed.resize(at + 1, 0);
            }
            if let Some(classes) = self.listed.get_mut(at) {
                *classes += 1;
            }
        } else if size <= self.cap {
            *self.larger.entry(size).or_default() += 1;
        } else {
            let huge = &mut self.huge;
            huge.smallest = if huge.classes == 0 { size } else { huge.smallest.min(size) };
            huge.largest = huge.largest.max(size);
            huge.classes += 1;
            huge.rows = huge.rows.saturating_add(size);
            huge.bits = huge.bits.saturating_add(surprise(size, 1));
        }
    }

    /// The exact sizes in rising order, each with its number of classes.
    fn exact(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        let listed = self.listed.iter().enumerate().map(|(size, &classes)| (size as u64, classes));
        listed.filter(|(_, classes)| *classes > 0).chain(self.larger.iter().map(|(&size, &classes)| (size, classes)))
    }

    /// The number of all rows.
    pub(crate) fn rows(&self) -> u64 {
        self.exact().fold(self.huge.rows, |sum, (size, classes)| sum.saturating_add(size.saturating_mul(classes)))
    }

    /// The number of distinct classes.
    pub(crate) fn classes(&self) -> u64 {
        self.exact().map(|(_, classes)| classes).sum::<u64>() + self.huge.classes
    }

    /// The number of rows in classes of fewer than `k` rows.
    pub(crate) fn rows_under(&self, k: u64) -> u64 {
        self.exact().take_while(|(size, _)| *size < k).map(|(size, classes)| size * classes).sum()
    }

    /// The number of rows that are alone in their class.
    pub(crate) fn unique(&self) -> u64 {
        self.rows_under(2)
    }

    /// The share of rows in classes of fewer than `k` rows. `None` if there are no rows.
    pub(crate) fn share_under(&self, k: u64) -> Option<f64> {
        share(self.rows_under(k), self.rows())
    }

    /// The size of the smallest class.
    pub(crate) fn smallest(&self) -> u64 {
        self.exact().next().map_or(self.huge.smallest, |(size, _)| size)
    }

    /// The size of the largest class.
    pub(crate) fn largest(&self) -> u64 {
        if self.huge.classes > 0 { self.huge.largest } else { self.exact().next_back().map_or(0, |(size, _)| size) }
    }

    /// The Shannon entropy of the classes, in bits.
    pub(crate) fn entropy(&self) -> f64 {
        let rows = self.rows();
        if rows == 0 {
            return 0.0;
        }
        let bits = self.exact().fold(self.huge.bits, |sum, (size, classes)| sum + surprise(size, classes));
        ((rows as f64).log2() - bits as f64 / FIXED / rows as f64).max(0.0)
    }

    /// The share of `installations` that is expected to be alone in its class, if these classes are as frequent among them as
    /// they are here. Classes that are too large to be listed are taken as equally large.
    pub(crate) fn alone_among(&self, installations: u64) -> Option<f64> {
        let rows = self.rows();
        let others = installations.saturating_sub(1) as f64;
        let alone = |size: f64, classes: u64| {
            let share = size / rows as f64;
            share * (1.0 - share).powf(others) * classes as f64
        };
        let huge = self.huge.rows as f64 / self.huge.classes.max(1) as f64;
        let listed: f64 = self.exact().map(|(size, classes)| alone(size as f64, classes)).sum();
        (rows > 0).then(|| listed + alone(huge, self.huge.classes))
    }

    /// The number of rows in each of the [`BINS`].
    pub(crate) fn binned(&self) -> Vec<u64> {
        let mut rows = vec![0u64; BINS.len()];
        let huge = (self.huge.rows > 0).then_some((self.huge.rows, 1));
        for (size, classes) in self.exact().chain(huge) {
            let bin = BINS.iter().rposition(|low| *low <= size).unwrap_or(0);
            if let Some(sum) = rows.get_mut(bin) {
                *sum = sum.saturating_add(size.saturating_mul(classes));
            }
        }
        rows
    }
}

/// `classes · size · log2(size)` in parts of a bit.
fn surprise(size: u64, classes: u64) -> u128 {
    let one = (size as f64 * (size as f64).log2() * FIXED).round() as u128;
    one.saturating_mul(u128::from(classes))
}

/// A part divided by the whole. `None` if the whole is zero.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_sizes() {
        let mut sizes = Sizes::up_to(0);
        for size in [1, 1, 2, 4, 300, 70_000] {
            sizes.add(size);
        }
        assert_eq!((sizes.rows(), sizes.classes(), sizes.unique()), (70_308, 6, 2));
        assert_eq!((sizes.rows_under(5), sizes.rows_under(300), sizes.rows_under(301)), (8, 8, 308));
        assert_eq!((sizes.smallest(), sizes.largest()), (1, 70_000));
        assert_eq!(sizes.binned(), [2, 6, 0, 0, 0, 300, 0, 70_000]);
        let total = 70_308f64;
        let by_hand: f64 =
            [1.0, 1.0, 2.0, 4.0, 300.0, 70_000.0].iter().map(|c: &f64| -c / total * (c / total).log2()).sum();
        assert!((sizes.entropy() - by_hand).abs() < 1e-6);
        assert_eq!(Sizes::up_to(0).entropy(), 0.0);
        // By hand: two classes of 1 and 3 of 4 rows, among 3 installations.
        let mut few = Sizes::up_to(0);
        [1, 3].iter().for_each(|size| few.add(*size));
        let alone = 0.25 * 0.75 * 0.75 + 0.75 * 0.25 * 0.25;
        assert!((few.alone_among(3).unwrap() - alone).abs() < 1e-12);
        assert_eq!((few.alone_among(1), Sizes::up_to(0).alone_among(5)), (Some(1.0), None));
    }
}
