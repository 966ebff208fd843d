//! How the variables that a target should have differ from those that it has.
//!
//! A text is compared by what it says: written again with the same text, a parameter has another
//! version and nothing has changed. Of a `SecureString` and of a secret nothing is known but the
//! version, so that is compared.

use crate::config::Target;
use crate::facts::configuration::{Configuration, Source};
use crate::facts::names::ContainerName;
use crate::facts::parameter::VariableName;
use crate::facts::task_definition::{Document, Variable, VariableValue, Variables};

/// A variable that is added, removed or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableChange {
    /// The container.
    pub container: ContainerName,
    /// The variable.
    pub variable: VariableName,
    /// What runs; `None` for a variable that is added.
    pub before: Option<Side>,
    /// What should run; `None` for a variable that is removed.
    pub after: Option<Side>,
}

/// A variable before or after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What the task definition says. `None` where it says nothing, or says it twice.
    pub value: Option<VariableValue>,
    /// Where it comes from; `None` for what is not ours.
    pub source: Option<Source>,
}

/// What must change in the running document.
#[must_use]
pub fn differences(running: &Document, wanted: &Variables) -> Vec<VariableChange> {
    let ours = running.configuration();
    let mut changes = Vec::new();
    for (container, variables) in wanted {
        for (name, variable) in variables {
            let before = side(running, &ours, container, name);
            if !says(&before, variable) {
                let was_there = before.value.is_some() || before.source.is_some();
                changes.push(VariableChange {
                    container: container.clone(),
                    variable: name.clone(),
                    before: was_there.then_some(before),
                    after: Some(Side {
                        value: Some(variable.value.clone()),
                        source: Some(variable.source.clone()),
                    }),
                });
            }
        }
    }
    for (container, sources) in ours.0 {
        let still = wanted.get(&container);
        let gone = |name: &VariableName| still.is_none_or(|still| !still.contains_key(name));
        changes.extend(sources.into_iter().filter(|(name, _)| gone(name)).map(|(name, source)| {
            let value = running.variable(&container, &name);
            VariableChange {
                container: container.clone(),
                variable: name,
                before: Some(Side { value, source: Some(source) }),
                after: None,
            }
        }));
    }
    changes
}

/// A variable as it runs. The document's configuration is given, as many variables share it.
#[must_use]
pub fn side(
    running: &Document,
    ours: &Configuration,
    container: &ContainerName,
    name: &VariableName,
) -> Side {
    let source = ours.0.get(container).and_then(|sources| sources.get(name)).cloned();
    Side { value: running.variable(container, name), source }
}

/// Whether what runs says of a variable what it should.
#[must_use]
pub fn says(before: &Side, variable: &Variable) -> bool {
    if before.value.as_ref() != Some(&variable.value) {
        return false;
    }
    match (&variable.value, &before.source) {
        // Ours it becomes with a deploy, so that it is known from which version it is.
        (VariableValue::Plain(_) | VariableValue::From(_), None) => false,
        (VariableValue::Plain(_), Some(_)) => true,
        (VariableValue::From(_), Some(source)) => source == &variable.source,
    }
}

impl VariableChange {
    /// Whether it comes from a path that many targets read.
    #[must_use]
    pub fn is_shared(&self, target: &Target) -> bool {
        let side = self.after.as_ref().or(self.before.as_ref());
        match side.and_then(|side| side.source.as_ref()) {
            // The later entry is the one that it comes from.
            Some(Source::Parameter { name, .. }) => {
                let mut reads = target.parameters.iter().rev();
                reads.find(|read| read.takes(name).is_some()).is_some_and(|read| read.shared)
            }
            Some(Source::Secret { .. }) | None => false,
        }
    }
}
