//! How moments and spans of time are written: in UTC, and as coarse as a person reads them.

use jiff::{SignedDuration, Timestamp};

/// A moment to the minute: `2026-11-23 01:30`. The page says once that it is UTC.
pub(crate) fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment, and how long ago that was: `2026-11-23 01:30 UTC (2h 5m ago)`.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    format!("{} UTC ({} ago)", minute(moment), span(now.duration_since(moment)))
}

/// How long something took or lasts, in its two largest units: `45s`, `2m 10s`, `3h 5m`, `2d 4h`.
#[must_use]
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    match (days, hours, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, _, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (-3, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (3_599, "59m 59s"),
            (3_660, "1h 1m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), text);
        }
    }
}
