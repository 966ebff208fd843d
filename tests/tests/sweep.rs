//! The sweep: each kind of finding opened and closed, and what is healed. The numbers are those of
//! docs/failure-modes.md.

use std::collections::BTreeSet;

use funade::facts::deploy::Ending;
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::parameter::ParameterValue;
use funade::facts::subject::Subject;
use funade::shell::{Scope, SweptBy, sweep};
use funade_sim::{Behaviour, Breaker, Failure};
use funade_tests::{
    SWEPT_EVERY, Stage, deployed, digest, found_of, is_closed, kinds, plain, sweep_only, swept,
    swept_later, tag, text,
};
use jiff::SignedDuration;

#[test]
fn a_healthy_fleet_has_no_findings() {
    let stage = deployed(&[("LOG_LEVEL", text("info")), ("KEY", ParameterValue::Secure)]);
    stage.put_image(&tag("not-a-version"), &digest(99));
    let first = swept_later(&stage);
    assert_eq!(first.findings, [], "{:#?}", first.findings);
    assert_eq!((first.targets, first.services), (stage.config.targets().count(), 3));
    assert!(first.failed.is_empty(), "{:?}", first.failed);
}

/// Each registry is asked for an image once, however many targets run it and should.
#[test]
fn each_image_is_asked_for_once() {
    let stage = deployed(&[]);
    let before = stage.sim.count("DescribeImages");
    sweep_only(&stage);
    let registries: BTreeSet<_> = stage.targets().iter().map(|t| &t.pulls_from.place).collect();
    let asked = stage.sim.count("DescribeImages") - before;
    assert_eq!(asked, stage.config.services.len() + registries.len());
}

/// Row 29: an update loop, new equal to old.
#[test]
fn three_sweeps_after_success_plan_nothing() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    stage.wait_minutes(10);
    let (changes, records) = (stage.changes(), stage.sim.generations());
    for _ in 0..3 {
        let swept = swept_later(&stage);
        assert!(swept.woken.is_empty(), "{:?}", swept.woken);
    }
    assert_eq!((stage.changes(), stage.sim.generations()), (changes, records));
}

/// Row 30: an event of ECR was lost.
#[test]
fn a_lost_push_is_found_and_deployed() {
    let stage = deployed(&[]);
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.wait_minutes(1);
    assert_eq!(swept(&stage).findings, [], "its event may be on its way");
    let swept = swept_later(&stage);
    assert_eq!(kinds(&swept.opened), [FindingKind::MissedImage]);
    let finding = &swept.opened[0];
    assert_eq!(finding.about.to_string(), "order-api");
    assert!(finding.sentence.contains("shop/order-api has 1.4.3"), "{finding:#?}");
    for target in stage.targets() {
        assert!(stage.runs(target, &digest(3)), "{}", target.id);
    }
    is_closed(&stage, FindingKind::MissedImage);
}

/// Several were lost: the newest is taken, and the older ones are no releases to wait for.
#[test]
fn of_many_lost_pushes_the_newest_is_deployed() {
    let stage = deployed(&[]);
    for number in [3, 5, 4] {
        stage.put_image(&tag(&format!("1.4.{number}")), &digest(number));
    }
    stage.put_image(&tag("1.4.1"), &digest(1));
    let swept = swept_later(&stage);
    assert!(swept.opened[0].sentence.contains("has 1.4.5 and 2 more"), "{:#?}", swept.opened);
    assert!(stage.targets().iter().all(|target| stage.runs(target, &digest(5))));
    is_closed(&stage, FindingKind::MissedImage);
}

/// Who asked for an older release after that push meant what they said.
#[test]
fn a_lost_push_does_not_overrule_a_person_who_asked_later() {
    let stage = deployed(&[]);
    stage.push("1.4.4", 4);
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.wait_minutes(5);
    stage.request("1.4.2");
    stage.rest();
    assert_eq!(swept_later(&stage).findings, []);
    assert!(stage.targets().iter().all(|target| stage.runs(target, &digest(2))));
}

