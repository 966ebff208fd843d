//! What a sweep over ten thousand targets costs, counted and timed in the simulator.
//!
//! The simulator answers at once, and pauses take no time there: what is timed is Funade's own work,
//! with the simulator's. A real sweep takes as long as its pace and AWS's answers let it.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use funade::facts::names::Tag;
use funade::shell::{Scope, SweptBy, sweep};
use funade_sim::{Sim, stand_up};

use crate::clock::timed;
use crate::fleet::{self, ENVIRONMENTS, SERVICES};
use crate::report::{Bound, Figure};
use crate::spread::Spread;

/// Calls of `DescribeServices` for ten thousand targets: a tenth, and some for clusters that do not
/// fill their last call.
const DESCRIBES_MAX: f64 = 1100.0;

/// How often everything is swept: enough for a median.
const SWEEPS: usize = 5;

/// The first environment's account; the others' are the numbers after it.
const FIRST_ACCOUNT: u64 = 100_000_000_000;

pub(crate) fn measure() -> Result<Vec<Figure>> {
    let sources = fleet::large(|number| FIRST_ACCOUNT + number as u64);
    let config = Arc::new(fleet::checked(&sources)?);
    let targets = ENVIRONMENTS * SERVICES;
    ensure!(config.targets().count() == targets, "some targets are missing");
    let mut sim = Sim::new("2026-11-23T01:30:00Z".parse()?);
    sim.put_config(&config, &sources);
    stand_up(&sim, &config, &Tag::parse("1.0.0")?);
    let before = kilobytes("VmRSS:")?;
    let calls_before = sim.calls().len();
    let mut times = Vec::new();
    for _ in 0..SWEEPS {
        let swept = || {
            let swept = sweep(&sim, &config, &Scope::Everything, ("bench", SweptBy::Schedule));
            sim.run(swept).context("nothing dies")?.context("the ledger answers")
        };
        let (took, swept) = timed(swept);
        let swept = swept?;
        ensure!(swept.targets == targets && swept.failed.is_empty(), "it was not looked at whole");
        times.push(took);
    }
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let each = |count: usize| (count / SWEEPS) as f64;
    let describes = each(sim.count("DescribeServices"));
    let calls = each(sim.calls().len() - calls_before);
    let memory = (kilobytes("VmHWM:")? - before) / 1e3;
    let figure = |what, unit, values, target: Option<f64>| Figure {
        subject: format!("sweep of {targets} targets"),
        what,
        unit,
        spread: Spread::of(values),
        target: target.map(Bound::AtMost),
    };
    Ok(vec![
        figure("calls of DescribeServices", "", vec![describes], Some(DESCRIBES_MAX)),
        figure("calls in all", "", vec![calls], None),
        figure("time, with answers at once", "ms", times, None),
        figure("peak memory on top of the simulator's", "MB", vec![memory], None),
    ])
}

/// A figure of this process, as the kernel tells it.
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn kilobytes(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("the kernel tells it")?.parse()?)
}
