//! JSON Schemas of the files, for editors and for reviews without Funade.
//!
//! Input: the raw types. Output: what is committed under `docs/schema`. A schema knows one file
//! and no other, so it accepts what only the whole check refuses.

use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::raw::{RawFleet, RawService};

/// The schema of `fleet.yaml`.
#[must_use]
pub fn fleet_schema() -> Value {
    schema_of::<RawFleet>()
}

/// The schema of one document of `services/*.yaml`.
#[must_use]
pub fn service_schema() -> Value {
    schema_of::<RawService>()
}

fn schema_of<T: JsonSchema>() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    RecursiveTransform(refuse_null).transform(&mut schema);
    RecursiveTransform(join_lines).transform(&mut schema);
    schema.to_value()
}

/// The line breaks of a doc comment mean nothing in an editor.
fn join_lines(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

/// A key that may be left out may not be written empty: takes the nulls back that a schema of
/// an `Option` allows.
fn refuse_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}
