//! An image whose tasks exit: every environment goes back, and leaves it alone until a newer one
//! comes.

use anyhow::{Result, anyhow};
use funade::config::Target;
use funade::facts::names::Tag;
use funade::shell::{history, standing_holds};
use funade::world::World;
use funade_sim::{Behaviour, Failure};
use jiff::SignedDuration;

use crate::commands::{explanation_text, history_text, read_explanation};
use crate::demo::stage::{Stage, digest};
use crate::output::count;

/// How many deploys of the history are shown: those of this story.
const DEPLOYS_SHOWN: usize = 20;

pub(super) fn tell(stage: &Stage<'_>) -> Result<()> {
    a_bad_image(stage)?;
    it_comes_again(stage)?;
    a_newer_one(stage)
}

fn a_bad_image(stage: &Stage<'_>) -> Result<()> {
    stage.scene("An image is pushed whose tasks exit: shop/order-api:1.4.3");
    let (tag, digest) = (Tag::parse("1.4.3")?, digest(4));
    let fails = Behaviour::Fails(Failure::Exits(78), SignedDuration::from_secs(100));
    stage.sim.set_behaviour(digest.to_string(), fails);
    stage.push_and_watch(&tag, &digest)?;
    stage.screen.say("ECS's circuit breaker has brought back in each what ran there before.");
    explain(stage, &stage.targets[0])
}

fn it_comes_again(stage: &Stage<'_>) -> Result<()> {
    stage.scene("The event of the bad image comes again");
    let before = stage.calls();
    let said = stage.push(&Tag::parse("1.4.3")?, &digest(4))?;
    stage.screen.say(&said);
    stage.sim.deliver_all();
    let after = stage.calls();
    let changes = after.iter().sum::<usize>() - before.iter().sum::<usize>();
    stage.screen.say(&format!("{changes} calls that change anything."));
    let holds = stage.run(standing_holds(&stage.sim, &stage.config))?;
    stage.screen.say(&format!(
        "funade holds lists {}: each is left alone with 1.4.3 until a newer release comes, or \
         somebody types funade unhold.",
        count(holds.len(), "target")
    ));
    Ok(())
}

fn a_newer_one(stage: &Stage<'_>) -> Result<()> {
    stage.scene("The image that mends it is pushed: shop/order-api:1.4.4");
    stage.push_and_watch(&Tag::parse("1.4.4")?, &digest(5))?;
    let holds = stage.run(standing_holds(&stage.sim, &stage.config))?;
    stage.screen.say(&format!("funade holds lists {}.", count(holds.len(), "target")));
    let target = &stage.targets[0];
    stage.screen.say(&format!("funade history {}:", target.id));
    let found = stage.run(history(&stage.sim, &stage.config, &target.id))?;
    let found = found.ok_or_else(|| anyhow!("{} is configured", target.id))?;
    println!("{}", history_text(&target.id, &found, DEPLOYS_SHOWN, stage.sim.now()));
    Ok(())
}

/// What `funade explain` would print.
fn explain(stage: &Stage<'_>, target: &Target) -> Result<()> {
    stage.screen.say(&format!("funade explain {}:", target.id));
    let told = stage.run(read_explanation(&stage.sim, &stage.config, &target.id))?;
    let told = told.ok_or_else(|| anyhow!("{} is configured", target.id))?;
    println!("{}", explanation_text(&told));
    Ok(())
}
