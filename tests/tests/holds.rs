//! Row 12: a hold that nobody saw pinned a service for months. Ours are told, and end.

use funade::config::Target;
use funade::facts::hold::Hold;
use funade::facts::subject::Subject;
use funade::shell::{HoldError, LiftedHold, lift_hold, set_hold, standing_holds};
use funade::world::World;
use funade_sim::Fault;
use funade_tests::{Stage, deployed, digest, plain, tag, text};
use jiff::SignedDuration;

fn hold(stage: &Stage, on: &str, hours: Option<i64>) {
    let since = stage.sim.now();
    let hold = Hold {
        on: Subject::parse_named(on).expect("well-formed"),
        reason: "a migration runs".to_owned(),
        by: "dana".to_owned(),
        since,
        until: hours.map(|hours| since + SignedDuration::from_hours(hours)),
        release: None,
        lifted: None,
    };
    let set = stage.sim.run(set_hold(&stage.sim, &stage.config, &hold));
    set.expect("nothing dies").expect("no fault");
}

/// Every target has rolled 1.4.3 back.
fn rolled_back() -> Stage {
    let stage = deployed(&[]);
    stage.crashes(3, 3);
    stage.push("1.4.3", 3);
    stage
}

fn lift(stage: &Stage, on: &str) -> Result<LiftedHold, HoldError> {
    let on = Subject::parse_named(on).expect("well-formed");
    stage.sim.run(lift_hold(&stage.sim, &stage.config, &on, "erin")).expect("nothing dies")
}

fn standing(stage: &Stage) -> Vec<String> {
    let holds = stage
        .sim
        .run(standing_holds(&stage.sim, &stage.config))
        .expect("nothing dies")
        .expect("no fault");
    holds.into_iter().map(|hold| hold.on.named()).collect()
}

fn others<'a>(stage: &'a Stage, held: &Target) -> Vec<&'a Target> {
    stage.targets().into_iter().filter(|target| target.id != held.id).collect()
}

#[test]
fn a_held_target_is_left_alone_and_says_by_whom_and_why() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    hold(&stage, "acme/order-api", None);
    stage.push("1.4.3", 3);
    assert_eq!(stage.updates(acme), 1);
    assert!(others(&stage, acme).iter().all(|target| stage.runs(target, &digest(3))));
    assert_eq!(
        stage.stands(acme),
        (
            "held".to_owned(),
            "dana holds acme/order-api: a migration runs; 1.4.3 with its variables waits for \
             funade unhold acme/order-api"
                .to_owned()
        )
    );
    assert_eq!(standing(&stage), ["acme/order-api"]);
}

#[test]
fn lifted_it_goes_on_with_the_newest() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    hold(&stage, "acme/order-api", None);
    stage.push("1.4.3", 3);
    stage.push("1.4.4", 4);
    let lifted = lift(&stage, "acme/order-api").expect("it stands");
    assert_eq!(lifted.hold.lifted.expect("it is lifted").by, "erin");
    stage.rest();
    assert_eq!(stage.updates(acme), 2, "1.4.3 is passed over");
    assert!(stage.runs(acme, &digest(4)));
    assert_eq!(standing(&stage), [""; 0]);
    // Lifting again only wakes again; what was never held is told.
    lift(&stage, "acme/order-api").expect("it was lifted before");
    assert!(matches!(lift(&stage, "order-api"), Err(HoldError::NotHeld(_))));
}

#[test]
fn a_hold_with_an_end_ends_by_itself() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    hold(&stage, "acme/order-api", Some(2));
    let set_at = stage.sim.now();
    stage.push("1.4.3", 3);
    assert!(stage.runs(acme, &digest(3)), "{:?}", stage.stands(acme));
    let deploy = stage.sim.target_record(&acme.id).deploy.expect("one was begun");
    let held = deploy.begun_at.duration_since(set_at);
    let end = SignedDuration::from_hours(2);
    assert!(end <= held && held <= end + SignedDuration::from_secs(15), "{held:#}");
}

#[test]
fn a_service_is_held_as_a_whole() {
    let stage = deployed(&[]);
    hold(&stage, "order-api", None);
    // A shorter one on a target does not end the longer.
    hold(&stage, "acme/order-api", Some(1));
    stage.push("1.4.3", 3);
    let before = stage.changes();
    assert!(stage.targets().iter().all(|target| stage.updates(target) == 1));
    assert!(stage.stands(stage.target("acme")).1.starts_with("dana holds order-api: "));
    lift(&stage, "order-api").expect("it stands");
    stage.rest();
    assert_eq!(stage.changes(), before.map(|calls| calls + stage.targets().len()));
}

