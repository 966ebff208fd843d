//! What a sweep finds in one target.
//!
//! In: the target, what was observed of it and of the revision that a rollback would bring back, and
//! the plan that a pass would make. Out: findings, each with a sentence and a next step. A target
//! that is as it should be has none; what a pass puts right by itself is one of them only where a
//! pass should long have done it.

mod health;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

pub use self::health::hints_at_stops;
use self::health::{stalled, unhealthy};
use crate::config::{Reaction, Target};
use crate::decisions::differences::{Side, VariableChange};
use crate::decisions::observation::{Observation, Seen};
use crate::decisions::plan::{Plan, Step};
use crate::decisions::problem::list;
use crate::decisions::report::{CALL_REFUSED, Report};
use crate::decisions::restraint::running_tag;
use crate::facts::configuration::Source;
use crate::facts::deploy::{Ending, Progress};
use crate::facts::finding::{About, Finding, FindingKind};
use crate::facts::image::ImageReference;
use crate::facts::names::{EnvironmentName, RevisionArn, TargetId};
use crate::facts::parameter::Stores;
use crate::facts::record::TargetRecord;
use crate::facts::release::Assignment;
use crate::facts::task_definition::{DEPLOY_TAG, Revision};

/// How long a target has to take up what it may: its wake, a retry, a busy queue.
const TAKEN_UP_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// All that a sweep knows of a target.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The target.
    pub target: &'a Target,
    /// What it should run.
    pub assigned: Option<&'a Assignment>,
    /// Its record.
    pub record: &'a TargetRecord,
    /// What was observed.
    pub observed: &'a Observation,
    /// What a pass would do.
    pub plan: &'a Plan,
    /// Whether the running image can be pulled still; `None` if it is not of the target's
    /// repository.
    pub running_image: Option<bool>,
    /// What a rollback would bring back.
    pub way_back: Option<&'a WayBackLook>,
    /// The time.
    pub now: Timestamp,
}

/// The revision that served last and was found good, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct WayBackLook {
    /// Which.
    pub revision: RevisionArn,
    /// What it says; `None` where it is gone or deregistered.
    pub found: Option<Revision>,
    /// Whether its image can be pulled still; `true` where that is not ours to know.
    pub image_present: bool,
}

/// What is found in one target.
#[must_use]
pub fn findings(looked: &Looked<'_>) -> Vec<Finding> {
    let planned = from_plan(looked);
    let told = planned.as_ref().is_some_and(|(kind, ..)| *kind == FindingKind::Stuck);
    let found = [
        planned,
        stalled(looked).filter(|_| !told),
        unhealthy(looked),
        image_gone(looked),
        no_way_back(looked),
        no_brake(looked),
        mutable_tag(looked),
    ];
    let about = About::Target(looked.target.id.clone());
    let finding = |(kind, sentence, next): Found| {
        Finding::new(about.clone(), kind, (sentence, next), looked.now)
    };
    found.into_iter().flatten().map(finding).collect()
}

/// What is found where AWS refuses to let a target be looked at.
#[must_use]
pub fn refused(target: &TargetId, error: String, now: Timestamp) -> Finding {
    let sentence = Report::CallRefused { error }.to_string();
    let next = give_the_right(target);
    Finding::new(About::Target(target.clone()), FindingKind::Blocked, (sentence, next), now)
}

fn give_the_right(target: &TargetId) -> String {
    format!("give Funade's role the right; funade explain {target}")
}

/// A finding before it is known whom it is about: its kind, sentence and next step.
type Found = (FindingKind, String, String);

