//! What a change of parameters leads to, as scenarios named after what went wrong elsewhere.

use funade::facts::parameter::ParameterValue;
use funade::shell::{ApplyError, Handled};
use funade::world::World;
use funade_sim::{Behaviour, Fault};
use funade_tests::{Stage, deployed, digest, parameter, plain, tag, text};
use jiff::SignedDuration;

/// The quiet period of order-api in the example fleet.
const QUIET: SignedDuration = SignedDuration::from_secs(60);

fn rules(handled: Handled) -> Vec<String> {
    let Handled::Routed(routing) = handled else { panic!("{handled:?}") };
    assert_eq!(routing.intents, []);
    routing.ignored.into_iter().map(|ignored| ignored.rule.to_string()).collect()
}

#[test]
fn a_change_moves_the_target_that_reads_it_and_no_other() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    stage.put(stage.target("globex"), "LOG_LEVEL", text("info"));
    let acme = stage.target("acme");
    let before = stage.changes();
    let event = stage.parameter_event(acme, "LOG_LEVEL", "Update");
    stage.put(acme, "LOG_LEVEL", text("debug"));
    stage.send(&event);
    stage.rest();
    assert_eq!(stage.changes(), before.map(|calls| calls + 1));
    let deploy = stage.sim.target_record(&acme.id).deploy.expect("one was begun");
    assert_eq!(event["id"], deploy.cause, "what began it is known");
    assert_eq!(stage.updates(acme), 2);
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), plain("debug"));
    assert!(stage.runs(acme, &digest(2)));
}

/// Row 32: two changes, two restarts, a broken mix between.
#[test]
fn changes_within_the_quiet_period_become_one_redeploy() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    for number in 0..40 {
        stage.change(acme, &format!("SETTING_{number}"), text("on"));
        stage.sim.pass_time(SignedDuration::from_millis(250));
        stage.sim.deliver_all();
    }
    let last = stage.sim.now() - SignedDuration::from_millis(250);
    let begun = stage.sim.target_record(&acme.id).deploys_begun;
    assert!(stage.sim.run_until_quiet(SignedDuration::from_mins(30)));
    assert_eq!(stage.updates(acme), 2, "one for the release, one for all forty");
    assert_eq!(stage.versions(acme).len(), 40);
    let deploy = stage.sim.target_record(&acme.id).deploy.expect("one was begun");
    assert_eq!(deploy.id.number, begun + 1);
    let waited = deploy.begun_at.duration_since(last);
    assert!(QUIET <= waited && waited <= QUIET + SignedDuration::from_secs(15), "{waited:#}");
}

/// Forty changes send few messages: one that is on its way finds them all.
#[test]
fn a_burst_of_changes_is_not_a_burst_of_messages() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    for number in 0..40 {
        stage.change(acme, &format!("SETTING_{number}"), text("on"));
    }
    assert_eq!(stage.sim.messages_waiting(), 1);
}

/// A release that is pushed while somebody writes parameters takes all of them along.
#[test]
fn a_release_waits_for_the_quiet_period_too() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change(acme, "A", text("1"));
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    stage.sim.deliver_all();
    assert_eq!(stage.stands(acme).0, "quiet-period");
    assert_eq!(stage.updates(stage.target("internal")), 2, "nothing was changed there");
    stage.sim.pass_time(SignedDuration::from_secs(30));
    stage.change(acme, "B", text("1"));
    stage.rest();
    assert_eq!(stage.updates(acme), 2);
    assert!(stage.runs(acme, &digest(3)));
    assert_eq!(stage.versions(acme).len(), 2);
}

/// Whoever writes a parameter every minute has no quiet to wait for.
#[test]
fn changes_without_end_do_not_hold_a_target_back_for_ever() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let began = stage.sim.now();
    while stage.updates(acme) == 1 {
        stage.change(acme, "COUNTER", text(&stage.sim.now().to_string()));
        stage.sim.run_until_quiet(SignedDuration::from_secs(50));
        stage.sim.pass_time(SignedDuration::from_secs(1));
        assert!(stage.sim.now().duration_since(began) < SignedDuration::from_mins(20));
    }
    assert!(stage.sim.now().duration_since(began) >= QUIET * 10);
}

