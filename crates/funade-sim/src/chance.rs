//! Chance that can be repeated: the same seed gives the same draws, on any machine.

use jiff::SignedDuration;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A stream of draws.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Pcg64Mcg);

impl Chance {
    /// The stream of a seed. Streams of one seed for different purposes have different salts.
    pub(crate) fn of(seed: u64, salt: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt))
    }

    /// A number below this one, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // Slightly uneven, which does not matter for limits as small as ours.
        self.0.next_u64() % limit
    }

    /// A number in these bounds, both included.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from + 1).expect("the bounds are in order");
        from + i64::try_from(self.below(width)).expect("narrower than the bounds")
    }

    /// So many seconds.
    pub(crate) fn seconds(&mut self, from: i64, to: i64) -> SignedDuration {
        SignedDuration::from_secs(self.between(from, to))
    }

    /// Yes, so often in a thousand times.
    pub(crate) fn per_mille(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u64::try_from(all.len()).expect("a slice is not that long");
        let index = usize::try_from(self.below(count)).expect("an index of the slice");
        &all[index]
    }
}
