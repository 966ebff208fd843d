//! What to do: pure functions from facts and configuration to values that say what to do and
//! why. None of them can fail; what they cannot do, they report.

pub mod route;

pub mod advance;

pub mod plan;

mod restraint;

mod settle;

pub mod progress;

pub mod report;

pub mod wanted;

pub mod variables;

pub mod differences;

pub mod problem;

pub mod turns;
