//! How fast the simulator lives through histories, on one core: it says how many of them a night
//! checks.
//!
//! Each batch is of the same seeds, so what differs between batches is the machine.

use anyhow::{Result, bail};
use funade_sim::History;

use crate::clock::timed;
use crate::report::{Bound, Figure};
use crate::spread::Spread;

/// Seeds of one batch: enough that no single history counts, and some seconds in all.
const SEEDS: u64 = 300;

/// Batches: enough for a median.
const BATCHES: usize = 7;

/// Steps of the history that the target is of: a push, a deploy and its trouble. Those that are
/// drawn from seeds are longer.
const STEPS: f64 = 200.0;

/// A million such histories should take a core no longer than a quarter of an hour.
const HISTORIES_PER_SECOND_MIN: f64 = 1000.0;

/// What the histories of all seeds came to.
struct Batch {
    seconds: f64,
    histories: f64,
    steps: f64,
    passes: f64,
}

/// Measures. Fails if a history breaks an invariant.
pub(crate) fn measure() -> Result<Vec<Figure>> {
    let batches = (0..BATCHES).map(|_| batch()).collect::<Result<Vec<_>>>()?;
    let figure = |what, unit, spread, target| Figure {
        subject: "simulated histories, one core".to_owned(),
        what,
        unit,
        spread,
        target,
    };
    let rate = |what, target, count: &dyn Fn(&Batch) -> f64| {
        let rates = batches.iter().map(|batch| count(batch) / batch.seconds).collect();
        figure(what, "1/s", Spread::of_rates(rates), target)
    };
    let target = Bound::AtLeast(HISTORIES_PER_SECOND_MIN);
    let length = batches[0].steps / batches[0].histories;
    Ok(vec![
        rate("histories", None, &|batch| batch.histories),
        figure("steps of each, on average", "", Spread::of(vec![length]), None),
        rate("histories of 200 steps", Some(target), &|batch| batch.steps / STEPS),
        rate("passes", None, &|batch| batch.passes),
    ])
}

fn batch() -> Result<Batch> {
    let run = || (0..SEEDS).map(|seed| History::of(seed).run()).collect::<Vec<_>>();
    let (milliseconds, outcomes) = timed(run);
    for (seed, outcome) in outcomes.iter().enumerate() {
        if let Some(violation) = &outcome.violation {
            bail!("seed {seed} breaks {}: {}", violation.invariant, violation.what);
        }
    }
    let sum = |count: fn(&funade_sim::Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
    #[expect(clippy::cast_precision_loss, reason = "some million")]
    let [histories, steps, passes] =
        [SEEDS, sum(|outcome| outcome.steps), sum(|outcome| outcome.passes)].map(|sum| sum as f64);
    Ok(Batch { seconds: milliseconds / 1e3, histories, steps, passes })
}
