//! A simulated ECS: deployments take time, and can fail.
//!
//! A deployment replaces tasks evenly over its time. Whether it completes depends on the image in
//! its task definition; one that does not is given up by the circuit breaker, which makes the
//! revision before it the PRIMARY's again.

use std::collections::BTreeMap;

use funade::facts::ecs::{Controller, Deployment, DeploymentStatus, EcsService, RolloutState};
use funade::facts::names::{ClusterName, DeploymentId, EcsServiceName, Place, RevisionArn};
use funade::facts::task_definition::{Registration, Revision};
use funade::world::{CallError, CallProblem, Ecs};
use jiff::{SignedDuration, Timestamp};

use crate::state::Sim;
use crate::task_definition::{is_refused, tasks_of};

/// How long a deployment takes unless its image says otherwise.
const DEPLOYMENT_DURATION: SignedDuration = SignedDuration::from_secs(90);

/// How long a deployment that was given up is still described.
const DRAINS_WITHIN: SignedDuration = SignedDuration::from_secs(120);

type ServiceKey = (Place, ClusterName, EcsServiceName);

/// What tasks with some image do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// They become healthy, and the deployment takes this long.
    Healthy(SignedDuration),
    /// They exit, and the circuit breaker gives up after this long.
    Crashes(SignedDuration),
}

/// A service as an onlooker sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceView {
    /// The image of the container that was asked about, in the PRIMARY's task definition.
    pub image: Option<String>,
    /// The PRIMARY's revision.
    pub revision: RevisionArn,
    /// Tasks of the PRIMARY's revision.
    pub new_tasks: u32,
    /// Tasks that should run.
    pub desired_count: u32,
    /// How far the PRIMARY has come.
    pub rollout: RolloutState,
    /// The share of its time that has passed, from 0 to 1.
    pub elapsed: f64,
}

/// All services and task definitions, in all accounts.
#[derive(Debug, Default)]
pub(crate) struct Services {
    by_name: BTreeMap<ServiceKey, Service>,
    families: BTreeMap<(Place, String), Vec<Revision>>,
    /// By a part of what tasks are made of: an image's digest, a variable with its value.
    behaviours: Vec<(String, Behaviour)>,
    /// In per cent of the usual time.
    paces: BTreeMap<ClusterName, i32>,
    deployments_made: u64,
}

#[derive(Debug)]
struct Service {
    status: String,
    controller: Controller,
    desired_count: u32,
    deployments: Vec<Running>,
    /// All that ever began, with their revisions.
    history: Vec<(Timestamp, RevisionArn)>,
}

#[derive(Debug)]
struct Running {
    deployment: Deployment,
    began: Timestamp,
    behaviour: Behaviour,
}

