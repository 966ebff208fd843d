//! Which variables a target's containers have from which version of what: its configuration.
//!
//! Not the team's files, which are [`crate::config`]. It is written down in two places: in the
//! ledger with each deploy, and in the task definition itself, as two Docker labels of each
//! container. So a revision says on its own, whoever brings it back, which variables are ours and
//! from which versions they were made. Labels and not tags: a revision has fifty tags of 256
//! letters at most, and a service may read hundreds of parameters.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::names::ContainerName;
use crate::facts::parameter::{JsonKey, ParameterName, SecretName, VariableName};

/// The label with the variables from Parameter Store: by directory, the variable and the version;
/// or, where the variable is not named as the parameter, the parameter's last part and version;
/// for a `SecureString` these and when it was written, in seconds since 1970.
/// `{"/acme/order-api/":{"LOG_LEVEL":3,"DB_URL":"db-url:1","KEY":"KEY:2@1795330000"}}`. Grouped, since it counts towards
/// the 64 KiB of a task definition.
pub const PARAMETERS_LABEL: &str = "funade.parameters";

/// The label with the variables from Secrets Manager.
pub const SECRETS_LABEL: &str = "funade.secrets";

/// The variables that were made from parameters and secrets, by container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration(pub BTreeMap<ContainerName, Sources>);

/// Where each variable of a container comes from.
pub type Sources = BTreeMap<VariableName, Source>;

/// Where a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A parameter.
    Parameter {
        /// Its name.
        name: ParameterName,
        /// Its version.
        version: u64,
        /// Of a `SecureString`, when that was written, to the second: deleted and written again it
        /// has version 1 once more, and another value.
        written_at: Option<Timestamp>,
    },
    /// A secret.
    Secret {
        /// Its name.
        name: SecretName,
        /// The id of its version.
        version: String,
        /// The key in its JSON, if one is meant.
        json_key: Option<JsonKey>,
    },
}

impl Source {
    /// The version, as people write it.
    #[must_use]
    pub fn version(&self) -> String {
        match self {
            Self::Parameter { version, .. } => version.to_string(),
            Self::Secret { version, .. } => version.clone(),
        }
    }
}

impl fmt::Display for Source {
    /// The parameter's or secret's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, .. } => name.fmt(f),
            Self::Secret { name, json_key: None, .. } => write!(f, "secret {name}"),
            Self::Secret { name, json_key: Some(key), .. } => write!(f, "secret {name} ({key})"),
        }
    }
}

