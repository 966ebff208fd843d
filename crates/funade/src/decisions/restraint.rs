//! Why a deploy that the documents call for does not begin, or not yet.

use jiff::{SignedDuration, Timestamp};

use crate::config::{Reaction, Target};
use crate::decisions::hold::{hold_after_rollback, tried};
use crate::decisions::observation::{Lack, Observation, Seen};
use crate::decisions::report::Report;
use crate::decisions::wanted::Wanted;
use crate::facts::configuration::{Configuration, Source};
use crate::facts::deploy::{Deploy, Ending, Progress};
use crate::facts::ecs::{RolloutState, ServiceDeploymentStatus};
use crate::facts::image::ImageReference;
use crate::facts::names::{AlarmName, Tag};
use crate::facts::record::TargetRecord;
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::task_definition::{RELEASE_TAG, VariableValue};

/// How many quiet periods a deploy waits at most while its parameters are changed again and again:
/// whoever writes one every minute has no quiet to wait for.
const QUIET_PERIODS_MAX: i32 = 10;

/// How many deployments ECS lets a service have at once that are not over: another is refused with
/// "5 active deployments exist, unable to create new deployment".
/// <https://github.com/aws/containers-roadmap/issues/2836>
const DEPLOYMENTS_MAX: usize = 5;

/// How many attempts at a release may fail in a row before other variables are no reason for one
/// more. Who mends a variable gets it right by then; who has it written all night does not.
const MENDED_ATTEMPTS_MAX: u32 = 5;

/// All that is known of a target whose documents call for a deploy.
pub(super) struct Case<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) assigned: &'a Assignment,
    pub(super) record: &'a TargetRecord,
    pub(super) image: &'a ImageReference,
    pub(super) wanted: &'a Wanted,
}

