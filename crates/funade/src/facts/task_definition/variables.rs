//! The environment variables of a task definition's containers: read, and written.
//!
//! Ours are those that the containers' labels name. Writing them replaces an entry where it
//! stands, appends what is new, and takes out what was ours and is no more. Invariant: whatever
//! else the document says stays as it was, and writing the same variables again changes nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Document, is_named};
use crate::facts::configuration::{
    Configuration, PARAMETERS_LABEL, SECRETS_LABEL, Source, Sources, from_labels, to_labels,
};
use crate::facts::names::ContainerName;
use crate::facts::parameter::VariableName;

/// The variables that a target's containers should have from us.
pub type Variables = BTreeMap<ContainerName, BTreeMap<VariableName, Variable>>;

/// A variable as we write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Where it comes from.
    pub source: Source,
    /// What the task definition says.
    pub value: VariableValue,
}

/// What a task definition says of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableValue {
    /// Its text, in `environment`.
    Plain(String),
    /// In `secrets`, the ARN of what holds it: read by the execution role when a task starts.
    From(String),
}

impl VariableValue {
    /// The list that it stands in, and the field that has it.
    fn place(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::Plain(text) => ("environment", "value", text),
            Self::From(arn) => ("secrets", "valueFrom", arn),
        }
    }
}

impl Document {
    /// Which variables are ours, as the containers' labels say.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        let of_container = |container: &Value| {
            let name = container.get("name").and_then(Value::as_str)?;
            let sources = sources(container);
            let name = ContainerName::parse(name).ok()?;
            (!sources.is_empty()).then_some((name, sources))
        };
        Configuration(self.containers().iter().filter_map(of_container).collect())
    }

    /// What a container's variable is set to. `None` where there is none, or more than one of the
    /// name.
    #[must_use]
    pub fn variable(
        &self,
        container: &ContainerName,
        variable: &VariableName,
    ) -> Option<VariableValue> {
        let container =
            self.containers().iter().find(|candidate| is_named(candidate, container))?;
        let read = |list: &str, field: &str| {
            let entries = container.get(list).and_then(Value::as_array).into_iter().flatten();
            let ours = entries.filter(|entry| is_of(entry, variable));
            let text = |entry: &Value| entry.get(field).and_then(Value::as_str).map(str::to_owned);
            ours.map(|entry| text(entry).unwrap_or_default()).collect::<Vec<_>>()
        };
        let plain = read("environment", "value").into_iter().map(VariableValue::Plain);
        let from = read("secrets", "valueFrom").into_iter().map(VariableValue::From);
        let mut found = plain.chain(from);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            (None | Some(_), _) => None,
        }
    }

    /// The same document with our variables and labels as given, in all containers.
    #[must_use]
    pub fn with_variables(&self, variables: &Variables) -> Self {
        let mut copy = self.clone();
        let containers = copy.0.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        let containers = containers.expect("parse has seen it");
        let none = BTreeMap::new();
        for container in containers {
            let name = container.get("name").and_then(Value::as_str);
            let name = name.and_then(|name| ContainerName::parse(name).ok());
            let wanted = name.and_then(|name| variables.get(&name)).unwrap_or(&none);
            let ours = sources(container);
            if let Some(container) = container.as_object_mut() {
                write(container, &ours, wanted);
            }
        }
        copy
    }

    /// The role by which ECS reads `secrets` before a task starts.
    #[must_use]
    pub fn execution_role(&self) -> Option<&str> {
        self.0.get("executionRoleArn").and_then(Value::as_str).filter(|arn| !arn.is_empty())
    }
}

fn write(
    container: &mut Map<String, Value>,
    ours: &Sources,
    wanted: &BTreeMap<VariableName, Variable>,
) {
    for gone in ours.keys().filter(|name| !wanted.contains_key(*name)) {
        take_out(container, "environment", gone);
        take_out(container, "secrets", gone);
    }
    for (name, variable) in wanted {
        let (list, field, text) = variable.value.place();
        take_out(container, if list == "secrets" { "environment" } else { "secrets" }, name);
        put(container, list, name, field, text);
    }
    let sources = wanted.iter().map(|(name, variable)| (name.clone(), variable.source.clone()));
    set_labels(container, &sources.collect());
}

/// Sets the first entry of this name where it stands, and takes out any further one.
fn put(
    container: &mut Map<String, Value>,
    list: &str,
    name: &VariableName,
    field: &str,
    text: &str,
) {
    let entries = container.entry(list).or_insert_with(|| json!([]));
    if !entries.is_array() {
        *entries = json!([]);
    }
    let entries = entries.as_array_mut().expect("it is one now");
    let mut found = false;
    entries.retain_mut(|entry| {
        if !is_of(entry, name) {
            return true;
        }
        if let Some(entry) = entry.as_object_mut().filter(|_| !found) {
            entry.insert(field.to_owned(), text.into());
        }
        !std::mem::replace(&mut found, true)
    });
    if !found {
        entries.push(json!({"name": name.as_str(), field: text}));
    }
}

fn take_out(container: &mut Map<String, Value>, list: &str, name: &VariableName) {
    if let Some(entries) = container.get_mut(list).and_then(Value::as_array_mut) {
        entries.retain(|entry| !is_of(entry, name));
    }
}

