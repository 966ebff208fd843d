//! Why a target's variables cannot be written into its task definition: typed for us, a sentence
//! that says what to do for a person.

use std::fmt;

use crate::facts::names::{ContainerName, Place};
use crate::facts::parameter::{ParameterName, ParameterPath, SecretName, VariableName};
use crate::facts::task_definition::{DOCUMENT_BYTES_MAX, Part};

/// One reason. All of them are told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationProblem {
    /// A parameter's name gives no variable's name.
    BadName {
        /// The parameter.
        parameter: ParameterName,
        /// What its name gives.
        gives: String,
    },
    /// Two parameters of one entry give one variable.
    SameName {
        /// The variable.
        variable: VariableName,
        /// The parameters.
        parameters: [ParameterName; 2],
    },
    /// The secret is not there, or has no current version.
    SecretMissing {
        /// Its name.
        secret: SecretName,
        /// Where it should be.
        place: Place,
    },
    /// A container that should get variables is not in the task definition.
    ContainerMissing {
        /// The container.
        container: ContainerName,
        /// The containers that there are.
        has: Vec<String>,
    },
    /// The path has no parameter left, and what runs has variables from it.
    Emptied {
        /// The path.
        path: ParameterPath,
        /// Where it is.
        place: Place,
        /// How many variables would go.
        variables: usize,
    },
    /// Some variables are read by the execution role, and the task definition names none.
    NoExecutionRole {
        /// Those variables.
        variables: Vec<VariableName>,
    },
    /// ECS would refuse the task definition for its size.
    TooLarge {
        /// Its size.
        bytes: usize,
        /// Its largest parts.
        parts: Vec<Part>,
    },
}

impl fmt::Display for ConfigurationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName { parameter, gives } => write!(
                f,
                "`{parameter}` would be the variable `{gives}`, and a variable's name has letters, \
                 digits and underscores only, not beginning with a digit; rename it, `exclude` it, \
                 or write names: upper-snake"
            ),
            Self::SameName { variable, parameters: [a, b] } => write!(
                f,
                "`{a}` and `{b}` both give the variable {variable}; delete, rename or `exclude` \
                 one of them"
            ),
            Self::SecretMissing { secret, place } => write!(
                f,
                "there is no secret `{secret}` with a current version in {place}; create it, or \
                 correct `secrets` in the service's file"
            ),
            Self::ContainerMissing { container, has } => write!(
                f,
                "its task definition has no container `{container}` to take variables, only {}; \
                 correct `into` in the service's file or override it for this environment",
                has.join(", ")
            ),
            Self::Emptied { path, place, variables } => write!(
                f,
                "there is no parameter below {path} in {place} any more, and what runs has \
                 {} from there, which would all go; write them again, or, if they should go, take \
                 the path out of the service's file",
                count(*variables)
            ),
            Self::NoExecutionRole { variables } => write!(
                f,
                "its task definition has no `executionRoleArn`, without which ECS cannot read {}; \
                 give it one that may read them",
                list(variables)
            ),
            Self::TooLarge { bytes, parts } => {
                let parts = parts.iter().map(|part| format!("{} {}", part.what, kib(part.bytes)));
                write!(
                    f,
                    "the task definition would have {}, and ECS takes {}; the largest parts are \
                     {}; shorten them, or keep them in a file that the container fetches",
                    kib(*bytes),
                    kib(DOCUMENT_BYTES_MAX),
                    parts.collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}

/// "1 variable", "2 variables".
pub(super) fn count(variables: usize) -> String {
    if variables == 1 { "1 variable".to_owned() } else { format!("{variables} variables") }
}

/// The first few names, and how many more there are.
pub(super) fn list<T: fmt::Display>(names: &[T]) -> String {
    /// A sentence with more is a table.
    const NAMED_MAX: usize = 5;
    let first: Vec<String> = names.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn kib(bytes: usize) -> String {
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let tenths = bytes * 10 / 1024;
    format!("{}.{} KiB", tenths / 10, tenths % 10)
}
