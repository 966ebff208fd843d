//! Single values of the files: names, numbers and words, each read from its text.
//!
//! Input: the text as written, quotes resolved. Output: the value, or the rule that it breaks
//! with what to write instead. Each kind also gives its JSON Schema, so that an editor refuses
//! what the decoder refuses.

use schemars::{Schema, json_schema};

use super::nearest::hint;
use crate::facts::names::{
    AccountId, BadName, ClusterName, ContainerName, EcsServiceName, EnvironmentName, Region,
    RepositoryName, ServiceName,
};

/// A kind of single value.
pub(super) trait Scalar: Sized {
    /// What is wanted, with its article, to follow "write".
    const WANTED: &'static str;

    /// Reads the text.
    fn read(text: &str) -> Result<Self, Wrong>;

    /// What a JSON Schema can say of it.
    fn schema() -> Schema;
}

/// Why a text is not the value wanted.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) instead: String,
}

impl Wrong {
    /// The plain case: the text is not such a value.
    pub(super) fn not(
        text: &str,
        rule: &'static str,
        kind: &str,
        instead: impl Into<String>,
    ) -> Self {
        Self { rule, message: format!("`{text}` is not {kind}"), instead: instead.into() }
    }

    fn name(rule: &'static str, bad: &BadName) -> Self {
        Self::not(&bad.given, rule, bad.kind, bad.allowed)
    }
}

/// Names that `facts` knows: their form is checked there.
macro_rules! names {
    ($($name:ident, $rule:literal, $wanted:literal, $schema:tt;)+) => {$(
        impl Scalar for $name {
            const WANTED: &'static str = $wanted;

            fn read(text: &str) -> Result<Self, Wrong> {
                Self::parse(text).map_err(|bad| Wrong::name($rule, &bad))
            }

            fn schema() -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

names! {
    AccountId, "bad-account-id", r#"an account id in quotes, as in "111111111111""#,
        {"type": ["string", "integer"], "pattern": "^[0-9]{12}$"};
    Region, "bad-region", "a region, as in ap-northeast-1",
        {"type": "string", "pattern": "^[a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2}$"};
    EnvironmentName, "bad-name", "an environment's name",
        {"type": "string", "maxLength": 60, "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"};
    ServiceName, "bad-name", "a service's name",
        {"type": "string", "maxLength": 60, "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"};
    ClusterName, "bad-name", "an ECS cluster's name",
        {"type": ["string", "integer"], "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"};
    EcsServiceName, "bad-name", "an ECS service's name",
        {"type": ["string", "integer"], "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"};
    ContainerName, "bad-name", "a container's name",
        {"type": ["string", "integer"], "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"};
    RepositoryName, "bad-name", "an ECR repository's name, as in shop/order-api",
        {"type": "string", "minLength": 2, "maxLength": 256,
         "pattern": "^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"};
}

/// A wave's name, as approvals and notices speak of it.
#[derive(Debug, Clone)]
pub(super) struct WaveName(pub(super) String);

/// A label's name.
#[derive(Debug, Clone)]
pub(super) struct LabelName(pub(super) String);

/// A label's value, or one to compare it with.
#[derive(Debug, Clone)]
pub(super) struct LabelValue(pub(super) String);

impl Scalar for WaveName {
    const WANTED: &'static str = "a wave's name";

    fn read(text: &str) -> Result<Self, Wrong> {
        let instead = "use letters, digits, dashes and underscores, at most 60";
        if is_word(text, "-_", 60) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong::not(text, "bad-name", "a wave's name", instead))
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": ["string", "integer"], "maxLength": 60, "pattern": "^[A-Za-z0-9_-]+$"})
    }
}

impl Scalar for LabelName {
    const WANTED: &'static str = "a label's name";

    fn read(text: &str) -> Result<Self, Wrong> {
        let instead = "use letters, digits, dashes, dots and underscores, at most 60";
        if is_word(text, "-_.", 60) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong::not(text, "bad-name", "a label's name", instead))
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "maxLength": 60, "pattern": "^[A-Za-z0-9_.-]+$"})
    }
}

impl Scalar for LabelValue {
    const WANTED: &'static str = "a label's value";

    fn read(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() {
            return Err(Wrong::not(text, "bad-name", Self::WANTED, "write at least one letter"));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({"type": ["string", "number", "boolean"], "minLength": 1})
    }
}

impl Scalar for String {
    const WANTED: &'static str = "text";

    fn read(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    fn schema() -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl Scalar for bool {
    const WANTED: &'static str = "true or false";

    fn read(text: &str) -> Result<Self, Wrong> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Wrong::not(text, "bad-choice", Self::WANTED, "write true or false")),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "boolean"})
    }
}

impl Scalar for u32 {
    const WANTED: &'static str = "a whole number";

    fn read(text: &str) -> Result<Self, Wrong> {
        let not = |_| Wrong::not(text, "bad-number", Self::WANTED, "write a number such as 0 or 2");
        text.parse().map_err(not)
    }

    fn schema() -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": u32::MAX})
    }
}

/// One of a few words; the error names them.
pub(super) fn choice<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, Wrong> {
    choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
        let words = choices.iter().map(|(word, _)| *word);
        let message = format!("`{text}` is not a choice here");
        Wrong { rule: "bad-choice", message, instead: hint(text, "choices", words) }
    })
}

/// The schema of one of a few words.
pub(super) fn choice_schema<T>(choices: &[(&'static str, T)]) -> Schema {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    json_schema!({"type": "string", "enum": words})
}

fn is_word(text: &str, others: &str, length_max: usize) -> bool {
    !text.is_empty()
        && text.len() <= length_max
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}