/// Row 33: the debounce lost the last change.
#[test]
fn a_change_during_the_redeploy_causes_one_more() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change(acme, "A", text("1"));
    stage.sim.run_until_quiet(QUIET + SignedDuration::from_secs(5));
    assert_eq!(stage.updates(acme), 2, "the redeploy runs");
    stage.change(acme, "A", text("2"));
    stage.change(acme, "B", text("1"));
    stage.rest();
    assert_eq!(stage.updates(acme), 3);
    assert_eq!(stage.variable(acme, "A"), plain("2"));
    assert_eq!(stage.variable(acme, "B"), plain("1"));
}

/// What is deleted after it was listed leaves a reference to nothing in a new revision; its event
/// takes it out again.
#[test]
fn a_parameter_deleted_between_the_listing_and_the_registration_goes_with_the_next_redeploy() {
    let stage = deployed(&[("A", text("1"))]);
    let acme = stage.target("acme");
    stage.put(acme, "KEY", ParameterValue::Secure);
    let name = parameter("/acme/order-api/KEY");
    stage.sim.delete_parameter_before("RegisterTaskDefinition", &acme.place, &name);
    stage.tell(acme, "KEY", "Create");
    stage.sim.run_until_quiet(QUIET + SignedDuration::from_secs(5));
    assert_eq!(stage.updates(acme), 2);
    assert!(stage.variable(acme, "KEY").is_some(), "it was there when all was listed");
    stage.tell(acme, "KEY", "Delete");
    stage.rest();
    assert_eq!(stage.updates(acme), 3);
    assert_eq!(stage.variable(acme, "KEY"), None);
    assert_eq!(stage.variable(acme, "A"), plain("1"));
}

#[test]
fn foreign_accounts_and_other_paths_lead_to_nothing() {
    let stage = deployed(&[("A", text("1"))]);
    let acme = stage.target("acme");
    let mut event = stage.parameter_event(acme, "A", "Update");
    event["account"] = "123456789012".into();
    assert_eq!(rules(stage.send(&event)), ["unknown-account"]);
    event["account"] = "222222222222".into();
    event["region"] = "us-east-1".into();
    assert_eq!(rules(stage.send(&event)), ["unknown-region"]);
    event["region"] = "ap-northeast-1".into();
    for other in ["/acme/order-api-v2/A", "/acme/order-api", "/globex/order-api/A", "A"] {
        event["detail"]["name"] = other.into();
        assert_eq!(rules(stage.send(&event)), ["unread-parameter"], "{other}");
    }
    assert_eq!(stage.sim.messages_waiting(), 0);
}

#[test]
fn notify_and_ignore_leave_the_target_alone_until_its_next_deploy() {
    for (reaction, messages) in [("notify", 1), ("ignore", 0)] {
        let stage = Stage::new();
        let from = "on_parameter_change: {action: redeploy, quiet: 60s}";
        let to = format!("on_parameter_change: {reaction}");
        stage.apply_with("services/order-api.yaml", from, &to);
        stage.push("1.4.2", 2);
        let acme = stage.target("acme");
        stage.change(acme, "A", text("1"));
        assert_eq!(stage.sim.messages_waiting(), messages, "{reaction}");
        stage.rest();
        assert_eq!(stage.updates(acme), 1, "{reaction}");
        // Whoever looks sees that it differs.
        stage.look(acme);
        assert_eq!(stage.stands(acme).0, "configuration-differs", "{reaction}");
        assert!(stage.stands(acme).1.contains("1 variable would change (A)"));
        stage.push("1.4.3", 3);
        assert_eq!(stage.variable(acme, "A"), plain("1"), "{reaction}");
        assert_eq!(stage.updates(acme), 2, "{reaction}");
    }
}

/// Row 14: the image was rolled back, and the configuration was not.
#[test]
fn image_and_configuration_go_back_together_and_what_cannot_is_named() {
    let stage = deployed(&[("LOG_LEVEL", text("info")), ("DB_PASSWORD", ParameterValue::Secure)]);
    let acme = stage.target("acme");
    stage.crashes(3, 3);
    stage.put(acme, "LOG_LEVEL", text("debug"));
    stage.put(acme, "DB_PASSWORD", ParameterValue::Secure);
    stage.push("1.4.3", 3);
    assert!(stage.runs(acme, &digest(2)), "ECS went back");
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), plain("info"));
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "rolled-back");
    let stays = "what did not go back, since tasks read the newest: \
                 DB_PASSWORD (version 1 → 2)";
    assert!(sentence.contains(stays), "{sentence}");
    // Invariant 3: a further change does not bring the bad release back.
    stage.change(acme, "LOG_LEVEL", text("trace"));
    stage.rest();
    assert_eq!(stage.updates(acme), 2);
    assert!(stage.runs(acme, &digest(2)));
}

