//! The team's files, as text.
//!
//! Input: what the command line reads from a directory, or the shell from the ledger. Output:
//! what [`check()`](super::check()) reads. The files keep the paths that problems name, relative
//! to the directory: `fleet.yaml`, `services/order-api.yaml`.

use serde::{Deserialize, Serialize};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its path below the configuration's directory, with forward slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// All files of a configuration. Their order means nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
}

/// What a file is read as; its path decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Fleet,
    Services,
}

impl Sources {
    /// Takes the files in any order.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = SourceFile>) -> Self {
        let mut files: Vec<SourceFile> = files.into_iter().collect();
        files.sort();
        Self { files }
    }

    /// The files by path, whoever has put them in.
    pub(super) fn sorted(&self) -> Vec<&SourceFile> {
        let mut files: Vec<&SourceFile> = self.files.iter().collect();
        files.sort();
        files
    }
}

impl SourceFile {
    /// What the file is read as; none if nothing reads a file of this path.
    pub(super) fn kind(&self) -> Option<FileKind> {
        if self.path == "fleet.yaml" {
            return Some(FileKind::Fleet);
        }
        let name = self.path.strip_prefix("services/")?;
        let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
        (!stem.is_empty() && !stem.contains('/')).then_some(FileKind::Services)
    }
}
