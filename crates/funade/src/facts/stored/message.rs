//! The stored form of messages that were not taken and wait on a queue.

use serde::{Deserialize, Serialize};

use crate::facts::finding::Severity;
use crate::facts::message::{DatadogCall, Destination, Message};
use crate::facts::notice::NoticeKind;
use crate::facts::parameter::SecretName;

#[derive(Serialize, Deserialize)]
pub(super) struct MessageV1 {
    notice: String,
    kind: NoticeKind,
    severity: SeverityV1,
    to: DestinationV1,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    subject: String,
    body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SeverityV1 {
    Notice,
    Warning,
    Error,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DestinationV1 {
    Topic(String),
    Webhook { url: String, key: SecretName },
    DatadogEvent { url: String, key: SecretName },
    DatadogDeployment { url: String, key: SecretName },
}

impl From<Message> for MessageV1 {
    fn from(Message { notice, kind, severity, to, subject, body }: Message) -> Self {
        let severity = match severity {
            Severity::Notice => SeverityV1::Notice,
            Severity::Warning => SeverityV1::Warning,
            Severity::Error => SeverityV1::Error,
        };
        let to = match to {
            Destination::Topic(arn) => DestinationV1::Topic(arn),
            Destination::Webhook { url, key } => DestinationV1::Webhook { url, key },
            Destination::Datadog { url, call: DatadogCall::Event, key } => {
                DestinationV1::DatadogEvent { url, key }
            }
            Destination::Datadog { url, call: DatadogCall::Deployment, key } => {
                DestinationV1::DatadogDeployment { url, key }
            }
        };
        Self { notice, kind, severity, to, subject, body }
    }
}

impl From<MessageV1> for Message {
    fn from(MessageV1 { notice, kind, severity, to, subject, body }: MessageV1) -> Self {
        let severity = match severity {
            SeverityV1::Notice => Severity::Notice,
            SeverityV1::Warning => Severity::Warning,
            SeverityV1::Error => Severity::Error,
        };
        let to = match to {
            DestinationV1::Topic(arn) => Destination::Topic(arn),
            DestinationV1::Webhook { url, key } => Destination::Webhook { url, key },
            DestinationV1::DatadogEvent { url, key } => {
                Destination::Datadog { url, call: DatadogCall::Event, key }
            }
            DestinationV1::DatadogDeployment { url, key } => {
                Destination::Datadog { url, call: DatadogCall::Deployment, key }
            }
        };
        Self { notice, kind, severity, to, subject, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::stored::Stored;

    #[test]
    fn a_message_reads_back_as_written() {
        let key = || SecretName::parse("funade/key").expect("well-formed");
        let url = || "https://hooks.example.com/funade".to_owned();
        let places = [
            Destination::Topic("arn:aws:sns:eu-west-1:999999999999:all".to_owned()),
            Destination::Webhook { url: url(), key: key() },
            Destination::Datadog { url: url(), call: DatadogCall::Event, key: key() },
            Destination::Datadog { url: url(), call: DatadogCall::Deployment, key: key() },
        ];
        let severities = [Severity::Notice, Severity::Warning, Severity::Error];
        for (to, severity) in places.into_iter().zip(severities.into_iter().cycle()) {
            let message = Message {
                notice: "target/acme/order-api/22/deploy".to_owned(),
                kind: NoticeKind::DeployFailed,
                severity,
                to,
                subject: String::new(),
                body: "{\"text\": \"a \\\"line\\\"\"}".to_owned(),
            };
            let read = Message::from_json(&message.to_json()).expect("we wrote it");
            assert_eq!(read, message);
        }
    }

    /// What may be on the queue while Funade is upgraded.
    #[test]
    fn what_the_first_version_wrote_is_read() {
        let stored = r#"{"notice":"one","kind":"blocked","severity":"error",
            "to":{"webhook":{"url":"https://hooks.example.com","key":"funade/key"}},"body":"{}"}"#;
        let message = Message::from_json(stored).expect("well-formed");
        assert_eq!((message.notice.as_str(), message.subject.as_str()), ("one", ""));
    }
}
