//! The fleet's page: how every target stands, what is found, and the last deploys, in one file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use funade::config::Config;
use funade::facts::deploy::Deploy;
use funade::facts::names::TargetId;
use funade::shell::status;
use funade::world::{AppliedConfig, CallError, Ledger, World};
use funade_report::{Fleet, page};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::files::write_whole;
use crate::output::progress;

/// How many deploys of each target the page has: what a person asks for first. The rest is in
/// `funade history`.
const DEPLOYS_SHOWN: usize = 5;

/// How many targets' deploys are read at a time: ten thousand take a minute, and an operator's
/// table is not throttled for it.
const AT_A_TIME_MAX: usize = 16;

/// Reads what the page shows from the ledger, and writes it.
pub(super) async fn write<W: World>(world: &W, applied: &AppliedConfig, file: &Path) -> Result<()> {
    let page = made(world, applied).await.map_err(|error| anyhow!(error.in_full()))?;
    write_whole(file, &page)
}

/// Makes the page.
async fn made<W: World>(world: &W, applied: &AppliedConfig) -> Result<String, CallError> {
    let config = &applied.config;
    let services = status(world, config, None).await?;
    let mut findings = world.ledger().findings().await?;
    findings.retain(|finding| finding.is_open);
    let history = last_deploys(world, config).await?;
    Ok(page(&Fleet {
        generated_at: world.now(),
        config_version: applied.version,
        config,
        services: &services,
        findings: &findings,
        history: &history,
    }))
}

async fn last_deploys<W: World>(
    world: &W,
    config: &Config,
) -> Result<BTreeMap<TargetId, Vec<Deploy>>, CallError> {
    let bar = progress(config.targets().count(), "targets' deploys read");
    let reads = config.targets().map(async |target| {
        let mut deploys = world.ledger().deploys(&target.id).await?;
        deploys.truncate(DEPLOYS_SHOWN);
        bar.inc(1);
        Ok((target.id.clone(), deploys))
    });
    let read = stream::iter(reads).buffer_unordered(AT_A_TIME_MAX).try_collect().await;
    bar.finish_and_clear();
    read
}
