//! What is sent about a notice: ready to go, with nothing left to decide for whoever sends it.

use crate::facts::finding::Severity;
use crate::facts::notice::NoticeKind;
use crate::facts::parameter::SecretName;

/// One message to one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// The notice's id: the same whenever this is sent, so that whoever receives it twice can tell.
    pub notice: String,
    /// What kind of notice it is about.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// Where it goes.
    pub to: Destination,
    /// A line, for what has such: a mail's subject, an event's title.
    pub subject: String,
    /// The text, or the JSON.
    pub body: String,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// An SNS topic, by its ARN. The region is the ARN's.
    Topic(String),
    /// An address that takes JSON by `POST`, signed with a key.
    Webhook {
        /// The address.
        url: String,
        /// The secret that has the key.
        key: SecretName,
    },
    /// Datadog's API.
    Datadog {
        /// The address of its API, as in `https://api.datadoghq.eu`.
        url: String,
        /// What the body is for.
        call: DatadogCall,
        /// The secret that has the API key.
        key: SecretName,
    },
}

/// What of Datadog's API takes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatadogCall {
    /// `POST /api/v1/events`.
    Event,
    /// `POST /api/v2/dora/deployment`.
    Deployment,
}
