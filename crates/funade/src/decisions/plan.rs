//! What to do next for one target.
//!
//! In: the target, what is assigned to it, its record, what was observed. Out: the record as it
//! should be before the first step, the steps, and a report. Printing it is the dry run.
//!
//! Invariants: a plan holds at most one `UpdateService`, and none for a deploy whose deployment
//! ECS shows; an assignment is tried once; at the fixed point there are no steps and the record
//! stays as it is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::Target;
use crate::decisions::report::{Report, stand};
use crate::decisions::settle::{rebind, settle};
use crate::decisions::wanted;
use crate::facts::ecs::{Controller, EcsService, RolloutState};
use crate::facts::image::ImageReference;
use crate::facts::names::{DeploymentId, RevisionArn, Tag};
use crate::facts::record::{Deploy, DeployId, Ending, Progress, StandingKind, TargetRecord};
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::task_definition::{Document, RELEASE_TAG, Registration, Revision};

/// The first time to look again at something that passes by itself. Soon, since a replica or a
/// small service is often ready within seconds.
const LOOK_AGAIN_MIN: SignedDuration = SignedDuration::from_secs(15);

/// The longest time between two looks: the most by which SQS can delay a message.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html>
const LOOK_AGAIN_MAX: SignedDuration = SignedDuration::from_secs(900);

/// What was seen of a target, within one round of reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The ECS service; `None` where there is none of that name.
    pub service: Option<EcsService>,
    /// The PRIMARY deployment's task definition.
    pub running: Option<Revision>,
    /// Whether the assigned image is in the registry that the target pulls from. `true` where
    /// nothing is assigned.
    pub image_present: bool,
    /// The revision that the unfinished deploy has registered, found by its tag. Only looked for
    /// while the record does not know it.
    pub registered: Option<RevisionArn>,
    /// Whether ECS has begun a deployment of the unfinished deploy's revision since the deploy was
    /// written down, be it over or not. Only looked for while the record does not know it.
    pub deployed_before: bool,
}

/// The decision for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The record as it should be before the first step.
    pub record: TargetRecord,
    /// What to call, in this order.
    pub steps: Vec<Step>,
    /// What was found, or what is begun.
    pub report: Report,
    /// When to look again, if not sooner woken.
    pub look_again: Option<SignedDuration>,
}

/// One call that changes the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `RegisterTaskDefinition`.
    Register(Registration),
    /// `UpdateService` with this revision and nothing else.
    Update(NewRevision),
}

/// The revision that `UpdateService` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewRevision {
    /// The one that the step before has registered.
    JustRegistered,
    /// One that an earlier pass has registered.
    Known(RevisionArn),
}

/// What to do next for one target. Pure: same inputs, same plan.
#[must_use]
pub fn plan(
    target: &Target,
    assigned: Option<&Assignment>,
    record: &TargetRecord,
    observed: &Observation,
    now: Timestamp,
) -> Plan {
    let record = record.clone();
    let draft = match running(target, observed) {
        Err(report) => Draft::report(record, report),
        Ok((service, running)) => {
            let record = rebind(record, assigned);
            let record = settle(record, service, running, observed, assigned, now);
            decide(target, assigned, record, service, running, observed, now)
        }
    };
    draft.finish(assigned, observed, now)
}

/// A plan before its standing is known.
struct Draft {
    record: TargetRecord,
    steps: Vec<Step>,
    report: Report,
}

/// The service and what it runs, or why there is nothing to plan from.
fn running<'a>(
    target: &Target,
    observed: &'a Observation,
) -> Result<(&'a EcsService, &'a Revision), Report> {
    let missing = || Report::ServiceMissing {
        service: target.ecs_service.to_string(),
        cluster: target.cluster.to_string(),
        place: target.place.to_string(),
    };
    let service = observed.service.as_ref().ok_or_else(missing)?;
    match (service.status.as_str(), &service.controller) {
        // A deleted service is still described for a while.
        ("INACTIVE", _) => Err(missing()),
        ("ACTIVE", Controller::Ecs) => {
            let running = observed.running.as_ref().ok_or(Report::NothingRuns)?;
            Ok((service, running))
        }
        ("ACTIVE", Controller::Other(controller)) => {
            Err(Report::OtherController { controller: controller.clone() })
        }
        (status, _) => Err(Report::ServiceNotActive { status: status.to_owned() }),
    }
}

