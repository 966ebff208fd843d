//! What the tests do to services behind Funade's back, for sweeps to find.

use funade::config::{Config, Target, check};
use funade::facts::cause::StoppedTask;
use funade::facts::ecs::EcsService;
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::hold::Hold;
use funade::facts::subject::Subject;
use funade::facts::task_definition::{Document, Registration};
use funade::shell::{Scope, Swept, SweptBy, set_hold, sweep};
use funade::world::{Ecs, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::parameters::below;
use crate::{Stage, example_sources};

/// How often everything is swept.
pub const SWEPT_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// The fleet's file in the example.
const FLEET: &str = "fleet.yaml";

impl Stage {
    /// Sets up the example with something added to its fleet's file.
    #[must_use]
    pub fn fleet_with(added: &str) -> Self {
        let mut sources = example_sources();
        let fleet = sources.files.iter_mut().find(|file| file.path == FLEET);
        fleet.expect("it is there").text.push_str(added);
        let files: Vec<(&str, &str)> =
            sources.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
        Self::with(&files)
    }

    /// The example without one of its services.
    #[must_use]
    pub fn without(service: &str) -> Config {
        let mut sources = example_sources();
        sources.files.retain(|file| file.path != format!("services/{service}.yaml"));
        let checked = check(&sources);
        checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
    }

    /// Lets so many of a target's tasks be gone, and ECS say this of it.
    pub fn lose_tasks(&self, target: &Target, count: u32, said: Option<&str>) {
        let Target { place, cluster, ecs_service, .. } = target;
        self.sim.lose_tasks(place, cluster, ecs_service, (count, said));
    }

    /// What ECS says of a target's service.
    #[must_use]
    pub fn described(&self, target: &Target) -> EcsService {
        let Target { place, cluster, ecs_service, .. } = target;
        let world = &self.sim;
        let service = self.sim.run(world.ecs().service(place, cluster, ecs_service));
        service.expect("nothing dies").expect("no fault").expect("it is there")
    }

    /// Says which of a target's tasks stopped lately.
    pub fn set_stopped(&self, target: &Target, tasks: &[StoppedTask]) {
        let Target { place, cluster, ecs_service, .. } = target;
        self.sim.set_stopped(place, cluster, ecs_service, tasks);
    }

    /// A person holds a target for so many hours, or until it is lifted.
    pub fn hold_for(&self, target: &Target, hours: Option<i64>) {
        let since = self.sim.now();
        let hold = Hold {
            on: Subject::Target(target.id.clone()),
            release: None,
            reason: "a migration runs".to_owned(),
            by: "dana".to_owned(),
            since,
            until: hours.map(|hours| since + SignedDuration::from_hours(hours)),
            lifted: None,
        };
        let set = self.sim.run(set_hold(&self.sim, &self.config, &hold));
        set.expect("nothing dies").expect("no fault");
    }

    /// Deletes a parameter below a target's first path, without an event.
    pub fn forget(&self, target: &Target, name: &str) {
        self.sim.delete_parameter(&target.place, &below(target, name));
    }

    /// Somebody deploys the same with another container beside it, which runs this image.
    pub fn set_sidecar(&self, target: &Target, image: &str) {
        let Target { place, cluster, ecs_service, .. } = target;
        let running = self.running(target);
        let mut document = running.document.to_value();
        let containers = document["containerDefinitions"].as_array_mut().expect("it has some");
        containers.retain(|container| container["name"] != "sidecar");
        containers.push(json!({"name": "sidecar", "image": image, "essential": false}));
        let document = Document::parse(Value::clone(&document)).expect("a task definition still");
        let registration = Registration { document, ..running };
        self.sim.change_by_hand(place, cluster, ecs_service, &registration);
        self.wait_minutes(5);
    }
}

/// Looks at everything, and lets what was woken come to rest.
pub fn swept(stage: &Stage) -> Swept {
    let swept =
        sweep(&stage.sim, &stage.config, &Scope::Everything, ("sweep-1", SweptBy::Schedule));
    let swept = stage.sim.run(swept).expect("nothing dies").expect("the ledger answers");
    stage.rest();
    swept
}

/// The same after a quarter of an hour.
pub fn swept_later(stage: &Stage) -> Swept {
    stage.wait_minutes(SWEPT_EVERY.as_mins());
    swept(stage)
}

/// Of which kinds they are.
#[must_use]
pub fn kinds(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

/// What was found of one target.
#[expect(clippy::must_use_candidate, reason = "to look for it is enough: it panics")]
pub fn found_of<'a>(swept: &'a Swept, target: &Target, kind: FindingKind) -> &'a Finding {
    let about = About::Target(target.id.clone());
    let found = swept.findings.iter().find(|f| f.about == about && f.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind} of {}: {:#?}", target.id, swept.findings))
}

/// Sweeps once more, and expects that this kind is closed and nothing is left.
///
/// # Panics
///
/// If it is not closed, or not once.
pub fn is_closed(stage: &Stage, kind: FindingKind) {
    let swept = swept_later(stage);
    assert!(kinds(&swept.closed).contains(&kind), "{:#?}", swept.closed);
    let left: Vec<&Finding> = swept.findings.iter().filter(|f| f.kind == kind).collect();
    assert!(left.is_empty(), "{left:#?}");
    let after = swept_later(stage);
    assert!(after.closed.is_empty(), "it is closed once");
}

/// Looks at everything, and wakes nobody.
pub fn sweep_only(stage: &Stage) -> Swept {
    let swept =
        sweep(&stage.sim, &stage.config, &Scope::Everything, ("sweep-3", SweptBy::Schedule));
    stage.sim.run(swept).expect("nothing dies").expect("the ledger answers")
}
