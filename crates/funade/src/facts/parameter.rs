//! Parameters of Parameter Store and secrets of Secrets Manager, as a deployer needs them: names,
//! ARNs and versions, and the values of those that are no secret.
//!
//! They come from the ports, whole or not at all. Invariant: no type here has a place for the
//! value of a `SecureString` or of a secret, so none can be kept, logged or sent.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::facts::names::{Place, name};

name!(
    /// A parameter's full name, such as `/acme/order-api/LOG_LEVEL`; outside of any path,
    /// `LOG_LEVEL`.
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>.
    ParameterName,
    "a parameter's name",
    "use letters, digits and / . _ -, at most 2048",
    |text| is_of(text, "/._-", 2048)
);

name!(
    /// A path of Parameter Store, such as `/acme/order-api/`. AWS allows fifteen levels:
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>.
    ParameterPath,
    "a path of Parameter Store",
    "begin with a slash, use letters, digits and . _ - between slashes, at most fifteen levels and 1011 characters",
    is_parameter_path
);

name!(
    /// A secret's name in Secrets Manager (not its ARN, which ends in random letters):
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
    SecretName,
    "a secret's name",
    "use letters, digits and / _ + = . @ -, at most 512; the name, not the ARN",
    |text| is_of(text, "/_+=.@-", 512)
);

name!(
    /// The name of an environment variable.
    VariableName,
    "an environment variable's name",
    "use letters, digits and underscores, not beginning with a digit",
    |text| is_of(text, "_", 255) && !text.starts_with(|letter: char| letter.is_ascii_digit())
);

name!(
    /// A key of a secret's JSON. It stands between the colons of a reference, so it has none:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html>.
    JsonKey,
    "a key of a secret's JSON",
    "write one key, without a colon",
    |text| !text.is_empty() && !text.contains(':')
);

impl ParameterPath {
    /// The same path ending in a slash, so that it is the beginning of what is below it and of
    /// nothing else: `/acme/order-api/` is not that of `/acme/order-api-v2/PORT`.
    #[must_use]
    pub fn closed(self) -> Self {
        if self.as_str().ends_with('/') { self } else { Self(format!("{self}/")) }
    }

    /// The rest of a parameter's name, if that is below this path.
    #[must_use]
    pub fn below<'name>(&self, name: &'name ParameterName) -> Option<&'name str> {
        let path = self.as_str().strip_suffix('/').unwrap_or(self.as_str());
        let rest = name.as_str().strip_prefix(path)?.strip_prefix('/')?;
        (!rest.is_empty()).then_some(rest)
    }
}

/// A parameter, read without decryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its full name.
    pub name: ParameterName,
    /// Its ARN.
    pub arn: String,
    /// Its version: 1 at first, and one more with each write. Deleted and written again, it begins
    /// at 1.
    pub version: u64,
    /// When this version was written, to the second.
    pub written_at: Timestamp,
    /// What it says.
    pub value: ParameterValue,
}

/// What a parameter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// The text of a `String`, or of a `StringList` with its commas.
    Plain(String),
    /// A `SecureString`: only whoever runs the task reads it.
    Secure,
}

/// The version of a secret that has the label AWSCURRENT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSecret {
    /// The secret's ARN.
    pub arn: String,
    /// The version's id.
    pub version: String,
}

/// All that the paths and secrets of a target hold, at one time: read to the last page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stores {
    /// The parameters below each path, by name.
    pub paths: BTreeMap<ParameterPath, BTreeMap<ParameterName, Parameter>>,
    /// The secrets; `None` for one that is not there, or has no current version.
    pub secrets: BTreeMap<SecretName, Option<CurrentSecret>>,
}

/// Something whose changes concern those who read it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub what: WatchedName,
}

/// A path or a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchedName {
    /// The parameters below a path.
    Path {
        /// The path.
        path: ParameterPath,
        /// Tells apart those who take different names below it; empty for all names.
        filter: String,
    },
    /// A secret.
    Secret(SecretName),
}

/// A change of something that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// When we were told.
    pub at: Timestamp,
    /// The id of the event that told us.
    pub cause: String,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            WatchedName::Path { path, filter } if filter.is_empty() => {
                write!(f, "{path} in {}", self.place)
            }
            WatchedName::Path { path, .. } => write!(f, "a part of {path} in {}", self.place),
            WatchedName::Secret(secret) => write!(f, "secret {secret} in {}", self.place),
        }
    }
}

fn is_of(text: &str, others: &str, length_max: usize) -> bool {
    !text.is_empty()
        && text.len() <= length_max
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}

fn is_parameter_path(text: &str) -> bool {
    let Some(below) = text.strip_prefix('/') else { return false };
    let levels: Vec<&str> = below.strip_suffix('/').unwrap_or(below).split('/').collect();
    text.len() <= 1011 && levels.len() <= 15 && levels.iter().all(|level| is_of(level, "._-", 1011))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_beginning_of_what_is_below_it_and_of_nothing_else() {
        let name = |text: &str| ParameterName::parse(text).expect("well-formed");
        for path in ["/acme/order-api/", "/acme/order-api"] {
            let path = ParameterPath::parse(path).expect("well-formed");
            for path in [path.clone(), path.closed()] {
                assert_eq!(path.below(&name("/acme/order-api/PORT")), Some("PORT"));
                assert_eq!(path.below(&name("/acme/order-api/db/url")), Some("db/url"));
                for other in ["/acme/order-api-v2/PORT", "/acme/order-api", "/acme/order-api/"] {
                    assert_eq!(path.below(&name(other)), None, "{other}");
                }
                assert_eq!(path.below(&name("PORT")), None);
            }
        }
    }
}
