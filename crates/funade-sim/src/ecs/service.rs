//! One simulated ECS service: its deployments, and ECS's history of them.
//!
//! A deployment replaces tasks evenly over its time. One whose tasks fail is given up by the
//! circuit breaker, if the service has one, which makes the revision that was completed last the
//! PRIMARY's again, under its old id. A newer deployment stops the one before.

use funade::facts::cause::StoppedTask;
use funade::facts::ecs::{
    Controller, Deployment, DeploymentStatus, EcsService, RolloutState, ServiceDeployment,
    ServiceDeploymentStatus, ServiceMessage,
};
use funade::facts::names::{AlarmName, DeploymentId, RevisionArn, ServiceDeploymentArn};
use jiff::{SignedDuration, Timestamp};

use super::behaviour::{Behaviour, Failure};

/// How long a deployment that was given up or replaced is still described.
const DRAINS_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// What the service's circuit breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaker {
    /// It gives a failing deployment up, and goes back.
    #[default]
    RollsBack,
    /// It gives a failing deployment up, and leaves it at that.
    GivesUp,
    /// There is none: a failing deployment goes on for ever.
    Off,
}

/// How the service's deployments go about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Task by task.
    #[default]
    Rolling,
    /// `BLUE_GREEN`, `LINEAR` or `CANARY`: once the new tasks are there, both are kept for so long.
    Baked(SignedDuration),
}

#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) status: String,
    pub(super) controller: Controller,
    pub(super) breaker: Breaker,
    pub(super) strategy: Strategy,
    pub(super) desired_count: u32,
    /// Tasks that stopped and do not start again.
    pub(super) missing: u32,
    /// What ECS says of that, the newest first.
    pub(super) said: Vec<ServiceMessage>,
    pub(super) stopped_lately: Vec<StoppedTask>,
    deployments: Vec<Running>,
    /// All that ever began, the newest last.
    history: Vec<ServiceDeployment>,
}

#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) deployment: Deployment,
    began: Timestamp,
    /// When it was completed, given up or replaced.
    over: Option<Timestamp>,
    behaviour: Behaviour,
}

/// What happened to a service that ECS sends an event about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Completed,
    Failed,
}

impl Happened {
    pub(super) fn event_name(self) -> &'static str {
        match self {
            Self::Completed => "SERVICE_DEPLOYMENT_COMPLETED",
            Self::Failed => "SERVICE_DEPLOYMENT_FAILED",
        }
    }
}

impl Running {
    pub(super) fn new(
        number: u64,
        revision: RevisionArn,
        behaviour: Behaviour,
        rollout: RolloutState,
        now: Timestamp,
    ) -> Self {
        let deployment = Deployment {
            id: DeploymentId::parse(format!("ecs-svc/{number:019}")).expect("not empty"),
            status: DeploymentStatus::Primary,
            revision,
            rollout,
            reason: None,
            updated_at: Some(now),
        };
        let over = (rollout == RolloutState::Completed).then_some(now);
        Self { deployment, began: now, over, behaviour }
    }

    /// When it completes or is given up.
    fn ends(&self, strategy: Strategy, breaker: Breaker) -> Option<Timestamp> {
        let takes = self.behaviour.takes()?;
        match (self.behaviour.failure(), breaker, strategy) {
            (Some(_), Breaker::Off, _) => None,
            (None, _, Strategy::Baked(bake)) => Some(self.began + takes + bake),
            (Some(_), _, _) | (None, _, Strategy::Rolling) => Some(self.began + takes),
        }
    }

    /// Whether it may be gone back to, should the PRIMARY fail.
    fn is_kept(&self) -> bool {
        self.deployment.rollout == RolloutState::Completed
            && self.deployment.status != DeploymentStatus::Primary
    }

