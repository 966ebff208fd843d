//! Row 34: a shared parameter restarted thousands of services at once. Redeploys from a shared
//! path go by waves and within their limits.

use std::collections::BTreeMap;

use funade::config::Target;
use funade::facts::ecs::RolloutState;
use funade::facts::finding::FindingKind;
use funade::world::World;
use funade_sim::{Behaviour, Fault, parameter_event};
use funade_tests::{Stage, parameter, sweep_only, swept, text};
use jiff::SignedDuration;

/// Eight environments in one account: a canary, three small ones of which two may go at once, and
/// four large ones of which one may go at a time and one may fail.
const FLEET: &str = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  canary:  {account: "222222222222", region: ap-northeast-1, cluster: canary,  labels: {size: none}}
  small-1: {account: "222222222222", region: ap-northeast-1, cluster: small-1, labels: {size: small}}
  small-2: {account: "222222222222", region: ap-northeast-1, cluster: small-2, labels: {size: small}}
  small-3: {account: "222222222222", region: ap-northeast-1, cluster: small-3, labels: {size: small}}
  large-1: {account: "222222222222", region: ap-northeast-1, cluster: large-1, labels: {size: large}}
  large-2: {account: "222222222222", region: ap-northeast-1, cluster: large-2, labels: {size: large}}
  large-3: {account: "222222222222", region: ap-northeast-1, cluster: large-3, labels: {size: large}}
  large-4: {account: "222222222222", region: ap-northeast-1, cluster: large-4, labels: {size: large}}
waves:
  - {name: first, select: {size: none}, bake: 30m}
  - {name: small, select: {size: small}, max_concurrent: 2}
  - {name: large, select: all, max_concurrent: 1, max_failures: 1}
"#;

const SERVICE: &str = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: ">=1.4, <2"}}
parameters:
  - {path: /shared/, into: app, shared: true}
  - {path: "/{environment}/order-api/", into: app}
environments: all
"#;

/// All run 1.4.2 with MODE=a, and have settled.
fn stage() -> Stage {
    let stage = Stage::with(&[("fleet.yaml", FLEET), ("services/order-api.yaml", SERVICE)]);
    put(&stage, "a");
    stage.push("1.4.2", 2);
    stage
}

fn put(stage: &Stage, value: &str) {
    let place = &stage.target("canary").place;
    stage.sim.put_parameter(place, &parameter("/shared/MODE"), text(value));
}

fn change(stage: &Stage, value: &str) {
    put(stage, value);
    let place = &stage.target("canary").place;
    let now = stage.sim.now();
    let event = parameter_event("shared", now, place, &parameter("/shared/MODE"), "Update");
    stage.send(&event);
}

fn wave(target: &Target) -> &str {
    target.wave.as_str()
}

/// Lets time pass in small steps, and calls back after each.
fn watch(stage: &Stage, duration: SignedDuration, mut see: impl FnMut(&Stage)) {
    let end = stage.sim.now() + duration;
    while stage.sim.now() < end {
        stage.sim.run_until_quiet(SignedDuration::ZERO);
        see(stage);
        stage.sim.pass_time(SignedDuration::from_secs(5));
    }
}

fn goes_on(stage: &Stage, target: &Target) -> bool {
    stage.view(target).rollout == RolloutState::InProgress
}

fn mode(stage: &Stage, target: &Target) -> String {
    format!("{:?}", stage.variable(target, "MODE"))
}

