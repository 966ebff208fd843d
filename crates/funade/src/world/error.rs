//! A call to a port that failed.

use std::error::Error;
use std::fmt;

/// Which call failed, on what, and whether trying again can help.
#[derive(Debug)]
pub struct CallError {
    /// The operation, as AWS names it.
    pub operation: &'static str,
    /// What it was about: a target's service, a ledger's record.
    pub subject: String,
    /// What went wrong.
    pub problem: CallProblem,
    /// What the port says.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProblem {
    /// Too many calls: nothing was done.
    Throttled,
    /// No answer, or the other side's own error. Whether anything was done is not known.
    NoAnswer,
    /// The record has changed since it was read: nothing was done.
    Conflict,
    /// A limit of the service is reached, as for deployments under way: nothing was done, and it
    /// passes by itself.
    LimitReached,
    /// Denied or invalid: nothing was done, and trying again changes nothing.
    Refused,
    /// The role that is assumed in the account may not be, so that no call can be made there.
    NoRole,
}

impl CallError {
    /// Whether the same call may succeed when it is tried again after a fresh look.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.problem {
            CallProblem::Throttled
            | CallProblem::NoAnswer
            | CallProblem::Conflict
            | CallProblem::LimitReached => true,
            CallProblem::Refused | CallProblem::NoRole => false,
        }
    }

    /// The error with all its sources, in one line: what a person is told.
    #[must_use]
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let next = error.to_string();
            if !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            source = error.source();
        }
        text
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.problem {
            CallProblem::Throttled => "was throttled",
            CallProblem::NoAnswer => "got no answer",
            CallProblem::Conflict => "met a newer record",
            CallProblem::LimitReached => "met a limit of the service",
            CallProblem::Refused | CallProblem::NoRole => "was refused",
        };
        write!(f, "{} of {} {what}", self.operation, self.subject)
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
