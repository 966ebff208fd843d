//! What is told: once for each change of state, with what a person needs. The numbers are those of
//! docs/failure-modes.md.

use std::collections::{BTreeMap, BTreeSet};

use funade::facts::cause::Diagnosis;
use funade::facts::ecs::AlarmState;
use funade::facts::finding::Severity;
use funade::facts::message::Destination;
use funade::facts::notice::{Notice, NoticeKind, Told};
use funade::facts::subject::Subject;
use funade::shell::{Scope, SweptBy, set_hold, sweep};
use funade_sim::{Behaviour, Failure, Fault};
use funade_tests::{Stage, deployed, digest, tag};
use jiff::SignedDuration;

fn kinds_of(stage: &Stage, about: &str) -> Vec<NoticeKind> {
    let notices = stage.sim.notices();
    notices.iter().filter(|n| n.about.to_string() == about).map(Notice::kind).collect()
}

/// Row 46: the same notice again and again.
#[test]
fn what_stays_so_is_told_once() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.delete_alarm(&acme.place, stage.alarm(acme));
    stage.push("1.4.3", 3);
    for _ in 0..5 {
        stage.look(acme);
        stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
        stage.wait_minutes(20);
    }
    let blocked = |stage: &Stage| {
        let kinds = kinds_of(stage, "acme/order-api");
        kinds.into_iter().filter(|kind| *kind == NoticeKind::Blocked).count()
    };
    assert_eq!(blocked(&stage), 1);
    stage.sim.set_alarm(&acme.place, stage.alarm(acme), AlarmState::Quiet);
    stage.wait_minutes(20);
    assert!(stage.runs(acme, &digest(3)));
    stage.sim.delete_alarm(&acme.place, stage.alarm(acme));
    stage.push("1.4.4", 4);
    assert_eq!(blocked(&stage), 2, "once more for another release");
    let told = stage.sim.notices();
    let told = told.iter().filter(|notice| notice.kind() == NoticeKind::Blocked);
    let releases: Vec<&str> = told.filter_map(|n| Some(n.release()?.as_str())).collect();
    assert_eq!(releases, ["1.4.3", "1.4.4"], "each in the thread of its release");
}

/// So does one where AWS refuses before anything is known of the service.
#[test]
fn a_refused_call_is_told_in_the_thread_of_the_release() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.set_closed(&acme.place, true);
    stage.push("1.4.3", 3);
    let told = stage.sim.notices();
    let blocked = |notice: &&Notice| notice.kind() == NoticeKind::Blocked;
    let notice = told.iter().rfind(blocked).expect("somebody should give the right");
    assert_eq!(notice.about.to_string(), "acme/order-api");
    assert_eq!(notice.release(), Some(&tag("1.4.3")));
}

#[test]
fn a_deploy_is_told_from_its_beginning_to_its_end() {
    let stage = deployed(&[]);
    let kinds = kinds_of(&stage, "acme/order-api");
    assert_eq!(kinds, [NoticeKind::DeployStarted, NoticeKind::DeploySucceeded]);
    let of_service = kinds_of(&stage, "order-api");
    assert_eq!(of_service, [NoticeKind::ReleaseAssigned, NoticeKind::RolloutEnded]);
}

/// A release that goes to all targets is one story: found, and done with, with all who run it.
#[test]
fn a_rollout_is_told_as_one() {
    let stage = deployed(&[]);
    stage
        .sim
        .set_behaviour(digest(3).to_string(), Behaviour::Healthy(SignedDuration::from_mins(3)));
    let before = stage.sim.notices().len();
    stage.push("1.4.3", 3);
    let notices = stage.sim.notices().split_off(before);
    let told: Vec<&Notice> = notices.iter().filter(|n| !n.is_told_in_summary()).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    let Told::RolloutEnded { succeeded, failed, took, assignment, .. } = &told[1].told else {
        panic!("{:#?}", told[1])
    };
    assert_eq!((succeeded.len(), failed.len()), (stage.targets().len(), 0));
    assert_eq!(assignment.release.tag, tag("1.4.3"));
    assert!(*took >= SignedDuration::from_mins(3), "{took}");
}

