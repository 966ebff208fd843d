//! The thin part that acts: it reads, asks the decisions, writes the ledger, and calls.
//!
//! Generic over [`crate::world::World`], so that the functions, the simulator and the operator's
//! tool run the same lines.

mod apply;
mod config_cache;
mod deliver;
mod image_push;
mod observe;
mod reconcile_service;
mod reconcile_target;
mod request;
mod status;

pub use apply::{Applied, ApplyError, InForce, apply, in_force};
pub use config_cache::ConfigCache;
pub use deliver::{Delivered, deliver};
pub use image_push::{Handled, image_push};
pub use observe::{Preview, preview};
pub use reconcile_service::reconcile_service;
pub use reconcile_target::{Pass, reconcile_target};
pub use request::{RequestError, request_deploy};
pub use status::{ServiceStatus, TargetState, status};
