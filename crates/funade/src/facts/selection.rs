//! How a service's releases are chosen among its image tags, and which of two is newer.
//!
//! Input: what the configuration writes under `image.select`, and the tags of pushed images.
//! Output: for each tag its rank, or a sentence saying why it is not a release of this
//! service. A rank depends on nothing but the tag and the policy, so it does not matter in
//! which order tags were pushed or seen.

mod range;
mod rank;

use std::fmt;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder};

use super::names::Tag;
use range::Range;

pub use rank::{Order, Rank};

/// The longest compiled form of a tag pattern, in bytes. Tag patterns are a line of text and
/// compile to a few kilobytes; a pattern beyond this is a mistake, and would be compiled anew
/// in each cold function.
const COMPILED_PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Which tags are releases of a service, and how they are ordered. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Selection(Arc<Policy>);

#[derive(Debug)]
enum Policy {
    Semver(Range),
    Glob { matcher: GlobMatcher, order: Order },
    Regex { source: String, regex: Regex, group: String, order: Order },
}

/// A policy that cannot be read. Says what was given, what is wrong, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}; {}", self.message(), self.instead())]
pub enum BadSelection {
    /// The text is not a range of versions.
    Range {
        /// The range as given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The text is not a glob.
    Glob {
        /// The glob as given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The text is not a regular expression.
    Regex {
        /// The expression as given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The group to order by is missing from the regular expression, or not clear.
    Group {
        /// The group's name as given, if one was.
        given: Option<String>,
        /// The named groups that the expression has.
        groups: Vec<String>,
    },
}

/// Why a tag is not a release of the service. A sentence, without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unselected {
    /// The tag is not a version of three numbers.
    #[error("`{tag}` is not a semantic version")]
    NotVersion {
        /// The tag.
        tag: Tag,
    },
    /// The version lies outside of the range.
    #[error("`{tag}` is outside {range}")]
    OutsideRange {
        /// The tag.
        tag: Tag,
        /// The range as written.
        range: String,
    },
    /// The range would hold the version's release, but no pre-release of it.
    #[error("`{tag}` is a pre-release and {range} names none{}", of_which(.release.as_ref()))]
    PreRelease {
        /// The tag.
        tag: Tag,
        /// The range as written.
        range: String,
        /// The release whose pre-releases are not named, if the range names those of another.
        release: Option<String>,
    },
    /// The tag does not match the glob or regular expression.
    #[error("`{tag}` does not match {pattern}")]
    NoMatch {
        /// The tag.
        tag: Tag,
        /// The pattern as written.
        pattern: String,
    },
    /// The part of the tag to order by is not a number.
    #[error("`{tag}` has `{text}` as its {group}, which is not a number")]
    NotNumber {
        /// The tag.
        tag: Tag,
        /// The name of the group to order by.
        group: String,
        /// What the group holds in this tag; empty if it took no part in the match.
        text: String,
    },
}

impl Selection {
    /// Versions within a range as npm and Flux write it: `1.4.x`, `^1.4`, `>=1.4, <2`,
    /// `1.2 - 1.4`, `^1 || ^3`. A bare `1.2.3` is exactly that version.
    pub fn parse_semver(range: &str) -> Result<Self, BadSelection> {
        let bad = |why| BadSelection::Range { given: range.to_owned(), why };
        Ok(Self(Arc::new(Policy::Semver(Range::parse(range).map_err(bad)?))))
    }

    /// Tags that a glob (`*`, `?`, `[…]`, `{…,…}`) matches from end to end, ordered by the
    /// whole tag. A numerical order compares runs of digits as numbers, the rest as text.
    pub fn parse_glob(pattern: &str, order: Order) -> Result<Self, BadSelection> {
        let bad = |why: String| BadSelection::Glob { given: pattern.to_owned(), why };
        if pattern.is_empty() {
            return Err(bad("it is empty, and matches no tag".to_owned()));
        }
        let glob = Glob::new(pattern).map_err(|error| bad(error.kind().to_string()))?;
        Ok(Self(Arc::new(Policy::Glob { matcher: glob.compile_matcher(), order })))
    }

    /// Tags that a regular expression matches from end to end, ordered by one of its named
    /// groups. `order_by` may be left out if there is exactly one. A numerical order takes only
    /// tags whose group is all digits.
    pub fn parse_regex(
        pattern: &str,
        order_by: Option<&str>,
        order: Order,
    ) -> Result<Self, BadSelection> {
        let bad = |error: regex::Error| BadSelection::Regex {
            given: pattern.to_owned(),
            why: first_reason(&error),
        };
        // Tags are ASCII; Unicode's classes would make the expression ten times as long.
        let compile = |text: &str| {
            RegexBuilder::new(text).unicode(false).size_limit(COMPILED_PATTERN_BYTES_MAX).build()
        };
        // Compiled as written first, so that an unbalanced `)` cannot pair with our own `(?:`.
        compile(pattern).map_err(bad)?;
        let regex = compile(&format!(r"\A(?:{pattern})\z")).map_err(bad)?;
        let group = ordering_group(&regex, order_by)?;
        Ok(Self(Arc::new(Policy::Regex { source: pattern.to_owned(), regex, group, order })))
    }

    /// A tag's place in the order, selected or not: to compare with what runs, or was selected
    /// once. `None` where the order has no place for it.
    #[must_use]
    pub fn order(&self, tag: &Tag) -> Option<Rank> {
        match &*self.0 {
            Policy::Semver(_) => Range::order(tag),
            Policy::Glob { .. } | Policy::Regex { .. } => self.rank(tag).ok(),
        }
    }

    /// The tag's place among the releases of this policy: the greater, the newer. Two tags may
    /// share a rank, as `v1.2.3` and `1.2.3` do.
    pub fn rank(&self, tag: &Tag) -> Result<Rank, Unselected> {
        match &*self.0 {
            Policy::Semver(range) => range.rank(tag),
            Policy::Glob { matcher, order } if matcher.is_match(tag.as_str()) => {
                Ok(Rank::of_whole(tag.as_str(), *order))
            }
            Policy::Glob { matcher, .. } => Err(Unselected::NoMatch {
                tag: tag.clone(),
                pattern: matcher.glob().glob().to_owned(),
            }),
            Policy::Regex { source, regex, group, order } => {
                let Some(found) = regex.captures(tag.as_str().as_bytes()) else {
                    return Err(Unselected::NoMatch { tag: tag.clone(), pattern: source.clone() });
                };
                let text = found.name(group).map_or("", |part| &tag.as_str()[part.range()]);
                Rank::of_group(text, *order).ok_or_else(|| Unselected::NotNumber {
                    tag: tag.clone(),
                    group: group.clone(),
                    text: text.to_owned(),
                })
            }
        }
    }
}

impl BadSelection {
    /// What was given, where something was.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        match self {
            Self::Range { given, .. } | Self::Glob { given, .. } | Self::Regex { given, .. } => {
                Some(given)
            }
            Self::Group { given, .. } => given.as_deref(),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Range { given, why } => format!("`{given}` is not a range of versions: {why}"),
            Self::Glob { given, why } => format!("`{given}` is not a glob: {why}"),
            Self::Regex { given, why } => format!("`{given}` is not a regular expression: {why}"),
            Self::Group { given: Some(given), .. } => format!("the regular expression has no group named `{given}`"),
            Self::Group { given: None, groups } if groups.is_empty() => {
                "the regular expression has no named group to order tags by".to_owned()
            }
            Self::Group { given: None, .. } => {
                "the regular expression has several named groups, and nothing says which to order by".to_owned()
            }
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn instead(&self) -> String {
        match self {
            Self::Range { .. } => {
                r#"write a range such as ">=1.4, <2", "1.4.x" or "^1.4""#.to_owned()
            }
            Self::Glob { .. } => r#"write a glob such as "20??-??-??" or "release-*""#.to_owned(),
            Self::Regex { .. } => {
                r"write an expression with a named group, such as '^build-(?<number>\d+)$'"
                    .to_owned()
            }
            Self::Group { groups, .. } if groups.is_empty() => {
                r"name one, as in '^build-(?<number>\d+)$'".to_owned()
            }
            Self::Group { groups, .. } => {
                format!("write order_by: {}", groups.join(" or order_by: "))
            }
        }
    }
}

impl PartialEq for Selection {
    /// Two selections are equal if they were written alike.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Selection {}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Policy::Semver(range) => write!(f, "semver {range}"),
            Policy::Glob { matcher, order } => write!(f, "glob {}, {order}", matcher.glob().glob()),
            Policy::Regex { source, group, order, .. } => {
                write!(f, "regex {source}, {order} by {group}")
            }
        }
    }
}

/// The named group that orders tags: the one asked for, or else the only one.
fn ordering_group(regex: &Regex, order_by: Option<&str>) -> Result<String, BadSelection> {
    let groups: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
    match (order_by, groups.as_slice()) {
        (Some(wanted), _) if groups.iter().any(|group| group == wanted) => Ok(wanted.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (given, _) => Err(BadSelection::Group { given: given.map(str::to_owned), groups }),
    }
}

/// The last line of an expression's error: the reason, without the drawing above it.
fn first_reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

fn of_which(release: Option<&String>) -> String {
    release.map_or_else(String::new, |release| format!(" of {release}"))
}

#[cfg(test)]
mod tests;
