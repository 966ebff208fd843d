//! A simulated ECS: services, task definitions, and the calls about them.

mod behaviour;
mod calls;
mod service;

pub use behaviour::{Behaviour, Failure};
pub use service::{Breaker, Strategy};

use std::collections::BTreeMap;

use funade::facts::cause::StoppedTask;
use funade::facts::ecs::{Controller, EcsService, RolloutState, ServiceDeployment, ServiceMessage};
use funade::facts::names::{
    AlarmName, ClusterName, ContainerName, DeploymentId, EcsServiceName, Place, RevisionArn,
};
use funade::facts::task_definition::{Registration, Revision};
use funade::world::CallProblem;
use jiff::{SignedDuration, Timestamp};

use self::service::{Happened, Running, Service};
use crate::state::Sim;
use crate::task_definition::tasks_of;

/// How long a deployment takes unless its image says otherwise.
const DEPLOYMENT_DURATION: SignedDuration = SignedDuration::from_secs(90);

/// How many deployments that are not over a service may have.
/// <https://github.com/aws/containers-roadmap/issues/2836>
const DEPLOYMENTS_MAX: usize = 5;

pub(crate) type ServiceKey = (Place, ClusterName, EcsServiceName);

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
#[derive(Debug)]
pub(crate) struct Services {
    by_name: BTreeMap<ServiceKey, Service>,
    families: BTreeMap<(Place, String), Vec<Revision>>,
    /// By a part of what tasks are made of: an image's digest, a variable with its value.
    behaviours: Vec<(String, Behaviour)>,
    /// In per cent of the usual time.
    paces: BTreeMap<ClusterName, i32>,
    deployments_made: u64,
    /// What the service was like before it last changed, and when that was: what a read may still
    /// give.
    before: BTreeMap<ServiceKey, (Timestamp, Seen)>,
    /// Whether there is a history of service deployments; some emulators have none.
    pub(crate) keeps_history: bool,
    /// For how long; zero where all reads are consistent.
    pub(crate) stale_for: SignedDuration,
    /// Calls of `UpdateService` since somebody looked.
    pub(crate) updated: Vec<Updated>,
    /// What was registered since somebody looked.
    pub(crate) registered: Vec<(Place, RevisionArn)>,
    /// What happened since somebody looked.
    pub(crate) happened: Vec<ServiceHappened>,
}

/// What a read of a service gives.
#[derive(Debug, Clone)]
struct Seen {
    service: EcsService,
    history: Vec<ServiceDeployment>,
}

/// Who calls `UpdateService`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Funade.
    Funade,
    /// A person, in the console.
    Hand,
}

/// An `UpdateService` that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Updated {
    pub(crate) key: ServiceKey,
    pub(crate) by: By,
    /// What it named.
    pub(crate) revision: RevisionArn,
    /// What was the PRIMARY's before.
    pub(crate) before: RevisionArn,
    /// Since when ECS was going back by itself, if it was.
    pub(crate) rolling_back_since: Option<Timestamp>,
}

