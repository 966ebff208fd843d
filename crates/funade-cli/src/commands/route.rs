//! `funade route DIR EVENT.json`

use std::path::Path;

use anyhow::{Result, bail};
use funade::config::check;
use funade::decisions::route::{Intent, Note, Routing, route};
use funade::facts::event::Event;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::validate::print_problems;
use crate::files::{read_json, read_sources};
use crate::output::{Answer, print_json};

pub(super) fn run(dir: &Path, event: &Path, format: Format) -> Result<Answer> {
    let checked = check(&read_sources(dir)?);
    let Some(config) = checked.config else {
        print_problems(&checked.problems);
        bail!("{} is not valid, so nothing can be routed by it", dir.display());
    };
    let event = match Event::parse(&read_json(event)?) {
        Ok(event) => event,
        Err(malformed) => {
            print(&[], &[("malformed".to_owned(), malformed.to_string())], format);
            return Ok(Answer::No);
        }
    };
    let Routing { intents, ignored } = route(&config, &event);
    let ignored: Vec<_> = ignored.into_iter().map(|i| (i.rule.to_string(), i.reason)).collect();
    print(&intents, &ignored, format);
    Ok(Answer::Yes)
}

fn print(intents: &[Intent], ignored: &[(String, String)], format: Format) {
    match format {
        Format::Json => print_json(&json!({
            "intents": intents.iter().map(intent_to_value).collect::<Vec<_>>(),
            "ignored": ignored
                .iter()
                .map(|(rule, reason)| json!({"rule": rule, "reason": reason}))
                .collect::<Vec<_>>(),
        })),
        Format::Text => {
            for Intent { subject, reason, note } in intents {
                match note {
                    Some(Note::Release { digest, .. }) => {
                        println!("wakes {subject}: {reason} ({digest})");
                    }
                    Some(Note::Change { quiet, .. }) => {
                        println!("wakes {subject} after {quiet:#}: {reason}");
                    }
                    None => println!("wakes {subject}: {reason}"),
                }
            }
            for (rule, reason) in ignored {
                println!("ignored by the rule {rule}: {reason}");
            }
        }
    }
}

fn intent_to_value(intent: &Intent) -> Value {
    let mut value = json!({"subject": intent.subject.to_string(), "reason": intent.reason});
    match &intent.note {
        Some(Note::Release { service, tag, digest }) => {
            value["service"] = service.as_str().into();
            value["tag"] = tag.as_str().into();
            value["digest"] = digest.as_str().into();
        }
        Some(Note::Change { watched, quiet }) => {
            value["changed"] = watched.to_string().into();
            value["quiet_seconds"] = quiet.as_secs().into();
        }
        None => {}
    }
    value
}
