//! `funade history TARGET [--limit N] [--deploy N]`

use anyhow::{Result, anyhow};
use funade::facts::deploy::Deploy;
use funade::facts::names::TargetId;
use funade::shell::{History, PassedOver, history};
use funade::world::World;
use funade_aws::AwsWorld;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::deploys::{self, in_detail, led_by, took, why};
use crate::output::{Answer, print_json, table};
use crate::times::{second, span};
use crate::which_deploy::WhichDeploy;

/// What is told of each deploy.
const HEADER: [&str; 7] =
    ["deploy", "release", "phase", "begun", "took", "cause", "why it did not stay"];

pub(super) async fn run(
    world: &AwsWorld,
    id: &TargetId,
    limit: usize,
    deploy: Option<&WhichDeploy>,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let read = history(world, &config, id).await.map_err(|error| anyhow!(error.in_full()))?;
    let Some(found) = read else {
        eprintln!("The configuration has no target {id}; funade status lists them.");
        return Ok(Answer::No);
    };
    let now = world.now();
    if let Some(which) = deploy {
        return Ok(one(id, &found, which, now, format));
    }
    match format {
        Format::Json => print_json(&to_value(id, &found, limit)),
        Format::Text => println!("{}", to_text(id, &found, limit, now)),
    }
    Ok(Answer::Yes)
}

/// Prints one deploy in detail.
fn one(
    id: &TargetId,
    found: &History,
    which: &WhichDeploy,
    now: Timestamp,
    format: Format,
) -> Answer {
    let deploy = which.on(id).and_then(|number| {
        let deploy = found.deploys.iter().find(|deploy| deploy.id.number == number);
        deploy.ok_or_else(|| {
            format!(
                "no deploy {id}/{number} is remembered; funade history {id} lists those that are"
            )
        })
    });
    match (deploy, format) {
        (Ok(deploy), Format::Json) => print_json(&deploys::to_value(deploy)),
        (Ok(deploy), Format::Text) => println!("{}", in_detail(deploy, now).join("\n")),
        (Err(why), Format::Json) => {
            print_json(&json!({"deploy": null, "why": why}));
            return Answer::No;
        }
        (Err(why), Format::Text) => {
            println!("{why}.");
            return Answer::No;
        }
    }
    Answer::Yes
}

/// The deploys as a table, then the releases that never became one. The demo shows the same.
pub(crate) fn to_text(id: &TargetId, found: &History, limit: usize, now: Timestamp) -> String {
    let mut text = Vec::new();
    if found.deploys.is_empty() {
        text.push(format!("Funade has not deployed anything to {id} that it remembers."));
    } else {
        let mut table = table(&HEADER);
        for deploy in found.deploys.iter().take(limit) {
            table.add_row(row(deploy, now));
        }
        text.push(table.to_string());
    }
    let (all, older) = (found.deploys.len(), found.deploys.len().saturating_sub(limit));
    if older > 0 {
        text.push(format!("{older} more are older: funade history {id} --limit {all}"));
    }
    let shown = || found.deploys.iter().take(limit);
    if let Some(deploy) = shown().find(|deploy| why(deploy).is_some()) {
        text.push(format!(
            "What its tasks and ECS said, of the last that did not stay: funade history {id} \
             --deploy {}",
            deploy.id.number
        ));
    }
    if !found.passed_over.is_empty() {
        text.push("Releases that were not deployed here:".to_owned());
        let mut table = table(&["release", "digest", "noted", "why not"]);
        for PassedOver { release, why } in &found.passed_over {
            let digest = release.digest.short().to_owned();
            let noted = second(release.noted_at);
            table.add_row([release.tag.to_string(), digest, noted, why.clone()]);
        }
        text.push(table.to_string());
    }
    text.join("\n")
}

fn row(deploy: &Deploy, now: Timestamp) -> [String; 7] {
    let so_far = if deploy.has_ended() { "" } else { " so far" };
    [
        deploy.id.to_string(),
        deploy.assignment.release.tag.to_string(),
        deploy.phase().to_string(),
        second(deploy.begun_at),
        format!("{}{so_far}", span(took(deploy, now))),
        led_by(deploy),
        why(deploy).unwrap_or_else(|| "–".to_owned()),
    ]
}

fn to_value(id: &TargetId, found: &History, limit: usize) -> Value {
    let passed_over = found.passed_over.iter().map(|PassedOver { release, why }| {
        json!({
            "tag": release.tag.as_str(), "digest": release.digest.as_str(),
            "pushed_at": release.pushed_at.to_string(), "noted_at": release.noted_at.to_string(),
            "cause": release.cause, "why": why,
        })
    });
    json!({
        "target": id.to_string(),
        "deploys": found.deploys.iter().take(limit).map(deploys::to_value).collect::<Vec<_>>(),
        "older": found.deploys.len().saturating_sub(limit),
        "passed_over": passed_over.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
