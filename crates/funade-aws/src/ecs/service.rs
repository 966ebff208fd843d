//! A service, from `DescribeServices` and from `UpdateService`'s answer.

use std::collections::BTreeMap;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{
    CanaryConfiguration, DeploymentAlarms, DeploymentCircuitBreaker, DeploymentConfiguration,
    DeploymentController, DeploymentControllerType, DeploymentRolloutState, DeploymentStrategy,
    Failure, LinearConfiguration, Service,
};
use funade::facts::ecs::{
    Controller, Deployment, DeploymentStatus, EcsService, RolloutState, ServiceMessage,
};
use funade::facts::names::{ClusterName, DeploymentId, EcsServiceName, Place, RevisionArn};
use funade::world::{CallError, CallProblem};
use jiff::SignedDuration;

use super::{moment, parsed};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// Messages that are taken of the hundred that ECS gives: those of the last minutes, in which the
/// cause of a failure stands. Nobody is told more.
const MESSAGES_MAX: usize = 20;

/// What ECS does where a canary's configuration leaves its wait open.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html>
const CANARY_BAKE_DEFAULT_MINUTES: i32 = 10;

/// What ECS does where a linear configuration leaves its steps open.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html>
const STEP_DEFAULT_PERCENT: f64 = 10.0;

/// What ECS does where a linear configuration leaves the wait between its steps open.
const STEP_BAKE_DEFAULT_MINUTES: i32 = 6;

/// How long ECS goes on watching its own deployment alarms once the tasks are replaced, at the most
/// that is allowed for. ECS computes it from the alarms and tells it nowhere: fifteen minutes are
/// three evaluations of an alarm that looks at five minutes at a time. Too short, and a healthy
/// deployment is undone; too long, and a stuck one is undone later.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>
const ALARMS_WATCHED: SignedDuration = SignedDuration::from_mins(15);

/// Reads services of one cluster, with one call.
pub(super) async fn read_many(
    world: &AwsWorld,
    place: &Place,
    cluster: &ClusterName,
    services: &[EcsServiceName],
) -> Result<BTreeMap<EcsServiceName, EcsService>, CallError> {
    let subject = match services {
        [one] => format!("{one} in {cluster} of {place}"),
        many => format!("{} services in {cluster} of {place}", many.len()),
    };
    let described = world
        .clients()
        .of(place)
        .ecs
        .describe_services()
        .cluster(cluster.as_str())
        .set_services(Some(services.iter().map(ToString::to_string).collect()))
        .send()
        .await;
    let output = match described {
        Ok(output) => output,
        Err(error) if error.code() == Some("ClusterNotFoundException") => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(call_error("DescribeServices", subject, &error)),
    };
    if let Some(reason) = unanswered(output.failures()) {
        return Err(CallError {
            operation: "DescribeServices",
            subject,
            problem: CallProblem::NoAnswer,
            source: Some(reason.into()),
        });
    }
    let mut found = BTreeMap::new();
    for service in output.services() {
        let name = service.service_name().map(str::to_owned);
        let name = parsed(name.as_deref(), EcsServiceName::parse, "DescribeServices", &subject)?;
        found.insert(name, read(service, &subject)?);
    }
    Ok(found)
}

/// What was not answered. A service that is not there is an answer, though it stands among the
/// failures; for any other reason, whether it is there stays open.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>
fn unanswered(failures: &[Failure]) -> Option<String> {
    let failure = failures.iter().find(|failure| failure.reason() != Some("MISSING"))?;
    let (arn, reason) = (failure.arn().unwrap_or("a service"), failure.reason());
    Some(format!("{arn}: {}", reason.unwrap_or("it failed, and ECS says nothing of why")))
}

