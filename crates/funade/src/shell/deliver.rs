//! Messages of the queue: one pass for each subject in the batch.
//!
//! A message only says where to look, so several for one subject need one pass. Subjects go side
//! by side: their order among each other means nothing.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::SignedDuration;
use tracing::{Instrument, error, info_span, warn};

use crate::config::Config;
use crate::facts::subject::{Subject, WAKE_DELAY_MAX, Wake};
use crate::shell::{ConfigCache, reconcile_service, reconcile_target};
use crate::world::{CallError, Queue, World};

/// The shortest delay after a failed pass: long enough for another pass's write, or for a bucket of
/// calls to fill a little.
const DELAY_MIN: SignedDuration = SignedDuration::from_secs(5);

/// The longest delay. Also after a refusal, since rights may have been given meanwhile.
const DELAY_MAX: SignedDuration = WAKE_DELAY_MAX;

/// What became of a subject's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The subject.
    pub subject: Subject,
    /// Whether its messages should come again.
    pub again: bool,
    /// What the pass found, as sentences.
    pub said: Vec<String>,
}

/// Runs a pass for each subject.
pub async fn deliver<W: World>(
    world: &W,
    cache: &ConfigCache,
    wakes: &[Wake],
) -> Result<Vec<Delivered>, CallError> {
    let Some(applied) = cache.current(world.ledger()).await? else {
        warn!("no configuration is applied, so there is nothing to do: funade apply DIR");
        return Ok(Vec::new());
    };
    let mut subjects: BTreeMap<&Subject, Vec<&Wake>> = BTreeMap::new();
    for wake in wakes {
        subjects.entry(&wake.subject).or_default().push(wake);
    }
    let config = &applied.config;
    let passes = subjects.into_values().map(|wakes| {
        let causes = wakes.iter().map(|wake| wake.cause.as_str()).collect::<Vec<_>>().join(", ");
        let span = info_span!("pass", subject = %wakes[0].subject, woken_by = causes);
        pass(world, config, wakes[0]).instrument(span)
    });
    Ok(join_all(passes).await)
}

async fn pass<W: World>(world: &W, config: &Config, wake: &Wake) -> Delivered {
    let subject = &wake.subject;
    let delivered = |again, said| Delivered { subject: subject.clone(), again, said };
    match sentences(world, config, subject).await {
        Ok(Some(said)) => delivered(false, said),
        Ok(None) => {
            let sentence = format!("the configuration has no {subject}");
            warn!("{sentence}");
            delivered(false, vec![sentence])
        }
        Err(error) => {
            let sentence = error.in_full();
            let delay = if error.is_retryable() {
                warn!("{sentence}");
                backoff(subject, wake.failed_before)
            } else {
                error!("{sentence}");
                DELAY_MAX
            };
            delivered(!look_later(world, wake, delay).await, vec![sentence])
        }
    }
}

/// Asks for another pass after a delay, and says whether that was done. The message itself is then
/// done with: returning it as failed would hide it for the whole visibility timeout, hold up its
/// group, and after ten times end in the dead-letter queue, throttled or not.
async fn look_later<W: World>(world: &W, wake: &Wake, delay: SignedDuration) -> bool {
    let next = Wake { failed_before: wake.failed_before.saturating_add(1), ..wake.clone() };
    let sent = world.queue().wake_later(&[next], delay).await;
    if let Err(error) = &sent {
        error!("{}", error.in_full());
    }
    sent.is_ok()
}

/// How long to wait after a number of failed passes. Twice as long each time, and spread by the
/// subject's name, so that subjects that were throttled together do not come again together.
fn backoff(subject: &Subject, failed_before: u32) -> SignedDuration {
    let doubled = DELAY_MIN.saturating_mul(2_i32.saturating_pow(failed_before.min(16)));
    let base = doubled.min(DELAY_MAX / 2);
    let hash = subject
        .to_string()
        .bytes()
        .fold(0_i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte)));
    base + SignedDuration::from_secs(hash.rem_euclid(base.as_secs().max(1)))
}

/// One pass; `None` where the configuration does not know the subject. Boxed, since the SDK's
/// futures are deep and large, and a batch holds several.
async fn sentences<W: World>(
    world: &W,
    config: &Config,
    subject: &Subject,
) -> Result<Option<Vec<String>>, CallError> {
    Ok(match subject {
        Subject::Service(name) => {
            let decided = reconcile_service(world, config, name).boxed_local().await?;
            decided.map(|decided| {
                let refused = decided.refused.iter().map(|refused| refused.reason.clone());
                refused.chain([decided.report.to_string()]).collect()
            })
        }
        Subject::Target(id) => {
            let pass = reconcile_target(world, config, id).boxed_local().await?;
            pass.map(|pass| vec![pass.sentence])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_within_their_limits_and_differ_by_subject() {
        let subject = |name: &str| format!("target/{name}/order-api").parse().expect("a subject");
        let (acme, globex): (Subject, Subject) = (subject("acme"), subject("globex"));
        for failed in 0..40 {
            let delay = backoff(&acme, failed);
            assert!(DELAY_MIN <= delay && delay <= DELAY_MAX, "{delay} after {failed}");
        }
        assert!(backoff(&acme, 6) > backoff(&acme, 0));
        assert_ne!(backoff(&acme, 6), backoff(&globex, 6));
    }
}
