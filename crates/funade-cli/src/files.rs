//! Reading the team's files, and writing what is made for them.

use std::fs;
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
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Says early that a file could not be written: before a sweep, and not after it.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    let dir = dir_of(path);
    if !dir.is_dir() {
        bail!("cannot write {}: {} is not a directory", path.display(), dir.display());
    }
    if path.is_dir() {
        bail!("cannot write {}: it is a directory", path.display());
    }
    Ok(())
}

/// Writes a text file. Whoever reads it meanwhile has the one before, or all of this.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = dir_of(path).join(format!(".{name}.{}", std::process::id()));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed either says nothing new.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn dir_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) | None => Path::new("."),
    }
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value> {
    serde_json::from_str(&read_text(path)?)
        .with_context(|| format!("{} is not JSON", path.display()))
}

fn read_source(dir: &Path, name: &str) -> Result<SourceFile> {
    Ok(SourceFile { path: name.to_owned(), text: read_text(&dir.join(name))? })
}
