//! Settings from the environment: what the template gives to the functions, and an operator to
//! the command line.

use funade::facts::names::{AccountId, BadName, Region};

/// Where the ledger and the queues are, and who we are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `FUNADE_TABLE`: the ledger's table.
    pub table: String,
    /// `FUNADE_WAKE_QUEUE_URL`: the FIFO queue that starts passes.
    pub wake_queue_url: String,
    /// `FUNADE_LATER_QUEUE_URL`: the queue whose messages are delayed.
    pub later_queue_url: String,
    /// `FUNADE_ACCOUNT`: the hub's account. Calls to it need no other role.
    pub account: AccountId,
    /// `AWS_REGION`: the hub's region.
    pub region: Region,
    /// The role to assume in every other account: for a function `FUNADE_MEMBER_ROLE`, or
    /// `funade-member`; for an operator `FUNADE_OPERATOR_ROLE`, or `funade-operator`, which can
    /// only look.
    pub member_role: String,
    /// `AWS_ENDPOINT_URL`: one endpoint for all of AWS, for a local stack. The real ones unless
    /// set.
    pub endpoint_url: Option<String>,
}

/// A setting that is missing or malformed.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// It is not in the environment.
    #[error("the environment has no {0}; the stack's outputs have its value")]
    Missing(&'static str),
    /// It is not well-formed.
    #[error("{0}")]
    Malformed(#[from] BadName),
}

impl Settings {
    /// Reads them, for a function.
    pub fn of_function() -> Result<Self, BadSetting> {
        Self::with_role("FUNADE_MEMBER_ROLE", "funade-member")
    }

    /// Reads them, for an operator.
    pub fn of_operator() -> Result<Self, BadSetting> {
        Self::with_role("FUNADE_OPERATOR_ROLE", "funade-operator")
    }

    fn with_role(role: &str, default_role: &str) -> Result<Self, BadSetting> {
        Ok(Self {
            table: required("FUNADE_TABLE")?,
            wake_queue_url: required("FUNADE_WAKE_QUEUE_URL")?,
            later_queue_url: required("FUNADE_LATER_QUEUE_URL")?,
            account: AccountId::parse(required("FUNADE_ACCOUNT")?)?,
            region: Region::parse(required("AWS_REGION")?)?,
            member_role: optional(role).unwrap_or_else(|| default_role.to_owned()),
            endpoint_url: optional("AWS_ENDPOINT_URL"),
        })
    }
}

fn required(name: &'static str) -> Result<String, BadSetting> {
    optional(name).ok_or(BadSetting::Missing(name))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
