//! `funade metrics --prometheus [--output FILE]`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use funade::facts::names::{EnvironmentName, ServiceName, TargetId};
use funade::shell::{standing_holds, status};
use funade::world::{AppliedConfig, CallError, Ledger, World};
use funade_aws::AwsWorld;
use funade_report::json;
use futures_util::try_join;
use serde::Deserialize;

use crate::commands::applied_config;
use crate::files::{check_writable, write_whole};
use crate::output::Answer;
use crate::prometheus::{Fleet, to_text};

/// What is read of the report's JSON.
#[derive(Deserialize)]
struct Report {
    targets: Vec<Runs>,
}

/// What a target runs, by the report: it knows that, so that this and the page cannot disagree.
#[derive(Deserialize)]
struct Runs {
    environment: EnvironmentName,
    service: ServiceName,
    release: Option<String>,
}

pub(super) async fn run(world: &AwsWorld, output: Option<&Path>) -> Result<Answer> {
    output.map(check_writable).transpose()?;
    let applied = applied_config(world).await?;
    let text = made(world, &applied).await.map_err(|error| anyhow!(error.in_full()))?;
    match output {
        Some(file) => write_whole(file, &text)?,
        None => print!("{text}"),
    }
    Ok(Answer::Yes)
}

/// The text, from the ledger alone.
async fn made<W: World>(world: &W, applied: &AppliedConfig) -> Result<String, CallError> {
    let (config, ledger) = (&applied.config, world.ledger());
    let (services, findings, holds) =
        try_join!(status(world, config, None), ledger.findings(), standing_holds(world, config),)?;
    let report = json(&funade_report::Fleet {
        generated_at: world.now(),
        config_version: applied.version,
        config,
        services: &services,
        findings: &[],
        history: &BTreeMap::new(),
    });
    Ok(to_text(&Fleet {
        configuration: applied.version,
        services: &services,
        runs: &runs(&report),
        findings: &findings,
        holds: holds.len(),
    }))
}

fn runs(report: &str) -> BTreeMap<TargetId, String> {
    let report: Report =
        serde_json::from_str(report).expect("the report has the form that it says");
    let runs = report.targets.into_iter().filter_map(|Runs { environment, service, release }| {
        Some((TargetId { environment, service }, release?))
    });
    runs.collect()
}

#[cfg(test)]
mod tests;
