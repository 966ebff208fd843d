//! A task definition, from the JSON that `DescribeTaskDefinition` answers with.

use funade::facts::names::RevisionArn;
use funade::facts::task_definition::{Document, Revision, tags_from_value};
use funade::world::CallError;
use serde_json::Value;

use super::{odd, parsed};

/// The status of a revision that can be deployed. The others are `INACTIVE` and
/// `DELETE_IN_PROGRESS`.
const ACTIVE: &str = "ACTIVE";

/// Reads a revision with its tags.
pub(super) fn read(body: &[u8], subject: &str) -> Result<Revision, CallError> {
    let operation = "DescribeTaskDefinition";
    let mut response: Value = serde_json::from_slice(body)
        .map_err(|error| odd(operation, subject, &format!("no JSON: {error}")))?;
    let tags = response.get("tags").map(tags_from_value).unwrap_or_default();
    let described = response.get_mut("taskDefinition").map(Value::take).unwrap_or_default();
    let arn = described.get("taskDefinitionArn").and_then(Value::as_str).map(str::to_owned);
    let active = described.get("status").and_then(Value::as_str).is_none_or(|s| s == ACTIVE);
    let registered_by = described.get("registeredBy").and_then(Value::as_str).map(str::to_owned);
    Ok(Revision {
        arn: parsed(arn.as_deref(), RevisionArn::parse, operation, subject)?,
        document: Document::parse(described)
            .map_err(|error| odd(operation, subject, &error.to_string()))?,
        tags,
        active,
        registered_by,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_active(status: &Value) -> bool {
        let mut described = json!({"taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:222222222222:task-definition/web:7",
            "family": "web",
            "containerDefinitions": [{"name": "app", "image": "web@sha256:74b2"}],
        }});
        if !status.is_null() {
            described["taskDefinition"]["status"] = status.clone();
        }
        read(described.to_string().as_bytes(), "web:7").expect("it is complete").active
    }

    #[test]
    fn only_an_active_revision_can_be_deployed() {
        assert!(is_active(&json!("ACTIVE")));
        assert!(is_active(&Value::Null), "ECS has always said so; an emulator need not");
        assert!(!is_active(&json!("INACTIVE")));
        assert!(!is_active(&json!("DELETE_IN_PROGRESS")));
    }
}
