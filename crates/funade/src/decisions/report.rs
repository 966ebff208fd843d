//! Why nothing, or nothing more, is done for a target: typed for us, a sentence for people.
//!
//! Each sentence says what was found, where, and, where a person is needed, what to do.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::decisions::problem::{ConfigurationProblem, count, list};
use crate::facts::names::{ContainerName, DeploymentId, EnvironmentName, RevisionArn, Tag};
use crate::facts::parameter::VariableName;
use crate::facts::record::{DeployId, Standing, StandingKind};
use crate::facts::subject::Subject;

/// The code of [`Report::AwaitsTurn`], by which the service knows who asks.
pub const AWAITS_TURN: &str = "awaits-turn";

/// What a pass over a target found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// No release is assigned to the target yet.
    NothingAssigned,
    /// It runs what it should.
    AlreadyRuns {
        /// The release.
        release: Tag,
        /// The revision that runs it.
        revision: RevisionArn,
    },
    /// The release is in a deployment that is not ours, or no longer, and that goes on.
    Settling {
        /// The release.
        release: Tag,
        /// The deployment.
        deployment: DeploymentId,
    },
    /// ECS goes back to what ran before a deploy that failed.
    GoesBack {
        /// The deployment.
        deployment: DeploymentId,
    },
    /// The release is in the PRIMARY deployment, which ECS has given up without going back.
    GivenUp {
        /// The release.
        release: Tag,
        /// The deployment.
        deployment: DeploymentId,
        /// ECS's reason.
        reason: String,
    },
    /// It runs a newer release than it should, and no person asked for the older one.
    RunsNewer {
        /// What runs.
        running: Tag,
        /// What is assigned.
        assigned: Tag,
    },
    /// The image is not in the registry that the target pulls from, so far.
    ImageNotThere {
        /// The image.
        image: String,
    },
    /// A person wants it left alone.
    Held {
        /// What is held: the target, or its service.
        on: Subject,
        /// Who said so.
        by: String,
        /// Why.
        reason: String,
        /// When that ends by itself.
        until: Option<Timestamp>,
        /// How long that is from now.
        left: Option<SignedDuration>,
        /// The release that waits.
        release: Tag,
    },
    /// It runs the assigned release with other variables than it should, and is not deployed for
    /// that.
    ConfigurationDiffers {
        /// The release.
        release: Tag,
        /// The revision that runs it.
        revision: RevisionArn,
        /// The variables that differ.
        variables: Vec<VariableName>,
    },
    /// Something that it reads was changed a moment ago.
    QuietPeriod {
        /// How long no further change must come.
        quiet: SignedDuration,
        /// How long that still is.
        left: SignedDuration,
    },
    /// Variables have changed that many targets share, and it is not its turn yet.
    AwaitsTurn {
        /// The variables.
        variables: Vec<VariableName>,
        /// The wave that it is in.
        wave: String,
        /// Whose turn has failed.
        failed: Vec<EnvironmentName>,
    },
    /// The variables that it should have cannot be written into its task definition.
    ConfigurationUnusable {
        /// Why, all reasons.
        problems: Vec<ConfigurationProblem>,
    },
    /// A deploy begins, or goes on where an earlier pass was cut off.
    Deploys {
        /// Its id.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// Whether it brings another image.
        new_image: bool,
        /// The variables that it adds, removes or changes.
        variables: Vec<VariableName>,
        /// The revision that it starts from.
        from: RevisionArn,
    },
    /// ECS carries out our deployment.
    InProgress {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// The deployment.
        deployment: DeploymentId,
    },
    /// There is no such ECS service.
    ServiceMissing {
        /// Its name.
        service: String,
        /// The cluster.
        cluster: String,
        /// Account and region.
        place: String,
    },
    /// The ECS service is being deleted.
    ServiceNotActive {
        /// Its status.
        status: String,
    },
    /// `UpdateService` refuses a task definition for services of this controller.
    OtherController {
        /// The controller.
        controller: String,
    },
    /// The service has no deployment to start from, or its task definition cannot be read.
    NothingRuns,
    /// The container that should get the image is not in the task definition.
    ContainerMissing {
        /// The container.
        container: ContainerName,
        /// The task definition.
        revision: RevisionArn,
        /// The containers that it has.
        has: Vec<String>,
    },
    /// The last deploy for this assignment failed, and is not tried again by itself.
    DeployFailed {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// What was seen.
        reason: String,
        /// The variables that failed, where the release itself runs.
        mend: Vec<VariableName>,
        /// The secrets that tasks read in the newer version still, with both versions.
        stay: Vec<String>,
    },
    /// The deploy succeeded, and since then somebody else changed what the target runs.
    ChangedOutside {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// What runs.
        revision: RevisionArn,
    },
    /// AWS refused a call, and will go on doing so.
    CallRefused {
        /// The error with its sources.
        error: String,
    },
}

