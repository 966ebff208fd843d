//! Going back because a person asks. The numbers are those of docs/failure-modes.md.

use funade::config::Target;
use funade::facts::cause::Trigger;
use funade::facts::deploy::{Phase, UndoneBy};
use funade::facts::names::RevisionArn;
use funade::shell::RollbackError;
use funade_sim::{Behaviour, Breaker};
use funade_tests::{Stage, deployed, digest, tag};
use jiff::SignedDuration;

fn serving(stage: &Stage, target: &Target) -> RevisionArn {
    stage.view(target).revision
}

#[test]
fn a_persons_rollback_passes_over_what_failed() {
    let stage = Stage::configured("rollback: automatic", "rollback: manual");
    let acme = stage.target("acme");
    stage.push("1.4.2", 2);
    let good = serving(&stage, acme);
    stage.set_breakers(Breaker::GivesUp);
    stage.crashes(3, 6);
    stage.crashes(4, 6);
    stage.push("1.4.3", 3);
    stage.push("1.4.4", 4);
    assert_eq!(stage.deploy(acme).phase(), Phase::Failed);
    let asked = stage.roll_back(acme, None).expect("1.4.2 has served");
    assert_eq!((asked.to.revision, asked.to.release), (good.clone(), Some(tag("1.4.2"))));
    stage.rest();
    assert_eq!(serving(&stage, acme), good);
}

#[test]
fn a_person_goes_back_from_what_succeeded() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    stage.roll_back(acme, None).expect("1.4.2 has served");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    assert!(stage.runs(stage.target("initech"), &digest(3)), "the others stay");
    let (cause, by, _) = stage.rolled_back(acme);
    assert_eq!((cause.trigger, by), (Trigger::Person, UndoneBy::Person("dana".to_owned())));
    assert_eq!((stage.updates(acme), stage.stops(acme)), (3, 0));
    let hold = stage.hold(acme).expect("1.4.3 is left alone");
    assert!(hold.reason.contains("orders are lost"), "{}", hold.reason);
    stage.look(acme);
    assert_eq!(stage.updates(acme), 3);
    stage.push("1.4.5", 5);
    assert!(stage.runs(acme, &digest(5)));
}

#[test]
fn a_person_goes_back_from_what_is_under_way() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.roll_back(acme, None).expect("1.4.2 has served");
    stage.sim.deliver_all();
    assert_eq!((stage.stands(acme).0.as_str(), stage.stops(acme)), ("rolls-back", 1));
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!((stage.updates(acme), stage.stops(acme)), (2, 1));
}

#[test]
fn a_person_chooses_where_to_go_back() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    stage.crashes(4, 6);
    stage.push("1.4.4", 4);
    stage.push("1.4.5", 5);
    let failed = stage.roll_back(acme, Some(3));
    assert!(matches!(failed, Err(RollbackError::NoSuchDeploy(_, 3))), "{failed:?}");
    let present = stage.roll_back(acme, Some(4));
    assert!(matches!(present, Err(RollbackError::RunsAlready(..))), "{present:?}");
    stage.roll_back(acme, Some(1)).expect("1.4.2 has served");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    // It was the first that Funade brought, and was not undone.
    let before = stage.roll_back(acme, None);
    assert!(matches!(before, Err(RollbackError::NothingBefore(_))), "{before:?}");
}

#[test]
fn the_way_back_from_what_was_over_ends_when_it_arrives() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    let soon = Behaviour::Healthy(SignedDuration::from_secs(10));
    stage.sim.set_behaviour(digest(2).to_string(), soon);
    stage.roll_back(acme, None).expect("1.4.2 has served");
    stage.sim.deliver_all();
    stage.sim.pass_time(SignedDuration::from_secs(15));
    stage.pass(acme);
    assert_eq!(stage.stands(acme).0, "rolled-back");
}

#[test]
fn a_person_goes_further_back_than_ecs_did() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    stage.crashes(4, 6);
    stage.push("1.4.4", 4);
    assert!(stage.runs(acme, &digest(3)), "ECS went back to 1.4.3");
    stage.roll_back(acme, Some(1)).expect("1.4.2 has served");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!(stage.stands(acme).0, "rolled-back");
}
