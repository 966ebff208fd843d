//! What each kind of pass calls, and how much of it side by side, counted in the simulator.
//!
//! The simulator runs the lines that the functions run, so these are the calls of the real
//! thing, without retries. The functions are warm: a cold one reads the configuration's files
//! too, in one more round.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use funade::facts::names::{Digest, ServiceName, Tag};
use funade::facts::subject::{Subject, Wake};
use funade::shell::apply;
use funade_sim::{Call, Sim, stand_up};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use crate::fleet;

/// Operations on what Funade deploys to and from; all others are on its own ledger and queue.
const WORLD: [&str; 6] = [
    "DescribeImages",
    "DescribeServices",
    "DescribeTaskDefinition",
    "ListServiceDeployments",
    "RegisterTaskDefinition",
    "UpdateService",
];

/// The service that the push is of.
const SERVICE: &str = "order-api";

/// What its targets run at first.
const FIRST_TAG: &str = "1.4.1";

/// Longer than any simulated deployment with all its passes.
const QUIET_MAX: SignedDuration = SignedDuration::from_hours(2);

/// The calls of one pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PassCalls {
    pub(crate) pass: &'static str,
    /// Calls of ECS and ECR.
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
}

impl PassCalls {
    /// Counts.
    pub(crate) fn of(pass: &'static str, calls: &[Call]) -> Self {
        let is_world = |call: &&Call| WORLD.contains(&call.operation);
        let world_rounds: BTreeSet<u64> = calls.iter().filter(is_world).map(|c| c.round).collect();
        let mut rounds: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        let mut operations: BTreeMap<&'static str, usize> = BTreeMap::new();
        for call in calls {
            rounds.entry(call.round).or_default().push(call.operation);
            *operations.entry(call.operation).or_default() += 1;
        }
        let world_calls = calls.iter().filter(is_world).count();
        let order: Vec<String> = rounds.values().map(|round| round.join(" + ")).collect();
        Self {
            pass,
            world_calls,
            world_rounds: world_rounds.len(),
            own_calls: calls.len() - world_calls,
            rounds: rounds.len(),
            operations,
            order: order.join(" → "),
        }
    }
}

/// One pass of each kind.
pub(crate) fn count_all() -> Result<Vec<PassCalls>> {
    let sim = fleet_before_the_push()?;
    let push = |envelope: &Value| {
        sim.send_event(envelope);
    };
    let first: Value = serde_json::from_str(fleet::PUSH)?;
    let image_push = during(&sim, "image-push event", || push(&first));
    let service = during(&sim, "service pass", || {
        sim.deliver_next();
    });
    let first_seen = during(&sim, "changed target, seen for the first time", || {
        sim.deliver_next();
    });
    ensure!(sim.count("UpdateService") == 1, "the pass should have deployed");
    ensure!(sim.run_until_quiet(QUIET_MAX), "the simulated fleet should come to rest");

    push_next(&sim, &first)?;
    sim.deliver_next();
    let before = sim.count("UpdateService");
    let changed = during(&sim, "changed target", || {
        sim.deliver_next();
    });
    ensure!(sim.count("UpdateService") == before + 1, "the pass should have deployed");
    ensure!(sim.run_until_quiet(QUIET_MAX), "the simulated fleet should come to rest");

    let subject = Subject::Target("acme/order-api".parse()?);
    sim.send_again(&Wake {
        subject,
        cause: "bench".to_owned(),
        reason: "to look".to_owned(),
        failed_before: 0,
    });
    let unchanged = during(&sim, "unchanged target", || {
        sim.deliver_next();
    });
    Ok(vec![image_push, service, changed, first_seen, unchanged])
}

/// The calls that some work leads to.
fn during(sim: &Sim, pass: &'static str, work: impl FnOnce()) -> PassCalls {
    let before = sim.calls().len();
    work();
    PassCalls::of(pass, &sim.calls()[before..])
}

/// The example fleet, its configuration applied, nothing assigned yet, all messages handled, and
/// the image of the event in every registry.
fn fleet_before_the_push() -> Result<Sim> {
    let sources = fleet::example();
    let config = fleet::checked(&sources)?;
    let sim = Sim::new("2026-11-24T01:00:00Z".parse()?);
    stand_up(&sim, &config, &Tag::parse(FIRST_TAG)?);
    sim.run(apply(&sim, &sources, None, "bench")).context("nothing dies here")??;
    sim.deliver_all();
    put_images(&sim, &serde_json::from_str(fleet::PUSH)?)?;
    Ok(sim)
}

/// A later release of the same service.
fn push_next(sim: &Sim, first: &Value) -> Result<()> {
    let mut next = first.clone();
    next["id"] = json!("a-later-event");
    next["time"] = json!("2026-11-24T09:00:00Z");
    next["detail"]["image-tag"] = json!("1.4.3");
    next["detail"]["image-digest"] = json!(format!("sha256:{}", "b".repeat(64)));
    put_images(sim, &next)?;
    sim.send_event(&next);
    Ok(())
}

fn put_images(sim: &Sim, push: &Value) -> Result<()> {
    let text = |name: &str| push["detail"][name].as_str().unwrap_or_default().to_owned();
    let (tag, digest) = (Tag::parse(text("image-tag"))?, Digest::parse(text("image-digest"))?);
    let config = fleet::checked(&fleet::example())?;
    let service = &config.services[&ServiceName::parse(SERVICE)?];
    let replicas = service.targets.values().map(|target| &target.pulls_from);
    for registry in replicas.chain([&service.registry]) {
        sim.put_image(&registry.place, &service.repository, &tag, &digest);
    }
    Ok(())
}