/// Row 47: "failed" with no cause. Row 48: no capacity reported as a bad image.
#[test]
fn a_failure_is_told_with_its_cause_at_once() {
    let cases = [
        (Failure::NoRoom, Diagnosis::CannotBePlaced, "room"),
        (Failure::Exits(78), Diagnosis::ContainerExits, "78"),
        (Failure::CannotPull, Diagnosis::ImageCannotBePulled, "pull"),
        (Failure::OutOfMemory, Diagnosis::OutOfMemory, "memory"),
    ];
    for (failure, diagnosis, words) in cases {
        let stage = deployed(&[]);
        let fails = Behaviour::Fails(failure, SignedDuration::from_mins(2));
        stage.sim.set_behaviour(digest(3).to_string(), fails);
        stage.push("1.4.3", 3);
        let notices = stage.sim.notices();
        let failed = notices.iter().find_map(|notice| {
            let Told::DeployFailed(told) = &notice.told else { return None };
            (notice.about.to_string() == "acme/order-api").then_some((notice, told))
        });
        let (notice, told) = failed.expect("it was told");
        assert_eq!(notice.severity(), Severity::Error);
        assert!(!notice.is_told_in_summary(), "at once");
        let cause = told.deploy.progress.cause().expect("it says why");
        assert_eq!(cause.diagnosis, diagnosis);
        let all = format!("{} {:?} {:?}", cause.what, cause.tasks, cause.messages).to_lowercase();
        assert!(all.contains(words) || diagnosis == Diagnosis::CannotBePlaced, "{all}");
        let kinds = kinds_of(&stage, "acme/order-api");
        assert_eq!(kinds.last(), Some(&NoticeKind::RolledBack), "{kinds:?}");
        let ended = notices.iter().find_map(|notice| {
            let Told::RolloutEnded { failed, assignment, .. } = &notice.told else { return None };
            (assignment.release.tag == tag("1.4.3")).then_some(failed.len())
        });
        assert_eq!(ended, Some(stage.targets().len()), "the summary names all that failed");
    }
}

#[test]
fn a_hold_is_told_when_it_stops_something() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let hold = funade::facts::hold::Hold {
        on: Subject::Target(acme.id.clone()),
        release: None,
        reason: "a fair".to_owned(),
        by: "dana".to_owned(),
        since: stage.sim_now(),
        until: None,
        lifted: None,
    };
    let written = stage.sim.run(set_hold(&stage.sim, &stage.config, &hold));
    written.expect("nothing dies").expect("no fault");
    assert!(!kinds_of(&stage, "acme/order-api").contains(&NoticeKind::Held), "nothing waits yet");
    stage.push("1.4.3", 3);
    stage.push("1.4.4", 4);
    let kinds = kinds_of(&stage, "acme/order-api");
    let times = kinds.iter().filter(|kind| **kind == NoticeKind::Held).count();
    assert_eq!(times, 2, "once for each release that it stops");
}

#[test]
fn a_finding_is_told_when_it_opens_and_when_it_closes() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let swept = || {
        let swept = sweep(&stage.sim, &stage.config, &Scope::Everything, ("s", SweptBy::Schedule));
        stage.sim.run(swept).expect("nothing dies").expect("no fault");
        stage.wait_minutes(15);
    };
    stage.set_sidecar(acme, "datadog/agent:latest");
    swept();
    swept();
    stage.set_sidecar(acme, &format!("datadog/agent@{}", digest(7)));
    swept();
    swept();
    let kinds = kinds_of(&stage, "acme/order-api");
    let about_findings = kinds
        .into_iter()
        .filter(|kind| matches!(kind, NoticeKind::FindingOpened | NoticeKind::FindingClosed));
    let mut counts: BTreeMap<NoticeKind, usize> = BTreeMap::new();
    about_findings.for_each(|kind| *counts.entry(kind).or_default() += 1);
    assert_eq!(counts.get(&NoticeKind::FindingOpened), Some(&1));
    assert_eq!(counts.get(&NoticeKind::FindingClosed), Some(&1));
}

