//! ECS.

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionError;
use aws_sdk_ecs::operation::update_service::UpdateServiceError;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    ContainerDefinition, CreatedAt, DeploymentController, DeploymentControllerType,
    DeploymentRolloutState, Service, TaskDefinitionField,
};
use funade::facts::ecs::{Controller, Deployment, DeploymentStatus, EcsService, RolloutState};
use funade::facts::names::{ClusterName, DeploymentId, EcsServiceName, Place, RevisionArn};
use funade::facts::task_definition::{Document, Registration, Revision, tags_from_value};
use funade::world::{CallError, CallProblem, Ecs};
use jiff::Timestamp;
use serde_json::Value;

use crate::documents::{KeepResponse, ReplaceRequest};
use crate::errors::call_error;
use crate::retries::OnlyAfterThrottling;
use crate::world::AwsWorld;

/// Service revisions in one `DescribeServiceRevisions`. The newest are listed first, and since a
/// deploy was cut off there are few.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html>
const SERVICE_REVISIONS_MAX: usize = 20;

impl Ecs for AwsWorld {
    async fn service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Option<EcsService>, CallError> {
        let subject = format!("{service} in {cluster} of {place}");
        let described = self
            .clients()
            .of(place)
            .ecs
            .describe_services()
            .cluster(cluster.as_str())
            .services(service.as_str())
            .send()
            .await;
        let output = match described {
            Ok(output) => output,
            Err(error) if error.code() == Some("ClusterNotFoundException") => return Ok(None),
            Err(error) => return Err(call_error("DescribeServices", subject, &error)),
        };
        output.services().first().map(|found| read_service(found, &subject)).transpose()
    }

    async fn task_definition(
        &self,
        place: &Place,
        arn_or_family: &str,
    ) -> Result<Option<Revision>, CallError> {
        let kept = KeepResponse::default();
        let described = self
            .clients()
            .of(place)
            .ecs
            .describe_task_definition()
            .task_definition(arn_or_family)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(kept.clone())
            .send()
            .await;
        match described {
            Ok(_) => read_revision(&kept.take(), arn_or_family).map(Some),
            // "Unable to describe task definition." is all that ECS says of an unknown one.
            Err(error) if error.code() == Some("ClientException") => Ok(None),
            Err(error) => Err(call_error("DescribeTaskDefinition", arn_or_family, &error)),
        }
    }

    async fn deployed_since(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        since: Timestamp,
    ) -> Result<Vec<RevisionArn>, CallError> {
        let subject = format!("{service} in {cluster} of {place}");
        let ecs = self.clients().of(place).ecs;
        let after = DateTime::from_secs(since.as_second());
        let listed = ecs
            .list_service_deployments()
            .cluster(cluster.as_str())
            .service(service.as_str())
            .created_at(CreatedAt::builder().after(after).build())
            .send()
            .await
            .map_err(|error| call_error("ListServiceDeployments", &subject, &error))?;
        let revisions: Vec<String> = listed
            .service_deployments()
            .iter()
            .filter_map(|deployment| deployment.target_service_revision_arn.clone())
            .take(SERVICE_REVISIONS_MAX)
            .collect();
        if revisions.is_empty() {
            return Ok(Vec::new());
        }
        let described = ecs
            .describe_service_revisions()
            .set_service_revision_arns(Some(revisions))
            .send()
            .await
            .map_err(|error| call_error("DescribeServiceRevisions", &subject, &error))?;
        let revisions = described.service_revisions().iter().filter_map(|r| r.task_definition());
        Ok(revisions.filter_map(|arn| RevisionArn::parse(arn).ok()).collect())
    }

    async fn register(
        &self,
        place: &Place,
        registration: &Registration,
    ) -> Result<RevisionArn, CallError> {
        let family = registration.document.family();
        let subject = format!("{family} in {place}");
        let body = registration.to_value().to_string().into_bytes();
        let output = self
            .clients()
            .of(place)
            .ecs
            .register_task_definition()
            // Enough for the SDK to make a request, whose body is then replaced.
            .family(family)
            .container_definitions(ContainerDefinition::builder().build())
            .customize()
            .interceptor(ReplaceRequest(body))
            .config_override(
                aws_sdk_ecs::Config::builder()
                    .retry_classifier(OnlyAfterThrottling::<RegisterTaskDefinitionError>::new()),
            )
            .send()
            .await
            .map_err(|error| call_error("RegisterTaskDefinition", &subject, &error))?;
        let arn = output.task_definition().and_then(|definition| definition.task_definition_arn());
        parsed(arn, RevisionArn::parse, "RegisterTaskDefinition", &subject)
    }

    async fn update_service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        revision: &RevisionArn,
    ) -> Result<DeploymentId, CallError> {
        let subject = format!("{service} in {cluster} of {place}");
        let output = self
            .clients()
            .of(place)
            .ecs
            .update_service()
            .cluster(cluster.as_str())
            .service(service.as_str())
            .task_definition(revision.as_str())
            .customize()
            .config_override(
                aws_sdk_ecs::Config::builder()
                    .retry_classifier(OnlyAfterThrottling::<UpdateServiceError>::new()),
            )
            .send()
            .await
            .map_err(|error| call_error("UpdateService", &subject, &error))?;
        let service =
            output.service().ok_or_else(|| odd("UpdateService", &subject, "no service"))?;
        let service = read_service(service, &subject)?;
        let ours = service.deployments.iter().find(|deployment| &deployment.revision == revision);
        ours.map(|deployment| deployment.id.clone())
            .ok_or_else(|| odd("UpdateService", &subject, "no deployment of the new revision"))
    }
}

fn read_service(service: &Service, subject: &str) -> Result<EcsService, CallError> {
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
            .map(|deployment| read_deployment(deployment, subject))
            .collect::<Result<_, _>>()?,
    })
}

fn read_deployment(
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
            Some(_) | None => RolloutState::InProgress,
        },
        reason: deployment.rollout_state_reason().map(str::to_owned),
    })
}

fn read_revision(body: &[u8], subject: &str) -> Result<Revision, CallError> {
    let operation = "DescribeTaskDefinition";
    let mut response: Value = serde_json::from_slice(body)
        .map_err(|error| odd(operation, subject, &format!("no JSON: {error}")))?;
    let tags = response.get("tags").map(tags_from_value).unwrap_or_default();
    let described = response.get_mut("taskDefinition").map(Value::take).unwrap_or_default();
    let arn = described.get("taskDefinitionArn").and_then(Value::as_str).map(str::to_owned);
    Ok(Revision {
        arn: parsed(arn.as_deref(), RevisionArn::parse, operation, subject)?,
        document: Document::parse(described)
            .map_err(|error| odd(operation, subject, &error.to_string()))?,
        tags,
    })
}

fn parsed<T>(
    text: Option<&str>,
    parse: impl FnOnce(String) -> Result<T, funade::facts::names::BadName>,
    operation: &'static str,
    subject: &str,
) -> Result<T, CallError> {
    let text = text.ok_or_else(|| odd(operation, subject, "an id is missing"))?;
    parse(text.to_owned()).map_err(|error| odd(operation, subject, &error.to_string()))
}

/// AWS answered with something that it never should. What it did is known only by looking again.
fn odd(operation: &'static str, subject: &str, what: &str) -> CallError {
    CallError {
        operation,
        subject: subject.to_owned(),
        problem: CallProblem::NoAnswer,
        source: Some(format!("the answer cannot be read: {what}").into()),
    }
}
