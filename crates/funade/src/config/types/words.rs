//! Names of AWS things that only the configuration gives: parameter paths, secrets, alarms,
//! variables; and patterns over names.

use std::fmt;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};

use crate::facts::names::name;

name!(
    /// A path of Parameter Store, such as `/acme/order-api/`. AWS allows fifteen levels:
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>.
    ParameterPath,
    "a path of Parameter Store",
    "begin with a slash, use letters, digits and . _ - between slashes, at most fifteen levels",
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
    /// A `CloudWatch` alarm's name (not its ARN):
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
    AlarmName,
    "an alarm's name",
    "write the name, not the ARN, at most 255 characters",
    |text| !text.is_empty() && text.chars().count() <= 255 && !text.starts_with("arn:")
);

name!(
    /// The name of an environment variable.
    VariableName,
    "an environment variable's name",
    "use letters, digits and underscores, not beginning with a digit",
    |text| is_of(text, "_", 255) && !text.starts_with(|letter: char| letter.is_ascii_digit())
);

/// A glob over the names of parameters below a path. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NamePattern(Arc<GlobMatcher>);

impl NamePattern {
    /// Takes the text as a glob; the error is its reason, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
        Ok(Self(Arc::new(glob.compile_matcher())))
    }

    /// Whether a name below the path matches. `*` goes over slashes.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Eq for NamePattern {}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.glob().glob())
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
    levels.len() <= 15 && levels.iter().all(|level| is_of(level, "._-", 1011))
}
