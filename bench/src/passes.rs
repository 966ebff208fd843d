//! What each kind of pass calls, and how much of it side by side, counted in the simulator.
//!
//! The simulator runs the lines that the functions run, so these are the calls of the real
//! thing, without retries. The functions are warm: a cold one reads the configuration's files
//! too, in one more round.
//!
//! A target whose path is empty reads one page to know it. The same passes are counted again with
//! as many parameters below its path as fill several pages, whose tokens make each page wait for
//! the one before: all that this may cost is those pages.

use anyhow::{Context, Result, ensure};
use funade::config::{Config, Target};
use funade::facts::names::{Digest, ServiceName, Tag, TargetId};
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::subject::{Subject, Wake};
use funade::shell::apply;
use funade::world::World;
use funade_sim::{Sim, parameter_event, stand_up};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::calls::PassCalls;
use crate::fleet;
use crate::report::{Bound, Figure};
use crate::spread::Spread;

/// The service that the push is of.
const SERVICE: &str = "order-api";

/// The target that is looked at.
const TARGET: &str = "acme/order-api";

/// What the targets run at first.
const FIRST_TAG: &str = "1.4.1";

/// Parameters below the target's path: more than most services have. The passes' names say it too.
const PARAMETERS: usize = 50;

/// The pages that they fill.
const PAGES: usize = 5;

/// Reading parameters should make no call wait that did not wait before, but for the pages.
const ROUNDS_BEYOND_MAX: f64 = 0.0;

/// Longer than any simulated deployment with all its passes.
const REST_WITHIN: SignedDuration = SignedDuration::from_hours(2);

/// What was counted.
pub(crate) struct Counted {
    pub(crate) passes: Vec<PassCalls>,
    pub(crate) figures: Vec<Figure>,
}

/// One pass of each kind, without parameters and with them, and what they add.
pub(crate) fn count_all() -> Result<Counted> {
    let [image_push, service, first_deploy, changed, unchanged] = without_parameters()?;
    let [changed_with, unchanged_with, change, change_more, redeployed] = with_parameters()?;
    let beyond = [
        ("rounds beyond its pages, unchanged target", &unchanged, &unchanged_with),
        ("rounds beyond its pages, target changed by a push", &changed, &changed_with),
        ("rounds beyond its pages, target redeployed for a parameter", &changed, &redeployed),
    ];
    let figures = beyond.map(|(what, without, with)| rounds_beyond(what, without, with));
    Ok(Counted {
        figures: figures.into_iter().collect::<Result<_>>()?,
        passes: vec![
            image_push,
            service,
            changed,
            first_deploy,
            unchanged,
            changed_with,
            unchanged_with,
            change,
            change_more,
            redeployed,
        ],
    })
}

/// Dependent rounds that reading the parameters adds beyond its pages.
fn rounds_beyond(what: &'static str, without: &PassCalls, with: &PassCalls) -> Result<Figure> {
    let pages = with.pages();
    ensure!(pages == PAGES, "{}: {PAGES} pages should be read, not {pages}", with.pass);
    let beyond = with.world_rounds.saturating_sub(without.world_rounds_min(pages));
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let beyond = beyond as f64;
    Ok(Figure {
        subject: format!("reading {PARAMETERS} parameters ({PAGES} pages)"),
        what,
        unit: "",
        spread: Spread::of(vec![beyond]),
        target: Some(Bound::AtMost(ROUNDS_BEYOND_MAX)),
    })
}

fn without_parameters() -> Result<[PassCalls; 5]> {
    let sim = fleet_before_the_push()?;
    let push: Value = serde_json::from_str(fleet::PUSH)?;
    let image_push = event(&sim, "image-push event", &push);
    let service = delivery(&sim, "service pass");
    let first_deploy = deploying(&sim, "changed target, its first deploy")?;
    let changed = changed_by_a_push(&sim, &push, "changed target")?;
    let unchanged = looked_at(&sim, "unchanged target")?;
    Ok([image_push, service, first_deploy, changed, unchanged])
}

