//! The fleet file: environments, waves, freezes.

use funade::config::Share;
use funade::facts::names::EnvironmentName;

use crate::{FLEET, SERVICE, check, read};

#[test]
fn every_wrong_value_of_an_environment_is_told() {
    let fleet = r"
registry: {account: 99, region: tokyo}
environments:
  Acme: {account: '222222222222', region: ap-northeast-1, cluster: acme}
  globex: {account: 22222222222, regoin: us-east-1, cluster: 'arn:aws:ecs:us-east-1:222222222222:cluster/globex', labels: [prod]}
  initech:
";
    check(
        fleet,
        &[],
        &[
            "fleet.yaml:2:21: error: registry.account: `99` is not an account id; write its twelve digits in quotes, as in \"111111111111\" [bad-account-id]",
            "fleet.yaml:2:33: error: registry.region: `tokyo` is not a region; write its code, as in ap-northeast-1 [bad-region]",
            "fleet.yaml:4:3: error: environments.Acme: `Acme` is not an environment's name; use lower-case letters, digits and single dashes, beginning with a letter, at most 60 [bad-name]",
            "fleet.yaml:5:11: error: environments.globex: `region` is missing; add `region`: a region, as in ap-northeast-1 [missing-key]",
            "fleet.yaml:5:21: error: environments.globex.account: `22222222222` is not an account id; write its twelve digits in quotes, as in \"111111111111\" [bad-account-id]",
            "fleet.yaml:5:34: error: environments.globex.regoin: there is no key `regoin` here; did you mean `region`? [unknown-key]",
            "fleet.yaml:5:62: error: environments.globex.cluster: `arn:aws:ecs:us-east-1:222222222222:cluster/globex` is not a cluster's name; use letters, digits, dashes and underscores, at most 255; the name, not the ARN [bad-name]",
            "fleet.yaml:5:123: error: environments.globex.labels: a list stands here; write a mapping from a label's name to a label's value [wrong-type]",
            "fleet.yaml:6:10: error: environments.initech: nothing is written here; write a mapping with `account`, `region` and `cluster`, or remove the key [empty-value]",
        ],
    );
}

#[test]
fn without_waves_there_is_one_of_all() {
    let config = read(FLEET, &[SERVICE]).config.expect("valid");
    let [all] = config.waves.as_slice() else { panic!("one wave") };
    assert_eq!((all.name.as_str(), all.environments.len()), ("all", 3));
    assert_eq!((all.max_concurrent, all.max_failures, all.approvals), (Share::ALL, Share::NONE, 0));
    assert!(config.targets().all(|target| target.wave == "all"));
}

#[test]
fn an_environment_belongs_to_the_first_wave_that_selects_it() {
    let fleet = format!(
        "{FLEET}waves: [{{name: canary, select: {{stage: canary}}}}, {{name: rest, select: all}}]\n"
    );
    let config = read(&fleet, &[]).config.expect("valid");
    let waves: Vec<Vec<&str>> = config
        .waves
        .iter()
        .map(|wave| wave.environments.iter().map(EnvironmentName::as_str).collect())
        .collect();
    assert_eq!(waves, [vec!["internal"], vec!["acme", "globex"]]);
}

#[test]
fn waves_take_every_environment_and_none_is_empty() {
    check(
        &format!(
            "{FLEET}waves:\n- {{name: all, select: all}}\n- {{name: rest, select: {{stage: prod}}}}\n"
        ),
        &[],
        &[
            "fleet.yaml:9:24: error: waves[1].select: the wave takes nothing: earlier waves have taken all that it selects; move it up, or remove it [empty-wave]",
        ],
    );
    check(
        &format!("{FLEET}waves:\n- {{name: first, select: {{stage: canary}}}}\n"),
        &[],
        &[
            "fleet.yaml:8:3: error: waves: no wave takes acme, globex; add a last wave with select: all [environment-without-wave]",
        ],
    );
    check(
        &format!("{FLEET}waves:\n- {{name: one, select: [acme]}}\n- {{name: one, select: all}}\n"),
        &[],
        &[
            "fleet.yaml:9:10: error: waves[1].name: the wave on line 8 has this name too; give one of them another name [duplicate-wave]",
        ],
    );
}

#[test]
fn a_selection_names_what_there_is() {
    let select = |select: &str| {
        format!("{FLEET}waves:\n- {{name: one, select: {select}}}\n- {{name: rest, select: all}}\n")
    };
    check(
        &select("{stag: prod}"),
        &[],
        &[
            "fleet.yaml:8:24: error: waves[0].select.stag: no environment has a label `stag`; did you mean `stage`? [unknown-label]",
        ],
    );
    check(
        &select("{stage: [prod, test]}"),
        &[],
        &[
            "fleet.yaml:8:38: error: waves[0].select.stage[1]: no environment has stage: test; the values are canary, prod [unknown-label]",
        ],
    );
    check(
        &select("{stage: canary, size: small}"),
        &[],
        &[
            "fleet.yaml:8:23: error: waves[0].select: this selects no environment; write all, labels that some environment has, or names [empty-selection]",
        ],
    );
    check(
        &select("everything"),
        &[],
        &[
            "fleet.yaml:8:23: error: waves[0].select: `everything` selects nothing; write all, labels such as {stage: prod}, or names such as [acme, globex] [bad-selection]",
        ],
    );
}

