//! Parameters, as scenarios named after what went wrong elsewhere.

use funade::facts::names::ContainerName;
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::task_definition::VariableValue;
use funade::shell::Handled;
use funade::world::World;
use funade_sim::{Behaviour, CallOutcome, Fault};
use funade_tests::{Stage, digest, parameter, tag, text};
use jiff::SignedDuration;

/// The quiet period of order-api in the example fleet.
const QUIET: SignedDuration = SignedDuration::from_secs(60);

/// A stage on which 1.4.2 runs, with these parameters of acme's order-api.
fn deployed(parameters: &[(&str, ParameterValue)]) -> Stage {
    let stage = Stage::new();
    for (name, value) in parameters {
        stage.put(stage.target("acme"), name, value.clone());
    }
    stage.push("1.4.2", 2);
    stage
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be missing")]
fn plain(value: &str) -> Option<VariableValue> {
    Some(VariableValue::Plain(value.to_owned()))
}

fn rules(handled: Handled) -> Vec<String> {
    let Handled::Routed(routing) = handled else { panic!("{handled:?}") };
    assert_eq!(routing.intents, []);
    routing.ignored.into_iter().map(|ignored| ignored.rule.to_string()).collect()
}

#[test]
fn what_is_there_when_a_target_is_deployed_is_in_its_task_definition() {
    let list = text("a,b,c");
    let stage = deployed(&[
        ("LOG_LEVEL", text("debug")),
        ("HOSTS", list),
        ("DB_PASSWORD", ParameterValue::Secure),
    ]);
    let acme = stage.target("acme");
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), plain("debug"));
    assert_eq!(stage.variable(acme, "HOSTS"), plain("a,b,c"));
    let arn = "arn:aws:ssm:ap-northeast-1:222222222222:parameter/acme/order-api/DB_PASSWORD";
    assert_eq!(stage.variable(acme, "DB_PASSWORD"), Some(VariableValue::From(arn.to_owned())));
    let versions = stage.versions(acme);
    assert_eq!(versions["DB_PASSWORD"], "/acme/order-api/DB_PASSWORD version 1");
    assert_eq!(stage.updates(acme), 1);
    // Each environment has its own.
    assert_eq!(stage.variable(stage.target("globex"), "HOSTS"), None);
    // Row 29: at the fixed point there is nothing to do.
    let before = (stage.changes(), stage.sim.generations());
    stage.pass(acme);
    assert_eq!((stage.changes(), stage.sim.generations()), before);
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

/// Row 36: the parameter changed, the task definition is identical, and nothing happened.
#[test]
fn a_new_version_of_a_secret_makes_new_tasks() {
    let stage = deployed(&[("DB_PASSWORD", ParameterValue::Secure)]);
    let acme = stage.target("acme");
    let before = stage.view(acme).revision;
    stage.change(acme, "DB_PASSWORD", ParameterValue::Secure);
    stage.rest();
    assert_eq!(stage.updates(acme), 2);
    assert_ne!(stage.view(acme).revision, before);
    assert_eq!(stage.versions(acme)["DB_PASSWORD"], "/acme/order-api/DB_PASSWORD version 2");
}

/// Deleted and written again, a parameter begins at version 1: the same name and version, another
/// value.
#[test]
fn a_secret_that_is_written_anew_is_another() {
    let stage = deployed(&[("DB_PASSWORD", ParameterValue::Secure)]);
    let acme = stage.target("acme");
    stage.delete(acme, "DB_PASSWORD");
    stage.change(acme, "DB_PASSWORD", ParameterValue::Secure);
    stage.rest();
    assert_eq!(stage.updates(acme), 2);
    assert_eq!(stage.versions(acme)["DB_PASSWORD"], "/acme/order-api/DB_PASSWORD version 1");
}

#[test]
fn the_same_text_written_again_is_no_change() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.change(acme, "LOG_LEVEL", text("info"));
    stage.tell(acme, "LOG_LEVEL", "LabelParameterVersion");
    stage.rest();
    assert_eq!(stage.updates(acme), 1);
    assert_eq!(stage.stands(acme).0, "already-runs");
}

#[test]
fn a_deleted_parameters_variable_goes_and_all_others_stay() {
    let stage = deployed(&[("A", text("1")), ("B", text("1"))]);
    let acme = stage.target("acme");
    let theirs = stage.variable(acme, "LOG_LEVEL");
    assert!(theirs.is_some(), "the task definition had it before us");
    stage.delete(acme, "A");
    stage.rest();
    assert_eq!(stage.variable(acme, "A"), None);
    assert_eq!(stage.variable(acme, "B"), plain("1"));
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), theirs);
}

