//! Why a deploy that the documents call for does not begin, or not yet.

use jiff::{SignedDuration, Timestamp};

use crate::config::{Reaction, Target};
use crate::decisions::plan::Observation;
use crate::decisions::report::Report;
use crate::decisions::wanted::Wanted;
use crate::facts::configuration::Source;
use crate::facts::ecs::{EcsService, RolloutState};
use crate::facts::image::ImageReference;
use crate::facts::names::{DeploymentId, Tag};
use crate::facts::record::{Deploy, Ending, Progress, TargetRecord};
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::task_definition::{RELEASE_TAG, Revision, VariableValue};

/// How many quiet periods a deploy waits at most while its parameters are changed again and again:
/// whoever writes one every minute has no quiet to wait for.
const QUIET_PERIODS_MAX: i32 = 10;

/// All that is known of a target whose documents call for a deploy.
pub(super) struct Case<'a> {
    pub(super) target: &'a Target,
    pub(super) assigned: &'a Assignment,
    pub(super) record: &'a TargetRecord,
    pub(super) service: &'a EcsService,
    pub(super) running: &'a Revision,
    pub(super) observed: &'a Observation,
    pub(super) image: &'a ImageReference,
    pub(super) wanted: &'a Wanted,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// What stands against the deploy; `None` if nothing does. What needs a person comes before
    /// what passes by itself.
    pub(super) fn restraint(&self) -> Option<Report> {
        let reports = [
            Self::going_back,
            Self::tried_before,
            Self::told_only,
            Self::runs_newer,
            Self::held,
            Self::image_not_there,
            Self::quiet_period,
            Self::awaits_turn,
        ];
        reports.iter().find_map(|report| report(self))
    }

    /// The deployment by which ECS goes back after a failed deploy. Another one during that time
    /// could leave the service with nothing complete to go back to.
    fn going_back(&self) -> Option<Report> {
        let last = self.record.deploy.as_ref()?;
        let failed =
            matches!(&last.progress, Progress::Ended { ending: Ending::Failed { .. }, .. });
        let primary = self.service.primary()?;
        let back = primary.rollout == RolloutState::InProgress && primary.revision == last.from;
        let deployment: DeploymentId = primary.id.clone();
        (failed && back).then_some(Report::GoesBack { deployment })
    }

    /// Somebody wants it left alone.
    fn held(&self) -> Option<Report> {
        let hold = self.observed.hold.as_ref()?;
        Some(Report::Held {
            on: hold.on.clone(),
            by: hold.by.clone(),
            reason: hold.reason.clone(),
            until: hold.until,
            left: hold.until.map(|until| until.duration_since(self.now)),
            release: self.assigned.release.tag.clone(),
        })
    }

    /// Only variables differ, and the team does not want to be deployed for that.
    fn told_only(&self) -> Option<Report> {
        match self.target.on_parameter_change {
            Reaction::Notify(_) | Reaction::Ignore if !self.wanted.new_image => {}
            Reaction::Redeploy(_) | Reaction::Notify(_) | Reaction::Ignore => return None,
        }
        Some(Report::ConfigurationDiffers {
            release: self.assigned.release.tag.clone(),
            revision: self.running.arn.clone(),
            variables: self.wanted.changes.iter().map(|change| change.variable.clone()).collect(),
        })
    }

    /// This release, or this release with these variables, was tried, and did not stay.
    fn tried_before(&self) -> Option<Report> {
        let release = self.assigned.release.tag.clone();
        let last = self.record.deploy.as_ref().filter(|deploy| {
            // In another account or region it was another ECS service.
            deploy.assignment.number == self.assigned.number
                && deploy.from.is_in(&self.target.place)
        })?;
        let Progress::Ended { ending, revision: ours, .. } = &last.progress else { return None };
        let deploy = last.id.clone();
        match ending {
            // The release runs, and its variables are others than those that failed: somebody has
            // mended them.
            Ending::Failed { .. }
                if !self.wanted.new_image && last.fingerprint != self.wanted.fingerprint =>
            {
                None
            }
            Ending::Failed { reason } => {
                let reason = reason.clone();
                let changes = self.wanted.changes.iter().filter(|_| !self.wanted.new_image);
                let mend = changes.map(|change| change.variable.clone()).collect();
                Some(Report::DeployFailed { deploy, release, reason, mend, stay: self.stay(last) })
            }
            Ending::Succeeded if ours.as_ref() != Some(&self.running.arn) => {
                let revision = self.running.arn.clone();
                Some(Report::ChangedOutside { deploy, release, revision })
            }
            // Ours still runs, and the target's configuration has changed; or it was cut off
            // before `UpdateService` by a change from outside. Begin anew.
            Ending::Succeeded | Ending::Superseded => None,
        }
    }

    /// What did not go back with the revision: tasks read secrets as they are when they start,
    /// whatever the revision says. Each with the version of before and that of now.
    fn stay(&self, failed: &Deploy) -> Vec<String> {
        let before = self.running.document.configuration().0;
        let mut stay = Vec::new();
        for (container, tried) in &failed.configuration.0 {
            let Some(before) = before.get(container) else { continue };
            for (name, tried) in tried {
                let in_secrets = matches!(
                    self.running.document.variable(container, name),
                    Some(VariableValue::From(_))
                );
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
        let running = self.running_tag()?;
        let selection = &self.target.selection;
        let (rank, assigned) =
            (selection.order(&running)?, selection.order(&self.assigned.release.tag)?);
        let assigned_tag = self.assigned.release.tag.clone();
        (rank > assigned).then_some(Report::RunsNewer { running, assigned: assigned_tag })
    }

    /// The release that runs, as far as it can be known: from the image's tag, from the deploy that
    /// brought its digest, from the tag that we put on the revision.
    fn running_tag(&self) -> Option<Tag> {
        let image = self.running.document.image(&self.target.container)?;
        let image = ImageReference::parse(image)?;
        if image.repository != self.target.repository {
            return None;
        }
        if let Some(tag) = image.tag {
            return Some(tag);
        }
        let last = self.record.deploy.as_ref().map(|deploy| &deploy.assignment.release);
        if let Some(release) = last
            && Some(&release.digest) == image.digest.as_ref()
        {
            return Some(release.tag.clone());
        }
        Tag::parse(self.running.tags.get(RELEASE_TAG)?.as_str()).ok()
    }

    fn image_not_there(&self) -> Option<Report> {
        let image = self.image.to_string();
        (!self.observed.image_present).then_some(Report::ImageNotThere { image })
    }

    fn quiet_period(&self) -> Option<Report> {
        quiet_period(self.target, self.assigned, self.record, self.observed, self.now)
    }

    /// Only variables differ that many targets have in common: each takes its turn.
    fn awaits_turn(&self) -> Option<Report> {
        let shared = self.wanted.changes.iter().all(|change| change.is_shared(self.target));
        let turns = self.observed.turns.as_ref();
        let has_turn = turns.is_some_and(|turns| turns.turn.is_some());
        let needs_turn = !self.wanted.new_image && shared && !has_turn;
        let variables = self.wanted.changes.iter().map(|change| change.variable.clone());
        needs_turn.then(|| Report::AwaitsTurn {
            variables: variables.collect(),
            wave: self.target.wave.clone(),
            failed: turns.map(|turns| turns.failed.clone()).unwrap_or_default(),
        })
    }
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