impl Report {
    /// Whether it passes by itself.
    #[must_use]
    pub fn kind(&self) -> StandingKind {
        match self {
            Self::NothingAssigned
            | Self::AlreadyRuns { .. }
            | Self::ConfigurationDiffers { .. }
            | Self::RunsNewer { .. } => StandingKind::Settled,
            Self::Settling { .. }
            | Self::GoesBack { .. }
            | Self::ImageNotThere { .. }
            | Self::QuietPeriod { .. }
            | Self::AwaitsTurn { .. }
            | Self::Held { until: Some(_), .. }
            | Self::Deploys { .. }
            | Self::InProgress { .. } => StandingKind::Waiting,
            Self::GivenUp { .. }
            | Self::ServiceMissing { .. }
            | Self::ServiceNotActive { .. }
            | Self::OtherController { .. }
            | Self::NothingRuns
            | Self::ContainerMissing { .. }
            | Self::ConfigurationUnusable { .. }
            | Self::Held { until: None, .. }
            | Self::DeployFailed { .. }
            | Self::ChangedOutside { .. }
            | Self::CallRefused { .. } => StandingKind::Blocked,
        }
    }

    /// The report's name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingAssigned => "nothing-assigned",
            Self::AlreadyRuns { .. } => "already-runs",
            Self::Settling { .. } => "settling",
            Self::GoesBack { .. } => "goes-back",
            Self::GivenUp { .. } => "given-up",
            Self::RunsNewer { .. } => "runs-newer",
            Self::ImageNotThere { .. } => "image-not-there",
            Self::ConfigurationDiffers { .. } => "configuration-differs",
            Self::Held { .. } => "held",
            Self::QuietPeriod { .. } => "quiet-period",
            Self::AwaitsTurn { .. } => AWAITS_TURN,
            Self::ConfigurationUnusable { .. } => "configuration-unusable",
            Self::Deploys { .. } => "deploys",
            Self::InProgress { .. } => "in-progress",
            Self::ServiceMissing { .. } => "service-missing",
            Self::ServiceNotActive { .. } => "service-not-active",
            Self::OtherController { .. } => "other-controller",
            Self::NothingRuns => "nothing-runs",
            Self::ContainerMissing { .. } => "container-missing",
            Self::DeployFailed { .. } => "deploy-failed",
            Self::ChangedOutside { .. } => "changed-outside",
            Self::CallRefused { .. } => "call-refused",
        }
    }
}