#[test]
fn what_is_under_way_goes_on() {
    let stage = Stage::new();
    stage.push_begun("1.4.2", 2);
    let acme = stage.target("acme");
    hold(&stage, "acme/order-api", None);
    stage.rest();
    assert_eq!(stage.stands(acme).0, "already-runs", "a hold is nothing to who has all it should");
}

#[test]
fn neither_parameters_nor_a_person_pass_a_hold() {
    let stage = deployed(&[("MODE", text("a"))]);
    let acme = stage.target("acme");
    hold(&stage, "acme/order-api", None);
    stage.change(acme, "MODE", text("b"));
    stage.rest();
    stage.put_image(&tag("1.4.1"), &digest(1));
    stage.request("1.4.1");
    stage.rest();
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("held", 1));
    lift(&stage, "acme/order-api").expect("it stands");
    stage.rest();
    assert_eq!(stage.variable(acme, "MODE"), plain("b"));
    assert!(stage.runs(acme, &digest(1)));
}

/// What has failed needs a person, held or not, and says so.
#[test]
fn a_hold_does_not_hide_a_failure() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.crashes(3, 3);
    stage.push("1.4.3", 3);
    hold(&stage, "acme/order-api", None);
    stage.look(acme);
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.push("1.4.4", 4);
    assert_eq!(stage.stands(acme).0, "held");
}

/// A migration's hold says nothing of a release that was undone before.
#[test]
fn lifting_a_services_hold_leaves_what_rollbacks_have_left() {
    let stage = rolled_back();
    let before = stage.changes();
    hold(&stage, "order-api", None);
    let lifted = lift(&stage, "order-api").expect("it stands");
    assert_eq!(lifted.stand.len(), stage.targets().len(), "{:?}", lifted.stand);
    stage.rest();
    stage.look_at_service();
    for target in stage.targets() {
        stage.look(target);
        assert_eq!(stage.stands(target).0, "rolled-back");
    }
    assert_eq!(stage.changes(), before);
    assert_eq!(standing(&stage).len(), stage.targets().len());
}

/// Of two holds on a target a person's is lifted first, and then the rollback's.
#[test]
fn a_persons_hold_is_lifted_before_a_rollbacks() {
    let stage = rolled_back();
    let acme = stage.target("acme");
    let before = stage.changes();
    hold(&stage, "acme/order-api", None);
    let LiftedHold { hold, stand } = lift(&stage, "acme/order-api").expect("it stands");
    assert_eq!((hold.by.as_str(), hold.release), ("dana", None));
    assert_eq!(stand.len(), 1);
    assert_eq!((stand[0].by.as_str(), &stand[0].release), ("the rollback", &Some(tag("1.4.3"))));
    stage.rest();
    stage.look(acme);
    assert_eq!((stage.stands(acme).0.as_str(), stage.changes()), ("rolled-back", before));
    // Once more, and it is tried again: there, and nowhere else.
    let LiftedHold { hold, stand } = lift(&stage, "acme/order-api").expect("it stands");
    assert_eq!(
        (hold.by.as_str(), hold.release, stand),
        ("the rollback", Some(tag("1.4.3")), vec![])
    );
    stage.rest();
    let tried = before.map(|calls| calls + 1);
    assert_eq!((stage.stands(acme).0.as_str(), stage.changes()), ("rolled-back", tried));
}

/// Whatever call fails, whoever dies: nothing begins while the hold stands.
#[test]
fn no_fault_breaks_a_hold() {
    let stage = || {
        let stage = deployed(&[]);
        hold(&stage, "acme/order-api", None);
        stage
    };
    let undisturbed = stage();
    let before = undisturbed.sim.calls().len();
    undisturbed.push("1.4.3", 3);
    let calls = undisturbed.sim.calls().len() - before;
    for number in 0..calls {
        for fault in [Fault::Throttled, Fault::ResponseLost, Fault::DiesAfter] {
            let stage = stage();
            stage.sim.plan_fault(number, fault);
            stage.push("1.4.3", 3);
            let acme = stage.target("acme");
            assert_eq!(stage.updates(acme), 1, "{fault:?} at call {number}");
            assert_eq!(stage.stands(acme).0, "held", "{fault:?} at call {number}");
        }
    }
}

#[test]
fn what_is_not_there_cannot_be_held() {
    let stage = Stage::new();
    let hold = Hold {
        on: Subject::parse_named("acme/payments").expect("well-formed"),
        reason: "x".to_owned(),
        by: "dana".to_owned(),
        since: stage.sim.now(),
        until: None,
        release: None,
        lifted: None,
    };
    let refused = stage.sim.run(set_hold(&stage.sim, &stage.config, &hold)).expect("nothing dies");
    assert!(matches!(refused, Err(HoldError::Unknown(_))), "{refused:?}");
}
