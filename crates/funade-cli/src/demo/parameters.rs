//! Parameters change in one environment, and only that is deployed again, once.

use anyhow::{Result, anyhow};
use funade::config::Target;
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::shell::{preview, target_variables};
use funade::world::World;
use funade_sim::parameter_event;
use jiff::SignedDuration;

use crate::commands::params_text;
use crate::demo::stage::Stage;
use crate::variables::lines;

/// When somebody asks what will be done, after the writes: within the quiet period.
const ASKED_AFTER: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn tell(stage: &Stage<'_>) -> Result<()> {
    let title = "Parameters change in one environment: two writes, some seconds apart";
    stage.scene(title);
    let target = &stage.targets[0];
    let before = stage.calls();
    for (name, value) in [
        ("LOG_LEVEL", ParameterValue::Plain("debug".to_owned())),
        ("DB_PASSWORD", ParameterValue::Secure),
    ] {
        let name = ParameterName::parse(format!("{}{name}", target.parameters[0].path))?;
        stage.sim.put_parameter(&target.place, &name, value);
        let (id, now) = (format!("write-of-{name}"), stage.sim.now());
        let said = stage.send(&parameter_event(&id, now, &target.place, &name, "Update"))?;
        stage.screen.say(&said);
        stage.pass_time()?;
    }
    let asked_at = stage.sim.now() + ASKED_AFTER;
    let mut asked = false;
    let is_over = |stage: &Stage<'_>| stage.sim.messages_waiting() == 0;
    stage.play(std::slice::from_ref(target), is_over, |stage| {
        if !asked && stage.sim.now() >= asked_at {
            say_plan(stage, target)?;
            asked = true;
        }
        Ok(())
    })?;
    say_variables(stage, target)?;
    let after = stage.calls();
    stage.screen.say(&format!(
        "{} call of UpdateService for both writes, and none in any other environment.",
        after[1] - before[1]
    ));
    Ok(())
}

/// What `funade plan` would print.
fn say_plan(stage: &Stage<'_>, target: &Target) -> Result<()> {
    let preview = stage.run(preview(&stage.sim, &stage.config, &target.id))?;
    let preview = preview.ok_or_else(|| anyhow!("{} is configured", target.id))?;
    stage.screen.say(&format!("funade plan {}: {}.", target.id, preview.plan.report));
    for line in preview.plan.wanted.iter().flat_map(|wanted| lines(&wanted.changes, false)) {
        stage.screen.say(&line);
    }
    Ok(())
}

/// What `funade params` would print.
fn say_variables(stage: &Stage<'_>, target: &Target) -> Result<()> {
    let found = stage.run(target_variables(&stage.sim, &stage.config, &target.id))?;
    let found = found.ok_or_else(|| anyhow!("{} is configured", target.id))?;
    println!("{}", params_text(&target.id, &found));
    Ok(())
}
