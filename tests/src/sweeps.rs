//! What the tests do to services behind Funade's back, for sweeps to find.

use funade::config::{Config, Target, check};
use funade::facts::cause::StoppedTask;
use funade::facts::task_definition::{Document, Registration};
use serde_json::{Value, json};

use crate::parameters::below;
use crate::{Stage, example_sources};

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

    /// Says which of a target's tasks stopped lately.
    pub fn set_stopped(&self, target: &Target, tasks: &[StoppedTask]) {
        let Target { place, cluster, ecs_service, .. } = target;
        self.sim.set_stopped(place, cluster, ecs_service, tasks);
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
