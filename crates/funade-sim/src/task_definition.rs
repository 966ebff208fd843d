//! What the simulated ECS makes of a task definition.

use funade::facts::task_definition::{DOCUMENT_BYTES_MAX, Document};
use serde_json::Value;

/// What decides how tasks behave: their images, and their variables as `NAME=VALUE`.
pub(crate) fn tasks_of(document: &Document) -> String {
    let value = document.to_value();
    let containers = value.get("containerDefinitions").and_then(Value::as_array);
    let words = containers.into_iter().flatten().flat_map(|container| {
        let image = container.get("image").and_then(Value::as_str).map(str::to_owned);
        let variables =
            container.get("environment").and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value, name: &str| Some(entry.get(name)?.as_str()?.to_owned());
        let variables = variables.filter_map(move |entry| {
            Some(format!("{}={}", text(entry, "name")?, text(entry, "value")?))
        });
        image.into_iter().chain(variables)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What ECS refuses to register: a variable that a container has twice, secrets without a role to
/// read them, and too much of it all.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
pub(crate) fn is_refused(document: &Document) -> bool {
    let value = document.to_value();
    let containers = value.get("containerDefinitions").and_then(Value::as_array);
    let of_container = |container: &Value| {
        let entries =
            |list: &str| container.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let secrets = entries("secrets");
        let all = entries("environment").into_iter().chain(secrets.clone());
        let mut names: Vec<String> = all.map(|entry| entry["name"].to_string()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        names.len() < count || (!secrets.is_empty() && value.get("executionRoleArn").is_none())
    };
    document.bytes() > DOCUMENT_BYTES_MAX || containers.into_iter().flatten().any(of_container)
}