impl Case<'_> {
    /// What stands against the deploy; `None` if nothing does. What needs a person comes before
    /// what passes by itself.
    pub(super) fn restraint(&self) -> Result<Option<Report>, Lack> {
        let reports = [Self::tried_before, Self::told_only, Self::runs_newer, Self::held];
        if let Some(report) = reports.iter().find_map(|report| report(self)) {
            return Ok(Some(report));
        }
        if let Some(report) = self.going_back()? {
            return Ok(Some(report));
        }
        if let Some(report) = self.alarmed()? {
            return Ok(Some(report));
        }
        let reports =
            [Self::image_not_there, Self::quiet_period, Self::awaits_turn, Self::too_many];
        Ok(reports.iter().find_map(|report| report(self)))
    }

    /// A deployment by which the service goes back after another that failed, whoever began that.
    /// One more during that time could leave it with nothing complete to go back to. But what goes
    /// back for longer than a deployment may take never arrives, and is no reason to wait.
    fn going_back(&self) -> Result<Option<Report>, Lack> {
        let Seen { service, now, .. } = self.seen;
        let primary = self.seen.primary();
        if primary.rollout != RolloutState::InProgress {
            return Ok(None);
        }
        let newest = self.seen.history()?.first();
        // Where there is no history, ECS says it in words, as in "ECS deployment circuit breaker:
        // rolling back to deploymentId …".
        let words = primary.reason.as_deref().unwrap_or_default().to_lowercase();
        let rolls_back = ["rolling back", "rolled back", "rollback"]
            .iter()
            .any(|w| words.contains(w))
            || newest.is_some_and(|newest| newest.status == ServiceDeploymentStatus::RollingBack);
        let last = self.record.deploy.as_ref();
        // What the last deploy has brought may be replaced while it goes on, whatever failed before
        // it; unless ECS is on its way back to it.
        let ours = last.is_some_and(|last| last.is_what_runs(&primary.revision));
        let ours_failed = last.is_some_and(|last| {
            matches!(&last.progress, Progress::Ended { ending: Ending::Failed { .. }, .. })
        });
        let one_failed = service.deployments.iter().any(|d| d.rollout == RolloutState::Failed);
        let goes_back = rolls_back || (!ours && (ours_failed || one_failed));
        let report = Report::GoesBack { deployment: primary.id.clone() };
        let waited = primary.updated_at.map(|at| now.duration_since(at));
        let too_long = waited.is_some_and(|w| w >= self.seen.may_take());
        Ok((goes_back && !too_long).then_some(report))
    }

    /// An alarm is raised before anything was done: it says nothing about the new release, and
    /// would roll it back. A person may deploy all the same: it may be the remedy.
    fn alarmed(&self) -> Result<Option<Report>, Lack> {
        let raised: Vec<AlarmName> = self.seen.raised()?.into_iter().cloned().collect();
        if self.assigned.by != AssignedBy::Selection {
            return Ok(None);
        }
        let release = self.assigned.release.tag.clone();
        if !raised.is_empty() {
            return Ok(Some(Report::AlarmRaised { alarms: raised, release }));
        }
        let Some(states) = &self.seen.observed.alarms else { return Ok(None) };
        let wanted = self.seen.target.verify.alarms.iter();
        let missing: Vec<AlarmName> =
            wanted.filter(|alarm| !states.contains_key(*alarm)).cloned().collect();
        let place = self.seen.target.place.clone();
        Ok((!missing.is_empty()).then_some(Report::AlarmMissing { alarms: missing, place }))
    }

    /// ECS would refuse one more.
    fn too_many(&self) -> Option<Report> {
        let active = self.seen.service.deployments.len();
        let release = self.assigned.release.tag.clone();
        (active >= DEPLOYMENTS_MAX).then_some(Report::ServiceBusy { active, release })
    }

    /// Somebody wants it left alone.
    fn held(&self) -> Option<Report> {
        let hold = self.seen.observed.hold.as_ref()?;
        Some(Report::Held {
            on: hold.on.clone(),
            by: hold.by.clone(),
            reason: hold.reason.clone(),
            until: hold.until,
            left: hold.until.map(|until| until.duration_since(self.seen.now)),
            release: self.assigned.release.tag.clone(),
        })
    }

    /// A failed deploy that is tried again may bring what runs already, and no variables either.
    fn only_variables(&self) -> bool {
        !self.wanted.new_image && !self.wanted.changes.is_empty()
    }

    /// Only variables differ, and the team does not want to be deployed for that.
    fn told_only(&self) -> Option<Report> {
        match self.seen.target.on_parameter_change {
            Reaction::Notify(_) | Reaction::Ignore if self.only_variables() => {}
            Reaction::Redeploy(_) | Reaction::Notify(_) | Reaction::Ignore => return None,
        }
        Some(Report::ConfigurationDiffers {
            release: self.assigned.release.tag.clone(),
            revision: self.seen.running.arn.clone(),
            variables: self.wanted.changes.iter().map(|change| change.variable.clone()).collect(),
        })
    }

    /// This release, or this release with these variables, was tried, and did not stay.
    fn tried_before(&self) -> Option<Report> {
        let Seen { target, observed, running, now, .. } = self.seen;
        let last = tried(target, self.record, self.assigned)?;
        let Progress::Ended { ending, revision: ours, .. } = &last.progress else { return None };
        let (deploy, release) = (last.id.clone(), last.assignment.release.tag.clone());
        let mend = || {
            let changes = self.wanted.changes.iter().filter(|_| !self.wanted.new_image);
            changes.map(|change| change.variable.clone()).collect()
        };
        let mended = last.attempt < MENDED_ATTEMPTS_MAX && self.is_mended(last);
        match ending {
            Ending::Failed { .. } | Ending::RolledBack { .. } if mended => None,
            Ending::Failed { cause, stays } => {
                let (cause, stays, stay) = (cause.clone(), stays.clone(), self.stay(last));
                Some(Report::DeployFailed { deploy, release, cause, stays, mend: mend(), stay })
            }
            Ending::RolledBack { cause, by, to } => {
                let (again, assigned) = (observed.let_again.as_ref(), Some(self.assigned));
                let hold = hold_after_rollback(target, self.record, assigned, again, now)?;
                Some(Report::RolledBack {
                    deploy,
                    release,
                    cause: cause.clone(),
                    by: by.clone(),
                    to: to.clone(),
                    until: hold.until,
                    left: hold.until.map(|until| until.duration_since(now)),
                    mend: mend(),
                    stay: self.stay(last),
                })
            }
            Ending::Succeeded | Ending::Replaced { .. }
                if ours.as_ref() != Some(&running.arn) && !target.overwrites_changes =>
            {
                let revision = running.arn.clone();
                Some(Report::ChangedOutside { deploy, release, revision })
            }
            // Ours still runs, and the target's configuration has changed; or it was cut off
            // before `UpdateService` by a change from outside. Begin anew.
            Ending::Succeeded | Ending::Replaced { .. } | Ending::Superseded => None,
        }
    }

    /// Whether the release runs, and somebody has mended the variables that failed with it: one that
    /// the deploy changed is another now than the deploy brought. What it left as it was is no
    /// reason to bring the rest again. Where its own revision runs still it is not seen any more
    /// what it changed, and any other counts.
    fn is_mended(&self, failed: &Deploy) -> bool {
        if self.wanted.new_image || failed.fingerprint == self.wanted.fingerprint {
            return false;
        }
        let running = self.seen.running;
        if failed.progress.revision() == Some(&running.arn) {
            return true;
        }
        let (before, brought) = (running.document.configuration(), &failed.configuration);
        let now = &self.wanted.configuration;
        let all = [&before, brought].into_iter().flat_map(|configuration| &configuration.0);
        let mut all = all.flat_map(|(container, of)| of.keys().map(move |name| (container, name)));
        all.any(|(container, name)| {
            let source = |of: &Configuration| of.0.get(container)?.get(name).cloned();
            source(brought) != source(&before) && source(brought) != source(now)
        })
    }

    /// What did not go back with the revision: tasks read secrets as they are when they start,
    /// whatever the revision says. Each with the version of before and that of now.
    fn stay(&self, failed: &Deploy) -> Vec<String> {
        let running = &self.seen.running.document;
        let before = running.configuration().0;
        let mut stay = Vec::new();
        for (container, tried) in &failed.configuration.0 {
            let Some(before) = before.get(container) else { continue };
            for (name, tried) in tried {
                let in_secrets =
                    matches!(running.variable(container, name), Some(VariableValue::From(_)));
                let of_before = before.get(name).filter(|_| in_secrets).map(Source::version);
                if let Some(version) = of_before.filter(|version| *version != tried.version()) {
                    stay.push(format!("{name} (version {version} → {})", tried.version()));
                }
            }
        }
        stay
    }

    /// The running release, where it is known and newer than the assigned one.
    fn runs_newer(&self) -> Option<Report> {
        if self.assigned.by != AssignedBy::Selection {
            return None;
        }
        let running = running_tag(&self.seen, self.record)?;
        let selection = &self.seen.target.selection;
        let (rank, assigned) =
            (selection.order(&running)?, selection.order(&self.assigned.release.tag)?);
        let assigned_tag = self.assigned.release.tag.clone();
        (rank > assigned).then_some(Report::RunsNewer { running, assigned: assigned_tag })
    }

    fn image_not_there(&self) -> Option<Report> {
        let image = self.image.to_string();
        (!self.seen.observed.image_present).then_some(Report::ImageNotThere { image })
    }

    fn quiet_period(&self) -> Option<Report> {
        let Seen { target, observed, now, .. } = self.seen;
        quiet_period(target, self.assigned, self.record, observed, now)
    }

    /// Only variables differ that many targets have in common: each takes its turn.
    fn awaits_turn(&self) -> Option<Report> {
        let shared = self.wanted.changes.iter().all(|change| change.is_shared(self.seen.target));
        let turns = self.seen.observed.turns.as_ref();
        let has_turn = turns.is_some_and(|turns| turns.turn.is_some());
        let needs_turn = self.only_variables() && shared && !has_turn;
        let variables = self.wanted.changes.iter().map(|change| change.variable.clone());
        needs_turn.then(|| Report::AwaitsTurn {
            variables: variables.collect(),
            wave: self.seen.target.wave.clone(),
            failed: turns.map(|turns| turns.failed.clone()).unwrap_or_default(),
        })
    }
}

