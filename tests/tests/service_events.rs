//! Events of ECS say where to look: they make things fast, and are never believed.

use funade::config::Target;
use funade::facts::deploy::{Ending, Progress};
use funade::shell::Handled;
use funade::world::World;
use funade_sim::deployment_event;
use funade_tests::{Stage, digest, tag};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn event(stage: &Stage, target: &Target, name: &str) -> Value {
    let (now, service) = (stage.sim.now(), &target.ecs_service);
    deployment_event(name, now, &target.place, &target.cluster, service, name)
}

/// A push whose first passes are over: every deployment goes on.
fn pushed() -> Stage {
    let stage = Stage::new();
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage
}

fn progress(stage: &Stage, target: &Target) -> Progress {
    stage.sim.target_record(&target.id).deploy.expect("one was begun").progress
}

#[test]
fn the_end_of_a_deployment_is_seen_when_its_event_comes() {
    let stage = pushed();
    let acme = stage.target("acme");
    // Between two looks, which are due 60 and 120 seconds after the beginning.
    stage.sim.run_until_quiet(SignedDuration::from_secs(61));
    stage.sim.pass_time(SignedDuration::from_secs(91 - 60));
    stage.send(&event(&stage, acme, "SERVICE_DEPLOYMENT_COMPLETED"));
    let now = stage.sim.now();
    stage.sim.deliver_all();
    let ended = Progress::Ended { revision: None, ending: Ending::Succeeded, at: now };
    let Progress::Ended { ending, at, .. } = progress(&stage, acme) else {
        panic!("it has not ended: {:?}", progress(&stage, acme))
    };
    assert_eq!(Progress::Ended { revision: None, ending, at }, ended);
    let other = progress(&stage, stage.target("initech"));
    assert!(matches!(other, Progress::Updated { .. }), "nobody said so of this one: {other:?}");
}

/// Rows 2 and 10: an event's word was taken for success.
#[test]
fn an_event_is_not_believed() {
    for name in
        ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED", "SERVICE_STEADY_STATE"]
    {
        let stage = pushed();
        let acme = stage.target("acme");
        stage.send(&event(&stage, acme, name));
        stage.sim.deliver_all();
        let progress = progress(&stage, acme);
        assert!(matches!(progress, Progress::Updated { .. }), "{name}: {progress:?}");
        stage.rest();
        assert_eq!(stage.updates(acme), 1, "{name}");
        assert_eq!(stage.stands(acme).0, "already-runs", "{name}");
    }
}

/// Row 31, and that what our own deploys cause comes back to us and leads to nothing more.
#[test]
fn copies_in_any_order_change_nothing() {
    let names = [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_DEPLOYMENT_FAILED",
    ];
    let stage = pushed();
    for round in 0..6 {
        for target in stage.targets() {
            for step in 0..names.len() {
                stage.send(&event(&stage, target, names[(round + step) % names.len()]));
            }
        }
        stage.sim.run_until_quiet(SignedDuration::from_secs(25));
    }
    stage.rest();
    for target in stage.targets() {
        assert_eq!(stage.updates(target), 1, "{}", target.id);
        assert_eq!(stage.stands(target).0, "already-runs", "{}", target.id);
    }
    let before = (stage.changes(), stage.sim.generations());
    for target in stage.targets() {
        stage.send(&event(&stage, target, "SERVICE_STEADY_STATE"));
    }
    stage.rest();
    assert_eq!((stage.changes(), stage.sim.generations()), before);
}

#[test]
fn events_of_others_lead_to_nothing() {
    let stage = pushed();
    let acme = stage.target("acme");
    let waiting = stage.sim.messages_waiting();
    let mut foreign = event(&stage, acme, "SERVICE_DEPLOYMENT_COMPLETED");
    foreign["account"] = "123456789012".into();
    let mut other = event(&stage, acme, "SERVICE_DEPLOYMENT_COMPLETED");
    other["resources"] =
        json!(["arn:aws:ecs:ap-northeast-1:222222222222:service/acme/order-api-v2"]);
    for (event, rule) in [(foreign, "unknown-account"), (other, "unknown-service")] {
        let Handled::Routed(routing) = stage.send(&event) else { panic!("it is well-formed") };
        let rules: Vec<String> = routing.ignored.iter().map(|i| i.rule.to_string()).collect();
        assert_eq!((routing.intents.len(), rules), (0, vec![rule.to_owned()]));
    }
    assert_eq!(stage.sim.messages_waiting(), waiting);
}
