//! A service's file, each setting by itself.

use funade::config::{Config, Rollback, RolledBackBy};
use jiff::SignedDuration;

use crate::{FLEET, SERVICE, check, read};

/// Checks a service whose `image.select` is the one given.
#[track_caller]
fn check_select(select: &str, expected: &str) {
    check(FLEET, &[&SERVICE.replace("{semver: \"^1\"}", select)], &[expected]);
}

/// Checks what a service with this line does about deploys that fail.
#[track_caller]
fn check_rollback(line: &str, by: RolledBackBy, hold: Option<SignedDuration>) {
    let config = config(&format!("{SERVICE}{line}\n"));
    assert_eq!(rollback(&config, "acme/order-api"), Rollback { by, hold }, "{line}");
}

/// Checks what is said of a service whose `rollback` is the one given.
#[track_caller]
fn check_bad_rollback(rollback: &str, expected: &str) {
    check(FLEET, &[&format!("{SERVICE}rollback: {rollback}\n")], &[expected]);
}

#[track_caller]
fn config(service: &str) -> Config {
    let checked = read(FLEET, &[service]);
    checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

#[track_caller]
fn rollback(config: &Config, id: &str) -> Rollback {
    config.target(&id.parse().expect("a target's id")).expect("a target").rollback
}

#[test]
fn a_selection_that_cannot_be_read_says_what_to_write() {
    check_select(
        "{semver: latest}",
        "services/1.yaml:3:70: error: image.select.semver: `latest` is not a range of versions: unexpected character 'l' while parsing major version number; write a range such as \">=1.4, <2\", \"1.4.x\" or \"^1.4\" [bad-semver-range]",
    );
    check_select(
        "{glob: '[a'}",
        "services/1.yaml:3:68: error: image.select.glob: `[a` is not a glob: unclosed character class; missing ']'; write a glob such as \"20??-??-??\" or \"release-*\" [bad-glob]",
    );
    check_select(
        "{regex: '('}",
        r"services/1.yaml:3:69: error: image.select.regex: `(` is not a regular expression: unclosed group; write an expression with a named group, such as '^build-(?<number>\d+)$' [bad-regex]",
    );
    check_select(
        r"{regex: '(?<number>\d+)', order_by: build}",
        "services/1.yaml:3:97: error: image.select.order_by: the regular expression has no group named `build`; write order_by: number [bad-group]",
    );
    check_select(
        "{glob: '*', order: numeric}",
        "services/1.yaml:3:80: error: image.select.order: `numeric` is not a choice here; did you mean `numerical`? [bad-choice]",
    );
    check_select(
        "{semver: ^1, order: numerical}",
        "services/1.yaml:3:81: error: image.select.order: `order` has no meaning here: versions have an order of their own; remove `order` [bad-select]",
    );
    check_select(
        "{glob: '*', semver: '*'}",
        r#"services/1.yaml:3:61: error: image.select: exactly one of `semver`, `glob` and `regex` must be written; write one of {semver: ">=1.4, <2"}, {glob: "20??-??-??"} and {regex: '^build-(?<number>\d+)$'} [bad-select]"#,
    );
}

#[test]
fn placeholders_are_known_ones() {
    check(
        FLEET,
        &[&format!(
            "{SERVICE}ecs_service: \"{{enviroment}}-api\"\nparameters: [{{path: \"/{{label.size\", into: app}}]\n"
        )],
        &[
            "services/1.yaml:5:14: error: ecs_service: there is no placeholder {enviroment}; did you mean `environment`? [unknown-placeholder]",
            "services/1.yaml:6:21: error: parameters[0].path: `/{label.size` has a { without its }; write a placeholder such as {environment} or {label.NAME} [bad-template]",
        ],
    );
}

#[test]
fn settings_of_parameters_secrets_and_verification_are_checked() {
    let settings = r"
parameters:
- {path: order-api, into: []}
- {path: '/{environment}/', into: app, names: snake, exclude: ['{'], shared: yes}
secrets:
- {secret: 'arn:aws:secretsmanager:us-east-1:1:secret:x', into: app, name: 2ND}
on_parameter_change: {action: restart, quiet: soon}
verify: {deadline: 1y, alarms: ['']}
rollback: never
";
    check(
        FLEET,
        &[&format!("{SERVICE}{settings}")],
        &[
            "services/1.yaml:7:10: error: parameters[0].path: `order-api` is not a path of Parameter Store (and so 2 times more); begin with a slash, use letters, digits and . _ - between slashes, at most fifteen levels and 1011 characters [bad-name]",
            "services/1.yaml:7:27: error: parameters[0].into: no container is named; name at least one [empty-list]",
            "services/1.yaml:8:47: error: parameters[1].names: `snake` is not a choice here; the choices are as-is, upper-snake [bad-choice]",
            "services/1.yaml:8:64: error: parameters[1].exclude[0]: `{` is not a glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?); write a glob such as \"debug/*\" [bad-glob]",
            "services/1.yaml:8:78: error: parameters[1].shared: `yes` is not true or false; write true or false [bad-choice]",
            "services/1.yaml:10:76: error: secrets[0].name: `2ND` is not an environment variable's name; use letters, digits and underscores, not beginning with a digit [bad-name]",
            "services/1.yaml:11:31: error: on_parameter_change.action: `restart` is not a choice here; the choices are redeploy, notify, ignore [bad-choice]",
            "services/1.yaml:11:47: error: on_parameter_change.quiet: `soon` is not a duration; write numbers with d, h, m or s, as in 90s, 20m or 1h30m [bad-duration]",
            "services/1.yaml:12:20: error: verify.deadline: `1y` is not a duration; write numbers with d, h, m or s, as in 90s, 20m or 1h30m [bad-duration]",
            "services/1.yaml:12:33: error: verify.alarms[0]: the text is empty; write text, which may hold placeholders such as {environment} [bad-template]",
            "services/1.yaml:13:11: error: rollback: `never` is not a choice here; the choices are automatic, manual [bad-choice]",
        ],
    );
}

#[test]
fn a_rollback_is_a_word_or_a_mapping() {
    let hold = Some(SignedDuration::from_hours(24));
    check_rollback("", RolledBackBy::Automatic, None);
    check_rollback("rollback: automatic", RolledBackBy::Automatic, None);
    check_rollback("rollback: manual", RolledBackBy::Manual, None);
    check_rollback("rollback: {action: manual}", RolledBackBy::Manual, None);
    check_rollback("rollback: {action: automatic, hold: 24h}", RolledBackBy::Automatic, hold);
    check_rollback("rollback: {hold: 1d, action: manual}", RolledBackBy::Manual, hold);
}

#[test]
fn a_rollback_that_cannot_be_read_says_what_to_write() {
    check_bad_rollback(
        "{action: automatic, hold: 0s}",
        "services/1.yaml:5:11: error: rollback: a `hold` of no time would bring back at once what was rolled back; write how long, as in 24h, or leave it out [no-hold]",
    );
    check_bad_rollback(
        "automatc",
        "services/1.yaml:5:11: error: rollback: `automatc` is not a choice here; did you mean `automatic`? [bad-choice]",
    );
    check_bad_rollback(
        "{action: never, hold: 24h}",
        "services/1.yaml:5:20: error: rollback.action: `never` is not a choice here; the choices are automatic, manual [bad-choice]",
    );
    check_bad_rollback(
        "{hold: 24h}",
        "services/1.yaml:5:11: error: rollback: `action` is missing; add `action`: `automatic` or `manual` [missing-key]",
    );
    check_bad_rollback(
        "{action: automatic, holds: 24h}",
        "services/1.yaml:5:31: error: rollback.holds: there is no key `holds` here; did you mean `hold`? [unknown-key]",
    );
    check_bad_rollback(
        "{action: automatic, hold: 24}",
        "services/1.yaml:5:37: error: rollback.hold: `24` is not a duration; write its unit, as in 24s or 24m [bad-duration]",
    );
    check_bad_rollback(
        "[manual]",
        "services/1.yaml:5:11: error: rollback: a list stands here; write `automatic` or `manual`, or a mapping such as {action: automatic, hold: 24h} [wrong-type]",
    );
}

#[test]
fn an_override_replaces_the_whole_rollback() {
    let config = config(&format!(
        "{SERVICE}rollback: {{action: manual, hold: 24h}}\noverrides:\n  acme: {{rollback: automatic}}\n"
    ));
    assert_eq!(rollback(&config, "acme/order-api"), Rollback::default());
    let usual = Rollback { by: RolledBackBy::Manual, hold: Some(SignedDuration::from_hours(24)) };
    assert_eq!(rollback(&config, "globex/order-api"), usual);
}

#[test]
fn overrides_are_of_environments_that_the_service_is_in() {
    let service = SERVICE.replace("environments: all", "environments: {stage: prod}");
    check(
        FLEET,
        &[&format!(
            "{service}overrides:\n  acne: {{container: web}}\n  internal: {{container: web}}\n  acme: {{contaner: web}}\n"
        )],
        &[
            "services/1.yaml:6:3: error: overrides.acne: there is no environment `acne`; did you mean `acme`? [unknown-environment]",
            "services/1.yaml:7:3: error: overrides.internal: the service is not in `internal`; remove the override, or add the environment to `environments` [override-without-target]",
            "services/1.yaml:8:10: error: overrides.acme.contaner: there is no key `contaner` here; did you mean `container`? [unknown-key]",
        ],
    );
}

#[test]
fn a_service_has_targets_that_exist() {
    check(
        FLEET,
        &[&SERVICE.replace("environments: all", "environments: [acme, globes, acme]")],
        &[
            "services/1.yaml:4:22: error: environments[1]: there is no environment `globes`; did you mean `globex`? [unknown-environment]",
            "services/1.yaml:4:30: error: environments[2]: `acme` is named twice; name it once [duplicate-item]",
        ],
    );
    check(
        FLEET,
        &[&SERVICE.replace("environments: all", "environments: []")],
        &[
            "services/1.yaml:4:15: error: environments: this selects no environment; write all, labels that some environment has, or names [empty-selection]",
        ],
    );
}

#[test]
fn what_is_missing_is_told_with_what_belongs_there() {
    check(
        FLEET,
        &["image: {repository: shop/order-api:1.2}\n"],
        &[
            "services/1.yaml:1:1: error: `service` is missing; add `service`: a service's name [missing-key]",
            "services/1.yaml:1:1: error: `environments` is missing; add `environments`: all, labels such as {stage: prod}, or names such as [acme, globex] [missing-key]",
            "services/1.yaml:1:8: error: image: `container` is missing; add `container`: a container's name [missing-key]",
            "services/1.yaml:1:8: error: image: `select` is missing; add `select`: one of {semver: \">=1.4, <2\"}, {glob: \"20??-??-??\"} and {regex: '^build-(?<number>\\d+)$'} [missing-key]",
            "services/1.yaml:1:21: error: image.repository: `shop/order-api:1.2` is not an ECR repository's name; write it without registry and tag, as in shop/order-api: lower-case letters, digits, and . _ - / between them, 2 to 256 [bad-name]",
        ],
    );
}
