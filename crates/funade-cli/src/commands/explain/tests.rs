//! Explanations of a simulated target in several states.

use funade::facts::hold::Hold;
use funade::facts::names::Tag;
use funade::shell::{RollbackWish, Scope, SweptBy, request_rollback, set_hold, sweep};
use funade_sim::{Behaviour, Failure};
use jiff::SignedDuration;

use super::*;
use crate::demo::{Screen, Stage, digest};

fn told_of(stage: &Stage<'_>) -> (String, Value) {
    let id = &stage.targets[0].id;
    let told = stage.run(read(&stage.sim, &stage.config, id)).expect("no fault");
    let told = told.expect("it is configured");
    (to_text(&told), to_value(&told))
}

fn push(stage: &Stage<'_>, text: &str, number: u8) {
    let tag = Tag::parse(text).expect("a tag");
    stage.push_and_watch(&tag, &digest(number)).expect("it comes to an end");
}

#[test]
fn a_target_without_a_release_says_how_to_get_one() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    let (text, value) = told_of(&stage);
    assert!(text.contains("acme/order-api is settled (nothing-assigned)"), "{text}");
    assert!(text.contains("Runs: 1.4.0 as acme-order-api:1;"), "{text}");
    assert!(text.contains("or type: funade deploy order-api --tag TAG"), "{text}");
    assert!(text.contains("Last deploy: none"), "{text}");
    assert_eq!(value["assigned"], Value::Null);
}

#[test]
fn a_target_that_is_done_says_so_and_its_alarms_are_looked_at() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    push(&stage, "1.4.2", 2);
    let (text, value) = told_of(&stage);
    insta::assert_snapshot!(text);
    assert_eq!(value["alarms"][0]["state"], "quiet");
    let target = &stage.targets[0];
    stage.sim.set_alarm(&target.place, &target.verify.alarms[0], AlarmState::Raised);
    let (text, value) = told_of(&stage);
    assert!(text.contains("Alarm: acme-order-api-5xx is raised."), "{text}");
    assert_eq!(value["alarms"][0]["state"], "raised");
    stage.sim.delete_alarm(&target.place, &target.verify.alarms[0]);
    assert!(told_of(&stage).0.contains("acme-order-api-5xx does not exist"));
}

#[test]
fn a_target_that_is_held_says_by_whom_and_until_when() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    let hold = Hold {
        on: Subject::Target(stage.targets[0].id.clone()),
        reason: "a migration runs".to_owned(),
        by: "dana".to_owned(),
        since: stage.sim.now(),
        until: Some(stage.sim.now() + SignedDuration::from_hours(4)),
        release: None,
        lifted: None,
    };
    let set = stage.sim.run(set_hold(&stage.sim, &stage.config, &hold));
    set.expect("nothing dies").expect("no fault");
    let (tag, digest) = (Tag::parse("1.4.2").expect("a tag"), digest(2));
    stage.push(&tag, &digest).expect("it is routed");
    stage.sim.deliver_all();
    let (text, value) = told_of(&stage);
    assert!(text.contains("acme/order-api is waiting (held)"), "{text}");
    let line = "Held: acme/order-api by dana since 2026-11-23 01:30 UTC, for 0s, until \
                2026-11-23 05:30 UTC: a migration runs; lift it with: funade unhold acme/order-api";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("Next: no call, since what it waits for passes by itself"), "{text}");
    assert_eq!(value["hold"]["by"], "dana");
}

