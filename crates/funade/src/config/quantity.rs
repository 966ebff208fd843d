//! Durations (`90s`, `1h30m`) and shares (`5`, `25%`).

use std::fmt;

use jiff::SignedDuration;
use schemars::{Schema, json_schema};

use super::scalar::{Scalar, Wrong};

/// The longest duration that a file may ask for, in seconds. Nothing that Funade waits for
/// takes longer than a season, and sums of durations stay far from overflow.
const DURATION_SECONDS_MAX: i64 = 90 * 86_400;

/// A number of things, or a part of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// That many.
    Count(u32),
    /// That many of a hundred, 0 to 100.
    Percent(u32),
}

/// A share of which at least one thing must be in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SomeShare(pub(super) Share);

impl Share {
    /// Everything.
    pub const ALL: Self = Self::Percent(100);
    /// Nothing.
    pub const NONE: Self = Self::Count(0);

    /// How many of `total`, a part of one counted as one: for what is wanted, such as how many
    /// may go on at once.
    #[must_use]
    pub fn rounded_up(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => (total * percent as usize).div_ceil(100),
        }
    }

    /// How many of `total`, a part of one not counted: for what is tolerated, such as how many
    /// may fail.
    #[must_use]
    pub fn rounded_down(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => total * percent as usize / 100,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Scalar for Share {
    const WANTED: &'static str = "a count such as 5, or a percentage such as 25%";

    fn read(text: &str) -> Result<Self, Wrong> {
        let digits = text.strip_suffix('%');
        match (digits, digits.unwrap_or(text).parse()) {
            (Some(_), Ok(percent)) if percent <= 100 => Ok(Self::Percent(percent)),
            (None, Ok(count)) => Ok(Self::Count(count)),
            _ => Err(Wrong::not(
                text,
                "bad-share",
                "a count or a percentage",
                "write a count such as 5, or a percentage from 0% to 100%",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": u32::MAX,
            "pattern": "^([0-9]{1,9}|0*(100|[0-9]{1,2})%)$",
        })
    }
}

impl Scalar for SomeShare {
    const WANTED: &'static str = Share::WANTED;

    fn read(text: &str) -> Result<Self, Wrong> {
        match Share::read(text)? {
            Share::Count(0) | Share::Percent(0) => Err(Wrong {
                rule: "bad-share",
                message: format!("with `{text}` nothing could ever move"),
                instead: "write at least 1 or 1%".to_owned(),
            }),
            share @ (Share::Count(_) | Share::Percent(_)) => Ok(Self(share)),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": u32::MAX,
            "pattern": "^0*([1-9][0-9]{0,8}|(100|[1-9][0-9]?)%)$",
        })
    }
}

impl Scalar for SignedDuration {
    const WANTED: &'static str = "a duration, as in 90s, 20m or 1h30m";

    fn read(text: &str) -> Result<Self, Wrong> {
        let wrong = |instead: &str| Wrong::not(text, "bad-duration", "a duration", instead);
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong(&format!("write its unit, as in {text}s or {text}m")));
        }
        let seconds = seconds(text)
            .ok_or_else(|| wrong("write numbers with d, h, m or s, as in 90s, 20m or 1h30m"))?;
        if seconds > DURATION_SECONDS_MAX {
            return Err(wrong("write at most 90d"));
        }
        Ok(Self::from_secs(seconds))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2})
    }
}

/// Reads a duration as the files write it; the error says what to write instead.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    SignedDuration::read(text).map_err(|wrong| format!("{}; {}", wrong.message, wrong.instead))
}

/// The seconds in `1d2h3m4s`, of which each part may be left out but not all.
fn seconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: Option<i64> = None;
    for (unit, seconds) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let count: u32 = number.parse().ok().filter(|_| !number.starts_with('+'))?;
            let part = i64::from(count).checked_mul(seconds)?;
            total = Some(total.unwrap_or(0).checked_add(part)?);
            rest = after;
        }
    }
    total.filter(|_| rest.is_empty())
}
