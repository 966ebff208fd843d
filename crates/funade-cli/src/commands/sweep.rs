//! `funade sweep [--environment ENV]… [--report FILE]`

mod report;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use funade::config::{Config, hint};
use funade::facts::finding::Finding;
use funade::facts::names::EnvironmentName;
use funade::facts::subject::Subject;
use funade::shell::{Failed, Scope, Swept, SweptBy, sweep};
use funade::world::World;
use funade_aws::AwsWorld;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::applied_config;
use crate::files::check_writable;
use crate::findings;
use crate::output::{Answer, count, print_json, spinner};
use crate::times::minute;

/// How many of those that were woken are named: a line or two. Machines get them all.
const WOKEN_TOLD_MAX: usize = 20;

/// What was typed.
pub(super) struct Wish<'a> {
    pub(super) environments: &'a [EnvironmentName],
    pub(super) report: Option<&'a Path>,
}

pub(super) async fn run(world: &AwsWorld, wish: &Wish<'_>, format: Format) -> Result<Answer> {
    let applied = applied_config(world).await?;
    let config = &applied.config;
    let scope = match scope(config, wish.environments) {
        Ok(scope) => scope,
        Err(why) => return Ok(no(&why, format)),
    };
    wish.report.map(check_writable).transpose()?;
    let cause = format!("sweep-{}", world.now().as_millisecond());
    let spinner = spinner(looks_at(config, &scope));
    let swept = Box::pin(sweep(world, config, &scope, (&cause, SweptBy::Person))).await;
    spinner.finish_and_clear();
    let swept = swept.map_err(|error| anyhow!(error.in_full()))?;
    match format {
        Format::Json => print_json(&to_value(&swept, &cause)),
        Format::Text => println!("{}", to_text(&swept)),
    }
    if let Some(file) = wish.report {
        report::write(world, &applied, file).await?;
        // What is printed is the answer, for machines it alone.
        eprintln!("The fleet's page is in {}.", file.display());
    }
    Ok(Answer::from(swept.findings.is_empty() && swept.failed.is_empty()))
}

/// What to look at, or why that cannot be said.
fn scope(config: &Config, environments: &[EnvironmentName]) -> Result<Scope, String> {
    if environments.is_empty() {
        return Ok(Scope::Everything);
    }
    let known = || config.environments.keys().map(EnvironmentName::as_str);
    let unknown = environments.iter().filter(|name| !config.environments.contains_key(*name));
    let unknown: Vec<String> = unknown
        .map(|name| {
            let hint = hint(name.as_str(), "environments", known());
            format!("the configuration has no environment `{name}`; {hint}")
        })
        .collect();
    if unknown.is_empty() {
        return Ok(Scope::Environments(environments.iter().cloned().collect()));
    }
    Err(unknown.join("\n"))
}

fn no(why: &str, format: Format) -> Answer {
    match format {
        Format::Json => print_json(&json!({"sweep": null, "why": why})),
        Format::Text => println!("{why}"),
    }
    Answer::No
}

/// What is said while it works.
fn looks_at(config: &Config, scope: &Scope) -> String {
    let of = |named: &BTreeSet<EnvironmentName>| {
        config.targets().filter(|target| named.contains(&target.id.environment)).count()
    };
    match scope {
        Scope::Everything | Scope::Minute { .. } => format!(
            "looking at {} and {}",
            count(config.targets().count(), "target"),
            count(config.services.len(), "service")
        ),
        Scope::Environments(named) => format!("looking at {}", count(of(named), "target")),
    }
}

/// What a sweep found and did. The demo shows the same.
pub(crate) fn to_text(swept: &Swept) -> String {
    let mut text = Vec::new();
    if !swept.findings.is_empty() {
        text.push(findings::to_table(&swept.findings));
    }
    text.extend(swept.closed.iter().map(closed));
    text.extend(woken(&swept.woken));
    if !swept.failed.is_empty() {
        text.push("Could not be looked at:".to_owned());
    }
    text.extend(swept.failed.iter().map(|Failed { what, error }| format!("  {what}: {error}")));
    text.push(summary(swept));
    text.join("\n")
}

fn closed(finding: &Finding) -> String {
    let Finding { about, kind, since, .. } = finding;
    format!("Over: {about} ({kind}), which was found {}.", minute(*since))
}

fn woken(woken: &[Subject]) -> Option<String> {
    let names: Vec<String> = woken.iter().take(WOKEN_TOLD_MAX).map(Subject::named).collect();
    let more = woken.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = names.join(", ");
    (!woken.is_empty()).then(|| format!("Woken, to be put right: {names}{more}."))
}

fn summary(swept: &Swept) -> String {
    let services = match swept.services {
        0 => String::new(),
        services => format!(" and {}", count(services, "service")),
    };
    let found = match swept.findings.len() {
        0 => "no finding".to_owned(),
        found => count(found, "finding"),
    };
    let more = [(swept.woken.len(), "woken"), (swept.failed.len(), "could not be looked at")];
    let more = more.iter().filter(|(number, _)| *number > 0);
    let more = more.map(|(number, what)| format!("{number} {what}"));
    let results = std::iter::once(found).chain(more).collect::<Vec<_>>().join(", ");
    format!("Looked at {}{services}: {results}.", count(swept.targets, "target"))
}

/// All of it, for machines.
fn to_value(swept: &Swept, cause: &str) -> Value {
    let values = |findings: &[Finding]| findings.iter().map(findings::to_value).collect::<Vec<_>>();
    let failed = |Failed { what, error }: &Failed| json!({"what": what, "error": error});
    json!({
        "sweep": cause,
        "targets": swept.targets,
        "services": swept.services,
        "findings": values(&swept.findings),
        "opened": values(&swept.opened),
        "closed": values(&swept.closed),
        "woken": swept.woken.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "failed": swept.failed.iter().map(failed).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
