//! What fails while a sweep looks: nothing that fails may hide what else is to be seen.

use std::collections::BTreeSet;

use funade::config::Target;
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::names::Place;
use funade::shell::{Failed, Scheduled, Scope, Swept, SweptBy, handle_schedule, sweep};
use funade::world::World;
use funade_sim::{Call, Fault};
use funade_tests::{Stage, deployed};
use jiff::SignedDuration;
use serde_json::json;

/// What a round of calls takes, where that matters.
const ROUND_TAKES: SignedDuration = SignedDuration::from_millis(250);

/// The time of a share, and of the call that is under way when it is over.
const SHARE_TAKES_MAX: SignedDuration = SignedDuration::from_secs(182);

/// What the minute's event leads to, where each minute everything is looked at.
fn minute(stage: &Stage) -> Swept {
    let event = json!({"id": "sweep-1", "time": stage.sim_now().to_string()});
    let cache = funade::shell::ConfigCache::default();
    let scheduled = stage.sim.run(handle_schedule(&stage.sim, &cache, &event, 1));
    match scheduled.expect("nothing dies").expect("the ledger answers") {
        Scheduled::Swept { swept, .. } => *swept,
        other @ (Scheduled::Malformed(_) | Scheduled::NoConfig) => panic!("{other:?}"),
    }
}

fn everything(stage: &Stage) -> Swept {
    let by = ("sweep-1", SweptBy::Schedule);
    let swept = sweep(&stage.sim, &stage.config, &Scope::Everything, by);
    stage.sim.run(swept).expect("nothing dies").expect("the ledger answers")
}

fn has(swept: &[Finding], about: &About, kind: FindingKind) -> bool {
    swept.iter().any(|finding| finding.about == *about && finding.kind == kind)
}

fn about(target: &Target) -> About {
    About::Target(target.id.clone())
}

fn failed_in<'a>(swept: &'a Swept, place: &Place) -> Vec<&'a Failed> {
    swept.failed.iter().filter(|failed| failed.what.contains(&place.to_string())).collect()
}

fn calls_since(stage: &Stage, before: usize, operation: &str, part: &str) -> usize {
    let calls = stage.sim.calls().split_off(before);
    let of = |call: &&Call| call.operation == operation && call.subject.contains(part);
    calls.iter().filter(of).count()
}

/// A fleet of which one account has forty targets.
fn one_large_account() -> Stage {
    let mut fleet =
        "registry: {account: \"999999999999\", region: eu-west-1}\nenvironments:\n".to_owned();
    let environment = |name: &str, account: &str| {
        format!("  {name}: {{account: \"{account}\", region: eu-west-1, cluster: {name}}}\n")
    };
    for number in 0..40 {
        fleet.push_str(&environment(&format!("small-{number:02}"), "111111111111"));
    }
    fleet.push_str(&environment("other", "222222222222"));
    let service = "service: order-api\n\
                   image: {repository: shop/order-api, container: app, select: {semver: \">=1\"}}\n\
                   parameters: [{path: \"/{environment}/{service}/\", into: app}]\n\
                   environments: all\n";
    let stage = Stage::with(&[("fleet.yaml", &fleet), ("services/order-api.yaml", service)]);
    stage.push("1.4.2", 2);
    stage.wait_minutes(30);
    stage
}

/// Parameter Store of one account does not answer: its rest is left alone after some looks, and told
/// in one line; what was found before stays, and all other accounts are looked at.
#[test]
fn an_account_that_does_not_answer_is_left_alone() {
    let stage = one_large_account();
    let (small, other) = (stage.target("small-30").clone(), stage.target("other").clone());
    stage.change_by_hand(&small, 9);
    assert!(has(&everything(&stage).opened, &about(&small), FindingKind::ChangedByHand));
    stage.change_by_hand(&other, 9);
    stage.sim.set_latency(ROUND_TAKES);
    stage.sim.silence(&small.place, "GetParametersByPath");
    let (before, began) = (stage.sim.calls().len(), stage.sim.now());
    let swept = minute(&stage);
    let took = stage.sim.now().duration_since(began);
    assert!(took < SignedDuration::from_secs(60), "{took}");
    assert_eq!(calls_since(&stage, before, "GetParametersByPath", &small.place.to_string()), 3);
    let rest = failed_in(&swept, &small.place);
    assert_eq!(rest.len(), 1, "{:#?}", swept.failed);
    assert_eq!(rest[0].what, format!("37 targets of {}", small.place));
    assert!(rest[0].error.starts_with("not looked at: "), "{}", rest[0].error);
    assert!(has(&swept.opened, &about(&other), FindingKind::ChangedByHand));
    assert_eq!(swept.closed, []);
}

