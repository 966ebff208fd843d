//! What a deploy must show to have succeeded: in time, with quiet alarms, until the bake is over.
//! The numbers are those of docs/failure-modes.md.

use funade::facts::cause::{Diagnosis, Trigger};
use funade::facts::deploy::{Deploy, Ending, Phase, Progress, UndoneBy};
use funade::facts::ecs::AlarmState;
use funade_sim::{Breaker, Failure, Strategy};
use funade_tests::{Stage, deployed, digest, tag};
use jiff::SignedDuration;

/// A stage on which 1.4.2 runs, on services that have no circuit breaker, and on which tasks of
/// 1.4.3 exit.
fn without_breaker() -> Stage {
    let stage = deployed(&[]);
    stage.set_breakers(Breaker::Off);
    stage.hangs(3, Failure::Exits(1));
    stage
}

/// A stage whose alarms are watched for ten minutes after a deployment, and on which 1.4.2 runs.
fn baking() -> Stage {
    let stage = Stage::configured("5xx\"]}", "5xx\"], bake: 10m}");
    stage.push("1.4.2", 2);
    stage
}

/// Row 7: failed tasks went uncounted, and the breaker never tripped.
#[test]
fn a_deployment_that_never_ends_is_rolled_back_at_its_deadline() {
    let stage = without_breaker();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(19);
    assert_eq!(stage.stands(acme).0, "in-progress", "20 minutes are given");
    stage.wait_minutes(2);
    assert_eq!(stage.stands(acme).0, "rolls-back");
    stage.rest();
    let (cause, by, _) = stage.rolled_back(acme);
    assert_eq!((cause.trigger, by), (Trigger::Deadline, UndoneBy::Funade));
    assert!(stage.runs(acme, &digest(2)));
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "rolled-back");
    assert!(sentence.contains("within 20m"), "{sentence}");
    assert_eq!((stage.stops(acme), stage.updates(acme)), (1, 2), "one update for each deploy");
}

/// Row 7: the deadline is a time in the ledger. Without a single look it has passed all the same.
#[test]
fn a_deadline_that_passed_unseen_counts_at_the_next_look() {
    let stage = without_breaker();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.sim.pass_time(SignedDuration::from_hours(2));
    stage.pass(acme);
    assert_eq!(stage.stands(acme).0, "rolls-back");
}

/// Row 9: a plain timeout never rolls back. Where the team says manual it does not, and says so.
#[test]
fn with_manual_a_failed_deploy_stays_and_says_what_to_type() {
    let stage = Stage::configured("rollback: automatic", "rollback: manual");
    let acme = stage.target("acme");
    stage.push("1.4.2", 2);
    stage.set_breakers(Breaker::Off);
    stage.hangs(3, Failure::Exits(1));
    stage.push("1.4.3", 3);
    let (cause, stays) = stage.failed(acme);
    assert_eq!((stage.deploy(acme).phase(), cause.trigger), (Phase::TimedOut, Trigger::Deadline));
    assert!(stays.contains("funade rollback acme/order-api"), "{stays}");
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "deploy-failed");
    assert!(sentence.contains(&stays), "{sentence}");
    assert_eq!((stage.stops(acme), stage.updates(acme)), (0, 2));
    assert!(stage.runs(acme, &digest(3)), "nothing was done");

    stage.roll_back(acme, None).expect("there is something to go back to");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!(stage.rolled_back(acme).1, UndoneBy::Person("dana".to_owned()));
}

/// An alarm that was raised before says nothing about the release that comes.
#[test]
fn an_alarm_that_is_raised_already_is_waited_for() {
    let stage = deployed(&[]);
    let (acme, initech) = (stage.target("acme"), stage.target("initech"));
    stage.set_alarm(acme, AlarmState::Raised);
    stage.push("1.4.3", 3);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("alarm-raised", 1));
    assert!(sentence.contains("acme-order-api-5xx"), "{sentence}");
    assert!(stage.runs(initech, &digest(3)), "the others move");
    stage.set_alarm(acme, AlarmState::Quiet);
    assert!(stage.runs(acme, &digest(3)), "its event wakes the target at once");
    stage.rest();
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
}

/// Without the event of its end, the target looks by itself.
#[test]
fn an_alarm_whose_end_was_not_told_is_waited_for_in_vain_for_a_quarter_of_an_hour() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_alarm(acme, AlarmState::Raised);
    stage.push_begun("1.4.3", 3);
    assert_eq!(stage.stands(acme).0, "alarm-raised");
    stage.sim.set_alarm(&acme.place, stage.alarm(acme), AlarmState::Quiet);
    stage.wait_minutes(15);
    assert!(stage.runs(acme, &digest(3)));
}

