//! The metrics of a simulated fleet, from its ledger.

use std::sync::Arc;

use funade::facts::names::Tag;

use super::*;
use crate::demo::{Screen, Stage, digest};

#[test]
fn a_fleet_that_took_a_release_is_told_from_its_ledger() {
    let screen = Screen::new(0);
    let stage = Stage::set(&screen).expect("the example is valid");
    let tag = Tag::parse("1.4.2").expect("a tag");
    stage.push_and_watch(&tag, &digest(2)).expect("it arrives");
    let applied = AppliedConfig { version: 1, config: Arc::new(stage.config.clone()) };
    let text = stage.run(made(&stage.sim, &applied)).expect("the ledger answers");
    for target in &stage.targets {
        let environment = &target.id.environment;
        let labels = format!(
            "environment=\"{environment}\",service=\"order-api\",release=\"1.4.2\",\
             assigned=\"1.4.2\",state=\"settled\""
        );
        assert!(text.contains(&format!("funade_target_info{{{labels}}} 1\n")), "{text}");
        let took = "funade_deploys_last_duration_seconds{environment=";
        assert!(text.contains(&format!("{took}\"{environment}\",service=\"order-api\"}} ")));
    }
    let settled = format!("service=\"order-api\",state=\"settled\"}} {}\n", stage.targets.len());
    assert!(text.contains(&settled), "{text}");
    assert!(text.contains("funade_configuration_version 1\n"), "{text}");
}
