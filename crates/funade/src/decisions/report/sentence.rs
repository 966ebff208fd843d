//! The reports as sentences: what was found, where, and, where a person is needed, what to do.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Report;
use crate::decisions::problem::{count, list};
use crate::facts::cause::{Cause, Trigger};
use crate::facts::deploy::DeployId;
use crate::facts::names::{
    AlarmName, ContainerName, DeploymentId, EnvironmentName, Place, RevisionArn, Tag,
};
use crate::facts::parameter::VariableName;
use crate::facts::subject::Subject;

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
            Self::Stuck { release, deployment, may_take } => {
                stuck(f, release, deployment, *may_take)
            }
            Self::GoesBack { deployment } => goes_back(f, deployment),
            Self::GivenUp { release, deployment, reason } => {
                given_up(f, release, deployment, reason)
            }
            Self::RunsNewer { running, assigned } => runs_newer(f, running, assigned),
            Self::ImageNotThere { image } => {
                write!(f, "{image} is not there yet; replication may take a while")
            }
            Self::ConfigurationDiffers { release, revision, variables } => {
                configuration_differs(f, release, revision, variables)
            }
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
            Self::Starts { deploy, release } => starts(f, deploy, release),
            Self::InProgress { deploy, release, deployment: Some(deployment) } => {
                write!(f, "deploy {deploy} of {release} is under way as {deployment}")
            }
            Self::InProgress { deploy, release, deployment: None } => {
                write!(f, "deploy {deploy} of {release} is under way")
            }
            Self::Verifying { deploy, release } => write!(
                f,
                "ECS has completed deploy {deploy} of {release}; it succeeds if its alarms stay \
                 quiet for the rest of the bake"
            ),
            Self::RollsBack { deploy, release, by, to, cause } => {
                write!(f, "{by} rolls back deploy {deploy} of {release}")?;
                if let Some(to) = to {
                    write!(f, " to {to}")?;
                }
                write!(f, ": {}; nothing is begun until it is there", why(cause))
            }
            Self::RolledBack { deploy, release, cause, by, to, until, mend, stay, .. } => {
                let (to, why) = (to.short(), why(cause));
                write!(
                    f,
                    "{by} rolled back deploy {deploy} of {release}, and {to} runs again: {why}; "
                )?;
                rolled_back(f, deploy, (release, *until), (mend, stay))
            }
            Self::AlarmRaised { alarms, release } => alarm_raised(f, alarms, release),
            Self::AlarmMissing { alarms, place } => alarm_missing(f, alarms, place),
            Self::ServiceBusy { active, release } => service_busy(f, *active, release),
            Self::ServiceMissing { service, cluster, place } => {
                service_missing(f, service, cluster, place)
            }
            Self::ServiceNotActive { status } => {
                write!(f, "its ECS service is {status}; a deploy needs an ACTIVE one")
            }
            Self::OtherController { controller } => other_controller(f, controller),
            Self::NothingRuns => f.write_str(
                "its ECS service has no PRIMARY deployment whose task definition can be read; \
                 look at the service in the console",
            ),
            Self::ContainerMissing { container, revision, has } => {
                container_missing(f, container, revision, has)
            }
            Self::DeployFailed { deploy, release, cause, stays, mend, stay } => {
                write!(f, "deploy {deploy} of {release} failed: {}; ", why(cause))?;
                if !stays.is_empty() {
                    write!(f, "it was not rolled back, since {stays}; ")?;
                }
                what_next(f, deploy, release, (mend, stay))
            }
            Self::ChangedOutside { deploy, release, revision } => {
                changed_outside(f, deploy, release, revision)
            }
            Self::LimitReached { error } => {
                write!(f, "it waits until a limit of the service has room: {error}")
            }
            Self::CallRefused { error } => write!(f, "AWS refuses: {error}"),
        }
    }
}

fn stuck(
    f: &mut fmt::Formatter<'_>,
    release: &Tag,
    deployment: &DeploymentId,
    may_take: SignedDuration,
) -> fmt::Result {
    write!(
        f,
        "{release} is being deployed by {deployment}, which is none of Funade's and has not ended \
         within {may_take:#}; look at its tasks, or push a newer release"
    )
}

fn goes_back(f: &mut fmt::Formatter<'_>, deployment: &DeploymentId) -> fmt::Result {
    write!(
        f,
        "ECS goes back to what ran before the failed deploy, by {deployment}; nothing is begun \
         until it is there"
    )
}

fn runs_newer(f: &mut fmt::Formatter<'_>, running: &Tag, assigned: &Tag) -> fmt::Result {
    write!(
        f,
        "it runs {running}, which is newer than the assigned {assigned}; only a person moves it back"
    )
}