/// Reads a service.
pub(super) fn read(service: &Service, subject: &str) -> Result<EcsService, CallError> {
    let controller = service.deployment_controller().map(DeploymentController::r#type);
    Ok(EcsService {
        status: service.status().unwrap_or("UNKNOWN").to_owned(),
        controller: match controller {
            None | Some(DeploymentControllerType::Ecs) => Controller::Ecs,
            Some(other) => Controller::Other(other.as_str().to_owned()),
        },
        deployments: service
            .deployments()
            .iter()
            .map(|deployment| read_deployment(service, deployment, subject))
            .collect::<Result<_, _>>()?,
        strategy_waits: service
            .deployment_configuration()
            .map_or(SignedDuration::ZERO, strategy_waits),
        messages: messages(service),
        desired_count: service.desired_count().try_into().unwrap_or_default(),
        running_count: service.running_count().try_into().unwrap_or_default(),
        has_brake: service.deployment_configuration().is_some_and(has_brake),
    })
}

/// Whether something stops a bad deployment.
fn has_brake(configuration: &DeploymentConfiguration) -> bool {
    let breaker = configuration.deployment_circuit_breaker();
    let alarms = configuration.alarms();
    breaker.is_some_and(DeploymentCircuitBreaker::enable)
        || alarms.is_some_and(DeploymentAlarms::enable)
}

fn read_deployment(
    service: &Service,
    deployment: &aws_sdk_ecs::types::Deployment,
    subject: &str,
) -> Result<Deployment, CallError> {
    let operation = "DescribeServices";
    Ok(Deployment {
        id: parsed(deployment.id(), DeploymentId::parse, operation, subject)?,
        status: match deployment.status() {
            Some("PRIMARY") => DeploymentStatus::Primary,
            Some("ACTIVE") => DeploymentStatus::Active,
            Some(_) | None => DeploymentStatus::Inactive,
        },
        revision: parsed(deployment.task_definition(), RevisionArn::parse, operation, subject)?,
        rollout: match deployment.rollout_state() {
            Some(DeploymentRolloutState::Completed) => RolloutState::Completed,
            Some(DeploymentRolloutState::Failed) => RolloutState::Failed,
            None if is_alone_and_steady(service, deployment) => RolloutState::Completed,
            Some(_) | None => RolloutState::InProgress,
        },
        reason: deployment.rollout_state_reason().map(str::to_owned),
        updated_at: moment(deployment.updated_at()),
    })
}

/// Whether a deployment is complete of which ECS tells no state, as for services behind a Classic
/// Load Balancer: it has all its tasks, and no other is left.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
fn is_alone_and_steady(service: &Service, deployment: &aws_sdk_ecs::types::Deployment) -> bool {
    let complete =
        deployment.running_count() == deployment.desired_count() && deployment.pending_count() == 0;
    complete && service.deployments().len() == 1
}

/// How long a healthy deployment waits by itself, at the most: for its strategy, and for the alarms
/// that ECS itself watches. What stands beside `ROLLING` is for the other strategies.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>
fn strategy_waits(configuration: &DeploymentConfiguration) -> SignedDuration {
    let bake = minutes(configuration.bake_time_in_minutes().unwrap_or(0));
    let alarms = configuration.alarms().is_some_and(DeploymentAlarms::enable);
    let watched = if alarms { ALARMS_WATCHED } else { SignedDuration::ZERO };
    let of_strategy = match configuration.strategy() {
        Some(DeploymentStrategy::BlueGreen) => bake,
        Some(DeploymentStrategy::Canary) => {
            let canary = configuration.canary_configuration();
            let wait = canary.and_then(CanaryConfiguration::canary_bake_time_in_minutes);
            bake + minutes(wait.unwrap_or(CANARY_BAKE_DEFAULT_MINUTES))
        }
        Some(DeploymentStrategy::Linear) => {
            let linear = configuration.linear_configuration();
            let percent = linear.and_then(LinearConfiguration::step_percent);
            let wait = linear.and_then(LinearConfiguration::step_bake_time_in_minutes);
            let wait = minutes(wait.unwrap_or(STEP_BAKE_DEFAULT_MINUTES));
            bake + times(wait, (100.0 / percent.unwrap_or(STEP_DEFAULT_PERCENT)).ceil())
        }
        Some(_) | None => SignedDuration::ZERO,
    };
    of_strategy + watched
}

fn minutes(count: i32) -> SignedDuration {
    SignedDuration::from_mins(count.max(0).into())
}

/// Zero where that makes no sense, as with steps of 0 percent.
fn times(wait: SignedDuration, count: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * count).unwrap_or(SignedDuration::ZERO)
}

