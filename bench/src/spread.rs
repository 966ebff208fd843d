//! Many measurements as three numbers.

use serde::Serialize;

/// The best, the middle and the bad end of some measurements. The median is what is compared;
/// the distance to the other two tells a quiet machine from a busy one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) samples: usize,
    pub(crate) best: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
}

impl Spread {
    /// Of at least one measurement, less being better.
    ///
    /// # Panics
    /// Without any.
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self::of_sorted(&samples)
    }

    /// The same, more being better.
    pub(crate) fn of_rates(mut samples: Vec<f64>) -> Self {
        samples.sort_by(|one, other| other.total_cmp(one));
        Self::of_sorted(&samples)
    }

    /// The best first.
    fn of_sorted(samples: &[f64]) -> Self {
        assert!(!samples.is_empty(), "a figure needs a measurement");
        let last = samples.len() - 1;
        Self {
            samples: samples.len(),
            best: samples[0],
            median: f64::midpoint(samples[last / 2], samples[last.div_ceil(2)]),
            p90: samples[last * 9 / 10],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Spread { samples: 4, best: 1.0, median: 2.5, p90: 3.0 });
        let rates = Spread::of_rates(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(rates, Spread { samples: 4, best: 4.0, median: 2.5, p90: 2.0 });
        assert_eq!(Spread::of(vec![7.0]), Spread { samples: 1, best: 7.0, median: 7.0, p90: 7.0 });
    }
}
