//! `funade plan TARGET`

use anyhow::{Result, anyhow};
use funade::decisions::plan::{NewRevision, Step};
use funade::decisions::wanted::Wanted;
use funade::facts::names::TargetId;
use funade::facts::task_definition::{Registration, Revision};
use funade::shell::{Preview, preview};
use funade_aws::AwsWorld;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json};
use crate::times::minute;
use crate::variables;

pub(super) async fn run(
    world: &AwsWorld,
    id: &TargetId,
    redact: bool,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let previewed =
        Box::pin(preview(world, &config, id)).await.map_err(|error| anyhow!(error.in_full()))?;
    let Some(preview) = previewed else {
        eprintln!("The configuration has no target {id}; funade status lists them.");
        return Ok(Answer::No);
    };
    match format {
        Format::Json => print_json(&to_value(id, &preview, redact)),
        Format::Text => print!("{}", to_text(id, &preview, redact)),
    }
    Ok(Answer::Yes)
}

fn to_value(id: &TargetId, preview: &Preview, redact: bool) -> Value {
    let Preview { assigned, observation, plan } = preview;
    let wanted = plan.wanted.as_ref();
    let overrides = wanted.map(|wanted| wanted.overrides.iter().map(ToString::to_string));
    json!({
        "target": id.to_string(),
        "assigned": assigned.as_ref().map(|assigned| json!({
            "tag": assigned.release.tag.as_str(),
            "digest": assigned.release.digest.as_str(),
        })),
        "running": observation.running.as_ref().map(|running| running.arn.as_str()),
        "hold": observation.hold.as_ref().map(|hold| json!({
            "on": hold.on.to_string(), "by": hold.by, "reason": hold.reason,
            "since": hold.since.to_string(), "until": hold.until.map(|until| until.to_string()),
        })),
        "kind": plan.report.kind().to_string(),
        "code": plan.report.code(),
        "why": plan.report.to_string(),
        "variables": wanted.map(|wanted| variables::to_values(&wanted.changes, redact)),
        "overrides": overrides.map(Iterator::collect::<Vec<_>>),
        "steps": plan.steps.iter().map(|step| step_to_value(step, redact)).collect::<Vec<_>>(),
    })
}

/// A step for machines.
pub(super) fn step_to_value(step: &Step, redact: bool) -> Value {
    match step {
        Step::Register(registration) => {
            let input = registration.to_value();
            let input = if redact { variables::redacted(input) } else { input };
            json!({"call": "RegisterTaskDefinition", "input": input})
        }
        Step::Update(NewRevision::JustRegistered) => {
            json!({"call": "UpdateService", "taskDefinition": "the one just registered"})
        }
        Step::Update(NewRevision::Known(revision)) | Step::UpdateBack(revision) => {
            json!({"call": "UpdateService", "taskDefinition": revision.as_str()})
        }
        Step::RollBack(deployment) => json!({
            "call": "StopServiceDeployment",
            "serviceDeploymentArn": deployment.as_str(),
            "stopType": "ROLLBACK",
        }),
    }
}

/// A step for people, as what somebody would do.
pub(super) fn step_in_words(step: &Step, running: Option<&Revision>) -> String {
    match (step, running) {
        (Step::Register(_), Some(running)) => {
            format!("register a revision after {}", running.arn.short())
        }
        (Step::Register(registration), None) => {
            format!("register a revision of {}", registration.document.family())
        }
        (Step::Update(NewRevision::JustRegistered), _) => {
            "call UpdateService with that revision".to_owned()
        }
        (Step::Update(NewRevision::Known(revision)), _) => {
            format!("call UpdateService with {}", revision.short())
        }
        (Step::UpdateBack(revision), _) => {
            format!("call UpdateService with {}, which served before", revision.short())
        }
        (Step::RollBack(deployment), _) => format!("ask ECS to roll back {deployment}"),
    }
}

fn to_text(id: &TargetId, preview: &Preview, redact: bool) -> String {
    let mut lines = vec![format!("{id}: {}.", preview.plan.report)];
    if let Some(hold) = &preview.observation.hold {
        let (on, by, since) = (hold.on.named(), &hold.by, minute(hold.since));
        lines.push(format!("{on} is held by {by} since {since}: {}", hold.reason));
    }
    if let Some(wanted) = &preview.plan.wanted {
        let changes = variables::lines(&wanted.changes, redact);
        if !changes.is_empty() {
            let from = preview.observation.running.as_ref().map_or("nothing", |r| r.arn.short());
            lines.push(format!("Variables that would change, starting from {from}:"));
            lines.extend(changes);
        }
        lines.extend(wanted.overrides.iter().map(ToString::to_string));
    }
    for step in &preview.plan.steps {
        let running = preview.observation.running.as_ref();
        let words = step_in_words(step, running);
        match (step, running) {
            (Step::Register(registration), Some(running)) => {
                let changes = |wanted: &Wanted| !wanted.changes.is_empty();
                let changes = preview.plan.wanted.as_ref().is_some_and(changes);
                let besides = if changes { ", besides its variables" } else { "" };
                lines.push(format!("Would {words}{besides}:"));
                lines.push(difference(running, registration));
            }
            (Step::Register(_) | Step::Update(_) | Step::UpdateBack(_) | Step::RollBack(_), _) => {
                lines.push(format!("Would {words}."));
            }
        }
    }
    lines.join("\n") + "\n"
}

fn difference(running: &Revision, wanted: &Registration) -> String {
    let before =
        Registration { document: running.document.clone(), tags: running.tags.clone() }.to_value();
    let [before, after] = [before, wanted.to_value()]
        .map(|input| format!("{:#}\n", variables::without_variables(input)));
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().header(running.arn.short(), "the new revision").to_string()
}
