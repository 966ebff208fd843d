//! ECS's history of a service: its service deployments, and the one call that changes one.
//!
//! What is listed says neither which task definition was brought nor why it was taken back, so two
//! more calls are made for that, side by side.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    CreatedAt, Rollback, ServiceDeployment as Described, ServiceDeploymentAlarms,
    ServiceDeploymentBrief, ServiceDeploymentRollbackMonitorsStatus,
    ServiceDeploymentStatus as Status, StopServiceDeploymentStopType,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use funade::facts::ecs::{ServiceDeployment, ServiceDeploymentStatus};
use funade::facts::names::{
    AlarmName, ClusterName, EcsServiceName, Place, RevisionArn, ServiceDeploymentArn,
};
use funade::world::CallError;
use futures_util::future::try_join;
use jiff::Timestamp;
use tracing::warn;

use super::moment;
use crate::errors::call_error;
use crate::world::AwsWorld;

/// Entries in a page: the most that is allowed, since nothing is said of the order.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>
const PAGE_SIZE: i32 = 100;

/// Entries that are looked at: as many as one `DescribeServiceDeployments` and one
/// `DescribeServiceRevisions` take. Since a deploy of ours began there are few.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html>
const ENTRIES_MAX: usize = 20;

/// The service deployments that began after a moment, the newest first. None where ECS keeps no
/// history of the service, or may not tell it: what the service itself shows is enough to go on.
pub(super) async fn since(
    world: &AwsWorld,
    place: &Place,
    cluster: &ClusterName,
    service: &EcsServiceName,
    since: Timestamp,
) -> Result<Vec<ServiceDeployment>, CallError> {
    let subject = format!("{service} in {cluster} of {place}");
    match read_since(&world.clients().of(place).ecs, cluster, service, since, &subject).await {
        Ok(found) => Ok(found),
        Err(Unread::NotToBeHad) => Ok(Vec::new()),
        Err(Unread::Failed(error)) => Err(error),
    }
}

/// Why the history was not read.
enum Unread {
    /// There is none, or we have no right to it. That does not pass by itself.
    NotToBeHad,
    /// The call failed.
    Failed(CallError),
}

impl Unread {
    fn of<E>(operation: &'static str, subject: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failed = call_error(operation, subject, error);
        if !is_not_to_be_had(error.code(), error.message()) {
            return Self::Failed(failed);
        }
        warn!(error = failed.in_full(), "ECS's history is not to be had");
        Self::NotToBeHad
    }
}

/// Whether ECS says that it keeps no history of such a service, or that we may not read it.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>
fn is_not_to_be_had(code: Option<&str>, message: Option<&str>) -> bool {
    let says_so = || {
        let message = message.unwrap_or_default().to_lowercase();
        message.contains("not supported") || message.contains("unsupported")
    };
    match code {
        Some("UnsupportedFeatureException" | "AccessDeniedException") => true,
        Some("ClientException" | "InvalidParameterException") => says_so(),
        Some(_) | None => false,
    }
}

async fn read_since(
    ecs: &Client,
    cluster: &ClusterName,
    service: &EcsServiceName,
    since: Timestamp,
    subject: &str,
) -> Result<Vec<ServiceDeployment>, Unread> {
    let after = DateTime::from_secs(since.as_second());
    let listed = ecs
        .list_service_deployments()
        .cluster(cluster.as_str())
        .service(service.as_str())
        .created_at(CreatedAt::builder().after(after).build())
        .max_results(PAGE_SIZE)
        .send()
        .await
        .map_err(|error| Unread::of("ListServiceDeployments", subject, &error))?;
    let entries = newest(listed.service_deployments.unwrap_or_default());
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (described, revisions) =
        try_join(describe(ecs, &entries, subject), revisions(ecs, &entries, subject)).await?;
    Ok(entries.iter().filter_map(|entry| read(entry, &described, &revisions)).collect())
}

/// Has a deployment rolled back. It may be sent twice: one that is being rolled back goes on so.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html>
pub(super) async fn roll_back(
    world: &AwsWorld,
    place: &Place,
    deployment: &ServiceDeploymentArn,
) -> Result<(), CallError> {
    world
        .clients()
        .of(place)
        .ecs
        .stop_service_deployment()
        .service_deployment_arn(deployment.as_str())
        .stop_type(StopServiceDeploymentStopType::Rollback)
        .send()
        .await
        .map_err(|error| call_error("StopServiceDeployment", deployment.as_str(), &error))?;
    Ok(())
}

/// An entry's ARN, and that of the service revision that it brings.
struct Entry {
    arn: String,
    revision: String,
    listed: ServiceDeploymentBrief,
}

