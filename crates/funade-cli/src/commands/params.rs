//! `funade params TARGET`

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use funade::facts::configuration::Source;
use funade::facts::names::{RevisionArn, TargetId};
use funade::shell::{Runs, TargetVariables, VariableState, target_variables};
use funade_aws::AwsWorld;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json, table};

pub(super) async fn run(world: &AwsWorld, id: &TargetId, format: Format) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let read = Box::pin(target_variables(world, &config, id)).await;
    let Some(found) = read.map_err(|error| anyhow!(error.in_full()))? else {
        eprintln!("The configuration has no target {id}; funade status lists them.");
        return Ok(Answer::No);
    };
    match format {
        Format::Json => print_json(&to_value(id, &found)),
        Format::Text => println!("{}", to_text(id, &found)),
    }
    Ok(Answer::from(found.problems.is_empty()))
}

fn to_value(id: &TargetId, found: &TargetVariables) -> Value {
    json!({
        "target": id.to_string(),
        "revision": found.revision.as_ref().map(RevisionArn::as_str),
        "variables": found.variables.iter().map(state_to_value).collect::<Vec<_>>(),
        "overrides": found.overrides.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "problems": found.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn state_to_value(state: &VariableState) -> Value {
    let version = |source: &Option<Source>| source.as_ref().map(Source::version);
    let runs = match &state.runs {
        Runs::Yes => "yes",
        Runs::With(_) => "deploying",
        Runs::GivenUp(_) => "given-up",
        Runs::Older => "older",
        Runs::No => "no",
        Runs::Gone => "gone",
    };
    json!({
        "variable": state.variable.as_str(),
        "container": state.container.as_str(),
        "source": state.source.as_ref().or(state.running.as_ref()).map(Source::to_string),
        "version": version(&state.source),
        "running_version": version(&state.running),
        "runs": runs,
    })
}

/// A table, and what to know about it. The demo shows the same.
pub(crate) fn to_text(id: &TargetId, found: &TargetVariables) -> String {
    if found.variables.is_empty() && found.problems.is_empty() {
        return format!("{id} has no variables from Parameter Store or Secrets Manager.");
    }
    // A variable that several containers have alike is one line.
    let mut rows: BTreeMap<[String; 5], Vec<String>> = BTreeMap::new();
    for state in &found.variables {
        let VariableState { variable, container, source, running, runs } = state;
        let origin = source.as_ref().or(running.as_ref()).map(Source::to_string);
        let version = |source: &Option<Source>| {
            source.as_ref().map_or_else(|| "–".to_owned(), Source::version)
        };
        let row = [
            variable.to_string(),
            origin.unwrap_or_default(),
            version(source),
            version(running),
            in_words(runs),
        ];
        rows.entry(row).or_default().push(container.to_string());
    }
    let mut table =
        table(&["variable", "from", "version", "used in", "runs version", "tasks have it"]);
    for ([variable, origin, version, running, runs], containers) in rows {
        table.add_row([variable, origin, version, containers.join(", "), running, runs]);
    }
    let mut text = vec![table.to_string()];
    match &found.revision {
        Some(revision) => text.push(format!("{id} runs {}.", revision.short())),
        None => text.push(format!("{id} runs nothing that can be read.")),
    }
    text.extend(found.overrides.iter().map(ToString::to_string));
    text.extend(found.problems.iter().map(|problem| format!("✗ {problem}")));
    text.join("\n")
}

fn in_words(runs: &Runs) -> String {
    match runs {
        Runs::Yes => "✓ yes".to_owned(),
        Runs::With(deployment) => format!("… with {deployment}"),
        Runs::GivenUp(deployment) => format!("✗ ECS gave up {deployment}"),
        Runs::Older => "✗ as it was".to_owned(),
        Runs::No => "✗ not yet".to_owned(),
        Runs::Gone => "✗ still, though it is gone".to_owned(),
    }
}
