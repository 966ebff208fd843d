//! A pass over one service: which release should each of its targets run?

use std::collections::BTreeMap;

use futures_util::try_join;
use tracing::info;

use crate::config::{Config, Service};
use crate::decisions::advance::{Advance, Candidate, TargetStatus, advance, candidates};
use crate::decisions::notices::of_service;
use crate::facts::names::{ServiceName, TargetId};
use crate::facts::record::ServiceRecord;
use crate::facts::release::{Release, Request};
use crate::facts::subject::{Subject, WAKE_DELAY_MAX, Wake};
use crate::world::{CallError, Ecr, Ledger, Queue, World};

/// How many candidates are looked up in the registry in one pass. The first is there, but for
/// images deleted since their push; a cleaned registry may lack some dozens in a row.
const CANDIDATES_ASKED_MAX: usize = 50;

/// Assigns the best release to the service's targets, and wakes those that are not done with
/// theirs. `None` where the configuration has no such service.
pub async fn reconcile_service<W: World>(
    world: &W,
    config: &Config,
    name: &ServiceName,
) -> Result<Option<Advance>, CallError> {
    let Some(service) = config.services.get(name) else { return Ok(None) };
    let ids: Vec<TargetId> = service.targets.values().map(|target| target.id.clone()).collect();
    let ledger = world.ledger();
    let (record, releases, request, targets) = try_join!(
        ledger.service(name),
        ledger.releases(name),
        ledger.request(name),
        ledger.targets(&ids),
    )?;
    let targets: BTreeMap<TargetId, TargetStatus> =
        targets.iter().map(|(id, record)| (id.clone(), TargetStatus::of(record))).collect();
    let confirmed = confirm(world, service, &record, &releases, request.as_ref()).await?;
    let (waves, now) = (&config.waves, world.now());
    let decided = advance(service, waves, &record, &releases, confirmed.as_ref(), &targets, now);
    let cause = decided.record.newest().map(|newest| newest.release.cause.as_str());
    info!(cause, woken = decided.wake.len(), "{}", decided.report);
    for refused in &decided.refused {
        info!(cause = refused.cause, tag = %refused.tag, "ignored: {}", refused.reason);
    }
    let written = write(world, name, record, decided, &targets).await?;
    wake(world, &written).await?;
    if let Some(delay) = written.look_again {
        let wake = Wake::new(
            Subject::Service(name.clone()),
            "a wave bakes",
            "to look again: the next wave may open",
        );
        world.queue().wake_later(&[wake], delay.min(WAKE_DELAY_MAX)).await?;
    }
    Ok(Some(written))
}

/// The best candidate that the registry has, with the digest that its tag stands for now.
async fn confirm<W: World>(
    world: &W,
    service: &Service,
    record: &ServiceRecord,
    releases: &[Release],
    request: Option<&Request>,
) -> Result<Option<Candidate>, CallError> {
    for candidate in candidates(service, record, releases, request, world.now())
        .into_iter()
        .take(CANDIDATES_ASKED_MAX)
    {
        let release = match candidate {
            // The operator's tool has asked the registry, and a person's word stands.
            Candidate::Requested(_) => return Ok(Some(candidate)),
            Candidate::Selected(release) => release,
        };
        let found =
            world.ecr().digest_of(&service.registry, &service.repository, &release.tag).await?;
        if let Some(digest) = found {
            return Ok(Some(Candidate::Selected(Release { digest, ..release })));
        }
        info!(tag = %release.tag, "passed over: the registry has this tag no more");
    }
    Ok(None)
}

async fn write<W: World>(
    world: &W,
    name: &ServiceName,
    before: ServiceRecord,
    mut decided: Advance,
    targets: &BTreeMap<TargetId, TargetStatus>,
) -> Result<Advance, CallError> {
    if decided.record != before {
        decided.record.generation = before.generation + 1;
        let notices = of_service(name, &before, &decided.record, targets, world.now());
        world.ledger().write_service(name, &decided.record, &notices).await?;
    }
    Ok(decided)
}

async fn wake<W: World>(world: &W, decided: &Advance) -> Result<(), CallError> {
    let newest = decided.record.newest();
    let cause = newest.map_or("configuration", |newest| &newest.release.cause);
    let wakes: Vec<Wake> = decided
        .wake
        .iter()
        .map(|id| {
            Wake::new(Subject::Target(id.clone()), cause.to_owned(), decided.report.to_string())
        })
        .collect();
    if wakes.is_empty() { Ok(()) } else { world.queue().wake(&wakes).await }
}
