//! What a sweep is told as, and the fleet's page that it leaves.

use std::path::PathBuf;
use std::sync::Arc;

use funade::config::Target;
use funade::facts::finding::{About, FindingKind};
use funade::facts::names::{Place, Tag};
use funade::world::AppliedConfig;

use super::*;
use crate::demo::{Screen, Stage, digest};
use crate::samples::at;

fn finding(about: &str, kind: FindingKind, sentence: &str, next: &str) -> Finding {
    let about = about.parse().expect("well-formed");
    let said = (sentence.to_owned(), next.to_owned());
    Finding { is_open: true, ..Finding::new(about, kind, said, at(0)) }
}

/// One that is so of each of these, in the same words.
fn loose(about: &str) -> Finding {
    let sentence = "log-router (example.com/router:stable) runs by a tag that may be moved: two \
                    tasks may differ";
    let next = "name it by its digest in the task definition, or make its tags immutable";
    finding(about, FindingKind::MutableTag, sentence, next)
}

fn swept() -> Swept {
    let unhealthy = finding(
        "globex/order-api",
        FindingKind::Unhealthy,
        "1 of 3 tasks run; the last: app exited with code 137",
        "give it more memory; funade explain globex/order-api",
    );
    let by_hand = finding(
        "acme/order-api",
        FindingKind::ChangedByHand,
        "somebody else put acme-order-api:7 in its place",
        "funade deploy order-api --tag 1.4.5 brings the assigned release back",
    );
    let unreachable = finding(
        "333333333333/ap-northeast-1",
        FindingKind::Unreachable,
        "it cannot be looked at",
        "see that member.yaml is deployed there",
    );
    let error = "DescribeServices failed on 333333333333/ap-northeast-1: AccessDenied".to_owned();
    let failed = Failed { what: "333333333333/ap-northeast-1".to_owned(), error };
    let loose = ["acme", "globex", "internal", "stark", "umbrella"]
        .map(|environment| loose(&format!("{environment}/order-api")));
    Swept {
        targets: 230,
        services: 12,
        findings: [vec![by_hand.clone(), unhealthy, unreachable], loose.to_vec()].concat(),
        opened: vec![by_hand],
        closed: vec![finding("storefront", FindingKind::MissedImage, "it has 7", "see to it")],
        woken: vec![
            Subject::parse_named("storefront").expect("a service"),
            Subject::parse_named("stark/order-api").expect("a target"),
        ],
        failed: vec![failed],
    }
}

#[test]
fn the_gravest_is_told_first_and_what_is_so_of_many_once() {
    insta::assert_snapshot!(to_text(&swept()));
}

#[test]
fn machines_get_each_finding_and_all_who_were_woken() {
    insta::assert_json_snapshot!(to_value(&swept(), "sweep-1795397400000"));
}

#[test]
fn a_sweep_that_finds_nothing_is_one_line() {
    let mut swept = Swept { findings: Vec::new(), opened: Vec::new(), ..swept() };
    (swept.closed, swept.woken, swept.failed) = (Vec::new(), Vec::new(), Vec::new());
    assert_eq!(to_text(&swept), "Looked at 230 targets and 12 services: no finding.");
    (swept.targets, swept.services) = (1, 0);
    assert_eq!(to_text(&swept), "Looked at 1 target: no finding.");
}

#[test]
fn of_many_who_were_woken_some_are_named() {
    let named = |number| Subject::parse_named(&format!("e{number}/order-api")).expect("a target");
    let told = woken(&(0..30).map(named).collect::<Vec<_>>()).expect("some were woken");
    assert!(told.contains("e19/order-api and 10 more."), "{told}");
    assert_eq!(woken(&[]), None);
}

#[test]
fn an_environment_that_there_is_not_is_told_with_the_nearest_or_those_that_there_are() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    let names =
        |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect::<Vec<_>>();
    let scope = |environments: &[&str]| scope(&stage.config, &names(environments));
    assert_eq!(scope(&[]), Ok(Scope::Everything));
    let both = names(&["acme", "globex"]).into_iter().collect();
    assert_eq!(scope(&["globex", "acme", "globex"]), Ok(Scope::Environments(both)));
    assert_eq!(
        scope(&["acme", "globx", "production"]),
        Err("the configuration has no environment `globx`; did you mean `globex`?\n\
             the configuration has no environment `production`; the environments are acme, \
             globex, initech, internal, stark, umbrella"
            .to_owned())
    );
    assert_eq!(looks_at(&stage.config, &Scope::Everything), "looking at 13 targets and 3 services");
    let acme = scope(&["acme"]).expect("it is one");
    assert_eq!(looks_at(&stage.config, &acme), "looking at 2 targets");
}

/// A file of a test's own.
fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("funade-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("writable");
    dir.join("fleet.html")
}

fn close(stage: &Stage<'_>, place: &Place) -> Swept {
    stage.sim.set_closed(place, true);
    let swept =
        sweep(&stage.sim, &stage.config, &Scope::Everything, ("sweep-1", SweptBy::Schedule));
    stage.run(swept).expect("the ledger answers")
}

#[test]
fn the_page_has_what_the_sweep_found_and_the_last_deploys() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    let tag = Tag::parse("1.4.2").expect("a tag");
    stage.push_and_watch(&tag, &digest(2)).expect("it comes to an end");
    let Target { place, .. } = &stage.targets[0];
    let swept = close(&stage, place);
    assert_eq!(swept.findings[0].about, About::Place(place.clone()));

    let file = scratch("page");
    std::fs::write(&file, "the page of yesterday").expect("writable");
    let applied = AppliedConfig { version: 1, config: Arc::new(stage.config.clone()) };
    let written = stage.sim.run(report::write(&stage.sim, &applied, &file));
    written.expect("nothing dies").expect("no fault");
    let page = std::fs::read_to_string(&file).expect("it is there");
    for text in ["222222222222/ap-northeast-1", "stark/order-api", "push-of-1.4.2", "unreachable"] {
        assert!(page.contains(text), "{text} is not in the page");
    }
    let dir = file.parent().expect("it has one");
    let left = dir.read_dir().expect("readable").count();
    std::fs::remove_dir_all(dir).expect("ours");
    assert_eq!(left, 1, "nothing is left beside the page");
}

#[test]
fn where_no_page_can_be_written_is_said_before_anything_is_looked_at() {
    let file = scratch("no-page").join("below/fleet.html");
    let error = check_writable(&file).expect_err("there is no such directory").to_string();
    assert!(error.contains("is not a directory"), "{error}");
    let dir = scratch("no-page");
    let dir = dir.parent().expect("it has one");
    let error = check_writable(dir).expect_err("it is a directory").to_string();
    assert!(error.ends_with("it is a directory"), "{error}");
    std::fs::remove_dir_all(dir).expect("ours");
    assert!(check_writable(Path::new("fleet.html")).is_ok(), "where we are");
}
