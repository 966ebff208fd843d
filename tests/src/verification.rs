//! What the tests do about deploys that fail: make tasks fail, raise alarms, ask for rollbacks, and
//! look at how a deploy ended.

use funade::config::Target;
use funade::decisions::wanted;
use funade::facts::cause::Cause;
use funade::facts::deploy::{Deploy, Ending, Progress, UndoneBy};
use funade::facts::ecs::AlarmState;
use funade::facts::hold::Hold;
use funade::facts::names::{AlarmName, RevisionArn};
use funade::facts::release::RollbackRequest;
use funade::facts::subject::Subject;
use funade::facts::task_definition::Registration;
use funade::shell::{
    History, RollbackError, RollbackWish, history, lift_hold, request_rollback, standing_holds,
};
use funade::world::World;
use funade_sim::{Behaviour, Breaker, Call, Failure, Strategy, alarm_event};
use jiff::SignedDuration;

use crate::{Stage, digest, example_sources};

/// The service's file in the example.
const ORDER_API: &str = "services/order-api.yaml";

impl Stage {
    /// Sets up the example with one text of order-api's file replaced.
    #[must_use]
    pub fn configured(from: &str, to: &str) -> Self {
        let mut sources = example_sources();
        let file = sources.files.iter_mut().find(|file| file.path == ORDER_API);
        let file = file.expect("it is there");
        assert!(file.text.contains(from), "{ORDER_API} has changed: {from}");
        file.text = file.text.replace(from, to);
        let files: Vec<(&str, &str)> =
            sources.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
        Self::with(&files)
    }

    /// Lets tasks of this image fail in this way, and no circuit breaker notice.
    pub fn hangs(&self, number: u64, failure: Failure) {
        self.sim.set_behaviour(digest(number).to_string(), Behaviour::Never(failure));
    }

    /// Says what the circuit breakers of all of order-api's services do.
    pub fn set_breakers(&self, breaker: Breaker) {
        for Target { place, cluster, ecs_service, .. } in self.targets() {
            self.sim.set_breaker(place, cluster, ecs_service, breaker);
        }
    }

    /// Says how the deployments of a target's service go about it.
    pub fn set_strategy(&self, target: &Target, strategy: Strategy) {
        let Target { place, cluster, ecs_service, .. } = target;
        self.sim.set_strategy(place, cluster, ecs_service, strategy);
    }

    /// The alarm that a target's deploys are verified by.
    #[must_use]
    pub fn alarm<'a>(&self, target: &'a Target) -> &'a AlarmName {
        target.verify.alarms.first().expect("the example has one")
    }

    /// Changes what a target's alarm says, and sends its event.
    pub fn set_alarm(&self, target: &Target, state: AlarmState) {
        let alarm = self.alarm(target);
        self.sim.set_alarm(&target.place, alarm, state);
        let id = self.next_event_id();
        self.send(&alarm_event(&id, self.sim.now(), &target.place, alarm, state));
        self.sim.deliver_all();
    }

    /// Somebody deploys an image of order-api in the console.
    pub fn change_by_hand(&self, target: &Target, number: u64) {
        let Target { place, cluster, ecs_service, .. } = target;
        let running = self.running(target);
        let image = wanted::image(target, &digest(number));
        let document = running.document.with_image(&target.container, &image);
        let document = document.expect("the container is there");
        let registration = Registration { document, ..running };
        self.sim.change_by_hand(place, cluster, ecs_service, &registration);
    }

    /// Lets so much time pass, with all that comes due in it.
    pub fn wait_minutes(&self, minutes: i64) {
        let end = self.sim.now() + SignedDuration::from_mins(minutes);
        self.sim.run_until_quiet(SignedDuration::from_mins(minutes));
        self.sim.pass_time(end.duration_since(self.sim.now()));
        self.sim.deliver_all();
    }

    /// A target's last deploy.
    #[must_use]
    pub fn deploy(&self, target: &Target) -> Deploy {
        self.sim.target_record(&target.id).deploy.expect("one was begun")
    }

    /// How a target's last deploy ended.
    #[must_use]
    pub fn ending(&self, target: &Target) -> Option<Ending> {
        match self.deploy(target).progress {
            Progress::Ended { ending, .. } => Some(ending),
            Progress::Begun
            | Progress::Registered { .. }
            | Progress::Updated { .. }
            | Progress::Completed { .. }
            | Progress::GoingBack { .. } => None,
        }
    }

    /// How a target's last deploy was rolled back.
    #[must_use]
    pub fn rolled_back(&self, target: &Target) -> (Cause, UndoneBy, RevisionArn) {
        match self.ending(target) {
            Some(Ending::RolledBack { cause, by, to }) => (cause, by, to),
            other => panic!("{other:?}: {:?}", self.stands(target)),
        }
    }

    /// Why a target's last deploy failed, and why the target was not brought back.
    #[must_use]
    pub fn failed(&self, target: &Target) -> (Cause, String) {
        match self.ending(target) {
            Some(Ending::Failed { cause, stays }) => (cause, stays),
            other => panic!("{other:?}: {:?}", self.stands(target)),
        }
    }

    /// How often `StopServiceDeployment` was carried out for a target.
    #[must_use]
    pub fn stops(&self, target: &Target) -> usize {
        let place = format!("arn:aws:ecs:{}:{}:", target.place.region, target.place.account);
        let calls = self.sim.calls();
        let carried_out = |call: &&Call| {
            let here = call.subject.starts_with(&place);
            call.operation == "StopServiceDeployment" && here && call.was_carried_out()
        };
        calls.iter().filter(carried_out).count()
    }

    /// A person asks that a target go back, to the deploy of this number or to what served before.
    pub fn roll_back(
        &self,
        target: &Target,
        to: Option<u64>,
    ) -> Result<RollbackRequest, RollbackError> {
        let id = self.next_event_id();
        let (by, reason) = ("dana", "orders are lost");
        let wish = RollbackWish { target: &target.id, to, by, reason, id: &id };
        let asked = request_rollback(&self.sim, &self.config, &wish);
        self.sim.run(asked).expect("nothing dies")
    }

    /// A person lifts the hold on a target.
    pub fn unhold(&self, target: &Target) -> Hold {
        let on = Subject::Target(target.id.clone());
        let lifted = self.sim.run(lift_hold(&self.sim, &self.config, &on, "erin"));
        lifted.expect("nothing dies").expect("it is held").hold
    }

    /// The hold that stands on a target.
    #[must_use]
    pub fn hold(&self, target: &Target) -> Option<Hold> {
        let holds = self.sim.run(standing_holds(&self.sim, &self.config));
        let holds = holds.expect("nothing dies").expect("no fault");
        holds.into_iter().find(|hold| hold.on == Subject::Target(target.id.clone()))
    }

    /// What `funade history` says of a target.
    #[must_use]
    pub fn history(&self, target: &Target) -> History {
        let told = self.sim.run(history(&self.sim, &self.config, &target.id));
        let told = told.expect("nothing dies").expect("no fault");
        told.expect("the target is in the configuration")
    }
}