/// The standing after a report: the old one, with its date, where nothing changed.
#[must_use]
pub fn stand(
    before: Option<Standing>,
    report: &Report,
    assignment: u64,
    now: Timestamp,
) -> Standing {
    let standing = Standing {
        assignment,
        kind: report.kind(),
        code: report.code().to_owned(),
        sentence: report.to_string(),
        since: now,
    };
    match before {
        Some(before) if Standing { since: now, ..before.clone() } == standing => before,
        Some(_) | None => standing,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingAssigned => f.write_str("no release is assigned to it yet"),
            Self::AlreadyRuns { release, revision } => {
                write!(f, "it runs {release} as {}", revision.short())
            }
            Self::Settling { release, deployment } => {
                write!(f, "{release} is being deployed by {deployment}, which is not finished")
            }
            Self::GoesBack { deployment } => write!(
                f,
                "ECS goes back to what ran before the failed deploy, by {deployment}; nothing is \
                 begun until it is there"
            ),
            Self::GivenUp { release, deployment, reason } => write!(
                f,
                "ECS gave up {deployment}, which brings {release}, and did not go back: {reason}; \
                 look at its stopped tasks, then push a newer release"
            ),
            Self::RunsNewer { running, assigned } => write!(
                f,
                "it runs {running}, which is newer than the assigned {assigned}; \
                 only a person moves it back"
            ),
            Self::ImageNotThere { image } => {
                write!(f, "{image} is not there yet; replication may take a while")
            }
            Self::ConfigurationDiffers { release, revision, variables } => write!(
                f,
                "it runs {release} as {}, and {} would change ({}); `on_parameter_change` says \
                 not to deploy for that, so the next deploy takes it along",
                revision.short(),
                count(variables.len()),
                list(variables)
            ),
            Self::QuietPeriod { quiet, .. } => write!(
                f,
                "something that it reads was changed; it is deployed once there has been no \
                 further change for {quiet:#}"
            ),
            Self::Held { on, by, reason, until, release, .. } => {
                write!(f, "{by} holds {}: {reason}; {release} with its variables ", on.named())?;
                held_until(f, on, *until)
            }
            Self::AwaitsTurn { variables, wave, failed } => awaits_turn(f, variables, wave, failed),
            Self::ConfigurationUnusable { problems } => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&problems.join("; and "))
            }
            Self::Deploys { deploy, release, new_image, variables, from } => {
                deploys(f, deploy, release, *new_image, variables, from)
            }
            Self::InProgress { deploy, release, deployment } => {
                write!(f, "deploy {deploy} of {release} is under way as {deployment}")
            }
            Self::ServiceMissing { service, cluster, place } => write!(
                f,
                "there is no ECS service `{service}` in cluster `{cluster}` of {place}; \
                 create it, or correct `ecs_service` or `environments` in the service's file"
            ),
            Self::ServiceNotActive { status } => {
                write!(f, "its ECS service is {status}; a deploy needs an ACTIVE one")
            }
            Self::OtherController { controller } => write!(
                f,
                "its deployment controller is {controller}, which takes no task definition by \
                 UpdateService; change it to ECS, or leave this environment out of the service"
            ),
            Self::NothingRuns => f.write_str(
                "its ECS service has no PRIMARY deployment whose task definition can be read; \
                 look at the service in the console",
            ),
            Self::ContainerMissing { container, revision, has } => write!(
                f,
                "{} has no container `{container}`, only {}; correct `container` in the \
                 service's file or override it for this environment",
                revision.short(),
                if has.is_empty() { "unnamed ones".to_owned() } else { has.join(", ") },
            ),
            Self::DeployFailed { deploy, release, reason, mend, stay } => {
                deploy_failed(f, deploy, release, reason, (mend, stay))
            }
            Self::ChangedOutside { deploy, release, revision } => write!(
                f,
                "deploy {deploy} of {release} had succeeded, and since then somebody else put {} \
                 in its place; to bring it back: funade deploy {} --tag {release}",
                revision.short(),
                deploy.target.service
            ),
            Self::CallRefused { error } => write!(f, "AWS refuses: {error}"),
        }
    }
}

fn held_until(f: &mut fmt::Formatter<'_>, on: &Subject, until: Option<Timestamp>) -> fmt::Result {
    f.write_str("waits ")?;
    if let Some(until) = until {
        write!(f, "until {}, or ", until.strftime("%m-%d %H:%M UTC"))?;
    }
    write!(f, "for funade unhold {}", on.named())
}

fn awaits_turn(
    f: &mut fmt::Formatter<'_>,
    variables: &[VariableName],
    wave: &str,
    failed: &[EnvironmentName],
) -> fmt::Result {
    let variables = list(variables);
    write!(
        f,
        "{variables}, which it shares with other targets, changed; it takes that up in its turn, \
         in the wave {wave}"
    )?;
    if failed.is_empty() {
        return Ok(());
    }
    write!(f, "; look at {}, which failed in its turn", list(failed))
}

fn deploys(
    f: &mut fmt::Formatter<'_>,
    deploy: &DeployId,
    release: &Tag,
    new_image: bool,
    variables: &[VariableName],
    from: &RevisionArn,
) -> fmt::Result {
    let (count, names, from) = (count(variables.len()), list(variables), from.short());
    match (new_image, variables.is_empty()) {
        (_, true) => write!(f, "deploy {deploy} brings {release}, starting from {from}"),
        (true, false) => write!(
            f,
            "deploy {deploy} brings {release} and changes {count} ({names}), starting from {from}"
        ),
        (false, false) => write!(
            f,
            "deploy {deploy} changes {count} ({names}) of {release}, starting from {from}"
        ),
    }
}

fn deploy_failed(
    f: &mut fmt::Formatter<'_>,
    deploy: &DeployId,
    release: &Tag,
    reason: &str,
    (mend, stay): (&[VariableName], &[String]),
) -> fmt::Result {
    write!(f, "deploy {deploy} of {release} failed: {reason}; ")?;
    if !stay.is_empty() {
        let stay = list(stay);
        write!(f, "what did not go back, since tasks read the newest: {stay}; ")?;
    }
    if !mend.is_empty() {
        write!(f, "mend {}, ", list(mend))?;
    }
    write!(
        f,
        "push a newer release, or try again with funade deploy {} --tag {release}",
        deploy.target.service
    )
}
