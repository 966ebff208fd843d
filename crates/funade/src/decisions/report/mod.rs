//! Why nothing, or nothing more, is done for a target: typed for us, a sentence for people.
//!
//! Each sentence says what was found, where, and, where a person is needed, what to do.

mod sentence;

use jiff::{SignedDuration, Timestamp};

use crate::decisions::problem::ConfigurationProblem;
use crate::facts::cause::Cause;
use crate::facts::deploy::{Deploy, DeployId, Progress, UndoneBy};
use crate::facts::names::{
    AlarmName, ContainerName, DeploymentId, EnvironmentName, Place, RevisionArn, Tag,
};
use crate::facts::parameter::VariableName;
use crate::facts::record::{Standing, StandingKind};
use crate::facts::release::Assignment;
use crate::facts::subject::Subject;

/// The code of [`Report::AwaitsTurn`], by which the service knows who asks.
pub const AWAITS_TURN: &str = "awaits-turn";

/// The code of [`Report::Held`].
pub(crate) const HELD: &str = "held";

/// The code of [`Report::RunsNewer`].
pub(crate) const RUNS_NEWER: &str = "runs-newer";

/// The code of [`Report::DeployFailed`].
pub(crate) const DEPLOY_FAILED: &str = "deploy-failed";

/// The code of [`Report::RolledBack`].
pub(crate) const ROLLED_BACK: &str = "rolled-back";

/// The code of [`Report::CallRefused`].
pub(crate) const CALL_REFUSED: &str = "call-refused";

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
    /// The release is in a deployment that is not ours, or no longer, and that does not end.
    Stuck {
        /// The release.
        release: Tag,
        /// The deployment.
        deployment: DeploymentId,
        /// How long a deployment may take.
        may_take: SignedDuration,
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
    /// A revision was registered, and an earlier pass was cut off before or after it called
    /// `UpdateService`; ECS may take a moment to show which.
    Starts {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
    },
    /// ECS carries out our deployment.
    InProgress {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// The deployment, once ECS has told us.
        deployment: Option<DeploymentId>,
    },
    /// ECS has completed our deployment, and the alarms are watched for a while.
    Verifying {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
    },
    /// What ran before a deploy is being brought back.
    RollsBack {
        /// The deploy.
        deploy: DeployId,
        /// The release that goes.
        release: Tag,
        /// Who does it.
        by: UndoneBy,
        /// What comes back, where that is ours to say.
        to: Option<String>,
        /// Why.
        cause: Cause,
    },
    /// A deploy was rolled back, and automation leaves its release alone.
    RolledBack {
        /// The deploy.
        deploy: DeployId,
        /// The release that went.
        release: Tag,
        /// Why.
        cause: Cause,
        /// Who did it.
        by: UndoneBy,
        /// What runs again.
        to: RevisionArn,
        /// When automation tries again by itself.
        until: Option<Timestamp>,
        /// How long that is from now.
        left: Option<SignedDuration>,
        /// The variables that failed, where the release itself runs.
        mend: Vec<VariableName>,
        /// The secrets that tasks read in the newer version still, with both versions.
        stay: Vec<String>,
    },
    /// Alarms that the target is verified by were raised before anything was done.
    AlarmRaised {
        /// The alarms.
        alarms: Vec<AlarmName>,
        /// The release that waits.
        release: Tag,
    },
    /// Alarms that the target is verified by do not exist.
    AlarmMissing {
        /// The alarms.
        alarms: Vec<AlarmName>,
        /// Where they should be.
        place: Place,
    },
    /// As many deployments of the service are under way as ECS allows.
    ServiceBusy {
        /// How many.
        active: usize,
        /// The release that waits.
        release: Tag,
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
        /// Why it failed.
        cause: Cause,
        /// Why the service was not brought back.
        stays: String,
        /// The variables that failed, where the release itself runs.
        mend: Vec<VariableName>,
        /// The secrets that tasks read in the newer version still, with both versions.
        stay: Vec<String>,
    },
    /// Somebody else changed what the target runs, since the deploy or during it.
    ChangedOutside {
        /// The deploy.
        deploy: DeployId,
        /// The release.
        release: Tag,
        /// What runs.
        revision: RevisionArn,
    },
    /// AWS refused a call for a limit of the service.
    LimitReached {
        /// The error with its sources.
        error: String,
    },
    /// AWS refused a call, and will go on doing so.
    CallRefused {
        /// The error with its sources.
        error: String,
    },
}

