//! The ledger: what was decided and done, and the configuration that was applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{Config, Sources};
use crate::facts::deploy::Deploy;
use crate::facts::finding::Finding;
use crate::facts::hold::Hold;
use crate::facts::names::{ServiceName, TargetId};
use crate::facts::notice::Notice;
use crate::facts::parameter::{Change, Watched};
use crate::facts::record::{ServiceRecord, TargetRecord};
use crate::facts::release::{Release, Request, RollbackRequest};
use crate::facts::subject::Subject;
use crate::world::CallError;

/// Which configuration is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigHead {
    /// Grows by one with each `funade apply`.
    pub version: u64,
    /// Who applied it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The configuration in force, checked and resolved.
#[derive(Debug, Clone)]
pub struct AppliedConfig {
    /// Its version.
    pub version: u64,
    /// The configuration.
    pub config: Arc<Config>,
}

/// What an event led to: for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNote {
    /// The event's id.
    pub id: String,
    /// When we handled it.
    pub at: Timestamp,
    /// What it led to, line by line.
    pub outcome: Vec<String>,
    /// Whom it concerned, by whose name it is found again.
    pub about: BTreeSet<Subject>,
}

/// The ledger. Every write of a record names the generation that was read, and is refused as a
/// conflict if another write came between.
pub trait Ledger {
    /// Which configuration is in force; `None` before the first `funade apply`.
    async fn config_head(&self) -> Result<Option<ConfigHead>, CallError>;

    /// A version of the configuration, as the team wrote it.
    async fn config_sources(&self, version: u64) -> Result<Sources, CallError>;

    /// Puts a new configuration in force, if `head.version - 1` still is.
    async fn apply_config(&self, head: &ConfigHead, sources: &Sources) -> Result<(), CallError>;

    /// Notes a release. Noting it again changes nothing but the time of its push, if that is
    /// later.
    async fn note_release(&self, service: &ServiceName, release: &Release)
    -> Result<(), CallError>;

    /// The releases of a service that were noted.
    async fn releases(&self, service: &ServiceName) -> Result<Vec<Release>, CallError>;

    /// The last request of a person for a service.
    async fn request(&self, service: &ServiceName) -> Result<Option<Request>, CallError>;

    /// Writes a person's request, in place of the one before.
    async fn write_request(
        &self,
        service: &ServiceName,
        request: &Request,
    ) -> Result<(), CallError>;

    /// A service's record; a new one where there is none.
    async fn service(&self, service: &ServiceName) -> Result<ServiceRecord, CallError>;

    /// Writes a service's record, whose generation is one above that read, and with it, both or
    /// neither, what is told of it.
    async fn write_service(
        &self,
        service: &ServiceName,
        record: &ServiceRecord,
        notices: &[Notice],
    ) -> Result<(), CallError>;

    /// A target's record; a new one where there is none.
    async fn target(&self, target: &TargetId) -> Result<TargetRecord, CallError>;

    /// The records of many targets; those without one are left out.
    async fn targets(
        &self,
        targets: &[TargetId],
    ) -> Result<BTreeMap<TargetId, TargetRecord>, CallError>;

    /// Writes a target's record, whose generation is one above that read, and with it, all or none,
    /// what has become of its deploys and what is told of it.
    async fn write_target(
        &self,
        target: &TargetId,
        record: &TargetRecord,
        deploys: &[Deploy],
        notices: &[Notice],
    ) -> Result<(), CallError>;

    /// A target's deploys that are remembered, the newest first.
    async fn deploys(&self, target: &TargetId) -> Result<Vec<Deploy>, CallError>;

    /// The last request of a person to roll a target back.
    async fn rollback_request(
        &self,
        target: &TargetId,
    ) -> Result<Option<RollbackRequest>, CallError>;

    /// Writes such a request, in place of the one before.
    async fn write_rollback_request(
        &self,
        target: &TargetId,
        request: &RollbackRequest,
    ) -> Result<(), CallError>;

    /// The last change of each of these, as far as we were told; those that never changed are left
    /// out.
    async fn changes(&self, watched: &[Watched]) -> Result<BTreeMap<Watched, Change>, CallError>;

    /// Notes that something has changed. Gives back until when those who read it are known to be
    /// woken, if [`Ledger::promise_look`] was called before.
    async fn note_change(
        &self,
        watched: &Watched,
        change: &Change,
    ) -> Result<Option<Timestamp>, CallError>;

    /// Notes that messages are on their way which wake all who read it, at this time.
    async fn promise_look(&self, watched: &Watched, at: Timestamp) -> Result<(), CallError>;

    /// The holds on these, those that have ended included.
    async fn holds(&self, on: &[Subject]) -> Result<Vec<Hold>, CallError>;

    /// All holds, those that have ended lately included.
    async fn all_holds(&self) -> Result<Vec<Hold>, CallError>;

    /// Writes a hold in place of the one before.
    async fn write_hold(&self, hold: &Hold) -> Result<(), CallError>;

    /// The targets whose records say that something is due by now, the longest due first, so many at
    /// the most.
    async fn due(&self, now: Timestamp, count_max: usize) -> Result<Vec<TargetId>, CallError>;

    /// All findings that stand, those that have not stood long enough to be told included.
    async fn findings(&self) -> Result<Vec<Finding>, CallError>;

    /// Writes a finding in place of the one with its key, and with it, both or neither, what is told
    /// of it. Where another sweep has opened it since, or closed and opened it, that is a conflict.
    async fn write_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError>;

    /// Takes a finding away that stands no more, and with that, both or neither, writes what is told
    /// of it. Where another sweep has done so, that is a conflict.
    async fn close_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError>;

    /// Notes what an event led to.
    async fn note_event(&self, note: &EventNote) -> Result<(), CallError>;

    /// The last events that concerned a subject, the newest first.
    async fn events_about(&self, subject: &Subject) -> Result<Vec<EventNote>, CallError>;
}