/// It may be the remedy.
#[test]
fn a_persons_request_passes_an_alarm_that_is_raised() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_alarm(acme, AlarmState::Raised);
    stage.push("1.4.3", 3);
    stage.request("1.4.3");
    stage.rest();
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded), "{:?}", stage.stands(acme));
    assert!(stage.deploy(acme).disregards.contains(stage.alarm(acme)), "it is still raised");
    assert!(stage.runs(acme, &digest(3)));
}

#[test]
fn a_disregarded_alarm_counts_again_once_it_was_quiet() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_alarm(acme, AlarmState::Raised);
    stage.push("1.4.3", 3);
    stage.request("1.4.3");
    stage.sim.deliver_all();
    assert_eq!(stage.stands(acme).0, "in-progress");
    stage.set_alarm(acme, AlarmState::Quiet);
    stage.set_alarm(acme, AlarmState::Raised);
    assert_eq!(stage.stands(acme).0, "rolls-back");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
}

/// ECS is asked to roll back the deployment that is under way: that is its own way, and quicker.
#[test]
fn an_alarm_during_the_deployment_rolls_it_back() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.sim.pass_time(SignedDuration::from_secs(40));
    stage.set_alarm(acme, AlarmState::Raised);
    assert_eq!((stage.stops(acme), stage.updates(acme)), (1, 2));
    stage.rest();
    let (cause, by, _) = stage.rolled_back(acme);
    assert_eq!((cause.trigger, cause.diagnosis), (Trigger::Alarm, Diagnosis::Alarm));
    assert_eq!(by, UndoneBy::Funade);
    assert!(cause.what.contains("acme-order-api-5xx"), "{cause:?}");
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!((stage.stops(acme), stage.updates(acme)), (1, 2));
    assert!(stage.runs(stage.target("initech"), &digest(3)), "its own alarm is quiet");
}

/// A deployment that is over cannot be rolled back: what ran before is deployed.
#[test]
fn an_alarm_during_the_bake_rolls_it_back() {
    let stage = baking();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(5);
    assert_eq!(stage.deploy(acme).phase(), Phase::Verifying);
    stage.set_alarm(acme, AlarmState::Raised);
    assert_eq!((stage.stops(acme), stage.updates(acme)), (0, 3));
    stage.rest();
    assert_eq!(stage.rolled_back(acme).0.trigger, Trigger::Alarm);
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!((stage.stops(acme), stage.updates(acme)), (0, 3));
}

/// The alarm is raised, and its event lost: the next look sees it.
#[test]
fn an_alarm_of_which_nobody_told_counts_too() {
    let stage = baking();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(5);
    stage.sim.set_alarm(&acme.place, stage.alarm(acme), AlarmState::Raised);
    stage.rest();
    assert_eq!(stage.rolled_back(acme).0.trigger, Trigger::Alarm);
}

/// Once a deploy has succeeded, an alarm is no more about it.
#[test]
fn an_alarm_after_the_success_changes_nothing() {
    let stage = baking();
    let acme = stage.target("acme");
    let changes = stage.changes();
    stage.set_alarm(acme, AlarmState::Raised);
    stage.look(acme);
    assert_eq!((stage.changes(), stage.stops(acme)), (changes, 0));
    assert_eq!(stage.stands(acme).0, "already-runs");
}

#[test]
fn an_alarm_that_does_not_exist_blocks() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.delete_alarm(&acme.place, stage.alarm(acme));
    stage.push("1.4.3", 3);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("alarm-missing", 1));
    assert!(sentence.contains("no alarm acme-order-api-5xx"), "{sentence}");
    stage.sim.set_alarm(&acme.place, stage.alarm(acme), AlarmState::Quiet);
    stage.rest();
    assert!(stage.runs(acme, &digest(3)), "it is seen without an event");
}

/// Whoever corrects `verify` need not wait for the next look.
#[test]
fn a_corrected_verification_is_taken_up_at_once() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.delete_alarm(&acme.place, stage.alarm(acme));
    stage.push("1.4.3", 3);
    assert_eq!(stage.stands(acme).0, "alarm-missing");
    let alarms = ", alarms: [\"{environment}-order-api-5xx\"]";
    stage.try_apply("services/order-api.yaml", alarms, "").expect("it is valid");
    stage.sim.deliver_all();
    assert_eq!(stage.updates(acme), 2);
}

