//! What the tests do with parameters: write them, say so, and look at what tasks get.

use std::collections::BTreeMap;

use funade::config::{Target, check};
use funade::facts::names::ContainerName;
use funade::facts::parameter::{ParameterName, ParameterValue, VariableName};
use funade::facts::subject::{Subject, Wake};
use funade::facts::task_definition::VariableValue;
use funade::shell::{Handled, TargetVariables, in_force, target_variables};
use funade::world::World;
use funade_sim::{parameter_event, secret_event};
use serde_json::Value;

use crate::{Stage, service_name};

/// A text.
#[must_use]
pub fn text(value: &str) -> ParameterValue {
    ParameterValue::Plain(value.to_owned())
}

/// A parameter's name.
#[must_use]
pub fn parameter(name: &str) -> ParameterName {
    ParameterName::parse(name).expect("well-formed")
}

/// What a task definition says of a variable with this text.
#[must_use]
pub fn plain(value: &str) -> Option<VariableValue> {
    Some(VariableValue::Plain(value.to_owned()))
}

/// A stage on which 1.4.2 runs, with these parameters of acme's order-api.
#[must_use]
pub fn deployed(parameters: &[(&str, ParameterValue)]) -> Stage {
    let stage = Stage::new();
    for (name, value) in parameters {
        stage.put(stage.target("acme"), name, value.clone());
    }
    stage.push("1.4.2", 2);
    stage
}

impl Stage {
    /// Writes a parameter below a target's first path, without an event.
    pub fn put(&self, target: &Target, name: &str, value: ParameterValue) {
        self.sim.put_parameter(&target.place, &below(target, name), value);
    }

    /// Writes a parameter below a target's first path, and sends its event.
    pub fn change(&self, target: &Target, name: &str, value: ParameterValue) -> Handled {
        self.put(target, name, value);
        self.tell(target, name, "Update")
    }

    /// Deletes a parameter below a target's first path, and sends its event.
    pub fn delete(&self, target: &Target, name: &str) -> Handled {
        self.sim.delete_parameter(&target.place, &below(target, name));
        self.tell(target, name, "Delete")
    }

    /// Sends the event of a parameter below a target's first path.
    pub fn tell(&self, target: &Target, name: &str, operation: &str) -> Handled {
        self.send(&self.parameter_event(target, name, operation))
    }

    /// The event of a parameter below a target's first path.
    #[must_use]
    pub fn parameter_event(&self, target: &Target, name: &str, operation: &str) -> Value {
        let name = below(target, name);
        let id = self.next_event_id();
        parameter_event(&id, self.sim.now(), &target.place, &name, operation)
    }

    /// Makes another version of the target's first secret current, and sends its event.
    pub fn rotate(&self, target: &Target) -> Handled {
        let secret = &target.secrets[0].secret;
        self.sim.put_secret(&target.place, secret);
        let id = self.next_event_id();
        self.send(&secret_event(&id, self.sim.now(), &target.place, secret, "AWSCURRENT"))
    }

    /// What tasks of a target's running revision get in a container's variable.
    #[must_use]
    pub fn variable(&self, target: &Target, name: &str) -> Option<VariableValue> {
        let name = VariableName::parse(name).expect("well-formed");
        self.running(target).document.variable(&target.container, &name)
    }

    /// From which version of what a target's running revision has its variables, in its container.
    #[must_use]
    pub fn versions(&self, target: &Target) -> BTreeMap<String, String> {
        let of: &ContainerName = &target.container;
        let mut configuration = self.running(target).document.configuration().0;
        let sources = configuration.remove(of).unwrap_or_default();
        let version = |(name, source): (VariableName, funade::facts::configuration::Source)| {
            (name.to_string(), format!("{source} version {}", source.version()))
        };
        sources.into_iter().map(version).collect()
    }

    /// What `funade params` says of a target.
    #[must_use]
    pub fn variables(&self, target: &Target) -> TargetVariables {
        let in_force = self.sim.run(in_force(&self.sim)).expect("nothing dies").expect("no fault");
        let sources = in_force.expect("a configuration is applied").sources;
        let config = check(&sources).config.expect("it was checked");
        let read = self.sim.run(target_variables(&self.sim, &config, &target.id));
        let read = read.expect("nothing dies here").expect("no fault");
        read.expect("the target is in the configuration")
    }

    /// Wakes a target, as a sweep would.
    pub fn look(&self, target: &Target) {
        self.sim.send_again(&Wake::new(Subject::Target(target.id.clone()), "a test", "to look"));
        self.rest();
    }

    /// Wakes order-api, as any event may, and lets nothing else happen.
    pub fn look_at_service(&self) {
        self.sim.send_again(&Wake::new(Subject::Service(service_name()), "a test", "to look"));
        self.sim.deliver_all();
    }

    /// The code and the sentence of how a target stands.
    #[must_use]
    pub fn stands(&self, target: &Target) -> (String, String) {
        let standing = self.sim.target_record(&target.id).standing.expect("it was looked at");
        (standing.code, standing.sentence)
    }
}

pub(crate) fn below(target: &Target, name: &str) -> ParameterName {
    parameter(&format!("{}{name}", target.parameters[0].path))
}
