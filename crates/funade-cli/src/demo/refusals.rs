//! Events that must lead to nothing: one that comes twice, and images that nobody should get.

use anyhow::Result;
use funade::facts::names::Tag;

use crate::demo::stage::{Stage, digest};

pub(super) fn tell(stage: &Stage<'_>) -> Result<()> {
    stage.scene("The same event comes again, as EventBridge's may");
    let before = stage.calls();
    let said = stage.push(&Tag::parse("1.4.2")?, &digest(2))?;
    stage.screen.say(&said);
    stage.deliver_and_say();
    let after = stage.calls();
    let changes = after.iter().sum::<usize>() - before.iter().sum::<usize>();
    stage.screen.say(&format!("{changes} calls that change anything."));

    stage.scene("Two images that nobody should get");
    let said = stage.push(&Tag::parse("2.0.0")?, &digest(3))?;
    stage.screen.say(&said);
    let said = stage.push(&Tag::parse("1.4.1")?, &digest(1))?;
    stage.screen.say(&said);
    stage.deliver_and_say();
    Ok(())
}