/// What the plan shows: it would deploy, though it should have long ago, or it cannot.
fn from_plan(looked: &Looked<'_>) -> Option<Found> {
    let Looked { target, assigned, plan, now, .. } = *looked;
    let id = &target.id;
    let sentence = || plan.report.to_string();
    if would_deploy(plan) {
        if let Some(refused) = was_refused(looked) {
            return Some(refused);
        }
        return (is_overdue(looked) && !has_turn(looked)).then(|| not_deployed(looked)).flatten();
    }
    match &plan.report {
        Report::ChangedOutside { .. } | Report::RunsNewer { .. } => Some(changed_by_hand(looked)),
        Report::ConfigurationDiffers { .. } => {
            let tells = matches!(target.on_parameter_change, Reaction::Notify(_));
            let next = format!("funade deploy {} --tag {}", id.service, tag(assigned));
            let sentence = other_variables(looked).filter(|_| tells && is_overdue(looked));
            sentence.map(|sentence| (FindingKind::StaleConfiguration, sentence, next))
        }
        Report::AwaitsTurn { failed, .. } => {
            let sentence = other_variables(looked).filter(|_| no_turn_comes(looked))?;
            is_overdue(looked).then(|| not_its_turn(target, sentence, failed))
        }
        Report::Stuck { .. } | Report::GivenUp { .. } => {
            let next = format!(
                "look at its tasks; then funade deploy {} --tag {}",
                id.service,
                tag(assigned)
            );
            Some((FindingKind::Stuck, sentence(), next))
        }
        Report::InProgress { .. } | Report::Verifying { .. } | Report::RollsBack { .. } => {
            let is_over = |due: Timestamp| now.duration_since(due) >= TAKEN_UP_WITHIN;
            let next = format!("look at the logs of the function deploy; funade explain {id}");
            let sentence = format!("{}, and its time was over long ago", sentence());
            looked.record.due.is_some_and(is_over).then_some((FindingKind::Stuck, sentence, next))
        }
        Report::ServiceMissing { .. }
        | Report::ServiceNotActive { .. }
        | Report::OtherController { .. }
        | Report::NothingRuns
        | Report::ContainerMissing { .. }
        | Report::ConfigurationUnusable { .. }
        | Report::AlarmRaised { .. }
        | Report::AlarmMissing { .. }
        | Report::CallRefused { .. } => {
            Some((FindingKind::Blocked, sentence(), format!("funade explain {id}")))
        }
        // They were told when they ended, or are what a person wants, or pass by themselves.
        Report::DeployFailed { .. }
        | Report::RolledBack { .. }
        | Report::Held { .. }
        | Report::NothingAssigned
        | Report::AlreadyRuns { .. }
        | Report::Settling { .. }
        | Report::GoesBack { .. }
        | Report::ImageNotThere { .. }
        | Report::QuietPeriod { .. }
        | Report::Deploys { .. }
        | Report::Starts { .. }
        | Report::ServiceBusy { .. }
        | Report::LimitReached { .. } => None,
    }
}

/// What its own pass was refused for what is assigned: it is not put right by itself.
fn was_refused(looked: &Looked<'_>) -> Option<Found> {
    let assigned = looked.assigned.map(|assigned| assigned.number);
    let standing = looked.record.standing.as_ref().filter(|standing| {
        standing.code == CALL_REFUSED && Some(standing.assignment) == assigned
    })?;
    let next = give_the_right(&looked.target.id);
    Some((FindingKind::Blocked, standing.sentence.clone(), next))
}

fn tag(assigned: Option<&Assignment>) -> String {
    assigned.map_or_else(|| "…".to_owned(), |assigned| assigned.release.tag.to_string())
}

fn would_deploy(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| matches!(step, Step::Register(_) | Step::Update(_)))
}

/// Whether it should long have taken up what it may: since that was assigned to it or written, and
/// since nothing has stood against it any more, be it a hold or a quiet period.
fn is_overdue(looked: &Looked<'_>) -> bool {
    let Looked { assigned, record, observed, now, .. } = *looked;
    let since = [
        assigned.map(|assigned| assigned.at),
        observed.lifted_at,
        // What was waited for is over; the same sweep wakes it for that.
        record.due.filter(|due| *due <= now),
        quiet_since(looked),
    ];
    let since = since.into_iter().flatten().max();
    since.is_none_or(|since| now.duration_since(since) >= TAKEN_UP_WITHIN)
}

