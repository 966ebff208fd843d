//! What a sweep finds of a target's tasks: too few, stopping again and again, or said to fail. And
//! what it does not take for that.

use funade::config::Target;
use funade::facts::cause::StoppedTask;
use funade::facts::deploy::Ending;
use funade::facts::finding::FindingKind;
use funade::facts::names::DeploymentId;
use funade::shell::{Scope, SweptBy, sweep};
use funade_sim::{Breaker, Failure};
use funade_tests::{Stage, deployed, digest, found_of, is_closed, kinds, sweep_only, swept};
use jiff::{SignedDuration, Timestamp};

/// The deployment that a target's tasks are of.
fn primary(stage: &Stage, target: &Target) -> DeploymentId {
    stage.described(target).primary().expect("it runs something").id.clone()
}

fn stopped(started_by: &DeploymentId, at: Timestamp, code: &str, reason: &str) -> StoppedTask {
    StoppedTask {
        id: format!("task-{at}"),
        started_by: Some(started_by.clone()),
        stop_code: Some(code.to_owned()),
        reason: Some(reason.to_owned()),
        stopped_at: Some(at),
        containers: Vec::new(),
    }
}

/// Looks once, and again when what is wrong with tasks is told.
fn unhealthy_later(stage: &Stage) -> Vec<FindingKind> {
    let mut found = kinds(&swept(stage).findings);
    stage.sim.pass_time(SignedDuration::from_mins(6));
    found.extend(kinds(&swept(stage).findings));
    found.retain(|kind| *kind == FindingKind::Unhealthy);
    found
}

#[test]
fn tasks_that_are_too_few_are_told_after_a_while() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.lose_tasks(
        acme,
        1,
        Some(
            "(service order-api) was unable to place a task because no \
         container instance met all of its requirements.",
        ),
    );
    assert_eq!(swept(&stage).findings, [], "a task may be replaced just now");
    // The next minute's share looks at suspects again.
    stage.sim.pass_time(SignedDuration::from_mins(6));
    let minute = Scope::Minute { minute: 7, of: 1_000_000 };
    let swept = sweep(&stage.sim, &stage.config, &minute, ("sweep-2", SweptBy::Schedule));
    let swept = stage.sim.run(swept).expect("nothing dies").expect("the ledger answers");
    assert_eq!(swept.targets, 1, "only the suspect");
    let finding = found_of(&swept, acme, FindingKind::Unhealthy);
    assert!(finding.sentence.contains("2 of 3 tasks run"), "{}", finding.sentence);
    assert!(finding.sentence.contains("unable to place"), "{}", finding.sentence);
    assert!(finding.next.contains("add capacity"), "{}", finding.next);
    stage.lose_tasks(acme, 0, None);
    is_closed(&stage, FindingKind::Unhealthy);
}

#[test]
fn tasks_that_stop_again_and_again_are_told_with_their_last_reason() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let now = stage.sim_now();
    let primary = primary(&stage, acme);
    let stopped =
        |ago, code, reason| stopped(&primary, now - SignedDuration::from_mins(ago), code, reason);
    let scaling = "Scaling activity initiated by deployment ecs-svc/1";
    let mut tasks = vec![
        stopped(2, "ServiceSchedulerInitiated", scaling),
        stopped(3, "UserInitiated", "a person"),
        stopped(4, "EssentialContainerExited", "Essential container in task exited"),
        stopped(5, "EssentialContainerExited", "Essential container in task exited"),
    ];
    let says = "(service order-api) has started 1 tasks: (task 12345)";
    stage.set_stopped(acme, &tasks);
    stage.lose_tasks(acme, 0, Some(says));
    assert_eq!(swept(&stage).findings, [], "two that stop by themselves are a bad day");
    tasks.push(stopped(1, "EssentialContainerExited", "Essential container in task exited: 137"));
    stage.set_stopped(acme, &tasks);
    assert_eq!(swept(&stage).findings, [], "it may be over in a moment");
    stage.sim.pass_time(SignedDuration::from_mins(6));
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::Unhealthy);
    assert!(finding.sentence.contains("3 tasks stopped by themselves"), "{}", finding.sentence);
    assert!(finding.sentence.contains("the last: Essential container in task exited: 137"));
    is_closed(&stage, FindingKind::Unhealthy);
}