/// A bad parameter fails its redeploy; it is not tried again, and the mended one is.
#[test]
fn variables_that_failed_are_tried_again_only_when_somebody_mended_them() {
    let stage = deployed(&[("MODE", text("good"))]);
    let acme = stage.target("acme");
    let crashes = Behaviour::Crashes(SignedDuration::from_mins(3));
    stage.sim.set_behaviour("MODE=bad", crashes);
    stage.change(acme, "MODE", text("bad"));
    stage.rest();
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("rolled-back", 2));
    assert_eq!(stage.variable(acme, "MODE"), plain("good"), "ECS went back");
    let remedy = "mend MODE, push a newer release, or try again with";
    assert!(stage.stands(acme).1.contains(remedy), "{:?}", stage.stands(acme));
    stage.tell(acme, "MODE", "Update");
    stage.rest();
    assert_eq!(stage.updates(acme), 2, "the same again is not tried again");
    stage.change(acme, "MODE", text("better"));
    stage.rest();
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("already-runs", 3));
    assert_eq!(stage.variable(acme, "MODE"), plain("better"));
}

/// A robot that writes another variable does not bring back what failed.
#[test]
fn unrelated_changes_do_not_bring_bad_variables_back() {
    let stage = deployed(&[("MODE", text("good")), ("FEATURES", text("0"))]);
    let acme = stage.target("acme");
    stage.sim.set_behaviour("MODE=bad", Behaviour::Crashes(SignedDuration::from_mins(3)));
    stage.change(acme, "MODE", text("bad"));
    stage.rest();
    for features in ["1", "2", "3"] {
        stage.change(acme, "FEATURES", text(features));
        stage.rest();
        assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("rolled-back", 2));
    }
    stage.change(acme, "MODE", text("better"));
    stage.rest();
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("already-runs", 3));
    assert_eq!(stage.variable(acme, "FEATURES"), plain("3"));
}

/// Nor is the variable itself tried for ever; a person may try it all the same.
#[test]
fn a_variable_that_is_bad_all_night_is_not_tried_all_night() {
    let stage = deployed(&[("MODE", text("good"))]);
    let acme = stage.target("acme");
    for bad in 0..8 {
        let crashes = Behaviour::Crashes(SignedDuration::from_mins(3));
        stage.sim.set_behaviour(format!("MODE={bad}"), crashes);
        stage.change(acme, "MODE", text(&bad.to_string()));
        stage.rest();
    }
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("rolled-back", 1 + 5));
    stage.change(acme, "MODE", text("better"));
    stage.rest();
    assert_eq!(stage.updates(acme), 1 + 5);
    stage.unhold(acme);
    stage.rest();
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("already-runs", 1 + 6));
}

/// Whatever call fails, whoever dies: a change is taken up once and completely.
#[test]
fn one_fault_anywhere_leads_to_one_redeploy_with_the_whole_change() {
    let stage = || deployed(&[("A", text("1")), ("KEY", ParameterValue::Secure)]);
    let change = |stage: &Stage| {
        let acme = stage.target("acme");
        stage.put(acme, "A", text("2"));
        stage.put(acme, "KEY", ParameterValue::Secure);
        let invoked = stage.sim.send_event(&stage.parameter_event(acme, "A", "Update"));
        stage.rest();
        invoked
    };
    let undisturbed = stage();
    let before = undisturbed.sim.calls().len();
    change(&undisturbed);
    let calls = undisturbed.sim.calls().len() - before;
    assert!(calls > 20, "a redeploy makes more than {calls} calls");
    let faults =
        [Fault::Throttled, Fault::Lost, Fault::ResponseLost, Fault::DiesBefore, Fault::DiesAfter];
    for number in 0..calls {
        for fault in faults {
            let stage = stage();
            stage.sim.plan_fault(number, fault);
            let invoked = change(&stage);
            let acme = stage.target("acme");
            let history = format!("{fault:?} at call {number}: {invoked:?}");
            assert_eq!(stage.updates(acme), 2, "{history}");
            assert_eq!(stage.variable(acme, "A"), plain("2"), "{history}");
            let key = "/acme/order-api/KEY version 2";
            assert_eq!(stage.versions(acme)["KEY"], key, "{history}");
            assert_eq!(stage.stands(acme).0, "already-runs", "{history}");
        }
    }
}

