//! How large a task definition is, and what makes it so.

use serde_json::Value;

use super::Document;

/// The most that ECS registers, in bytes.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// How many of the largest parts are worth telling: enough to see what to shorten.
const PARTS_TOLD: usize = 5;

/// A part of a document, in words, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `LOG_LEVEL of app`, `dockerLabels of app`, `volumes`.
    pub what: String,
    /// Its size in bytes.
    pub bytes: usize,
}

impl Document {
    /// Its size as compact JSON, in bytes. AWS does not say how it measures; this is what is sent.
    #[must_use]
    pub fn bytes(&self) -> usize {
        serde_json::to_string(&self.0).expect("JSON is always JSON").len()
    }

    /// Its largest parts, the largest first.
    #[must_use]
    pub fn largest_parts(&self) -> Vec<Part> {
        let fields = self.0.iter().filter(|(name, _)| *name != "containerDefinitions");
        let mut parts: Vec<Part> = fields.map(|(name, value)| part(name.clone(), value)).collect();
        for container in self.containers() {
            let of =
                container.get("name").and_then(Value::as_str).unwrap_or("an unnamed container");
            for (name, value) in container.as_object().into_iter().flatten() {
                match (name.as_str(), value) {
                    ("environment" | "secrets", Value::Array(entries)) => {
                        parts.extend(entries.iter().map(|entry| {
                            let variable = entry.get("name").and_then(Value::as_str);
                            part(format!("{} of {of}", variable.unwrap_or(name)), entry)
                        }));
                    }
                    (name, value) => parts.push(part(format!("{name} of {of}"), value)),
                }
            }
        }
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.what.cmp(&b.what)));
        parts.truncate(PARTS_TOLD);
        parts
    }
}

fn part(what: String, value: &Value) -> Part {
    Part { what, bytes: value.to_string().len() }
}
