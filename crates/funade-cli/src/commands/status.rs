//! `funade status [SERVICE]`

use anyhow::{Result, anyhow};
use funade::facts::names::{RevisionArn, ServiceName};
use funade::facts::record::StandingKind;
use funade::shell::{ServiceStatus, TargetState, status};
use funade_aws::AwsWorld;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json, table};

pub(super) async fn run(
    world: &AwsWorld,
    service: Option<&ServiceName>,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    if let Some(unknown) = service.filter(|name| !config.services.contains_key(*name)) {
        eprintln!("The configuration has no service `{unknown}`.");
        return Ok(Answer::No);
    }
    let services =
        status(world, &config, service).await.map_err(|error| anyhow!(error.in_full()))?;
    match format {
        Format::Json => print_json(&services.iter().flat_map(to_values).collect()),
        Format::Text => println!("{}", to_table(&services)),
    }
    Ok(Answer::Yes)
}

fn to_values(service: &ServiceStatus) -> impl Iterator<Item = Value> {
    service.targets.iter().map(|TargetState { id, assigned, record }| {
        let standing = record.standing.as_ref();
        json!({
            "target": id.to_string(),
            "assigned": assigned.as_ref().map(|assigned| assigned.release.tag.as_str()),
            "digest": assigned.as_ref().map(|assigned| assigned.release.digest.as_str()),
            "revision": record.last_seen.as_ref().map(RevisionArn::as_str),
            "deploys": record.deploys_begun,
            "kind": standing.map(|standing| standing.kind.to_string()),
            "code": standing.map(|standing| standing.code.as_str()),
            "why": standing.map(|standing| standing.sentence.as_str()),
            "since": standing.map(|standing| standing.since.to_string()),
        })
    })
}

/// The targets of all services as a table. The demo shows the same.
pub(crate) fn to_table(services: &[ServiceStatus]) -> String {
    let mut table = table(&["target", "assigned", "revision", "stands", "since", "why"]);
    for TargetState { id, assigned, record } in services.iter().flat_map(|s| &s.targets) {
        let standing = record.standing.as_ref();
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        table.add_row([
            id.to_string(),
            or_dash(assigned.as_ref().map(|assigned| assigned.release.tag.to_string())),
            or_dash(record.last_seen.as_ref().map(|revision| revision.short().to_owned())),
            or_dash(standing.map(|standing| mark(standing.kind))),
            or_dash(standing.map(|standing| clock(standing.since))),
            or_dash(standing.map(|standing| standing.sentence.clone())),
        ]);
    }
    table.to_string()
}

fn mark(kind: StandingKind) -> String {
    let mark = match kind {
        StandingKind::Settled => "✓",
        StandingKind::Waiting => "…",
        StandingKind::Blocked => "✗",
    };
    format!("{mark} {kind}")
}

fn clock(moment: Timestamp) -> String {
    moment.strftime("%m-%d %H:%M:%S UTC").to_string()
}
