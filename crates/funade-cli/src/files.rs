//! Reading the team's files.

use std::path::Path;

use anyhow::{Context, Result, bail};
use funade::config::{SourceFile, Sources};

/// The fleet's file, directly in the directory.
const FLEET: &str = "fleet.yaml";

/// How deep a configuration's directory is searched. Two levels are enough for what belongs there;
/// one more finds what was put a level too deep, so that it is reported and not passed over.
const DEPTH_MAX: usize = 3;

/// Reads all YAML files of a directory: `fleet.yaml`, those in `services/`, and any that are
/// where none belong, which the check will report. Names that begin with a dot are left out.
pub(crate) fn read_sources(dir: &Path) -> Result<Sources> {
    if !dir.is_dir() {
        bail!("{} is not a directory; name the one that has {FLEET} in it", dir.display());
    }
    let mut paths = Vec::new();
    find_yaml(dir, "", DEPTH_MAX, &mut paths)?;
    let files = paths.iter().map(|path| read_source(dir, path)).collect::<Result<Vec<_>>>()?;
    Ok(Sources::new(files))
}

/// Collects the paths below `dir`, relative to it, of files whose names end as YAML's do.
fn find_yaml(dir: &Path, below: &str, depth: usize, found: &mut Vec<String>) -> Result<()> {
    let here = dir.join(below);
    let entries = here.read_dir().with_context(|| format!("cannot read {}", here.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", here.display()))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            if depth > 1 {
                find_yaml(dir, &path, depth - 1, found)?;
            }
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value> {
    serde_json::from_str(&read_text(path)?)
        .with_context(|| format!("{} is not JSON", path.display()))
}

fn read_source(dir: &Path, name: &str) -> Result<SourceFile> {
    Ok(SourceFile { path: name.to_owned(), text: read_text(&dir.join(name))? })
}
