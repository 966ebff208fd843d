//! `funade plan TARGET`

use anyhow::{Result, anyhow};
use funade::decisions::plan::{NewRevision, Step};
use funade::facts::names::TargetId;
use funade::facts::task_definition::{Registration, Revision};
use funade::shell::{Preview, preview};
use funade_aws::AwsWorld;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json};

pub(super) async fn run(world: &AwsWorld, id: &TargetId, format: Format) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let previewed =
        Box::pin(preview(world, &config, id)).await.map_err(|error| anyhow!(error.in_full()))?;
    let Some(preview) = previewed else {
        eprintln!("The configuration has no target {id}; funade status lists them.");
        return Ok(Answer::No);
    };
    match format {
        Format::Json => print_json(&to_value(id, &preview)),
        Format::Text => print!("{}", to_text(id, &preview)),
    }
    Ok(Answer::Yes)
}

fn to_value(id: &TargetId, Preview { assigned, observation, plan }: &Preview) -> Value {
    json!({
        "target": id.to_string(),
        "assigned": assigned.as_ref().map(|assigned| json!({
            "tag": assigned.release.tag.as_str(),
            "digest": assigned.release.digest.as_str(),
        })),
        "running": observation.running.as_ref().map(|running| running.arn.as_str()),
        "kind": plan.report.kind().to_string(),
        "code": plan.report.code(),
        "why": plan.report.to_string(),
        "steps": plan.steps.iter().map(step_to_value).collect::<Vec<_>>(),
    })
}

fn step_to_value(step: &Step) -> Value {
    match step {
        Step::Register(registration) => {
            json!({"call": "RegisterTaskDefinition", "input": registration.to_value()})
        }
        Step::Update(NewRevision::JustRegistered) => {
            json!({"call": "UpdateService", "taskDefinition": "the one just registered"})
        }
        Step::Update(NewRevision::Known(revision)) => {
            json!({"call": "UpdateService", "taskDefinition": revision.as_str()})
        }
    }
}

fn to_text(id: &TargetId, preview: &Preview) -> String {
    let mut lines = vec![format!("{id}: {}.", preview.plan.report)];
    for step in &preview.plan.steps {
        match (step, &preview.observation.running) {
            (Step::Register(registration), Some(running)) => {
                lines.push(format!("Would register a revision after {}:", running.arn.short()));
                lines.push(difference(running, registration));
            }
            (Step::Register(registration), None) => {
                lines.push(format!("Would register {}", registration.document.family()));
            }
            (Step::Update(NewRevision::JustRegistered), _) => {
                lines.push("Would call UpdateService with that revision.".to_owned());
            }
            (Step::Update(NewRevision::Known(revision)), _) => {
                lines.push(format!("Would call UpdateService with {}.", revision.short()));
            }
        }
    }
    lines.join("\n") + "\n"
}

fn difference(running: &Revision, wanted: &Registration) -> String {
    let before =
        Registration { document: running.document.clone(), tags: running.tags.clone() }.to_value();
    let (before, after) = (format!("{before:#}\n"), format!("{:#}\n", wanted.to_value()));
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().header(running.arn.short(), "the new revision").to_string()
}
