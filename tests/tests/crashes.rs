//! Whatever call fails, whoever dies: one `UpdateService` for each target, and the fleet arrives.
//!
//! Every call between the event and the end of the last deploy is struck by every kind of fault,
//! one at a time. A fault in the simulator leaves no other trace than in AWS: nothing is handled
//! specially.

use std::collections::BTreeMap;

use funade::facts::deploy::{Ending, Progress};
use funade::facts::subject::{Subject, Wake};
use funade::shell::reconcile_target;
use funade::world::CallProblem;
use funade_sim::{Fault, Invocation};
use funade_tests::{Stage, digest, tag};
use futures_util::future::join;
use jiff::SignedDuration;

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Lost, Fault::ResponseLost, Fault::DiesBefore, Fault::DiesAfter];

/// How many calls a push takes from the event to the end, none of them failing.
fn calls_of_a_push() -> usize {
    let stage = Stage::new();
    let before = stage.sim.calls().len();
    stage.push("1.4.2", 2);
    stage.sim.calls().len() - before
}

/// Rows 5 and 37: two `UpdateService` calls made two deployments; throttling half-way.
#[test]
fn one_fault_anywhere_leads_to_one_update_of_each_target() {
    let calls = calls_of_a_push();
    assert!(calls > 100, "a push of six targets makes more than {calls} calls");
    for number in 0..calls {
        for fault in FAULTS {
            let stage = Stage::new();
            stage.sim.plan_fault(number, fault);
            stage.push("1.4.2", 2);
            for target in stage.targets() {
                let history = format!("{fault:?} at call {number}, {}", target.id);
                assert!(stage.runs(target, &digest(2)), "{history}");
                assert_eq!(stage.updates(target), 1, "{history}");
                let deploy = stage.sim.target_record(&target.id).deploy.expect("one was begun");
                let ended =
                    matches!(deploy.progress, Progress::Ended { ending: Ending::Succeeded, .. });
                assert!(ended, "{history}: {:?}", deploy.progress);
            }
        }
    }
}

/// Rows 1, 5 and 11 together: the image crashes, ECS goes back, and a fault strikes as well. By the
/// time a lost answer is looked after, ECS has forgotten the deployment; its history has not.
#[test]
fn one_fault_in_the_deploy_of_a_bad_image_leads_to_no_second_update() {
    let crashing = || {
        let stage = Stage::new();
        stage.crashes(2, 2);
        stage
    };
    let stage = crashing();
    let before = stage.sim.calls().len();
    stage.push("1.4.2", 2);
    let calls = stage.sim.calls().len() - before;
    for number in 0..calls {
        for fault in [Fault::Lost, Fault::ResponseLost, Fault::DiesBefore, Fault::DiesAfter] {
            let stage = crashing();
            stage.sim.plan_fault(number, fault);
            stage.push("1.4.2", 2);
            for target in stage.targets() {
                let history = format!("{fault:?} at call {number}, {}", target.id);
                assert!(!stage.runs(target, &digest(2)), "{history}");
                assert_eq!(stage.updates(target), 1, "{history}");
                let standing = stage.sim.target_record(&target.id).standing.expect("it stands");
                assert_eq!(standing.code, "rolled-back", "{history}: {}", standing.sentence);
            }
        }
    }
}

/// A lost answer of `RegisterTaskDefinition` is found again by the deploy's tag, unless the
/// revision was never made.
#[test]
fn a_lost_registration_is_found_and_not_repeated() {
    for number in 0..calls_of_a_push() {
        for fault in [Fault::ResponseLost, Fault::DiesAfter] {
            let stage = Stage::new();
            stage.sim.plan_fault(number, fault);
            stage.push("1.4.2", 2);
            let registered = stage.changes()[0];
            assert_eq!(registered, stage.targets().len(), "{fault:?} at call {number}");
        }
    }
}

/// Row 31: duplicates. The same event, and the same messages, as often as they like.
#[test]
fn duplicates_change_nothing() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    let (changes, generations) = (stage.changes(), stage.sim.generations());
    let event = stage.event(&tag("1.4.2"), &digest(2));
    for _ in 0..3 {
        stage.send(&event);
    }
    for target in stage.targets() {
        let wake = Wake::new(
            Subject::Target(target.id.clone()),
            "a message that SQS delivers twice",
            "test",
        );
        stage.sim.send_again(&wake);
        stage.sim.send_again(&wake);
    }
    stage.rest();
    assert_eq!(stage.changes(), changes);
    assert_eq!(stage.sim.generations(), generations, "no record was written");
}

/// Row 31: any order of any copies of the events of three pushes ends with the newest, deployed
/// at most once on each target.
#[test]
fn any_order_of_events_ends_with_the_newest_release() {
    let pushes = [("1.4.1", 1), ("1.4.2", 2), ("1.4.3", 3)];
    for order in permutations(&[0, 1, 2, 2, 0]) {
        let stage = Stage::new();
        let events: BTreeMap<usize, _> = pushes
            .iter()
            .enumerate()
            .map(|(index, (text, number))| {
                stage.put_image(&tag(text), &digest(*number));
                let event = stage.event(&tag(text), &digest(*number));
                stage.sim.pass_time(SignedDuration::from_secs(1));
                (index, event)
            })
            .collect();
        for index in &order {
            stage.send(&events[index]);
            stage.sim.deliver_all();
        }
        stage.rest();
        let newest = order.iter().max().map(|index| digest(pushes[*index].1)).expect("not empty");
        for target in stage.targets() {
            assert!(stage.runs(target, &newest), "{order:?} {}", target.id);
            let deploys = stage.sim.target_record(&target.id).deploys_begun;
            assert_eq!(u64::try_from(stage.updates(target)), Ok(deploys), "{order:?}");
        }
    }
}

/// All distinct orders of the items.
fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        for mut order in permutations(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Two passes over one target at the same time, which the queue's groups should not let happen:
/// the ledger refuses the second write, and one of them deploys.
#[test]
fn two_passes_at_once_make_one_deploy() {
    let stage = Stage::new();
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    assert!(stage.sim.deliver_next(), "the service's message comes first");
    let target = stage.target("acme");
    let pass = || reconcile_target(&stage.sim, &stage.config, &target.id);
    let (one, other) = stage.sim.run(join(pass(), pass())).expect("nothing dies here");
    let refused = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].problem, CallProblem::Conflict);
    assert_eq!(stage.updates(target), 1);
}

#[test]
fn a_malformed_event_is_recorded_and_does_not_come_back() {
    let stage = Stage::new();
    let event = serde_json::json!({"id": "broken-1", "detail-type": "ECR Image Action"});
    let Invocation::Answered(funade::shell::Handled::Malformed(malformed)) =
        stage.sim.send_event(&event)
    else {
        panic!("it is answered, so that Lambda does not try again")
    };
    assert_eq!(malformed.id.as_deref(), Some("broken-1"));
    let notes = stage.sim.event_notes();
    let note = notes.iter().find(|note| note.id == "broken-1").expect("it is recorded");
    assert!(note.outcome[0].contains("malformed"), "{note:?}");
    assert_eq!(stage.sim.messages_waiting(), 0);
}
