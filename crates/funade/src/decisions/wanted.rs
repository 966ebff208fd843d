//! The task definition that a target should run: the one it runs now, with our image and our
//! variables.
//!
//! In: the running revision's document, an image, and what the paths and secrets hold. Out: the
//! input of `RegisterTaskDefinition`. Invariant: everything that we do not manage stays as it was,
//! in value and in position.

use std::collections::BTreeMap;

use crate::config::Target;
use crate::decisions::differences::{VariableChange, differences};
use crate::decisions::problem::ConfigurationProblem;
use crate::decisions::variables::{Override, configuration, fingerprint, variables};
use crate::facts::configuration::{Configuration, Source};
use crate::facts::image::ImageReference;
use crate::facts::names::Digest;
use crate::facts::parameter::{Stores, VariableName};
use crate::facts::task_definition::{
    DEPLOY_TAG, DOCUMENT_BYTES_MAX, Document, RELEASE_TAG, Registration, VariableValue, Variables,
};

/// What a target should run, and what is new about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The whole document.
    pub document: Document,
    /// Whether its image is another than what runs.
    pub new_image: bool,
    /// The variables that are added, removed or changed.
    pub changes: Vec<VariableChange>,
    /// Which variables took another's place.
    pub overrides: Vec<Override>,
    /// Where all variables come from.
    pub configuration: Configuration,
    /// What tells them from others.
    pub fingerprint: String,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// The target's container is not in the task definition.
    ContainerMissing {
        /// The containers that it has.
        has: Vec<String>,
    },
    /// The variables cannot be written.
    Configuration(Vec<ConfigurationProblem>),
}

impl Wanted {
    /// Whether it differs from what runs.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.new_image || !self.changes.is_empty()
    }
}

/// The image that a target should run, where it pulls from.
#[must_use]
pub fn image(target: &Target, digest: &Digest) -> ImageReference {
    ImageReference::pinned(target.pulls_from.to_string(), target.repository.clone(), digest.clone())
}

/// What the target should run.
pub fn wanted(
    target: &Target,
    running: &Document,
    image: &ImageReference,
    stores: &Stores,
) -> Result<Wanted, Unusable> {
    let with_image = document(target, running, image)?;
    let merged = variables(target, stores);
    let mut problems = merged.problems;
    problems.extend(emptied(target, running, stores));
    problems.extend(missing_containers(running, &merged.variables));
    problems.extend(no_execution_role(running, &merged.variables));
    if !problems.is_empty() {
        return Err(Unusable::Configuration(problems));
    }
    let wanted = Wanted {
        document: with_image.with_variables(&merged.variables),
        new_image: with_image != *running,
        changes: differences(running, &merged.variables),
        overrides: merged.overrides,
        configuration: configuration(&merged.variables),
        fingerprint: fingerprint(&merged.variables),
    };
    let bytes = wanted.document.bytes();
    if wanted.is_new() && bytes > DOCUMENT_BYTES_MAX {
        let parts = wanted.document.largest_parts();
        return Err(Unusable::Configuration(vec![ConfigurationProblem::TooLarge { bytes, parts }]));
    }
    Ok(wanted)
}

/// The document with the image in the target's container, and its variables as they are.
pub fn document(
    target: &Target,
    running: &Document,
    image: &ImageReference,
) -> Result<Document, Unusable> {
    running.with_image(&target.container, image).ok_or_else(|| Unusable::ContainerMissing {
        has: running.container_names().map(str::to_owned).collect(),
    })
}

/// What to register for a deploy. The running revision's tags stay; ours are set anew.
#[must_use]
pub fn registration(
    document: Document,
    running_tags: &BTreeMap<String, String>,
    release: &str,
    deploy: &str,
) -> Registration {
    let mut tags = running_tags.clone();
    // AWS keeps the prefix `aws:` to itself and refuses a registration that names it.
    tags.retain(|key, _| !key.to_ascii_lowercase().starts_with("aws:"));
    tags.insert(RELEASE_TAG.to_owned(), release.to_string());
    tags.insert(DEPLOY_TAG.to_owned(), deploy.to_owned());
    Registration { document, tags }
}

/// The paths that have nothing left and had something: whoever renames a path or deletes too much
/// should hear of it before all tasks start without their variables.
fn emptied(target: &Target, running: &Document, stores: &Stores) -> Vec<ConfigurationProblem> {
    let ours = running.configuration().0;
    let sources: Vec<&Source> = ours.values().flat_map(BTreeMap::values).collect();
    let empty = target.parameters.iter().filter(|read| {
        let found = stores.paths.get(&read.path);
        !found.into_iter().flatten().any(|(name, _)| read.takes(name).is_some())
    });
    let emptied = empty.filter_map(|read| {
        let from_there = |source: &&&Source| match source {
            Source::Parameter { name, .. } => read.takes(name).is_some(),
            Source::Secret { .. } => false,
        };
        let variables = sources.iter().filter(from_there).count();
        let (path, place) = (read.path.clone(), target.place.clone());
        (variables > 0).then_some(ConfigurationProblem::Emptied { path, place, variables })
    });
    emptied.collect()
}

fn missing_containers(running: &Document, variables: &Variables) -> Vec<ConfigurationProblem> {
    let has: Vec<String> = running.container_names().map(str::to_owned).collect();
    let missing = variables.keys().filter(|name| !has.iter().any(|has| has == name.as_str()));
    missing
        .map(|container| ConfigurationProblem::ContainerMissing {
            container: container.clone(),
            has: has.clone(),
        })
        .collect()
}

fn no_execution_role(running: &Document, variables: &Variables) -> Option<ConfigurationProblem> {
    if running.execution_role().is_some() {
        return None;
    }
    let all = variables.values().flatten();
    let mut secrets: Vec<VariableName> = all
        .filter(|(_, variable)| matches!(variable.value, VariableValue::From(_)))
        .map(|(name, _)| name.clone())
        .collect();
    secrets.sort();
    secrets.dedup();
    (!secrets.is_empty()).then_some(ConfigurationProblem::NoExecutionRole { variables: secrets })
}
