//! What the ledger says of the whole fleet: into the log as metrics, and into the bucket as a page.

use std::collections::BTreeMap;

use funade::decisions::metrics::{are_targets_counted, metrics_of_fleet, to_emf};
use funade::shell::{ConfigCache, status};
use funade::world::{CallError, Ledger, World};
use funade_aws::AwsWorld;
use funade_report::{Fleet, json, page};
use serde_json::Value;

/// The files in the bucket.
const PAGE: &str = "index.html";
const JSON: &str = "fleet.json";

/// Tells of the findings each minute, and of all targets once everything was looked at.
pub(crate) async fn tell(
    world: &AwsWorld,
    cache: &ConfigCache,
    event: &Value,
    of: i64,
    bucket: Option<&str>,
) -> Result<(), CallError> {
    let at = event["time"].as_str().and_then(|time| time.parse().ok());
    let now = at.unwrap_or_else(|| world.now());
    let mut findings = world.ledger().findings().await?;
    findings.retain(|finding| finding.is_open);
    let is_last = are_targets_counted(now.as_second().div_euclid(60), of);
    let Some(applied) = cache.current(world).await?.filter(|_| is_last) else {
        print(&to_emf(&metrics_of_fleet(&findings, None), world.now()));
        return Ok(());
    };
    let services = status(world, &applied.config, None).await?;
    let targets = services.iter().flat_map(|service| &service.targets);
    let standings: Vec<_> =
        targets.map(|target| Some(target.record.standing.as_ref()?.kind)).collect();
    print(&to_emf(&metrics_of_fleet(&findings, Some(&standings)), world.now()));
    let Some(bucket) = bucket else { return Ok(()) };
    // Of each target its last deploy, which its record has: older ones are a read for each.
    let fleet = Fleet {
        generated_at: world.now(),
        config_version: applied.version,
        config: &applied.config,
        services: &services,
        findings: &findings,
        history: &BTreeMap::new(),
    };
    world.put_report(bucket, PAGE, "text/html; charset=utf-8", page(&fleet)).await?;
    world.put_report(bucket, JSON, "application/json", json(&fleet)).await
}

fn print(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}
