//! One service: does its registry have a release of which nobody has told, and is one known that
//! nobody has assigned?

use futures_util::try_join;

use super::{Failed, Part, Round, unreachable_registry};
use crate::config::Service;
use crate::decisions::advance::{is_behind, missed};
use crate::facts::finding::{About, Finding, FindingKind, Policy};
use crate::facts::release::Release;
use crate::facts::subject::{Subject, Wake};
use crate::world::{CallError, Ecr, Ledger, World};

/// Looks at a service's registry, and notes what was missed.
pub(super) async fn sweep_service<W: World>(round: &Round<'_, W>, service: &Service) -> Part {
    match round.in_time(look(round, service)).await {
        Ok(part) => part,
        Err(missed) => {
            let place = &service.registry.place;
            let refusal = missed.refusal().map(CallError::in_full);
            let found = refusal.and_then(|error| unreachable_registry(round, place, &error));
            let what = format!("the registry of {}", service.name);
            Part {
                unseen: [(About::Place(place.clone()), FindingKind::Unreachable)].into(),
                findings: found.into_iter().collect(),
                failed: vec![Failed { what, error: missed.in_full() }],
                ..Part::default()
            }
        }
    }
}

async fn look<W: World>(round: &Round<'_, W>, service: &Service) -> Result<Part, CallError> {
    let Round { world, config, cause, now, .. } = round;
    let ledger = world.ledger();
    let (releases, request, images) = try_join!(
        ledger.releases(&service.name),
        ledger.request(&service.name),
        world.ecr().images(&service.registry, &service.repository),
    )?;
    let record = round.services.get(&service.name).cloned().unwrap_or_default();
    let missed = missed(service, &record, &releases, &images, (cause, *now));
    let about = About::Service(service.name.clone());
    let mut part = Part::default();
    part.looked_at.insert(about.clone());
    let heals = config.policies.of(FindingKind::MissedImage) == Policy::Heal;
    if heals {
        for release in &missed {
            ledger.note_release(&service.name, release).await?;
        }
    }
    let behind = is_behind(service, &record, &releases, request.as_ref(), *now);
    if behind || (heals && !missed.is_empty()) {
        let reason = "something waits to be assigned";
        part.wakes.push(Wake::new(Subject::Service(service.name.clone()), *cause, reason));
    }
    if let Some(newest) = newest(service, &missed) {
        let said = told(service, newest, missed.len(), heals);
        part.findings.push(Finding::new(about, FindingKind::MissedImage, said, *now));
    }
    Ok(part)
}

fn newest<'a>(service: &Service, missed: &'a [Release]) -> Option<&'a Release> {
    missed.iter().max_by_key(|release| {
        let rank = service.selection.rank(&release.tag).ok();
        (rank.is_some(), rank, release.pushed_at)
    })
}

fn told(service: &Service, newest: &Release, count: usize, heals: bool) -> (String, String) {
    let (registry, repository, tag) = (&service.registry, &service.repository, &newest.tag);
    let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    let sentence = format!(
        "{registry}/{repository} has {tag}{others}, pushed {}, and no event told of it",
        newest.pushed_at.strftime("%m-%d %H:%M UTC")
    );
    let next = if heals {
        "it is deployed now; see that the registry's events reach the hub's bus".to_owned()
    } else {
        format!("funade deploy {} --tag {tag}", service.name)
    };
    (sentence, next)
}