fn with_parameters() -> Result<[PassCalls; 5]> {
    let sim = fleet_before_the_push()?;
    let config = fleet::checked(&fleet::example())?;
    let target = config.target(&TARGET.parse()?).context("it is in the example")?;
    for number in 0..PARAMETERS {
        // Every fifth is a secret, of which only the ARN is read.
        let plain = (number % 5 != 0).then(|| ParameterValue::Plain(format!("value {number}")));
        let value = plain.unwrap_or(ParameterValue::Secure);
        sim.put_parameter(&target.place, &parameter(target, number)?, value);
    }
    let push: Value = serde_json::from_str(fleet::PUSH)?;
    sim.send_event(&push);
    rest(&sim)?;
    let changed = changed_by_a_push(&sim, &push, "changed target, 50 parameters")?;
    let unchanged = looked_at(&sim, "unchanged target, 50 parameters")?;

    let change = written(&sim, target, "parameter-change event, first of a burst")?;
    let change_more = written(&sim, target, "parameter-change event, further of the burst")?;
    let quiet = target.on_parameter_change.quiet().context("the example redeploys")?;
    sim.pass_time(quiet.0);
    let redeployed = deploying(&sim, "target redeployed for a parameter, 50 parameters")?;
    Ok([changed, unchanged, change, change_more, redeployed])
}

/// A pass over the target after a later release has been pushed.
fn changed_by_a_push(sim: &Sim, first: &Value, pass: &'static str) -> Result<PassCalls> {
    push_next(sim, first)?;
    // The first message is the service's; the passes over the targets follow.
    sim.deliver_next();
    deploying(sim, pass)
}

/// A pass over the target without any occasion.
fn looked_at(sim: &Sim, pass: &'static str) -> Result<PassCalls> {
    let id: TargetId = TARGET.parse()?;
    sim.send_again(&Wake::new(Subject::Target(id), "bench", "to look"));
    let before = sim.count("UpdateService");
    let looked_at = delivery(sim, pass);
    ensure!(sim.count("UpdateService") == before, "{pass}: it should not have deployed");
    Ok(looked_at)
}

/// The event of one parameter's change.
fn written(sim: &Sim, target: &Target, pass: &'static str) -> Result<PassCalls> {
    let (now, name) = (sim.now(), parameter(target, PARAMETERS / 2 + 1)?);
    let value = ParameterValue::Plain(format!("another, {pass}"));
    sim.put_parameter(&target.place, &name, value);
    Ok(event(sim, pass, &parameter_event(pass, now, &target.place, &name, "Update")))
}

/// The next pass, which should deploy; after it, the fleet comes to rest.
fn deploying(sim: &Sim, pass: &'static str) -> Result<PassCalls> {
    let before = sim.count("UpdateService");
    let counted = delivery(sim, pass);
    ensure!(sim.count("UpdateService") == before + 1, "{pass}: it should have deployed");
    rest(sim)?;
    Ok(counted)
}

fn event(sim: &Sim, pass: &'static str, envelope: &Value) -> PassCalls {
    during(sim, pass, || drop(sim.send_event(envelope)))
}

fn delivery(sim: &Sim, pass: &'static str) -> PassCalls {
    during(sim, pass, || {
        sim.deliver_next();
    })
}

/// The calls that some work leads to.
fn during(sim: &Sim, pass: &'static str, work: impl FnOnce()) -> PassCalls {
    let before = sim.calls().len();
    work();
    PassCalls::of(pass, &sim.calls()[before..])
}

fn rest(sim: &Sim) -> Result<()> {
    ensure!(sim.run_until_quiet(REST_WITHIN), "the simulated fleet should come to rest");
    Ok(())
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
    put_images(&sim, &config, &serde_json::from_str(fleet::PUSH)?)?;
    Ok(sim)
}

/// A later release of the same service.
fn push_next(sim: &Sim, first: &Value) -> Result<()> {
    let mut next = first.clone();
    next["id"] = json!("a-later-event");
    next["time"] = json!("2026-11-24T09:00:00Z");
    next["detail"]["image-tag"] = json!("1.4.3");
    next["detail"]["image-digest"] = json!(format!("sha256:{}", "b".repeat(64)));
    put_images(sim, &fleet::checked(&fleet::example())?, &next)?;
    sim.send_event(&next);
    Ok(())
}

fn put_images(sim: &Sim, config: &Config, push: &Value) -> Result<()> {
    let text = |name: &str| push["detail"][name].as_str().unwrap_or_default().to_owned();
    let (tag, digest) = (Tag::parse(text("image-tag"))?, Digest::parse(text("image-digest"))?);
    let service = &config.services[&ServiceName::parse(SERVICE)?];
    let replicas = service.targets.values().map(|target| &target.pulls_from);
    for registry in replicas.chain([&service.registry]) {
        sim.put_image(&registry.place, &service.repository, &tag, &digest);
    }
    Ok(())
}

/// The name of one of the parameters below the target's path.
fn parameter(target: &Target, number: usize) -> Result<ParameterName> {
    let read = target.parameters.first().context("the example reads parameters")?;
    Ok(ParameterName::parse(format!("{}SETTING_{number:02}", read.path))?)
}
