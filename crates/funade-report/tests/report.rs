//! The report of a made-up fleet: what machines read, each state in the page, and hostile text.

#[path = "../examples/sample/fleet.rs"]
mod fleet;

use fleet::{HOSTILE, Sample};
use funade::facts::finding::Finding;
use funade::facts::names::RevisionArn;
use funade_report::{Fleet, State, json, page};
use serde_json::Value;

/// Enough targets for every state.
const EVERY_STATE: usize = 20;

/// The data that a page brings for its script.
fn data(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"data\">";
    let data = page.split(begin).nth(1).expect("the page has data");
    let data = data.split("</script>").next().expect("a text has a first part");
    serde_json::from_str(data).expect("the data is JSON")
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let list = list.as_array().expect("a list");
    list.iter().filter_map(|item| item[field].as_str()).collect()
}

#[test]
fn machines_read_how_each_target_stands_and_what_was_found() {
    let sample = Sample::new(4, 1);
    insta::assert_snapshot!(json(&sample.fleet()));
}

#[test]
fn every_state_is_counted_and_each_cell_has_its_own() {
    let sample = Sample::new(EVERY_STATE, 2);
    let fleet = sample.fleet();
    let (page, json) = (page(&fleet), json(&fleet));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    for state in State::ALL {
        let name = state.as_str();
        let count = json["counts"][name].as_u64().expect("every state is counted");
        assert!(count > 0, "no target of the sample is {name}");
        let cells = page.matches(&format!("<td class=\"{name}\"><button")).count();
        assert_eq!(u64::try_from(cells).expect("few"), count, "{name}");
        let button = format!("data-state=\"{name}\" aria-pressed=\"false\"");
        assert!(page.contains(&button) && page.contains(&format!("{name} <b>{count}</b>")));
    }
}

#[test]
fn cells_and_data_stand_in_the_same_order() {
    let sample = Sample::new(EVERY_STATE, 2);
    let page = page(&sample.fleet());
    let cells: Vec<&str> =
        page.split("<td class=\"").skip(1).filter_map(|cell| cell.split('"').next()).collect();
    assert_eq!(cells, texts(&data(&page)["targets"], "state"));
}

#[test]
fn the_release_that_runs_is_said_only_where_it_is_known() {
    let sample = Sample::new(EVERY_STATE, 2);
    let json: Value = serde_json::from_str(&json(&sample.fleet())).expect("JSON");
    for target in json["targets"].as_array().expect("a list") {
        let (release, assigned) = (target["release"].as_str(), target["assigned"].as_str());
        match target["state"].as_str().expect("a text") {
            "unknown" => assert_eq!((release, target["since"].as_str()), (None, None)),
            "deploying" | "rolled-back" => {
                let before = release.expect("the sample's history says what ran before");
                assert_ne!(Some(before), assigned, "{target}");
            }
            _ => assert_eq!(release, assigned, "{target}"),
        }
    }
}

#[test]
fn what_a_revision_of_somebody_else_runs_is_not_guessed() {
    let sample = Sample::new(1, 2);
    let mut services = sample.fleet().services.to_vec();
    let record = &mut services[0].targets[0].record;
    record.last_seen = Some(
        RevisionArn::parse("arn:aws:ecs:eu-west-1:222222222222:task-definition/other:1")
            .expect("an ARN"),
    );
    record.standing.as_mut().expect("it was looked at").code = "changed-outside".to_owned();
    let json = json(&Fleet { services: &services, ..sample.fleet() });
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["targets"][0]["release"], Value::Null);
}

#[test]
fn findings_that_are_not_open_are_neither_told_nor_do_they_colour() {
    let sample = Sample::new(EVERY_STATE, 1);
    let told = |findings: &[Finding]| {
        let json = json(&Fleet { findings, ..sample.fleet() });
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let states = texts(&json["targets"], "state");
        let states = states.into_iter().filter(|state| *state == "finding").count();
        (texts(&json["findings"], "severity").len(), states)
    };
    let open = sample.fleet().findings;
    let (findings, states) = told(open);
    assert!(findings > 0 && states > 0);
    let young: Vec<Finding> =
        open.iter().map(|finding| Finding { is_open: false, ..finding.clone() }).collect();
    assert_eq!(told(&young), (0, 0));
}

#[test]
fn findings_stand_most_severe_first() {
    let sample = Sample::new(200, 1);
    let json: Value = serde_json::from_str(&json(&sample.fleet())).expect("JSON");
    let rank = |severity: &&str| ["error", "warning", "notice"].iter().position(|s| s == severity);
    let ranks: Vec<_> = texts(&json["findings"], "severity").iter().map(rank).collect();
    assert!(ranks.is_sorted() && ranks.first() != ranks.last(), "{ranks:?}");
}

#[test]
fn text_from_outside_stays_text() {
    let sample = Sample::new(EVERY_STATE, 2);
    let page = page(&sample.fleet());
    assert!(!page.contains("<img"), "no text becomes an element");
    // One end for each of the two scripts that the page itself has.
    assert_eq!(page.matches("</script").count(), 2);
    assert!(page.contains("&#60;/script&#62;"), "in the list it is escaped for HTML");
    assert!(page.contains("\\u003c/script\\u003e"), "in the data it is escaped for scripts");
    let data = data(&page);
    let hostile = |texts: Vec<&str>| texts.iter().any(|text| text.contains(HOSTILE));
    assert!(hostile(texts(&data["findings"], "sentence")), "and means what it meant");
    assert!(hostile(texts(&data["targets"], "sentence")));
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let sample = Sample::new(EVERY_STATE, 2);
    let page = page(&sample.fleet());
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    for loads in ["http:", "https:", "src=\"", "@import", "url(", "unsafe-inline"] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn an_empty_fleet_is_a_page_too() {
    let sample = Sample::new(4, 1);
    let page = page(&Fleet { services: &[], findings: &[], ..sample.fleet() });
    assert!(page.contains("0 targets of 0 services in 4 environments"), "{page}");
}
