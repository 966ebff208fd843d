//! Names and ids, each a type of its own, so that one cannot stand where another belongs.
//!
//! They come from the team's files, from events and from AWS; `parse` checks what AWS says
//! about their form, so that whoever holds one need not check again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Text that is not a well-formed name. Says what was given, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {kind}: {allowed}")]
pub struct BadName {
    /// What kind of name was wanted, with its article: "an account id".
    pub kind: &'static str,
    /// The text as given.
    pub given: String,
    /// The rule that it breaks, as a sentence that says what to write instead.
    pub allowed: &'static str,
}

/// A name as a type of its own: text, and the check that makes it well-formed.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $allowed:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text and takes it as a name.
            pub fn parse(text: impl Into<String>) -> Result<Self, $crate::facts::names::BadName> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err($crate::facts::names::BadName { kind: $kind, given: text, allowed: $allowed })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::facts::names::BadName;
            fn from_str(text: &str) -> Result<Self, $crate::facts::names::BadName> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::facts::names::BadName;
            fn try_from(text: String) -> Result<Self, $crate::facts::names::BadName> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

pub(crate) use name;

name!(
    /// A twelve-digit AWS account id.
    AccountId,
    "an account id",
    "write its twelve digits in quotes, as in \"111111111111\"",
    |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
);

name!(
    /// An AWS region, such as `ap-northeast-1`. The form is checked, not the list: AWS adds
    /// regions faster than tools are released.
    Region,
    "a region",
    "write its code, as in ap-northeast-1",
    is_region
);

name!(
    /// One tenant's home, as the fleet names it.
    EnvironmentName,
    "an environment's name",
    "use lower-case letters, digits and single dashes, beginning with a letter, at most 60",
    is_label
);

name!(
    /// A microservice, as the fleet names it.
    ServiceName,
    "a service's name",
    "use lower-case letters, digits and single dashes, beginning with a letter, at most 60",
    is_label
);

name!(
    /// An ECS cluster's name (not its ARN).
    ClusterName,
    "a cluster's name",
    "use letters, digits, dashes and underscores, at most 255; the name, not the ARN",
    is_ecs_name
);

name!(
    /// An ECS service's name (not its ARN).
    EcsServiceName,
    "an ECS service's name",
    "use letters, digits, dashes and underscores, at most 255; the name, not the ARN",
    is_ecs_name
);

name!(
    /// A container's name within a task definition.
    ContainerName,
    "a container's name",
    "use letters, digits, dashes and underscores, at most 255",
    is_ecs_name
);

name!(
    /// An ECR repository's name within its registry, such as `shop/order-api`.
    RepositoryName,
    "an ECR repository's name",
    "write it without registry and tag, as in shop/order-api: lower-case letters, digits, and . _ - / between them, 2 to 256",
    is_repository
);

name!(
    /// An image tag, such as `1.4.2`.
    Tag,
    "an image tag",
    "use letters, digits, dots, dashes and underscores, not beginning with a dot or dash, at most 128",
    |text| {
        text.len() <= 128
            && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    }
);

name!(
    /// The digest of an image's manifest, `sha256:` and 64 hexadecimal digits.
    Digest,
    "an image digest",
    "write sha256: and 64 hexadecimal digits",
    |text| {
        text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
);

name!(
    /// A task definition revision's ARN.
    RevisionArn,
    "a task definition's ARN",
    "it begins with arn: and ends in task-definition/FAMILY:REVISION",
    |text| text.starts_with("arn:") && text.contains(":task-definition/")
);

name!(
    /// The id of an ECS deployment, such as `ecs-svc/2757582648257641111`. It is the same in
    /// `DescribeServices`, in events and in a task's `startedBy`.
    DeploymentId,
    "an ECS deployment's id",
    "it is not empty, as in ecs-svc/2757582648257641111",
    |text| !text.is_empty()
);

name!(
    /// An entry of ECS's history of a service: what `StopServiceDeployment` takes. Not the
    /// deployment's id.
    ServiceDeploymentArn,
    "a service deployment's ARN",
    "it begins with arn: and has :service-deployment/ in it",
    |text| text.starts_with("arn:") && text.contains(":service-deployment/")
);

name!(
    /// A `CloudWatch` alarm's name (not its ARN):
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
    AlarmName,
    "an alarm's name",
    "write the name, not the ARN, at most 255 characters",
    |text| !text.is_empty() && text.chars().count() <= 255 && !text.starts_with("arn:")
);

impl Digest {
    /// The first twelve hexadecimal digits: enough for a person to tell two images apart.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0["sha256:".len()..][..12]
    }
}

impl RevisionArn {
    /// Whether it is of this account and region.
    #[must_use]
    pub fn is_in(&self, place: &Place) -> bool {
        let mut parts = self.0.split(':').skip(3);
        parts.next() == Some(place.region.as_str()) && parts.next() == Some(place.account.as_str())
    }

    /// `FAMILY:REVISION`, as people and the console write it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The family, without the revision.
    #[must_use]
    pub fn family(&self) -> &str {
        let short = self.short();
        short.rsplit_once(':').map_or(short, |(family, _)| family)
    }
}

fn is_label(text: &str) -> bool {
    text.len() <= 60
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_ecs_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_repository(text: &str) -> bool {
    (2..=256).contains(&text.len())
        && text.split('/').all(|part| {
            part.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && part.bytes().last().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        })
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    words.len() >= 2
        && words.iter().all(|word| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase()))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// A service in an environment, written `acme/order-api`: one ECS service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetId {
    /// The environment it is in.
    pub environment: EnvironmentName,
    /// The service that it is of.
    pub service: ServiceName,
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment, self.service)
    }
}

impl FromStr for TargetId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            kind: "a target",
            given: text.to_owned(),
            allowed: "write ENVIRONMENT/SERVICE, as in acme/order-api",
        };
        let (environment, service) = text.split_once('/').ok_or_else(bad)?;
        Ok(Self {
            environment: EnvironmentName::parse(environment).map_err(|_| bad())?,
            service: ServiceName::parse(service).map_err(|_| bad())?,
        })
    }
}

impl TryFrom<String> for TargetId {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> String {
        id.to_string()
    }
}

/// An account and a region in it: where calls go, and what AWS's rate limits are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}
