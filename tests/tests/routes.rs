//! Every sample event has one right decision. A new file in events/ needs a line here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use funade::decisions::route::route;
use funade::facts::event::Event;
use funade_tests::{example_config, root};

/// Rows 24 to 28: what wakes, what is ignored, and by which rule.
#[test]
fn every_sample_event_has_its_decision() {
    let config = example_config();
    let mut decisions = BTreeMap::new();
    for entry in root().join("events").read_dir().expect("there are samples") {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let envelope = serde_json::from_str(&text).expect("JSON");
        let event = Event::parse(&envelope).expect("every sample is well-formed");
        let routing = route(&config, &event);
        let mut lines = String::new();
        for intent in &routing.intents {
            writeln!(lines, "  wakes {}: {}", intent.subject, intent.reason).expect("a string");
        }
        for ignored in &routing.ignored {
            writeln!(lines, "  {}: {}", ignored.rule, ignored.reason).expect("a string");
        }
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        decisions.insert(name, lines);
    }
    let story: Vec<_> = decisions.iter().map(|(name, lines)| format!("{name}\n{lines}")).collect();
    insta::assert_snapshot!(story.concat());
}