/// What to do, with the last deploy's progress known.
fn decide(
    target: &Target,
    assigned: Option<&Assignment>,
    record: TargetRecord,
    service: &EcsService,
    running: &Revision,
    observed: &Observation,
    now: Timestamp,
) -> Draft {
    let Some(assigned) = assigned else {
        return Draft::report(record, Report::NothingAssigned);
    };
    let last = record.deploy.as_ref().filter(|d| d.assignment.number == assigned.number);
    if let Some(Progress::Updated { deployment, .. }) = last.map(|deploy| &deploy.progress) {
        let report = Report::InProgress {
            deploy: last.expect("matched").id.clone(),
            release: assigned.release.tag.clone(),
            deployment: deployment.clone(),
        };
        return Draft::report(record, report);
    }
    let image = wanted::image(target, &assigned.release.digest);
    let document = match wanted::document(target, &running.document, &image) {
        Ok(document) => document,
        Err(wanted::ContainerMissing { has }) => {
            let report = Report::ContainerMissing {
                container: target.container.clone(),
                revision: running.arn.clone(),
                has,
            };
            return Draft::report(record, report);
        }
    };
    if document == running.document {
        return Draft::report(record, same_document(assigned, running, service));
    }
    if let Some(deployment) = going_back(&record, service) {
        return Draft::report(record, Report::GoesBack { deployment });
    }
    if let Some(report) = stands_against(target, assigned, &record, running, observed, &image) {
        return Draft::report(record, report);
    }
    begin(target, assigned, record, running, document, now)
}

/// The PRIMARY's revision is what we want, whoever brought it. It runs once its deployment has
/// completed; until then ECS may still go back.
fn same_document(assigned: &Assignment, running: &Revision, service: &EcsService) -> Report {
    let primary = service.primary().expect("a running revision is the PRIMARY's");
    let release = assigned.release.tag.clone();
    let deployment = primary.id.clone();
    match primary.rollout {
        RolloutState::Completed => Report::AlreadyRuns { release, revision: running.arn.clone() },
        RolloutState::InProgress => Report::Settling { release, deployment },
        RolloutState::Failed => {
            let reason = primary.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
            Report::GivenUp { release, deployment, reason }
        }
    }
}

/// The deployment by which ECS goes back after a failed deploy. Another one during that time could
/// leave the service with nothing complete to go back to.
fn going_back(record: &TargetRecord, service: &EcsService) -> Option<DeploymentId> {
    let last = record.deploy.as_ref()?;
    let failed = matches!(&last.progress, Progress::Ended { ending: Ending::Failed { .. }, .. });
    let primary = service.primary()?;
    let back = primary.rollout == RolloutState::InProgress && primary.revision == last.from;
    (failed && back).then(|| primary.id.clone())
}

/// Why a deploy that the documents call for does not begin.
fn stands_against(
    target: &Target,
    assigned: &Assignment,
    record: &TargetRecord,
    running: &Revision,
    observed: &Observation,
    image: &ImageReference,
) -> Option<Report> {
    let release = assigned.release.tag.clone();
    let last = record.deploy.as_ref().filter(|deploy| {
        // In another account or region it was another ECS service.
        deploy.assignment.number == assigned.number && deploy.from.is_in(&target.place)
    });
    if let Some(Deploy { id, progress, .. }) = last
        && let Progress::Ended { ending, revision: ours, .. } = progress
    {
        let deploy = id.clone();
        match ending {
            Ending::Failed { reason } => {
                return Some(Report::DeployFailed { deploy, release, reason: reason.clone() });
            }
            Ending::Succeeded if ours.as_ref() != Some(&running.arn) => {
                let revision = running.arn.clone();
                return Some(Report::ChangedOutside { deploy, release, revision });
            }
            // Ours still runs, and the target's configuration has changed; or it was cut off
            // before `UpdateService` by a change from outside. Begin anew.
            Ending::Succeeded | Ending::Superseded => {}
        }
    }
    if assigned.by == AssignedBy::Selection
        && let Some(newer) = newer_running(target, assigned, record, running)
    {
        return Some(Report::RunsNewer { running: newer, assigned: release });
    }
    (!observed.image_present).then(|| Report::ImageNotThere { image: image.to_string() })
}

