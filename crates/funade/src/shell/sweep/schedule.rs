//! The schedule's event: what is due is woken, and the minute's share of the fleet is looked at.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{error, info, warn};

use super::{Scope, Swept, SweptBy, sweep_until, wake_due};
use crate::facts::finding::Finding;
use crate::facts::names::TargetId;
use crate::shell::ConfigCache;
use crate::world::{CallError, World};

/// How long a minute's share is looked at, at the most. It is two minutes under the function's timeout
/// in template.yaml: what was seen is written down and told, whatever was slow.
const SHARE_TAKES_MAX: SignedDuration = SignedDuration::from_secs(180);

/// How many of each kind the answer names: enough for whoever invokes the function by hand. The log
/// has all of them, and an answer has a limit.
const NAMED_MAX: usize = 100;

/// What became of a minute's event.
#[derive(Debug, Clone, PartialEq)]
pub enum Scheduled {
    /// The minute's share was looked at.
    Swept {
        /// The targets that were woken, since something is due for them.
        due: Vec<TargetId>,
        /// What looking came to.
        swept: Box<Swept>,
    },
    /// It cannot be read. That is logged, and it does not come back.
    Malformed(String),
    /// No configuration is applied, so there is nothing to look at.
    NoConfig,
}

/// What is read of a "Scheduled Event".
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
#[derive(Deserialize)]
struct RawSchedule {
    id: String,
    time: Timestamp,
}

impl Scheduled {
    /// The answer of a function, for whoever invokes it by hand.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Swept { due, swept } => answer(due, swept),
            Self::Malformed(problem) => json!({"malformed": problem}),
            Self::NoConfig => json!({"ignored": ["no configuration is applied"]}),
        }
    }
}

/// Handles the event of one minute, where everything is looked at once in so many minutes. It is the
/// event's own minute: one that comes late looks at what would have been looked at then. An error
/// means that the ledger or the queue failed, and that the event should come again.
pub async fn handle_schedule<W: World>(
    world: &W,
    cache: &ConfigCache,
    envelope: &Value,
    of: i64,
) -> Result<Scheduled, CallError> {
    let RawSchedule { id, time } = match RawSchedule::deserialize(envelope) {
        Ok(schedule) => schedule,
        Err(problem) => {
            error!(%envelope, "the schedule's event is malformed: {problem}");
            return Ok(Scheduled::Malformed(problem.to_string()));
        }
    };
    let ends_at = world.now() + SHARE_TAKES_MAX;
    let Some(applied) = cache.current(world.ledger()).await? else {
        warn!("no configuration is applied, so nothing is done: funade apply DIR");
        return Ok(Scheduled::NoConfig);
    };
    let due = wake_due(world, &applied.config, &id).await?;
    for target in &due {
        info!(cause = id, %target, "woken: something is due");
    }
    let scope = Scope::Minute { minute: time.as_second().div_euclid(60), of };
    let by = (id.as_str(), SweptBy::Schedule);
    let swept = sweep_until(world, &applied.config, &scope, by, Some(ends_at)).await?;
    Ok(Scheduled::Swept { due, swept: Box::new(swept) })
}

fn answer(due: &[TargetId], swept: &Swept) -> Value {
    json!({
        "targets": swept.targets,
        "services": swept.services,
        "findings": swept.findings.len(),
        "opened": named(swept.opened.iter().map(told)),
        "closed": named(swept.closed.iter().map(told)),
        "woken": named(swept.woken.iter().map(ToString::to_string)),
        "due": named(due.iter().map(ToString::to_string)),
        "failed": named(swept.failed.iter().map(|failed| failed.what.clone())),
    })
}

fn told(finding: &Finding) -> String {
    format!("{}: {}", finding.kind, finding.about)
}

/// The first of them, and how many more there are.
fn named(all: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = all.len().saturating_sub(NAMED_MAX);
    let mut named: Vec<String> = all.take(NAMED_MAX).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_a_hundred_and_counts_the_rest() {
        let all = |count: usize| (0..count).map(|number| number.to_string());
        assert_eq!(named(all(0)), Vec::<String>::new());
        assert_eq!(named(all(NAMED_MAX)).last().map(String::as_str), Some("99"));
        let cut = named(all(NAMED_MAX + 7));
        assert_eq!((cut.len(), cut.last().map(String::as_str)), (101, Some("and 7 more")));
    }

    #[test]
    fn an_event_without_its_time_is_malformed() {
        let event = json!({"id": "1", "time": "2026-11-22T01:54:00Z", "detail": {}});
        assert!(RawSchedule::deserialize(&event).is_ok());
        for event in [json!({"id": "1"}), json!({"id": "1", "time": "noon"}), json!(null)] {
            assert!(RawSchedule::deserialize(&event).is_err(), "{event}");
        }
    }
}