#[test]
fn a_type_that_changed_moves_the_variable() {
    let stage = deployed(&[("TOKEN", text("x"))]);
    let acme = stage.target("acme");
    stage.change(acme, "TOKEN", ParameterValue::Secure);
    stage.rest();
    let document = stage.running(acme).document.to_value();
    let container = &document["containerDefinitions"][0];
    let named = |list: &str| {
        let entries = container[list].as_array().cloned().unwrap_or_default();
        entries.into_iter().filter(|entry| entry["name"] == "TOKEN").count()
    };
    assert_eq!((named("environment"), named("secrets")), (0, 1));
}

/// Row 35: an empty or missing page was read as deletion.
#[test]
fn an_empty_page_is_not_the_end() {
    let parameters: Vec<(String, ParameterValue)> =
        (0..45).map(|number| (format!("SETTING_{number:02}"), text("on"))).collect();
    let stage = Stage::new();
    let acme = stage.target("acme");
    for (name, value) in parameters {
        stage.put(acme, &name, value);
    }
    stage.sim.set_empty_pages(true);
    stage.push("1.4.2", 2);
    assert_eq!(stage.versions(acme).len(), 45);
    assert_eq!(stage.updates(acme), 1);
}

/// Row 35, and invariant 10: whichever page fails, in whatever way, nothing is made of the rest.
#[test]
fn a_page_that_fails_is_never_a_smaller_set() {
    let stage = || {
        let stage = deployed(&[]);
        for number in 0..45 {
            stage.put(stage.target("acme"), &format!("SETTING_{number:02}"), text("on"));
        }
        stage
    };
    let calls = |stage: &Stage| {
        let before = stage.sim.calls().len();
        stage.tell(stage.target("acme"), "SETTING_00", "Create");
        stage.rest();
        stage.sim.calls().split_off(before)
    };
    let undisturbed = calls(&stage());
    let pages: Vec<usize> = undisturbed
        .iter()
        .enumerate()
        .filter(|(_, call)| call.operation == "GetParametersByPath")
        .map(|(index, _)| index)
        .collect();
    assert!(pages.len() >= 5, "five pages are read at least");
    for index in pages {
        for fault in [Fault::Throttled, Fault::Lost, Fault::ResponseLost, Fault::DiesBefore] {
            let stage = stage();
            stage.sim.plan_fault(index, fault);
            let struck = calls(&stage);
            assert_eq!(struck[index].outcome, CallOutcome::Faulty(fault));
            assert_eq!(struck[index].operation, "GetParametersByPath");
            let acme = stage.target("acme");
            assert_eq!(stage.updates(acme), 2, "{fault:?} at {index}: one redeploy");
            assert_eq!(stage.versions(acme).len(), 45, "{fault:?} at {index}");
        }
    }
}

#[test]
fn a_listing_that_does_not_end_is_given_up_with_the_reason() {
    let stage = deployed(&[("A", text("1"))]);
    stage.sim.set_stuck_pages(true);
    let acme = stage.target("acme");
    stage.change(acme, "A", text("2"));
    stage.sim.run_until_quiet(SignedDuration::from_mins(5));
    assert_eq!(stage.updates(acme), 1);
    assert_eq!(stage.variable(acme, "A"), plain("1"));
    stage.sim.set_stuck_pages(false);
    stage.rest();
    assert_eq!(stage.variable(acme, "A"), plain("2"));
}

#[test]
fn a_path_that_never_had_parameters_gives_no_variables() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    assert_eq!(stage.versions(acme).len(), 0);
    assert_eq!(stage.stands(acme).0, "already-runs");
}

/// Row 35 once more: a path that has lost everything is more likely a mistake than a wish.
#[test]
fn a_path_that_is_emptied_blocks_until_somebody_says_that_it_is_meant() {
    let stage = deployed(&[("A", text("1")), ("B", text("1"))]);
    let acme = stage.target("acme");
    stage.delete(acme, "A");
    stage.delete(acme, "B");
    stage.rest();
    assert_eq!(stage.updates(acme), 1);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert_eq!(
        sentence,
        "there is no parameter below /acme/order-api/ in 222222222222/ap-northeast-1 any more, and \
         what runs has 2 variables from there, which would all go; write them again, or, if they \
         should go, take the path out of the service's file"
    );
    let entry = "parameters:\n  - {path: \"/{environment}/order-api/\", into: app}\n";
    stage.apply_with("services/order-api.yaml", entry, "");
    assert_eq!(stage.updates(acme), 2);
    assert_eq!(stage.versions(acme).len(), 0);
}

