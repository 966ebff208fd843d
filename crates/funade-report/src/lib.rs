//! How a whole fleet stands: one HTML page for people, JSON for machines.
//!
//! Input: what the caller has read from the ledger, as [`Fleet`]. Output: text. Pure: nothing is
//! read or written here, and the time is the one that the fleet says. Invariants: the page loads
//! nothing from anywhere, and no text that comes from outside becomes markup or script.

mod state;

mod running;

mod overview;

mod times;

mod deploys;

mod json;

mod embedded;

mod page;

use std::collections::BTreeMap;

use funade::config::Config;
use funade::facts::deploy::Deploy;
use funade::facts::finding::Finding;
use funade::facts::names::TargetId;
use funade::shell::ServiceStatus;
use jiff::Timestamp;

pub use deploys::{led_by, took, why};
pub use json::{SCHEMA, json};
pub use page::page;
pub use state::State;
pub use times::span;

/// All that is shown of a fleet.
#[derive(Debug, Clone, Copy)]
pub struct Fleet<'a> {
    /// When it was read: what "now" means.
    pub generated_at: Timestamp,
    /// The version of the configuration in force.
    pub config_version: u64,
    /// That configuration.
    pub config: &'a Config,
    /// How the targets stand: of all services, or of those that should be shown.
    pub services: &'a [ServiceStatus],
    /// What the sweep has found. Those that are not open yet, and those that the team wants
    /// ignored, are left out.
    pub findings: &'a [Finding],
    /// The last deploys of targets, newest first. One that is missing here has no history in the
    /// page but its last deploy.
    pub history: &'a BTreeMap<TargetId, Vec<Deploy>>,
}