/// Row 30: an event of Parameter Store was lost.
#[test]
fn a_lost_change_of_a_parameter_is_found_and_deployed() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.put(acme, "LOG_LEVEL", text("debug"));
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::StaleConfiguration);
    assert!(
        finding.sentence.contains("LOG_LEVEL (runs version 1, the store has 2)"),
        "{}",
        finding.sentence
    );
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), plain("debug"));
    is_closed(&stage, FindingKind::StaleConfiguration);
}

/// A change within its quiet period is no finding: its look is on its way.
#[test]
fn what_waits_for_its_quiet_period_is_no_finding() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.change(acme, "LOG_LEVEL", text("debug"));
    assert_eq!(swept(&stage).findings, []);
}

/// Who only wants to be told of changed variables is told, and not deployed.
#[test]
fn where_the_team_says_notify_stale_variables_are_told_only() {
    let stage = Stage::configured("action: redeploy", "action: notify");
    let acme = stage.target("acme");
    stage.put(acme, "LOG_LEVEL", text("info"));
    stage.push("1.4.2", 2);
    stage.put(acme, "LOG_LEVEL", text("debug"));
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::StaleConfiguration);
    assert!(finding.next.contains("funade deploy order-api --tag 1.4.2"), "{finding:#?}");
    let says = "LOG_LEVEL (runs version 1, the store has 2)";
    assert!(finding.sentence.contains(says), "{}", finding.sentence);
    assert_eq!(stage.updates(acme), 1);
    stage.put(acme, "LOG_LEVEL", text("info"));
    is_closed(&stage, FindingKind::StaleConfiguration);
}

/// The wake of an assigned release was lost: the queue's message, twenty times over.
#[test]
fn a_target_that_was_never_woken_is_behind() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    assert!(stage.sim.deliver_next(), "the service's pass");
    stage.sim.lose_messages();
    assert_eq!(sweep_only(&stage).findings, [], "the wake may be on its way");
    stage.sim.lose_messages();
    stage.sim.pass_time(SWEPT_EVERY);
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::Behind);
    assert!(finding.sentence.contains("1.4.3 is assigned to it, and it still runs 1.4.2"));
    assert!(stage.runs(acme, &digest(3)));
    is_closed(&stage, FindingKind::Behind);
}

#[test]
fn what_was_changed_by_hand_is_told_and_not_overwritten() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.change_by_hand(acme, 3);
    stage.wait_minutes(10);
    // Its event was lost, too; the registry's as well, which is another finding.
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::ChangedByHand);
    assert!(finding.sentence.contains("assumed-role/admin/erin registered"), "{finding:#?}");
    assert!(finding.next.contains("funade deploy order-api --tag 1.4."), "{finding:#?}");
}

#[test]
fn a_change_by_hand_is_closed_when_the_release_is_back() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change_by_hand(acme, 9);
    let opened = swept_later(&stage);
    assert_eq!(kinds(&opened.opened), [FindingKind::ChangedByHand, FindingKind::ImageGone]);
    assert!(stage.runs(acme, &digest(9)), "not overwritten");
    assert_eq!(kinds(&swept_later(&stage).opened), [], "told once");
    stage.request("1.4.2");
    stage.rest();
    is_closed(&stage, FindingKind::ChangedByHand);
}

#[test]
fn where_the_team_says_heal_a_change_by_hand_is_put_back() {
    let stage = Stage::fleet_with("\nfindings: {changed-by-hand: heal}\n");
    stage.push("1.4.2", 2);
    let acme = stage.target("acme");
    stage.change_by_hand(acme, 9);
    let swept = swept_later(&stage);
    found_of(&swept, acme, FindingKind::ChangedByHand);
    assert!(swept.woken.contains(&Subject::Target(acme.id.clone())));
    assert!(stage.runs(acme, &digest(2)), "{:?}", stage.stands(acme));
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    is_closed(&stage, FindingKind::ChangedByHand);
}

#[test]
fn what_the_team_ignores_is_not_told() {
    let stage = Stage::fleet_with("\nfindings: {changed-by-hand: ignore, image-gone: ignore}\n");
    stage.push("1.4.2", 2);
    stage.change_by_hand(stage.target("acme"), 9);
    assert_eq!(swept_later(&stage).findings, []);
}

