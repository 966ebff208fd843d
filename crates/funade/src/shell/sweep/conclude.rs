//! The end of a sweep: what was found is compared with what stood before, whoever is to put it right
//! is woken, and what has changed is written down and told.
//!
//! In: what all parts of the sweep came to. Out: findings and notices in the ledger, wakes in the
//! queue. Invariant: one write that fails stops no other, and nothing is closed that was not looked
//! at.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{info, warn};

use super::{Failed, Part, Round, Swept};
use crate::config::Config;
use crate::decisions::notices::{of_closed, of_opened};
use crate::facts::finding::{About, Finding, FindingKind, Policy};
use crate::world::{CallError, CallProblem, Ledger, Queue, World};

/// Compares what was found with what stood before, writes that down, and wakes.
pub(super) async fn conclude<W: World>(
    round: &Round<'_, W>,
    before: Vec<Finding>,
    mut all: Part,
) -> Result<Swept, CallError> {
    let Round { world, config, now, .. } = round;
    all.findings.retain(|finding| config.policies.of(finding.kind) != Policy::Ignore);
    // A place may be found unreachable by its services and by its images.
    let mut keys = BTreeSet::new();
    all.findings.retain(|finding| keys.insert(finding.key()));
    let known: BTreeMap<(About, FindingKind), Finding> =
        before.into_iter().map(|finding| (finding.key(), finding)).collect();
    let last = |finding: &Finding| known.get(&finding.key());
    let found = all.findings.into_iter().map(|finding| {
        let last = last(&finding);
        finding.after(last, *now)
    });
    let findings: Vec<Finding> = found.collect();
    let was_open = |finding: &&Finding| last(finding).is_some_and(|last| last.is_open);
    let opened: Vec<Finding> =
        findings.iter().filter(|f| f.is_open && !was_open(f)).cloned().collect();
    let written: Vec<Finding> =
        findings.iter().filter(|finding| last(finding) != Some(finding)).cloned().collect();
    all.findings = findings;
    let stands: BTreeSet<_> = all.findings.iter().map(Finding::key).collect();
    let gone = |finding: &Finding| {
        let ours = all.looked_at.contains(&finding.about) || !is_configured(config, &finding.about);
        let key = finding.key();
        ours && !stands.contains(&key) && !all.unseen.contains(&key)
    };
    let closed: Vec<Finding> = known.into_values().filter(gone).collect();
    // To be put right matters more than to be told.
    let woke = if all.wakes.is_empty() { Ok(()) } else { world.queue().wake(&all.wakes).await };
    for finding in &written {
        let notice = opened.contains(finding).then(|| of_opened(finding, *now));
        let wrote = world.ledger().write_finding(finding, notice.as_ref()).await;
        all.failed.extend(unless_another_did(wrote, finding));
    }
    for finding in &closed {
        let notice = finding.is_open.then(|| of_closed(finding, *now));
        let wrote = world.ledger().close_finding(finding, notice.as_ref()).await;
        all.failed.extend(unless_another_did(wrote, finding));
    }
    woke?;
    let swept = swept(all, opened, closed);
    tell(&swept, round.cause);
    Ok(swept)
}

/// A write that failed: the next sweep that looks finds the same and tries again. Two sweeps may find
/// the same, a person's and the schedule's: then one of them tells.
fn unless_another_did(wrote: Result<(), CallError>, finding: &Finding) -> Option<Failed> {
    let error = wrote.err().filter(|error| error.problem != CallProblem::Conflict)?;
    let what = format!("that {} is {}, to write that down", finding.about, finding.kind);
    Some(Failed { what, error: error.in_full() })
}

fn swept(all: Part, opened: Vec<Finding>, mut closed: Vec<Finding>) -> Swept {
    closed.retain(|finding| finding.is_open);
    let mut findings = all.findings;
    findings.retain(|finding| finding.is_open);
    findings.sort_by_key(|f| (std::cmp::Reverse(f.kind.severity()), f.about.clone(), f.kind));
    let count = |of: fn(&About) -> bool| all.looked_at.iter().filter(|about| of(about)).count();
    Swept {
        targets: count(|about| matches!(about, About::Target(_))),
        services: count(|about| matches!(about, About::Service(_))),
        findings,
        opened,
        closed,
        woken: all.wakes.into_iter().map(|wake| wake.subject).collect(),
        failed: all.failed,
    }
}

/// Whether a finding can be about this still: a target that was taken out of the fleet has none.
fn is_configured(config: &Config, about: &About) -> bool {
    match about {
        About::Target(id) => config.target(id).is_some(),
        About::Service(name) => config.services.contains_key(name),
        About::Place(place) => {
            let mut targets = config.targets();
            let mut services = config.services.values();
            targets.any(|target| &target.place == place || &target.pulls_from.place == place)
                || services.any(|service| &service.registry.place == place)
        }
    }
}

fn tell(swept: &Swept, cause: &str) {
    for Failed { what, error } in &swept.failed {
        warn!(cause, "{what}: {error}");
    }
    for finding in &swept.opened {
        warn!(cause, kind = %finding.kind, about = %finding.about, "{}", finding.sentence);
    }
    for finding in &swept.closed {
        info!(cause, kind = %finding.kind, about = %finding.about, "it is so no more");
    }
    let (targets, woken, findings) = (swept.targets, swept.woken.len(), swept.findings.len());
    info!(cause, targets, woken, findings, failed = swept.failed.len(), "swept");
}