/// The running release, where it is known and newer than the assigned one.
fn newer_running(
    target: &Target,
    assigned: &Assignment,
    record: &TargetRecord,
    running: &Revision,
) -> Option<Tag> {
    let tag = running_tag(target, record, running)?;
    let rank = target.selection.order(&tag)?;
    let assigned_rank = target.selection.order(&assigned.release.tag)?;
    (rank > assigned_rank).then_some(tag)
}

/// The release that a revision runs, as far as it can be known: from the image's tag, from the
/// deploy that brought its digest, from the tag that we put on the revision.
fn running_tag(target: &Target, record: &TargetRecord, running: &Revision) -> Option<Tag> {
    let image = ImageReference::parse(running.document.image(&target.container)?)?;
    if image.repository != target.repository {
        return None;
    }
    if let Some(tag) = image.tag {
        return Some(tag);
    }
    let last = record.deploy.as_ref().map(|deploy| &deploy.assignment.release);
    if let Some(release) = last
        && Some(&release.digest) == image.digest.as_ref()
    {
        return Some(release.tag.clone());
    }
    Tag::parse(running.tags.get(RELEASE_TAG)?.as_str()).ok()
}

/// Begins a deploy, or goes on with the one that an earlier pass began.
fn begin(
    target: &Target,
    assigned: &Assignment,
    mut record: TargetRecord,
    running: &Revision,
    document: Document,
    now: Timestamp,
) -> Draft {
    let unfinished = record.deploy.take().filter(|deploy| {
        deploy.assignment.number == assigned.number
            && matches!(deploy.progress, Progress::Begun | Progress::Registered { .. })
    });
    let deploy = unfinished.unwrap_or_else(|| {
        record.deploys_begun += 1;
        Deploy {
            id: DeployId { target: target.id.clone(), number: record.deploys_begun },
            assignment: assigned.clone(),
            from: running.arn.clone(),
            begun_at: now,
            progress: Progress::Begun,
        }
    });
    let release = assigned.release.tag.clone();
    let steps = if let Some(revision) = deploy.progress.revision() {
        vec![Step::Update(NewRevision::Known(revision.clone()))]
    } else {
        let tags: &BTreeMap<String, String> = &running.tags;
        let registration =
            wanted::registration(document, tags, release.as_str(), &deploy.id.to_string());
        vec![Step::Register(registration), Step::Update(NewRevision::JustRegistered)]
    };
    let report = Report::Deploys { deploy: deploy.id.clone(), release, from: running.arn.clone() };
    record.deploy = Some(deploy);
    Draft { record, steps, report }
}

impl Draft {
    fn report(record: TargetRecord, report: Report) -> Self {
        Self { record, steps: Vec::new(), report }
    }

    fn finish(
        mut self,
        assigned: Option<&Assignment>,
        observed: &Observation,
        now: Timestamp,
    ) -> Plan {
        if let Some(running) = &observed.running {
            self.record.last_seen = Some(running.arn.clone());
        }
        let number = assigned.map_or(0, |assigned| assigned.number);
        self.record.standing = Some(stand(self.record.standing.take(), &self.report, number, now));
        let since = self.record.standing.as_ref().map_or(now, |standing| standing.since);
        let waits = self.report.kind() == StandingKind::Waiting;
        let look_again = waits.then(|| next_look(now.duration_since(since)));
        Plan { record: self.record, steps: self.steps, report: self.report, look_again }
    }
}

/// How long until the next look at something that has stood like this for a while. Looks are due
/// at fixed times since it began, so that a subject woken by several messages is looked at
/// together again, and has not several series of looks ever after.
fn next_look(stood: SignedDuration) -> SignedDuration {
    let mut due = LOOK_AGAIN_MIN;
    while due <= stood {
        due = if due < LOOK_AGAIN_MAX { due * 2 } else { due + LOOK_AGAIN_MAX };
    }
    (due - stood).min(LOOK_AGAIN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_due_at_fixed_times() {
        let due_after = |stood| {
            let next = next_look(SignedDuration::from_secs(stood));
            stood + next.as_secs()
        };
        for (stood, due) in [(0, 15), (1, 15), (14, 15), (15, 30), (16, 30), (59, 60), (480, 960)] {
            assert_eq!(due_after(stood), due, "after {stood} s");
        }
        for stood in 0..10_000 {
            let next = next_look(SignedDuration::from_secs(stood));
            assert!(next.is_positive() && next <= LOOK_AGAIN_MAX, "after {stood} s: {next}");
        }
    }
}
