//! How long the pure part takes for a fleet of ten thousand targets.

use anyhow::{Result, ensure};
use funade::config::{check, pack, unpack};
use funade::decisions::route::route;
use funade::facts::event::Event;
use serde_json::Value;

use crate::clock::timed;
use crate::fleet::{self, ENVIRONMENTS, SERVICES};
use crate::report::{Bound, Figure};
use crate::spread::Spread;

/// Events routed: one takes microseconds, so the clock's grain must drown.
const EVENTS: usize = 10_000;

/// How often the configuration is read: enough for a median, and some seconds in all.
const READINGS: usize = 20;

/// An event should not be worth counting beside the calls it leads to.
const ROUTE_MS_MAX: f64 = 1.0;

/// Reading the configuration anew happens once in a function's life, and should go unnoticed.
const CHECK_MS_MAX: f64 = 100.0;

/// The environment in the middle, in which a parameter changes.
const ENVIRONMENT: usize = ENVIRONMENTS / 2;

/// An account that has all environments, where a change could concern any of them; the numbers
/// after it are those of the environments' own accounts.
const ONE_ACCOUNT: u64 = 100_000_000_000;

pub(crate) fn measure() -> Result<Vec<Figure>> {
    let sources = fleet::large(own_account);
    let config = fleet::checked(&sources)?;
    let one_account = fleet::checked(&fleet::large(|_| ONE_ACCOUNT))?;
    let push = push()?;
    let change_in_one = change(ONE_ACCOUNT)?;
    let change = change(own_account(ENVIRONMENT))?;
    for (config, event) in [(&config, &push), (&config, &change), (&one_account, &change_in_one)] {
        ensure!(config.targets().count() == ENVIRONMENTS * SERVICES, "some targets are missing");
        let woken = route(config, event).intents.len();
        ensure!(woken == 1, "{}: it should wake one subject and wakes {woken}", event.id);
    }

    let packed = pack(&sources);
    let routed = |config, event| (0..EVENTS).map(|_| timed(|| route(config, event)).0).collect();
    let checked = (0..READINGS).map(|_| timed(|| check(&sources)).0);
    let unpacked = (0..READINGS).map(|_| timed(|| unpack(&packed)).0);
    let subject = format!("{} targets", ENVIRONMENTS * SERVICES);
    let figure = |what, samples: Vec<f64>, unit, target: Option<f64>| Figure {
        subject: subject.clone(),
        what,
        unit,
        spread: Spread::of(samples),
        target: target.map(Bound::AtMost),
    };
    #[expect(clippy::cast_precision_loss, reason = "some thousand bytes")]
    let packed_kb = packed.len() as f64 / 1e3;
    Ok(vec![
        figure("route one push", routed(&config, &push), "ms", Some(ROUTE_MS_MAX)),
        figure("route one parameter's change", routed(&config, &change), "ms", Some(ROUTE_MS_MAX)),
        figure(
            "the same with all targets in one account",
            routed(&one_account, &change_in_one),
            "ms",
            Some(ROUTE_MS_MAX),
        ),
        figure("check and resolve the files", checked.collect(), "ms", Some(CHECK_MS_MAX)),
        figure("unpack the files", unpacked.collect(), "ms", None),
        figure("packed files", vec![packed_kb], "kB", None),
    ])
}

/// A push to the repository of a service in the middle.
fn push() -> Result<Event> {
    let mut envelope: Value = serde_json::from_str(fleet::PUSH)?;
    envelope["detail"]["repository-name"] = format!("shop/svc-{:02}", SERVICES / 2).into();
    Ok(Event::parse(&envelope)?)
}

/// A change of a parameter that one service reads in an environment in the middle.
fn change(account: u64) -> Result<Event> {
    let mut envelope: Value = serde_json::from_str(fleet::PARAMETER_CHANGE)?;
    envelope["account"] = format!("{account:012}").into();
    let name = format!("/tenant-{ENVIRONMENT:03}/svc-{:02}/PORT", SERVICES / 2);
    envelope["detail"]["name"] = name.into();
    Ok(Event::parse(&envelope)?)
}

/// Each environment's own account: most fleets have it so.
fn own_account(environment: usize) -> u64 {
    ONE_ACCOUNT + 1 + environment as u64
}
