//! How moments and spans of time are written: in UTC, and as coarse as a person reads them.

use jiff::Timestamp;

pub(crate) use funade_report::span;

/// A moment of the last days, to the second: `11-23 01:30:00 UTC`.
pub(crate) fn second(moment: Timestamp) -> String {
    moment.strftime("%m-%d %H:%M:%S UTC").to_string()
}

/// A moment that may be far away, to the minute: `2026-11-23 01:30 UTC`.
pub(crate) fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
