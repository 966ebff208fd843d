//! How variables and their changes are shown. Texts are shown unless they are to be redacted; of
//! secrets there is nothing to show but where they come from.

use funade::decisions::differences::{Side, VariableChange};
use funade::facts::configuration::{PARAMETERS_LABEL, SECRETS_LABEL, Source};
use funade::facts::task_definition::VariableValue;
use serde_json::{Value, json};

/// What stands in the place of a text.
const REDACTED: &str = "(redacted)";

/// The longest text that is shown in a line, in characters; the rest is counted.
const TEXT_SHOWN_MAX: usize = 60;

/// A line for each change: `+` added, `-` removed, `~` changed.
pub(crate) fn lines(changes: &[VariableChange], redact: bool) -> Vec<String> {
    changes.iter().map(|change| line(change, redact)).collect()
}

fn line(change: &VariableChange, redact: bool) -> String {
    let VariableChange { container, variable, before, after } = change;
    let name = format!("{variable} of {container}");
    match (before, after) {
        (None, Some(after)) => {
            format!("  + {name} = {}{}", shown(after, redact), from(after))
        }
        (Some(before), None) => {
            format!("  - {name} was {}{}", shown(before, redact), from(before))
        }
        (Some(before), Some(after)) => format!("  ~ {name} {}", changed(before, after, redact)),
        (None, None) => format!("    {name}"),
    }
}

fn changed(before: &Side, after: &Side, redact: bool) -> String {
    let versions = match (&before.source, &after.source) {
        (Some(was), Some(is)) if was.to_string() == is.to_string() => {
            let again = if was.version() == is.version() { ", written anew" } else { "" };
            format!("version {} → {}{again}, from {is}", was.version(), is.version())
        }
        (was, Some(is)) => {
            let was =
                was.as_ref().map_or("the task definition itself".to_owned(), Source::to_string);
            format!("from {was}, now from {is}, version {}", is.version())
        }
        (_, None) => String::new(),
    };
    match (&before.value, &after.value) {
        (Some(VariableValue::From(_)), Some(VariableValue::From(_))) => versions,
        (was, is) if was == is => format!("stays {} ({versions})", shown(after, redact)),
        (_, _) => {
            format!("{} → {} ({versions})", shown(before, redact), shown(after, redact))
        }
    }
}

fn shown(side: &Side, redact: bool) -> String {
    match &side.value {
        Some(VariableValue::Plain(_)) if redact => REDACTED.to_owned(),
        Some(VariableValue::Plain(text)) => quoted(text),
        Some(VariableValue::From(_)) => "a secret".to_owned(),
        None => "nothing, or set twice".to_owned(),
    }
}

fn from(side: &Side) -> String {
    side.source.as_ref().map_or_else(String::new, |source| {
        format!(" (from {source}, version {})", source.version())
    })
}

/// The text in quotes, on one line, cut where it is long.
fn quoted(text: &str) -> String {
    let length = text.chars().count();
    if length <= TEXT_SHOWN_MAX {
        return format!("{text:?}");
    }
    let begin: String = text.chars().take(TEXT_SHOWN_MAX).collect();
    format!("{begin:?}… ({length} characters)")
}

/// The changes for machines.
pub(crate) fn to_values(changes: &[VariableChange], redact: bool) -> Vec<Value> {
    let side = |side: &Option<Side>| side.as_ref().map(|side| side_to_value(side, redact));
    let change = |change: &VariableChange| {
        json!({
            "container": change.container.as_str(),
            "variable": change.variable.as_str(),
            "before": side(&change.before),
            "after": side(&change.after),
        })
    };
    changes.iter().map(change).collect()
}

fn side_to_value(Side { value, source }: &Side, redact: bool) -> Value {
    let (text, value_from) = match value {
        Some(VariableValue::Plain(text)) => {
            (Some(if redact { REDACTED } else { text.as_str() }), None)
        }
        Some(VariableValue::From(arn)) => (None, Some(arn.as_str())),
        None => (None, None),
    };
    json!({
        "value": text,
        "value_from": value_from,
        "source": source.as_ref().map(Source::to_string),
        "version": source.as_ref().map(Source::version),
    })
}

/// The input of `RegisterTaskDefinition` with every text in `environment` redacted.
pub(crate) fn redacted(mut input: Value) -> Value {
    for container in containers(&mut input) {
        let entries = container.get_mut("environment").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            entry["value"] = REDACTED.into();
        }
    }
    input
}

/// The same input without variables, for which there are better words.
pub(crate) fn without_variables(mut input: Value) -> Value {
    for container in containers(&mut input) {
        let Some(container) = container.as_object_mut() else { continue };
        container.shift_remove("environment");
        container.shift_remove("secrets");
        if let Some(labels) = container.get_mut("dockerLabels").and_then(Value::as_object_mut) {
            labels.shift_remove(PARAMETERS_LABEL);
            labels.shift_remove(SECRETS_LABEL);
            if labels.is_empty() {
                container.shift_remove("dockerLabels");
            }
        }
    }
    input
}

fn containers(input: &mut Value) -> impl Iterator<Item = &mut Value> {
    input.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten()
}
