//! ECS's calls.

use std::collections::BTreeMap;

use funade::facts::cause::StoppedTask;
use funade::facts::ecs::{EcsService, ServiceDeployment};
use funade::facts::names::{
    ClusterName, DeploymentId, EcsServiceName, Place, RevisionArn, ServiceDeploymentArn,
};
use funade::facts::task_definition::{Registration, Revision};
use funade::world::{CallError, CallProblem, Ecs, SERVICES_READ_MAX};
use jiff::Timestamp;

use super::{By, Seen, ServiceKey, Services};
use crate::buckets::Bucket;
use crate::state::Sim;
use crate::task_definition::is_refused;

impl Services {
    /// What a read gives: what is so, or, for a while, what was so before.
    fn seen(&self, key: &ServiceKey, now: Timestamp) -> Option<&Seen> {
        let (changed, seen) = self.before.get(key)?;
        (now.duration_since(*changed) < self.stale_for).then_some(seen)
    }

    fn described(&self, key: &ServiceKey, now: Timestamp) -> Option<EcsService> {
        if let Some(seen) = self.seen(key, now) {
            return Some(seen.service.clone());
        }
        self.by_name.get(key).map(|service| service.describe(now))
    }
}

fn subject(place: &Place, cluster: &ClusterName, service: &EcsServiceName) -> String {
    format!("{service} in {cluster} of {place}")
}

impl Ecs for Sim {
    async fn service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Option<EcsService>, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        self.call_in(place, "DescribeServices", subject(place, cluster, service), |state| {
            state.may_call(place, Bucket::Services)?;
            Ok(state.services.described(&key, state.now))
        })
        .await
    }

    async fn services(
        &self,
        place: &Place,
        cluster: &ClusterName,
        services: &[EcsServiceName],
    ) -> Result<BTreeMap<EcsServiceName, EcsService>, CallError> {
        let subject = format!("{} services in {cluster} of {place}", services.len());
        self.call_in(place, "DescribeServices", subject, |state| {
            state.may_call(place, Bucket::Services)?;
            assert!(services.len() <= SERVICES_READ_MAX, "ECS refuses more");
            let found = services.iter().filter_map(|name| {
                let key = (place.clone(), cluster.clone(), name.clone());
                Some((name.clone(), state.services.described(&key, state.now)?))
            });
            Ok(found.collect())
        })
        .await
    }

    async fn task_definition(
        &self,
        place: &Place,
        arn_or_family: &str,
    ) -> Result<Option<Revision>, CallError> {
        self.call_in(place, "DescribeTaskDefinition", arn_or_family.to_owned(), |state| {
            state.may_call(place, Bucket::TaskDefinitions)?;
            Ok(state.services.find(place, arn_or_family).cloned())
        })
        .await
    }

    async fn service_deployments(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        since: Timestamp,
    ) -> Result<Vec<ServiceDeployment>, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        self.call_in(place, "ListServiceDeployments", subject(place, cluster, service), |state| {
            state.may_call(place, Bucket::ServiceDeployments)?;
            let services = &state.services;
            if !services.keeps_history {
                return Ok(Vec::new());
            }
            if let Some(seen) = services.seen(&key, state.now) {
                let after = seen.history.iter().filter(|entry| entry.began_at >= since);
                return Ok(after.cloned().collect());
            }
            let history = services.by_name.get(&key).map(|service| service.history(since));
            Ok(history.unwrap_or_default())
        })
        .await
    }

    async fn stopped_tasks(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Vec<StoppedTask>, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        self.call_in(place, "DescribeTasks", subject(place, cluster, service), |state| {
            state.may_call(place, Bucket::Tasks)?;
            let service = state.services.by_name.get(&key);
            Ok(service.map(|service| service.stopped(state.now)).unwrap_or_default())
        })
        .await
    }

    async fn roll_back_deployment(
        &self,
        place: &Place,
        deployment: &ServiceDeploymentArn,
    ) -> Result<(), CallError> {
        self.call_in(place, "StopServiceDeployment", deployment.to_string(), |state| {
            let services = &mut state.services;
            let has = |service: &super::Service| {
                service.history(Timestamp::MIN).iter().any(|entry| &entry.arn == deployment)
            };
            let found = services.by_name.iter().find(|(_, service)| has(service));
            let key = found.map(|(key, _)| key.clone()).ok_or(CallProblem::Refused)?;
            services.remember(&key, state.now);
            let stopped = services.existing(&key).stop(deployment, state.now);
            if stopped { Ok(()) } else { Err(CallProblem::Conflict) }
        })
        .await
    }

    async fn register(
        &self,
        place: &Place,
        registration: &Registration,
    ) -> Result<RevisionArn, CallError> {
        let subject = format!("{} in {place}", registration.document.family());
        self.call_in(place, "RegisterTaskDefinition", subject, |state| {
            state.may_call(place, Bucket::Registrations)?;
            if is_refused(&registration.document) {
                return Err(CallProblem::Refused);
            }
            let revision = state.services.register(place, registration, None);
            state.services.registered.push((place.clone(), revision.clone()));
            Ok(revision)
        })
        .await
    }

    async fn update_service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        revision: &RevisionArn,
    ) -> Result<DeploymentId, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        self.call_in(place, "UpdateService", subject(place, cluster, service), |state| {
            state.may_call(place, Bucket::Updates)?;
            let known = state.services.find(place, revision.as_str());
            if known.is_none_or(|known| !known.active) {
                return Err(CallProblem::Refused);
            }
            state.services.update(&key, revision, By::Funade, state.now)
        })
        .await
    }
}