#[test]
fn what_is_to_be_told_only_is_not_healed() {
    let stage = Stage::fleet_with("\nfindings: {missed-image: notify}\n");
    stage.push("1.4.2", 2);
    stage.put_image(&tag("1.4.3"), &digest(3));
    let swept = swept_later(&stage);
    assert_eq!(kinds(&swept.opened), [FindingKind::MissedImage]);
    assert!(swept.opened[0].next.contains("funade deploy order-api --tag 1.4.3"));
    assert!(stage.runs(stage.target("acme"), &digest(2)));
    assert_eq!(kinds(&swept_later(&stage).findings), [FindingKind::MissedImage], "it stays");
}

#[test]
fn a_deployment_that_never_ends_is_stuck() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_breakers(Breaker::Off);
    let alarms = stage.config.targets().map(|target| target.verify.alarms.len()).sum::<usize>();
    assert!(alarms > 0, "so that no brake is missing");
    // Somebody forces a new deployment of what runs, and its tasks fail from now on.
    stage.hangs(2, Failure::Exits(1));
    stage.sim.force_new_deployment(&acme.place, &acme.cluster, &acme.ecs_service);
    stage.wait_minutes(30);
    let swept = swept(&stage);
    let finding = found_of(&swept, acme, FindingKind::Stuck);
    assert!(finding.sentence.contains("has not ended within"), "{}", finding.sentence);
    let minute = SignedDuration::from_mins(1);
    stage.sim.set_behaviour(digest(2).to_string(), Behaviour::Healthy(minute));
    stage.sim.force_new_deployment(&acme.place, &acme.cluster, &acme.ecs_service);
    is_closed(&stage, FindingKind::Stuck);
}

#[test]
fn a_target_that_nothing_can_be_deployed_to_is_blocked() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.delete_alarm(&acme.place, stage.alarm(acme));
    stage.push("1.4.3", 3);
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::Blocked);
    assert!(finding.sentence.contains("there is no alarm"), "{}", finding.sentence);
    assert!(finding.next.contains("funade explain acme/order-api"));
    stage.sim.set_alarm(&acme.place, stage.alarm(acme), funade::facts::ecs::AlarmState::Quiet);
    stage.wait_minutes(20);
    is_closed(&stage, FindingKind::Blocked);
}

/// Row 16: a rollback to an image that ECR's lifecycle rule deleted.
#[test]
fn the_way_back_is_looked_at_before_it_is_needed() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.delete_image(&acme.pulls_from.place, &acme.repository, &digest(2));
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::ImageGone);
    assert!(finding.sentence.contains("which runs"), "{}", finding.sentence);
    // What runs next is there; but what served before is not.
    stage.sim.put_image(&acme.pulls_from.place, &acme.repository, &tag("1.4.2"), &digest(2));
    is_closed(&stage, FindingKind::ImageGone);
    stage.hangs(3, Failure::Unhealthy);
    stage.set_breakers(Breaker::Off);
    stage.push_begun("1.4.3", 3);
    stage.sim.delete_image(&acme.pulls_from.place, &acme.repository, &digest(2));
    let swept = sweep_only(&stage);
    let finding = found_of(&swept, acme, FindingKind::NoWayBack);
    assert!(
        finding.sentence.contains("acme-order-api:2 back, whose image is gone"),
        "{finding:#?}"
    );
    stage.sim.put_image(&acme.pulls_from.place, &acme.repository, &tag("1.4.2"), &digest(2));
    let after = sweep_only(&stage);
    assert!(kinds(&after.closed).contains(&FindingKind::NoWayBack), "{after:#?}");
}

#[test]
fn a_deregistered_revision_is_no_way_back() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let good = stage.view(acme).revision;
    stage.sim.deregister(&good);
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::NoWayBack);
    assert!(finding.sentence.contains("which is deregistered"), "{}", finding.sentence);
    stage.push("1.4.3", 3);
    is_closed(&stage, FindingKind::NoWayBack);
}

