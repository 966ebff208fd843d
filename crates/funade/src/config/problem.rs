//! A problem in the team's files: where it is, what is wrong, and what to write instead.
//!
//! Every stage of the check makes problems and goes on, so that one run tells all. They are
//! printed one a line, or sent as they are to an editor or a review.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// One thing to be put right in the files, or to be known about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the configuration can be used in spite of it.
    pub severity: Severity,
    /// The file's path below the configuration's directory.
    pub file: String,
    /// The line, from 1; none if the problem is of the whole file.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The rule that is broken, such as `unknown-key`. It does not change between releases.
    pub rule: &'static str,
    /// The place in the document, such as `environments.acme.account`; empty for its root.
    pub path: String,
    /// The value as written, if the problem is of one.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub instead: Option<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but perhaps it does not do what was meant.
    Warning,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The place in the document, as in [`Problem::path`].
    pub(super) path: String,
}

impl Spot {
    /// An error at this place.
    pub(super) fn error(&self, rule: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            file: self.file.to_string(),
            line: Some(self.line),
            column: Some(self.column),
            rule,
            path: self.path.clone(),
            value: None,
            message: message.into(),
            instead: None,
        }
    }

    /// A warning at this place.
    pub(super) fn warning(&self, rule: &'static str, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..self.error(rule, message) }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Problem {
    /// An error of a whole file.
    pub(super) fn of_file(file: &str, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: None,
            column: None,
            rule,
            path: String::new(),
            value: None,
            message: message.into(),
            instead: None,
        }
    }

    /// With the value as written.
    pub(super) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// With what to write instead.
    pub(super) fn instead(mut self, instead: impl Into<String>) -> Self {
        self.instead = Some(instead.into());
        self
    }

    /// Whether the configuration cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The order of a report: by file, then from top to bottom.
    pub(super) fn order(&self) -> impl Ord + use<> {
        (self.file.clone(), self.line, self.column, self.severity, self.rule, self.path.clone())
    }
}

impl fmt::Display for Problem {
    /// One line: `fleet.yaml:6:14: error: environments.acme.account: … [bad-account-id]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: ", self.severity)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(instead) = &self.instead {
            write!(f, "; {instead}")?;
        }
        write!(f, " [{}]", self.rule)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}
