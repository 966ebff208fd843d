//! The thin part that acts: it reads, asks the decisions, writes the ledger, and calls.
//!
//! Generic over [`crate::world::World`], so that the functions, the simulator and the operator's
//! tool run the same lines.

mod apply;
mod config_cache;
mod deliver;
mod handle_event;
mod history;
mod hold;
mod notify;
mod observe;
mod parameters;
mod read_stores;
mod reconcile_service;
mod reconcile_target;
mod request;
mod rollback;
mod status;
mod sweep;

pub use apply::{Applied, ApplyError, InForce, apply, in_force};
pub use config_cache::ConfigCache;
pub use deliver::{Delivered, deliver};
pub use handle_event::{Handled, handle_event};
pub use history::{Explanation, History, PassedOver, explain, history};
pub use hold::{HoldError, LiftedHold, lift_hold, set_hold, standing_holds};
pub use notify::{notify, send_again};
pub use observe::{Preview, preview};
pub use parameters::{Runs, TargetVariables, VariableState, target_variables};
pub use reconcile_service::reconcile_service;
pub use reconcile_target::{Pass, reconcile_target};
pub use request::{RequestError, request_deploy};
pub use rollback::{RollbackError, RollbackWish, request_rollback};
pub use status::{ServiceStatus, TargetState, status};
pub use sweep::{Failed, Scheduled, Scope, Swept, SweptBy, handle_schedule, sweep, wake_due};
