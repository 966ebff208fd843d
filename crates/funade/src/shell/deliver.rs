//! Messages of the queue: one pass for each subject in the batch.
//!
//! A message only says where to look, so several for one subject need one pass. Subjects go side
//! by side: their order among each other means nothing.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tracing::{Instrument, error, info_span, warn};

use crate::config::Config;
use crate::facts::subject::{Subject, Wake};
use crate::shell::{ConfigCache, reconcile_service, reconcile_target};
use crate::world::{CallError, CallProblem, World};

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
    let mut subjects: BTreeMap<&Subject, Vec<&str>> = BTreeMap::new();
    for wake in wakes {
        subjects.entry(&wake.subject).or_default().push(&wake.cause);
    }
    let config = &applied.config;
    let passes = subjects.into_iter().map(|(subject, causes)| {
        let span = info_span!("pass", %subject, woken_by = causes.join(", "));
        pass(world, config, subject).instrument(span)
    });
    Ok(join_all(passes).await)
}

async fn pass<W: World>(world: &W, config: &Config, subject: &Subject) -> Delivered {
    let delivered = |again, said| Delivered { subject: subject.clone(), again, said };
    match sentences(world, config, subject).await {
        Ok(Some(said)) => delivered(false, said),
        Ok(None) => {
            let sentence = format!("the configuration has no {subject}");
            warn!("{sentence}");
            delivered(false, vec![sentence])
        }
        // Another pass wrote first; the next look starts from what it wrote.
        Err(error) if error.problem == CallProblem::Conflict => {
            warn!("{}", error.in_full());
            delivered(true, vec![error.in_full()])
        }
        Err(error) => {
            error!(retry = error.is_retryable(), "{}", error.in_full());
            delivered(error.is_retryable(), vec![error.in_full()])
        }
    }
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
