//! Each invariant is broken on purpose, by calls that a broken Funade would make, or in a broken
//! world: the checkers must say so, and say nothing of what is right.

use std::collections::{BTreeMap, BTreeSet};

use funade::config::Target;
use funade::decisions::notices::{Around, of_target};
use funade::facts::cause::{Cause, Diagnosis, Trigger};
use funade::facts::configuration::Configuration;
use funade::facts::deploy::{Deploy, DeployId, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use funade::facts::image::ImageReference;
use funade::facts::names::{RevisionArn, Tag};
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::record::{Standing, StandingKind, TargetRecord};
use funade::facts::release::{AssignedBy, Assignment, Release};
use funade::facts::task_definition::{DEPLOY_TAG, Registration};
use funade::world::{Ecs, Ledger, World};
use jiff::SignedDuration;

use super::{Checkers, Invariant};
use crate::ecs::Behaviour;
use crate::fleet::stand_up;
use crate::history::fleets::fleet;
use crate::history::peace::{Still, strays};
use crate::history::people::{digest, tag};
use crate::state::Sim;

/// A fleet of one target that has parameters, and what a broken Funade does to it.
struct Broken {
    sim: Sim,
    target: Target,
    checkers: Checkers,
    record: TargetRecord,
    found: Option<Invariant>,
    /// How often each change is told.
    told: usize,
}

impl Broken {
    fn new() -> Self {
        let fleet = fleet(6);
        let sim = Sim::new("2026-11-23T01:30:00Z".parse().expect("a moment"));
        stand_up(&sim, &fleet.config, &Tag::parse("1.0.0").expect("a tag"));
        let target = fleet.config.targets().next().expect("one target").clone();
        let mut checkers = Checkers::new(&fleet.config);
        for number in 1..4 {
            checkers.pushed(&digest(number), number, Behaviour::Healthy(SignedDuration::ZERO));
        }
        Self { sim, target, checkers, record: TargetRecord::default(), found: None, told: 1 }
    }

    /// Writes the last deploy's record: the next one, of this image, this far.
    fn write(&mut self, number: u64, image: u64, progress: Progress) {
        let now = self.sim.now();
        let release = Release {
            tag: tag(image),
            digest: digest(image),
            pushed_at: now,
            noted_at: now,
            cause: "a test".to_owned(),
        };
        let assignment = Assignment { number, release, by: AssignedBy::Selection, at: now };
        let last = self.record.clone();
        let before = self.record.deploy.take();
        let (before, closed) = match before {
            Some(before) if before.id.number == number => (Some(before), None),
            other => (None, other),
        };
        let mut deploy = before.unwrap_or_else(|| Deploy {
            id: DeployId { target: self.target.id.clone(), number },
            assignment,
            from: self.running(),
            cause: "a test".to_owned(),
            configuration: Configuration::default(),
            fingerprint: String::new(),
            disregards: BTreeSet::new(),
            attempt: 1,
            again: false,
            begun_at: now,
            progress: Progress::Begun,
            phases: vec![(Phase::Starting, now)],
        });
        let phase = deploy.phase();
        deploy.progress = progress;
        if deploy.phase() != phase {
            deploy.phases.push((deploy.phase(), now));
        }
        self.record.deploy = Some(deploy);
        self.record.generation += 1;
        let closed = closed.map(|closed| Deploy {
            progress: Progress::Ended { revision: None, ending: Ending::Superseded, at: now },
            ..closed
        });
        let around = Around { id: &self.target.id, targets: 1, hold: None, ended: 0 };
        let notices = of_target(around, &last, &self.record, closed.as_ref(), now);
        let notices: Vec<_> = (0..self.told).flat_map(|_| notices.clone()).collect();
        let written = self.sim.write_target(&self.target.id, &self.record, &[], &notices);
        self.sim.run(written).expect("nothing dies").expect("no fault");
        self.look();
    }

    fn running(&self) -> RevisionArn {
        let Target { place, cluster, ecs_service, container, .. } = &self.target;
        self.sim.view(place, cluster, ecs_service, container).expect("it is there").revision
    }

    fn register(&mut self, number: u64, image: u64) -> RevisionArn {
        let Target { place, container, .. } = &self.target;
        let running = self.sim.revision(place, self.running().as_str()).expect("it is registered");
        let image = ImageReference {
            registry: self.target.pulls_from.to_string(),
            repository: self.target.repository.clone(),
            tag: None,
            digest: Some(digest(image)),
        };
        let document = running.document.with_image(container, &image).expect("it has it");
        let id = format!("{}/{number}", self.target.id);
        let tags = BTreeMap::from([(DEPLOY_TAG.to_owned(), id)]);
        let registration = Registration { document, tags };
        let registered = self.sim.register(place, &registration);
        let revision = self.sim.run(registered).expect("nothing dies").expect("no fault");
        self.look();
        revision
    }

    fn update(&mut self, revision: &RevisionArn) {
        let Target { place, cluster, ecs_service, .. } = &self.target;
        let updated = self.sim.update_service(place, cluster, ecs_service, revision);
        self.sim.run(updated).expect("nothing dies").expect("no fault");
        self.look();
    }

    /// As Funade deploys: written down, registered, written down, called.
    fn deploy(&mut self, number: u64, image: u64) -> RevisionArn {
        self.write(number, image, Progress::Begun);
        let revision = self.register(number, image);
        let at = self.sim.now();
        self.write(number, image, Progress::Registered { revision: revision.clone(), at });
        self.update(&revision);
        assert_eq!(self.found(), None, "this is how it is done");
        let updated = Progress::Updated { revision: revision.clone(), deployment: None, at };
        self.write(number, image, updated);
        revision
    }

    fn ends(&mut self, number: u64, image: u64, revision: &RevisionArn, ending: Ending) {
        let (revision, at) = (Some(revision.clone()), self.sim.now());
        self.write(number, image, Progress::Ended { revision, ending, at });
    }

    /// The checkers look after every step.
    fn look(&mut self) {
        let found = self.checkers.look(&mut self.sim.state_mut());
        self.found = self.found.or(found.map(|violation| violation.invariant));
    }

    /// What was found since the last time.
    fn found(&mut self) -> Option<Invariant> {
        self.found.take()
    }
}

fn cause() -> Cause {
    Cause {
        trigger: Trigger::GivenUp,
        diagnosis: Diagnosis::Unknown,
        what: "a test".to_owned(),
        tasks: Vec::new(),
        messages: Vec::new(),
    }
}

fn rolled_back(to: &RevisionArn) -> Ending {
    Ending::RolledBack { cause: cause(), by: UndoneBy::Person("dana".to_owned()), to: to.clone() }
}

#[test]
fn two_updates_of_one_deploy_are_found() {
    let mut broken = Broken::new();
    let revision = broken.deploy(1, 1);
    let at = broken.sim.now();
    broken.write(1, 1, Progress::Registered { revision: revision.clone(), at });
    assert_eq!(broken.found(), Some(Invariant::OneWay), "it went back in its life");
    broken.update(&revision);
    assert_eq!(broken.found(), Some(Invariant::OneUpdate));
}

/// The circuit breaker takes the way back, and Funade asks again.
#[test]
fn a_second_update_of_one_rollback_is_found() {
    let mut broken = Broken::new();
    let good = broken.running();
    let revision = broken.deploy(1, 1);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    let going = GoingBack {
        cause: cause(),
        by: UndoneBy::Funade,
        leaves: revision.clone(),
        to: Some(Good { revision: good.clone(), deploy: None, release: None }),
        since: broken.sim.now(),
        asked_at: None,
    };
    let goes_back = Progress::GoingBack { revision: Some(revision), deployment: None, going };
    broken.write(1, 1, goes_back);
    let crashes = Behaviour::Crashes(SignedDuration::from_secs(30));
    broken.sim.set_behaviour(":", crashes);
    broken.update(&good);
    broken.update(&good);
    assert_eq!(broken.found(), None, "nothing is begun for what is the PRIMARY's");
    broken.sim.pass_time(SignedDuration::from_secs(31));
    assert_ne!(broken.running(), good, "ECS has gone back in its turn");
    broken.update(&good);
    assert_eq!(broken.found(), Some(Invariant::OneUpdate));
}

#[test]
fn an_update_that_was_not_written_down_is_found() {
    let mut broken = Broken::new();
    broken.write(1, 1, Progress::Begun);
    let revision = broken.register(1, 1);
    broken.update(&revision);
    assert_eq!(broken.found(), Some(Invariant::OneUpdate));
}

#[test]
fn a_deploy_during_a_rollback_is_found() {
    let mut broken = Broken::new();
    let crashes = Behaviour::Crashes(SignedDuration::from_secs(30));
    broken.sim.set_behaviour(digest(1).to_string(), crashes);
    let revision = broken.deploy(1, 1);
    broken.sim.pass_time(SignedDuration::from_secs(31));
    let ending = rolled_back(&broken.running());
    broken.ends(1, 1, &revision, ending);
    assert_eq!(broken.found(), None);
    // Longer than any look may be old, and before the tasks of before are back.
    broken.sim.set_pace(&broken.target.cluster, 1_000);
    let slow = Behaviour::Healthy(SignedDuration::from_mins(10));
    broken.sim.set_behaviour(digest(2).to_string(), slow);
    broken.sim.state_mut().now += SignedDuration::from_secs(125);
    broken.write(2, 2, Progress::Begun);
    let revision = broken.register(2, 2);
    let at = broken.sim.now();
    broken.write(2, 2, Progress::Registered { revision: revision.clone(), at });
    broken.update(&revision);
    assert_eq!(broken.found(), Some(Invariant::NothingDuringRollback));
}

#[test]
fn a_downgrade_is_found() {
    let mut broken = Broken::new();
    let revision = broken.deploy(1, 3);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.ends(1, 3, &revision, Ending::Succeeded);
    assert_eq!(broken.found(), None);
    broken.write(2, 2, Progress::Begun);
    let older = broken.register(2, 2);
    let at = broken.sim.now();
    broken.write(2, 2, Progress::Registered { revision: older.clone(), at });
    broken.update(&older);
    assert_eq!(broken.found(), Some(Invariant::NoDowngrade));
}

#[test]
fn what_was_rolled_back_and_comes_again_is_found() {
    let mut broken = Broken::new();
    let before = broken.running();
    let revision = broken.deploy(1, 1);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.ends(1, 1, &revision, rolled_back(&before));
    assert_eq!(broken.found(), None);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.write(2, 1, Progress::Begun);
    let again = broken.register(2, 1);
    let at = broken.sim.now();
    broken.write(2, 1, Progress::Registered { revision: again.clone(), at });
    broken.update(&again);
    assert_eq!(broken.found(), Some(Invariant::Held));
}

#[test]
fn what_was_rolled_back_and_comes_again_after_another_is_found() {
    let mut broken = Broken::new();
    let before = broken.running();
    let revision = broken.deploy(1, 1);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.ends(1, 1, &revision, rolled_back(&before));
    let another = broken.deploy(2, 2);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.ends(2, 2, &another, Ending::Succeeded);
    assert_eq!(broken.found(), None);
    // By a tag that is newer.
    broken.checkers.tag_moved();
    broken.write(3, 1, Progress::Begun);
    let again = broken.register(3, 1);
    let at = broken.sim.now();
    broken.write(3, 1, Progress::Registered { revision: again.clone(), at });
    broken.update(&again);
    assert_eq!(broken.found(), Some(Invariant::Held));
}

#[test]
fn a_success_that_is_none_is_found() {
    let mut broken = Broken::new();
    let revision = broken.deploy(1, 1);
    broken.ends(1, 1, &revision, Ending::Succeeded);
    assert_eq!(broken.found(), Some(Invariant::TrueSuccess));
}

#[test]
fn half_a_set_of_parameters_is_found() {
    let mut broken = Broken::new();
    let name = ParameterName::parse("/acme/web/LOG_LEVEL").expect("a name");
    let value = ParameterValue::Plain("info".to_owned());
    broken.sim.put_parameter(&broken.target.place, &name, value);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.write(1, 1, Progress::Begun);
    broken.register(1, 1);
    assert_eq!(broken.found(), Some(Invariant::WholeSet));
}

#[test]
fn a_life_that_goes_backwards_is_found() {
    let mut broken = Broken::new();
    let revision = broken.deploy(1, 1);
    broken.sim.pass_time(SignedDuration::from_mins(10));
    broken.ends(1, 1, &revision, Ending::Succeeded);
    assert_eq!(broken.found(), None);
    let at = broken.sim.now();
    broken.write(1, 1, Progress::Updated { revision, deployment: None, at });
    assert_eq!(broken.found(), Some(Invariant::OneWay));
}

#[test]
fn a_change_that_nobody_tells_of_or_that_is_told_twice_is_found() {
    for told in [0, 2] {
        let mut broken = Broken::new();
        broken.told = told;
        broken.write(1, 1, Progress::Begun);
        assert_eq!(broken.found(), Some(Invariant::Notices), "told {told} times");
    }
}

#[test]
fn what_is_told_and_never_delivered_is_found() {
    let mut broken = Broken::new();
    broken.write(1, 1, Progress::Begun);
    let all_told = |broken: &Broken| {
        let found = broken.checkers.all_told(&broken.sim.state());
        found.map(|violation| violation.invariant)
    };
    assert_eq!(all_told(&broken), Some(Invariant::Notices));
}

#[test]
fn who_says_that_it_runs_what_it_should_and_does_not_is_found() {
    let mut broken = Broken::new();
    let stands = |code: &str| Standing {
        assignment: 1,
        release: None,
        kind: StandingKind::Settled,
        code: code.to_owned(),
        sentence: "a test".to_owned(),
        since: broken.sim.now(),
    };
    let (lies, waits) = (stands("already-runs"), stands("image-not-there"));
    for standing in [lies, waits] {
        broken.record.standing = Some(standing);
        broken.deploy(broken.record.deploys_begun + 1, 1);
        broken.record.deploys_begun += 1;
        let found = strays(&broken.sim, &broken.checkers, &broken.target);
        assert_eq!(found.map(|violation| violation.invariant), Some(Invariant::Converges));
    }
}

#[test]
fn work_at_the_fixed_point_is_found() {
    let mut broken = Broken::new();
    let still = Still::of(&broken.sim);
    assert_eq!(still.moved(&broken.sim), None);
    broken.write(1, 1, Progress::Begun);
    let found = still.moved(&broken.sim).map(|violation| violation.invariant);
    assert_eq!(found, Some(Invariant::FixedPoint));
}

/// Each invariant has a test above that breaks it.
#[test]
fn no_invariant_is_without_its_test() {
    let tests = include_str!("tests.rs");
    for invariant in Invariant::ALL {
        let named = format!("Some(Invariant::{invariant:?})");
        assert!(tests.contains(&named), "{invariant} is not broken by any test");
    }
}