#[test]
fn a_path_that_is_added_to_the_configuration_is_read_at_once() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    stage.sim.put_parameter(&acme.place, &parameter("/common/TIME_ZONE"), text("Asia/Tokyo"));
    stage.push("1.4.2", 2);
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("already-runs", 1));
    let entry = "parameters:\n";
    let more = "parameters:\n  - {path: /common/, into: app}\n";
    stage.apply_with("services/order-api.yaml", entry, more);
    assert_eq!(stage.updates(acme), 2);
    assert_eq!(stage.variable(acme, "TIME_ZONE"), plain("Asia/Tokyo"));
    assert_eq!(stage.updates(stage.target("globex")), 1, "there is nothing below it");
}

/// A tenant in two regions has two Parameter Stores, with the same names in both.
#[test]
fn another_region_of_the_same_account_is_another_store() {
    let fleet = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  tokyo:    {account: "222222222222", region: ap-northeast-1, cluster: tokyo}
  virginia: {account: "222222222222", region: us-east-1,      cluster: virginia}
"#;
    let service = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: ">=1.4, <2"}}
parameters:
  - {path: /common/, into: app, shared: true}
environments: all
"#;
    let stage = Stage::with(&[("fleet.yaml", fleet), ("services/order-api.yaml", service)]);
    let (tokyo, virginia) = (stage.target("tokyo"), stage.target("virginia"));
    stage.put(tokyo, "CITY", text("Tokyo"));
    stage.put(virginia, "CITY", text("Virginia"));
    stage.push("1.4.2", 2);
    let Handled::Routed(routing) = stage.change(tokyo, "CITY", text("Osaka")) else {
        panic!("it is routed")
    };
    let woken: Vec<String> = routing.intents.iter().map(|i| i.subject.to_string()).collect();
    assert_eq!(woken, ["target/tokyo/order-api"]);
    stage.rest();
    assert_eq!(stage.variable(tokyo, "CITY"), plain("Osaka"));
    assert_eq!(stage.variable(virginia, "CITY"), plain("Virginia"));
    assert_eq!((stage.updates(tokyo), stage.updates(virginia)), (2, 1));
}

/// A becomes `bad`, its revision is registered, and the answer to that is lost; then A becomes what
/// is given, and all comes to rest.
fn after_a_lost_registration(fault: Fault, then: &str) -> Stage {
    let stage = || deployed(&[("A", text("1"))]);
    let undisturbed = stage();
    let before = undisturbed.sim.calls().len();
    undisturbed.change(undisturbed.target("acme"), "A", text("bad"));
    undisturbed.rest();
    let calls = undisturbed.sim.calls().split_off(before);
    let registered = calls.iter().position(|call| call.operation == "RegisterTaskDefinition");

    let stage = stage();
    let acme = stage.target("acme");
    stage.sim.plan_fault(registered.expect("the change is deployed"), fault);
    stage.change(acme, "A", text("bad"));
    stage.sim.run_until_quiet(QUIET + SignedDuration::from_secs(1));
    stage.change(acme, "A", text(then));
    stage.rest();
    stage
}

/// A revision was registered, its answer lost, and what it was made for taken back. It is not what
/// a later deploy takes up.
#[test]
fn a_revision_that_nobody_wants_any_more_is_never_deployed() {
    for fault in [Fault::DiesAfter, Fault::ResponseLost] {
        let stage = after_a_lost_registration(fault, "1");
        let acme = stage.target("acme");
        assert_eq!(stage.updates(acme), 1, "{fault:?}: all is as it was");
        stage.sim.pass_time(SignedDuration::from_hours(5 * 24));
        stage.change(acme, "B", text("1"));
        stage.rest();
        assert_eq!(stage.updates(acme), 2, "{fault:?}");
        assert_eq!(stage.variable(acme, "A"), plain("1"), "{fault:?}");
        assert_eq!(stage.variable(acme, "B"), plain("1"), "{fault:?}");
    }
}