#[test]
fn a_secret_that_is_gone_is_no_way_back() {
    let stage = deployed(&[("KEY", ParameterValue::Secure), ("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.forget(acme, "KEY");
    let swept = sweep_only(&stage);
    let finding = found_of(&swept, acme, FindingKind::NoWayBack);
    assert!(finding.sentence.contains("could not read /acme/order-api/KEY"), "{finding:#?}");
    stage.put(acme, "KEY", ParameterValue::Secure);
    let after = sweep_only(&stage);
    assert!(kinds(&after.closed).contains(&FindingKind::NoWayBack), "{after:#?}");
}

#[test]
fn a_service_without_any_brake_is_told() {
    let stage = Stage::configured(", alarms: [\"{environment}-order-api-5xx\"]", "");
    stage.push("1.4.2", 2);
    stage.set_breakers(Breaker::Off);
    let acme = stage.target("acme");
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::NoBrake);
    assert!(finding.next.contains("deploymentCircuitBreaker"), "{}", finding.next);
    stage.set_breakers(Breaker::RollsBack);
    is_closed(&stage, FindingKind::NoBrake);
}

#[test]
fn another_containers_loose_tag_is_told() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.set_sidecar(acme, "datadog/agent:latest");
    let swept = swept_later(&stage);
    let finding = found_of(&swept, acme, FindingKind::MutableTag);
    assert!(finding.sentence.contains("datadog/agent:latest"), "{}", finding.sentence);
    stage.set_sidecar(acme, &format!("datadog/agent@{}", digest(77)));
    is_closed(&stage, FindingKind::MutableTag);
}

/// One account's role is gone: it is told once, and the others are swept.
#[test]
fn an_account_that_cannot_be_reached_stops_no_other() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.put(stage.target("initech"), "LOG_LEVEL", text("debug"));
    stage.sim.set_closed(&acme.place, true);
    let before = stage.sim.calls().len();
    let swept = swept_later(&stage);
    let unreachable: Vec<&Finding> =
        swept.findings.iter().filter(|f| f.kind == FindingKind::Unreachable).collect();
    assert_eq!(unreachable.len(), 1, "{:#?}", swept.findings);
    assert_eq!(unreachable[0].about, About::Place(acme.place.clone()));
    let calls = stage.sim.calls().split_off(before);
    let there = |call: &&funade_sim::Call| {
        call.operation == "DescribeServices" && call.subject.contains(&acme.place.to_string())
    };
    assert_eq!(calls.iter().filter(there).count(), 1, "one call, however many targets");
    assert!(stage.runs(stage.target("initech"), &digest(2)));
    assert_eq!(stage.variable(stage.target("initech"), "LOG_LEVEL"), plain("debug"));
    assert!(kinds(&swept_later(&stage).opened).is_empty(), "told once");
    stage.sim.set_closed(&acme.place, false);
    is_closed(&stage, FindingKind::Unreachable);
}

/// What could not be looked at keeps its findings.
#[test]
fn what_was_not_looked_at_is_not_closed() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change_by_hand(acme, 9);
    swept_later(&stage);
    stage.sim.set_closed(&acme.place, true);
    let swept = swept_later(&stage);
    assert!(swept.closed.is_empty(), "{:#?}", swept.closed);
    stage.sim.set_closed(&acme.place, false);
    let swept = swept_later(&stage);
    found_of(&swept, acme, FindingKind::ChangedByHand);
    assert_eq!(kinds(&swept.opened), [], "it was told before");
}

/// A target that leaves the fleet takes its findings along.
#[test]
fn findings_of_what_left_the_fleet_are_closed() {
    let stage = deployed(&[]);
    stage.change_by_hand(stage.target("acme"), 9);
    assert!(!swept_later(&stage).findings.is_empty());
    let without = Stage::without("order-api");
    let swept = sweep(&stage.sim, &without, &Scope::Everything, ("sweep-9", SweptBy::Schedule));
    let swept = stage.sim.run(swept).expect("nothing dies").expect("the ledger answers");
    assert_eq!(kinds(&swept.closed), [FindingKind::ChangedByHand, FindingKind::ImageGone]);
}
