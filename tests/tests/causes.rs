//! Why a deploy failed is in its record and in what people are told. Row 47: "failed" with no
//! cause; row 48: no room was reported as a bad image.

use funade::facts::cause::{Diagnosis, StoppedContainer, StoppedTask, Trigger};
use funade::facts::deploy::UndoneBy;
use funade::facts::names::AlarmName;
use funade_sim::{Behaviour, Breaker, Failure, Fault};
use funade_tests::{Stage, deployed, digest};
use jiff::SignedDuration;

/// Each way to fail, what it points to, and a part of what ECS says of it.
const FAILURES: [(Failure, Diagnosis, &str); 6] = [
    (Failure::Exits(42), Diagnosis::ContainerExits, "app exited with code 42"),
    (Failure::OutOfMemory, Diagnosis::OutOfMemory, "OutOfMemoryError"),
    (Failure::CannotPull, Diagnosis::ImageCannotBePulled, "CannotPullContainerError"),
    (Failure::NoRoom, Diagnosis::CannotBePlaced, "unable to place a task"),
    (Failure::Unhealthy, Diagnosis::HealthCheckFails, "failed ELB health checks"),
    (Failure::NoSecret, Diagnosis::ConfigurationUnreadable, "unable to retrieve secret"),
];

/// Checks what acme's last deploy is said to have failed of.
fn check(stage: &Stage, trigger: Trigger, (_, diagnosis, words): (Failure, Diagnosis, &str)) {
    let acme = stage.target("acme");
    let (cause, ..) = stage.rolled_back(acme);
    assert_eq!((cause.trigger, cause.diagnosis), (trigger, diagnosis), "{cause:?}");
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "rolled-back");
    for part in [diagnosis.sentence(), diagnosis.remedy(), words] {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
    let hold = stage.hold(acme).expect("its release is left alone");
    assert!(hold.reason.contains(diagnosis.sentence()), "{}", hold.reason);
}

#[test]
fn what_ecs_gives_up_says_of_what() {
    for failure in FAILURES {
        for breaker in [Breaker::RollsBack, Breaker::GivesUp] {
            let stage = deployed(&[]);
            stage.set_breakers(breaker);
            let minutes = SignedDuration::from_mins(6);
            let fails = Behaviour::Fails(failure.0, minutes);
            stage.sim.set_behaviour(digest(3).to_string(), fails);
            stage.push("1.4.3", 3);
            check(&stage, Trigger::GivenUp, failure);
        }
    }
}

/// ECS watches alarms of its own, if the service says so, and goes back when one is raised.
#[test]
fn what_ecs_gives_up_for_an_alarm_says_of_which() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let alarm = AlarmName::parse("acme-order-api-latency").expect("a name");
    stage.push_begun("1.4.3", 3);
    stage.sim.pass_time(SignedDuration::from_secs(40));
    stage.sim.raise_deployment_alarm(&acme.place, &acme.cluster, &acme.ecs_service, &alarm);
    stage.rest();
    let (cause, by, _) = stage.rolled_back(acme);
    assert_eq!((cause.trigger, cause.diagnosis), (Trigger::Alarm, Diagnosis::Alarm));
    assert_eq!(by, UndoneBy::Ecs);
    let said = "the alarm acme-order-api-latency was raised";
    assert!(cause.what.contains(said), "{cause:?}");
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!((stage.updates(acme), stage.stops(acme)), (2, 0), "Funade does nothing");
}

/// That its time was over is no cause: why it was, is.
#[test]
fn what_took_too_long_says_why() {
    for failure in FAILURES {
        let stage = deployed(&[]);
        stage.hangs(3, failure.0);
        stage.push("1.4.3", 3);
        check(&stage, Trigger::Deadline, failure);
    }
}

