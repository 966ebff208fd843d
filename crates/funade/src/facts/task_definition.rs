//! A task definition as a JSON document.
//!
//! It comes from `DescribeTaskDefinition` and goes to `RegisterTaskDefinition`, and we know only
//! the few fields that we change: an image, environment variables, two labels. All others travel as they are, those that AWS adds after this
//! was written included: a typed copy would drop them without a word.

mod size;

mod variables;

pub use size::{DOCUMENT_BYTES_MAX, Part};
pub use variables::{Variable, VariableValue, Variables};

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::facts::image::ImageReference;
use crate::facts::names::{ContainerName, RevisionArn};

/// What `DescribeTaskDefinition` returns and `RegisterTaskDefinition` refuses.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// The tag that says which release a revision runs.
pub const RELEASE_TAG: &str = "funade:release";

/// The tag that says which deploy registered a revision.
pub const DEPLOY_TAG: &str = "funade:deploy";

/// The part of a task definition that can be registered: no read-only fields, no tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(Map<String, Value>);

/// A registered task definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its ARN.
    pub arn: RevisionArn,
    /// What it says.
    pub document: Document,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be deployed: one that was deregistered may not.
    pub active: bool,
    /// The ARN of who registered it, where AWS tells.
    pub registered_by: Option<String>,
}

/// The input of `RegisterTaskDefinition`: a document and its tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// What to register.
    pub document: Document,
    /// With which tags.
    pub tags: BTreeMap<String, String>,
}

/// JSON that is not a task definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a task definition: {0}")]
pub struct NotATaskDefinition(pub String);

impl Document {
    /// Takes the output of `DescribeTaskDefinition` or the input of `RegisterTaskDefinition`, and
    /// leaves out what cannot be registered.
    pub fn parse(described: Value) -> Result<Self, NotATaskDefinition> {
        let Value::Object(mut fields) = described else {
            return Err(NotATaskDefinition("it is not a JSON object".to_owned()));
        };
        if !fields.get("family").is_some_and(Value::is_string) {
            return Err(NotATaskDefinition("it has no `family`".to_owned()));
        }
        if !fields.get("containerDefinitions").is_some_and(Value::is_array) {
            return Err(NotATaskDefinition("it has no list `containerDefinitions`".to_owned()));
        }
        for name in READ_ONLY {
            fields.shift_remove(name);
        }
        fields.shift_remove("tags");
        Ok(Self(fields))
    }

    /// The family's name.
    #[must_use]
    pub fn family(&self) -> &str {
        self.0.get("family").and_then(Value::as_str).expect("parse has seen it")
    }

    /// The containers' names, in the document's order.
    pub fn container_names(&self) -> impl Iterator<Item = &str> {
        self.containers().iter().filter_map(|container| container.get("name")?.as_str())
    }

    /// All containers with their images as they are written.
    pub fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        self.containers().iter().filter_map(|container| {
            Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?))
        })
    }

    /// The image of a container as it is written. `None` where there is no such container.
    #[must_use]
    pub fn image(&self, container: &ContainerName) -> Option<&str> {
        self.containers()
            .iter()
            .find(|candidate| is_named(candidate, container))?
            .get("image")?
            .as_str()
    }

    /// The same document with another image in one container, the position of every field kept.
    /// `None` where there is no such container.
    #[must_use]
    pub fn with_image(&self, container: &ContainerName, image: &ImageReference) -> Option<Self> {
        let mut copy = self.clone();
        let containers = copy.0.get_mut("containerDefinitions")?.as_array_mut()?;
        let found = containers.iter_mut().find(|candidate| is_named(candidate, container))?;
        found.as_object_mut()?.insert("image".to_owned(), Value::String(image.to_string()));
        Some(copy)
    }

    /// The document as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    fn containers(&self) -> &[Value] {
        self.0.get("containerDefinitions").and_then(Value::as_array).expect("parse has seen it")
    }
}

impl Registration {
    /// The request's body, in the form of AWS's JSON protocol.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut fields = self.document.0.clone();
        fields.insert("tags".to_owned(), tags_to_value(&self.tags));
        Value::Object(fields)
    }
}

/// Reads `[{"key": …, "value": …}]`. What is not of that form is left out.
#[must_use]
pub fn tags_from_value(value: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| {
        let text = |name| tag.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("key")?, text("value").unwrap_or_default()))
    };
    value.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn tags_to_value(tags: &BTreeMap<String, String>) -> Value {
    let tag = |(key, value): (&String, &String)| serde_json::json!({"key": key, "value": value});
    tags.iter().map(tag).collect()
}

fn is_named(container: &Value, name: &ContainerName) -> bool {
    container.get("name").and_then(Value::as_str) == Some(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Row 17: fields dropped on re-registration.
    #[test]
    fn a_field_that_nobody_knows_survives() {
        let described = json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:3", "revision": 3,
            "family": "web", "networkMode": "awsvpc", "fieldOfTomorrow": {"deep": [1, 2.5, null]},
            "containerDefinitions": [{"name": "app", "image": "x", "andHereToo": true}],
            "status": "ACTIVE", "registeredAt": 1_700_000_000.123
        });
        let document = Document::parse(described).expect("a task definition");
        assert_eq!(
            document.to_value(),
            json!({
                "family": "web", "networkMode": "awsvpc",
                "fieldOfTomorrow": {"deep": [1, 2.5, null]},
                "containerDefinitions": [{"name": "app", "image": "x", "andHereToo": true}],
            })
        );
    }

    #[test]
    fn what_is_not_a_task_definition_is_refused_with_what_is_missing() {
        for (value, word) in [
            (json!([]), "object"),
            (json!({}), "family"),
            (json!({"family": "x"}), "containerDefinitions"),
            (json!({"family": "x", "containerDefinitions": {}}), "containerDefinitions"),
        ] {
            let error = Document::parse(value).expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
