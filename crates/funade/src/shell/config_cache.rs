//! The configuration in force, kept between a warm function's invocations.
//!
//! Each use reads the head, which is small; the files are read and checked only when the version
//! has changed.

use std::sync::{Arc, Mutex};

use crate::config;
use crate::world::{AppliedConfig, CallError, CallProblem, Ledger};

/// The last configuration that was read.
#[derive(Debug, Default)]
pub struct ConfigCache(Mutex<Option<AppliedConfig>>);

impl ConfigCache {
    /// A cache that has read this configuration already: that of a warm function.
    #[must_use]
    pub fn warm(applied: AppliedConfig) -> Self {
        Self(Mutex::new(Some(applied)))
    }

    /// The configuration in force. `None` before the first `funade apply`.
    pub async fn current(&self, ledger: &impl Ledger) -> Result<Option<AppliedConfig>, CallError> {
        let Some(head) = ledger.config_head().await? else { return Ok(None) };
        if let Some(cached) = self.cached(head.version) {
            return Ok(Some(cached));
        }
        let sources = ledger.config_sources(head.version).await?;
        let applied = check(head.version, &sources)?;
        *self.0.lock().expect("no holder of the lock panics") = Some(applied.clone());
        Ok(Some(applied))
    }

    fn cached(&self, version: u64) -> Option<AppliedConfig> {
        let cached = self.0.lock().expect("no holder of the lock panics");
        cached.as_ref().filter(|applied| applied.version == version).cloned()
    }
}

/// `funade apply` checked it; a function older than the operator's tool may still not know a key.
fn check(version: u64, sources: &config::Sources) -> Result<AppliedConfig, CallError> {
    let checked = config::check(sources);
    let Some(config) = checked.config else {
        let errors = checked.problems.iter().filter(|p| p.severity == config::Severity::Error);
        let text = errors.map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return Err(CallError {
            operation: "read the configuration",
            subject: format!("version {version}"),
            problem: CallProblem::Refused,
            source: Some(format!("this function is older than what it says: {text}").into()),
        });
    };
    Ok(AppliedConfig { version, config: Arc::new(config) })
}