/// The last that ECS said of the service.
fn messages(service: &Service) -> Vec<ServiceMessage> {
    let mut messages: Vec<_> = service
        .events()
        .iter()
        .filter_map(|event| {
            let text = event.message()?.to_owned();
            Some(ServiceMessage { at: moment(event.created_at())?, text })
        })
        .collect();
    messages.sort_by_key(|message| std::cmp::Reverse(message.at));
    messages.truncate(MESSAGES_MAX);
    messages
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::ServiceEvent;

    use super::*;

    fn waits(strategy: &str, canary: Option<i32>, linear: Option<(f64, i32)>) -> i64 {
        let canary = canary.map(|minutes| {
            CanaryConfiguration::builder().canary_bake_time_in_minutes(minutes).build()
        });
        let linear = linear.map(|(percent, minutes)| {
            let linear = LinearConfiguration::builder().step_percent(percent);
            linear.step_bake_time_in_minutes(minutes).build()
        });
        let configuration = DeploymentConfiguration::builder()
            .strategy(DeploymentStrategy::from(strategy))
            .bake_time_in_minutes(30)
            .set_canary_configuration(canary)
            .set_linear_configuration(linear)
            .build();
        strategy_waits(&configuration).as_mins()
    }

    #[test]
    fn a_service_that_is_not_there_is_an_answer() {
        let failure = |reason: &str| {
            let arn = "arn:aws:ecs:eu-west-1:222222222222:service/acme/order-api";
            Failure::builder().arn(arn).reason(reason).build()
        };
        assert_eq!(unanswered(&[]), None);
        assert_eq!(unanswered(&[failure("MISSING"), failure("MISSING")]), None);
        let reason = unanswered(&[failure("MISSING"), failure("INTERNAL")]).expect("it is open");
        assert!(reason.ends_with("service/acme/order-api: INTERNAL"), "{reason}");
        assert!(unanswered(&[Failure::builder().build()]).is_some());
    }

    #[test]
    fn a_state_that_ecs_does_not_tell_follows_from_the_tasks() {
        let deployment = |id: u32, state: Option<DeploymentRolloutState>, (running, pending)| {
            let revision = format!("arn:aws:ecs:eu-west-1:222222222222:task-definition/web:{id}");
            aws_sdk_ecs::types::Deployment::builder()
                .id(format!("ecs-svc/{id}"))
                .status(if id == 2 { "PRIMARY" } else { "ACTIVE" })
                .task_definition(revision)
                .set_rollout_state(state)
                .desired_count(3)
                .running_count(running)
                .pending_count(pending)
                .build()
        };
        let rollout = |deployments| {
            let service = Service::builder().set_deployments(Some(deployments)).build();
            read(&service, "web").expect("complete").primary().expect("it has one").rollout
        };
        assert_eq!(rollout(vec![deployment(2, None, (3, 0))]), RolloutState::Completed);
        assert_eq!(rollout(vec![deployment(2, None, (2, 1))]), RolloutState::InProgress);
        assert_eq!(rollout(vec![deployment(2, None, (3, 1))]), RolloutState::InProgress);
        let two = vec![deployment(2, None, (3, 0)), deployment(1, None, (1, 0))];
        assert_eq!(rollout(two), RolloutState::InProgress);
        let told = deployment(2, Some(DeploymentRolloutState::InProgress), (3, 0));
        assert_eq!(rollout(vec![told]), RolloutState::InProgress, "what ECS says counts");
    }

    #[test]
    fn a_circuit_breaker_or_alarms_are_a_brake() {
        let brake = |breaker: Option<bool>, alarms: Option<bool>| {
            let breaker = breaker.map(|enable| {
                DeploymentCircuitBreaker::builder().enable(enable).rollback(true).build()
            });
            let alarms = alarms.map(|enable| {
                let alarms = DeploymentAlarms::builder().alarm_names("acme-order-api-5xx");
                alarms.enable(enable).rollback(true).build().expect("complete")
            });
            let configuration = DeploymentConfiguration::builder()
                .set_deployment_circuit_breaker(breaker)
                .set_alarms(alarms)
                .build();
            has_brake(&configuration)
        };
        assert!(brake(Some(true), None) && brake(None, Some(true)));
        assert!(brake(Some(false), Some(true)) && brake(Some(true), Some(false)));
        assert!(!brake(None, None) && !brake(Some(false), Some(false)));
    }

    #[test]
    fn what_a_strategy_waits_is_counted_by_strategy() {
        assert_eq!(waits("ROLLING", Some(15), Some((20.0, 5))), 0);
        assert_eq!(waits("BLUE_GREEN", Some(15), None), 30);
        assert_eq!(waits("CANARY", Some(15), None), 45);
        assert_eq!(waits("LINEAR", None, Some((20.0, 5))), 55);
        // A step that does not divide a hundred has a shorter one behind it.
        assert_eq!(waits("LINEAR", None, Some((30.0, 5))), 50);
    }

    #[test]
    fn alarms_that_ecs_watches_are_given_time() {
        let waits = |enable| {
            let alarms = DeploymentAlarms::builder().alarm_names("acme-order-api-5xx");
            let alarms = alarms.enable(enable).rollback(true).build().expect("complete");
            let rolling = DeploymentConfiguration::builder().strategy(DeploymentStrategy::Rolling);
            strategy_waits(&rolling.alarms(alarms).build())
        };
        assert_eq!(waits(true), ALARMS_WATCHED);
        assert_eq!(waits(false), SignedDuration::ZERO);
    }

    #[test]
    fn what_a_configuration_leaves_open_is_what_ecs_does() {
        assert_eq!(waits("CANARY", None, None), 40);
        assert_eq!(waits("LINEAR", None, None), 90);
        assert_eq!(waits("LINEAR", None, Some((0.0, 5))), 30);
        assert_eq!(waits("STRATEGY_OF_NEXT_YEAR", None, None), 0);
        assert_eq!(strategy_waits(&DeploymentConfiguration::builder().build()).as_mins(), 0);
    }

    #[test]
    fn the_last_messages_come_first() {
        let event = |second| {
            let at = DateTime::from_secs(second);
            ServiceEvent::builder().created_at(at).message(format!("at {second}")).build()
        };
        let service = Service::builder().set_events(Some((1..=30).map(event).collect())).build();
        let messages = messages(&service);
        assert_eq!(messages.len(), MESSAGES_MAX);
        assert_eq!(messages[0].text, "at 30");
        assert_eq!(messages[0].at.as_second(), 30);
    }
}