impl Sim {
    /// Makes a service that runs a task definition, steadily.
    pub fn put_service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        registration: &Registration,
        desired_count: u32,
    ) {
        let state = &mut *self.state_mut();
        let revision = state.services.register(place, registration);
        let first =
            state.services.new_deployment(cluster, revision, state.now, RolloutState::Completed);
        let service = Service {
            status: "ACTIVE".to_owned(),
            controller: Controller::Ecs,
            desired_count,
            history: vec![(state.now, first.deployment.revision.clone())],
            deployments: vec![first],
        };
        state.services.by_name.insert((place.clone(), cluster.clone(), name.clone()), service);
    }

    /// Gives a service another deployment controller.
    pub fn set_controller(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        controller: Controller,
    ) {
        let key = (place.clone(), cluster.clone(), name.clone());
        let services = &mut self.state_mut().services.by_name;
        services.get_mut(&key).expect("the service was put before").controller = controller;
    }

    /// Deletes a service.
    pub fn delete_service(&self, place: &Place, cluster: &ClusterName, name: &EcsServiceName) {
        let key = (place.clone(), cluster.clone(), name.clone());
        self.state_mut().services.by_name.remove(&key);
    }

    /// Says what tasks do that have this text in an image's name, or as a variable with its value:
    /// `MODE=bad`.
    pub fn set_behaviour(&self, part: impl Into<String>, behaviour: Behaviour) {
        self.state_mut().services.behaviours.push((part.into(), behaviour));
    }

    /// Lets deployments in a cluster take longer or shorter, in per cent of the usual time.
    pub fn set_pace(&self, cluster: &ClusterName, percent: i32) {
        self.state_mut().services.paces.insert(cluster.clone(), percent);
    }

    /// Somebody deploys by hand.
    pub fn change_by_hand(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        registration: &Registration,
    ) {
        let state = &mut *self.state_mut();
        let revision = state.services.register(place, registration);
        let key = (place.clone(), cluster.clone(), name.clone());
        let now = state.now;
        state.services.deploy(&key, &revision, now).expect("the service was put before");
    }

    /// Somebody forces a new deployment of the revision that runs.
    pub fn force_new_deployment(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
    ) {
        let state = &mut *self.state_mut();
        let key = (place.clone(), cluster.clone(), name.clone());
        let service = state.services.by_name.get(&key).expect("the service was put before");
        let primary = service.primary().expect("it runs something");
        let revision = primary.deployment.revision.clone();
        let forced =
            state.services.new_deployment(cluster, revision, state.now, RolloutState::InProgress);
        let service = state.services.by_name.get_mut(&key).expect("it was there just now");
        service.begin(forced);
    }

    /// Looks at a service without a call.
    #[must_use]
    pub fn view(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        container: &funade::facts::names::ContainerName,
    ) -> Option<ServiceView> {
        let state = self.state();
        let key = (place.clone(), cluster.clone(), name.clone());
        let service = state.services.by_name.get(&key)?;
        let primary = service.primary()?;
        let revision = state.services.find(place, primary.deployment.revision.as_str())?;
        Some(ServiceView {
            image: revision.document.image(container).map(str::to_owned),
            revision: revision.arn.clone(),
            new_tasks: primary.new_tasks(service.desired_count, state.now),
            desired_count: service.desired_count,
            rollout: primary.deployment.rollout,
            elapsed: primary.elapsed(state.now),
        })
    }

    /// A registered revision, without a call.
    #[must_use]
    pub fn revision(&self, place: &Place, arn_or_family: &str) -> Option<Revision> {
        self.state().services.find(place, arn_or_family).cloned()
    }
}

impl Services {
    /// Lets deployments complete or fail whose time has come.
    pub(crate) fn move_on(&mut self, now: Timestamp) {
        for service in self.by_name.values_mut() {
            service.move_on(now);
        }
    }

    fn find(&self, place: &Place, arn_or_family: &str) -> Option<&Revision> {
        let family = RevisionArn::parse(arn_or_family)
            .map_or_else(|_| arn_or_family.to_owned(), |arn| arn.family().to_owned());
        let revisions = self.families.get(&(place.clone(), family))?;
        revisions
            .iter()
            .find(|revision| revision.arn.as_str() == arn_or_family)
            .or_else(|| (!arn_or_family.starts_with("arn:")).then(|| revisions.last())?)
    }

    fn register(&mut self, place: &Place, registration: &Registration) -> RevisionArn {
        let family = registration.document.family().to_owned();
        let revisions = self.families.entry((place.clone(), family.clone())).or_default();
        let arn = format!(
            "arn:aws:ecs:{}:{}:task-definition/{family}:{}",
            place.region,
            place.account,
            revisions.len() + 1
        );
        let arn = RevisionArn::parse(arn).expect("of that form");
        revisions.push(Revision {
            arn: arn.clone(),
            document: registration.document.clone(),
            tags: registration.tags.clone(),
        });
        arn
    }