/// The newest entries that say what they are.
fn newest(mut listed: Vec<ServiceDeploymentBrief>) -> Vec<Entry> {
    listed.sort_by_key(|entry| Reverse(began_at(entry)));
    let entries = listed.into_iter().filter_map(|listed| {
        let arn = listed.service_deployment_arn.clone()?;
        Some(Entry { arn, revision: listed.target_service_revision_arn.clone()?, listed })
    });
    entries.take(ENTRIES_MAX).collect()
}

/// What became of the entries, by their ARN.
async fn describe(
    ecs: &Client,
    entries: &[Entry],
    subject: &str,
) -> Result<BTreeMap<String, Described>, Unread> {
    let arns = entries.iter().map(|entry| entry.arn.clone()).collect();
    let output = ecs
        .describe_service_deployments()
        .set_service_deployment_arns(Some(arns))
        .send()
        .await
        .map_err(|error| Unread::of("DescribeServiceDeployments", subject, &error))?;
    let described = output.service_deployments.unwrap_or_default().into_iter();
    Ok(described.filter_map(|one| Some((one.service_deployment_arn.clone()?, one))).collect())
}

/// The task definitions that the entries bring, by the service revision's ARN.
async fn revisions(
    ecs: &Client,
    entries: &[Entry],
    subject: &str,
) -> Result<BTreeMap<String, RevisionArn>, Unread> {
    // Two deployments can bring the same one, and it may be asked for once only.
    let arns: BTreeSet<String> = entries.iter().map(|entry| entry.revision.clone()).collect();
    let output = ecs
        .describe_service_revisions()
        .set_service_revision_arns(Some(arns.into_iter().collect()))
        .send()
        .await
        .map_err(|error| Unread::of("DescribeServiceRevisions", subject, &error))?;
    let described = output.service_revisions.unwrap_or_default().into_iter();
    let revisions = described.filter_map(|one| {
        Some((one.service_revision_arn?, RevisionArn::parse(one.task_definition?).ok()?))
    });
    Ok(revisions.collect())
}

/// Nothing where it cannot be told what the entry brings.
fn read(
    entry: &Entry,
    described: &BTreeMap<String, Described>,
    revisions: &BTreeMap<String, RevisionArn>,
) -> Option<ServiceDeployment> {
    let listed = &entry.listed;
    let described = described.get(&entry.arn);
    let rollback = described.and_then(Described::rollback);
    let reason = rollback
        .and_then(Rollback::reason)
        .or(described.and_then(Described::status_reason))
        .or(listed.status_reason());
    Some(ServiceDeployment {
        arn: ServiceDeploymentArn::parse(entry.arn.clone()).ok()?,
        revision: revisions.get(&entry.revision)?.clone(),
        status: status(described.and_then(Described::status).or(listed.status())),
        reason: reason.map(str::to_owned),
        began_at: began_at(listed)?,
        alarms: described.and_then(Described::alarms).map(raised).unwrap_or_default(),
    })
}

/// The names of the alarms that were raised, of those that ECS watches.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentAlarms.html>
fn raised(alarms: &ServiceDeploymentAlarms) -> Vec<AlarmName> {
    if alarms.status() == Some(&ServiceDeploymentRollbackMonitorsStatus::Disabled) {
        return Vec::new();
    }
    let names = alarms.triggered_alarm_names().iter();
    names.filter_map(|name| AlarmName::parse(name).ok()).collect()
}

/// One that waits for its turn has been created and not been started.
fn began_at(listed: &ServiceDeploymentBrief) -> Option<Timestamp> {
    moment(listed.created_at().or(listed.started_at()))
}