/// Row 48: tasks that the scheduler stops, as where the service is scaled in, exit as well, and do
/// not make a bad image of a lack of room.
#[test]
fn tasks_that_the_scheduler_stops_are_no_cause() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.hangs(3, Failure::NoRoom);
    stage.push_begun("1.4.3", 3);
    let container = StoppedContainer { name: "app".to_owned(), exit_code: Some(143), reason: None };
    let scaled_in = StoppedTask {
        id: "scaled-in".to_owned(),
        started_by: None,
        stop_code: Some("ServiceSchedulerInitiated".to_owned()),
        reason: Some("Scaling activity initiated by (deployment ecs-svc/1)".to_owned()),
        stopped_at: Some(stage.sim_now()),
        containers: vec![container],
    };
    stage.set_stopped(acme, &[scaled_in]);
    stage.rest();
    let (cause, ..) = stage.rolled_back(acme);
    assert_eq!(cause.diagnosis, Diagnosis::CannotBePlaced, "{cause:?}");
    assert_eq!(cause.tasks, [""; 0], "nothing that misleads is shown");
}

/// Tasks of an older deployment that failed are not this one's cause.
#[test]
fn the_tasks_of_another_deployment_are_not_its_cause() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.hangs(3, Failure::CannotPull);
    stage.hangs(4, Failure::OutOfMemory);
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(18);
    stage.push("1.4.4", 4);
    let (cause, ..) = stage.rolled_back(acme);
    assert_eq!(cause.diagnosis, Diagnosis::OutOfMemory, "{cause:?}");
    assert!(cause.tasks.iter().all(|task| !task.contains("CannotPull")), "{cause:?}");
}

/// The tasks that stopped are evidence: to be refused them delays no rollback.
#[test]
fn tasks_that_cannot_be_read_delay_no_rollback() {
    let hangs = || {
        let stage = deployed(&[]);
        stage.hangs(3, Failure::Exits(1));
        stage.push_begun("1.4.3", 3);
        stage.wait_minutes(15);
        stage
    };
    let look = |stage: &Stage| {
        let before = stage.sim.calls().len();
        stage.sim.pass_time(SignedDuration::from_mins(10));
        stage.pass(stage.target("acme"));
        let calls = stage.sim.calls().into_iter().skip(before);
        calls.map(|call| call.operation).position(|operation| operation == "DescribeTasks")
    };
    let read_at = look(&hangs()).expect("they are looked at");
    let stage = hangs();
    stage.sim.plan_fault(read_at, Fault::Throttled);
    look(&stage);
    assert_eq!(stage.stands(stage.target("acme")).0, "rolls-back");
    stage.rest();
    let (cause, ..) = stage.rolled_back(stage.target("acme"));
    assert_eq!(cause.diagnosis, Diagnosis::Deadline);
    let [task] = &cause.tasks[..] else { panic!("{cause:?}") };
    assert!(task.starts_with("the stopped tasks could not be read: DescribeTasks"), "{task}");
}

/// What keeps dying in the same way is told once, with how often.
#[test]
fn the_same_end_of_many_tasks_is_told_once() {
    let stage = deployed(&[]);
    stage.sim.set_behaviour(
        digest(3).to_string(),
        Behaviour::Fails(Failure::Exits(42), SignedDuration::from_mins(6)),
    );
    stage.push("1.4.3", 3);
    let (cause, ..) = stage.rolled_back(stage.target("acme"));
    let line = "app exited with code 42; Essential container in task exited (5 tasks)";
    assert_eq!(cause.tasks, [line]);
}

/// Which is told in the history too, and is there when the next deploy has begun.
#[test]
fn the_history_keeps_the_cause() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.set_behaviour(
        digest(3).to_string(),
        Behaviour::Fails(Failure::NoSecret, SignedDuration::from_mins(6)),
    );
    stage.push("1.4.3", 3);
    let (cause, ..) = stage.rolled_back(acme);
    stage.push("1.4.5", 5);
    let deploys = stage.history(acme).deploys;
    let kept = deploys.iter().find(|deploy| deploy.id.number == 2).expect("it is remembered");
    let progress = format!("{:?}", kept.progress);
    assert!(progress.contains(&cause.what) && progress.contains("ConfigurationUnreadable"));
}
