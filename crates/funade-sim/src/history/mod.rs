//! Histories: what may happen to a small fleet, drawn from a seed, and looked at by the checkers
//! after every step.
//!
//! One seed is one history, the same on every machine. The functions are those that run in Lambda;
//! up to three run at once, each call of each may fail, be slow, or be the last thing that its
//! function does. When all is over, faults end, the fleet is swept twice, and it must be where it
//! should be.

mod acts;
mod checkers;
mod fleets;
mod peace;
mod people;
mod run;
mod shrink;

pub use checkers::{Invariant, Violation};
pub use run::Outcome;
pub use shrink::shrink;

use std::collections::BTreeMap;

use self::acts::{Act, Luck};
use crate::calls::Fault;
use crate::chance::Chance;

/// A history: all that is decided before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    seed: u64,
    luck: Luck,
    acts: Vec<Act>,
    /// The faults by the number of the call that they strike; `None` while they are drawn.
    faults: Option<BTreeMap<usize, Fault>>,
}

impl History {
    /// The history of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, 0);
        let mut luck = acts::luck(&mut chance, fleets::COUNT);
        // Drawn by itself, so that older seeds bring what they brought before there were sweeps.
        luck.sweeps = Chance::of(seed, 3).per_mille(500);
        let acts = acts::acts(&mut chance, &fleets::fleet(luck.fleet).config);
        Self { seed, luck, acts, faults: None }
    }

    /// The same history with every event lost, from ECR, Parameter Store, ECS and `CloudWatch`.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        for act in &mut self.acts {
            act.what.lose_events();
        }
        self.luck.lost = 1_000;
        self
    }

    /// How much there is to it: what happens, and what goes wrong.
    #[must_use]
    pub fn size(&self) -> usize {
        self.acts.len() + self.faults.as_ref().map_or(0, BTreeMap::len)
    }

    /// Lets it happen.
    #[must_use]
    pub fn run(&self) -> Outcome {
        run::run(self, false)
    }

    /// Lets it happen, and tells it.
    #[must_use]
    pub fn told(&self) -> Outcome {
        run::run(self, true)
    }
}