impl Report {
    /// How a deploy stands that has come as far as ECS.
    #[must_use]
    pub fn under_way(deploy: &Deploy) -> Self {
        let release = deploy.assignment.release.tag.clone();
        let id = deploy.id.clone();
        match &deploy.progress {
            Progress::GoingBack { going, .. } => Self::RollsBack {
                deploy: id,
                release,
                by: going.by.clone(),
                to: going.to.as_ref().map(ToString::to_string),
                cause: going.cause.clone(),
            },
            Progress::Completed { .. } => Self::Verifying { deploy: id, release },
            Progress::Begun
            | Progress::Registered { .. }
            | Progress::Updated { .. }
            | Progress::Ended { .. } => {
                let deployment = deploy.progress.deployment().cloned();
                Self::InProgress { deploy: id, release, deployment }
            }
        }
    }

    /// How long until what it waits for is over, where that is known.
    pub(crate) fn left(&self) -> Option<SignedDuration> {
        if let Self::QuietPeriod { left, .. } = self {
            return Some(*left);
        }
        if let Self::Held { left, .. } | Self::RolledBack { left, .. } = self {
            return *left;
        }
        None
    }

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
            | Self::ServiceBusy { .. }
            | Self::LimitReached { .. }
            | Self::Deploys { .. }
            | Self::Starts { .. }
            | Self::InProgress { .. }
            | Self::Verifying { .. }
            | Self::RollsBack { .. } => StandingKind::Waiting,
            Self::GivenUp { .. }
            | Self::Stuck { .. }
            | Self::ServiceMissing { .. }
            | Self::ServiceNotActive { .. }
            | Self::OtherController { .. }
            | Self::NothingRuns
            | Self::ContainerMissing { .. }
            | Self::ConfigurationUnusable { .. }
            | Self::Held { until: None, .. }
            | Self::AlarmRaised { .. }
            | Self::AlarmMissing { .. }
            | Self::DeployFailed { .. }
            | Self::RolledBack { .. }
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
            Self::Stuck { .. } => "stuck",
            Self::GoesBack { .. } => "goes-back",
            Self::GivenUp { .. } => "given-up",
            Self::RunsNewer { .. } => RUNS_NEWER,
            Self::ImageNotThere { .. } => "image-not-there",
            Self::ConfigurationDiffers { .. } => "configuration-differs",
            Self::Held { .. } => HELD,
            Self::QuietPeriod { .. } => "quiet-period",
            Self::AwaitsTurn { .. } => AWAITS_TURN,
            Self::ConfigurationUnusable { .. } => "configuration-unusable",
            Self::Deploys { .. } => "deploys",
            Self::Starts { .. } => "starts",
            Self::InProgress { .. } => "in-progress",
            Self::Verifying { .. } => "verifying",
            Self::RollsBack { .. } => "rolls-back",
            Self::RolledBack { .. } => ROLLED_BACK,
            Self::AlarmRaised { .. } => "alarm-raised",
            Self::AlarmMissing { .. } => "alarm-missing",
            Self::ServiceBusy { .. } => "service-busy",
            Self::ServiceMissing { .. } => "service-missing",
            Self::ServiceNotActive { .. } => "service-not-active",
            Self::OtherController { .. } => "other-controller",
            Self::NothingRuns => "nothing-runs",
            Self::ContainerMissing { .. } => "container-missing",
            Self::DeployFailed { .. } => DEPLOY_FAILED,
            Self::ChangedOutside { .. } => "changed-outside",
            Self::LimitReached { .. } => "limit-reached",
            Self::CallRefused { .. } => CALL_REFUSED,
        }
    }
}

/// The assignment with which a target that stands like this is done: it runs it, or does not take it
/// unless a person or another decision comes first. A hold may end by itself, but nobody waits for it.
pub(crate) fn done_with(standing: &Standing) -> Option<u64> {
    let is_done = standing.kind != StandingKind::Waiting || standing.code == HELD;
    (is_done && standing.assignment != 0).then_some(standing.assignment)
}

/// The standing after a report: the old one, with its date, where nothing changed.
#[must_use]
pub fn stand(
    before: Option<Standing>,
    report: &Report,
    assigned: Option<&Assignment>,
    now: Timestamp,
) -> Standing {
    let release = assigned.map(|assigned| assigned.release.tag.clone());
    let standing = Standing {
        assignment: assigned.map_or(0, |assigned| assigned.number),
        release: release.clone(),
        kind: report.kind(),
        code: report.code().to_owned(),
        sentence: report.to_string(),
        since: now,
    };
    // A standing of an older version of Funade does not say which release it is about.
    let same = |before: &Standing| Standing { since: now, release, ..before.clone() } == standing;
    let since = before.filter(same).map_or(now, |before| before.since);
    Standing { since, ..standing }
}