fn set_labels(container: &mut Map<String, Value>, sources: &Sources) {
    for (label, text) in to_labels(sources) {
        if let Some(text) = text {
            let labels = container.entry("dockerLabels").or_insert_with(|| json!({}));
            if !labels.is_object() {
                *labels = json!({});
            }
            labels.as_object_mut().expect("it is one now").insert(label.to_owned(), text.into());
        } else if let Some(labels) =
            container.get_mut("dockerLabels").and_then(Value::as_object_mut)
            && labels.shift_remove(label).is_some()
            && labels.is_empty()
        {
            container.shift_remove("dockerLabels");
        }
    }
}

fn sources(container: &Value) -> Sources {
    let label = |name: &str| container.get("dockerLabels")?.get(name)?.as_str();
    from_labels(label(PARAMETERS_LABEL), label(SECRETS_LABEL))
}

fn is_of(entry: &Value, name: &VariableName) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::parameter::ParameterName;

    fn document(container: &Value) -> Document {
        let mut container = container.clone();
        container["name"] = json!("app");
        Document::parse(json!({"family": "web", "containerDefinitions": [
            container, {"name": "other", "environment": [{"name": "A", "value": "kept"}]}]}))
        .expect("a task definition")
    }

    fn app() -> ContainerName {
        ContainerName::parse("app").expect("well-formed")
    }

    fn plain(text: &str) -> VariableValue {
        VariableValue::Plain(text.to_owned())
    }

    fn from(arn: &str) -> VariableValue {
        VariableValue::From(arn.to_owned())
    }

    fn variables(entries: &[(&str, VariableValue)]) -> Variables {
        let variable = |(name, value): &(&str, VariableValue)| {
            let source = Source::Parameter {
                name: ParameterName::parse(format!("/acme/{name}")).expect("well-formed"),
                version: 1,
                written_at: None,
            };
            let name = VariableName::parse(*name).expect("well-formed");
            (name, Variable { source, value: value.clone() })
        };
        BTreeMap::from([(app(), entries.iter().map(variable).collect())])
    }

    fn container(document: &Document) -> Value {
        document.to_value()["containerDefinitions"][0].clone()
    }

    #[test]
    fn an_entry_is_replaced_where_it_stands_and_a_new_one_appended() {
        let before = document(&json!({"environment": [
            {"name": "B", "value": "1"}, {"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "dockerLabels": {"team": "shop"}}));
        let written = before.with_variables(&variables(&[("B", plain("3")), ("C", plain("4"))]));
        let container = container(&written);
        assert_eq!(
            container["environment"],
            json!([{"name": "B", "value": "3"}, {"name": "A", "value": "1"},
                {"name": "C", "value": "4"}])
        );
        assert_eq!(
            container["dockerLabels"],
            json!({"team": "shop", "funade.parameters": r#"{"/acme/":{"B":1,"C":1}}"#})
        );
        assert_eq!(
            written.to_value()["containerDefinitions"][1],
            before.to_value()["containerDefinitions"][1]
        );
    }

    #[test]
    fn writing_the_same_again_changes_nothing() {
        let before = document(&json!({"environment": [{"name": "X", "value": "kept"}]}));
        let wanted = variables(&[("A", plain("1")), ("S", from("arn:s"))]);
        let once = before.with_variables(&wanted);
        assert_eq!(once.with_variables(&wanted), once);
    }

    #[test]
    fn what_was_ours_and_is_gone_is_taken_out_with_its_label() {
        let before = document(&json!({"environment": [{"name": "X", "value": "kept"}]}));
        let with = before.with_variables(&variables(&[("A", plain("1")), ("S", from("arn:s"))]));
        let mut without = with.with_variables(&Variables::new());
        assert_eq!(container(&without)["environment"], json!([{"name": "X", "value": "kept"}]));
        assert_eq!(container(&without)["secrets"], json!([]));
        assert_eq!(container(&without).get("dockerLabels"), None);
        // Nobody's label, nobody's removal.
        without = before.with_variables(&Variables::new());
        assert_eq!(without, before);
    }

    /// A name in both lists would be refused by ECS.
    #[test]
    fn a_type_that_changed_moves_from_one_list_to_the_other() {
        let before = document(&json!({}));
        let text = before.with_variables(&variables(&[("A", plain("1"))]));
        let secret = text.with_variables(&variables(&[("A", from("arn:a"))]));
        assert_eq!(container(&secret)["environment"], json!([]));
        assert_eq!(container(&secret)["secrets"], json!([{"name": "A", "valueFrom": "arn:a"}]));
        let back = secret.with_variables(&variables(&[("A", plain("1"))]));
        assert_eq!(container(&back)["environment"], json!([{"name": "A", "value": "1"}]));
        assert_eq!(container(&back)["secrets"], json!([]));
    }

    #[test]
    fn any_text_stands_as_it_is() {
        let texts = ["{{resolve:ssm:x}}", "two\nlines\r\n", "船出 \u{1f6a2}", "\"\\\u{0}"];
        let long = "x".repeat(8 * 1024);
        for text in texts.into_iter().chain([long.as_str()]) {
            let written = document(&json!({})).with_variables(&variables(&[("A", plain(text))]));
            let name = VariableName::parse("A").expect("well-formed");
            assert_eq!(written.variable(&app(), &name), Some(plain(text)));
            assert_eq!(container(&written)["environment"][0]["value"], json!(text));
        }
    }

    #[test]
    fn the_labels_say_which_variables_are_ours() {
        let wanted = variables(&[("A", plain("1"))]);
        let written = document(&json!({})).with_variables(&wanted);
        let sources = &written.configuration().0[&app()];
        let name = VariableName::parse("A").expect("well-formed");
        assert_eq!(sources[&name], wanted[&app()][&name].source);
    }
}