#[test]
fn five_hundred_parameters_are_fifty_pages_and_one_deploy() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    for number in 0..500 {
        stage.put(acme, &format!("SETTING_{number:03}"), text("on"));
    }
    stage.push("1.4.2", 2);
    assert_eq!(stage.versions(acme).len(), 500, "{:?}", stage.stands(acme));
    assert_eq!(stage.updates(acme), 1);
}

#[test]
fn any_text_reaches_the_tasks_as_it_is() {
    let long = "x".repeat(8 * 1024);
    let values = ["{{resolve:ssm:x}}", "two\nlines\r\n", "船出 🚢", "\"quoted\" \\", " ", &long];
    let stage = Stage::new();
    let acme = stage.target("acme");
    for (number, value) in values.iter().enumerate() {
        stage.put(acme, &format!("TEXT_{number}"), text(value));
    }
    stage.push("1.4.2", 2);
    for (number, value) in values.iter().enumerate() {
        assert_eq!(stage.variable(acme, &format!("TEXT_{number}")), plain(value));
    }
}

/// Row 20: over 64 KiB, refused at the last moment.
#[test]
fn a_task_definition_that_is_too_large_is_blocked_with_its_largest_parts() {
    let stage = deployed(&[("SMALL", text("x"))]);
    let acme = stage.target("acme");
    for number in 0..9 {
        stage.put(acme, &format!("LARGE_{number}"), text(&"x".repeat(8 * 1000 - number)));
    }
    stage.tell(acme, "LARGE_0", "Create");
    stage.rest();
    assert_eq!(stage.changes()[0], stage.targets().len(), "nothing more was registered");
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert!(sentence.starts_with("the task definition would have 72."), "{sentence}");
    assert!(sentence.contains("and ECS takes 64.0 KiB; the largest parts are"), "{sentence}");
    assert!(sentence.contains("LARGE_0 of app 7.8 KiB, LARGE_1 of app"), "{sentence}");
}

#[test]
fn names_that_are_no_variables_block_with_all_of_them_at_once() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    for name in ["db.url", "log-level", "nested/NAME", "1ST", "GOOD"] {
        stage.put(acme, name, text("x"));
    }
    stage.push("1.4.2", 2);
    assert_eq!(stage.updates(acme), 0);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    for name in ["db.url", "log-level", "nested/NAME", "1ST"] {
        assert!(sentence.contains(&format!("would be the variable `{name}`")), "{sentence}");
    }
    assert!(sentence.contains("write names: upper-snake"), "{sentence}");
    // The remedy that the sentence names.
    stage.sim.delete_parameter(&acme.place, &parameter("/acme/order-api/1ST"));
    stage.apply_with("services/order-api.yaml", "into: app}", "into: app, names: upper-snake}");
    let names: Vec<String> = stage.versions(acme).into_keys().collect();
    assert_eq!(names, ["DB_URL", "GOOD", "LOG_LEVEL", "NESTED_NAME"]);
}

#[test]
fn two_parameters_that_give_one_name_block() {
    let stage = Stage::new();
    stage.apply_with("services/order-api.yaml", "into: app}", "into: app, names: upper-snake}");
    let acme = stage.target("acme");
    stage.put(acme, "db-url", text("x"));
    stage.put(acme, "db.url", text("y"));
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("configuration-unusable", 0));
    assert_eq!(
        sentence,
        "`/acme/order-api/db-url` and `/acme/order-api/db.url` both give the variable DB_URL; \
         delete, rename or `exclude` one of them"
    );
}

#[test]
fn secrets_without_an_execution_role_block() {
    let stage = Stage::new();
    let acme = stage.target("acme");
    let mut registration = stage.running(acme);
    let mut document = registration.document.to_value();
    document.as_object_mut().expect("an object").shift_remove("executionRoleArn");
    registration.document =
        funade::facts::task_definition::Document::parse(document).expect("a task definition");
    stage.sim.change_by_hand(&acme.place, &acme.cluster, &acme.ecs_service, &registration);
    stage.rest();
    stage.put(acme, "KEY", ParameterValue::Secure);
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("configuration-unusable", 0));
    assert!(
        sentence.contains("no `executionRoleArn`, without which ECS cannot read KEY"),
        "{sentence}"
    );
}