/// What ECS would send an event about.
#[derive(Debug, Clone)]
pub(crate) struct ServiceHappened {
    pub(crate) key: ServiceKey,
    pub(crate) name: &'static str,
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
        let revision = state.services.register(place, registration, None);
        let services = &mut state.services;
        let first = services.new_deployment(cluster, revision, state.now, RolloutState::Completed);
        let service = Service::new(first, desired_count, &arn_of(place));
        services.by_name.insert((place.clone(), cluster.clone(), name.clone()), service);
    }

    /// Says what a service's circuit breaker does.
    pub fn set_breaker(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        breaker: Breaker,
    ) {
        let key = (place.clone(), cluster.clone(), name.clone());
        self.state_mut().services.existing(&key).breaker = breaker;
    }

    /// Says how a service's deployments go about it.
    pub fn set_strategy(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        strategy: Strategy,
    ) {
        let key = (place.clone(), cluster.clone(), name.clone());
        self.state_mut().services.existing(&key).strategy = strategy;
    }

    /// Lets ECS tell no history of its services, as some emulators do.
    pub fn keep_no_history(&self) {
        self.state_mut().services.keeps_history = false;
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
        self.state_mut().services.existing(&key).controller = controller;
    }

    /// Lets so many of a service's tasks be gone, for a reason that ECS says. Once none is, it says
    /// that, too, unless it says something else.
    pub fn lose_tasks(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        (count, said): (u32, Option<&str>),
    ) {
        let state = &mut *self.state_mut();
        let now = state.now;
        let service = state.services.existing(&(place.clone(), cluster.clone(), name.clone()));
        service.missing = count;
        let steady =
            || (count == 0).then(|| format!("(service {name}) has reached a steady state."));
        if let Some(text) = said.map(str::to_owned).or_else(steady) {
            service.said.insert(0, ServiceMessage { at: now, text });
        }
    }

    /// Says which of a service's tasks stopped lately, besides those of deployments that fail.
    pub fn set_stopped(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        tasks: &[StoppedTask],
    ) {
        let key = (place.clone(), cluster.clone(), name.clone());
        self.state_mut().services.existing(&key).stopped_lately = tasks.to_vec();
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
        let changed = self.try_change_by_hand(place, cluster, name, registration);
        assert!(changed, "the service was put before, and has room");
    }

    /// The same, and says whether ECS took it.
    pub fn try_change_by_hand(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        registration: &Registration,
    ) -> bool {
        let state = &mut *self.state_mut();
        let person = format!("arn:aws:sts::{}:assumed-role/admin/erin", place.account);
        let revision = state.services.register(place, registration, Some(&person));
        let key = (place.clone(), cluster.clone(), name.clone());
        state.services.update(&key, &revision, By::Hand, state.now).is_ok()
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
        let primary = state.services.existing(&key).primary().expect("it runs something");
        let revision = primary.deployment.revision.clone();
        state.services.begin(&key, &revision, state.now);
    }

    /// Somebody stops the deployment that is under way, so that ECS rolls it back.
    pub fn stop_by_hand(&self, place: &Place, cluster: &ClusterName, name: &EcsServiceName) {
        let state = &mut *self.state_mut();
        let key = (place.clone(), cluster.clone(), name.clone());
        let now = state.now;
        let newest = state.services.existing(&key).history(Timestamp::MIN).into_iter().next();
        if let Some(newest) = newest {
            state.services.remember(&key, now);
            state.services.existing(&key).stop(&newest.arn, now);
        }
    }

    /// An alarm is raised that a service's deployments are watched by in ECS itself.
    pub fn raise_deployment_alarm(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        alarm: &AlarmName,
    ) {
        let state = &mut *self.state_mut();
        let key = (place.clone(), cluster.clone(), name.clone());
        state.services.remember(&key, state.now);
        if state.services.existing(&key).alarm(alarm, state.now) {
            let name = Happened::event_name(Happened::Failed);
            state.services.happened.push(ServiceHappened { key, name });
        }
    }

    /// Somebody deregisters a revision.
    pub fn deregister(&self, revision: &RevisionArn) {
        let state = &mut *self.state_mut();
        let revisions = state.services.families.values_mut().flatten();
        revisions.filter(|known| &known.arn == revision).for_each(|known| known.active = false);
    }

    /// Looks at a service without a call.
    #[must_use]
    pub fn view(
        &self,
        place: &Place,
        cluster: &ClusterName,
        name: &EcsServiceName,
        container: &ContainerName,
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

    /// How many revisions there are in all families.
    #[must_use]
    pub fn revisions(&self) -> usize {
        self.state().services.families.values().map(Vec::len).sum()
    }

    /// A registered revision, without a call.
    #[must_use]
    pub fn revision(&self, place: &Place, arn_or_family: &str) -> Option<Revision> {
        self.state().services.find(place, arn_or_family).cloned()
    }
}

impl Default for Services {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            families: BTreeMap::new(),
            behaviours: Vec::new(),
            paces: BTreeMap::new(),
            deployments_made: 0,
            before: BTreeMap::new(),
            keeps_history: true,
            stale_for: SignedDuration::ZERO,
            updated: Vec::new(),
            registered: Vec::new(),
            happened: Vec::new(),
        }
    }
}

/// What ARNs of ECS begin with in a place.
fn arn_of(Place { account, region }: &Place) -> String {
    format!("arn:aws:ecs:{region}:{account}")
}