/// Every answer takes so long that the time of a share is over before all was looked at: what was
/// seen is written down and told, and the rest keeps what was found of it.
#[test]
fn what_was_seen_is_told_when_the_time_is_over() {
    let stage = one_large_account();
    let (first, last) = (stage.target("small-00").clone(), stage.target("small-39").clone());
    stage.change_by_hand(&last, 9);
    assert!(has(&everything(&stage).opened, &about(&last), FindingKind::ChangedByHand));
    stage.change_by_hand(&first, 9);
    stage.sim.set_latency(SignedDuration::from_secs(3));
    let began = stage.sim.now();
    let swept = minute(&stage);
    let took = stage.sim.now().duration_since(began);
    assert!(took < SHARE_TAKES_MAX + SignedDuration::from_secs(60), "{took}");
    assert!(swept.targets > 3 && swept.targets < 41, "{}", swept.targets);
    assert!(has(&swept.opened, &about(&first), FindingKind::ChangedByHand));
    assert_eq!(swept.closed, []);
    let over = failed_in(&swept, &last.place);
    assert!(
        over.iter().any(|failed| failed.error.contains("time was over")),
        "{:#?}",
        swept.failed
    );
    // A person's sweep has the time that it needs.
    assert_eq!(everything(&stage).failed, []);
}

/// A registry that does not answer is asked three times, not by each target, and nothing is closed
/// for its silence.
#[test]
fn a_silent_registry_holds_nobody_up() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change_by_hand(acme, 9);
    let opened = everything(&stage).opened;
    assert!(has(&opened, &about(acme), FindingKind::ImageGone), "{opened:#?}");
    let registries: BTreeSet<&Place> =
        stage.config.targets().map(|t| &t.pulls_from.place).collect();
    for registry in &registries {
        stage.sim.silence(registry, "DescribeImages");
    }
    let swept = everything(&stage);
    assert_eq!(swept.targets, stage.config.targets().count(), "{:#?}", swept.failed);
    assert!(!swept.failed.is_empty());
    assert_eq!((swept.closed, swept.woken), (vec![], vec![]));
}

/// One finding cannot be written down: the others are, and it is told by the next sweep.
#[test]
fn a_finding_that_cannot_be_written_stops_no_other() {
    let changed = || {
        let stage = deployed(&[]);
        stage.change_by_hand(stage.target("acme"), 9);
        stage.change_by_hand(stage.target("globex"), 9);
        stage
    };
    let stage = changed();
    let before = stage.sim.calls().len();
    let whole = everything(&stage);
    assert_eq!((whole.findings.len(), whole.failed), (4, vec![]));
    let calls = stage.sim.calls().split_off(before);
    let first = calls.iter().position(|call| {
        call.operation == "TransactWriteItems" && call.subject.starts_with("finding ")
    });

    let stage = changed();
    stage.sim.plan_fault(first.expect("it was written"), Fault::Lost);
    let swept = everything(&stage);
    assert_eq!(swept.failed.len(), 1, "{:#?}", swept.failed);
    let again = everything(&stage);
    assert_eq!((again.opened.len(), again.failed), (1, vec![]), "{:#?}", again.opened);
}

