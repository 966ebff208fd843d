//! Looking at a target: everything that the plan needs, in one round of parallel reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::try_join;
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::config::{Config, Target};
use crate::decisions::observation::{Lack, Observation, WayBack};
use crate::decisions::plan::{Plan, plan};
use crate::facts::cause::StoppedTask;
use crate::facts::deploy::{Deploy, Progress};
use crate::facts::ecs::{AlarmState, EcsService, ServiceDeployment};
use crate::facts::hold::{Hold, LetAgain};
use crate::facts::image::ImageReference;
use crate::facts::names::{AlarmName, RevisionArn, ServiceName, TargetId};
use crate::facts::parameter::{Change, Watched};
use crate::facts::record::{ServiceRecord, StandingKind, TargetRecord, TurnsForTarget};
use crate::facts::release::{Assignment, RollbackRequest};
use crate::facts::subject::Subject;
use crate::facts::task_definition::DEPLOY_TAG;
use crate::shell::hold::let_again;
use crate::shell::read_stores::read_stores;
use crate::world::{Alarms, CallError, CallProblem, Ecr, Ecs, Ledger, World};

/// How much ECS's clock may differ from ours. A revision of a deploy is never deployed before it, so
/// looking further back costs nothing but a few entries.
const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How far back a deployment may have begun that goes on still.
const HISTORY_ASKED: SignedDuration = SignedDuration::from_hours(24);

/// How long after a change of what a target reads a deploy for it is likely, so that its alarms are
/// read beside all else.
const CHANGE_IS_NEWS: SignedDuration = SignedDuration::from_hours(1);

/// What would be done for a target, and from what that was concluded. Nothing is changed.
#[derive(Debug, Clone)]
pub struct Preview {
    /// What should run.
    pub assigned: Option<Assignment>,
    /// What was seen.
    pub observation: Observation,
    /// What would be done.
    pub plan: Plan,
}

/// Looks at a target and plans, and leaves it at that: the dry run.
pub async fn preview<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Preview>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let known = known(world, target).await?;
    let now = world.now();
    let (observation, plan) = observe(world, target, &known, Described::NotYet, now).await?;
    Ok(Some(Preview { assigned: known.assigned, observation, plan }))
}

/// What was read before for several targets together.
pub(super) enum Described {
    /// Nothing.
    NotYet,
    /// The service, with others of its cluster.
    Already {
        /// `None` where there is none.
        service: Option<EcsService>,
        /// Whether the assigned image is in the registry, if that was asked.
        image_present: Option<bool>,
    },
}

impl Described {
    /// The PRIMARY's revision, where that needs no guess.
    fn revision(&self) -> Option<&RevisionArn> {
        match self {
            Self::Already { service, .. } => Some(&service.as_ref()?.primary()?.revision),
            Self::NotYet => None,
        }
    }

    fn image_present(&self) -> Option<bool> {
        match self {
            Self::Already { image_present, .. } => *image_present,
            Self::NotYet => None,
        }
    }
}

/// What the ledger says of a target.
pub(super) struct Known {
    pub(super) record: TargetRecord,
    pub(super) assigned: Option<Assignment>,
    turns: Option<TurnsForTarget>,
    changed: Option<Change>,
    pub(super) hold: Option<Hold>,
    let_again: Option<LetAgain>,
    lifted_at: Option<Timestamp>,
    rollback: Option<RollbackRequest>,
    pub(super) ended: u64,
}

