//! What there is to act on: one port for each thing that the shell reaches.
//!
//! Ports speak our types only. They are implemented on the AWS SDK by `funade-aws` and in memory
//! by `funade-sim`; the shell is generic over [`World`] and knows neither.

#![expect(
    async_fn_in_trait,
    reason = "each function runs on one thread, so no future need be `Send`"
)]

mod error;
mod ledger;

pub use error::{CallError, CallProblem};
pub use ledger::{AppliedConfig, ConfigHead, EventNote, Ledger};

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::Registry;
use crate::facts::cause::StoppedTask;
use crate::facts::ecs::{AlarmState, EcsService, ServiceDeployment};
use crate::facts::image::PushedImage;
use crate::facts::message::Message;
use crate::facts::names::{
    AlarmName, ClusterName, DeploymentId, Digest, EcsServiceName, Place, RepositoryName,
    RevisionArn, ServiceDeploymentArn, Tag,
};
use crate::facts::parameter::{CurrentSecret, Parameter, ParameterPath, SecretName};
use crate::facts::subject::Wake;
use crate::facts::task_definition::{Registration, Revision};

/// All ports together.
pub trait World {
    /// The ledger.
    type Ledger: Ledger;
    /// ECS, in every account and region of the fleet.
    type Ecs: Ecs;
    /// The image registries.
    type Ecr: Ecr;
    /// Parameter Store, in every account and region of the fleet.
    type ParameterStore: ParameterStore;
    /// Secrets Manager, likewise.
    type SecretsManager: SecretsManager;
    /// `CloudWatch`'s alarms, in every account and region of the fleet.
    type Alarms: Alarms;
    /// The queue that starts passes.
    type Queue: Queue;
    /// Whoever takes messages for people and other systems.
    type Messenger: Messenger;

    /// The ledger.
    fn ledger(&self) -> &Self::Ledger;
    /// ECS.
    fn ecs(&self) -> &Self::Ecs;
    /// The registries.
    fn ecr(&self) -> &Self::Ecr;
    /// Parameter Store.
    fn parameter_store(&self) -> &Self::ParameterStore;
    /// Secrets Manager.
    fn secrets_manager(&self) -> &Self::SecretsManager;
    /// `CloudWatch`'s alarms.
    fn alarms(&self) -> &Self::Alarms;
    /// The queue.
    fn queue(&self) -> &Self::Queue;
    /// Whoever takes messages.
    fn messenger(&self) -> &Self::Messenger;
    /// The time, by this machine's clock.
    fn now(&self) -> Timestamp;
    /// Lets some moments pass, at most a second: for the pace of calls, never to wait for something
    /// to happen.
    async fn pause(&self, duration: SignedDuration);
}

/// Services in one `DescribeServices`.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>
pub const SERVICES_READ_MAX: usize = 10;

/// ECS.
pub trait Ecs {
    /// Reads a service. `None` where there is none of that name.
    async fn service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Option<EcsService>, CallError>;

    /// Reads at most [`SERVICES_READ_MAX`] services of a cluster. Those that are not there are left
    /// out.
    async fn services(
        &self,
        place: &Place,
        cluster: &ClusterName,
        services: &[EcsServiceName],
    ) -> Result<BTreeMap<EcsServiceName, EcsService>, CallError>;

    /// Reads a task definition with its tags, by ARN, or the latest active one by family. `None`
    /// where there is none.
    async fn task_definition(
        &self,
        place: &Place,
        arn_or_family: &str,
    ) -> Result<Option<Revision>, CallError>;

    /// ECS's history of a service since a moment, the newest first. As far as it is kept: 90 days.
    /// Empty where there is none, as on some emulators.
    async fn service_deployments(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        since: Timestamp,
    ) -> Result<Vec<ServiceDeployment>, CallError>;

    /// The service's tasks that stopped lately, the last first.
    async fn stopped_tasks(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Vec<StoppedTask>, CallError>;

    /// Has ECS roll a deployment back that is under way. Asking again changes nothing.
    async fn roll_back_deployment(
        &self,
        place: &Place,
        deployment: &ServiceDeploymentArn,
    ) -> Result<(), CallError>;

    /// Registers a new revision. Always makes one, whether or not an equal one exists.
    async fn register(
        &self,
        place: &Place,
        registration: &Registration,
    ) -> Result<RevisionArn, CallError>;

    /// Starts a deployment of the revision and changes nothing else, `desiredCount` least of all.
    /// Never tried twice by the port: the API has no client token.
    async fn update_service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        revision: &RevisionArn,
    ) -> Result<DeploymentId, CallError>;
}

/// The image registries.
pub trait Ecr {
    /// Whether the registry has an image that can be pulled by this digest.
    async fn has_image(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, CallError>;

    /// The digest that a tag stands for now. `None` where the tag, or its image, is not there.
    async fn digest_of(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, CallError>;

    /// The images of a repository that have a tag and can be pulled. Empty where there is no such
    /// repository.
    async fn images(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
    ) -> Result<Vec<PushedImage>, CallError>;
}

/// Some of the parameters below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterPage {
    /// The parameters; a page may be empty and not the last.
    pub parameters: Vec<Parameter>,
    /// What to ask for the next page with; `None` on the last.
    pub next: Option<String>,
}

/// Parameter Store.
pub trait ParameterStore {
    /// Reads a page of the parameters below a path, at any depth, without decryption.
    async fn page(
        &self,
        place: &Place,
        path: &ParameterPath,
        next: Option<&str>,
    ) -> Result<ParameterPage, CallError>;
}

/// Secrets Manager.
pub trait SecretsManager {
    /// Which version of a secret is current, without reading it. `None` where there is no such
    /// secret, it is being deleted, or it has no current version.
    async fn current(
        &self,
        place: &Place,
        secret: &SecretName,
    ) -> Result<Option<CurrentSecret>, CallError>;
}

/// `CloudWatch`'s alarms.
pub trait Alarms {
    /// What these alarms say; those that do not exist are left out.
    async fn alarm_states(
        &self,
        place: &Place,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, CallError>;
}

/// Whoever takes messages: SNS, and addresses that take them by HTTP.
pub trait Messenger {
    /// Sends a message. An error means that it may not have been taken, and should be sent again.
    async fn send(&self, message: &Message) -> Result<(), CallError>;

    /// Keeps a message that was not taken, so that it comes again after a while, and again for about
    /// a day. An error means that it may not be kept.
    async fn send_later(&self, message: &Message) -> Result<(), CallError>;
}

/// The queue that starts passes.
pub trait Queue {
    /// Asks for passes, as soon as may be.
    async fn wake(&self, wakes: &[Wake]) -> Result<(), CallError>;

    /// Asks for passes after a while, at most 15 minutes.
    async fn wake_later(&self, wakes: &[Wake], delay: SignedDuration) -> Result<(), CallError>;
}