/// Whether the variables that a deploy would bring were written within their quiet period, as the
/// store says: no event needs to have told of them. Whoever writes may not be done.
#[must_use]
pub fn is_being_written(looked: &Looked<'_>) -> bool {
    quiet_since(looked).is_some_and(|since| since > looked.now)
}

/// The end of the quiet period after the last write of what has changed. It is known of parameters;
/// not of secrets, nor of what was deleted. A new image does not wait for what nobody told of.
fn quiet_since(looked: &Looked<'_>) -> Option<Timestamp> {
    let Looked { target, observed, plan, .. } = *looked;
    let wanted = plan.wanted.as_ref().filter(|wanted| !wanted.new_image)?;
    let stores = observed.stores.as_ref()?;
    let names = wanted.changes.iter().filter_map(|change| {
        match change.after.as_ref()?.source.as_ref()? {
            Source::Parameter { name, .. } => Some(name),
            Source::Secret { .. } => None,
        }
    });
    let held = names.filter_map(|name| stores.paths.values().find_map(|held| held.get(name)));
    let written_at = held.map(|parameter| parameter.written_at).max()?;
    let quiet = target.on_parameter_change.quiet();
    Some(quiet.map_or(written_at, |quiet| written_at + quiet.0))
}

/// The finding that a pass would put right by having something deployed: at once, or by asking its
/// service for turns. `None` where it would not, or where the service has given it its turn.
#[must_use]
pub fn puts_right(looked: &Looked<'_>) -> Option<FindingKind> {
    let Looked { target, plan, .. } = *looked;
    if !would_deploy(plan) {
        return no_turn_comes(looked).then_some(FindingKind::StaleConfiguration);
    }
    let wanted = plan.wanted.as_ref()?;
    if target.overwrites_changes && changed_since(looked) {
        return Some(FindingKind::ChangedByHand);
    }
    if wanted.new_image {
        return Some(FindingKind::Behind);
    }
    let stale = !wanted.changes.is_empty() && !has_turn(looked);
    stale.then_some(FindingKind::StaleConfiguration)
}

/// It waits for its turn, and none are being given, or somebody has failed in theirs.
fn no_turn_comes(looked: &Looked<'_>) -> bool {
    let turns = looked.observed.turns.as_ref();
    matches!(looked.plan.report, Report::AwaitsTurn { .. })
        && turns.is_none_or(|turns| !turns.failed.is_empty())
}

/// Its service has let it take up what it shares with others, and has woken it for that.
fn has_turn(looked: &Looked<'_>) -> bool {
    let turns = looked.observed.turns.as_ref();
    only_shared(looked) && turns.is_some_and(|turns| turns.turn.is_some())
}

fn not_its_turn(target: &Target, sentence: String, failed: &[EnvironmentName]) -> Found {
    let (id, kind) = (&target.id, FindingKind::StaleConfiguration);
    let Some(first) = failed.first() else {
        let next = format!("its service gives turns once it is asked; funade explain {id}");
        return (kind, sentence, next);
    };
    let sentence =
        format!("{sentence}; it waits for its turn, and {} failed in theirs", list(failed));
    let next =
        format!("funade explain {first}/{}; its service goes on once that is mended", id.service);
    (kind, sentence, next)
}

/// Whether only variables differ that many targets have in common.
fn only_shared(looked: &Looked<'_>) -> bool {
    let wanted = looked.plan.wanted.as_ref().filter(|wanted| !wanted.new_image);
    wanted.is_some_and(|wanted| wanted.changes.iter().all(|c| c.is_shared(looked.target)))
}

/// A pass would deploy, and nothing has begun it: whoever should have woken the target did not.
fn not_deployed(looked: &Looked<'_>) -> Option<Found> {
    let Looked { target, plan, .. } = *looked;
    let wanted = plan.wanted.as_ref()?;
    let (id, assigned) = (&target.id, tag(looked.assigned));
    if target.overwrites_changes && changed_since(looked) {
        return Some(changed_by_hand(looked));
    }
    let next = format!("it is put right by itself; if it stays so: funade explain {id}");
    if wanted.new_image {
        let sentence = format!("{assigned} is assigned to it, and it still runs {}", runs(looked));
        return Some((FindingKind::Behind, sentence, next));
    }
    Some((FindingKind::StaleConfiguration, other_variables(looked)?, next))
}