/// The same, with another change instead of none.
#[test]
fn a_revision_of_an_older_set_is_never_deployed() {
    for fault in [Fault::DiesAfter, Fault::ResponseLost] {
        let stage = after_a_lost_registration(fault, "2");
        let acme = stage.target("acme");
        assert_eq!(stage.updates(acme), 2, "{fault:?}: one for the release, one for the change");
        assert_eq!(stage.variable(acme, "A"), plain("2"), "{fault:?}");
    }
}

/// SQS delays a message by fifteen minutes at most, whatever the quiet period.
#[test]
fn a_quiet_period_longer_than_a_message_waits_loses_nothing() {
    let stage = Stage::new();
    stage.apply_with("services/order-api.yaml", "quiet: 60s", "quiet: 30m");
    let acme = stage.target("acme");
    stage.put(acme, "A", text("1"));
    stage.push("1.4.2", 2);
    // Nothing is to be done for this, which is seen after a quarter of an hour.
    stage.change(acme, "A", text("1"));
    assert!(stage.sim.run_until_quiet(SignedDuration::from_mins(20)));
    stage.sim.pass_time(SignedDuration::from_mins(5));
    stage.change(acme, "A", text("2"));
    let before = stage.sim.now();
    stage.rest();
    assert_eq!(stage.variable(acme, "A"), plain("2"));
    let deploy = stage.sim.target_record(&acme.id).deploy.expect("one was begun");
    let waited = deploy.begun_at.duration_since(before);
    assert!(waited >= SignedDuration::from_mins(30), "{waited:#}");
}

/// A script that writes all parameters anew does not bring a bad one back each time.
#[test]
fn the_same_bad_text_is_not_tried_again() {
    let stage = deployed(&[("MODE", text("good"))]);
    let acme = stage.target("acme");
    let crashes = Behaviour::Crashes(SignedDuration::from_mins(3));
    stage.sim.set_behaviour("MODE=bad", crashes);
    for _ in 0..3 {
        stage.change(acme, "MODE", text("bad"));
        stage.rest();
    }
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("rolled-back", 2));
}

/// Neither parameters nor releases that come all the time hold each other up for ever.
#[test]
fn releases_do_not_renew_the_wait() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    for number in 0..20 {
        stage.change(acme, "COUNTER", text(&number.to_string()));
        if number % 6 == 0 {
            let (tag, digest) = (tag(&format!("1.5.{number}")), digest(100 + number));
            stage.put_image(&tag, &digest);
            stage.send(&stage.event(&tag, &digest));
        }
        let end = stage.sim.now() + SignedDuration::from_secs(50);
        stage.sim.run_until_quiet(SignedDuration::from_secs(50));
        stage.sim.pass_time(end.duration_since(stage.sim.now()));
    }
    assert!(stage.updates(acme) > 1, "{:?}", stage.stands(acme));
}

#[test]
fn a_release_that_a_person_asks_for_does_not_wait() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.put_image(&tag("1.4.1"), &digest(1));
    stage.change(acme, "A", text("1"));
    stage.request("1.4.1");
    stage.sim.deliver_all();
    assert_eq!(stage.updates(acme), 2);
    assert!(stage.runs(acme, &digest(1)));
}

/// Between a deletion and what replaces it the path is empty; that is nobody's mistake.
#[test]
fn what_is_half_done_is_no_reason_to_call_a_person() {
    let stage = deployed(&[("A", text("1"))]);
    let acme = stage.target("acme");
    stage.delete(acme, "A");
    stage.sim.deliver_all();
    stage.pass(acme);
    assert_eq!(stage.stands(acme).0, "quiet-period");
    stage.change(acme, "A", text("2"));
    stage.rest();
    assert_eq!(stage.variable(acme, "A"), plain("2"));
}

/// The files are in force, and the message that wakes whom they concern is lost.
#[test]
fn applying_again_wakes_whom_the_first_time_should_have() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.put_parameter(&acme.place, &parameter("/more/X"), text("1"));
    let (from, to) = ("parameters:\n", "parameters:\n  - {path: /more/, into: app}\n");
    let apply = || stage.try_apply("services/order-api.yaml", from, to);
    stage.sim.plan_fault(3, Fault::Throttled);
    assert!(matches!(apply(), Err(ApplyError::NotWoken(_))));
    stage.rest();
    assert_eq!(stage.variable(acme, "X"), None);
    assert!(apply().expect("no fault").unchanged);
    stage.rest();
    assert_eq!(stage.variable(acme, "X"), plain("1"));
}
