//! What a pass costs: calls, and how many of them must wait for others.

use std::collections::BTreeSet;

use funade_sim::Call;
use funade_tests::{Stage, digest, tag, text};
use jiff::SignedDuration;

/// The dependent rounds among these calls of those to what is deployed, to and from.
fn rounds(calls: &[Call]) -> usize {
    let aws = ["Describe", "GetParameters", "List", "Register", "UpdateService"];
    let counted = calls.iter().filter(|c| aws.iter().any(|prefix| c.operation.starts_with(prefix)));
    counted.map(|call| call.round).collect::<BTreeSet<_>>().len()
}

fn calls_of(stage: &Stage, work: impl FnOnce(&Stage)) -> Vec<Call> {
    let before = stage.sim.calls().len();
    work(stage);
    stage.sim.calls().split_off(before)
}

#[test]
fn an_unchanged_target_costs_one_round_of_parallel_reads() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    let calls = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!(rounds(&calls), 1, "{calls:#?}");
    assert!(!calls.iter().any(|call| call.operation == "PutItem"), "{calls:#?}");
}

#[test]
fn a_changed_target_costs_three_rounds() {
    for pushes_before in [0, 1] {
        let stage = Stage::new();
        if pushes_before == 1 {
            stage.push("1.4.2", 2);
        }
        stage.put_image(&tag("1.4.3"), &digest(3));
        stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
        // The first message is the service's; the passes over the targets follow.
        assert!(stage.sim.deliver_next());
        let calls = calls_of(&stage, |stage| assert!(stage.sim.deliver_next()));
        let updates = calls.iter().filter(|call| call.operation == "UpdateService").count();
        assert_eq!(updates, 1, "{calls:#?}");
        assert!(rounds(&calls) <= 3, "{} rounds: {calls:#?}", rounds(&calls));
    }
}

/// Fifty parameters of acme: five pages.
fn with_five_pages() -> Stage {
    let stage = Stage::new();
    for number in 0..50 {
        stage.put(stage.target("acme"), &format!("SETTING_{number:02}"), text("on"));
    }
    stage.push("1.4.2", 2);
    stage
}

fn pages(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.operation == "GetParametersByPath").count()
}

/// The pages depend on each other, and nothing else waits for them but the plan.
#[test]
fn parameters_add_no_round_beyond_their_pages() {
    let stage = with_five_pages();
    let unchanged = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!((pages(&unchanged), rounds(&unchanged)), (5, 5), "{unchanged:#?}");

    stage.change(stage.target("acme"), "SETTING_00", text("off"));
    stage.sim.pass_time(SignedDuration::from_secs(61));
    let changed = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!((pages(&changed), rounds(&changed)), (5, 5 + 2), "{changed:#?}");
}

/// The alarms of a target that has settled are read only when something is to be done after all.
#[test]
fn a_settled_target_is_asked_for_its_alarms_only_before_a_deploy() {
    let stage = with_five_pages();
    let alarms =
        |calls: &[Call]| calls.iter().filter(|call| call.operation == "DescribeAlarms").count();
    let unchanged = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!(alarms(&unchanged), 0, "{unchanged:#?}");
    // Nobody told of this change.
    stage.put(stage.target("acme"), "SETTING_00", text("off"));
    let changed = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!((alarms(&changed), rounds(&changed)), (1, 5 + 3), "{changed:#?}");
}

/// Parameter Store's rate is shared with the tasks that start, and now some do.
#[test]
fn no_parameters_are_read_while_our_deployment_goes_on() {
    let stage = with_five_pages();
    stage.put(stage.target("acme"), "SETTING_00", text("off"));
    stage.pass(stage.target("acme"));
    let looked = calls_of(&stage, |stage| drop(stage.pass(stage.target("acme"))));
    assert_eq!((pages(&looked), rounds(&looked)), (0, 1), "{looked:#?}");
}

/// An unchanged target without parameters asks nobody for them.
#[test]
fn a_service_without_parameters_pays_nothing_for_them() {
    let stage = Stage::new();
    stage.push_of("storefront", "build-00417-4f2a9c1", 7);
    let storefront = "acme/storefront".parse().expect("a target");
    let storefront = stage.config.target(&storefront).expect("it is in the example");
    let calls = calls_of(&stage, |stage| drop(stage.pass(storefront)));
    assert_eq!(pages(&calls), 0);
    assert_eq!(rounds(&calls), 1, "its secret is read beside the rest: {calls:#?}");
}