/// What runs: its release, where that is known, or else its revision.
fn runs(looked: &Looked<'_>) -> String {
    let Looked { target, assigned, record, observed, now, .. } = *looked;
    let (Some(service), Some(running)) = (&observed.service, &observed.running) else {
        return "what it ran before".to_owned();
    };
    let seen = Seen { target, assigned, service, running, observed, now };
    let tag = running_tag(&seen, record).map(|tag| tag.to_string());
    tag.unwrap_or_else(|| running.arn.short().to_owned())
}

/// The variables that differ from what is stored, as a sentence; `None` if none does.
fn other_variables(looked: &Looked<'_>) -> Option<String> {
    let changes: Vec<String> = looked.plan.wanted.as_ref()?.changes.iter().map(versions).collect();
    let (assigned, differ) = (tag(looked.assigned), !changes.is_empty());
    differ.then(|| {
        format!("it runs {assigned} with other variables than are stored: {}", list(&changes))
    })
}

/// A variable with the version that it runs with and the one that is stored.
fn versions(change: &VariableChange) -> String {
    let version = |side: &Option<Side>| Some(side.as_ref()?.source.as_ref()?.version());
    match (version(&change.before), version(&change.after)) {
        (Some(before), Some(after)) => {
            format!("{} (runs version {before}, the store has {after})", change.variable)
        }
        (None, Some(after)) => format!("{} (new, version {after})", change.variable),
        (_, None) => format!("{} (is stored no more)", change.variable),
    }
}

/// Whether something else runs than what the last deploy left: the revision that it brought, where
/// it succeeded; the one that it was rolled back to. What took its place before it ended was brought
/// by somebody else. Nothing is known of one that failed and may have gone back since.
fn changed_since(looked: &Looked<'_>) -> bool {
    let Some(running) = looked.observed.running.as_ref().map(|running| &running.arn) else {
        return false;
    };
    let Some(deploy) = &looked.record.deploy else { return false };
    let Progress::Ended { revision, ending, .. } = &deploy.progress else { return false };
    match ending {
        Ending::Succeeded | Ending::Replaced { .. } => revision.as_ref() != Some(running),
        Ending::RolledBack { to, .. } => to != running,
        Ending::Failed { .. } | Ending::Superseded => false,
    }
}

/// Somebody deployed something else. Who, the revision tells, where it is a new one.
fn changed_by_hand(looked: &Looked<'_>) -> Found {
    let Looked { target, observed, plan, .. } = *looked;
    // An older revision of ours that somebody put back tells nothing of who that was. But one that
    // bears the last deploy's tag is a copy of what that brought: it is not what it registered.
    let last = looked.record.deploy.as_ref().map(|deploy| deploy.id.to_string());
    let running_now = observed.running.as_ref();
    let running = observed.running.as_ref().filter(|running| {
        let tagged = running.tags.get(DEPLOY_TAG);
        tagged.is_none() || tagged == last.as_ref()
    });
    let by = running.and_then(|running| running.registered_by.as_deref());
    let by = by.map_or_else(String::new, |arn| format!(" ({arn} registered what runs)"));
    let (service, id) = (&target.id.service, &target.id);
    let next = format!(
        "funade deploy {service} --tag {} brings the assigned release back; funade hold {id} \
         --reason … leaves it as it is",
        tag(looked.assigned)
    );
    let what = match (&plan.report, running_now) {
        (Report::RunsNewer { .. }, _) | (_, None) => plan.report.to_string(),
        (_, Some(running)) => {
            format!("{} was put in the place of what Funade brought", running.arn.short())
        }
    };
    (FindingKind::ChangedByHand, format!("{what}{by}"), next)
}

