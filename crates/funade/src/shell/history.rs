//! What has happened to a target, and why it stands as it does: for whoever asks.

use futures_util::try_join;

use crate::config::{Config, Target};
use crate::facts::deploy::Deploy;
use crate::facts::finding::{About, Finding, Policy};
use crate::facts::hold::Hold;
use crate::facts::names::{Tag, TargetId};
use crate::facts::record::TargetRecord;
use crate::facts::release::{Assignment, Release};
use crate::facts::subject::Subject;
use crate::shell::hold::after_rollback;
use crate::shell::observe::{Preview, preview};
use crate::world::{CallError, EventNote, Ledger, World};

/// A target's deploys, and the releases that never became one.
#[derive(Debug, Clone)]
pub struct History {
    /// The deploys, the newest first.
    pub deploys: Vec<Deploy>,
    /// The releases that were noted since the first of them and not deployed here, the newest
    /// first.
    pub passed_over: Vec<PassedOver>,
}

/// A release that was not deployed to a target.
#[derive(Debug, Clone)]
pub struct PassedOver {
    /// The release.
    pub release: Release,
    /// Why not, as a sentence.
    pub why: String,
}

/// Why a target stands as it does.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What would be done now, and from what that is concluded.
    pub preview: Preview,
    /// What the ledger says of it.
    pub record: TargetRecord,
    /// The hold that the last rollback has left.
    pub left_by_rollback: Option<Hold>,
    /// What sweeps have found about it, its service and its place, and have told.
    pub findings: Vec<Finding>,
    /// The last events that concerned it or its service, the newest first.
    pub events: Vec<EventNote>,
}

/// Reads what has happened to a target. `None` where the configuration has no such target.
pub async fn history<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<History>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let ledger = world.ledger();
    let (deploys, releases, service) =
        try_join!(ledger.deploys(id), ledger.releases(&id.service), ledger.service(&id.service),)?;
    let first = deploys.last().map(|deploy| deploy.begun_at);
    let assigned = service.assignment(&id.environment);
    let mut passed_over: Vec<PassedOver> = releases
        .into_iter()
        .filter(|release| first.is_none_or(|first| release.noted_at >= first))
        .filter(|release| target.selection.rank(&release.tag).is_ok())
        .filter(|release| !deploys.iter().any(|d| d.assignment.release.digest == release.digest))
        .map(|release| PassedOver { why: why(target, &release, assigned, &deploys), release })
        .collect();
    passed_over.sort_by_key(|passed| std::cmp::Reverse(passed.release.noted_at));
    Ok(Some(History { deploys, passed_over }))
}

fn why(
    target: &Target,
    release: &Release,
    assigned: Option<&Assignment>,
    deploys: &[Deploy],
) -> String {
    if let Some(assigned) = assigned
        && assigned.release.digest == release.digest
    {
        return "it is assigned, and waits: funade explain says for what".to_owned();
    }
    // The newest first, so the first that fits is what was known then.
    let before = deploys.iter().find(|deploy| deploy.begun_at <= release.noted_at);
    let order = |tag: &Tag| target.selection.order(tag);
    if let Some(before) = before
        && order(&release.tag) < order(&before.assignment.release.tag)
    {
        return format!("it is older than {}", before.assignment.release.tag);
    }
    // And the last that fits is what came next.
    let next = deploys.iter().rev().find(|deploy| deploy.begun_at >= release.noted_at);
    match next {
        Some(next) => {
            let (id, tag) = (&next.id, &next.assignment.release.tag);
            format!("before it began here, {tag} was to be deployed: deploy {id}")
        }
        None => "it is not newer than what is assigned".to_owned(),
    }
}

/// Explains how a target stands. `None` where the configuration has no such target.
pub async fn explain<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Explanation>, CallError> {
    let Some(configured) = config.target(id) else { return Ok(None) };
    let (target, service) = (Subject::Target(id.clone()), Subject::Service(id.service.clone()));
    let ledger = world.ledger();
    let (preview, record, left_by_rollback, mut findings, of_target, of_service) = try_join!(
        preview(world, config, id),
        ledger.target(id),
        after_rollback(world, config, id),
        ledger.findings(),
        ledger.events_about(&target),
        ledger.events_about(&service),
    )?;
    let mut events = of_target;
    events.extend(of_service);
    events.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    let is_told = |f: &Finding| f.is_open && config.policies.of(f.kind) != Policy::Ignore;
    findings.retain(|finding| is_told(finding) && concerns(&finding.about, configured));
    Ok(preview.map(|preview| Explanation { preview, record, left_by_rollback, findings, events }))
}

/// Whether a finding is about a target, its service or its place.
fn concerns(about: &About, target: &Target) -> bool {
    match about {
        About::Target(id) => *id == target.id,
        About::Service(name) => *name == target.id.service,
        About::Place(place) => *place == target.place,
    }
}
