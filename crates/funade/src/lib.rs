//! The core of Funade: what is so (`facts`), what should be (`config`), what to do
//! (`decisions`), what there is to do it with (`world`), and the thin part that does it
//! (`shell`).
//!
//! Each layer uses only those before it. The first three are synchronous and pure; `async`
//! stands only in `world` and `shell`. Nothing here knows the AWS SDK, a runtime or a random
//! number: time and ids come in as arguments.

pub mod facts;

pub mod config;

pub mod decisions;

pub mod world;

pub mod shell;
