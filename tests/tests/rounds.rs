//! What a pass costs: calls, and how many of them must wait for others.

use std::collections::BTreeSet;

use funade_sim::Call;
use funade_tests::{Stage, digest, tag};

/// The dependent rounds of calls to ECS and ECR among these.
fn rounds(calls: &[Call]) -> usize {
    let aws = ["Describe", "List", "Register", "UpdateService"];
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
