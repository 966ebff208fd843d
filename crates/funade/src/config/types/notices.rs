//! Who is told of what: the routes that messages take.

use std::collections::BTreeSet;

use crate::facts::finding::Severity;
use crate::facts::names::{EnvironmentName, ServiceName, name};
use crate::facts::notice::NoticeKind;
use crate::facts::parameter::SecretName;

name!(
    /// A standard SNS topic's ARN. Its name has letters, digits, `-` and `_`, at most 256:
    /// <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>. Nobody can read mail or
    /// chat from a FIFO topic, whose name ends in `.fifo`:
    /// <https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html>.
    TopicArn,
    "an SNS topic's ARN",
    "write arn:aws:sns:REGION:ACCOUNT:NAME, as in arn:aws:sns:ap-northeast-1:999999999999:deploys",
    is_topic
);

name!(
    /// An address that messages are posted to: `https`, or `http` on this very machine. It has no
    /// place for a password: whoever may read the configuration may read it.
    PostUrl,
    "an address to post to",
    "write https://HOST/PATH, without a user, a password or a fragment; http:// only goes to 127.0.0.1 and localhost",
    is_post_url
);

/// Where messages go, and which notices go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where they go.
    pub to: RouteTo,
    /// The environments that they must be about; `None` for all, those to come and gone included.
    pub environments: Option<BTreeSet<EnvironmentName>>,
    /// The services that they must be about; `None` for all.
    pub services: Option<BTreeSet<ServiceName>>,
    /// The kinds of notices that go there.
    pub kinds: BTreeSet<NoticeKind>,
    /// The least severity that goes there.
    pub severity: Severity,
}

/// Where a route goes, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTo {
    /// An SNS topic.
    Topic {
        /// The topic.
        arn: TopicArn,
        /// What its subscribers read.
        format: Format,
    },
    /// An address that takes JSON, signed.
    Webhook {
        /// The address.
        url: PostUrl,
        /// The secret that has the key.
        key: SecretName,
    },
    /// Datadog's API.
    Datadog {
        /// The API's address, without a path's slash at its end.
        url: PostUrl,
        /// The secret that has the API key.
        key: SecretName,
    },
}

/// What a topic's subscribers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Format {
    /// Plain text, for mail.
    #[default]
    Text,
    /// Custom notifications of Amazon Q Developer in chat applications.
    AmazonQ,
    /// JSON, for machines.
    Json,
}

impl TopicArn {
    /// Whether a text that is no such ARN names a FIFO topic.
    pub(in crate::config) fn is_fifo(text: &str) -> bool {
        text.strip_suffix(".fifo").is_some_and(is_topic)
    }
}

fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [arn, partition, service, region, account, name] = parts.as_slice() else { return false };
    let is_of = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    *arn == "arn"
        && (*partition == "aws" || partition.starts_with("aws-") && is_of(partition, "-"))
        && *service == "sns"
        && crate::facts::names::Region::parse(*region).is_ok()
        && crate::facts::names::AccountId::parse(*account).is_ok()
        && is_of(name, "-_")
        && name.len() <= 256
}

fn is_post_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let is_clean = rest.chars().all(|c| c.is_ascii_graphic() && !"\"#<>@\\^`{|}".contains(c));
    let may_go = match scheme {
        "https" => true,
        "http" => host == "127.0.0.1" || host == "localhost",
        _ => false,
    };
    may_go && is_host && is_port && is_clean && text.len() <= 2048
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_standard_and_whole() {
        for good in [
            "arn:aws:sns:ap-northeast-1:999999999999:deploys",
            "arn:aws-cn:sns:cn-north-1:999999999999:Ops_mail-2",
        ] {
            assert!(is_topic(good), "{good}");
        }
        for bad in [
            "",
            "deploys",
            "arn:aws:sqs:ap-northeast-1:999999999999:deploys",
            "arn:aws:sns:tokyo:999999999999:deploys",
            "arn:aws:sns:ap-northeast-1:99:deploys",
            "arn:aws:sns:ap-northeast-1:999999999999:",
            "arn:aws:sns:ap-northeast-1:999999999999:deploys:subscription",
            "arn:aws:sns:ap-northeast-1:999999999999:deploys.fifo",
        ] {
            assert!(!is_topic(bad), "{bad}");
        }
        assert!(TopicArn::is_fifo("arn:aws:sns:ap-northeast-1:999999999999:deploys.fifo"));
        assert!(!TopicArn::is_fifo("deploys.fifo"));
    }

    #[test]
    fn addresses_are_encrypted_or_of_this_machine() {
        for good in [
            "https://hooks.example.com/funade",
            "https://api.datadoghq.eu",
            "https://hooks.example.com:8443/a?b=c",
            "http://127.0.0.1:8080/hook",
            "http://localhost",
        ] {
            assert!(is_post_url(good), "{good}");
        }
        for bad in [
            "",
            "hooks.example.com",
            "http://hooks.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "https://dana:secret@hooks.example.com",
            "https://",
            "https:///path",
            "https://hooks.example.com:0",
            "https://hooks.example.com:https",
            "https://hooks.example.com/a b",
            "https://hooks.example.com/#there",
            "ftp://hooks.example.com",
        ] {
            assert!(!is_post_url(bad), "{bad}");
        }
    }
}
