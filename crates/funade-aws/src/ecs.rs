//! ECS.

mod history;
mod revision;
mod service;
mod stopped_tasks;

use std::collections::BTreeMap;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionError;
use aws_sdk_ecs::operation::update_service::UpdateServiceError;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinitionField};
use funade::facts::cause::StoppedTask;
use funade::facts::ecs::{EcsService, ServiceDeployment};
use funade::facts::names::{
    BadName, ClusterName, DeploymentId, EcsServiceName, Place, RevisionArn, ServiceDeploymentArn,
};
use funade::facts::task_definition::{Registration, Revision};
use funade::world::{CallError, CallProblem, Ecs};
use jiff::Timestamp;

use crate::documents::{KeepResponse, ReplaceRequest};
use crate::errors::call_error;
use crate::retries::OnlyAfterThrottling;
use crate::world::AwsWorld;

impl Ecs for AwsWorld {
    async fn service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Option<EcsService>, CallError> {
        let found = service::read_many(self, place, cluster, std::slice::from_ref(service)).await?;
        Ok(found.into_values().next())
    }

    async fn services(
        &self,
        place: &Place,
        cluster: &ClusterName,
        services: &[EcsServiceName],
    ) -> Result<BTreeMap<EcsServiceName, EcsService>, CallError> {
        service::read_many(self, place, cluster, services).await
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
            Ok(_) => revision::read(&kept.take(), arn_or_family).map(Some),
            // "Unable to describe task definition." is all that ECS says of an unknown one.
            Err(error) if error.code() == Some("ClientException") => Ok(None),
            Err(error) => Err(call_error("DescribeTaskDefinition", arn_or_family, &error)),
        }
    }

    async fn service_deployments(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        since: Timestamp,
    ) -> Result<Vec<ServiceDeployment>, CallError> {
        history::since(self, place, cluster, service, since).await
    }

    async fn stopped_tasks(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Vec<StoppedTask>, CallError> {
        stopped_tasks::of(self, place, cluster, service).await
    }

    async fn roll_back_deployment(
        &self,
        place: &Place,
        deployment: &ServiceDeploymentArn,
    ) -> Result<(), CallError> {
        history::roll_back(self, place, deployment).await
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
        let service = service::read(service, &subject)?;
        let ours = service.deployments.iter().find(|deployment| &deployment.revision == revision);
        ours.map(|deployment| deployment.id.clone())
            .ok_or_else(|| odd("UpdateService", &subject, "no deployment of the new revision"))
    }
}

fn parsed<T>(
    text: Option<&str>,
    parse: impl FnOnce(String) -> Result<T, BadName>,
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

/// A time that ECS gives; none where it gives none, or one outside the calendar.
fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(at?.to_millis().ok()?).ok()
}
