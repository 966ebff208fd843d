//! The calls of one pass, and how many of them depend on each other.
//!
//! The simulator writes down each call with its round: those of one round are under way together.

use std::collections::{BTreeMap, BTreeSet};

use funade_sim::Call;
use serde::Serialize;

/// The operation that reads a page of parameters. Its pages come one after the other, since each
/// names the next.
const PAGE: &str = "GetParametersByPath";

/// Operations that change the world, each of which waits for all before it.
const STEPS: [&str; 3] = ["RegisterTaskDefinition", "StopServiceDeployment", "UpdateService"];

/// Operations on what Funade deploys to and from; all others are on its own ledger and queue.
const WORLD: [&str; 14] = [
    "DescribeAlarms",
    "DescribeImages",
    "DescribeSecret",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeTasks",
    PAGE,
    "ListServiceDeployments",
    "ListTasks",
    STEPS[0],
    STEPS[1],
    STEPS[2],
];

/// The calls of one pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PassCalls {
    pub(crate) pass: &'static str,
    /// Calls of ECS, ECR, CloudWatch, Parameter Store and Secrets Manager.
    pub(crate) world_calls: usize,
    /// How many of them depend on each other: those of one round are under way together.
    pub(crate) world_rounds: usize,
    /// Calls of the ledger and the queue.
    pub(crate) own_calls: usize,
    /// How many of all calls depend on each other.
    pub(crate) rounds: usize,
    /// By operation.
    pub(crate) operations: BTreeMap<&'static str, usize>,
    /// The operations, round by round.
    pub(crate) order: String,
    /// Rounds in which the target is looked at, whatever else is read in them.
    #[serde(skip)]
    look_rounds: usize,
    /// Rounds in which the world is changed.
    #[serde(skip)]
    step_rounds: usize,
}

impl PassCalls {
    /// Counts.
    pub(crate) fn of(pass: &'static str, calls: &[Call]) -> Self {
        let mut rounds: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        let mut operations: BTreeMap<&'static str, usize> = BTreeMap::new();
        for call in calls {
            rounds.entry(call.round).or_default().push(call.operation);
            *operations.entry(call.operation).or_default() += 1;
        }
        let is_world = |call: &&Call| WORLD.contains(&call.operation);
        let is_step = |call: &&Call| STEPS.contains(&call.operation);
        let world_calls = calls.iter().filter(is_world).count();
        let rounds_of = |of: &dyn Fn(&&Call) -> bool| {
            calls.iter().filter(of).map(|call| call.round).collect::<BTreeSet<_>>().len()
        };
        let order: Vec<String> = rounds.values().map(|round| round.join(" + ")).collect();
        Self {
            pass,
            world_calls,
            world_rounds: rounds_of(&is_world),
            own_calls: calls.len() - world_calls,
            rounds: rounds.len(),
            operations,
            order: order.join(" → "),
            look_rounds: rounds_of(&|call| {
                is_world(call) && !is_step(call) && call.operation != PAGE
            }),
            step_rounds: rounds_of(&is_step),
        }
    }

    /// Pages of parameters that were read.
    pub(crate) fn pages(&self) -> usize {
        self.operations.get(PAGE).copied().unwrap_or_default()
    }

    /// The fewest rounds of calls to the world in which the same pass can read this many pages:
    /// the pages beside the look, and nothing else than before after them.
    pub(crate) fn world_rounds_min(&self, pages: usize) -> usize {
        self.look_rounds.max(pages) + self.step_rounds
    }
}

#[cfg(test)]
mod tests {
    use funade_sim::CallOutcome;

    use super::*;

    fn counted(rounds: &[&[&'static str]]) -> PassCalls {
        let calls = (0_u64..).zip(rounds).flat_map(|(round, operations)| {
            operations.iter().map(move |operation| Call {
                round,
                operation,
                subject: String::new(),
                outcome: CallOutcome::Answered,
            })
        });
        PassCalls::of("a pass", &calls.collect::<Vec<_>>())
    }

    #[test]
    fn pages_beside_the_look_cost_themselves_and_pages_after_it_cost_more() {
        let look = ["DescribeServices", PAGE, "DescribeAlarms"];
        let (step, record) = (["UpdateService"], ["TransactWriteItems"]);
        let without = counted(&[&["GetItem"], &look, &record, &step, &record]);
        assert_eq!((without.world_rounds, without.own_calls, without.rounds), (2, 3, 5));
        let min = without.world_rounds_min(3);
        assert_eq!(min, 4);
        let beside = counted(&[&look, &[PAGE], &[PAGE], &record, &step]);
        assert_eq!((beside.pages(), beside.world_rounds), (3, min));
        let after = counted(&[&look[..1], &[PAGE], &[PAGE], &[PAGE], &record, &step]);
        assert_eq!((after.pages(), after.world_rounds), (3, min + 1));
    }
}
