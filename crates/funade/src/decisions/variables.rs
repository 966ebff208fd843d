//! Which variables a target's containers should have: the parameters and secrets that it reads,
//! under their names, merged in the order of its configuration.
//!
//! In: the target and all that its paths and secrets hold. Out: the variables, which of them took
//! another's place, and every reason why they cannot be used. Invariant: with a problem nothing is
//! registered.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::config::{Parameters, Secret, Target, VariableNames};
use crate::decisions::problem::ConfigurationProblem;
use crate::facts::configuration::{Configuration, Source};
use crate::facts::names::ContainerName;
use crate::facts::parameter::{Parameter, ParameterValue, Stores, VariableName};
use crate::facts::task_definition::{Variable, VariableValue, Variables};

/// The variables, and what was found on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The variables of each container.
    pub variables: Variables,
    /// Which took another's place.
    pub overrides: Vec<Override>,
    /// Why they cannot be used.
    pub problems: Vec<ConfigurationProblem>,
}

/// A variable that two sources give: the later in the configuration wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The container.
    pub container: ContainerName,
    /// The variable.
    pub variable: VariableName,
    /// Whose value it has.
    pub wins: Source,
    /// Whose it would have without that.
    pub over: Source,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { container, variable, wins, over } = self;
        write!(f, "{variable} of {container} is {wins}, which overrides {over}")
    }
}

/// Merges all that a target reads.
#[must_use]
pub fn variables(target: &Target, stores: &Stores) -> Merged {
    let mut merged = Merged::default();
    for read in &target.parameters {
        let found = stores.paths.get(&read.path);
        let found = found.expect("every path was read").values();
        merged.take_parameters(read, found);
    }
    for read in &target.secrets {
        merged.take_secret(target, read, stores);
    }
    merged
}

/// A short text that is another for other variables: other texts, or other versions of secrets. A
/// text that was written again as it was makes no other.
#[must_use]
pub fn fingerprint(variables: &Variables) -> String {
    let mut hash = Sha256::new();
    for (container, of) in variables {
        for (name, Variable { source, value }) in of {
            let says = match value {
                VariableValue::Plain(text) => text.clone(),
                VariableValue::From(arn) => format!("{arn} {source:?}"),
            };
            hash.update(format!("{container} {name} {} {says}\n", says.len()));
        }
    }
    hash.finalize()[..16].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The variables' sources alone.
#[must_use]
pub fn configuration(variables: &Variables) -> Configuration {
    let sources = |of: &BTreeMap<VariableName, Variable>| {
        of.iter().map(|(name, variable)| (name.clone(), variable.source.clone())).collect()
    };
    Configuration(variables.iter().map(|(name, of)| (name.clone(), sources(of))).collect())
}

impl Merged {
    fn take_parameters<'a>(
        &mut self,
        read: &Parameters,
        found: impl Iterator<Item = &'a Parameter>,
    ) {
        let mut here: BTreeMap<VariableName, &Parameter> = BTreeMap::new();
        for parameter in found {
            let Some(below) = read.takes(&parameter.name) else { continue };
            let text = variable_name(read.names, below);
            let Ok(name) = VariableName::parse(text.as_str()) else {
                let parameter = parameter.name.clone();
                self.problems.push(ConfigurationProblem::BadName { parameter, gives: text });
                continue;
            };
            if let Some(other) = here.insert(name.clone(), parameter) {
                let parameters = [other.name.clone(), parameter.name.clone()];
                let problem = ConfigurationProblem::SameName { variable: name, parameters };
                self.problems.push(problem);
            }
        }
        for (name, parameter) in here {
            let secure = parameter.value == ParameterValue::Secure;
            let value = match &parameter.value {
                ParameterValue::Plain(text) => VariableValue::Plain(text.clone()),
                ParameterValue::Secure => VariableValue::From(parameter.arn.clone()),
            };
            let source = Source::Parameter {
                name: parameter.name.clone(),
                version: parameter.version,
                written_at: secure.then_some(parameter.written_at),
            };
            for container in read.into.iter() {
                let variable = Variable { source: source.clone(), value: value.clone() };
                self.set(container, &name, variable);
            }
        }
    }

    fn take_secret(&mut self, target: &Target, read: &Secret, stores: &Stores) {
        let found = stores.secrets.get(&read.secret).expect("every secret was read");
        let Some(current) = found else {
            let (secret, place) = (read.secret.clone(), target.place.clone());
            self.problems.push(ConfigurationProblem::SecretMissing { secret, place });
            return;
        };
        // ARN:json-key:version-stage:version-id; with the last two empty it is AWSCURRENT.
        // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html>
        let value = match &read.json_key {
            Some(key) => format!("{}:{key}::", current.arn),
            None => current.arn.clone(),
        };
        let source = Source::Secret {
            name: read.secret.clone(),
            version: current.version.clone(),
            json_key: read.json_key.clone(),
        };
        for container in read.into.iter() {
            let value = VariableValue::From(value.clone());
            self.set(container, &read.name, Variable { source: source.clone(), value });
        }
    }

    fn set(&mut self, container: &ContainerName, name: &VariableName, variable: Variable) {
        let wins = variable.source.clone();
        let of_container = self.variables.entry(container.clone()).or_default();
        if let Some(over) = of_container.insert(name.clone(), variable) {
            self.overrides.push(Override {
                container: container.clone(),
                variable: name.clone(),
                wins,
                over: over.source,
            });
        }
    }
}

fn variable_name(names: VariableNames, below: &str) -> String {
    match names {
        VariableNames::AsIs => below.to_owned(),
        VariableNames::UpperSnake => {
            let letter = |letter: char| {
                if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }
            };
            below.chars().map(letter).collect()
        }
    }
}