fn image_gone(looked: &Looked<'_>) -> Option<Found> {
    if looked.running_image != Some(false) {
        return None;
    }
    let running = looked.observed.running.as_ref()?;
    let image = running.document.image(&looked.target.container)?;
    let sentence = format!(
        "the registry has {image} no more, which runs: a task that stops does not come back"
    );
    let next = "push it again, or deploy another release; see that the repository's lifecycle \
                policy spares what runs";
    Some((FindingKind::ImageGone, sentence, next.to_owned()))
}

fn no_way_back(looked: &Looked<'_>) -> Option<Found> {
    let way_back = looked.way_back?;
    let short = way_back.revision.short();
    let Some(found) = way_back.found.as_ref().filter(|found| found.active) else {
        let sentence = format!("a rollback would bring {short} back, which is deregistered");
        let next = "deploy a release, and let revisions be: ECS deploys none that is deregistered";
        return Some((FindingKind::NoWayBack, sentence, next.to_owned()));
    };
    // The image that runs has a finding of its own.
    let runs = looked.observed.running.as_ref().is_some_and(|running| running.arn == found.arn);
    if !way_back.image_present && !runs {
        let sentence = format!("a rollback would bring {short} back, whose image is gone");
        let next = "see that the repository's lifecycle policy keeps what may be gone back to";
        return Some((FindingKind::NoWayBack, sentence, next.to_owned()));
    }
    let missing = unresolved(found, looked.observed.stores.as_ref()?);
    (!missing.is_empty()).then(|| {
        let missing = list(&missing);
        let sentence =
            format!("a rollback would bring {short} back, whose tasks could not read {missing}");
        let next = "write what is missing again, or deploy a release that does without it";
        (FindingKind::NoWayBack, sentence, next.to_owned())
    })
}

/// The secrets that a revision's tasks would read and that are not there. Only of those that Funade
/// has written into it, and that the target reads still.
fn unresolved(revision: &Revision, stores: &Stores) -> Vec<String> {
    let configuration = revision.document.configuration().0;
    let sources = configuration.values().flat_map(BTreeMap::values);
    let missing = sources.filter(|source| match source {
        Source::Parameter { written_at: None, .. } => false,
        Source::Parameter { name, .. } => {
            let mut paths = stores.paths.iter().filter(|(path, _)| path.below(name).is_some());
            paths.next().is_some_and(|(_, held)| !held.contains_key(name))
        }
        Source::Secret { name, .. } => stores.secrets.get(name).is_some_and(Option::is_none),
    });
    missing.map(ToString::to_string).collect()
}

fn no_brake(looked: &Looked<'_>) -> Option<Found> {
    let service = looked.observed.service.as_ref()?;
    let none = !service.has_brake && looked.target.verify.alarms.is_empty();
    none.then(|| {
        let sentence = "its ECS service has neither a circuit breaker nor alarms, and `verify` \
                        names none: a bad deployment goes on until its deadline";
        let next = "turn on deploymentCircuitBreaker with rollback, or name alarms in `verify`";
        (FindingKind::NoBrake, sentence.to_owned(), next.to_owned())
    })
}

/// Another container whose image may be another tomorrow. Ours is always pinned.
fn mutable_tag(looked: &Looked<'_>) -> Option<Found> {
    let running = looked.observed.running.as_ref()?;
    let others = running.document.images();
    let loose: Vec<String> = others
        .filter(|(name, _)| *name != looked.target.container.as_str())
        .filter(|(_, image)| ImageReference::parse(image).is_none_or(|i| i.digest.is_none()))
        .filter(|(_, image)| !image.contains('@'))
        .map(|(name, image)| format!("{name} ({image})"))
        .collect();
    (!loose.is_empty()).then(|| {
        let sentence =
            format!("{} runs by a tag that may be moved: two tasks may differ", list(&loose));
        let next = "name it by its digest in the task definition, or make its tags immutable";
        (FindingKind::MutableTag, sentence, next.to_owned())
    })
}
