//! Releases, and who said that one should run.

use jiff::{SignedDuration, Timestamp};

use crate::facts::deploy::Good;
use crate::facts::names::{Digest, Tag};

/// An image of a service: tag and digest. The tag is for people and for the order; the digest
/// is what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The tag it was pushed with.
    pub tag: Tag,
    /// The digest of its manifest.
    pub digest: Digest,
    /// When the registry last said that this tag is on this digest, by its own clock: at a push,
    /// or when the image arrived in a replica.
    pub pushed_at: Timestamp,
    /// When we first heard of this tag on this digest, by our clock.
    pub noted_at: Timestamp,
    /// The id of the event, or of the request, by which we heard of it: what every deploy of it
    /// goes back to.
    pub cause: String,
}

/// What a person asked for with `funade deploy`: written by the operator, read by the service's
/// pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Tells two requests for the same tag apart.
    pub id: String,
    /// The release asked for.
    pub release: Release,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a person asked for with `funade rollback`: written by the operator, read by the target's
/// pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRequest {
    /// Tells two requests apart.
    pub id: String,
    /// Where to go.
    pub to: Good,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Whether a person's request stands still that was not taken up, because its wake was lost. After
/// an hour it would surprise them.
#[must_use]
pub fn stands(asked_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(asked_at) < SignedDuration::from_hours(1)
}

/// Why a release was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignedBy {
    /// The service's selection chose it.
    Selection,
    /// A person asked for it, with this request.
    Request {
        /// The request's id.
        id: String,
        /// Who asked.
        by: String,
    },
}

/// The decision that targets should run a release. Numbered within its service: a new decision
/// for the same release has a new number, and may be tried anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Grows by one with each decision.
    pub number: u64,
    /// What should run.
    pub release: Release,
    /// Whose decision it was.
    pub by: AssignedBy,
    /// When it was made.
    pub at: Timestamp,
}
