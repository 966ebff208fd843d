//! A simulated AWS: the core's ports in memory, with virtual time, faults, and every call counted.
//!
//! The simulator runs the shell that the functions run. Each call of a port gives way once before
//! it is carried out, so one poll of the whole pass is one round of parallel calls: that is how
//! the rounds of a deploy are counted, and where a function can be made to die.
//!
//! Nothing here is random: same calls, same history. A [`History`] is drawn from a seed, and is the
//! same whenever it is drawn.

mod alarms;
mod buckets;
mod calls;
mod chance;
mod ecr;
mod ecs;
mod events;
mod fleet;
mod functions;
mod history;
mod ledger;
mod outages;
mod outbox;
mod parameters;
mod queue;
mod state;
mod task_definition;

pub use calls::{Call, CallOutcome, Fault};
pub use ecs::{Behaviour, Breaker, Failure, ServiceView, Strategy};
pub use events::{
    alarm_event, deployment_event, parameter_event, push_event, replication_event, secret_event,
};
pub use fleet::{TASK_DEFINITION, stand_up};
pub use functions::{Invocation, Said, VISIBILITY_TIMEOUT};
pub use history::{History, Invariant, Outcome, Violation, shrink};
pub use state::Sim;
