//! A simulated fleet for a configuration: every target's ECS service, running an older release.

use std::collections::BTreeMap;

use funade::config::{Config, Target};
use funade::facts::ecs::AlarmState;
use funade::facts::image::ImageReference;
use funade::facts::names::Tag;
use funade::facts::task_definition::{Document, Registration};
use serde_json::{Value, json};

use crate::state::Sim;

/// A task definition with much that we do not manage: what every target starts from.
pub const TASK_DEFINITION: &str = include_str!("task-definition.json");

/// Makes the ECS service of each target, with three tasks that run the given tag, and the secrets
/// that it reads, its alarms quiet; no parameters.
pub fn stand_up(sim: &Sim, config: &Config, tag: &Tag) {
    stand_up_as(sim, config, tag, TASK_DEFINITION);
}

/// The same with another task definition.
pub(crate) fn stand_up_as(sim: &Sim, config: &Config, tag: &Tag, definition: &str) {
    for target in config.targets() {
        let registration = first_revision(target, tag, definition);
        sim.put_service(&target.place, &target.cluster, &target.ecs_service, &registration, 3);
        for read in &target.secrets {
            sim.put_secret(&target.place, &read.secret);
        }
        for alarm in &target.verify.alarms {
            sim.set_alarm(&target.place, alarm, AlarmState::Quiet);
        }
    }
}

fn first_revision(target: &Target, tag: &Tag, definition: &str) -> Registration {
    let mut value: Value = serde_json::from_str(definition).expect("it is JSON");
    // Infrastructure tools seldom name the family as the service.
    value["family"] = json!(format!("{}-{}", target.cluster, target.ecs_service));
    value["containerDefinitions"][0]["name"] = json!(target.container.as_str());
    let image = ImageReference {
        registry: target.pulls_from.to_string(),
        repository: target.repository.clone(),
        tag: Some(tag.clone()),
        digest: None,
    };
    value["containerDefinitions"][0]["image"] = json!(image.to_string());
    Registration {
        document: Document::parse(value).expect("it is a task definition"),
        tags: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
    }
}