/// A release failed, and the circuit breaker went back: the tasks that it tried are of a deployment
/// that is over.
#[test]
fn what_was_rolled_back_is_not_unhealthy() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.crashes(3, 4);
    stage.push_begun("1.4.3", 3);
    let failing = primary(&stage, acme);
    let began = stage.sim_now();
    stage.rest();
    assert!(matches!(stage.ending(acme), Some(Ending::RolledBack { .. })));
    assert!(stage.runs(acme, &digest(2)));
    assert_ne!(primary(&stage, acme), failing);
    let exited = "Essential container in task exited";
    let stopped = |minute| {
        let at = began + SignedDuration::from_mins(minute);
        stopped(&failing, at, "EssentialContainerExited", exited)
    };
    stage.set_stopped(acme, &[3, 2, 1].map(stopped));
    stage.lose_tasks(acme, 0, Some("(service order-api) has started 1 tasks: (task 12345)."));
    assert_eq!(unhealthy_later(&stage), []);
}

/// One task failed a health check and was replaced within a minute: ECS's words about it stay.
#[test]
fn one_failed_check_that_was_made_up_for_is_not_unhealthy() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.wait_minutes(30);
    let failed = "(service order-api) (port 8080) is unhealthy in (target-group web) due to \
                  (reason Health checks failed).";
    stage.lose_tasks(acme, 1, Some(failed));
    stage.sim.pass_time(SignedDuration::from_mins(1));
    assert_eq!(swept(&stage).findings, [], "a task may be replaced just now");
    stage.lose_tasks(acme, 0, None);
    assert_eq!(unhealthy_later(&stage), []);
    // Nothing says that it is over: the checks go on failing.
    stage.sim.pass_time(SignedDuration::from_mins(1));
    stage.lose_tasks(acme, 0, Some(failed));
    assert_eq!(unhealthy_later(&stage), [FindingKind::Unhealthy]);
}

/// The first deploy fails, and there is nothing to go back to: no task runs, and nothing but the
/// sweep says so for as long as that lasts.
#[test]
fn a_failed_deploy_that_leaves_no_task_is_unhealthy() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_breakers(Breaker::GivesUp);
    stage.crashes(3, 4);
    stage.push_begun("1.4.3", 3);
    // What ran before goes down with it.
    stage.lose_tasks(acme, 3, Some("(service order-api) has started 3 tasks: (task 12345)."));
    assert_eq!(sweep_only(&stage).findings, [], "its deploy is under way, and within its deadline");
    stage.sim.deregister(&stage.deploy(acme).from);
    stage.rest();
    assert!(matches!(stage.ending(acme), Some(Ending::Failed { .. })), "{:?}", stage.stands(acme));
    stage.wait_minutes(60);
    let _ = swept(&stage);
    stage.sim.pass_time(SignedDuration::from_mins(6));
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::Unhealthy);
    assert!(finding.sentence.starts_with("0 of 3 tasks run"), "{}", finding.sentence);
    assert!(!kinds(&swept.findings).contains(&FindingKind::Stuck), "its end was told");
}

/// Held for as long as somebody wants, while somebody's deployment goes on for ever.
#[test]
fn a_deployment_that_never_ends_is_stuck_though_the_target_is_held() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.hold_for(acme, None);
    stage.set_breakers(Breaker::Off);
    stage.hangs(9, Failure::Exits(1));
    stage.change_by_hand(acme, 9);
    stage.wait_minutes(10);
    assert!(!kinds(&swept(&stage).findings).contains(&FindingKind::Stuck));
    stage.wait_minutes(30);
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::Stuck);
    assert!(finding.sentence.contains("has not ended within 20m"), "{}", finding.sentence);
}