#[test]
fn quantities_say_their_units() {
    check(
        &format!(
            "{FLEET}waves: [{{name: all, select: all, bake: 30, max_concurrent: 0, max_failures: 101%, approvals: two}}]\n"
        ),
        &[],
        &[
            "fleet.yaml:7:40: error: waves[0].bake: `30` is not a duration; write its unit, as in 30s or 30m [bad-duration]",
            "fleet.yaml:7:60: error: waves[0].max_concurrent: with `0` nothing could ever move; write at least 1 or 1% [bad-share]",
            "fleet.yaml:7:77: error: waves[0].max_failures: `101%` is not a count or a percentage; write a count such as 5, or a percentage from 0% to 100% [bad-share]",
            "fleet.yaml:7:94: error: waves[0].approvals: `two` is not a whole number; write a number such as 0 or 2 [bad-number]",
        ],
    );
    let fleet = format!(
        "{FLEET}waves: [{{name: all, select: all, bake: 1d2h3m4s, max_concurrent: 25%, max_failures: 2}}]\n"
    );
    let wave = &read(&fleet, &[]).config.expect("valid").waves[0];
    assert_eq!(wave.bake.as_secs(), 93_784);
    assert_eq!((wave.max_concurrent.rounded_up(10), wave.max_concurrent.rounded_down(10)), (3, 2));
    assert_eq!(wave.max_failures, Share::Count(2));
}

#[test]
fn a_freeze_has_two_times_and_a_zone() {
    check(
        &format!(
            "{FLEET}freezes:\n- {{from: Friday 18:00, until: 'Mon 8:00', time_zone: Tokyo, allow: [rolback]}}\n"
        ),
        &[],
        &[
            "fleet.yaml:8:10: error: freezes[0].from: `Friday 18:00` is not a day and time of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun and a time from 00:00 to 23:59, as in \"Fri 18:00\" [bad-weekly-time]",
            "fleet.yaml:8:31: error: freezes[0].until: `Mon 8:00` is not a day and time of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun and a time from 00:00 to 23:59, as in \"Fri 18:00\" [bad-weekly-time]",
            "fleet.yaml:8:54: error: freezes[0].time_zone: `Tokyo` is not a known time zone; write its name in the IANA database, as in Asia/Tokyo or UTC [bad-time-zone]",
            "fleet.yaml:8:69: error: freezes[0].allow[0]: `rolback` is not a choice here; did you mean `rollback`? [bad-choice]",
        ],
    );
    check(
        &format!("{FLEET}freezes: [{{from: Fri 18:00, until: Fri 18:00, time_zone: UTC}}]\n"),
        &[],
        &[
            "fleet.yaml:7:36: error: freezes[0].until: the freeze ends as it begins; write a later time [empty-freeze]",
        ],
    );
}

#[test]
fn a_hole_in_the_fleet_makes_no_second_problem() {
    // `acme` has no readable labels: whether some environment has `size: small` is not known.
    let fleet = FLEET.replace("{stage: prod, size: small}", "small");
    let service = SERVICE.replace("environments: all", "environments: {size: small}");
    check(
        &format!(
            "{fleet}waves: [{{name: small, select: {{size: small}}}}, {{name: rest, select: all}}]\n"
        ),
        &[&service],
        &[
            "fleet.yaml:5:82: error: environments.acme.labels: a single value stands here; write a mapping from a label's name to a label's value [wrong-type]",
        ],
    );
}

#[test]
fn settings_without_effect_are_told_at_every_place() {
    let fleet = format!(
        "{FLEET}waves: [{{name: all, select: all}}]\nfreezes: [{{from: Fri 18:00, until: Mon 08:00, time_zone: UTC}}]\n"
    );
    let service = format!(
        "{SERVICE}rollback: manual\noverrides:\n  acme: {{verify: {{deadline: 5m}}, ecs_service: x}}\n"
    );
    let checked = read(&fleet, &[&service]);
    let said: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "fleet.yaml:7:1: warning: waves: `waves` has no effect yet: all targets of a service get a release at once; only changes on shared paths go by waves [no-effect-yet]",
            "fleet.yaml:8:1: warning: freezes: `freezes` has no effect yet: deploys start at any time [no-effect-yet]",
        ]
    );
    assert!(checked.config.is_some());
}