#[test]
fn a_rollback_that_was_asked_for_is_what_comes_next() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    push(&stage, "1.4.2", 2);
    push(&stage, "1.4.3", 3);
    let (target, to) = (&stage.targets[0].id, None);
    let wish = RollbackWish { target, to, by: "dana", reason: "orders are lost", id: "r-1" };
    let asked = stage.sim.run(request_rollback(&stage.sim, &stage.config, &wish));
    asked.expect("nothing dies").expect("it can go back");
    let (text, value) = told_of(&stage);
    assert!(text.contains("is waiting (rolls-back)"), "{text}");
    assert!(
        text.contains("  call UpdateService with acme-order-api:2, which served before"),
        "{text}"
    );
    assert_eq!(value["steps"][0]["call"], "UpdateService");
    stage.sim.deliver_all();
    let (text, _) = told_of(&stage);
    assert!(text.contains("Last deploy: acme/order-api/2 of 1.4.3, rolling-back;"), "{text}");
    assert!(text.contains("It did not stay: dana rolled it back: orders are lost"), "{text}");
}

#[test]
fn what_a_sweep_has_found_of_the_target_its_service_and_its_place_is_told() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    push(&stage, "1.4.2", 2);
    let Target { place, pulls_from, repository, .. } = &stage.targets[0];
    let sweep = |cause| {
        let swept =
            sweep(&stage.sim, &stage.config, &Scope::Everything, (cause, SweptBy::Schedule));
        stage.run(swept).expect("the ledger answers")
    };
    stage.sim.delete_image(&pulls_from.place, repository, &digest(2));
    stage.put_everywhere(&Tag::parse("1.4.3").expect("a tag"), &digest(3));
    sweep("sweep-1");
    stage.sim.pass_time(SignedDuration::from_mins(15));
    // That of another target is not told here.
    stage.sim.set_closed(place, true);
    stage.sim.set_closed(&stage.targets[1].place, true);
    sweep("sweep-2");
    stage.sim.set_closed(place, false);
    let (text, value) = told_of(&stage);
    let (_, found) = text.split_once("Findings").expect("there are some");
    let (found, _) = found.split_once("Alarm").expect("alarms follow");
    insta::assert_snapshot!(format!("Findings{found}"));
    assert_eq!(value["findings"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["findings"][0]["severity"], "error");
}

#[test]
fn an_event_that_was_ignored_is_told_with_its_rule() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    stage.push(&Tag::parse("2.0.0").expect("a tag"), &digest(3)).expect("it is routed");
    let (text, value) = told_of(&stage);
    assert!(text.contains("    ignored by tag-not-selected: "), "{text}");
    assert_eq!(value["events"][0]["id"], "push-of-2.0.0");
}

#[test]
fn a_bad_image_is_explained_from_its_push_to_the_hold() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    push(&stage, "1.4.2", 2);
    let fails = Behaviour::Fails(Failure::Exits(78), SignedDuration::from_secs(100));
    stage.sim.set_behaviour(digest(4).to_string(), fails);
    push(&stage, "1.4.3", 4);
    let (text, value) = told_of(&stage);
    for line in [
        "acme/order-api is blocked (rolled-back) since 11-23 01:35:46 UTC, for 1m 38s:",
        "Runs: 1.4.2 as acme-order-api:2; ",
        "Should run: 1.4.3 (sha256:",
        "Next: no call, since it needs a person",
        "Last deploy: acme/order-api/2 of 1.4.3, rolled-back; it was led to by event push-of-1.4.3.",
        "  rolling-back  11-23 01:34:16 UTC  1m 30s",
        "  It did not stay: a container exits: ECS gave up",
        "all of it: funade history acme/order-api --deploy 2",
        "Held: acme/order-api by the rollback since 2026-11-23 01:35 UTC, for 1m 38s, until a newer \
         release comes; lift it with: funade unhold acme/order-api",
        "    wakes target/acme/order-api: SERVICE_DEPLOYMENT_FAILED",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert_eq!(value["code"], "rolled-back");
    assert_eq!(value["deploy"]["failure"]["diagnosis"], "container-exits");
    assert_eq!(value["left_by_rollback"]["by"], "the rollback");
    assert_eq!(value["steps"].as_array().map(Vec::len), Some(0));
    assert!(value["events"].as_array().is_some_and(|events| events.len() <= EVENTS_TOLD_MAX));
}
