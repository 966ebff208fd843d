//! What is told of a rollout in which not everything goes as it should: nobody is left waiting for a
//! summary that does not come, nobody hears of the failure and not of the recovery.

use funade::decisions::notices::{Around, of_target, told_of_standing};
use funade::facts::hold::Hold;
use funade::facts::names::Tag;
use funade::facts::notice::{Notice, NoticeKind, SupersededBy, Told};
use funade::facts::record::{Standing, StandingKind, TargetRecord};
use funade::facts::subject::Subject;
use funade::shell::{lift_hold, set_hold};
use funade_sim::Failure;
use funade_tests::{Stage, deployed, digest, tag};
use jiff::SignedDuration;

/// Holds it, for some days or until a person lifts that.
fn hold(stage: &Stage, on: Subject, days: Option<i64>) {
    let since = stage.sim_now();
    let until = days.map(|days| since + SignedDuration::from_hours(24 * days));
    let (reason, by) = ("a fair".to_owned(), "dana".to_owned());
    let hold = Hold { on, release: None, reason, by, since, until, lifted: None };
    let written = stage.sim.run(set_hold(&stage.sim, &stage.config, &hold));
    written.expect("nothing dies").expect("no fault");
}

/// The last summary of a release: who runs it, who does not, and what took its place.
fn summary(stage: &Stage, release: &Tag) -> Option<(usize, Vec<String>, Option<SupersededBy>)> {
    stage.sim.notices().into_iter().rev().find_map(|notice| {
        let Told::RolloutEnded { assignment, succeeded, failed, superseded, .. } = notice.told
        else {
            return None;
        };
        let failed = failed.into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
        (assignment.release.tag == *release).then_some((succeeded.len(), failed, superseded))
    })
}

fn of_kind(stage: &Stage, kind: NoticeKind) -> Vec<Notice> {
    stage.sim.notices().into_iter().filter(|notice| notice.kind() == kind).collect()
}

#[test]
fn a_target_that_is_held_does_not_keep_the_summary_back() {
    for days in [None, Some(14)] {
        let stage = deployed(&[]);
        let acme = stage.target("acme");
        hold(&stage, Subject::Target(acme.id.clone()), days);
        stage.push_begun("1.4.3", 3);
        stage.wait_minutes(60);
        let (succeeded, failed, _) = summary(&stage, &tag("1.4.3")).expect("it has ended");
        assert_eq!(succeeded, stage.targets().len() - 1);
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed[0].starts_with("acme: ") && failed[0].contains("dana"), "{failed:?}");

        let before = of_kind(&stage, NoticeKind::DeploySucceeded).len();
        let on = Subject::Target(acme.id.clone());
        let lifted = stage.sim.run(lift_hold(&stage.sim, &stage.config, &on, "dana"));
        lifted.expect("nothing dies").expect("it is held");
        stage.rest();
        assert!(stage.runs(acme, &digest(3)));
        let after = of_kind(&stage, NoticeKind::DeploySucceeded).split_off(before);
        let [recovered] = after.as_slice() else { panic!("{after:#?}") };
        assert!(!recovered.is_told_in_summary(), "the summary is over: people are told of it");
    }
}

#[test]
fn a_hold_on_the_service_is_told_in_one_summary() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    hold(&stage, Subject::Service(acme.id.service.clone()), None);
    stage.push("1.4.3", 3);
    let held = of_kind(&stage, NoticeKind::Held);
    assert_eq!(held.len(), stage.targets().len());
    assert!(held.iter().all(Notice::is_told_in_summary), "not one message for each");
    let (succeeded, failed, _) = summary(&stage, &tag("1.4.3")).expect("it has ended");
    assert_eq!((succeeded, failed.len()), (0, stage.targets().len()));
}

#[test]
fn a_rollout_that_another_replaces_is_told_to_its_end() {
    let stage = deployed(&[]);
    stage.hangs(3, Failure::Unhealthy);
    stage.push_begun("1.4.3", 3);
    assert_eq!(summary(&stage, &tag("1.4.3")), None, "it goes on");
    stage.push("1.4.4", 4);
    let (succeeded, failed, superseded) = summary(&stage, &tag("1.4.3")).expect("it is over");
    assert_eq!((succeeded, failed), (0, Vec::new()));
    let left = stage.targets().len();
    assert_eq!(superseded, Some(SupersededBy { release: tag("1.4.4"), left }));
    let (succeeded, failed, superseded) = summary(&stage, &tag("1.4.4")).expect("it has ended");
    assert_eq!((succeeded, failed.len(), superseded), (left, 0, None));
}

#[test]
fn a_persons_rollback_says_which_release_runs_again() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    stage.roll_back(acme, None).expect("there is something to go back to");
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    let told = of_kind(&stage, NoticeKind::RolledBack);
    let [Notice { told: Told::RolledBack(told), .. }] = told.as_slice() else {
        panic!("{told:#?}")
    };
    assert_eq!(told.back_to, Some(tag("1.4.2")));
}

/// Row 46: AWS refuses the same call every quarter of an hour, each time after a hopeful beginning.
#[test]
fn what_comes_and_goes_is_told_once_until_the_target_comes_on() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let around = Around { id: &acme.id, targets: 6, hold: None, ended: 0 };
    let stands = |kind: StandingKind, code: &str| Standing {
        assignment: 3,
        release: Some(tag("1.4.3")),
        kind,
        code: code.to_owned(),
        sentence: code.to_owned(),
        since: stage.sim_now(),
    };
    let mut record = TargetRecord::default();
    let mut write = |kind, code| {
        let mut next = record.clone();
        next.standing = Some(stands(kind, code));
        next.generation += 1;
        next.told = told_of_standing(&record, &next);
        let told = of_target(around, &record, &next, None, stage.sim_now());
        record = next;
        told.len()
    };
    let refused = (StandingKind::Blocked, "call-refused");
    assert_eq!(write(refused.0, refused.1), 1);
    for _ in 0..3 {
        assert_eq!(write(StandingKind::Waiting, "deploys"), 0);
        assert_eq!(write(refused.0, refused.1), 0, "nobody wants to hear of it again");
    }
    assert_eq!(write(StandingKind::Blocked, "alarm-missing"), 1, "another reason");
    assert_eq!(write(refused.0, refused.1), 0);
    assert_eq!(write(StandingKind::Settled, "already-runs"), 0);
    assert_eq!(write(refused.0, refused.1), 1, "it had come on in between");
}