/// What the ledger says of many targets, from records that were read before and two reads for all of
/// them. Requests to roll back are left out: they wake their targets themselves.
pub(super) async fn known_of_many<W: World>(
    world: &W,
    targets: &[&Target],
    services: &BTreeMap<ServiceName, ServiceRecord>,
    holds: &[Hold],
) -> Result<BTreeMap<TargetId, Known>, CallError> {
    let ids: Vec<TargetId> = targets.iter().map(|target| target.id.clone()).collect();
    let watched: BTreeSet<Watched> = targets.iter().flat_map(|target| target.watches()).collect();
    let watched: Vec<Watched> = watched.into_iter().collect();
    let ledger = world.ledger();
    let (mut records, changes) = try_join!(ledger.targets(&ids), changes(ledger, &watched))?;
    let now = world.now();
    let known = targets.iter().map(|target| {
        let id = &target.id;
        let on = [Subject::Target(id.clone()), Subject::Service(id.service.clone())];
        let holds: Vec<Hold> = holds.iter().filter(|hold| on.contains(&hold.on)).cloned().collect();
        let last = target.watches().iter().filter_map(|w| changes.get(w).cloned()).max();
        let record = records.remove(id).unwrap_or_default();
        let service = services.get(&id.service);
        (id.clone(), Known::of(target, record, service, last, holds, None, now))
    });
    Ok(known.collect())
}

impl Known {
    fn of(
        target: &Target,
        record: TargetRecord,
        service: Option<&ServiceRecord>,
        changed: Option<Change>,
        holds: Vec<Hold>,
        rollback: Option<RollbackRequest>,
        now: Timestamp,
    ) -> Self {
        let environment = &target.id.environment;
        Self {
            record,
            ended: service.map_or(0, |service| service.ended),
            assigned: service.and_then(|service| service.assignment(environment)).cloned(),
            turns: service.and_then(|service| service.turns_for(&target.place, environment)),
            changed,
            let_again: let_again(&target.id, &holds),
            lifted_at: holds.iter().filter_map(|hold| Some(hold.lifted.as_ref()?.at)).max(),
            rollback,
            // Of two the one that stands longer: it is what a deploy would wait for.
            hold: holds
                .into_iter()
                .filter(|hold| hold.stands(now))
                .max_by_key(|hold| (hold.until.is_none(), hold.until)),
        }
    }
}

/// The last changes of these. Who reads nothing asks nothing.
async fn changes<L: Ledger>(
    ledger: &L,
    watched: &[Watched],
) -> Result<BTreeMap<Watched, Change>, CallError> {
    if watched.is_empty() { Ok(BTreeMap::new()) } else { ledger.changes(watched).await }
}

/// Reads what the ledger says of a target, in one round.
pub(super) async fn known<W: World>(world: &W, target: &Target) -> Result<Known, CallError> {
    let held = [Subject::Target(target.id.clone()), Subject::Service(target.id.service.clone())];
    let ledger = world.ledger();
    let (id, watched) = (&target.id, target.watches());
    let (record, service, changes, holds, rollback) = try_join!(
        ledger.target(id),
        ledger.service(&id.service),
        changes(ledger, &watched),
        ledger.holds(&held),
        ledger.rollback_request(id),
    )?;
    let (last, now) = (changes.into_values().max(), world.now());
    Ok(Known::of(target, record, Some(&service), last, holds, rollback, now))
}

/// Looks at a target and plans. What most plans need is read in one round (and one more for each
/// further page of parameters): the running revision where it was seen last, or, the first time, in
/// the family of the ECS service's name, and again only if that guess was wrong. What the plan then
/// lacks is read when it says so.
pub(super) async fn observe<W: World>(
    world: &W,
    target: &Target,
    known: &Known,
    described: Described,
    now: Timestamp,
) -> Result<(Observation, Plan), CallError> {
    let (record, assigned) = (&known.record, known.assigned.as_ref());
    let under_way = record.deploy.as_ref().is_some_and(Deploy::is_under_way);
    let settled = record.standing.as_ref().is_some_and(|standing| {
        standing.kind == StandingKind::Settled
            && Some(standing.assignment) == assigned.map(|assigned| assigned.number)
    });
    let stores = async {
        if assigned.is_none() || under_way {
            return Ok(None);
        }
        read_stores(world, target).await.map(Some)
    };
    let changed = known.changed.as_ref();
    let quiet = changed.is_none_or(|change| now.duration_since(change.at) > CHANGE_IS_NEWS);
    let alarms = async {
        if (settled && quiet) || assigned.is_none() || target.verify.alarms.is_empty() {
            return Ok(None);
        }
        read_alarms(world, target).await.map(Some)
    };
    let looked = look(world, target, known, described);
    let (observed, stores, alarms) = try_join!(looked, stores, alarms)?;
    let mut observed = Observation { alarms, stores, ..observed };
    loop {
        match plan(target, assigned, record, &observed, now) {
            Ok(plan) => return Ok((observed, plan)),
            Err(lack) => read_lacking(world, target, &mut observed, lack).await?,
        }
    }
}

