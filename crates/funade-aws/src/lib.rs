//! Funade's ports on the AWS SDK.
//!
//! One file for each port. Each call is the operation that AWS names, with our types going in and
//! coming out, and every failure says which call it was and on what.

mod alarms;
mod clients;
mod documents;
mod ecr;
mod ecs;
mod errors;
mod http_client;
mod ledger;
mod member_role;
mod messenger;
mod parameters;
mod queue;
mod reports;
mod retries;
mod settings;
mod world;

pub use settings::{BadSetting, Settings, history_topic, report_bucket, sweep_minutes};
pub use world::AwsWorld;
