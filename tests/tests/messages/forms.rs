//! How a notice reads in each form, as the snapshots and the documentation show it.

use funade::config::Config;
use funade::decisions::messages::messages;
use funade::facts::message::{DatadogCall, Destination, Message};
use funade::facts::notice::Notice;
use serde_json::Value;

/// The messages about a notice, by where they go: `mail`, `chat`, `machines`, `webhook`, `event`,
/// `deployment`.
pub(crate) fn forms(config: &Config, notice: &Notice) -> Vec<(String, Message)> {
    let name = |message: &Message| match &message.to {
        Destination::Topic(arn) => arn.rsplit(':').next().expect("a name").to_owned(),
        Destination::Webhook { .. } => "webhook".to_owned(),
        Destination::Datadog { call: DatadogCall::Event, .. } => "event".to_owned(),
        Destination::Datadog { call: DatadogCall::Deployment, .. } => "deployment".to_owned(),
    };
    messages(config, notice).into_iter().map(|message| (name(&message), message)).collect()
}

/// One of them, if the notice makes it.
pub(crate) fn form(config: &Config, notice: &Notice, wanted: &str) -> Option<Message> {
    forms(config, notice).into_iter().find(|(name, _)| name == wanted).map(|(_, message)| message)
}

/// A body as a person reads it: JSON with its lines.
pub(crate) fn pretty(body: &str) -> String {
    serde_json::from_str::<Value>(body).map_or_else(|_| body.to_owned(), |json| format!("{json:#}"))
}
