//! How every target stands: read from the ledger, so that it costs a few reads for any fleet.

use futures_util::future::try_join_all;
use futures_util::try_join;

use crate::config::{Config, Service};
use crate::facts::names::{ServiceName, TargetId};
use crate::facts::record::TargetRecord;
use crate::facts::release::Assignment;
use crate::world::{CallError, Ledger, World};

/// A service and its targets.
#[derive(Debug, Clone)]
pub struct ServiceStatus {
    /// The service.
    pub service: ServiceName,
    /// Its targets, by environment.
    pub targets: Vec<TargetState>,
}

/// How a target stands.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// Which one.
    pub id: TargetId,
    /// What it should run.
    pub assigned: Option<Assignment>,
    /// Its record.
    pub record: TargetRecord,
}

/// Reads how the targets of all services, or of one, stand.
pub async fn status<W: World>(
    world: &W,
    config: &Config,
    only: Option<&ServiceName>,
) -> Result<Vec<ServiceStatus>, CallError> {
    let services =
        config.services.values().filter(|service| only.is_none_or(|only| only == &service.name));
    try_join_all(services.map(|service| service_status(world, service))).await
}

async fn service_status<W: World>(
    world: &W,
    service: &Service,
) -> Result<ServiceStatus, CallError> {
    let ids: Vec<TargetId> = service.targets.values().map(|target| target.id.clone()).collect();
    let ledger = world.ledger();
    let (record, mut records) = try_join!(ledger.service(&service.name), ledger.targets(&ids))?;
    let targets = ids
        .into_iter()
        .map(|id| TargetState {
            assigned: record.assignment(&id.environment).cloned(),
            record: records.remove(&id).unwrap_or_default(),
            id,
        })
        .collect();
    Ok(ServiceStatus { service: service.name.clone(), targets })
}
