//! What a person asks for goes out whatever its order, and automation respects it.

use funade::facts::names::ServiceName;
use funade::shell::{RequestError, request_deploy};
use funade_tests::{Stage, digest, tag};

fn ask(stage: &Stage, text: &str, id: &str) -> Result<(), RequestError> {
    let service = ServiceName::parse("order-api").expect("well-formed");
    let tag = tag(text);
    let asked = request_deploy(&stage.sim, &stage.config, &service, &tag, "dana", id);
    let asked = stage.sim.run(asked).expect("nothing dies here");
    stage.rest();
    asked.map(|_| ())
}

#[test]
fn a_person_can_go_back_and_automation_stays_there() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    stage.push("1.5.0", 5);
    ask(&stage, "1.4.2", "request-1").expect("the image is there");
    let target = stage.target("acme");
    assert!(stage.runs(target, &digest(2)));
    let changes = stage.changes();
    stage.send(&stage.event(&tag("1.5.0"), &digest(5)));
    stage.rest();
    assert_eq!(stage.changes(), changes, "1.5.0 was known when the person asked");
    stage.push("1.5.1", 51);
    assert!(stage.runs(target, &digest(51)), "a release that came later goes out");
}

#[test]
fn the_same_request_is_taken_up_once() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    stage.push("1.5.0", 5);
    ask(&stage, "1.4.2", "request-1").expect("the image is there");
    stage.push("1.5.1", 51);
    ask(&stage, "1.5.1", "request-2").expect("the image is there");
    assert!(stage.runs(stage.target("acme"), &digest(51)));
    assert_eq!(stage.updates(stage.target("acme")), 4, "what runs already is not deployed again");
}

#[test]
fn a_request_for_what_is_not_there_is_refused_by_name() {
    let stage = Stage::new();
    let error = ask(&stage, "9.9.9", "request-1").expect_err("there is no such image");
    assert!(error.to_string().contains("shop/order-api:9.9.9"), "{error}");
}