fn other_controller(f: &mut fmt::Formatter<'_>, controller: &str) -> fmt::Result {
    write!(
        f,
        "its deployment controller is {controller}, which takes no task definition by \
         UpdateService; change it to ECS, or leave this environment out of the service"
    )
}

fn given_up(
    f: &mut fmt::Formatter<'_>,
    release: &Tag,
    deployment: &DeploymentId,
    reason: &str,
) -> fmt::Result {
    write!(
        f,
        "ECS gave up {deployment}, which brings {release}, and did not go back: {reason}; look at \
         its stopped tasks, then push a newer release"
    )
}

fn starts(f: &mut fmt::Formatter<'_>, deploy: &DeployId, release: &Tag) -> fmt::Result {
    write!(
        f,
        "deploy {deploy} of {release} was cut off near its call of UpdateService; ECS is given a \
         moment to show whether there was one"
    )
}

fn configuration_differs(
    f: &mut fmt::Formatter<'_>,
    release: &Tag,
    revision: &RevisionArn,
    variables: &[VariableName],
) -> fmt::Result {
    write!(
        f,
        "it runs {release} as {}, and {} would change ({}); `on_parameter_change` says not to \
         deploy for that, so the next deploy takes it along",
        revision.short(),
        count(variables.len()),
        list(variables)
    )
}

fn service_missing(
    f: &mut fmt::Formatter<'_>,
    service: &str,
    cluster: &str,
    place: &str,
) -> fmt::Result {
    write!(
        f,
        "there is no ECS service `{service}` in cluster `{cluster}` of {place}; create it, or \
         correct `ecs_service` or `environments` in the service's file"
    )
}

fn container_missing(
    f: &mut fmt::Formatter<'_>,
    container: &ContainerName,
    revision: &RevisionArn,
    has: &[String],
) -> fmt::Result {
    write!(
        f,
        "{} has no container `{container}`, only {}; correct `container` in the service's file or \
         override it for this environment",
        revision.short(),
        if has.is_empty() { "unnamed ones".to_owned() } else { has.join(", ") },
    )
}

fn changed_outside(
    f: &mut fmt::Formatter<'_>,
    deploy: &DeployId,
    release: &Tag,
    revision: &RevisionArn,
) -> fmt::Result {
    write!(
        f,
        "deploy {deploy} brought {release}, and somebody else put {} in its place; to bring it \
         back: funade deploy {} --tag {release}",
        revision.short(),
        deploy.target.service
    )
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

/// Why a deploy failed: what it points to, what was seen, and where to look.
fn why(cause: &Cause) -> String {
    if cause.trigger == Trigger::Person {
        return cause.what.clone();
    }
    let mut why = format!("{} ({})", cause.diagnosis.sentence(), cause.what);
    // Without tasks the service's own words are all that there is.
    let seen = cause.tasks.first().or_else(|| cause.messages.first());
    if let Some(seen) = seen {
        why.push_str(": ");
        why.push_str(seen.trim_end_matches('.'));
    }
    format!("{why}; {}", cause.diagnosis.remedy())
}

fn rolled_back(
    f: &mut fmt::Formatter<'_>,
    deploy: &DeployId,
    (release, until): (&Tag, Option<Timestamp>),
    (mend, stay): (&[VariableName], &[String]),
) -> fmt::Result {
    write!(f, "automation leaves {release} alone here ")?;
    match until {
        Some(until) => write!(f, "until {}", until.strftime("%m-%d %H:%M UTC"))?,
        None => f.write_str("from now on")?,
    }
    write!(f, "; to try it again all the same: funade unhold {}; ", deploy.target)?;
    what_next(f, deploy, release, (mend, stay))
}

fn what_next(
    f: &mut fmt::Formatter<'_>,
    deploy: &DeployId,
    release: &Tag,
    (mend, stay): (&[VariableName], &[String]),
) -> fmt::Result {
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

fn alarm_raised(f: &mut fmt::Formatter<'_>, alarms: &[AlarmName], release: &Tag) -> fmt::Result {
    write!(
        f,
        "{} was raised before {release} came, and would roll it back; it waits until that is over; \
         if {release} is the remedy, ask for it with funade deploy",
        list(alarms)
    )
}

fn alarm_missing(f: &mut fmt::Formatter<'_>, alarms: &[AlarmName], place: &Place) -> fmt::Result {
    write!(
        f,
        "there is no alarm {} in {place} to verify a deploy by; create it, or correct `verify` in \
         the service's file",
        list(alarms)
    )
}

fn service_busy(f: &mut fmt::Formatter<'_>, active: usize, release: &Tag) -> fmt::Result {
    write!(
        f,
        "{active} deployments of its ECS service are not over, and ECS takes no more; {release} \
         waits until one is; tasks that are protected from scale-in may hold them up"
    )
}
