//! Medians and percentiles in bounded memory: logarithmic buckets that give each value to a tenth of a percent.

use std::collections::BTreeMap;

/// The ratio between neighboring bucket bounds. The error is half of its difference from one.
const RATIO: f64 = 1.002;

/// A distribution of values that are not negative.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quantiles {
    zero: u64,
    buckets: BTreeMap<i32, u64>,
    infinite: u64,
}

impl Quantiles {
    /// Adds one value.
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_infinite() {
            self.infinite += 1;
        } else if value < 1e-12 {
            self.zero += 1;
        } else {
            *self.buckets.entry((value.ln() / RATIO.ln()).floor() as i32).or_default() += 1;
        }
    }

    /// How many values there are.
    pub(crate) fn count(&self) -> u64 {
        self.zero + self.buckets.values().sum::<u64>() + self.infinite
    }

    /// The smallest value that at least this share of the values does not exceed. Infinite if that value is infinite.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        let rank = ((count as f64 * share).ceil() as u64).max(1);
        let mut passed = self.zero;
        if count == 0 {
            return None;
        }
        if rank <= passed {
            return Some(0.0);
        }
        for (&bucket, &values) in &self.buckets {
            passed += values;
            if rank <= passed {
                return Some(RATIO.powf(f64::from(bucket) + 0.5));
            }
        }
        Some(f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_a_tenth_of_a_percent() {
        let mut quantiles = Quantiles::default();
        assert_eq!(quantiles.quantile(0.5), None);
        for value in 0..=1000 {
            quantiles.add(f64::from(value) * 3.7);
        }
        for (share, exact) in [(0.5, 500.0 * 3.7), (0.9, 900.0 * 3.7)] {
            let found = quantiles.quantile(share).unwrap();
            assert!((found / exact - 1.0).abs() < 0.0011, "{found} {exact}");
        }
        quantiles.add(f64::INFINITY);
        assert_eq!(quantiles.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(quantiles.quantile(0.0), Some(0.0));
    }
}