/// Row 49: upgrading the tool started deploys. What an older version wrote is read, and nothing is
/// deployed, told or asked for.
#[test]
fn records_of_an_older_version_start_nothing() {
    let stage = deployed(&[]);
    stage.wait_minutes(30);
    let before = stage.sim.notices().len();
    let changes = stage.changes();
    stage.sim.forget_fields(&["due", "ended", "good", "had_turn", "turns_begun", "last_rollback"]);
    for target in stage.targets() {
        stage.look(target);
    }
    stage.look_at_service();
    let swept = sweep(&stage.sim, &stage.config, &Scope::Everything, ("s", SweptBy::Schedule));
    stage.sim.run(swept).expect("nothing dies").expect("no fault");
    stage.wait_minutes(30);
    assert_eq!(stage.changes(), changes);
    let told = stage.sim.notices().split_off(before);
    assert_eq!(told, [], "{told:#?}");
}

/// Two topics that hear of everything.
const TWO_ROUTES: &str = "
notices:
  - {to: {topic: \"arn:aws:sns:eu-west-1:999999999999:one\"}, format: json}
  - {to: {topic: \"arn:aws:sns:eu-west-1:999999999999:two\"}, format: json}
";

fn topic(name: &str) -> Destination {
    Destination::Topic(format!("arn:aws:sns:eu-west-1:999999999999:{name}"))
}

/// The ids of the notices that a topic has got, in the order in which it got them.
fn got(stage: &Stage, name: &str) -> Vec<String> {
    let messages = stage.sim.messages().into_iter().filter(|message| message.to == topic(name));
    messages.map(|message| message.notice).collect()
}

fn written(stage: &Stage) -> Vec<String> {
    stage.sim.notices().into_iter().map(|notice| notice.id).collect()
}

/// Who takes no messages for a while gets them later, under the same ids, and nobody else waits or
/// gets any twice.
#[test]
fn what_one_does_not_take_holds_up_nobody_else() {
    let stage = Stage::fleet_with(TWO_ROUTES);
    stage.push("1.4.2", 2);
    assert!(stage.sim.tell_all());
    stage.sim.close_destination(&topic("two"), true);
    let before = got(&stage, "two");
    for (tag, digest) in [("1.4.3", 3), ("1.4.4", 4)] {
        stage.push(tag, digest);
        assert!(!stage.sim.tell_all(), "one of them takes none");
        assert_eq!(got(&stage, "one"), written(&stage), "each once, in its order");
    }
    assert_eq!(got(&stage, "two"), before);
    stage.sim.close_destination(&topic("two"), false);
    assert!(stage.sim.tell_all());
    assert_eq!(got(&stage, "two"), written(&stage), "each once");
    assert_eq!(got(&stage, "one"), written(&stage), "and none again");
}

/// A function that dies, or gets no answer, at any of its calls: each gets all.
#[test]
fn whatever_dies_while_telling_nothing_is_lost() {
    let faults = [Fault::Lost, Fault::ResponseLost, Fault::DiesBefore, Fault::DiesAfter];
    for (call, fault) in (0..48).zip(faults.into_iter().cycle()) {
        let stage = Stage::fleet_with(TWO_ROUTES);
        stage.push("1.4.2", 2);
        stage.sim.close_destination(&topic("two"), true);
        stage.sim.plan_fault(call, fault);
        stage.sim.tell_all();
        stage.sim.close_destination(&topic("two"), false);
        assert!((0..5).any(|_| stage.sim.tell_all()), "all is told in the end");
        let all: BTreeSet<String> = written(&stage).into_iter().collect();
        for name in ["one", "two"] {
            let got: BTreeSet<String> = got(&stage, name).into_iter().collect();
            assert_eq!(got, all, "{name}, {fault:?} at call {call}");
        }
    }
}