#[test]
fn a_container_that_is_not_there_blocks() {
    let stage = Stage::new();
    stage.apply_with("services/order-api.yaml", "into: app}", "into: [app, worker]}");
    let acme = stage.target("acme");
    stage.put(acme, "A", text("1"));
    stage.push("1.4.2", 2);
    let (code, sentence) = stage.stands(acme);
    assert_eq!(code, "configuration-unusable");
    assert!(sentence.contains("has no container `worker` to take variables"), "{sentence}");
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

#[test]
fn of_several_paths_the_later_wins_and_the_plan_says_so() {
    let stage = Stage::new();
    let (from, to) = (
        "  - {path: \"/{environment}/order-api/\", into: app}\n",
        "  - {path: /common/, into: app}\n  - {path: \"/{environment}/order-api/\", into: app}\n",
    );
    stage.apply_with("services/order-api.yaml", from, to);
    let acme = stage.target("acme");
    let common = |name: &str| -> ParameterName { parameter(&format!("/common/{name}")) };
    stage.sim.put_parameter(&acme.place, &common("LOG_LEVEL"), text("info"));
    stage.sim.put_parameter(&acme.place, &common("REGION_NAME"), text("Tokyo"));
    stage.put(acme, "LOG_LEVEL", text("debug"));
    stage.push("1.4.2", 2);
    assert_eq!(stage.variable(acme, "LOG_LEVEL"), plain("debug"));
    assert_eq!(stage.variable(acme, "REGION_NAME"), plain("Tokyo"));
    let found = stage.variables(acme);
    let overrides: Vec<String> = found.overrides.iter().map(ToString::to_string).collect();
    assert_eq!(
        overrides,
        ["LOG_LEVEL of app is /acme/order-api/LOG_LEVEL, which overrides /common/LOG_LEVEL"]
    );
}

#[test]
fn a_secret_follows_its_current_version() {
    let stage = Stage::new();
    let storefront = "acme/storefront".parse().expect("a target");
    let target = stage.config.target(&storefront).expect("it is in the example").clone();
    stage.push_of("storefront", "build-00417-4f2a9c1", 7);
    let place = "arn:aws:secretsmanager:ap-northeast-1:222222222222:secret:";
    let arn = format!("{place}acme/storefront/session-AbCdEf:key::");
    assert_eq!(stage.variable(&target, "SESSION_KEY"), Some(VariableValue::From(arn.clone())));
    let before = stage.view(&target).revision;
    stage.rotate(&target);
    stage.rest();
    assert_ne!(stage.view(&target).revision, before, "tasks read it when they start");
    assert_eq!(stage.variable(&target, "SESSION_KEY"), Some(VariableValue::From(arn)));
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
    assert_eq!(code, "deploy-failed");
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
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("deploy-failed", 2));
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

/// Row 50: a container's variables are told without a value of any secret, since none is read.
#[test]
fn no_type_has_a_place_for_a_secrets_value() {
    let stage = deployed(&[("DB_PASSWORD", ParameterValue::Secure)]);
    let acme = stage.target("acme");
    let app = ContainerName::parse("app").expect("well-formed");
    let document = stage.running(acme).document.to_value();
    let secrets = document["containerDefinitions"][0]["secrets"].to_string();
    assert!(secrets.contains("arn:aws:ssm:"), "{secrets}");
    assert!(!stage.sim.calls().iter().any(|call| {
        ["GetParameter", "GetParameters", "GetSecretValue", "Decrypt"].contains(&call.operation)
    }));
    assert!(stage.running(acme).document.configuration().0.contains_key(&app));
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

#[test]
fn only_what_is_included_and_not_excluded_is_read() {
    let stage = Stage::new();
    let filtered = "into: app, include: [\"APP_*\", \"db/*\"], exclude: [\"*_OLD\"], \
                    names: upper-snake}";
    stage.apply_with("services/order-api.yaml", "into: app}", filtered);
    let acme = stage.target("acme");
    for name in ["APP_NAME", "APP_NAME_OLD", "OTHER", "db/url"] {
        stage.put(acme, name, text("x"));
    }
    stage.push("1.4.2", 2);
    let names: Vec<String> = stage.versions(acme).into_keys().collect();
    assert_eq!(names, ["APP_NAME", "DB_URL"]);
    for name in ["APP_NAME_OLD", "OTHER"] {
        assert_eq!(rules(stage.tell(acme, name, "Update")), ["unread-parameter"], "{name}");
    }
    assert!(matches!(
        stage.tell(acme, "db/url", "Update"),
        Handled::Routed(routing) if routing.intents.len() == 1
    ));
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
