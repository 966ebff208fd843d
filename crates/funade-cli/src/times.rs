//! How moments and spans of time are written: in UTC, and as coarse as a person reads them.

use jiff::{SignedDuration, Timestamp};

/// A moment of the last days, to the second: `11-23 01:30:00 UTC`.
pub(crate) fn second(moment: Timestamp) -> String {
    moment.strftime("%m-%d %H:%M:%S UTC").to_string()
}

/// A moment that may be far away, to the minute: `2026-11-23 01:30 UTC`.
pub(crate) fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// How long something took or lasts, in its two largest units: `45s`, `2m 10s`, `3h 5m`, `2d 4h`.
pub(crate) fn span(span: SignedDuration) -> String {
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
