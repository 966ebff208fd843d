//! Ranges of versions as npm and Flux read them, on the `semver` crate.
//!
//! Input: the range as written. Output: whether a tag's version lies in it. The crate reads
//! Cargo's ranges, where a bare `1.2.3` means `^1.2.3`, and where there is neither `||` nor
//! `1.2 - 1.4`; this module rewrites npm's forms into the crate's, one alternative at a time.
//! npm's grammar: <https://github.com/npm/node-semver#ranges>.

use std::fmt;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

use super::{Rank, Tag, Unselected};

/// The operators, the longer before those that they begin with.
const OPERATORS: [&str; 7] = [">=", "<=", "~>", ">", "<", "~", "^"];

/// One or more alternatives; a version lies in the range if it lies in one of them.
#[derive(Debug)]
pub(super) struct Range {
    source: String,
    alternatives: Vec<VersionReq>,
}

impl Range {
    /// Reads a range. The error says what is wrong with it, as the rest of a sentence.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        if source.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        if source.split("||").any(|alternative| alternative.trim().is_empty()) {
            return Err(
                "an alternative beside || is empty, which would take every version".to_owned()
            );
        }
        let alternatives = source.split("||").map(alternative).collect::<Result<Vec<_>, _>>()?;
        if let Some(never) = alternatives.iter().find(|request| holds_nothing(request)) {
            return Err(format!("no version is {never}"));
        }
        Ok(Self { source: source.to_owned(), alternatives })
    }

    /// The version's precedence, in the range or not.
    pub(super) fn order(tag: &Tag) -> Option<Rank> {
        let text = tag.as_str();
        Version::parse(text.strip_prefix('v').unwrap_or(text)).ok().map(Rank::of_version)
    }

    /// The version's precedence if it lies in the range, or why it does not.
    pub(super) fn rank(&self, tag: &Tag) -> Result<Rank, Unselected> {
        let text = tag.as_str();
        let Ok(version) = Version::parse(text.strip_prefix('v').unwrap_or(text)) else {
            return Err(Unselected::NotVersion { tag: tag.clone() });
        };
        if self.holds(&version) {
            return Ok(Rank::of_version(version));
        }
        let release = Version { pre: Prerelease::EMPTY, ..version.clone() };
        if version.pre.is_empty() || !self.holds(&release) {
            return Err(Unselected::OutsideRange { tag: tag.clone(), range: self.source.clone() });
        }
        Err(Unselected::PreRelease {
            tag: tag.clone(),
            range: self.source.clone(),
            release: self.names_pre_release().then(|| release.to_string()),
        })
    }

    fn holds(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|request| request.matches(version))
    }

    fn names_pre_release(&self) -> bool {
        self.alternatives
            .iter()
            .flat_map(|request| &request.comparators)
            .any(|bound| !bound.pre.is_empty())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Reads one side of `||`.
fn alternative(text: &str) -> Result<VersionReq, String> {
    let mut bounds = Vec::new();
    if let Some((low, high)) = text.split_once(" - ") {
        bounds.extend(bound(">=", low.trim())?);
        bounds.extend(bound("<=", high.trim())?);
    } else {
        let mut rest = text.trim_start_matches([' ', ',']);
        while !rest.is_empty() {
            let (operator, after) = operator(rest);
            let end = after.find([' ', ',', '<', '>', '=', '~', '^']).unwrap_or(after.len());
            bounds.extend(bound(operator, &after[..end])?);
            rest = after[end..].trim_start_matches([' ', ',']);
        }
    }
    let text = if bounds.is_empty() { "*".to_owned() } else { bounds.join(", ") };
    VersionReq::parse(&text).map_err(|error| error.to_string())
}

/// Splits the operator off, with the space that may follow it. None is `=`.
fn operator(text: &str) -> (&'static str, &str) {
    let given = OPERATORS.into_iter().find(|operator| text.starts_with(operator));
    let rest = &text[given.map_or(0, str::len)..];
    let rest = if given.is_none() { rest.strip_prefix('=').unwrap_or(rest) } else { rest };
    (given.unwrap_or("="), rest.trim_start())
}

/// One comparison in the crate's words; none if it holds for every version, as `*` does.
fn bound(operator: &str, version: &str) -> Result<Option<String>, String> {
    let version = version.strip_prefix('v').unwrap_or(version);
    if version.is_empty() {
        return Err(format!("`{operator}` has no version after it"));
    }
    let numbers: Vec<&str> =
        version.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")).collect();
    if numbers.is_empty() {
        return match operator {
            ">" | "<" => Err(format!("no version is {operator} {version}")),
            _ => Ok(None),
        };
    }
    let operator = if operator == "~>" { "~" } else { operator };
    Ok(Some(format!("{operator}{}", numbers.join("."))))
}

/// Whether no version can lie in the range, as with `>=2, <1`. If one does, then so does the
/// least version that one of its bounds lets in. Bounds that name pre-releases are not judged.
fn holds_nothing(request: &VersionReq) -> bool {
    let bounds = &request.comparators;
    bounds.iter().all(|bound| bound.pre.is_empty())
        && !bounds
            .iter()
            .map(least)
            .chain([Version::new(0, 0, 0)])
            .any(|version| request.matches(&version))
}

/// The least release that a bound lets in, seen alone.
fn least(bound: &Comparator) -> Version {
    let (minor, patch) = (bound.minor.unwrap_or(0), bound.patch.unwrap_or(0));
    let mut version = Version {
        major: bound.major,
        minor,
        patch,
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
    };
    if bound.op == Op::Greater {
        match (bound.minor, bound.patch) {
            (None, _) => version.major += 1,
            (Some(_), None) => version.minor += 1,
            (Some(_), Some(_)) => version.patch += 1,
        }
    }
    version
}
