//! What a sweep finds that events do not tell, or have not told.
//!
//! A finding is opened by the sweep that sees it first and closed by the one that sees it no more.
//! Its sentence says what is so, where and since when; its next step is what a person can do.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::names::{Place, ServiceName, TargetId};

/// Something that is wrong, or is going to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whom it is about.
    pub about: About,
    /// What kind.
    pub kind: FindingKind,
    /// What is so, as a sentence without its end.
    pub sentence: String,
    /// What to do about it, as a sentence without its end.
    pub next: String,
    /// When it was first seen.
    pub since: Timestamp,
    /// Whether it has stood for long enough to be told.
    pub is_open: bool,
}

/// Whom a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// An account and region that cannot be looked at.
    Place(Place),
    /// A service, in all its environments.
    Service(ServiceName),
    /// One target.
    Target(TargetId),
}

/// What kind of finding. Closed: each has a policy in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Something else runs than what Funade brought.
    ChangedByHand,
    /// It does not run the assigned release, and nothing stands against it.
    Behind,
    /// It runs with other variables than Parameter Store holds.
    StaleConfiguration,
    /// The registry has a release that nobody has told of.
    MissedImage,
    /// Its tasks are too few, stop again and again, or fail their health checks.
    Unhealthy,
    /// A deployment that neither ends nor goes on.
    Stuck,
    /// It needs a person before anything can be deployed.
    Blocked,
    /// What a rollback would bring back cannot be brought back.
    NoWayBack,
    /// The registry has the running image no more.
    ImageGone,
    /// Neither a circuit breaker nor alarms stop a bad deployment.
    NoBrake,
    /// Another container's image is named by a tag that may be moved.
    MutableTag,
    /// An account and region cannot be looked at.
    Unreachable,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// It is going to bite.
    Warning,
    /// Users may notice it now, or nothing can be deployed.
    Error,
}

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It is told, and put right.
    Heal,
    /// It is told.
    Notify,
    /// Nothing.
    Ignore,
}

/// How long tasks may be too few before that is told: a task that is replaced is back within this.
const UNHEALTHY_GRACE: SignedDuration = SignedDuration::from_mins(5);

impl Finding {
    /// One that is seen for the first time.
    #[must_use]
    pub fn new(
        about: About,
        kind: FindingKind,
        (sentence, next): (String, String),
        now: Timestamp,
    ) -> Self {
        Self { about, kind, sentence, next, since: now, is_open: kind.grace().is_zero() }
    }

    /// The same, with what is known from when it was seen before.
    #[must_use]
    pub fn after(self, before: Option<&Self>, now: Timestamp) -> Self {
        let Some(before) = before else { return self };
        let stood = now.duration_since(before.since) >= self.kind.grace();
        Self { since: before.since, is_open: before.is_open || stood, ..self }
    }

    /// What tells it from other findings, of any time.
    #[must_use]
    pub fn key(&self) -> (About, FindingKind) {
        (self.about.clone(), self.kind)
    }
}

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ChangedByHand,
        Self::Behind,
        Self::StaleConfiguration,
        Self::MissedImage,
        Self::Unhealthy,
        Self::Stuck,
        Self::Blocked,
        Self::NoWayBack,
        Self::ImageGone,
        Self::NoBrake,
        Self::MutableTag,
        Self::Unreachable,
    ];

    /// Its name, in the configuration and for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChangedByHand => "changed-by-hand",
            Self::Behind => "behind",
            Self::StaleConfiguration => "stale-configuration",
            Self::MissedImage => "missed-image",
            Self::Unhealthy => "unhealthy",
            Self::Stuck => "stuck",
            Self::Blocked => "blocked",
            Self::NoWayBack => "no-way-back",
            Self::ImageGone => "image-gone",
            Self::NoBrake => "no-brake",
            Self::MutableTag => "mutable-tag",
            Self::Unreachable => "unreachable",
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Unhealthy | Self::Stuck | Self::Blocked | Self::ImageGone | Self::Unreachable => {
                Severity::Error
            }
            Self::ChangedByHand
            | Self::Behind
            | Self::StaleConfiguration
            | Self::MissedImage
            | Self::NoWayBack
            | Self::NoBrake => Severity::Warning,
            Self::MutableTag => Severity::Notice,
        }
    }

    /// Whether Funade can put it right.
    #[must_use]
    pub fn can_be_healed(self) -> bool {
        match self {
            Self::ChangedByHand | Self::Behind | Self::StaleConfiguration | Self::MissedImage => {
                true
            }
            Self::Unhealthy
            | Self::Stuck
            | Self::Blocked
            | Self::NoWayBack
            | Self::ImageGone
            | Self::NoBrake
            | Self::MutableTag
            | Self::Unreachable => false,
        }
    }

    /// What is done about it unless the team says otherwise. What a person has changed by hand is
    /// not overwritten.
    #[must_use]
    pub fn default_policy(self) -> Policy {
        if self.can_be_healed() && self != Self::ChangedByHand {
            Policy::Heal
        } else {
            Policy::Notify
        }
    }

    fn grace(self) -> SignedDuration {
        if self == Self::Unhealthy { UNHEALTHY_GRACE } else { SignedDuration::ZERO }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// As a person types it, and as it is stored: `acme/order-api`, `order-api`,
/// `222222222222/ap-northeast-1`. No environment's name begins with a digit.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Service(name) => name.fmt(f),
            Self::Target(id) => id.fmt(f),
        }
    }
}

/// Text that names nothing that a finding can be about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither ENVIRONMENT/SERVICE nor SERVICE nor ACCOUNT/REGION")]
pub struct BadAbout(String);

impl TryFrom<String> for About {
    type Error = BadAbout;

    fn try_from(text: String) -> Result<Self, BadAbout> {
        text.parse()
    }
}

impl From<About> for String {
    fn from(about: About) -> String {
        about.to_string()
    }
}

impl FromStr for About {
    type Err = BadAbout;

    fn from_str(text: &str) -> Result<Self, BadAbout> {
        let bad = |_| BadAbout(text.to_owned());
        if let Some((account, region)) = text.split_once('/')
            && account.starts_with(|letter: char| letter.is_ascii_digit())
        {
            let account = account.parse().map_err(bad)?;
            return Ok(Self::Place(Place { account, region: region.parse().map_err(bad)? }));
        }
        if text.contains('/') {
            return text.parse().map(Self::Target).map_err(bad);
        }
        text.parse().map(Self::Service).map_err(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_is_about_reads_back_as_written() {
        for text in ["acme/order-api", "order-api", "222222222222/ap-northeast-1"] {
            assert_eq!(text.parse::<About>().expect("well-formed").to_string(), text);
        }
        for text in ["", "a/b/c/d", "22/ap-northeast-1", "/"] {
            assert!(text.parse::<About>().is_err(), "{text}");
        }
    }
}
