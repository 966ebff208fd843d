//! The story: a fleet takes a new image, an environment its changed parameters, and all leave alone
//! what they should.

use anyhow::{Result, anyhow, bail};
use funade::config::{Config, SourceFile, Sources, Target, check};
use funade::facts::ecs::RolloutState;
use funade::facts::names::{Digest, Place, ServiceName, Tag};
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::record::StandingKind;
use funade::shell::{Handled, apply, preview, status, target_variables};
use funade::world::World;
use funade_sim::{
    Behaviour, Invocation, Sim, parameter_event, push_event, replication_event, stand_up,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::commands::{params_text, status_table};
use crate::demo::screen::{Bars, Screen};
use crate::variables::lines;

/// The example fleet, as it stands in the repository.
const FLEET: [(&str, &str); 4] = [
    ("fleet.yaml", include_str!("../../../../examples/fleet/fleet.yaml")),
    ("services/order-api.yaml", include_str!("../../../../examples/fleet/services/order-api.yaml")),
    (
        "services/storefront.yaml",
        include_str!("../../../../examples/fleet/services/storefront.yaml"),
    ),
    (
        "services/nightly-report.yaml",
        include_str!("../../../../examples/fleet/services/nightly-report.yaml"),
    ),
];

/// The service whose targets the story follows.
const SERVICE: &str = "order-api";

/// Simulated time between two frames.
const TICK: SignedDuration = SignedDuration::from_secs(2);

/// The longest that a scene may take, in simulated time.
const SCENE_MAX: SignedDuration = SignedDuration::from_mins(15);

/// How long the replica lags behind the registry.
const REPLICATION: SignedDuration = SignedDuration::from_secs(36);

/// Monday morning, in office hours.
const BEGIN: &str = "2026-11-23T01:30:00Z";

struct Stage<'a> {
    screen: &'a Screen,
    sim: Sim,
    config: Config,
    targets: Vec<Target>,
}

pub(super) fn tell(screen: &Screen) -> Result<()> {
    let stage = set_the_stage(screen)?;
    stage.a_push()?;
    stage.a_parameter_changes()?;
    stage.the_same_event_again()?;
    stage.tags_that_are_refused()?;
    println!("\nThe same code runs in Lambda. How to put it into an account: README.md.\n");
    Ok(())
}

fn set_the_stage(screen: &Screen) -> Result<Stage<'_>> {
    let sources = Sources::new(
        FLEET.map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() }),
    );
    let config = check(&sources).config.ok_or_else(|| anyhow!("the example fleet is not valid"))?;
    let sim = Sim::new(BEGIN.parse()?);
    stand_up(&sim, &config, &Tag::parse("1.4.0")?);
    write_parameters(&sim, &config)?;
    let applied = sim.run(apply(&sim, &sources, None, "you"));
    applied.ok_or_else(|| anyhow!("nothing dies here"))??;
    sim.deliver_all();

    // No two clusters are alike.
    for (environment, percent) in config.environments.values().zip([100, 130, 90, 70, 115, 150]) {
        sim.set_pace(&environment.cluster, percent);
    }
    let service = &config.services[&ServiceName::parse(SERVICE)?];
    let targets = service.targets.values().cloned().collect::<Vec<_>>();
    screen.scene("A fleet");
    screen.say(&format!(
        "{} environments, each an AWS account of its own; all run {SERVICE} 1.4.0.",
        config.environments.len()
    ));
    screen.say("Two of them are in another region and pull from a replica of the registry.");
    screen.say("Each keeps its own LOG_LEVEL, FEATURES and DB_PASSWORD in Parameter Store.");
    Ok(Stage { screen, sim, config, targets })
}

