//! What to do next for one target.
//!
//! In: the target, what is assigned to it, its record, what was observed. Out: the record as it
//! should be before the first step, the steps, and a report. Printing it is the dry run.
//!
//! Invariants: a plan holds at most one `UpdateService`, and none for a deploy whose deployment
//! ECS shows; an assignment with its variables is tried once; at the fixed point there are no
//! steps and the record stays as it is.

use jiff::{SignedDuration, Timestamp};

use crate::config::Target;
use crate::decisions::progress::ended;
use crate::decisions::report::{Report, stand};
use crate::decisions::restraint::{Case, is_quiet, quiet_period};
use crate::decisions::settle::{rebind, settle};
use crate::decisions::wanted::{self, Unusable, Wanted};
use crate::facts::configuration::Configuration;
use crate::facts::ecs::{Controller, EcsService, RolloutState};
use crate::facts::hold::Hold;
use crate::facts::names::RevisionArn;
use crate::facts::parameter::{Change, Stores};
use crate::facts::record::{
    Deploy, DeployId, Ending, Progress, StandingKind, TargetRecord, Turn, TurnsForTarget,
};
use crate::facts::release::Assignment;
use crate::facts::subject::WAKE_DELAY_MAX;
use crate::facts::task_definition::{Registration, Revision};

/// The first time to look again at something that passes by itself. Soon, since a replica or a
/// small service is often ready within seconds.
const LOOK_AGAIN_MIN: SignedDuration = SignedDuration::from_secs(15);

/// The longest time between two looks.
const LOOK_AGAIN_MAX: SignedDuration = WAKE_DELAY_MAX;

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
    /// All that the target's paths and secrets hold; `None` where [`needs_stores`] says so.
    pub stores: Option<Stores>,
    /// The last change of something that the target reads, as far as we were told.
    pub changed: Option<Change>,
    /// The hold that stands on the target or its service.
    pub hold: Option<Hold>,
    /// The turns in which a change that many targets share is taken up, if any are being given.
    pub turns: Option<TurnsForTarget>,
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
    /// What should run and how it differs from what does, as far as it came to that: for whoever
    /// asks.
    pub wanted: Option<Wanted>,
    /// When to look again, if not sooner woken.
    pub look_again: Option<SignedDuration>,
    /// Whether the target's service is to be woken: it asks for a turn, or has had it.
    pub wake_service: bool,
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
        Err(report) => Draft::report(record, *report),
        Ok((service, running)) => {
            let record = rebind(record, assigned);
            let record = settle(record, service, running, observed, assigned, now);
            decide(target, assigned, record, service, running, observed, now)
        }
    };
    draft.finish(target, assigned, observed, now)
}

/// Whether a plan from this observation needs what the target's paths and secrets hold: not while
/// nothing is assigned, nor while our deployment goes on. Parameter Store's rate is shared with
/// the tasks that start: <https://docs.aws.amazon.com/general/latest/gr/ssm.html>.
#[must_use]
pub fn needs_stores(
    target: &Target,
    assigned: Option<&Assignment>,
    record: &TargetRecord,
    observed: &Observation,
    now: Timestamp,
) -> bool {
    let (Some(assigned), Ok((service, running))) = (assigned, running(target, observed)) else {
        return false;
    };
    let record = rebind(record.clone(), Some(assigned));
    let record = settle(record, service, running, observed, Some(assigned), now);
    in_progress(&record, assigned).is_none()
}

/// Our deployment for this assignment, while it goes on.
fn in_progress(record: &TargetRecord, assigned: &Assignment) -> Option<Report> {
    let deploy = record.deploy.as_ref().filter(|d| d.assignment.number == assigned.number)?;
    let Progress::Updated { deployment, .. } = &deploy.progress else { return None };
    Some(Report::InProgress {
        deploy: deploy.id.clone(),
        release: assigned.release.tag.clone(),
        deployment: deployment.clone(),
    })
}

/// A plan before its standing is known.
struct Draft {
    record: TargetRecord,
    steps: Vec<Step>,
    report: Report,
    wanted: Option<Wanted>,
}