fn status(status: Option<&Status>) -> ServiceDeploymentStatus {
    match status {
        Some(Status::Successful) => ServiceDeploymentStatus::Successful,
        Some(Status::StopRequested | Status::Stopped) => ServiceDeploymentStatus::Stopped,
        Some(Status::RollbackRequested | Status::RollbackInProgress) => {
            ServiceDeploymentStatus::RollingBack
        }
        Some(Status::RollbackSuccessful) => ServiceDeploymentStatus::RolledBack,
        Some(Status::RollbackFailed) => ServiceDeploymentStatus::RollbackFailed,
        Some(_) | None => ServiceDeploymentStatus::InProgress,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "arn:aws:ecs:eu-west-1:222222222222:service-deployment/acme/web";
    const REVISION: &str = "arn:aws:ecs:eu-west-1:222222222222:service-revision/acme/web";
    const TASKS: &str = "arn:aws:ecs:eu-west-1:222222222222:task-definition/web";

    /// The entry of this number, which began at that second.
    fn listed(number: i64) -> ServiceDeploymentBrief {
        ServiceDeploymentBrief::builder()
            .service_deployment_arn(format!("{SERVICE}/{number}"))
            .target_service_revision_arn(format!("{REVISION}/{number}"))
            .created_at(DateTime::from_secs(number))
            .status(Status::Pending)
            .status_reason("as listed")
            .build()
    }

    fn described(number: i64, status: Status, rollback: Option<&str>) -> (String, Described) {
        let rollback = rollback.map(|reason| Rollback::builder().reason(reason).build());
        let described = Described::builder()
            .status(status)
            .status_reason("as described")
            .set_rollback(rollback)
            .build();
        (format!("{SERVICE}/{number}"), described)
    }

    fn revision(number: i64) -> (String, RevisionArn) {
        let arn = RevisionArn::parse(format!("{TASKS}:{number}")).expect("well-formed");
        (format!("{REVISION}/{number}"), arn)
    }

    #[test]
    fn a_rollbacks_reason_is_the_last_word() {
        let described = [
            described(1, Status::RollbackSuccessful, Some("Circuit breaker")),
            described(2, Status::InProgress, None),
        ];
        let (described, revisions) = (described.into(), [1, 2, 3].map(revision).into());
        let entries = newest([1, 2, 3].map(listed).into());
        let read = entries.iter().filter_map(|entry| read(entry, &described, &revisions));
        let read: Vec<_> = read
            .map(|one| (one.began_at.as_second(), one.status, one.reason.unwrap_or_default()))
            .collect();
        let expected = [
            (3, ServiceDeploymentStatus::InProgress, "as listed".to_owned()),
            (2, ServiceDeploymentStatus::InProgress, "as described".to_owned()),
            (1, ServiceDeploymentStatus::RolledBack, "Circuit breaker".to_owned()),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_history_that_is_not_to_be_had_is_told_from_a_call_that_failed() {
        let unsupported = "Service deployments are not supported for this deployment controller.";
        assert!(is_not_to_be_had(Some("UnsupportedFeatureException"), None));
        assert!(is_not_to_be_had(Some("AccessDeniedException"), Some("not authorized")));
        assert!(is_not_to_be_had(Some("ClientException"), Some(unsupported)));
        assert!(!is_not_to_be_had(Some("ClientException"), Some("Too many requests")));
        assert!(!is_not_to_be_had(Some("ThrottlingException"), None));
        assert!(!is_not_to_be_had(Some("ServerException"), None));
        assert!(!is_not_to_be_had(None, Some("not supported")));
    }

    #[test]
    fn the_alarms_that_were_raised_are_named() {
        use ServiceDeploymentRollbackMonitorsStatus::{Disabled, Triggered};
        let of = |status| {
            let alarms = ServiceDeploymentAlarms::builder().status(status);
            let alarms = alarms.alarm_names("web-5xx").alarm_names("web-slow");
            raised(&alarms.triggered_alarm_names("web-5xx").build())
        };
        assert_eq!(of(Triggered), [AlarmName::parse("web-5xx").expect("a name")]);
        assert!(of(Disabled).is_empty());
        assert!(raised(&ServiceDeploymentAlarms::builder().build()).is_empty());
    }

    #[test]
    fn an_entry_whose_revision_is_not_known_is_left_out() {
        let (described, revisions) = (BTreeMap::new(), [revision(1)].into());
        let entries = newest([1, 2].map(listed).into());
        let read: Vec<_> =
            entries.iter().filter_map(|entry| read(entry, &described, &revisions)).collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].revision, revision(1).1);
        assert!(newest(vec![ServiceDeploymentBrief::builder().build()]).is_empty());
    }

    #[test]
    fn no_more_is_asked_for_than_one_call_takes() {
        let entries = newest((1..=30).map(listed).collect());
        assert_eq!(entries.len(), ENTRIES_MAX);
        assert_eq!(entries[0].arn, format!("{SERVICE}/30"));
    }

    #[test]
    fn a_status_that_we_do_not_know_is_no_end() {
        let check = |given: &str, expected| assert_eq!(status(Some(&given.into())), expected);
        check("PENDING", ServiceDeploymentStatus::InProgress);
        check("IN_PROGRESS", ServiceDeploymentStatus::InProgress);
        check("SUCCESSFUL", ServiceDeploymentStatus::Successful);
        check("STOP_REQUESTED", ServiceDeploymentStatus::Stopped);
        check("STOPPED", ServiceDeploymentStatus::Stopped);
        check("ROLLBACK_REQUESTED", ServiceDeploymentStatus::RollingBack);
        check("ROLLBACK_IN_PROGRESS", ServiceDeploymentStatus::RollingBack);
        check("ROLLBACK_SUCCESSFUL", ServiceDeploymentStatus::RolledBack);
        check("ROLLBACK_FAILED", ServiceDeploymentStatus::RollbackFailed);
        check("STATUS_OF_NEXT_YEAR", ServiceDeploymentStatus::InProgress);
    }
}