    fn deploy(
        &mut self,
        key: &ServiceKey,
        revision: &RevisionArn,
        now: Timestamp,
    ) -> Result<DeploymentId, CallProblem> {
        let fresh = self.new_deployment(&key.1, revision.clone(), now, RolloutState::InProgress);
        let service = self.by_name.get_mut(key).ok_or(CallProblem::Refused)?;
        // ECS starts no deployment for the revision that is the PRIMARY's already.
        let primary = service.primary().map(|primary| &primary.deployment);
        if let Some(same) = primary.filter(|primary| &primary.revision == revision) {
            return Ok(same.id.clone());
        }
        let id = fresh.deployment.id.clone();
        service.begin(fresh);
        Ok(id)
    }

    fn new_deployment(
        &mut self,
        cluster: &ClusterName,
        revision: RevisionArn,
        now: Timestamp,
        rollout: RolloutState,
    ) -> Running {
        self.deployments_made += 1;
        let tasks = self.tasks(&revision);
        let known = self.behaviours.iter().rev().find(|(part, _)| tasks.contains(part.as_str()));
        let behaviour =
            known.map_or(Behaviour::Healthy(DEPLOYMENT_DURATION), |(_, behaviour)| *behaviour);
        Running {
            deployment: deployment(self.deployments_made, revision, rollout),
            began: now,
            behaviour: behaviour.paced(self.paces.get(cluster).copied().unwrap_or(100)),
        }
    }

    fn tasks(&self, revision: &RevisionArn) -> String {
        let revisions = self.families.values().flatten();
        let found = revisions.filter(|known| &known.arn == revision);
        found.map(|revision| tasks_of(&revision.document)).collect()
    }
}

impl Behaviour {
    fn paced(self, percent: i32) -> Self {
        let paced = |takes: SignedDuration| takes * percent / 100;
        match self {
            Self::Healthy(takes) => Self::Healthy(paced(takes)),
            Self::Crashes(takes) => Self::Crashes(paced(takes)),
        }
    }
}

fn deployment(number: u64, revision: RevisionArn, rollout: RolloutState) -> Deployment {
    Deployment {
        id: DeploymentId::parse(format!("ecs-svc/{number:019}")).expect("not empty"),
        status: DeploymentStatus::Primary,
        revision,
        rollout,
        reason: None,
    }
}

impl Service {
    fn primary(&self) -> Option<&Running> {
        self.deployments.iter().find(|d| d.deployment.status == DeploymentStatus::Primary)
    }

    fn begin(&mut self, fresh: Running) {
        for older in &mut self.deployments {
            older.deployment.status = DeploymentStatus::Active;
        }
        self.history.push((fresh.began, fresh.deployment.revision.clone()));
        self.deployments.insert(0, fresh);
    }

    fn move_on(&mut self, now: Timestamp) {
        // What was given up or replaced is forgotten once its tasks are gone.
        self.deployments.retain(|running| {
            running.deployment.status == DeploymentStatus::Primary
                || running.deployment.rollout != RolloutState::Failed
                || now < running.ends() + DRAINS_WITHIN
        });
        let Some(primary) = self
            .deployments
            .iter_mut()
            .find(|running| running.deployment.status == DeploymentStatus::Primary)
            .filter(|running| running.deployment.rollout == RolloutState::InProgress)
            .filter(|running| now >= running.ends())
        else {
            return;
        };
        match primary.behaviour {
            Behaviour::Healthy(_) => {
                primary.deployment.rollout = RolloutState::Completed;
                self.deployments.retain(|running| {
                    let deployment = &running.deployment;
                    deployment.status == DeploymentStatus::Primary
                        || deployment.rollout == RolloutState::Failed
                });
            }
            Behaviour::Crashes(_) => {
                primary.deployment.rollout = RolloutState::Failed;
                primary.deployment.reason =
                    Some("ECS deployment circuit breaker: tasks failed to start.".to_owned());
                self.roll_back(now);
            }
        }
    }

