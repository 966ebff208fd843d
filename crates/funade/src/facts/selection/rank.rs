//! A tag's place among the releases of one policy, and the two orders that place it.
//!
//! Input: the part of a tag that the policy orders by. Output: a value that compares. Digits
//! are compared as text of equal length, so a number of any size has its place.

use std::fmt;

use semver::Version;

/// How tags that are not versions are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Byte by byte: right for dates such as `2026-11-22`, and for counters of fixed width.
    Alphabetical,
    /// By number: `9` before `10`.
    Numerical,
}

/// A tag's place: the greater, the newer. Ranks of different policies compare, but it means
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(Place);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Version(Version),
    Text(String),
    Number(Number),
    Parts(Vec<Part>),
}

/// Digits without leading zeros; the longer number is the greater one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    length: usize,
    digits: String,
}

/// A run of digits, or the text between two of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(Number),
    Text(String),
}

impl Rank {
    /// By semantic versioning's precedence.
    pub(super) fn of_version(version: Version) -> Self {
        Self(Place::Version(version))
    }

    /// By the whole tag.
    pub(super) fn of_whole(tag: &str, order: Order) -> Self {
        Self(match order {
            Order::Alphabetical => Place::Text(tag.to_owned()),
            Order::Numerical => Place::Parts(parts(tag)),
        })
    }

    /// By a part of the tag; none if it should be a number and is not.
    pub(super) fn of_group(text: &str, order: Order) -> Option<Self> {
        match order {
            Order::Alphabetical => Some(Self(Place::Text(text.to_owned()))),
            Order::Numerical => is_number(text).then(|| Self(Place::Number(Number::new(text)))),
        }
    }
}

impl Number {
    fn new(digits: &str) -> Self {
        let digits = digits.trim_start_matches('0');
        Self { length: digits.len(), digits: digits.to_owned() }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alphabetical => "alphabetical",
            Self::Numerical => "numerical",
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits a tag where digits begin and end: `rc10-2` is `rc`, 10, `-`, 2.
fn parts(tag: &str) -> Vec<Part> {
    tag.as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|run| {
            let run = String::from_utf8_lossy(run);
            if is_number(&run) {
                Part::Number(Number::new(&run))
            } else {
                Part::Text(run.into_owned())
            }
        })
        .collect()
}
