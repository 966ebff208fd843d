//! A simulated AWS: the core's ports in memory, with virtual time, faults, and every call counted.
//!
//! The simulator runs the shell that the functions run. Each call of a port gives way once before
//! it is carried out, so one poll of the whole pass is one round of parallel calls: that is how
//! the rounds of a deploy are counted, and where a function can be made to die.
//!
//! Nothing here is random: same calls, same history.

mod calls;
mod ecr;
mod ecs;
mod events;
mod fleet;
mod functions;
mod ledger;
mod parameters;
mod queue;
mod state;
mod task_definition;

pub use calls::{Call, CallOutcome, Fault};
pub use ecs::{Behaviour, ServiceView};
pub use events::{deployment_event, parameter_event, push_event, replication_event, secret_event};
pub use fleet::{TASK_DEFINITION, stand_up};
pub use functions::{Invocation, Said, VISIBILITY_TIMEOUT};
pub use state::Sim;
