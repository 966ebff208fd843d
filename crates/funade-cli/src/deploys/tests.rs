//! Deploys in each phase of their lives, as they are told.

use funade::facts::cause::Trigger;
use funade::facts::deploy::{Ending, Phase, Progress};
use funade::facts::release::AssignedBy;
use jiff::SignedDuration;

use super::*;
use crate::samples::{at, cause, deploy, deploying, ended, going_back, revision, rolled_back};

fn told(deploy: &Deploy) -> String {
    in_detail(deploy, at(300)).join("\n")
}

#[test]
fn a_deploy_that_was_rolled_back_is_told_with_all_that_was_seen() {
    insta::assert_snapshot!(told(&rolled_back()));
}

#[test]
fn a_rollback_under_way_says_who_and_where_to() {
    insta::assert_snapshot!(told(&going_back()));
}

#[test]
fn a_deploy_says_everything_to_machines_too() {
    insta::assert_snapshot!(format!("{:#}", to_value(&rolled_back())));
}

#[test]
fn who_failed_and_stays_says_why() {
    let (cause, stays) = (cause(), "`rollback` says manual".to_owned());
    let failed = ended(Ending::Failed { cause, stays }, Phase::Failed);
    let told = told(&failed);
    assert!(told.contains("It was not rolled back, since `rollback` says manual."), "{told}");
    assert!(told.contains("What to do: look at the container's log."), "{told}");
    assert_eq!(to_value(&failed)["stays"], "`rollback` says manual");
}

#[test]
fn each_ending_has_its_words_and_success_has_none() {
    let by = revision(20);
    for (ending, phase, words) in [
        (Ending::Succeeded, Phase::Succeeded, None),
        (Ending::Superseded, Phase::Superseded, Some("a newer decision took its place")),
        (
            Ending::Replaced { by },
            Phase::Superseded,
            Some("somebody else put acme-order-api:20 in its place"),
        ),
    ] {
        assert_eq!(why(&ended(ending, phase)).as_deref(), words);
    }
    let of_person = why(&going_back());
    assert_eq!(of_person.as_deref(), Some("dana rolled it back: orders are lost"));
}

#[test]
fn an_alarm_and_a_deadline_are_told_with_what_they_point_to() {
    for trigger in [Trigger::Alarm, Trigger::Deadline, Trigger::GivenUp] {
        let failed = Ending::Failed { cause: Cause { trigger, ..cause() }, stays: String::new() };
        let why = why(&ended(failed, Phase::Failed)).expect("it failed");
        assert_eq!(why, "a container exits: ECS gave up: tasks failed to start");
    }
}

#[test]
fn what_is_under_way_has_lasted_until_now() {
    assert_eq!(under_way(&deploying()), Some((Phase::Deploying, at(13))));
    assert_eq!(took(&deploying(), at(310)), SignedDuration::from_mins(5));
    assert_eq!(under_way(&rolled_back()), None);
    assert_eq!(took(&rolled_back(), at(310)), SignedDuration::from_secs(190));
    let begun = deploy(Progress::Begun, &[(Phase::Starting, 10)]);
    assert!(told(&begun).contains("It has registered nothing; acme-order-api:12 ran before."));
}

#[test]
fn a_person_who_asked_is_named_unless_a_parameter_led_to_it() {
    let mut asked = deploying();
    let by = "dana".to_owned();
    asked.assignment.by = AssignedBy::Request { id: "request-1".to_owned(), by };
    asked.cause = "request-1".to_owned();
    assert_eq!(led_by(&asked), "dana, by request-1");
    asked.cause = "write-of-LOG_LEVEL".to_owned();
    assert_eq!(led_by(&asked), "event write-of-LOG_LEVEL");
    assert_eq!(decided_by(&asked.assignment), "dana asked for it, by request-1");
}
