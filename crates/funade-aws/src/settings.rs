//! Settings from the environment: what the template gives to the functions, and an operator to
//! the command line.

use std::ops::RangeInclusive;

use jiff::SignedDuration;

use funade::facts::names::{AccountId, BadName, Region};

/// How many minutes a sweep over everything may take. Longer, and what nobody told of would go
/// unnoticed for more than an hour.
const SWEEP_MINUTES: RangeInclusive<i64> = 1..=60;

/// How many it takes unless set: what an event was lost of is found within this time.
const SWEEP_MINUTES_DEFAULT: i64 = 15;

/// How many days the history may be kept: a month's holidays, and what auditors ask for.
const HISTORY_DAYS: RangeInclusive<i64> = 30..=3650;

/// How many it is unless set: a year, for whoever looks at a year, and a month to do it.
const HISTORY_DAYS_DEFAULT: i64 = 400;

/// Where the ledger and the queues are, and who we are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `FUNADE_TABLE`: the ledger's table.
    pub table: String,
    /// `FUNADE_WAKE_QUEUE_URL`: the FIFO queue that starts passes.
    pub wake_queue_url: String,
    /// `FUNADE_LATER_QUEUE_URL`: the queue whose messages are delayed.
    pub later_queue_url: String,
    /// `FUNADE_NOTICE_RETRY_QUEUE_URL`: the queue of messages that were not taken. Only whoever sends
    /// notices has it.
    pub notice_retry_queue_url: Option<String>,
    /// `FUNADE_NOTICE_DLQ_URL`: the queue of notices that were given up. Only whoever sends notices
    /// has it.
    pub notice_dlq_url: Option<String>,
    /// `FUNADE_ACCOUNT`: the hub's account. Calls to it need no other role.
    pub account: AccountId,
    /// `AWS_REGION`: the hub's region.
    pub region: Region,
    /// The role to assume in every other account: for a function `FUNADE_MEMBER_ROLE`, or
    /// `funade-member`; for an operator `FUNADE_OPERATOR_ROLE`, or `funade-operator`, which can
    /// only look.
    pub member_role: String,
    /// `FUNADE_HISTORY_DAYS`: how long deploys and what is told are kept; 400 unless set.
    pub history_days: i64,
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
    /// It is no number that makes sense.
    #[error("{name} is {value:?}, and should be a number from {} to {}", .range.start(), .range.end())]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        range: RangeInclusive<i64>,
    },
}

impl Settings {
    /// How long deploys and what is told are kept.
    #[must_use]
    pub(crate) fn history_kept(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * self.history_days)
    }

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
            notice_retry_queue_url: optional("FUNADE_NOTICE_RETRY_QUEUE_URL"),
            notice_dlq_url: optional("FUNADE_NOTICE_DLQ_URL"),
            account: AccountId::parse(required("FUNADE_ACCOUNT")?)?,
            region: Region::parse(required("AWS_REGION")?)?,
            history_days: optional("FUNADE_HISTORY_DAYS")
                .map_or(Ok(HISTORY_DAYS_DEFAULT), |value| {
                    number("FUNADE_HISTORY_DAYS", value, HISTORY_DAYS)
                })?,
            member_role: optional(role).unwrap_or_else(|| default_role.to_owned()),
            endpoint_url: optional("AWS_ENDPOINT_URL"),
        })
    }
}

/// `FUNADE_SWEEP_MINUTES`: in how many minutes the sweep looks at everything once. 1 to 60; 15
/// unless set.
pub fn sweep_minutes() -> Result<i64, BadSetting> {
    let name = "FUNADE_SWEEP_MINUTES";
    optional(name).map_or(Ok(SWEEP_MINUTES_DEFAULT), |value| number(name, value, SWEEP_MINUTES))
}

/// `FUNADE_REPORT_BUCKET`: where the fleet's page is put; `None` where nobody wants it.
#[must_use]
pub fn report_bucket() -> Option<String> {
    optional("FUNADE_REPORT_BUCKET")
}

/// `FUNADE_HISTORY_TOPIC`: the topic by which all that is told goes into S3; `None` where nobody
/// wants it.
#[must_use]
pub fn history_topic() -> Option<String> {
    optional("FUNADE_HISTORY_TOPIC")
}

fn number(
    name: &'static str,
    value: String,
    range: RangeInclusive<i64>,
) -> Result<i64, BadSetting> {
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(BadSetting::OutOfRange { name, value, range }),
    }
}

fn required(name: &'static str) -> Result<String, BadSetting> {
    optional(name).ok_or(BadSetting::Missing(name))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_its_range_is_told_with_the_range() {
        let minutes = |text: &str| number("FUNADE_SWEEP_MINUTES", text.to_owned(), SWEEP_MINUTES);
        assert!(matches!(minutes("1"), Ok(1)));
        assert!(matches!(minutes("60"), Ok(60)));
        for wrong in ["0", "61", "-1", "1.5", "soon"] {
            let error = minutes(wrong).expect_err("it is none of them").to_string();
            let said =
                format!("FUNADE_SWEEP_MINUTES is \"{wrong}\", and should be a number from 1 to 60");
            assert_eq!(error, said);
        }
    }
}
