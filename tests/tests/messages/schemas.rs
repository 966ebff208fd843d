//! The forms for machines are what their receivers document.

use std::fs;

use funade::decisions::messages::SCHEMA;
use funade_tests::root;
use serde_json::{Value, json};

use crate::examples::{ROUTES, all, config};
use crate::forms::{form, forms};

/// The form that AWS documents, as a schema.
const AMAZON_Q: &str = include_str!("amazon-q.schema.json");

#[track_caller]
fn check(schema: &Value, body: &str, about: &str) {
    let body: Value = serde_json::from_str(body).expect("JSON");
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{about}: {errors:#?}");
}

#[test]
fn the_chats_form_is_the_one_that_aws_documents() {
    let (config, schema) = (config(ROUTES), serde_json::from_str(AMAZON_Q).expect("JSON"));
    jsonschema::meta::validate(&schema).expect("a schema");
    for notice in all() {
        let message = form(&config, &notice, "chat").expect("a person hears of each example");
        check(&schema, &message.body, notice.kind().as_str());
    }
}

#[test]
fn the_json_is_that_of_its_schema() {
    let text = fs::read_to_string(root().join("docs/schema/notice.schema.json")).expect("a schema");
    let (config, schema) = (config(ROUTES), serde_json::from_str(&text).expect("JSON"));
    jsonschema::meta::validate(&schema).expect("a schema");
    assert_eq!(schema["properties"]["schema"]["const"], json!(SCHEMA));
    for notice in all() {
        for name in ["machines", "webhook"] {
            let message = form(&config, &notice, name).expect("a machine hears of everything");
            check(&schema, &message.body, notice.kind().as_str());
        }
    }
}

/// <https://docs.datadoghq.com/api/latest/dora-metrics/#send-a-deployment-event>
#[test]
fn datadog_gets_the_deployments_and_events_that_it_documents() {
    let event = json!({
        "type": "object",
        "required": ["title", "text"],
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 100},
            "text": {"type": "string", "minLength": 1, "maxLength": 4000},
            "alert_type": {"enum": ["error", "warning", "info", "success"]},
            "aggregation_key": {"type": "string", "maxLength": 100},
            "source_type_name": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+:"}},
        },
        "additionalProperties": false,
    });
    let deployment = json!({
        "type": "object",
        "required": ["data"],
        "properties": {"data": {
            "type": "object",
            "required": ["attributes"],
            "properties": {"attributes": {
                "type": "object",
                "required": ["service", "started_at", "finished_at"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{16,128}$"},
                    "service": {"type": "string"},
                    "env": {"type": "string"},
                    "version": {"type": "string"},
                    "started_at": {"type": "integer", "minimum": 1_000_000_000_000_000_000_u64},
                    "finished_at": {"type": "integer", "minimum": 1_000_000_000_000_000_000_u64},
                    "custom_tags": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
                },
                "additionalProperties": false,
            }},
        }},
    });
    let (mut events, mut deployments, config) = (Vec::new(), Vec::new(), config(ROUTES));
    for notice in all() {
        for (name, message) in forms(&config, &notice) {
            match name.as_str() {
                "event" => {
                    check(&event, &message.body, notice.kind().as_str());
                    events.push(notice.kind().as_str());
                }
                "deployment" => {
                    check(&deployment, &message.body, notice.kind().as_str());
                    deployments.push(notice.kind().as_str());
                }
                _ => {}
            }
        }
    }
    assert_eq!(deployments, ["deploy-succeeded"]);
    let told = [
        "release-assigned",
        "rollout-ended",
        "deploy-failed",
        "rolled-back",
        "blocked",
        "finding-opened",
    ];
    assert_eq!(events, told);
}
