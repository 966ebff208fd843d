//! `notices` of `fleet.yaml` as written: who is told of what.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{RawSelector, choices, mapping};
use crate::config::decode::{At, Decode, Fields, List, Log, Must};
use crate::config::problem::Spot;
use crate::config::scalar::{Scalar, Wrong, choice, choice_schema};
use crate::config::tree::Node;
use crate::config::types::{Format, PostUrl, TopicArn};
use crate::facts::finding::Severity;
use crate::facts::names::ServiceName;
use crate::facts::notice::NoticeKind;
use crate::facts::parameter::SecretName;

const WANTED: &str = r#"one of {topic: "arn:aws:sns:…"}, {webhook: "https://…", key: SECRET} and {datadog: "https://api.…", key: SECRET}"#;

/// Where messages go, and which notices go there. What is left out matches everything.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "route")]
pub(in crate::config) struct RawRoute {
    /// Where they go.
    pub(in crate::config) to: Must<RawTo>,
    /// What a topic's subscribers read; text if left out. Webhooks get JSON, Datadog its own.
    pub(in crate::config) format: Option<At<Format>>,
    /// The environments that they must be about.
    pub(in crate::config) environments: Option<RawSelector>,
    /// The services that they must be about.
    #[schemars(extend("minItems" = 1))]
    pub(in crate::config) services: Option<List<At<ServiceName>>>,
    /// The kinds of notices.
    #[schemars(extend("minItems" = 1))]
    pub(in crate::config) kinds: Option<List<At<NoticeKind>>>,
    /// The least severity; notice if left out.
    pub(in crate::config) severity: Option<At<Severity>>,
}

mapping!(RawRoute, "a mapping with `to`", {
    required to,
    optional format,
    optional environments,
    optional services,
    optional kinds,
    optional severity,
});

/// Where messages go.
#[derive(Debug)]
pub(in crate::config) enum RawTo {
    /// To an SNS topic.
    Topic(At<TopicArn>),
    /// To an address that takes JSON, signed with the key of a secret.
    Webhook(At<PostUrl>, At<SecretName>),
    /// To Datadog's API, with the key of a secret.
    Datadog(At<PostUrl>, At<SecretName>),
}

impl Decode for RawTo {
    fn wanted() -> String {
        WANTED.to_owned()
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let mut fields = Fields::open(node, WANTED, log)?;
        let before = log.problems.len();
        let topic: Option<At<TopicArn>> = fields.optional("topic", log);
        let webhook: Option<At<PostUrl>> = fields.optional("webhook", log);
        let datadog: Option<At<PostUrl>> = fields.optional("datadog", log);
        let key: Option<At<SecretName>> = fields.optional("key", log);
        let spot = fields.spot(log);
        fields.finish(log);
        let is_whole = log.problems.len() == before;
        match (topic, webhook, datadog, key) {
            (Some(topic), None, None, None) => Some(Self::Topic(topic)),
            (None, Some(url), None, Some(key)) => Some(Self::Webhook(url, key)),
            (None, None, Some(url), Some(key)) => Some(Self::Datadog(url, key)),
            (Some(_), None, None, Some(key)) => {
                let problem = key.spot.error("bad-route", "a topic takes no `key`");
                log.push(problem.instead("remove `key`; Funade's role may publish to the topic"));
                None
            }
            (None, Some(_), None, None) | (None, None, Some(_), None) if is_whole => {
                let problem = spot.error("missing-key", "`key` is missing");
                log.push(problem.instead(format!("add `key`: {}", SecretName::WANTED)));
                None
            }
            (_, _, _, _) => {
                if is_whole {
                    log.push(one_of(&spot));
                }
                None
            }
        }
    }
}

fn one_of(spot: &Spot) -> crate::config::Problem {
    let message = "exactly one of `topic`, `webhook` and `datadog` must be written";
    spot.error("bad-route", message).instead(format!("write {WANTED}"))
}

impl JsonSchema for RawTo {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "to".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let with = |mut schema: Schema, description: &str| {
            schema.insert("description".into(), description.into());
            schema
        };
        json_schema!({
            "description": "Where messages go: an SNS topic, a webhook, or Datadog.",
            "type": "object",
            "properties": {
                "topic": with(TopicArn::schema(), "A standard SNS topic's ARN."),
                "webhook": with(PostUrl::schema(), "An address that JSON is posted to, signed."),
                "datadog": with(PostUrl::schema(), "The address of Datadog's API, as in \"https://api.datadoghq.eu\"."),
                "key": with(SecretName::schema(), "The secret of Secrets Manager that has the webhook's or Datadog's key."),
            },
            "additionalProperties": false,
            "oneOf": [
                {"required": ["topic"], "not": {"required": ["key"]}},
                {"required": ["webhook", "key"]},
                {"required": ["datadog", "key"]},
            ],
        })
    }
}

choices!(Format, "`text`, `amazon-q` or `json`", {
    "text" => Text,
    "amazon-q" => AmazonQ,
    "json" => Json,
});

choices!(Severity, "`notice`, `warning` or `error`", {
    "notice" => Notice,
    "warning" => Warning,
    "error" => Error,
});

impl Scalar for NoticeKind {
    const WANTED: &'static str = "a kind of notice";

    fn read(text: &str) -> Result<Self, Wrong> {
        choice(text, &Self::ALL.map(|kind| (kind.as_str(), kind)))
    }

    fn schema() -> Schema {
        choice_schema(&Self::ALL.map(|kind| (kind.as_str(), kind)))
    }
}

impl Scalar for TopicArn {
    const WANTED: &'static str =
        r#"an SNS topic's ARN, as in "arn:aws:sns:ap-northeast-1:999999999999:deploys""#;

    fn read(text: &str) -> Result<Self, Wrong> {
        if Self::is_fifo(text) {
            return Err(Wrong {
                rule: "fifo-topic",
                message: format!("`{text}` is a FIFO topic, which neither mail nor chat can read"),
                instead: "write a standard topic's ARN".to_owned(),
            });
        }
        Self::parse(text).map_err(|bad| Wrong::not(text, "bad-topic", bad.kind, bad.allowed))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^arn:aws(-[A-Za-z0-9-]*)?:sns:[a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
        })
    }
}

impl Scalar for PostUrl {
    const WANTED: &'static str = r#"an address, as in "https://hooks.example.com/funade""#;

    fn read(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).map_err(|bad| Wrong::not(text, "bad-url", bad.kind, bad.allowed))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 2048,
            "pattern": r##"^(https://[A-Za-z0-9][A-Za-z0-9.-]*|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?([/?][^\s"#<>@\\^`{|}]*)?$"##,
        })
    }
}

impl Scalar for SecretName {
    const WANTED: &'static str = "a secret's name in Secrets Manager, as in funade/webhook";

    fn read(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).map_err(|bad| Wrong::not(text, "bad-name", bad.kind, bad.allowed))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "maxLength": 512, "pattern": "^[A-Za-z0-9/_+=.@-]+$"})
    }
}
