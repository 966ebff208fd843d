//! The files as written: one type for each mapping, key for key.
//!
//! Input: a document's tree. Output: values checked one by one, each with its place; nothing
//! is compared with anything else here, that is for `resolve`. The JSON Schemas are made from
//! these types, so their doc comments are what an editor shows.

mod fleet;

mod notices;

mod select;

mod selector;

mod service;

mod settings;

pub(super) use fleet::{RawEnvironment, RawFleet, RawFreeze, RawRegistry, RawWave};
pub(super) use notices::{RawRoute, RawTo};
pub(super) use select::RawSelect;
pub(super) use selector::RawSelector;
pub(super) use service::{RawOverride, RawService};
pub(super) use settings::{RawParameters, RawReaction, RawRollback, RawSecret, RawVerify};

/// Implements [`Decode`](super::decode::Decode) for a type whose fields are the mapping's keys.
macro_rules! mapping {
    ($type:ident, $wanted:literal, { $($method:ident $field:ident),+ $(,)? }) => {
        impl $crate::config::decode::Decode for $type {
            fn wanted() -> String {
                $wanted.to_owned()
            }

            fn decode(
                node: &$crate::config::tree::Node,
                log: &mut $crate::config::decode::Log,
            ) -> Option<Self> {
                let mut fields = $crate::config::decode::Fields::open(node, $wanted, log)?;
                $(let $field = fields.$method(stringify!($field), log);)+
                fields.finish(log);
                Some(Self { $($field),+ })
            }
        }
    };
}

/// Implements [`Scalar`](super::scalar::Scalar) for one of a few words.
macro_rules! choices {
    ($type:ident, $wanted:literal, { $($word:literal => $choice:ident),+ $(,)? }) => {
        impl $crate::config::scalar::Scalar for $type {
            const WANTED: &'static str = $wanted;

            fn read(text: &str) -> Result<Self, $crate::config::scalar::Wrong> {
                $crate::config::scalar::choice(text, &[$(($word, Self::$choice)),+])
            }

            fn schema() -> schemars::Schema {
                $crate::config::scalar::choice_schema(&[$(($word, Self::$choice)),+])
            }
        }
    };
}

use choices;
use mapping;