    /// The circuit breaker: back to the newest completed deployment, under its old id, which is in
    /// progress again until its tasks are back.
    fn roll_back(&mut self, now: Timestamp) {
        let completed = self
            .deployments
            .iter()
            .position(|running| running.deployment.rollout == RolloutState::Completed);
        let Some(index) = completed else { return };
        for running in &mut self.deployments {
            running.deployment.status = DeploymentStatus::Active;
        }
        let back = &mut self.deployments[index];
        back.deployment.status = DeploymentStatus::Primary;
        back.deployment.rollout = RolloutState::InProgress;
        back.deployment.reason = Some("rolled back by the circuit breaker".to_owned());
        back.began = now;
    }

    fn describe(&self) -> EcsService {
        EcsService {
            status: self.status.clone(),
            controller: self.controller.clone(),
            deployments: self.deployments.iter().map(|d| d.deployment.clone()).collect(),
        }
    }
}

impl Running {
    /// When it completes or is given up.
    fn ends(&self) -> Timestamp {
        let (Behaviour::Healthy(takes) | Behaviour::Crashes(takes)) = self.behaviour;
        self.began + takes
    }

    fn new_tasks(&self, desired: u32, now: Timestamp) -> u32 {
        match (self.deployment.rollout, self.behaviour) {
            (RolloutState::Completed, _) => desired,
            (RolloutState::Failed, _) | (RolloutState::InProgress, Behaviour::Crashes(_)) => 0,
            (RolloutState::InProgress, Behaviour::Healthy(_)) => {
                let mut replaced = 0;
                while replaced < desired
                    && f64::from(replaced + 1) <= self.elapsed(now) * f64::from(desired)
                {
                    replaced += 1;
                }
                replaced
            }
        }
    }

    /// The share of its time that has passed, from 0 to 1.
    fn elapsed(&self, now: Timestamp) -> f64 {
        let (Behaviour::Healthy(takes) | Behaviour::Crashes(takes)) = self.behaviour;
        let elapsed = now.duration_since(self.began).as_secs_f64();
        (elapsed / takes.as_secs_f64()).clamp(0.0, 1.0)
    }
}

impl Ecs for Sim {
    async fn service(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
    ) -> Result<Option<EcsService>, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        self.call("DescribeServices", format!("{service} in {cluster} of {place}"), |state| {
            Ok(state.services.by_name.get(&key).map(Service::describe))
        })
        .await
    }

    async fn task_definition(
        &self,
        place: &Place,
        arn_or_family: &str,
    ) -> Result<Option<Revision>, CallError> {
        self.call("DescribeTaskDefinition", arn_or_family.to_owned(), |state| {
            Ok(state.services.find(place, arn_or_family).cloned())
        })
        .await
    }

    async fn deployed_since(
        &self,
        place: &Place,
        cluster: &ClusterName,
        service: &EcsServiceName,
        since: Timestamp,
    ) -> Result<Vec<RevisionArn>, CallError> {
        let key = (place.clone(), cluster.clone(), service.clone());
        let subject = format!("{service} in {cluster} of {place}");
        self.call("ListServiceDeployments", subject, |state| {
            let history = state.services.by_name.get(&key).map(|service| service.history.iter());
            let after = history.into_iter().flatten().filter(|(began, _)| *began >= since);
            Ok(after.map(|(_, revision)| revision.clone()).collect())
        })
        .await
    }

    async fn register(
        &self,
        place: &Place,
        registration: &Registration,
    ) -> Result<RevisionArn, CallError> {
        let subject = format!("{} in {place}", registration.document.family());
        self.call("RegisterTaskDefinition", subject, |state| {
            if is_refused(&registration.document) {
                return Err(CallProblem::Refused);
            }
            Ok(state.services.register(place, registration))
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
        self.call("UpdateService", format!("{service} in {cluster} of {place}"), |state| {
            if state.services.find(place, revision.as_str()).is_none() {
                return Err(CallProblem::Refused);
            }
            let now = state.now;
            state.services.deploy(&key, revision, now)
        })
        .await
    }
}
