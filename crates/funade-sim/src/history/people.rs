//! What happens from outside, carried out: images and parameters are put, people type, alarms ring.

use std::collections::BTreeMap;
use std::sync::Arc;

use funade::config::Target;
use funade::facts::ecs::AlarmState;
use funade::facts::hold::Hold;
use funade::facts::image::ImageReference;
use funade::facts::names::{Digest, Place, RepositoryName, Tag};
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::subject::{Subject, Wake};
use funade::facts::task_definition::Registration;
use funade::shell::{RollbackWish, lift_hold, request_deploy, request_rollback, set_hold};
use jiff::SignedDuration;
use serde_json::Value;

use super::acts::{Copies, What};
use super::run::{Arrival, Course, Landed};
use crate::ecs::Behaviour;
use crate::events::{alarm_event, parameter_event, push_event, replication_event};

/// The variables that parameters give. One value of the first makes tasks crash.
pub(super) const NAMES: [&str; 4] = ["MODE", "LOG_LEVEL", "DB_PASSWORD", "FEATURES"];

/// The value that makes tasks crash, as `MODE=4`.
pub(super) const BAD: u64 = 4;

/// What is to follow by itself.
pub(super) enum Later {
    /// An image arrives in the replicas.
    Replicated { tag: Tag, digest: Digest, copies: Copies },
    /// An alarm is quiet again.
    Quiet { target: usize, copies: Copies },
    /// The schedule's event.
    Sweep,
}

/// The image with a number.
pub(super) fn digest(number: u64) -> Digest {
    Digest::parse(format!("sha256:{number:064x}")).expect("well-formed")
}

/// The tag with a number.
pub(super) fn tag(number: u64) -> Tag {
    Tag::parse(format!("1.{number}.0")).expect("well-formed")
}

impl<'sim> Course<'sim> {
    /// Something happens.
    pub(super) fn act(&mut self, what: &'sim What) {
        self.tell(|| format!("## {what:?}"));
        match what {
            What::Push { number, behaviour, replicated_after, copies } => {
                let (tag, digest) = (tag(*number), digest(*number));
                // Pushed again, an image is what it was.
                if self.checkers.behaviour(&digest).is_none() {
                    self.sim.set_behaviour(digest.to_string(), *behaviour);
                    self.checkers.pushed(&digest, *number, *behaviour);
                }
                self.put(&tag, &digest, *replicated_after, copies);
            }
            What::MoveTag { number, onto, copies } => {
                let (tag, digest) = (tag(*number), digest(*onto));
                if self.checkers.behaviour(&digest).is_none() {
                    let healthy = Behaviour::Healthy(SignedDuration::from_secs(90));
                    self.checkers.pushed(&digest, *onto, healthy);
                }
                self.put(&tag, &digest, SignedDuration::from_secs(5), copies);
                self.checkers.tag_moved();
            }
            What::DeleteImage { number } => {
                let digest = digest(*number);
                for place in self.registries() {
                    self.sim.delete_image(&place, &self.repository(), &digest);
                }
                self.checkers.image_deleted(&digest);
            }
            What::Put { target, shared, name, value, copies } => {
                let (place, name) = self.parameter(*target, *shared, *name);
                let value = match value {
                    Some(value) => ParameterValue::Plain(value.to_string()),
                    None => ParameterValue::Secure,
                };
                self.sim.put_parameter(&place, &name, value);
                self.parameter_changed(&place, &name, "Update", copies);
            }
            What::Delete { target, shared, name, copies } => {
                let (place, name) = self.parameter(*target, *shared, *name);
                self.sim.delete_parameter(&place, &name);
                self.parameter_changed(&place, &name, "Delete", copies);
            }
            What::Request { number } => self.request(*number),
            What::Hold { target, lasts } => self.hold(*target, *lasts),
            What::Unhold { target } => self.unhold(*target),
            What::RollBack { target } => self.roll_back(*target),
            What::ChangeByHand { target, number } => self.change_by_hand(*target, *number),
            What::Force { target } => {
                let Target { place, cluster, ecs_service, .. } = self.target(*target);
                self.sim.force_new_deployment(place, cluster, ecs_service);
                self.checkers.by_hand(&self.target(*target).id, self.now());
            }
            What::Stop { target } => {
                let Target { place, cluster, ecs_service, .. } = self.target(*target);
                self.sim.stop_by_hand(place, cluster, ecs_service);
                self.checkers.by_hand(&self.target(*target).id, self.now());
            }
            What::Alarm { target, lasts, copies } => {
                self.alarm(*target, AlarmState::Raised, copies);
                let (at, copies) = (self.now() + *lasts, copies.clone());
                self.arrives(at, Arrival::Then(Later::Quiet { target: *target, copies }));
            }
            What::Wake { target } => self.wake(Subject::Target(self.target(*target).id.clone())),
        }
    }

    /// Something follows.
    pub(super) fn then(&mut self, later: Later) {
        match later {
            Later::Replicated { tag, digest, copies } => {
                let pushed_to = self.config.registry.place.clone();
                for replica in self.registries().into_iter().filter(|place| *place != pushed_to) {
                    let repository = self.repository();
                    self.sim.put_image(&replica, &repository, &tag, &digest);
                    let (id, now) = (self.event_id(), self.now());
                    let event = replication_event(
                        &id,
                        now,
                        &replica,
                        &pushed_to,
                        &repository,
                        &tag,
                        &digest,
                    );
                    self.send(event, &copies);
                }
            }
            Later::Sweep => self.sweep(),
            Later::Quiet { target, copies } => self.alarm(target, AlarmState::Quiet, &copies),
        }
    }

    pub(super) fn wake(&mut self, subject: Subject) {
        self.sim.send_again(&Wake::new(subject, "a schedule", "to look"));
    }