/// The release that runs, as far as it can be known: from the image's tag, from the deploy that
/// brought its digest, from the tag that we put on the revision.
pub(super) fn running_tag(seen: &Seen<'_>, record: &TargetRecord) -> Option<Tag> {
    let image = seen.running.document.image(&seen.target.container)?;
    let image = ImageReference::parse(image)?;
    if image.repository != seen.target.repository {
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
    Tag::parse(seen.running.tags.get(RELEASE_TAG)?.as_str()).ok()
}

/// Somebody is changing what the target reads. A deploy now, of a new image too, would start tasks
/// with one part of the change, and others with the rest. A release that a person asks for does not
/// wait, and nothing waits for more than some quiet periods.
pub(super) fn quiet_period(
    target: &Target,
    assigned: &Assignment,
    record: &TargetRecord,
    observed: &Observation,
    now: Timestamp,
) -> Option<Report> {
    if !is_quiet(target, observed, now) {
        return None;
    }
    let deploys = record.deploy.as_ref().map(|deploy| deploy.assignment.number);
    if assigned.by != AssignedBy::Selection && deploys != Some(assigned.number) {
        return None;
    }
    let quiet = target.on_parameter_change.quiet()?.0;
    let changed_at = observed.changed.as_ref()?.at;
    let held_since = record.quiet_since.unwrap_or(now);
    let end = (changed_at + quiet).min(held_since + quiet.saturating_mul(QUIET_PERIODS_MAX));
    let left: SignedDuration = end.duration_since(now);
    left.is_positive().then_some(Report::QuietPeriod { quiet, left })
}

/// Whether something that the target reads was changed within its quiet period.
pub(super) fn is_quiet(target: &Target, observed: &Observation, now: Timestamp) -> bool {
    let quiet = target.on_parameter_change.quiet();
    let end = quiet.zip(observed.changed.as_ref()).map(|(quiet, change)| change.at + quiet.0);
    end.is_some_and(|end| end > now)
}
