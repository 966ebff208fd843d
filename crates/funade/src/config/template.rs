//! Texts with placeholders, such as `/{environment}/order-api/`, filled in for each target.
//!
//! Input: the text as written. Output: the text for one target, or the label that its
//! environment lacks.

use std::fmt::Write;

use schemars::{Schema, json_schema};

use super::nearest::hint;
use super::scalar::{Scalar, Wrong};
use super::types::Environment;
use crate::facts::names::ServiceName;

/// The placeholders, but for `{label.NAME}`.
const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("environment", Placeholder::Environment),
    ("service", Placeholder::Service),
    ("account", Placeholder::Account),
    ("region", Placeholder::Region),
    ("cluster", Placeholder::Cluster),
];

/// A text whose placeholders are known ones.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// The text as written.
    pub(super) source: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Fixed(Placeholder),
    Label(String),
}

#[derive(Debug, Clone, Copy)]
enum Placeholder {
    Environment,
    Service,
    Account,
    Region,
    Cluster,
}

impl Template {
    /// The text for one target, or the name of the label that its environment lacks.
    pub(super) fn render(
        &self,
        environment: &Environment,
        service: &ServiceName,
    ) -> Result<String, &str> {
        let mut text = String::new();
        for piece in &self.pieces {
            text.push_str(match piece {
                Piece::Text(piece) => piece,
                Piece::Fixed(placeholder) => fill(*placeholder, environment, service),
                Piece::Label(name) => environment.labels.get(name).ok_or(name.as_str())?,
            });
        }
        Ok(text)
    }
}

impl Scalar for Template {
    const WANTED: &'static str = "text, which may hold placeholders such as {environment}";

    fn read(text: &str) -> Result<Self, Wrong> {
        let bad = |what: &str| Wrong {
            rule: "bad-template",
            message: format!("`{text}` {what}"),
            instead: "write a placeholder such as {environment} or {label.NAME}".to_owned(),
        };
        if text.is_empty() {
            let instead = format!("write {}", Self::WANTED);
            let message = "the text is empty".to_owned();
            return Err(Wrong { rule: "bad-template", message, instead });
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) =
                after.split_once('}').ok_or_else(|| bad("has a { without its }"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(placeholder(name)?);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        if pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('}'))) {
            return Err(bad("has a } without its {"));
        }
        Ok(Self { source: text.to_owned(), pieces })
    }

    fn schema() -> Schema {
        let names: Vec<&str> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
        let mut pattern = String::from("^([^{}]|\\{(");
        let _ = write!(pattern, "{}|label\\.[A-Za-z0-9_.-]+)\\}})+$", names.join("|"));
        json_schema!({"type": ["string", "integer"], "pattern": pattern})
    }
}

fn placeholder(name: &str) -> Result<Piece, Wrong> {
    if let Some(label) = name.strip_prefix("label.").filter(|label| !label.is_empty()) {
        return Ok(Piece::Label(label.to_owned()));
    }
    if let Some((_, placeholder)) = PLACEHOLDERS.into_iter().find(|(known, _)| *known == name) {
        return Ok(Piece::Fixed(placeholder));
    }
    let known = PLACEHOLDERS.iter().map(|(name, _)| *name).chain(["label.NAME"]);
    Err(Wrong {
        rule: "unknown-placeholder",
        message: format!("there is no placeholder {{{name}}}"),
        instead: hint(name, "placeholders", known),
    })
}

fn fill<'text>(
    placeholder: Placeholder,
    environment: &'text Environment,
    service: &'text ServiceName,
) -> &'text str {
    match placeholder {
        Placeholder::Environment => environment.name.as_str(),
        Placeholder::Service => service.as_str(),
        Placeholder::Account => environment.place.account.as_str(),
        Placeholder::Region => environment.place.region.as_str(),
        Placeholder::Cluster => environment.cluster.as_str(),
    }
}