/// Reads what a plan cannot be made without. Each is asked for once, so this comes to an end.
async fn read_lacking<W: World>(
    world: &W,
    target: &Target,
    observed: &mut Observation,
    lack: Lack,
) -> Result<(), CallError> {
    let Target { place, cluster, ecs_service, .. } = target;
    match lack {
        Lack::Stores => observed.stores = Some(read_stores(world, target).await?),
        Lack::Deployments => {
            let since = world.now() - HISTORY_ASKED;
            observed.deployments = Some(read_deployments(world, target, since).await?);
        }
        Lack::Alarms => observed.alarms = Some(read_alarms(world, target).await?),
        Lack::StoppedTasks => {
            let stopped = world.ecs().stopped_tasks(place, cluster, ecs_service).await;
            let (stopped, unread) = stopped.map(|stopped| (stopped, None)).or_else(without)?;
            (observed.stopped, observed.stopped_unread) = (Some(stopped), unread);
        }
        Lack::WayBack(revision) => {
            observed.way_back = Some(way_back(world, target, &revision).await?);
        }
    }
    Ok(())
}

/// No tasks, and why: what is refused, or too much at the moment, does not keep a service from going
/// back.
fn without(error: CallError) -> Result<(Vec<StoppedTask>, Option<String>), CallError> {
    match error.problem {
        CallProblem::Refused | CallProblem::Throttled | CallProblem::LimitReached => {
            warn!(error = error.in_full(), "going on without the stopped tasks");
            Ok((Vec::new(), Some(error.to_string())))
        }
        CallProblem::NoAnswer | CallProblem::Conflict | CallProblem::NoRole => Err(error),
    }
}

async fn read_deployments<W: World>(
    world: &W,
    target: &Target,
    since: Timestamp,
) -> Result<Vec<ServiceDeployment>, CallError> {
    let Target { place, cluster, ecs_service, .. } = target;
    world.ecs().service_deployments(place, cluster, ecs_service, since).await
}

async fn read_alarms<W: World>(
    world: &W,
    target: &Target,
) -> Result<BTreeMap<AlarmName, AlarmState>, CallError> {
    world.alarms().alarm_states(&target.place, &target.verify.alarms).await
}

/// Whether a revision may be deployed, and its image pulled, as far as it is in the repository that
/// the target pulls from.
pub(super) async fn way_back<W: World>(
    world: &W,
    target: &Target,
    revision: &RevisionArn,
) -> Result<WayBack, CallError> {
    let found = world.ecs().task_definition(&target.place, revision.as_str()).await?;
    let Some(found) = found.filter(|found| found.active) else {
        return Ok(WayBack { active: false, image_present: false });
    };
    let ours = target.image_in(&found.document);
    let (registry, repository) = (&target.pulls_from, &target.repository);
    let image_present = match ours {
        Some(ImageReference { digest: Some(digest), .. }) => {
            world.ecr().has_image(registry, repository, &digest).await?
        }
        Some(ImageReference { tag: Some(tag), .. }) => {
            world.ecr().digest_of(registry, repository, &tag).await?.is_some()
        }
        Some(_) | None => true,
    };
    Ok(WayBack { active: true, image_present })
}

