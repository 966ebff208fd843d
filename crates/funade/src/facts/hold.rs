//! A target or a service that automation must leave alone.
//!
//! Written by operators, read by every pass over a target. Invariant: nothing begins on a target
//! while a hold on it or on its service stands.

use jiff::Timestamp;

use crate::facts::names::Tag;
use crate::facts::subject::Subject;

/// A hold. Lifted, it stays as the last word on its subject, until another takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What is left alone.
    pub on: Subject,
    /// The release that is left alone, where it is about one: a newer one ends it.
    pub release: Option<Tag>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; `None` if a person must lift it.
    pub until: Option<Timestamp>,
    /// Who lifted it, and when.
    pub lifted: Option<Lifted>,
}

/// The end of a hold by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A person's word that a release may be tried again on a target that it was undone on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetAgain {
    /// The release.
    pub release: Tag,
    /// When.
    pub at: Timestamp,
}

impl Hold {
    /// What is let again since this was lifted. Only a rollback's hold is about a release: who lifts
    /// what a person has set says nothing of what was undone.
    #[must_use]
    pub fn lets_again(&self) -> Option<LetAgain> {
        Some(LetAgain { release: self.release.clone()?, at: self.lifted.as_ref()?.at })
    }

    /// Whether it stands at this time.
    #[must_use]
    pub fn stands(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.until.is_none_or(|until| now < until)
    }
}
