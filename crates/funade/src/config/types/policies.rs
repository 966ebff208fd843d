//! What is done about what the sweep finds.

use std::collections::BTreeMap;

use crate::facts::finding::{FindingKind, Policy};

/// What is done about each kind of finding: the team's word, or else the kind's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies(pub(in crate::config) BTreeMap<FindingKind, Policy>);

impl Policies {
    /// What is done about findings of this kind.
    #[must_use]
    pub fn of(&self, kind: FindingKind) -> Policy {
        self.0.get(&kind).copied().unwrap_or_else(|| kind.default_policy())
    }
}
