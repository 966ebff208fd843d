//! The stage: the example fleet in a simulated AWS, what the scenes do with it, and how it is
//! drawn.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use funade::config::{Config, SourceFile, Sources, Target, check};
use funade::facts::deploy::{Deploy, Phase};
use funade::facts::ecs::RolloutState;
use funade::facts::names::{Digest, Place, ServiceName, Tag};
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::shell::{Handled, ServiceStatus, apply, status};
use funade::world::{CallError, Ecs, World};
use funade_sim::{
    Invocation, ServiceView, Sim, deployment_event, push_event, replication_event, stand_up,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::demo::screen::{Bars, Screen};

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

/// How long it is from one scene to the next, in simulated time.
const BETWEEN_SCENES: SignedDuration = SignedDuration::from_mins(7);

/// Monday morning, in office hours.
const BEGIN: &str = "2026-11-23T01:30:00Z";

/// What all scenes share.
pub(crate) struct Stage<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) sim: Sim,
    pub(crate) config: Config,
    /// Those of the service that the story follows.
    pub(crate) targets: Vec<Target>,
}

impl<'a> Stage<'a> {
    pub(crate) fn set(screen: &'a Screen) -> Result<Self> {
        let file = |(path, text): (&str, &str)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let sources = Sources::new(FLEET.map(file));
        let config = check(&sources).config;
        let config = config.ok_or_else(|| anyhow!("the example fleet is not valid"))?;
        let sim = Sim::new(BEGIN.parse()?);
        stand_up(&sim, &config, &Tag::parse("1.4.0")?);
        write_parameters(&sim, &config)?;
        sim.run(apply(&sim, &sources, None, "you")).ok_or_else(nothing_dies)??;
        sim.deliver_all();

        // No two clusters are alike.
        for (environment, percent) in config.environments.values().zip([100, 130, 90, 70, 115, 150])
        {
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
        Ok(Self { screen, sim, config, targets })
    }

    /// Begins a scene, some minutes after the one before.
    pub(super) fn scene(&self, title: &str) {
        self.sim.pass_time(BETWEEN_SCENES);
        self.sim.deliver_all();
        self.screen.scene(title);
    }

    /// Carries out what a verb does.
    pub(crate) fn run<T>(&self, work: impl Future<Output = Result<T, CallError>>) -> Result<T> {
        Ok(self.sim.run(work).ok_or_else(nothing_dies)??)
    }

    /// Pushes an image and sends its event. Gives back what became of the event.
    pub(crate) fn push(&self, tag: &Tag, digest: &Digest) -> Result<String> {
        let registry = &self.config.registry.place;
        self.sim.put_image(registry, &self.targets[0].repository, tag, digest);
        let repository = &self.targets[0].repository;
        let id = format!("push-of-{tag}");
        self.send(&push_event(&id, self.sim.now(), registry, repository, tag, digest))
    }

    /// Pushes an image, which arrives in the replica a while later, and watches until all targets
    /// have come to an end with it.
    pub(crate) fn push_and_watch(&self, tag: &Tag, digest: &Digest) -> Result<()> {
        let pushed = self.push(tag, digest)?;
        self.screen.say(&pushed);
        let replica_at = self.sim.now() + REPLICATION;
        let mut replicated = false;
        self.play(&self.targets, all_ended_with(tag), |stage| {
            if !replicated && stage.sim.now() >= replica_at {
                stage.replicate(tag, digest)?;
                replicated = true;
            }
            Ok(())
        })
    }

    /// Watches until all targets have come to an end with a release.
    pub(super) fn watch(&self, tag: &Tag) -> Result<()> {
        self.play(&self.targets, all_ended_with(tag), |_| Ok(()))
    }

    /// Lets time pass, with all that happens by itself, and draws nothing.
    pub(super) fn pass_quietly(&self, duration: SignedDuration) -> Result<()> {
        let end = self.sim.now() + duration;
        while self.sim.now() < end {
            self.sim.deliver_all();
            self.pass_time()?;
        }
        self.sim.deliver_all();
        Ok(())
    }

    /// Lets time pass frame by frame until it is over, draws these targets in each, and does
    /// something meanwhile.
    pub(super) fn play(
        &self,
        targets: &[Target],
        over: impl Fn(&Self) -> bool,
        mut meanwhile: impl FnMut(&Self) -> Result<()>,
    ) -> Result<()> {
        let names = targets.iter().map(|target| target.id.environment.as_str());
        let bars = self.screen.bars(names);
        let end = self.sim.now() + SCENE_MAX;
        while !over(self) {
            if self.sim.now() > end {
                bail!("the fleet did not come to rest within {SCENE_MAX:#}");
            }
            meanwhile(self)?;
            self.sim.deliver_all();
            self.draw(&bars, targets)?;
            self.pass_time()?;
            self.screen.rest(1);
        }
        self.draw(&bars, targets)?;
        bars.finish();
        Ok(())
    }

    /// Lets some time pass, and has ECS send its events about deployments that came to an end.
    pub(super) fn pass_time(&self) -> Result<()> {
        let look = || self.targets.iter().map(|target| self.view(target)).collect::<Vec<_>>();
        let before = look();
        self.sim.pass_time(TICK);
        for (target, (before, after)) in self.targets.iter().zip(before.iter().zip(look())) {
            let went_back = before.revision != after.revision;
            let name = match (before.rollout, after.rollout) {
                (RolloutState::InProgress, RolloutState::InProgress) if went_back => {
                    "SERVICE_DEPLOYMENT_FAILED"
                }
                (RolloutState::InProgress, RolloutState::Completed) => {
                    "SERVICE_DEPLOYMENT_COMPLETED"
                }
                (
                    RolloutState::InProgress | RolloutState::Completed | RolloutState::Failed,
                    RolloutState::InProgress | RolloutState::Completed | RolloutState::Failed,
                ) => continue,
            };
            let now = self.sim.now();
            let id = format!("ecs-{}-{}", target.id.environment, clock(now));
            let Target { place, cluster, ecs_service, .. } = target;
            self.send(&deployment_event(&id, now, place, cluster, ecs_service, name))?;
        }
        Ok(())
    }

    /// Sends an event, and gives back what became of it.
    pub(super) fn send(&self, event: &Value) -> Result<String> {
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
    pub(super) fn deliver_and_say(&self) {
        let before = self.sim.journal().len();
        self.sim.deliver_all();
        for said in self.sim.journal().iter().skip(before) {
            self.screen.say(&format!("{}: {}", said.subject, said.said));
        }
    }

    /// How often ECS was asked to change something.
    pub(super) fn calls(&self) -> [usize; 2] {
        ["RegisterTaskDefinition", "UpdateService"].map(|operation| self.sim.count(operation))
    }

    pub(super) fn status(&self) -> Result<Vec<ServiceStatus>> {
        let service = ServiceName::parse(SERVICE)?;
        self.run(status(&self.sim, &self.config, Some(&service)))
    }

    fn last_deploy(&self, target: &Target) -> Option<Deploy> {
        self.sim.target_record(&target.id).deploy
    }

    fn is_under_way(&self) -> bool {
        let mut deploys = self.targets.iter().filter_map(|target| self.last_deploy(target));
        deploys.any(|deploy| !deploy.has_ended())
    }

    /// Puts an image into the registry and its replicas, and tells nobody.
    pub(crate) fn put_everywhere(&self, tag: &Tag, digest: &Digest) {
        let replicas = self.replicas();
        let registries = replicas.into_iter().chain([&self.config.registry.place]);
        registries.for_each(|place| {
            self.sim.put_image(place, &self.targets[0].repository, tag, digest);
        });
    }

    /// The registries that some pull from, besides the one that is pushed to.
    fn replicas(&self) -> BTreeSet<&Place> {
        let pulled_from = self.targets.iter().map(|target| &target.pulls_from.place);
        pulled_from.filter(|place| **place != self.config.registry.place).collect()
    }

    fn replicate(&self, tag: &Tag, digest: &Digest) -> Result<()> {
        let pushed_to = &self.config.registry.place;
        for place in self.replicas() {
            self.sim.put_image(place, &self.targets[0].repository, tag, digest);
            let id = format!("replication-of-{tag}");
            let (now, repository) = (self.sim.now(), &self.targets[0].repository);
            self.send(&replication_event(&id, now, place, pushed_to, repository, tag, digest))?;
        }
        Ok(())
    }

    pub(super) fn view(&self, target: &Target) -> ServiceView {
        self.sim
            .view(&target.place, &target.cluster, &target.ecs_service, &target.container)
            .expect("the stage has every service")
    }

    fn draw(&self, bars: &Bars, targets: &[Target]) -> Result<()> {
        let clock = clock(self.sim.now());
        for target in targets {
            let (share, text) = self.picture(target)?;
            bars.set(target.id.environment.as_str(), share, &text, &clock);
        }
        Ok(())
    }

    /// How far a target has come, from 0 to 1 and in words.
    fn picture(&self, target: &Target) -> Result<(f64, String)> {
        let (view, record) = (self.view(target), self.sim.target_record(&target.id));
        let waits = record.standing.is_some_and(|standing| standing.code == "image-not-there");
        if waits {
            return Ok((0.0, "waits for the replica".to_owned()));
        }
        let Some(deploy) = record.deploy else { return Ok((0.0, "1.4.0".to_owned())) };
        let (tag, revision) = (&deploy.assignment.release.tag, view.revision.short());
        Ok(match deploy.phase() {
            Phase::Starting | Phase::Deploying => {
                let text = format!("{tag} on {} of {} tasks", view.new_tasks, view.desired_count);
                match self.stopped(target, &deploy)? {
                    0 => (view.elapsed, text),
                    stopped => (view.elapsed, format!("{text}; {stopped} exited")),
                }
            }
            Phase::Verifying => (1.0, format!("{tag} is verified")),
            Phase::RollingBack => (1.0 - view.elapsed, format!("{tag} failed; back to {revision}")),
            Phase::Succeeded => (1.0, format!("{tag} as {revision}")),
            Phase::RolledBack => (0.0, format!("{revision} runs again; {tag} is held")),
            phase @ (Phase::Failed | Phase::TimedOut | Phase::Superseded) => {
                (0.0, format!("{tag}: {phase}"))
            }
        })
    }

    /// How many of a deploy's tasks have stopped.
    fn stopped(&self, target: &Target, deploy: &Deploy) -> Result<usize> {
        let Target { place, cluster, ecs_service, .. } = target;
        let stopped = self.run(self.sim.ecs().stopped_tasks(place, cluster, ecs_service))?;
        let ours = |by| deploy.progress.deployment() == Some(by);
        Ok(stopped.iter().filter(|task| task.started_by.as_ref().is_some_and(ours)).count())
    }
}

/// Whether all targets have come to an end with a release.
fn all_ended_with(tag: &Tag) -> impl Fn(&Stage<'_>) -> bool {
    move |stage| {
        let of_all = stage.targets.iter().map(|target| stage.last_deploy(target));
        of_all.flatten().filter(|deploy| deploy.assignment.release.tag == *tag).count()
            == stage.targets.len()
            && !stage.is_under_way()
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

fn nothing_dies() -> anyhow::Error {
    anyhow!("nothing dies here")
}

/// A digest that is easy to tell from others.
pub(crate) fn digest(number: u8) -> Digest {
    let part = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Digest::parse(format!("sha256:{}", format!("{part:016x}").repeat(4))).expect("64 digits")
}

fn clock(now: Timestamp) -> String {
    now.strftime("%H:%M:%S").to_string()
}
