//! Which messages a notice makes.
//!
//! In: the configuration and a notice from the outbox. Out: messages that are ready to go, one for
//! each route that wants it. `route` says which do; `text` says it in words, once for all forms;
//! `amazon_q`, `json` and `datadog` put that into their forms; `clean` takes away from it what would
//! be more than text. Invariants: the same configuration and notice make the same messages, so that
//! one that is sent again says the same under the same id; no message is longer than its form allows.
//!
//! No value of a `SecureString` or of a secret can be in a message: no type that a notice holds has a
//! place for one (`facts/parameter.rs`), and a deploy's variables are not told at all.

mod route;

mod text;

mod amazon_q;

mod json;

mod datadog;

mod clean;

use std::collections::BTreeSet;

use crate::config::{Config, Environment, Format, Route, RouteTo};
use crate::decisions::notices::thread;
use crate::facts::finding::About;
use crate::facts::message::{Destination, Message};
use crate::facts::names::{EnvironmentName, ServiceName};
use crate::facts::notice::{Notice, Told};

pub use json::SCHEMA;

/// The longest body of a message, in bytes: what SNS takes, less a kilobyte for attributes and
/// subject. Webhooks get no more either.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const BODY_BYTES_MAX: usize = 255 * 1024;

/// The messages about a notice: one for each route that wants it, but no two that are the same.
#[must_use]
pub fn messages(config: &Config, notice: &Notice) -> Vec<Message> {
    let routes = config.notices.iter().filter(|route| route::wants(route, config, notice));
    let messages: BTreeSet<Message> =
        routes.flat_map(|route| of_route(route, config, notice)).collect();
    messages.into_iter().collect()
}

/// The message about a notice for the history: its JSON, whatever the routes say.
#[must_use]
pub fn for_history(config: &Config, notice: &Notice, topic: &str) -> Message {
    let environment = environment(config, notice);
    let words = text::words(notice, environment);
    let body = json::body(notice, environment, &words);
    about(notice, Destination::Topic(topic.to_owned()), String::new(), body)
}

fn about(notice: &Notice, to: Destination, subject: String, body: String) -> Message {
    let (kind, severity) = (notice.kind(), notice.severity());
    Message { notice: notice.id.clone(), kind, severity, to, subject, body }
}

fn of_route(route: &Route, config: &Config, notice: &Notice) -> Vec<Message> {
    let environment = environment(config, notice);
    let words = text::words(notice, environment);
    // Only a mail has a subject.
    let message = |to: Destination, body: String| about(notice, to, String::new(), body);
    match &route.to {
        RouteTo::Topic { arn, format } => {
            let to = Destination::Topic(arn.to_string());
            let body = match format {
                // A person hears of the ordinary steps of a rollout once, at its end.
                Format::Text | Format::AmazonQ if notice.is_told_in_summary() => return Vec::new(),
                Format::Text => {
                    let subject = clean::subject(&words.title);
                    return vec![about(notice, to, subject, text::body(&words))];
                }
                Format::AmazonQ => amazon_q::body(notice, environment, &words),
                Format::Json => json::body(notice, environment, &words),
            };
            vec![message(to, body)]
        }
        RouteTo::Webhook { url, key } => {
            let to = Destination::Webhook { url: url.to_string(), key: key.clone() };
            vec![message(to, json::body(notice, environment, &words))]
        }
        RouteTo::Datadog { url, key } => {
            let calls = datadog::calls(notice, environment, &words).into_iter();
            let to = |call| Destination::Datadog {
                url: url.as_str().trim_end_matches('/').to_owned(),
                call,
                key: key.clone(),
            };
            calls.map(|(call, body)| message(to(call), body)).collect()
        }
    }
}

/// Where it happened, if in one environment that is still configured.
fn environment<'a>(config: &'a Config, notice: &Notice) -> Option<&'a Environment> {
    config.environments.get(environment_name(notice)?)
}

fn environment_name(notice: &Notice) -> Option<&EnvironmentName> {
    match &notice.about {
        About::Target(id) => Some(&id.environment),
        About::Service(_) | About::Place(_) => None,
    }
}

fn service_name(notice: &Notice) -> Option<&ServiceName> {
    match &notice.about {
        About::Target(id) => Some(&id.service),
        About::Service(name) => Some(name),
        About::Place(_) => None,
    }
}

/// What belongs together where messages are shown in threads: all that is told of one release of a
/// service, and the beginning and the end of one finding.
fn thread_of(notice: &Notice) -> String {
    let about = &notice.about;
    if let (Some(service), Some((release, decision))) = (service_name(notice), notice.assigned()) {
        return thread(service, release, decision);
    }
    match &notice.told {
        Told::FindingOpened(finding) | Told::FindingClosed(finding) => {
            format!("{about}-{}-{}", finding.kind, finding.since.as_millisecond())
        }
        Told::ReleaseAssigned { .. }
        | Told::RolloutEnded { .. }
        | Told::DeployStarted(_)
        | Told::DeploySucceeded(_)
        | Told::DeployFailed(_)
        | Told::RolledBack(_)
        | Told::Superseded(_)
        | Told::Held { .. }
        | Told::Blocked { .. } => about.to_string(),
    }
}