/// The role may read parameters no more: each target that has some is told, once, and what was found
/// of it before stays.
#[test]
fn a_refused_read_is_found() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.change_by_hand(acme, 9);
    everything(&stage);
    stage.sim.deny(&acme.place, "GetParametersByPath", "");
    let swept = everything(&stage);
    assert!(has(&swept.opened, &about(acme), FindingKind::Blocked), "{:#?}", swept.opened);
    assert!(swept.opened.iter().all(|finding| finding.kind == FindingKind::Blocked));
    let blocked = swept.opened.iter().find(|finding| finding.about == about(acme));
    let sentence = &blocked.expect("it is told").sentence;
    assert!(sentence.starts_with("AWS refuses: GetParametersByPath"), "{sentence}");
    assert_eq!(swept.closed, []);
    assert_eq!(everything(&stage).opened, [], "told once");
    stage.sim.end_outages();
    let after = everything(&stage);
    assert!(has(&after.closed, &about(acme), FindingKind::Blocked), "{:#?}", after.closed);
}

/// The registry's account lets nobody in: that is told once, and all that has nothing to do with
/// images is found as ever.
#[test]
fn without_its_registry_a_target_is_looked_at_all_the_same() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let registries: BTreeSet<Place> =
        stage.config.targets().map(|target| target.pulls_from.place.clone()).collect();
    for registry in &registries {
        stage.sim.set_closed(registry, true);
    }
    stage.lose_tasks(acme, 2, Some("(service order-api) was unable to place a task."));
    everything(&stage);
    stage.wait_minutes(6);
    let swept = everything(&stage);
    assert!(has(&swept.opened, &about(acme), FindingKind::Unhealthy), "{:#?}", swept.opened);
    let place = |registry: &Place| About::Place(registry.clone());
    for registry in &registries {
        assert!(has(&swept.findings, &place(registry), FindingKind::Unreachable));
    }
    assert_eq!(swept.closed, []);
    for minute in 0..15 {
        stage.wait_minutes(1);
        let swept = share(&stage, minute);
        let places = |found: &[Finding]| found.iter().any(|f| f.kind == FindingKind::Unreachable);
        assert!(!places(&swept.opened) && !places(&swept.closed), "it flaps: {swept:#?}");
    }
    stage.sim.end_outages();
    let after = share(&stage, 7);
    for registry in &registries {
        assert!(has(&after.closed, &place(registry), FindingKind::Unreachable), "{after:#?}");
    }
}

/// The share of one minute of fifteen.
fn share(stage: &Stage, minute: i64) -> Swept {
    let scope = Scope::Minute { minute, of: 15 };
    let swept = sweep(&stage.sim, &stage.config, &scope, ("sweep-1", SweptBy::Schedule));
    stage.sim.run(swept).expect("nothing dies").expect("the ledger answers")
}

/// Two clusters in one account, of which one is denied: its targets are told, and hide no other.
#[test]
fn a_denied_cluster_hides_no_other() {
    let stage = one_large_account();
    let (denied, other) = (stage.target("small-07").clone(), stage.target("small-30").clone());
    stage.change_by_hand(&other, 9);
    stage.sim.deny(&denied.place, "DescribeServices", "in small-07 ");
    let swept = everything(&stage);
    assert_eq!(swept.targets, 40, "{:#?}", swept.failed);
    assert!(has(&swept.opened, &about(&denied), FindingKind::Blocked), "{:#?}", swept.opened);
    assert!(has(&swept.opened, &about(&other), FindingKind::ChangedByHand));
    assert!(swept.findings.iter().all(|finding| finding.kind != FindingKind::Unreachable));
    let opened = |minute| share(&stage, minute).opened;
    assert!((0..15).all(|minute| opened(minute).is_empty()), "told once");
}

/// A pass that was refused is not put right by itself, and is not told so.
#[test]
fn what_a_pass_was_refused_is_told() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.sim.deny(&acme.place, "RegisterTaskDefinition", "");
    stage.push("1.4.3", 3);
    stage.wait_minutes(20);
    let swept = everything(&stage);
    let of_acme: Vec<&Finding> = swept.findings.iter().filter(|f| f.about == about(acme)).collect();
    assert_eq!(of_acme.len(), 1, "{of_acme:#?}");
    assert_eq!(of_acme[0].kind, FindingKind::Blocked);
    assert!(of_acme[0].sentence.contains("RegisterTaskDefinition"), "{}", of_acme[0].sentence);
}