impl Services {
    /// Lets deployments complete or fail whose time has come.
    pub(crate) fn move_on(&mut self, now: Timestamp) {
        let due = |service: &Service| service.next_at().is_some_and(|at| at <= now);
        let due: Vec<ServiceKey> = self
            .by_name
            .iter()
            .filter(|(_, service)| due(service))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.remember(&key, now);
            if let Some(happened) = self.existing(&key).move_on(now) {
                self.happened.push(ServiceHappened { key, name: Happened::event_name(happened) });
            }
        }
        for service in self.by_name.values_mut() {
            service.move_on(now);
        }
    }

    /// When a deployment ends next.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.by_name.values().filter_map(Service::next_at).min()
    }

    pub(crate) fn ever_completed(&self, key: &ServiceKey, revision: &RevisionArn) -> bool {
        self.by_name.get(key).is_some_and(|service| service.ever_completed(revision))
    }

    pub(crate) fn find(&self, place: &Place, arn_or_family: &str) -> Option<&Revision> {
        let family = RevisionArn::parse(arn_or_family)
            .map_or_else(|_| arn_or_family.to_owned(), |arn| arn.family().to_owned());
        let revisions = self.families.get(&(place.clone(), family))?;
        revisions
            .iter()
            .find(|revision| revision.arn.as_str() == arn_or_family)
            .or_else(|| (!arn_or_family.starts_with("arn:")).then(|| revisions.last())?)
    }

    fn existing(&mut self, key: &ServiceKey) -> &mut Service {
        self.by_name.get_mut(key).expect("the service was put before")
    }

    /// Keeps what reads may still give for a while, before a service changes.
    fn remember(&mut self, key: &ServiceKey, now: Timestamp) {
        if self.stale_for.is_positive()
            && let Some(service) = self.by_name.get(key)
        {
            let history = service.history(Timestamp::MIN);
            let seen = Seen { service: service.describe(now), history };
            self.before.insert(key.clone(), (now, seen));
        }
    }

    fn register(
        &mut self,
        place: &Place,
        registration: &Registration,
        registered_by: Option<&str>,
    ) -> RevisionArn {
        let family = registration.document.family().to_owned();
        let revisions = self.families.entry((place.clone(), family.clone())).or_default();
        let number = revisions.len() + 1;
        let arn = format!("{}:task-definition/{family}:{number}", arn_of(place));
        let arn = RevisionArn::parse(arn).expect("of that form");
        revisions.push(Revision {
            arn: arn.clone(),
            document: registration.document.clone(),
            tags: registration.tags.clone(),
            active: true,
            registered_by: registered_by.map(str::to_owned),
        });
        arn
    }

    /// `UpdateService`. ECS starts no deployment for the revision that is the PRIMARY's already.
    fn update(
        &mut self,
        key: &ServiceKey,
        revision: &RevisionArn,
        by: By,
        now: Timestamp,
    ) -> Result<DeploymentId, CallProblem> {
        let service = self.by_name.get(key).ok_or(CallProblem::Refused)?;
        let primary = service.primary().ok_or(CallProblem::Refused)?;
        let (before, id) = (primary.deployment.revision.clone(), primary.deployment.id.clone());
        let began = &before != revision;
        if began && service.active() >= DEPLOYMENTS_MAX {
            return Err(CallProblem::LimitReached);
        }
        let rolling_back_since = service.rolls_back_since();
        let (key_of, named) = (key.clone(), revision.clone());
        let updated = Updated { key: key_of, by, revision: named, before, rolling_back_since };
        self.updated.push(updated);
        Ok(if began { self.begin(key, revision, now) } else { id })
    }

    fn begin(&mut self, key: &ServiceKey, revision: &RevisionArn, now: Timestamp) -> DeploymentId {
        self.remember(key, now);
        let fresh = self.new_deployment(&key.1, revision.clone(), now, RolloutState::InProgress);
        let id = fresh.deployment.id.clone();
        let place = arn_of(&key.0);
        self.existing(key).begin(fresh, &place);
        id
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
        let paced = behaviour.paced(self.paces.get(cluster).copied().unwrap_or(100));
        Running::new(self.deployments_made, revision, paced, rollout, now)
    }

    fn tasks(&self, revision: &RevisionArn) -> String {
        let revisions = self.families.values().flatten();
        let found = revisions.filter(|known| &known.arn == revision);
        found.map(|revision| tasks_of(&revision.document)).collect()
    }
}
