//! What is so: names, images, releases, events, and the records of the ledger.
//!
//! Facts are data with the checks that make them well-formed; they decide nothing.

pub mod names;

pub mod image;

pub mod selection;

pub mod release;

pub mod subject;

pub mod hold;

pub mod finding;

pub mod notice;

pub mod message;

pub mod event;

pub mod parameter;

pub mod configuration;

pub mod cause;

pub mod ecs;

pub mod task_definition;

pub mod deploy;

pub mod record;

pub mod stored;