/// The labels that say where variables come from; `None` for one that says nothing.
#[must_use]
pub fn to_labels(sources: &Sources) -> [(&'static str, Option<String>); 2] {
    let mut parameters = ParametersLabel::new();
    let mut secrets = SecretsLabel::new();
    for (variable, source) in sources {
        match source {
            Source::Parameter { name, version, written_at } => {
                let (directory, last) = split(name);
                let entry = match written_at {
                    None if last == variable.as_str() => ParameterEntry::Same(*version),
                    None => ParameterEntry::Other(format!("{last}:{version}")),
                    Some(at) => {
                        ParameterEntry::Other(format!("{last}:{version}@{}", at.as_second()))
                    }
                };
                let group = parameters.entry(directory.to_owned()).or_default();
                group.insert(variable.clone(), entry);
            }
            Source::Secret { name, version, json_key } => {
                let (secret, version, key) = (name.clone(), version.clone(), json_key.clone());
                secrets.insert(variable.clone(), SecretEntry { secret, version, key });
            }
        }
    }
    [(PARAMETERS_LABEL, to_label(&parameters)), (SECRETS_LABEL, to_label(&secrets))]
}

/// Reads the labels. One that was not written by us says nothing: then none of the variables are
/// ours, and none is removed.
#[must_use]
pub fn from_labels(parameters: Option<&str>, secrets: Option<&str>) -> Sources {
    let parameters: ParametersLabel =
        parameters.and_then(|label| serde_json::from_str(label).ok()).unwrap_or_default();
    let secrets: SecretsLabel =
        secrets.and_then(|label| serde_json::from_str(label).ok()).unwrap_or_default();
    let parameters = parameters.into_iter().flat_map(|(directory, group)| {
        group.into_iter().filter_map(move |(variable, entry)| {
            let (last, version, written_at) = match &entry {
                ParameterEntry::Same(version) => (variable.as_str(), *version, None),
                ParameterEntry::Other(text) => read_entry(text)?,
            };
            let name = ParameterName::parse(format!("{directory}{last}")).ok()?;
            Some((variable, Source::Parameter { name, version, written_at }))
        })
    });
    let secrets = secrets.into_iter().map(|(variable, SecretEntry { secret, version, key })| {
        (variable, Source::Secret { name: secret, version, json_key: key })
    });
    parameters.chain(secrets).collect()
}

type ParametersLabel = BTreeMap<String, BTreeMap<VariableName, ParameterEntry>>;

type SecretsLabel = BTreeMap<VariableName, SecretEntry>;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ParameterEntry {
    Same(u64),
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct SecretEntry {
    secret: SecretName,
    version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<JsonKey>,
}

fn to_label<K: Serialize, V: Serialize>(label: &BTreeMap<K, V>) -> Option<String> {
    let text = || serde_json::to_string(label).expect("text and numbers are always JSON");
    (!label.is_empty()).then(text)
}

/// Reads `LAST:VERSION` or `LAST:VERSION@SECONDS`.
fn read_entry(text: &str) -> Option<(&str, u64, Option<Timestamp>)> {
    let (last, version) = text.rsplit_once(':')?;
    let (version, written_at) = match version.split_once('@') {
        None => (version, None),
        Some((version, at)) => (version, Some(Timestamp::from_second(at.parse().ok()?).ok()?)),
    };
    Some((last, version.parse().ok()?, written_at))
}

/// A name's directory, with its slash, and the rest.
fn split(name: &ParameterName) -> (&str, &str) {
    let name = name.as_str();
    name.split_at(name.rfind('/').map_or(0, |slash| slash + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(text: &str) -> VariableName {
        VariableName::parse(text).expect("well-formed")
    }

    #[test]
    fn labels_read_back_as_written() {
        let parameter = |name: &str, version| Source::Parameter {
            name: ParameterName::parse(name).expect("well-formed"),
            version,
            written_at: None,
        };
        let secure = Source::Parameter {
            name: ParameterName::parse("/acme/order-api/KEY").expect("well-formed"),
            version: 2,
            written_at: Some(Timestamp::from_second(1_795_330_000).expect("a moment")),
        };
        let secret = |key: Option<&str>| Source::Secret {
            name: SecretName::parse("acme/order-api/database").expect("well-formed"),
            version: "a1b2c3d4".to_owned(),
            json_key: key.map(|key| JsonKey::parse(key).expect("well-formed")),
        };
        let sources = BTreeMap::from([
            (variable("DB_URL"), parameter("/acme/order-api/db/url", 1)),
            (variable("KEY"), secure),
            (variable("LOG_LEVEL"), parameter("/acme/order-api/LOG_LEVEL", 3)),
            (variable("REGION"), parameter("/common/REGION", 12)),
            (variable("DB_PASSWORD"), secret(Some("pass word \"x\""))),
            (variable("DB_USER"), secret(None)),
        ]);
        let [(_, parameters), (_, secrets)] = to_labels(&sources);
        assert_eq!(
            parameters.as_deref(),
            Some(concat!(
                r#"{"/acme/order-api/":{"KEY":"KEY:2@1795330000","LOG_LEVEL":3},"/acme/order-api/db/":{"DB_URL":"url:1"},"#,
                r#""/common/":{"REGION":12}}"#
            ))
        );
        assert_eq!(from_labels(parameters.as_deref(), secrets.as_deref()), sources);
    }

    #[test]
    fn what_we_did_not_write_says_nothing() {
        for label in ["", "x", "[]", r#"{"/a/":{"B":"no version"}}"#, r#"{"/a/":{"B":"b:x"}}"#] {
            assert_eq!(from_labels(Some(label), Some(label)), Sources::new(), "{label}");
        }
        assert_eq!(to_labels(&Sources::new()).map(|(_, label)| label), [None, None]);
    }
}