#[test]
fn a_shared_change_goes_by_waves_and_within_their_limits() {
    let stage = stage();
    let before = stage.sim.now();
    change(&stage, "b");
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    let mut began: BTreeMap<String, SignedDuration> = BTreeMap::new();
    watch(&stage, SignedDuration::from_hours(2), |stage| {
        // Whoever wakes the service, whenever: nobody gets a turn too early for that.
        stage.look_at_service();
        for target in stage.targets() {
            if goes_on(stage, target) {
                let elapsed = stage.sim.now().duration_since(before);
                began.entry(target.id.environment.to_string()).or_insert(elapsed);
            }
        }
        for name in ["first", "small", "large"] {
            let going = stage.targets().into_iter().filter(|t| wave(t) == name);
            let going = going.filter(|target| goes_on(stage, target)).count();
            let seen = most.entry(name).or_default();
            *seen = (*seen).max(going);
        }
    });
    assert_eq!(most, BTreeMap::from([("first", 1), ("small", 2), ("large", 1)]));
    for target in stage.targets() {
        assert_eq!(mode(&stage, target), r#"Some(Plain("b"))"#, "{}", target.id);
        assert_eq!(stage.updates(target), 2, "{}", target.id);
    }
    let canary = began["canary"];
    assert!(canary < SignedDuration::from_secs(60 + 15), "{canary:#}");
    let small = began["small-1"].min(began["small-2"]).min(began["small-3"]);
    assert!(small >= canary + SignedDuration::from_mins(30), "the first wave bakes: {small:#}");
    let small_last = began["small-1"].max(began["small-2"]).max(began["small-3"]);
    let large_first = ["large-1", "large-2", "large-3", "large-4"].map(|name| began[name]);
    assert!(large_first.iter().all(|at| *at > small_last), "{began:#?}");
    // All is over, and forgotten.
    let generations = stage.sim.generations();
    stage.targets().into_iter().for_each(|target| stage.look(target));
    assert_eq!(stage.sim.generations(), generations);
}

#[test]
fn a_failure_beyond_the_waves_budget_stops_the_rest() {
    let stage = stage();
    let crashes = Behaviour::Crashes(SignedDuration::from_mins(3));
    stage.sim.set_behaviour("MODE=bad", crashes);
    change(&stage, "bad");
    watch(&stage, SignedDuration::from_hours(3), |_| {});
    assert_eq!(stage.stands(stage.target("canary")).0, "rolled-back");
    for target in stage.targets() {
        let expected = if wave(target) == "first" { 2 } else { 1 };
        assert_eq!(stage.updates(target), expected, "{}", target.id);
        assert_eq!(mode(&stage, target), r#"Some(Plain("a"))"#, "{}", target.id);
    }
    assert_eq!(stage.stands(stage.target("large-1")).0, "awaits-turn");
    // Somebody mends it: the canary goes first again, and then all the others.
    change(&stage, "good");
    watch(&stage, SignedDuration::from_hours(3), |_| {});
    for target in stage.targets() {
        assert_eq!(mode(&stage, target), r#"Some(Plain("good"))"#, "{}", target.id);
    }
}

/// The last wave may lose one of its four, and goes on.
#[test]
fn failures_within_the_budget_do_not_stop_a_wave() {
    let stage = stage();
    let large = stage.target("large-2").clone();
    let name = parameter("/large-2/order-api/WEAK");
    stage.sim.put_parameter(&large.place, &name, text("yes"));
    // Whoever is weak cannot stand the new mode; variables stand in the order of their names.
    let crashes = Behaviour::Crashes(SignedDuration::from_mins(3));
    stage.look(&large);
    assert_eq!(stage.updates(&large), 2, "its own parameter");
    stage.sim.set_behaviour("MODE=b WEAK=yes", crashes);
    change(&stage, "b");
    watch(&stage, SignedDuration::from_mins(50), |_| {});
    assert_eq!(stage.stands(&large).0, "rolled-back");
    for target in stage.targets().into_iter().filter(|target| target.id != large.id) {
        assert_eq!(mode(&stage, target), r#"Some(Plain("b"))"#, "{}", target.id);
        assert_eq!(stage.updates(target), 2, "{}", target.id);
    }
}

/// Nobody waits longer for a turn than those before take: two rounds of two, four of one.
#[test]
fn turns_follow_each_other_at_once() {
    let stage = stage();
    change(&stage, "b");
    let bake = SignedDuration::from_mins(30);
    let deployments = SignedDuration::from_secs(90) * (1 + 2 + 4);
    let looks = SignedDuration::from_secs(60) * (1 + 2 + 4);
    watch(&stage, SignedDuration::from_secs(60) + bake + deployments + looks, |_| {});
    for target in stage.targets() {
        assert_eq!(mode(&stage, target), r#"Some(Plain("b"))"#, "{}", target.id);
    }
}

/// Row 33 for shared paths: whoever has had its turn takes the further change in another.
#[test]
fn a_further_change_goes_over_all_waves_again() {
    let stage = stage();
    change(&stage, "b");
    watch(&stage, SignedDuration::from_mins(40), |_| {});
    assert_eq!(mode(&stage, stage.target("canary")), r#"Some(Plain("b"))"#);
    change(&stage, "c");
    watch(&stage, SignedDuration::from_hours(3), |stage| {
        let has = |target: &Target| mode(stage, target).contains('c');
        let anybody = stage.targets().into_iter().any(has);
        assert!(!anybody || has(stage.target("canary")), "the canary is first again");
    });
    for target in stage.targets() {
        assert_eq!(mode(&stage, target), r#"Some(Plain("c"))"#, "{}", target.id);
    }
    assert_eq!(stage.updates(stage.target("canary")), 3);
}

/// A tenant's own parameter has nothing to do with the others.
#[test]
fn a_targets_own_change_waits_for_nobody() {
    let stage = stage();
    let large = stage.target("large-3").clone();
    let name = parameter("/large-3/order-api/OWN");
    stage.sim.put_parameter(&large.place, &name, text("1"));
    let event = parameter_event("own", stage.sim.now(), &large.place, &name, "Create");
    stage.send(&event);
    watch(&stage, SignedDuration::from_secs(60 + 15), |_| {});
    assert_eq!(stage.updates(&large), 2);
}

/// With the event lost, whoever is looked at first asks, and the canary is first all the same.
#[test]
fn a_wave_is_not_passed_by_because_its_targets_noticed_nothing() {
    let stage = stage();
    put(&stage, "b");
    stage.look(stage.target("large-4"));
    watch(&stage, SignedDuration::from_hours(3), |stage| {
        let has = |name: &str| mode(stage, stage.target(name)).contains('b');
        assert!(has("canary") || !(has("small-1") || has("large-4")));
    });
    for target in stage.targets() {
        assert_eq!(mode(&stage, target), r#"Some(Plain("b"))"#, "{}", target.id);
    }
}

/// A change every twenty minutes and a wave that bakes for thirty: the others come to it too.
#[test]
fn changes_more_frequent_than_the_bake_do_not_starve_the_later_waves() {
    let stage = stage();
    for number in 0..12 {
        change(&stage, &format!("v{number}"));
        watch(&stage, SignedDuration::from_mins(20), |_| {});
    }
    for name in ["small-1", "large-4"] {
        let mode = mode(&stage, stage.target(name));
        assert!(mode.contains('v'), "{name} has {mode} after four hours");
    }
}

/// Who waits is woken when its turn has come, and reads nothing meanwhile but for a rare look.
#[test]
fn those_who_wait_do_not_keep_asking() {
    let stage = stage();
    change(&stage, "b");
    watch(&stage, SignedDuration::from_mins(2), |_| {});
    let before = stage.sim.calls().len();
    watch(&stage, SignedDuration::from_mins(28), |_| {});
    let calls = stage.sim.calls().split_off(before);
    let count = |operation: &str| calls.iter().filter(|c| c.operation == operation).count();
    // Seven targets wait, with two paths each, look once in a quarter of an hour, and know that
    // their turn is to come.
    let reads = count("GetParametersByPath");
    assert!(reads <= 7 * 2 * 2 + 8, "{reads} reads of parameters in 28 minutes");
    let sent = count("SendMessageBatch");
    assert!(sent <= 7 + 6, "{sent} messages in 28 minutes");
}

/// Whatever call fails, whoever dies: everybody has its turn, one after the other.
#[test]
fn one_fault_anywhere_holds_up_nobody_for_ever() {
    let fleet = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  canary: {account: "222222222222", region: ap-northeast-1, cluster: canary, labels: {size: none}}
  small:  {account: "222222222222", region: ap-northeast-1, cluster: small,  labels: {size: small}}
waves:
  - {name: first, select: {size: none}, bake: 20m}
  - {name: rest, select: all}
"#;
    let stage = || {
        let stage = Stage::with(&[("fleet.yaml", fleet), ("services/order-api.yaml", SERVICE)]);
        put(&stage, "a");
        stage.push("1.4.2", 2);
        stage
    };
    // A canary that the change concerns, and one that has a mode of its own.
    for own in [false, true] {
        let stage = || {
            let stage = stage();
            if own {
                let canary = stage.target("canary");
                stage.sim.put_parameter(
                    &canary.place,
                    &parameter("/canary/order-api/MODE"),
                    text("own"),
                );
                stage.look(canary);
            }
            stage
        };
        let change = |stage: &Stage| {
            let before = stage.sim.calls().len();
            put(stage, "b");
            let place = &stage.target("canary").place;
            let (now, name) = (stage.sim.now(), parameter("/shared/MODE"));
            stage.sim.send_event(&parameter_event("shared", now, place, &name, "Update"));
            stage.rest();
            stage.sim.calls().len() - before
        };
        let calls = change(&stage());
        assert!(calls > 50, "redeploys in turns make more than {calls} calls");
        for number in 0..calls {
            for fault in
                [Fault::Throttled, Fault::ResponseLost, Fault::DiesBefore, Fault::DiesAfter]
            {
                let stage = stage();
                stage.sim.plan_fault(number, fault);
                change(&stage);
                for target in stage.targets() {
                    let history = format!("{fault:?} at call {number}, {}, own: {own}", target.id);
                    let expected = if own && wave(target) == "first" { "own" } else { "b" };
                    assert_eq!(stage.updates(target), 2, "{history}");
                    assert!(mode(&stage, target).contains(expected), "{history}");
                }
            }
        }
    }
}

fn stale(stage: &Stage) -> Vec<String> {
    let swept = sweep_only(stage);
    let found = swept.findings.iter().filter(|f| f.kind == FindingKind::StaleConfiguration);
    found.map(|finding| format!("{}: {}", finding.about, finding.sentence)).collect()
}

/// With the event lost, the sweep tells of it, and has turns given.
#[test]
fn a_lost_change_of_a_shared_path_is_found_and_taken_up_in_turns() {
    let stage = stage();
    stage.wait_minutes(60);
    put(&stage, "b");
    stage.sim.pass_time(SignedDuration::from_mins(2));
    assert_eq!(stale(&stage), [""; 0], "it may be about to be taken up");
    stage.sim.lose_messages();
    stage.sim.pass_time(SignedDuration::from_mins(5));
    let found = stale(&stage);
    assert_eq!(found.len(), stage.targets().len(), "{found:#?}");
    assert!(found[0].contains("MODE (runs version 1, the store has 2)"), "{}", found[0]);
    stage.sim.deliver_all();
    assert_eq!(stale(&stage), [""; 0], "turns are being given");
    stage.rest();
    stage.wait_minutes(180);
    assert!(stage.targets().iter().all(|target| mode(&stage, target) == r#"Some(Plain("b"))"#));
}

/// Who wants to be told only is told, and no turns are given for that.
#[test]
fn where_the_team_says_notify_a_shared_path_is_told_only() {
    let fleet = format!("{FLEET}findings: {{stale-configuration: notify}}\n");
    let stage = Stage::with(&[("fleet.yaml", &fleet), ("services/order-api.yaml", SERVICE)]);
    put(&stage, "a");
    stage.push("1.4.2", 2);
    stage.wait_minutes(60);
    put(&stage, "b");
    for _ in 0..2 {
        stage.wait_minutes(15);
        let swept = swept(&stage);
        assert!(swept.woken.is_empty(), "{:?}", swept.woken);
    }
    assert_eq!(stale(&stage).len(), stage.targets().len());
    assert!(stage.targets().iter().all(|target| stage.updates(target) == 1));
}

/// Somebody failed, and the others wait: that is told of them, too.
#[test]
fn those_who_wait_behind_a_failure_are_told() {
    let stage = stage();
    stage.sim.set_behaviour("MODE=b", Behaviour::Crashes(SignedDuration::from_mins(3)));
    change(&stage, "b");
    stage.wait_minutes(60);
    let found = stale(&stage);
    assert!(!found.is_empty());
    assert!(found.iter().all(|f| f.ends_with("and canary failed in theirs")), "{found:#?}");
}
