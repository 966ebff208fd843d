//! What should be: the team's files, read, checked and resolved.
//!
//! Input: `fleet.yaml` and `services/*.yaml` as text, from a directory or from the ledger.
//! Output: a [`Config`] in which every target stands with all that is needed to deploy it, or
//! every problem at once, each with its place and what to write instead.
//!
//! The way there: `tree` reads YAML and keeps places; `decode`, with the kinds of values in
//! `scalar`, `quantity`, `weekly` and `template`, reads trees into the types of `raw`;
//! `resolve` compares what is written in different places. Invariant: there is a [`Config`]
//! exactly if there is no error, and nothing in it needs checking again.

mod check;

mod source;

mod problem;

mod tree;

mod decode;

mod scalar;

mod quantity;

mod weekly;

mod template;

mod nearest;

mod raw;

mod resolve;

mod no_effect;

mod types;

mod schema;

mod stored;

pub use check::{Checked, check};
pub use nearest::hint;
pub use problem::{Problem, Severity};
pub use quantity::{Share, duration};
pub use schema::{fleet_schema, service_schema};
pub use source::{SourceFile, Sources};
pub use stored::{BadStored, pack, unpack};
pub use types::{
    Config, Environment, Format, Freeze, FreezeExemption, NamePattern, Parameters, Policies,
    PostUrl, QuietPeriod, Reaction, Registry, Rollback, RolledBackBy, Route, RouteTo, Secret,
    Service, Target, TopicArn, VariableNames, Verify, Wave,
};
pub use weekly::WeeklyTime;
