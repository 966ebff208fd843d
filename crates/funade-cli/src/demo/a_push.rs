//! An image is pushed, and every environment takes it.

use anyhow::Result;
use funade::facts::names::Tag;
use funade::world::World;
use funade_sim::Behaviour;
use jiff::SignedDuration;

use crate::commands::status_table;
use crate::demo::stage::{Stage, digest};

pub(super) fn tell(stage: &Stage<'_>) -> Result<()> {
    let (tag, digest) = (Tag::parse("1.4.2")?, digest(2));
    stage.scene("An image is pushed: shop/order-api:1.4.2");
    let healthy = Behaviour::Healthy(SignedDuration::from_secs(90));
    stage.sim.set_behaviour(digest.to_string(), healthy);
    stage.push_and_watch(&tag, &digest)?;
    println!("{}", status_table(&stage.status()?, stage.sim.now()));
    let [registered, updated] = stage.calls();
    stage.screen.say(&format!(
        "{registered} calls of RegisterTaskDefinition and {updated} of UpdateService: one each \
         per target."
    ));
    Ok(())
}
