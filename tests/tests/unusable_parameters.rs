//! Parameters that cannot be written into a task definition: the target is blocked with a sentence
//! that says what to do, and nothing is registered.

use funade::facts::parameter::ParameterValue;
use funade_tests::{Stage, deployed, parameter, text};

/// Row 35 once more: a path that has lost everything is more likely a mistake than a wish.
#[test]
fn a_path_that_is_emptied_blocks_until_somebody_says_that_it_is_meant() {
    let stage = deployed(&[("A", text("1")), ("B", text("1"))]);
    let acme = stage.target("acme");
    stage.delete(acme, "A");
    stage.delete(acme, "B");
    stage.rest();
    assert_eq!(stage.updates(acme), 1);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert_eq!(
        sentence,
        "there is no parameter below /acme/order-api/ in 222222222222/ap-northeast-1 any more, and \
         what runs has 2 variables from there, which would all go; write them again, or, if they \
         should go, take the path out of the service's file"
    );
    let entry = "parameters:\n  - {path: \"/{environment}/order-api/\", into: app}\n";
    stage.apply_with("services/order-api.yaml", entry, "");
    assert_eq!(stage.updates(acme), 2);
    assert_eq!(stage.versions(acme).len(), 0);
}

/// Row 20: over 64 KiB, refused at the last moment.
#[test]
fn a_task_definition_that_is_too_large_is_blocked_with_its_largest_parts() {
    let stage = deployed(&[("SMALL", text("x"))]);
    let acme = stage.target("acme");
    for number in 0..9 {
        stage.put(acme, &format!("LARGE_{number}"), text(&"x".repeat(8 * 1000 - number)));
    }
    stage.tell(acme, "LARGE_0", "Create");
    stage.rest();
    assert_eq!(stage.changes()[0], stage.targets().len(), "nothing more was registered");
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert!(sentence.starts_with("the task definition would have 72."), "{sentence}");
    assert!(sentence.contains("and ECS takes 64.0 KiB; the largest parts are"), "{sentence}");
    assert!(sentence.contains("LARGE_0 of app 7.8 KiB, LARGE_1 of app"), "{sentence}");
}

#[test]
fn names_that_are_no_variables_block_with_all_of_them_at_once() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    for name in ["db.url", "log-level", "nested/NAME", "1ST", "GOOD"] {
        stage.put(acme, name, text("x"));
    }
    stage.push("1.4.2", 2);
    assert_eq!(stage.updates(acme), 0);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    for name in ["db.url", "log-level", "nested/NAME", "1ST"] {
        assert!(sentence.contains(&format!("would be the variable `{name}`")), "{sentence}");
    }
    assert!(sentence.contains("write names: upper-snake"), "{sentence}");
    // The remedy that the sentence names.
    stage.sim.delete_parameter(&acme.place, &parameter("/acme/order-api/1ST"));
    stage.apply_with("services/order-api.yaml", "into: app}", "into: app, names: upper-snake}");
    let names: Vec<String> = stage.versions(acme).into_keys().collect();
    assert_eq!(names, ["DB_URL", "GOOD", "LOG_LEVEL", "NESTED_NAME"]);
}

#[test]
fn two_parameters_that_give_one_name_block() {
    let stage = Stage::new();
    stage.apply_with("services/order-api.yaml", "into: app}", "into: app, names: upper-snake}");
    let acme = stage.target("acme");
    stage.put(acme, "db-url", text("x"));
    stage.put(acme, "db.url", text("y"));
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("configuration-unusable", 0));
    assert_eq!(
        sentence,
        "`/acme/order-api/db-url` and `/acme/order-api/db.url` both give the variable DB_URL; \
         delete, rename or `exclude` one of them"
    );
}

#[test]
fn secrets_without_an_execution_role_block() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    let mut registration = stage.running(acme);
    let mut document = registration.document.to_value();
    document.as_object_mut().expect("an object").shift_remove("executionRoleArn");
    registration.document =
        funade::facts::task_definition::Document::parse(document).expect("a task definition");
    stage.sim.change_by_hand(&acme.place, &acme.cluster, &acme.ecs_service, &registration);
    stage.rest();
    stage.put(acme, "KEY", ParameterValue::Secure);
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("configuration-unusable", 0));
    assert!(
        sentence.contains("no `executionRoleArn`, without which ECS cannot read KEY"),
        "{sentence}"
    );
}

#[test]
fn a_container_that_is_not_there_blocks() {
    let stage = Stage::new();
    stage.apply_with("services/order-api.yaml", "into: app}", "into: [app, worker]}");
    let acme = stage.target("acme");
    stage.put(acme, "A", text("1"));
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert!(sentence.contains("has no container `worker` to take variables"), "{sentence}");
}
