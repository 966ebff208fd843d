//! Times of the week (`Fri 18:00`) and time zones (`Asia/Tokyo`), for freezes.

use std::fmt;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use schemars::{Schema, json_schema};

use super::scalar::{Scalar, Wrong};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// A time that comes once a week, in some time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeeklyTime {
    /// The day.
    pub weekday: Weekday,
    /// The time of that day, to the minute.
    pub time: Time,
}

impl fmt::Display for WeeklyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day =
            WEEKDAYS.iter().find(|(_, day)| *day == self.weekday).map_or("", |(name, _)| name);
        write!(f, "{day} {:02}:{:02}", self.time.hour(), self.time.minute())
    }
}

impl Scalar for WeeklyTime {
    const WANTED: &'static str = r#"a day and time, as in "Fri 18:00""#;

    fn read(text: &str) -> Result<Self, Wrong> {
        weekly(text).ok_or_else(|| {
            let instead = r#"write Mon, Tue, Wed, Thu, Fri, Sat or Sun and a time from 00:00 to 23:59, as in "Fri 18:00""#;
            Wrong::not(text, "bad-weekly-time", "a day and time of the week", instead)
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]$",
        })
    }
}

fn weekly(text: &str) -> Option<WeeklyTime> {
    let (day, time) = text.split_once(' ')?;
    let (_, weekday) = WEEKDAYS.into_iter().find(|(name, _)| *name == day)?;
    let (hour, minute) = time.split_once(':')?;
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| digits.parse::<i8>().ok()).flatten()
    };
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).ok()?;
    Some(WeeklyTime { weekday, time })
}

impl Scalar for TimeZone {
    const WANTED: &'static str = "a time zone, as in Asia/Tokyo";

    fn read(text: &str) -> Result<Self, Wrong> {
        let instead = "write its name in the IANA database, as in Asia/Tokyo or UTC";
        Self::get(text).map_err(|_| Wrong::not(text, "bad-time-zone", "a known time zone", instead))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "minLength": 1})
    }
}
