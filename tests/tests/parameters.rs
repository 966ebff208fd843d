//! What is read from Parameter Store and Secrets Manager, and what of it tasks get.

use funade::facts::names::ContainerName;
use funade::facts::parameter::{ParameterName, ParameterValue};
use funade::facts::task_definition::VariableValue;
use funade::shell::Handled;
use funade_sim::{CallOutcome, Fault};
use funade_tests::{Stage, deployed, parameter, plain, text};
use jiff::SignedDuration;

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

/// Row 50: a container's variables are told without a value of any secret, since none is read.
#[test]
fn no_type_has_a_place_for_a_secrets_value() {
    let stage = deployed(&[("DB_PASSWORD", ParameterValue::Secure)]);
    let acme = stage.target("acme");
    let app = ContainerName::parse("app").expect("well-formed");
    let document = stage.running(acme).document.to_value();
    let secrets = document["containerDefinitions"][0]["secrets"].to_string();
    assert!(secrets.contains("arn:aws:ssm:"), "{secrets}");
    // Listing and describing is all that is ever asked of the stores.
    stage.push_of("storefront", "build-00417-4f2a9c1", 7);
    let calls = stage.sim.calls().into_iter().map(|call| call.operation);
    let asked = calls
        .filter(|name| ["Parameter", "Secret", "Decrypt"].iter().any(|part| name.contains(part)));
    let asked: std::collections::BTreeSet<&str> = asked.collect();
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), ["DescribeSecret", "GetParametersByPath"]);
    assert!(stage.running(acme).document.configuration().0.contains_key(&app));
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
