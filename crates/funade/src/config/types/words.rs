//! Patterns over names.

use std::fmt;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};

/// A glob over the names of parameters below a path. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NamePattern(Arc<GlobMatcher>);

impl NamePattern {
    /// Takes the text as a glob; the error is its reason, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
        Ok(Self(Arc::new(glob.compile_matcher())))
    }

    /// Whether a name below the path matches. `*` goes over slashes.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Eq for NamePattern {}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.glob().glob())
    }
}
