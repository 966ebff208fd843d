//! `funade status [SERVICE]`

use anyhow::{Result, anyhow};
use comfy_table::Table;
use funade::facts::deploy::Phase;
use funade::facts::finding::{About, Finding};
use funade::facts::names::{RevisionArn, ServiceName};
use funade::facts::record::StandingKind;
use funade::shell::{ServiceStatus, TargetState, status};
use funade::world::{Ledger, World};
use funade_aws::AwsWorld;
use futures_util::try_join;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::deploys::under_way;
use crate::findings;
use crate::output::{Answer, print_json, table};
use crate::times::{second, span};

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
    let read = try_join!(status(world, &config, service), world.ledger().findings());
    let (services, mut findings) = read.map_err(|error| anyhow!(error.in_full()))?;
    findings
        .retain(|finding| finding.is_open && service.is_none_or(|name| concerns(finding, name)));
    match format {
        Format::Json => {
            print_json(&services.iter().flat_map(|s| with_findings(s, &findings)).collect());
        }
        Format::Text => {
            println!("{}", to_table(&services, world.now()));
            if !findings.is_empty() {
                println!("\nFound by sweeps, and still so:\n{}", findings::to_table(&findings));
            }
        }
    }
    Ok(Answer::Yes)
}

/// Whether what was found says something about a service's targets.
fn concerns(finding: &Finding, service: &ServiceName) -> bool {
    match &finding.about {
        About::Target(id) => &id.service == service,
        About::Service(name) => name == service,
        About::Place(_) => true,
    }
}

/// The targets of a service with the kinds of what was found of each, for machines.
fn with_findings<'a>(
    service: &'a ServiceStatus,
    findings: &'a [Finding],
) -> impl Iterator<Item = Value> {
    service.targets.iter().map(move |target| {
        let about = About::Target(target.id.clone());
        let found = findings.iter().filter(|finding| finding.about == about);
        let kinds: Vec<String> = found.map(|finding| finding.kind.to_string()).collect();
        let mut value = to_value(target);
        value["findings"] = json!(kinds);
        value
    })
}

/// The targets of a service, for machines.
pub(super) fn to_values(service: &ServiceStatus) -> impl Iterator<Item = Value> {
    service.targets.iter().map(to_value)
}

/// How a target stands, for machines.
pub(super) fn to_value(TargetState { id, assigned, record }: &TargetState) -> Value {
    let standing = record.standing.as_ref();
    let phase = record.deploy.as_ref().and_then(under_way);
    json!({
        "target": id.to_string(),
        "assigned": assigned.as_ref().map(|assigned| assigned.release.tag.as_str()),
        "digest": assigned.as_ref().map(|assigned| assigned.release.digest.as_str()),
        "revision": record.last_seen.as_ref().map(RevisionArn::as_str),
        "deploys": record.deploys_begun,
        "phase": phase.map(|(phase, _)| phase.as_str()),
        "phase_since": phase.map(|(_, since)| since.to_string()),
        "kind": standing.map(|standing| standing.kind.to_string()),
        "code": standing.map(|standing| standing.code.as_str()),
        "why": standing.map(|standing| standing.sentence.as_str()),
        "since": standing.map(|standing| standing.since.to_string()),
    })
}

/// The targets of all services as a table. The demo shows the same.
pub(crate) fn to_table(services: &[ServiceStatus], now: Timestamp) -> String {
    table_of(services, now).to_string()
}

/// The same with a few lines at most for each target, so that many fit the terminal.
pub(super) fn to_low_table(services: &[ServiceStatus], now: Timestamp, lines: usize) -> String {
    let mut table = table_of(services, now);
    table.row_iter_mut().for_each(|row| {
        row.max_height(lines);
    });
    table.to_string()
}

fn table_of(services: &[ServiceStatus], now: Timestamp) -> Table {
    let mut table = table(&["target", "assigned", "revision", "deploy", "stands", "since", "why"]);
    for TargetState { id, assigned, record } in services.iter().flat_map(|s| &s.targets) {
        let standing = record.standing.as_ref();
        let phase = record.deploy.as_ref().and_then(under_way);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        table.add_row([
            id.to_string(),
            or_dash(assigned.as_ref().map(|assigned| assigned.release.tag.to_string())),
            or_dash(record.last_seen.as_ref().map(|revision| revision.short().to_owned())),
            or_dash(phase.map(|(phase, since)| lasts(phase, since, now))),
            or_dash(standing.map(|standing| mark(standing.kind))),
            or_dash(standing.map(|standing| second(standing.since))),
            or_dash(standing.map(|standing| standing.sentence.clone())),
        ]);
    }
    table
}

/// The phase of a deploy that is under way, and for how long it has been.
fn lasts(phase: Phase, since: Timestamp, now: Timestamp) -> String {
    format!("{phase} {}", span(now.duration_since(since)))
}

fn mark(kind: StandingKind) -> String {
    let mark = match kind {
        StandingKind::Settled => "✓",
        StandingKind::Waiting => "…",
        StandingKind::Blocked => "✗",
    };
    format!("{mark} {kind}")
}