    fn target(&self, number: usize) -> &'sim Target {
        self.targets[number % self.targets.len()]
    }

    fn repository(&self) -> RepositoryName {
        self.targets[0].repository.clone()
    }

    /// Where images are pushed, and the replicas.
    fn registries(&self) -> Vec<Place> {
        let pulled = self.targets.iter().map(|target| target.pulls_from.place.clone());
        let mut places: Vec<Place> =
            std::iter::once(self.config.registry.place.clone()).chain(pulled).collect();
        places.sort();
        places.dedup();
        places
    }

    fn put(
        &mut self,
        tag: &Tag,
        digest: &Digest,
        replicated_after: SignedDuration,
        copies: &Copies,
    ) {
        let (place, repository) = (self.config.registry.place.clone(), self.repository());
        self.sim.put_image(&place, &repository, tag, digest);
        let (id, now) = (self.event_id(), self.now());
        self.send(push_event(&id, now, &place, &repository, tag, digest), copies);
        let (tag, digest, copies) = (tag.clone(), digest.clone(), copies.clone());
        let replicated = Later::Replicated { tag, digest, copies };
        self.arrives(now + replicated_after, Arrival::Then(replicated));
    }

    fn send(&mut self, event: Value, copies: &Copies) {
        let (event, now) = (Arc::new(event), self.now());
        for after in copies {
            self.arrives(now + *after, Arrival::Event(event.clone(), 0));
        }
    }

    /// A parameter below one of the paths that the target reads.
    fn parameter(&self, target: usize, shared: bool, name: usize) -> (Place, ParameterName) {
        let target = self.target(target);
        let path = if shared {
            "/shared/web/".to_owned()
        } else {
            format!("/{}/web/", target.id.environment)
        };
        let name = format!("{path}{}", NAMES[name % NAMES.len()]);
        (target.place.clone(), ParameterName::parse(name).expect("well-formed"))
    }

    fn parameter_changed(
        &mut self,
        place: &Place,
        name: &ParameterName,
        operation: &str,
        copies: &Copies,
    ) {
        self.checkers.parameters_changed(self.now());
        let (id, now) = (self.event_id(), self.now());
        self.send(parameter_event(&id, now, place, name, operation), copies);
    }

    fn request(&mut self, number: u64) {
        let (sim, config, id) = (self.sim, self.config, self.event_id());
        self.checkers.person(None, self.now());
        self.person(async move {
            let service = config.services.keys().next().expect("one service");
            let (tag, id) = (tag(number), format!("request-{id}"));
            match request_deploy(sim, config, service, &tag, "dana", &id).await {
                Ok(_) => Landed::Said(format!("dana asks for {tag}")),
                Err(error) => Landed::Said(format!("dana cannot ask for {tag}: {error}")),
            }
        });
    }

    fn hold(&mut self, target: usize, lasts: Option<SignedDuration>) {
        let (sim, config, now) = (self.sim, self.config, self.now());
        let hold = Hold {
            on: Subject::Target(self.target(target).id.clone()),
            release: None,
            reason: "a test".to_owned(),
            by: "dana".to_owned(),
            since: now,
            until: lasts.map(|lasts| now + lasts),
            lifted: None,
        };
        self.person(async move {
            match set_hold(sim, config, &hold).await {
                Ok(()) => Landed::Said(format!("dana holds {}", hold.on)),
                Err(error) => Landed::Said(format!("dana cannot hold: {error}")),
            }
        });
    }

    fn unhold(&mut self, target: usize) {
        let (sim, config) = (self.sim, self.config);
        let id = self.target(target).id.clone();
        self.checkers.person(Some(&id), self.now());
        self.person(async move {
            let on = Subject::Target(id);
            match lift_hold(sim, config, &on, "erin").await {
                Ok(lifted) => Landed::Said(format!("erin lifts the hold on {}", lifted.hold.on)),
                Err(error) => Landed::Said(format!("erin cannot lift: {error}")),
            }
        });
    }

    fn roll_back(&mut self, target: usize) {
        let (sim, config) = (self.sim, self.config);
        let (id, request) = (self.target(target).id.clone(), self.event_id());
        self.person(async move {
            let wish = RollbackWish {
                target: &id,
                to: None,
                by: "dana",
                reason: "a test",
                id: &format!("rollback-{request}"),
            };
            match request_rollback(sim, config, &wish).await {
                Ok(request) => Landed::Said(format!("dana rolls {id} back to {}", request.to)),
                Err(error) => Landed::Said(format!("dana cannot roll back: {error}")),
            }
        });
    }

    fn change_by_hand(&mut self, target: usize, number: u64) {
        let target = self.target(target);
        let Target { place, cluster, ecs_service, container, .. } = target;
        let view = self.sim.view(place, cluster, ecs_service, container).expect("it is there");
        let running = self.sim.revision(place, view.revision.as_str()).expect("it is registered");
        let image = ImageReference {
            registry: target.pulls_from.to_string(),
            repository: target.repository.clone(),
            tag: None,
            digest: Some(digest(number)),
        };
        let document =
            running.document.with_image(container, &image).expect("the container is there");
        let registration = Registration { document, tags: BTreeMap::new() };
        if self.sim.try_change_by_hand(place, cluster, ecs_service, &registration) {
            self.checkers.by_hand(&target.id, self.now());
        }
    }

    fn alarm(&mut self, target: usize, state: AlarmState, copies: &Copies) {
        let target = self.target(target);
        let Some(alarm) = target.verify.alarms.first() else { return };
        self.sim.set_alarm(&target.place, alarm, state);
        self.checkers.alarm(&target.place, state, self.now());
        let (id, now) = (self.event_id(), self.now());
        self.send(alarm_event(&id, now, &target.place, alarm, state), copies);
    }
}
