//! `services/*.yaml` as written.

use schemars::JsonSchema;

use super::{
    RawParameters, RawReaction, RawRegistry, RawRollback, RawSecret, RawSelect, RawSelector,
    RawVerify, mapping,
};
use crate::config::decode::{At, List, Must, Table};
use crate::config::template::Template;
use crate::facts::names::{ContainerName, EnvironmentName, RepositoryName, ServiceName};

/// A microservice: its image, the environments that run it, and how it is deployed.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Funade service", rename = "service")]
pub(in crate::config) struct RawService {
    /// The service's name.
    pub(in crate::config) service: Must<At<ServiceName>>,
    /// Its image.
    pub(in crate::config) image: Must<RawImage>,
    /// The ECS service's name in an environment; the service's name if left out.
    pub(in crate::config) ecs_service: Option<At<Template>>,
    /// The environments that run it.
    pub(in crate::config) environments: Must<RawSelector>,
    /// The parameters that become environment variables.
    pub(in crate::config) parameters: Option<List<RawParameters>>,
    /// The secrets that become environment variables.
    pub(in crate::config) secrets: Option<List<RawSecret>>,
    /// What happens when a parameter changes that it reads; redeploy if left out.
    pub(in crate::config) on_parameter_change: Option<RawReaction>,
    /// What a deploy must show to have succeeded.
    pub(in crate::config) verify: Option<RawVerify>,
    /// What happens to a deploy that fails; automatic if left out.
    pub(in crate::config) rollback: Option<RawRollback>,
    /// What is different in an environment, by its name. Each key replaces the service's whole.
    pub(in crate::config) overrides: Option<Table<EnvironmentName, RawOverride>>,
}

mapping!(RawService, "a mapping with `service`, `image` and `environments`", {
    required service,
    required image,
    optional ecs_service,
    required environments,
    optional parameters,
    optional secrets,
    optional on_parameter_change,
    optional verify,
    optional rollback,
    optional overrides,
});

/// Which image of which repository goes into which container.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "image")]
pub(in crate::config) struct RawImage {
    /// The ECR repository, without registry and tag.
    pub(in crate::config) repository: Must<At<RepositoryName>>,
    /// The container of the task definition whose image is replaced.
    pub(in crate::config) container: Must<At<ContainerName>>,
    /// Which tags are releases, and their order.
    pub(in crate::config) select: Must<RawSelect>,
    /// The registry that its images are pushed to; the fleet's if left out.
    pub(in crate::config) registry: Option<RawRegistry>,
}

mapping!(RawImage, "a mapping with `repository`, `container` and `select`", {
    required repository,
    required container,
    required select,
    optional registry,
});

/// What is different in one environment.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "override")]
pub(in crate::config) struct RawOverride {
    /// The ECS service's name.
    pub(in crate::config) ecs_service: Option<At<Template>>,
    /// The container whose image is replaced.
    pub(in crate::config) container: Option<At<ContainerName>>,
    /// The parameters, in place of all of the service's.
    pub(in crate::config) parameters: Option<List<RawParameters>>,
    /// The secrets, in place of all of the service's.
    pub(in crate::config) secrets: Option<List<RawSecret>>,
    /// What happens when a parameter changes.
    pub(in crate::config) on_parameter_change: Option<RawReaction>,
    /// What a deploy must show, in place of all that the service says.
    pub(in crate::config) verify: Option<RawVerify>,
    /// What happens to a deploy that fails, in place of all that the service says.
    pub(in crate::config) rollback: Option<RawRollback>,
}

mapping!(RawOverride, "a mapping with the keys that are different", {
    optional ecs_service,
    optional container,
    optional parameters,
    optional secrets,
    optional on_parameter_change,
    optional verify,
    optional rollback,
});
