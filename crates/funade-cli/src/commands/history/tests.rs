//! A target's history, as it is told.

use super::*;
use crate::samples::{at, deploying, going_back, release, rolled_back, target};

fn history() -> History {
    let mut newest = deploying();
    (newest.id.number, newest.begun_at) = (9, at(250));
    newest.phases.iter_mut().for_each(|(_, at)| *at += jiff::SignedDuration::from_secs(240));
    let mut between = going_back();
    between.id.number = 8;
    let passed = PassedOver { release: release("1.4.1"), why: "it is older".to_owned() };
    History { deploys: vec![newest, between, rolled_back()], passed_over: vec![passed] }
}

#[test]
fn deploys_and_what_was_passed_over_are_tables() {
    insta::assert_snapshot!(to_text(&target(), &history(), 20, at(300)));
}

#[test]
fn a_limit_leaves_out_the_oldest_and_says_so() {
    let told = to_text(&target(), &history(), 1, at(300));
    assert!(told.contains("acme/order-api/9") && !told.contains("acme/order-api/7"), "{told}");
    assert!(told.contains("2 more are older: funade history acme/order-api --limit 3"), "{told}");
    let value = to_value(&target(), &history(), 1);
    assert_eq!(value["deploys"].as_array().map(Vec::len), Some(1));
    assert_eq!(value["older"], 2);
}

#[test]
fn machines_get_what_was_passed_over_with_the_reason() {
    let value = to_value(&target(), &history(), 20);
    assert_eq!(value["deploys"][2]["failure"]["diagnosis"], "container-exits");
    assert_eq!(value["passed_over"][0]["tag"], "1.4.1");
    assert_eq!(value["passed_over"][0]["why"], "it is older");
}

#[test]
fn a_target_without_deploys_has_no_table() {
    let nothing = History { deploys: Vec::new(), passed_over: Vec::new() };
    let told = to_text(&target(), &nothing, 20, at(300));
    assert_eq!(told, "Funade has not deployed anything to acme/order-api that it remembers.");
}

#[test]
fn one_deploy_is_found_by_its_number_and_by_its_id() {
    let one = |which: &str| {
        let which = which.parse().expect("well-formed");
        one(&target(), &history(), &which, at(300), Format::Json)
    };
    assert_eq!(one("7"), Answer::Yes);
    assert_eq!(one("acme/order-api/8"), Answer::Yes);
    assert_eq!(one("70"), Answer::No);
    assert_eq!(one("globex/order-api/7"), Answer::No);
}