/// Looks at what nearly every plan needs, but for the paths, the secrets and the alarms.
pub(super) async fn look<W: World>(
    world: &W,
    target: &Target,
    known: &Known,
    described: Described,
) -> Result<Observation, CallError> {
    let (record, assigned) = (&known.record, known.assigned.as_ref());
    let ecs = world.ecs();
    let seen = record.last_seen.as_ref().filter(|seen| seen.is_in(&target.place));
    let guess = seen.map_or(target.ecs_service.as_str(), RevisionArn::as_str).to_owned();
    let guess = described.revision().map_or(guess, ToString::to_string);
    let asked = described.image_present();
    let goes_on = |assigned: &Assignment| {
        record.deploy.as_ref().is_some_and(|deploy| {
            deploy.is_under_way() && deploy.assignment.release.digest == assigned.release.digest
        })
    };
    let service = async {
        match described {
            Described::Already { service, .. } => Ok(service),
            Described::NotYet => {
                ecs.service(&target.place, &target.cluster, &target.ecs_service).await
            }
        }
    };
    let image_present = async {
        match (asked, assigned) {
            (Some(present), _) => Ok(present),
            (None, None) => Ok(true),
            // It was there when its deploy began, which is all that is looked at now.
            (None, Some(assigned)) if goes_on(assigned) => Ok(true),
            (None, Some(assigned)) => {
                let digest = &assigned.release.digest;
                world.ecr().has_image(&target.pulls_from, &target.repository, digest).await
            }
        }
    };
    let (service, guessed, image_present, registered, deployments) = try_join!(
        service,
        ecs.task_definition(&target.place, &guess),
        image_present,
        registered(world, target, record.deploy.as_ref()),
        deployments(world, target, record.deploy.as_ref()),
    )?;
    let primary = service.as_ref().and_then(|service| service.primary());
    let running = match (primary, guessed) {
        (None, _) => None,
        (Some(primary), Some(guessed)) if guessed.arn == primary.revision => Some(guessed),
        (Some(primary), _) => ecs.task_definition(&target.place, primary.revision.as_str()).await?,
    };
    Ok(Observation {
        service,
        running,
        image_present,
        registered,
        deployments,
        alarms: None,
        stopped: None,
        stopped_unread: None,
        way_back: None,
        stores: None,
        changed: known.changed.clone(),
        hold: known.hold.clone(),
        let_again: known.let_again.clone(),
        lifted_at: known.lifted_at,
        turns: known.turns.clone(),
        rollback: known.rollback.clone(),
    })
}

/// The revision of a deploy whose registration may have happened without our hearing of it. It is
/// the family's latest if it bears the deploy's tag.
async fn registered<W: World>(
    world: &W,
    target: &Target,
    deploy: Option<&Deploy>,
) -> Result<Option<RevisionArn>, CallError> {
    let Some(deploy) = deploy.filter(|deploy| deploy.progress == Progress::Begun) else {
        return Ok(None);
    };
    let latest = world.ecs().task_definition(&target.place, deploy.from.family()).await?;
    let id = deploy.id.to_string();
    Ok(latest.filter(|revision| revision.tags.get(DEPLOY_TAG) == Some(&id)).map(|r| r.arn))
}

/// ECS's history of the service since an unfinished deploy began. It alone says that a deployment
/// was rolled back, and knows those that are over: ECS forgets them elsewhere within minutes, and a
/// message may come again later than that.
async fn deployments<W: World>(
    world: &W,
    target: &Target,
    deploy: Option<&Deploy>,
) -> Result<Option<Vec<ServiceDeployment>>, CallError> {
    let Some(deploy) = deploy.filter(|deploy| !deploy.has_ended()) else { return Ok(None) };
    read_deployments(world, target, deploy.begun_at - CLOCKS_DIFFER_MAX).await.map(Some)
}