/// The service and what it runs, or why there is nothing to plan from.
fn running<'a>(
    target: &Target,
    observed: &'a Observation,
) -> Result<(&'a EcsService, &'a Revision), Box<Report>> {
    let missing = || {
        Box::new(Report::ServiceMissing {
            service: target.ecs_service.to_string(),
            cluster: target.cluster.to_string(),
            place: target.place.to_string(),
        })
    };
    let service = observed.service.as_ref().ok_or_else(missing)?;
    match (service.status.as_str(), &service.controller) {
        // A deleted service is still described for a while.
        ("INACTIVE", _) => Err(missing()),
        ("ACTIVE", Controller::Ecs) => {
            let running = observed.running.as_ref().ok_or(Box::new(Report::NothingRuns))?;
            Ok((service, running))
        }
        ("ACTIVE", Controller::Other(controller)) => {
            Err(Box::new(Report::OtherController { controller: controller.clone() }))
        }
        (status, _) => Err(Box::new(Report::ServiceNotActive { status: status.to_owned() })),
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
    if let Some(report) = in_progress(&record, assigned) {
        return Draft::report(record, report);
    }
    let image = wanted::image(target, &assigned.release.digest);
    let stores = observed.stores.as_ref().expect("they are read unless our deployment goes on");
    let wanted = match wanted::wanted(target, &running.document, &image, stores) {
        Ok(wanted) => wanted,
        Err(unusable) => {
            let report = cannot_be_written(target, running, unusable);
            // It may be so only because somebody is in the middle of changing it.
            let quiet = quiet_period(target, assigned, &record, observed, now);
            return Draft::report(record, quiet.unwrap_or(report));
        }
    };
    if !wanted.is_new() {
        let record = abandoned(record, now);
        return Draft::report(record, same_document(assigned, running, service)).of(wanted);
    }
    let (before, image) = (&record, &image);
    let case = Case {
        target,
        assigned,
        record: before,
        service,
        running,
        observed,
        image,
        wanted: &wanted,
        now,
    };
    if let Some(report) = case.restraint() {
        return Draft::report(record, report).of(wanted);
    }
    begin(target, assigned, record, running, observed, wanted, now)
}

/// Ends a deploy that has come no further than a registered revision, and that nobody wants any
/// more: what it should change is so already.
fn abandoned(record: TargetRecord, now: Timestamp) -> TargetRecord {
    let deploy = record.deploy.as_ref();
    let unfinished = deploy.is_some_and(|deploy| {
        matches!(deploy.progress, Progress::Begun | Progress::Registered { .. })
    });
    if unfinished { ended(record, Ending::Superseded, now) } else { record }
}

fn cannot_be_written(target: &Target, running: &Revision, unusable: Unusable) -> Report {
    match unusable {
        Unusable::ContainerMissing { has } => Report::ContainerMissing {
            container: target.container.clone(),
            revision: running.arn.clone(),
            has,
        },
        Unusable::Configuration(problems) => Report::ConfigurationUnusable { problems },
    }
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

/// Begins a deploy, or goes on with the one that an earlier pass began.
fn begin(
    target: &Target,
    assigned: &Assignment,
    mut record: TargetRecord,
    running: &Revision,
    observed: &Observation,
    wanted: Wanted,
    now: Timestamp,
) -> Draft {
    let changed = observed.changed.as_ref().filter(|_| !wanted.new_image);
    let cause = changed.map_or(&assigned.release.cause, |change| &change.cause);
    // One whose revision has other variables was made for what is not wanted any more.
    let unfinished = record.deploy.take().filter(|deploy| {
        let goes_on = match deploy.progress {
            Progress::Begun => true,
            Progress::Registered { .. } => deploy.fingerprint == wanted.fingerprint,
            Progress::Updated { .. } | Progress::Ended { .. } => false,
        };
        goes_on && deploy.assignment.number == assigned.number
    });
    let mut deploy = unfinished.unwrap_or_else(|| {
        record.deploys_begun += 1;
        Deploy {
            id: DeployId { target: target.id.clone(), number: record.deploys_begun },
            assignment: assigned.clone(),
            from: running.arn.clone(),
            cause: cause.clone(),
            configuration: Configuration::default(),
            fingerprint: String::new(),
            begun_at: now,
            progress: Progress::Begun,
        }
    });
    let release = assigned.release.tag.clone();
    let report = Report::Deploys {
        deploy: deploy.id.clone(),
        release: release.clone(),
        new_image: wanted.new_image,
        variables: wanted.changes.iter().map(|change| change.variable.clone()).collect(),
        from: running.arn.clone(),
    };
    let steps = if let Some(revision) = deploy.progress.revision() {
        vec![Step::Update(NewRevision::Known(revision.clone()))]
    } else {
        // Also of one that was begun before: what is registered is what was read now.
        deploy.configuration = wanted.configuration.clone();
        deploy.fingerprint.clone_from(&wanted.fingerprint);
        let (id, tags) = (deploy.id.to_string(), &running.tags);
        let document = wanted.document.clone();
        let registration = wanted::registration(document, tags, release.as_str(), &id);
        vec![Step::Register(registration), Step::Update(NewRevision::JustRegistered)]
    };
    record.deploy = Some(deploy);
    Draft { record, steps, report, wanted: Some(wanted) }
}

impl Draft {
    fn report(record: TargetRecord, report: Report) -> Self {
        Self { record, steps: Vec::new(), report, wanted: None }
    }

    fn of(self, wanted: Wanted) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    fn finish(
        mut self,
        target: &Target,
        assigned: Option<&Assignment>,
        observed: &Observation,
        now: Timestamp,
    ) -> Plan {
        if let Some(running) = &observed.running {
            self.record.last_seen = Some(running.arn.clone());
        }
        let number = assigned.map_or(0, |assigned| assigned.number);
        let wake_service = self.take_turn(observed.turns.as_ref());
        let held = self.record.quiet_since.take();
        self.record.quiet_since = if matches!(self.report, Report::QuietPeriod { .. }) {
            held.or(Some(now))
        } else {
            // Something else keeps it for the moment; but a deploy that begins has had its wait.
            held.filter(|_| self.steps.is_empty() && is_quiet(target, observed, now))
        };
        self.record.standing = Some(stand(self.record.standing.take(), &self.report, number, now));
        let since = self.record.standing.as_ref().map_or(now, |standing| standing.since);
        let look_again = next_look_after(&self.report, now.duration_since(since));
        let look_again = look_again.map(within_max);
        let Self { record, steps, report, wanted } = self;
        Plan { record, steps, report, wanted, look_again, wake_service }
    }

    /// Notes that the target has had its turn, and says whether its service should hear of
    /// something. It is woken until it knows: a target that was cut off is woken again.
    fn take_turn(&mut self, turns: Option<&TurnsForTarget>) -> bool {
        let awaits = matches!(self.report, Report::AwaitsTurn { .. });
        // Who is to come in turns that are being given need not ask.
        let Some(turns) = turns else { return awaits };
        // Who is held lets the others pass, and asks again once it is not.
        let held = matches!(self.report, Report::Held { .. });
        let kind = if held { StandingKind::Settled } else { self.report.kind() };
        match (kind, turns.turn) {
            (StandingKind::Settled, Some(_)) => {
                self.record.had_turn = turns.number;
                true
            }
            (StandingKind::Blocked, Some(Turn::Given)) => true,
            (_, _) => awaits && turns.had,
        }
    }
}

fn within_max(delay: SignedDuration) -> SignedDuration {
    delay.min(LOOK_AGAIN_MAX)
}

/// How long until the next look; `None` if nothing but an event or a person can change anything.
fn next_look_after(report: &Report, stood: SignedDuration) -> Option<SignedDuration> {
    if let Report::QuietPeriod { left, .. } = report {
        return Some(*left);
    }
    if let Report::Held { left, .. } = report {
        return *left;
    }
    // Whose turn comes is woken by its service; this is for a wake that was lost. And a role or a
    // container is given to a service without any event that we hear of.
    if matches!(report, Report::AwaitsTurn { .. } | Report::ConfigurationUnusable { .. }) {
        return Some(next_rare_look(stood));
    }
    (report.kind() == StandingKind::Waiting).then(|| next_look(stood))
}

/// The same for what seldom changes by itself: due every quarter of an hour.
pub(crate) fn next_rare_look(stood: SignedDuration) -> SignedDuration {
    let period = LOOK_AGAIN_MAX.as_secs();
    SignedDuration::from_secs(period - stood.as_secs().rem_euclid(period))
}

/// How long until the next look at something that has stood like this for a while. Looks are due
/// at fixed times since it began, so that a subject woken by several messages is looked at
/// together again, and has not several series of looks ever after.
fn next_look(stood: SignedDuration) -> SignedDuration {
    let mut due = LOOK_AGAIN_MIN;
    while due <= stood {
        due = if due < LOOK_AGAIN_MAX { due * 2 } else { due + LOOK_AGAIN_MAX };
    }
    due - stood
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
            let next = within_max(next_look(SignedDuration::from_secs(stood)));
            assert!(next.is_positive() && next <= LOOK_AGAIN_MAX, "after {stood} s: {next}");
        }
    }
}