/// Rows 2 and 44: not before its bake is over, and then at once.
#[test]
fn a_deploy_succeeds_when_its_bake_is_over() {
    let stage = baking();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(11);
    assert_eq!((stage.ending(acme), stage.stands(acme).0.as_str()), (None, "verifying"));
    stage.rest();
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    let phases = stage.deploy(acme).phases;
    let at = |wanted: Phase| phases.iter().find(|(phase, _)| *phase == wanted).expect("it was").1;
    let baked = at(Phase::Succeeded).duration_since(at(Phase::Verifying));
    let (bake, late) = (SignedDuration::from_mins(10), SignedDuration::from_secs(15));
    assert!(bake <= baked && baked <= bake + late, "{baked:#}");
}

/// Somebody deploys in the console just before the bake ends: what is over then is not ours.
#[test]
fn what_is_replaced_in_its_bake_has_not_succeeded() {
    let stage = Stage::configured("5xx\"]}", "5xx\"], bake: 30s}");
    stage.push("1.4.2", 2);
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    while stage.deploy(acme).phase() != Phase::Verifying {
        stage.sim.pass_time(SignedDuration::from_secs(5));
        stage.sim.deliver_all();
    }
    stage.sim.pass_time(SignedDuration::from_secs(20));
    stage.change_by_hand(acme, 9);
    stage.sim.pass_time(SignedDuration::from_secs(11));
    stage.pass(acme);
    assert_eq!(stage.deploy(acme).phase(), Phase::Verifying, "{:?}", stage.stands(acme));
    stage.rest();
    let ended = stage.history(acme).deploys.iter().any(|deploy| {
        matches!(&deploy.progress, Progress::Ended { ending: Ending::Replaced { .. }, .. })
            && deploy.id.number == 2
    });
    assert!(ended, "{:?}", stage.history(acme).deploys);
}

/// A newer release need not wait for the bake of the one before.
#[test]
fn a_newer_release_ends_a_bake() {
    let stage = baking();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(5);
    stage.push("1.4.4", 4);
    assert!(stage.runs(acme, &digest(4)));
    let phases: Vec<Phase> = stage.history(acme).deploys.iter().map(Deploy::phase).collect();
    assert_eq!(phases, [Phase::Succeeded, Phase::Superseded, Phase::Succeeded]);
}

/// `BLUE_GREEN`, `LINEAR` and `CANARY`: both revisions are kept for a while, and until ECS's service
/// deployment is SUCCESSFUL it may go back. What ECS waits is no delay of the deploy's.
#[test]
fn a_strategy_that_waits_is_given_its_time() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_strategy(acme, Strategy::Baked(SignedDuration::from_mins(30)));
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(25);
    assert_eq!(stage.stands(acme).0, "in-progress", "longer than its deadline by itself");
    assert_eq!(stage.stands(stage.target("initech")).0, "already-runs");
    stage.rest();
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    assert_eq!((stage.stops(acme), stage.updates(acme)), (0, 2));
}

/// What ECS waits is added to the deadline, and no more than that.
#[test]
fn a_strategy_that_waits_has_a_deadline_too() {
    let stage = without_breaker();
    let acme = stage.target("acme");
    stage.set_strategy(acme, Strategy::Baked(SignedDuration::from_mins(30)));
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(49);
    assert_eq!(stage.stands(acme).0, "in-progress");
    stage.wait_minutes(2);
    let (code, sentence) = stage.stands(acme);
    assert!(sentence.contains("within 50m"), "{code}: {sentence}");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)), "{:?}", stage.stands(acme));
}

/// Row 6: an alarm that is raised while a newer release takes over is about the newer one.
#[test]
fn an_alarm_after_a_deploy_was_superseded_is_not_its_own() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    stage.push_begun("1.4.4", 4);
    stage.set_alarm(acme, AlarmState::Raised);
    stage.rest();
    let deploys = stage.history(acme).deploys;
    let ended: Vec<(Phase, &str)> =
        deploys.iter().map(|d| (d.phase(), d.assignment.release.tag.as_str())).collect();
    let [newest, before, ..] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(newest, &(Phase::RolledBack, "1.4.4"));
    assert_eq!(before, &(Phase::Superseded, "1.4.3"));
    assert!(stage.runs(acme, &digest(2)), "1.4.3 never was found good");
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.set_alarm(acme, AlarmState::Quiet);
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    stage.rest();
    assert!(stage.runs(acme, &digest(2)), "nor is it brought now");
}
