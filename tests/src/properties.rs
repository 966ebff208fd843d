//! How many cases a property is tried with, and which.

use std::env;

use proptest::test_runner::{Config, RngSeed};

/// The same cases each time, so that whoever changes something sees what that change breaks. What
/// other cases break is looked for with `PROPTEST_RNG_SEED` and `PROPTEST_CASES`, as `make soak`
/// does.
#[must_use]
pub fn properties(cases: u32) -> Config {
    let asked = Config::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    let cases = if env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    Config { cases, rng_seed, failure_persistence: None, ..asked }
}