    pub(super) fn new_tasks(&self, desired: u32, now: Timestamp) -> u32 {
        match (self.deployment.rollout, self.behaviour.failure()) {
            (RolloutState::Completed, _) => desired,
            (RolloutState::Failed, _) | (RolloutState::InProgress, Some(_)) => 0,
            (RolloutState::InProgress, None) => {
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
    pub(super) fn elapsed(&self, now: Timestamp) -> f64 {
        let Some(takes) = self.behaviour.takes() else { return 0.0 };
        let elapsed = now.duration_since(self.began).as_secs_f64();
        (elapsed / takes.as_secs_f64()).clamp(0.0, 1.0)
    }
}

impl Service {
    pub(super) fn new(first: Running, desired_count: u32, place: &str) -> Self {
        let mut service = Self {
            status: "ACTIVE".to_owned(),
            controller: Controller::Ecs,
            breaker: Breaker::default(),
            strategy: Strategy::default(),
            desired_count,
            missing: 0,
            said: Vec::new(),
            stopped_lately: Vec::new(),
            deployments: Vec::new(),
            history: Vec::new(),
        };
        service.begin(first, place);
        service.note(0, ServiceDeploymentStatus::Successful, None);
        service
    }

    pub(super) fn primary(&self) -> Option<&Running> {
        self.deployments.iter().find(|d| d.deployment.status == DeploymentStatus::Primary)
    }

    /// How many deployments are not over.
    pub(super) fn active(&self) -> usize {
        self.deployments.len()
    }

    pub(super) fn begin(&mut self, fresh: Running, place: &str) {
        let now = fresh.began;
        for older in &mut self.deployments {
            older.deployment.status = DeploymentStatus::Active;
            older.over.get_or_insert(now);
        }
        for entry in &mut self.history {
            match entry.status {
                ServiceDeploymentStatus::InProgress | ServiceDeploymentStatus::RollingBack => {
                    entry.status = ServiceDeploymentStatus::Stopped;
                    entry.reason = Some("a newer deployment was started".to_owned());
                }
                ServiceDeploymentStatus::Successful
                | ServiceDeploymentStatus::Stopped
                | ServiceDeploymentStatus::RolledBack
                | ServiceDeploymentStatus::RollbackFailed => {}
            }
        }
        let id = fresh.deployment.id.clone();
        let arn = format!("{place}:service-deployment/web/{}", id.as_str().replace('/', "-"));
        let told = ServiceDeployment {
            arn: ServiceDeploymentArn::parse(arn).expect("of that form"),
            revision: fresh.deployment.revision.clone(),
            status: ServiceDeploymentStatus::InProgress,
            reason: None,
            began_at: now,
            alarms: Vec::new(),
        };
        self.history.push(told);
        self.deployments.insert(0, fresh);
    }

    fn note(&mut self, index: usize, status: ServiceDeploymentStatus, reason: Option<&str>) {
        let told = &mut self.history[index];
        told.status = status;
        told.reason = reason.map(str::to_owned);
    }

    /// Notes it of the entry that is under way.
    fn note_current(&mut self, status: ServiceDeploymentStatus, reason: Option<&str>) {
        let current = self.history.iter().rposition(|entry| match entry.status {
            ServiceDeploymentStatus::InProgress | ServiceDeploymentStatus::RollingBack => true,
            ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::RolledBack
            | ServiceDeploymentStatus::RollbackFailed => false,
        });
        if let Some(index) = current {
            self.note(index, status, reason);
        }
    }

    /// When something happens next by itself.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let primary = self.primary()?;
        let goes_on = primary.deployment.rollout == RolloutState::InProgress;
        primary.ends(self.strategy, self.breaker).filter(|_| goes_on)
    }

    /// Lets the deployment end whose time has come, and forgets what has drained.
    pub(super) fn move_on(&mut self, now: Timestamp) -> Option<Happened> {
        let goes_on = self
            .primary()
            .is_some_and(|primary| primary.deployment.rollout == RolloutState::InProgress);
        // What was complete last keeps its tasks until another is.
        let keeps = self.deployments.iter().find(|running| running.is_kept());
        let keeps = keeps.filter(|_| goes_on).map(|running| running.deployment.id.clone());
        self.deployments.retain(|running| {
            running.deployment.status == DeploymentStatus::Primary
                || keeps.as_ref() == Some(&running.deployment.id)
                || running.over.is_none_or(|over| now < over + DRAINS_WITHIN)
        });
        let (strategy, breaker) = (self.strategy, self.breaker);
        let primary = self
            .deployments
            .iter_mut()
            .find(|running| running.deployment.status == DeploymentStatus::Primary)
            .filter(|running| running.deployment.rollout == RolloutState::InProgress)
            .filter(|running| running.ends(strategy, breaker).is_some_and(|ends| now >= ends))?;
        if primary.behaviour.failure().is_none() {
            primary.deployment.rollout = RolloutState::Completed;
            primary.deployment.reason = None;
            for running in &mut self.deployments {
                if running.deployment.rollout == RolloutState::Completed {
                    running.over = Some(now);
                }
            }
            let rolls_back = self
                .history
                .last()
                .is_some_and(|entry| entry.status == ServiceDeploymentStatus::RollingBack);
            let status = if rolls_back {
                ServiceDeploymentStatus::RolledBack
            } else {
                ServiceDeploymentStatus::Successful
            };
            let kept = self.history.last().and_then(|entry| entry.reason.clone());
            self.note_current(status, kept.as_deref());
            return Some(Happened::Completed);
        }
        let reason = "ECS deployment circuit breaker: tasks failed to start.";
        match breaker {
            Breaker::RollsBack => {
                self.give_up(reason, now);
                self.roll_back(reason, now);
            }
            Breaker::GivesUp => {
                self.give_up(reason, now);
                self.note_current(ServiceDeploymentStatus::Stopped, Some(reason));
            }
            Breaker::Off => return None,
        }
        Some(Happened::Failed)
    }

    fn give_up(&mut self, reason: &str, now: Timestamp) {
        let primary = self
            .deployments
            .iter_mut()
            .find(|running| running.deployment.status == DeploymentStatus::Primary);
        if let Some(primary) = primary {
            primary.deployment.rollout = RolloutState::Failed;
            primary.deployment.reason = Some(reason.to_owned());
            primary.over = Some(now);
        }
    }

    /// Back to the deployment that was completed last, under its old id, which is in progress again
    /// until its tasks are back. Without one there is nowhere to go.
    fn roll_back(&mut self, reason: &str, now: Timestamp) {
        let completed = self.deployments.iter().position(Running::is_kept);
        let Some(index) = completed else {
            self.note_current(ServiceDeploymentStatus::RollbackFailed, Some(reason));
            return;
        };
        for running in &mut self.deployments {
            running.deployment.status = DeploymentStatus::Active;
            running.over.get_or_insert(now);
        }
        let back = &mut self.deployments[index];
        back.deployment.status = DeploymentStatus::Primary;
        back.deployment.rollout = RolloutState::InProgress;
        back.deployment.reason = Some("rolled back by the circuit breaker".to_owned());
        back.deployment.updated_at = Some(now);
        back.began = now;
        back.over = None;
        self.note_current(ServiceDeploymentStatus::RollingBack, Some(reason));
    }

    /// An alarm is raised that ECS itself watches: it gives up the deployment that is under way, and
    /// goes back. Says whether there was one.
    pub(super) fn alarm(&mut self, alarm: &AlarmName, now: Timestamp) -> bool {
        let under_way =
            |entry: &&mut ServiceDeployment| entry.status == ServiceDeploymentStatus::InProgress;
        let Some(entry) = self.history.last_mut().filter(under_way) else { return false };
        entry.alarms.push(alarm.clone());
        let reason = "ECS deployment failed: alarm detected.";
        self.give_up(reason, now);
        self.roll_back(reason, now);
        true
    }

    /// `StopServiceDeployment`. Says whether it could be.
    pub(super) fn stop(&mut self, arn: &ServiceDeploymentArn, now: Timestamp) -> bool {
        let Some(entry) = self.history.iter().find(|entry| &entry.arn == arn) else {
            return false;
        };
        match entry.status {
            ServiceDeploymentStatus::InProgress => {
                let reason = "stopped by a request";
                self.give_up(reason, now);
                self.roll_back(reason, now);
                true
            }
            ServiceDeploymentStatus::RollingBack => true,
            ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::RolledBack
            | ServiceDeploymentStatus::RollbackFailed => false,
        }
    }

    pub(super) fn describe(&self, now: Timestamp) -> EcsService {
        let waits = match self.strategy {
            Strategy::Rolling => SignedDuration::ZERO,
            Strategy::Baked(bake) => bake,
        };
        let mut failures = self.deployments.iter().filter_map(|d| d.behaviour.failure());
        let said = failures.find_map(Failure::message);
        EcsService {
            status: self.status.clone(),
            controller: self.controller.clone(),
            deployments: self.deployments.iter().map(|d| d.deployment.clone()).collect(),
            strategy_waits: waits,
            messages: said
                .map(|text| ServiceMessage { at: now, text: text.to_owned() })
                .into_iter()
                .chain(self.said.clone())
                .collect(),
            desired_count: self.desired_count,
            running_count: self.running_count(now),
            has_brake: self.breaker != Breaker::Off,
        }
    }

    /// Tasks of the PRIMARY, and of what was complete before it while it is not.
    fn running_count(&self, now: Timestamp) -> u32 {
        let primary =
            self.primary().map_or(0, |primary| primary.new_tasks(self.desired_count, now));
        let older = self.deployments.iter().any(Running::is_kept);
        let running = if older { self.desired_count } else { primary };
        running.saturating_sub(self.missing)
    }

    /// The history since a moment, the newest first.
    pub(super) fn history(&self, since: Timestamp) -> Vec<ServiceDeployment> {
        let after = self.history.iter().rev();
        after.filter(|told| told.began_at >= since).cloned().collect()
    }

    /// Whether a deployment of this revision was ever completed.
    pub(super) fn ever_completed(&self, revision: &RevisionArn) -> bool {
        let of_revision = self.history.iter().filter(|entry| &entry.revision == revision);
        let mut statuses = of_revision.map(|entry| entry.status);
        statuses.any(|status| status == ServiceDeploymentStatus::Successful)
    }

    /// Whether the service is on its way back by ECS's own doing.
    pub(super) fn rolls_back_since(&self) -> Option<Timestamp> {
        let last = self.history.last()?;
        let rolls_back = last.status == ServiceDeploymentStatus::RollingBack;
        self.primary().filter(|_| rolls_back).map(|primary| primary.began)
    }

    pub(super) fn stopped(&self, now: Timestamp) -> Vec<StoppedTask> {
        let of_deployment = |running: &Running| {
            let until = running.over.unwrap_or(now);
            let failure = running.behaviour.failure();
            failure.map(|f| f.stopped(&running.deployment.id, running.began, until))
        };
        let of_deployments = self.deployments.iter().filter_map(of_deployment).flatten();
        of_deployments.chain(self.stopped_lately.iter().cloned()).collect()
    }
}
