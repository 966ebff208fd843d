//! Events of ECS services, of their tasks, and of alarms. They say where to look, and are never
//! believed: the same name stands for the end of a deployment and for that of its rollback.
//!
//! Form: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>.

use serde::Deserialize;
use serde_json::Value;

use super::Occurrence;
use crate::facts::names::{AlarmName, ClusterName, EcsServiceName};

/// What an event says of an ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEvent {
    /// The service's cluster.
    pub cluster: ClusterName,
    /// The service.
    pub service: EcsServiceName,
    /// What happened, for the history: `SERVICE_DEPLOYMENT_COMPLETED`,
    /// `a task stopped: EssentialContainerExited`.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawService {
    event_name: String,
    cluster_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTask {
    cluster_arn: String,
    group: Option<String>,
    last_status: String,
    stop_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAlarm {
    alarm_name: String,
    state: RawState,
}

#[derive(Deserialize)]
struct RawState {
    value: String,
}

/// Reads "ECS Deployment State Change" and "ECS Service Action": the service's ARN is the first of
/// the resources.
pub(super) fn service(resources: &[String], detail: &Value) -> Result<Occurrence, String> {
    let raw = RawService::deserialize(detail).map_err(|error| format!("detail: {error}"))?;
    let arn = resources.first().ok_or("it has no `resources`, so it names no service")?;
    let path = arn.split_once(":service/").map(|(_, path)| path);
    let path = path.ok_or_else(|| format!("`{arn}` is not the ARN of an ECS service"))?;
    let (cluster, name) = match path.split_once('/') {
        Some((cluster, name)) => (Some(cluster.to_owned()), name),
        // The ARNs of services that are older than 2018 name no cluster.
        None => (raw.cluster_arn.as_deref().map(cluster_of), path),
    };
    let cluster = cluster.ok_or_else(|| format!("`{arn}` names no cluster"))?;
    event(cluster, name, raw.event_name)
}

/// Reads "ECS Task State Change". Of the service there is only the task's group.
pub(super) fn task(detail: &Value) -> Result<Occurrence, String> {
    let raw = RawTask::deserialize(detail).map_err(|error| format!("detail: {error}"))?;
    let group = raw.group.unwrap_or_default();
    let Some(name) = group.strip_prefix("service:") else {
        return Ok(Occurrence::TaskOfNoService { group });
    };
    let what = match raw.stop_code {
        Some(code) => format!("a task is {}: {code}", raw.last_status),
        None => format!("a task is {}", raw.last_status),
    };
    event(cluster_of(&raw.cluster_arn), name, what)
}

/// Reads "CloudWatch Alarm State Change".
pub(super) fn alarm(detail: &Value) -> Result<Occurrence, String> {
    let raw = RawAlarm::deserialize(detail).map_err(|error| format!("detail: {error}"))?;
    let alarm = AlarmName::parse(raw.alarm_name).map_err(|error| error.to_string())?;
    Ok(Occurrence::AlarmChange { alarm, state: raw.state.value })
}

fn event(cluster: String, service: &str, what: String) -> Result<Occurrence, String> {
    Ok(Occurrence::Service(ServiceEvent {
        cluster: ClusterName::parse(cluster).map_err(|error| error.to_string())?,
        service: EcsServiceName::parse(service).map_err(|error| error.to_string())?,
        what,
    }))
}

/// The name in a cluster's ARN.
fn cluster_of(arn: &str) -> String {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(occurrence: Result<Occurrence, String>) -> (String, String) {
        let Ok(Occurrence::Service(event)) = occurrence else { panic!("{occurrence:?}") };
        (event.cluster.to_string(), event.service.to_string())
    }

    #[test]
    fn a_service_is_found_by_either_form_of_its_arn() {
        let detail = json!({"eventName": "SERVICE_DEPLOYMENT_COMPLETED",
            "clusterArn": "arn:aws:ecs:eu-west-1:222222222222:cluster/acme"});
        for path in ["acme/order-api", "order-api"] {
            let arn = format!("arn:aws:ecs:eu-west-1:222222222222:service/{path}");
            let expected = ("acme".to_owned(), "order-api".to_owned());
            assert_eq!(found(service(&[arn], &detail)), expected);
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let detail = json!({"eventName": "X"});
        for (resources, word) in [
            (vec![], "no `resources`"),
            (vec!["arn:aws:ecs:eu-west-1:222222222222:cluster/acme".to_owned()], "is not the ARN"),
            (vec!["arn:aws:ecs:eu-west-1:222222222222:service/x".to_owned()], "names no cluster"),
        ] {
            let error = service(&resources, &detail).expect_err("malformed");
            assert!(error.contains(word), "{error}");
        }
        assert!(task(&json!({})).expect_err("malformed").contains("clusterArn"));
        assert!(alarm(&json!({"alarmName": "x"})).expect_err("malformed").contains("state"));
    }
}
