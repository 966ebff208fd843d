//! What to do: pure functions from facts and configuration to values that say what to do and
//! why. None of them can fail; what they cannot do, they report.

pub mod route;

pub mod advance;

pub mod observation;

pub mod plan;

pub(crate) mod look_again;

mod restraint;

mod settle;

mod back;

mod diagnosis;

pub mod hold;

pub mod progress;

pub mod report;

pub mod wanted;

pub mod variables;

pub mod differences;

pub mod problem;

pub mod findings;

pub mod notices;

pub mod messages;

pub mod metrics;

pub mod turns;
