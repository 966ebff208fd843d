//! An image of which no event tells, and a change by hand: what a sweep finds, puts right, and
//! leaves alone.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use funade::config::Target;
use funade::facts::image::ImageReference;
use funade::facts::names::Tag;
use funade::facts::task_definition::Registration;
use funade::shell::{Scope, SweptBy, request_deploy, sweep};
use funade::world::{Ecs, World};
use funade_sim::Behaviour;
use jiff::SignedDuration;

use crate::commands::sweep_text;
use crate::demo::stage::{Stage, digest};

/// How long nobody notices.
const UNNOTICED: SignedDuration = SignedDuration::from_mins(6);

/// How long a change by hand, or what takes it back, is given to come to an end.
const CHANGE_TAKES: SignedDuration = SignedDuration::from_mins(4);

pub(super) fn tell(stage: &Stage<'_>) -> Result<()> {
    an_event_is_lost(stage)?;
    a_change_by_hand(stage)
}

fn an_event_is_lost(stage: &Stage<'_>) -> Result<()> {
    let (tag, digest) = (Tag::parse("1.4.5")?, digest(6));
    stage.scene("An image is pushed, and its event is lost: shop/order-api:1.4.5");
    let healthy = Behaviour::Healthy(SignedDuration::from_secs(30));
    stage.sim.set_behaviour(digest.to_string(), healthy);
    stage.put_everywhere(&tag, &digest);
    stage.pass_quietly(UNNOTICED)?;
    let (target, view) = (&stage.targets[0], stage.view(&stage.targets[0]));
    stage.screen.say(&format!(
        "{UNNOTICED:#} later {} runs {} still. funade sweep:",
        target.id,
        view.revision.short()
    ));
    say_sweep(stage, "sweep-1")?;
    stage.watch(&tag)
}

fn a_change_by_hand(stage: &Stage<'_>) -> Result<()> {
    let target = &stage.targets[0];
    stage.scene(&format!("Somebody deploys shop/order-api:1.4.4 to {} by hand", target.id));
    change_by_hand(stage, target)?;
    let before = stage.calls();
    stage.pass_quietly(CHANGE_TAKES)?;
    stage.screen.say(&format!("{CHANGE_TAKES:#} later, funade sweep:"));
    say_sweep(stage, "sweep-2")?;
    let changes = stage.calls().iter().sum::<usize>() - before.iter().sum::<usize>();
    stage.screen.say(&format!(
        "{changes} calls that change anything: what a person did stays until a person says \
         otherwise. funade deploy order-api --tag 1.4.5, and funade sweep:"
    ));
    let (service, tag) = (&target.id.service, Tag::parse("1.4.5")?);
    let asked =
        request_deploy(&stage.sim, &stage.config, service, &tag, "dana", "request-of-1.4.5");
    stage.sim.run(asked).ok_or_else(|| anyhow!("nothing dies here"))??;
    stage.pass_quietly(CHANGE_TAKES)?;
    say_sweep(stage, "sweep-3")?;
    stage.screen.say("funade sweep --report FILE writes all of this as a page to look at.");
    Ok(())
}

/// What `funade sweep` would do and print. What it wakes has not begun yet.
fn say_sweep(stage: &Stage<'_>, cause: &str) -> Result<()> {
    let swept = sweep(&stage.sim, &stage.config, &Scope::Everything, (cause, SweptBy::Schedule));
    println!("{}", sweep_text(&stage.run(swept)?));
    Ok(())
}

/// Somebody registers a revision with the image of before, in the console, and deploys it.
fn change_by_hand(stage: &Stage<'_>, target: &Target) -> Result<()> {
    let Target { place, cluster, ecs_service, container, .. } = target;
    let running = stage.view(target).revision;
    let running = stage.run(stage.sim.ecs().task_definition(place, running.as_str()))?;
    let running = running.ok_or_else(|| anyhow!("what runs is registered"))?;
    let image = ImageReference {
        registry: target.pulls_from.to_string(),
        repository: target.repository.clone(),
        tag: None,
        digest: Some(digest(5)),
    };
    let document = running.document.with_image(container, &image);
    let document = document.ok_or_else(|| anyhow!("{container} is there"))?;
    let registration = Registration { document, tags: BTreeMap::new() };
    if !stage.sim.try_change_by_hand(place, cluster, ecs_service, &registration) {
        bail!("ECS has no room for a change by hand");
    }
    Ok(())
}