impl Stage<'_> {
    fn a_push(&self) -> Result<()> {
        let (tag, digest) = (Tag::parse("1.4.2")?, digest(2));
        self.screen.scene("An image is pushed: shop/order-api:1.4.2");
        self.sim
            .set_behaviour(digest.to_string(), Behaviour::Healthy(SignedDuration::from_secs(90)));
        let pushed = self.push(&tag, &digest)?;
        self.screen.say(&pushed);

        let replica_at = self.sim.now() + REPLICATION;
        let bars =
            self.screen.bars(self.targets.iter().map(|target| target.id.environment.as_str()));
        let mut replicated = false;
        let end = self.sim.now() + SCENE_MAX;
        while !self.is_quiet()? {
            if self.sim.now() > end {
                bail!("the fleet did not come to rest within {SCENE_MAX:#}");
            }
            if !replicated && self.sim.now() >= replica_at {
                self.replicate(&tag, &digest)?;
                replicated = true;
            }
            self.sim.deliver_all();
            self.draw(&bars);
            self.sim.pass_time(TICK);
            self.screen.rest(1);
        }
        self.draw(&bars);
        bars.finish();
        self.table()?;
        let [registered, updated] = self.calls();
        self.screen.say(&format!(
            "{registered} calls of RegisterTaskDefinition and {updated} of UpdateService: \
             one each per target."
        ));
        Ok(())
    }

    fn a_parameter_changes(&self) -> Result<()> {
        self.screen.scene("Parameters change in one environment: two writes, some seconds apart");
        let target = &self.targets[0];
        let before = self.calls();
        for (name, value) in [
            ("LOG_LEVEL", ParameterValue::Plain("debug".to_owned())),
            ("DB_PASSWORD", ParameterValue::Secure),
        ] {
            let name = ParameterName::parse(format!("{}{name}", target.parameters[0].path))?;
            self.sim.put_parameter(&target.place, &name, value);
            let (id, now) = (format!("write-of-{name}"), self.sim.now());
            let said = self.send(&parameter_event(&id, now, &target.place, &name, "Update"))?;
            self.screen.say(&said);
            self.sim.pass_time(TICK);
        }
        let began = self.sim.now();
        let bars = self.screen.bars(std::iter::once(target.id.environment.as_str()));
        let mut planned = false;
        while self.sim.messages_waiting() > 0 {
            if self.sim.now() > began + SCENE_MAX {
                bail!("the redeploy did not come to rest within {SCENE_MAX:#}");
            }
            if !planned && self.sim.now() >= began + SignedDuration::from_secs(30) {
                self.say_plan(target)?;
                planned = true;
            }
            self.sim.deliver_all();
            self.draw_one(&bars, target, &clock(self.sim.now()));
            self.sim.pass_time(TICK);
            self.screen.rest(1);
        }
        self.draw_one(&bars, target, &clock(self.sim.now()));
        bars.finish();
        self.say_variables(target)?;
        let after = self.calls();
        self.screen.say(&format!(
            "{} call of UpdateService for both writes, and none in any other environment.",
            after[1] - before[1]
        ));
        Ok(())
    }

    /// What `funade plan` would print.
    fn say_plan(&self, target: &Target) -> Result<()> {
        let read = self.sim.run(preview(&self.sim, &self.config, &target.id));
        let preview = read.ok_or_else(|| anyhow!("nothing dies here"))??;
        let preview = preview.ok_or_else(|| anyhow!("{} is configured", target.id))?;
        self.screen.say(&format!("funade plan {}: {}.", target.id, preview.plan.report));
        for line in preview.plan.wanted.iter().flat_map(|wanted| lines(&wanted.changes, false)) {
            self.screen.say(&line);
        }
        Ok(())
    }

    /// What `funade params` would print.
    fn say_variables(&self, target: &Target) -> Result<()> {
        let read = self.sim.run(target_variables(&self.sim, &self.config, &target.id));
        let found = read.ok_or_else(|| anyhow!("nothing dies here"))??;
        let found = found.ok_or_else(|| anyhow!("{} is configured", target.id))?;
        println!("{}", params_text(&target.id, &found));
        Ok(())
    }

    fn the_same_event_again(&self) -> Result<()> {
        self.screen.scene("The same event comes again, as EventBridge's may");
        let before = self.calls();
        let said = self.push(&Tag::parse("1.4.2")?, &digest(2))?;
        self.screen.say(&said);
        self.deliver_and_say();
        let after = self.calls();
        let changes = after.iter().sum::<usize>() - before.iter().sum::<usize>();
        self.screen.say(&format!("{changes} calls that change anything."));
        Ok(())
    }

    fn tags_that_are_refused(&self) -> Result<()> {
        self.screen.scene("Two images that nobody should get");
        let said = self.push(&Tag::parse("2.0.0")?, &digest(3))?;
        self.screen.say(&said);
        let said = self.push(&Tag::parse("1.4.1")?, &digest(1))?;
        self.screen.say(&said);
        self.deliver_and_say();
        Ok(())
    }

    /// Pushes an image and sends its event. Gives back what became of the event.
    fn push(&self, tag: &Tag, digest: &Digest) -> Result<String> {
        let registry = &self.config.registry.place;
        self.sim.put_image(registry, &self.targets[0].repository, tag, digest);
        let repository = &self.targets[0].repository;
        let id = format!("push-of-{tag}");
        self.send(&push_event(&id, self.sim.now(), registry, repository, tag, digest))
    }

    fn replicate(&self, tag: &Tag, digest: &Digest) -> Result<()> {
        let pushed_to = &self.config.registry.place;
        let mut replicas: Vec<&Place> =
            self.targets.iter().map(|target| &target.pulls_from.place).collect();
        replicas.sort();
        replicas.dedup();
        for place in replicas.into_iter().filter(|place| *place != pushed_to) {
            self.sim.put_image(place, &self.targets[0].repository, tag, digest);
            let id = format!("replication-of-{tag}");
            let (now, repository) = (self.sim.now(), &self.targets[0].repository);
            self.send(&replication_event(&id, now, place, pushed_to, repository, tag, digest))?;
        }
        Ok(())
    }

    fn send(&self, event: &Value) -> Result<String> {
        let invocation = self.sim.send_event(event);
        let Invocation::Answered(Handled::Routed(routing)) = invocation else {
            bail!("the event was not routed: {invocation:?}");
        };
        let woken = routing
            .intents
            .iter()
            .map(|intent| format!("{}: wakes {}", intent.reason, intent.subject));
        let ignored = routing
            .ignored
            .iter()
            .map(|ignored| format!("ignored by {}: {}", ignored.rule, ignored.reason));
        Ok(woken.chain(ignored).collect::<Vec<_>>().join("\n  "))
    }

    /// Delivers what is due and repeats what the passes say.
    fn deliver_and_say(&self) {
        let before = self.sim.journal().len();
        self.sim.deliver_all();
        for said in self.sim.journal().iter().skip(before) {
            self.screen.say(&format!("{}: {}", said.subject, said.said));
        }
    }

    fn draw(&self, bars: &Bars) {
        let clock = clock(self.sim.now());
        for target in &self.targets {
            self.draw_one(bars, target, &clock);
        }
    }

    fn draw_one(&self, bars: &Bars, target: &Target, clock: &str) {
        let view = self
            .sim
            .view(&target.place, &target.cluster, &target.ecs_service, &target.container)
            .expect("the stage has every service");
        let record = self.sim.target_record(&target.id);
        let standing = record.standing.as_ref();
        let waits = standing.is_some_and(|standing| standing.code == "image-not-there");
        let (share, text) = if waits {
            (0.0, "waits for the replica".to_owned())
        } else if record.deploy.is_none() {
            (0.0, "1.4.0".to_owned())
        } else if view.rollout == RolloutState::Completed {
            (1.0, format!("1.4.2 as {}", view.revision.short()))
        } else {
            (view.elapsed, format!("1.4.2 on {} of {} tasks", view.new_tasks, view.desired_count))
        };
        bars.set(target.id.environment.as_str(), share, &text, clock);
    }

    /// Whether every target has settled.
    fn is_quiet(&self) -> Result<bool> {
        let services = self.status()?;
        let mut targets = services.iter().flat_map(|service| &service.targets);
        Ok(targets.all(|target| {
            let standing = target.record.standing.as_ref();
            target.assigned.is_some()
                && standing.is_some_and(|standing| standing.kind == StandingKind::Settled)
        }))
    }

    fn table(&self) -> Result<()> {
        println!("{}", status_table(&self.status()?));
        Ok(())
    }

    fn status(&self) -> Result<Vec<funade::shell::ServiceStatus>> {
        let service = ServiceName::parse(SERVICE)?;
        let read = self.sim.run(status(&self.sim, &self.config, Some(&service)));
        Ok(read.ok_or_else(|| anyhow!("nothing dies here"))??)
    }

    fn calls(&self) -> [usize; 2] {
        ["RegisterTaskDefinition", "UpdateService"].map(|operation| self.sim.count(operation))
    }
}

/// Values of its own for each environment.
fn write_parameters(sim: &Sim, config: &Config) -> Result<()> {
    let service = &config.services[&ServiceName::parse(SERVICE)?];
    for target in service.targets.values() {
        let features = format!("base,{}", target.id.environment);
        for (name, value) in [
            ("LOG_LEVEL", ParameterValue::Plain("info".to_owned())),
            ("FEATURES", ParameterValue::Plain(features)),
            ("DB_PASSWORD", ParameterValue::Secure),
        ] {
            let name = ParameterName::parse(format!("{}{name}", target.parameters[0].path))?;
            sim.put_parameter(&target.place, &name, value);
        }
    }
    Ok(())
}

fn digest(number: u8) -> Digest {
    Digest::parse(format!("sha256:{:064x}", u128::from(number) * 0x1234_5678_9abc_def1))
        .expect("64 digits")
}

fn clock(now: Timestamp) -> String {
    now.strftime("%H:%M:%S").to_string()
}
