//! What a pass is about, and the message that starts one.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::facts::names::{BadName, ServiceName, TargetId};

/// The most by which a wake can be delayed: what SQS allows for a message. A longer wait is several.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html>
pub const WAKE_DELAY_MAX: SignedDuration = SignedDuration::from_mins(15);

/// What is reconciled: `service/order-api` or `target/acme/order-api`. One pass at a time for
/// each, by the queue's message groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// Which release should each target of this service run?
    Service(ServiceName),
    /// Bring this target to what it should run.
    Target(TargetId),
}

/// A request to look at a subject. It says where to look, never what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// Where to look.
    pub subject: Subject,
    /// The id of what began this: an event's id, a request's. The same in every log line from
    /// the event to `UpdateService`.
    pub cause: String,
    /// Why, for the history and the logs; no decision reads it.
    pub reason: String,
    /// How often a pass has failed since the subject was woken: what the next delay grows with.
    pub failed_before: u32,
}

impl Wake {
    /// Of which no pass has failed yet.
    #[must_use]
    pub fn new(subject: Subject, cause: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject, cause: cause.into(), reason: reason.into(), failed_before: 0 }
    }
}

impl Subject {
    /// As a person types it: `order-api`, `acme/order-api`.
    #[must_use]
    pub fn named(&self) -> String {
        match self {
            Self::Service(name) => name.to_string(),
            Self::Target(id) => id.to_string(),
        }
    }

    /// Reads what a person types.
    pub fn parse_named(text: &str) -> Result<Self, BadName> {
        if text.contains('/') {
            Ok(Self::Target(text.parse()?))
        } else {
            Ok(Self::Service(ServiceName::parse(text)?))
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "service/{name}"),
            Self::Target(id) => write!(f, "target/{id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once('/') {
            Some(("service", name)) => Ok(Self::Service(ServiceName::parse(name)?)),
            Some(("target", id)) => Ok(Self::Target(id.parse()?)),
            Some(_) | None => Err(BadName {
                kind: "a subject",
                given: text.to_owned(),
                allowed: "write service/SERVICE or target/ENVIRONMENT/SERVICE",
            }),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> String {
        subject.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_written() {
        for text in ["service/order-api", "target/acme/order-api"] {
            assert_eq!(text.parse::<Subject>().expect("well-formed").to_string(), text);
        }
        for text in ["order-api", "target/order-api", "cluster/acme", "service/", ""] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}
