//! Reading the team's files.

use std::path::Path;

use anyhow::{Context, Result, bail};
use funade::config::{SourceFile, Sources};

/// The fleet's file, directly in the directory.
const FLEET: &str = "fleet.yaml";

/// The directory of the services' files.
const SERVICES: &str = "services";

/// Reads `fleet.yaml` and the YAML files in `services/`.
pub(crate) fn read_sources(dir: &Path) -> Result<Sources> {
    if !dir.is_dir() {
        bail!("{} is not a directory; name the one that has {FLEET} in it", dir.display());
    }
    let mut files = Vec::new();
    if dir.join(FLEET).exists() {
        files.push(read_source(dir, FLEET)?);
    }
    let services = dir.join(SERVICES);
    if services.is_dir() {
        let entries = services.read_dir().with_context(|| format!("{}", services.display()))?;
        for entry in entries {
            let name = entry.with_context(|| format!("{}", services.display()))?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".yaml") || name.ends_with(".yml") {
                files.push(read_source(dir, &format!("{SERVICES}/{name}"))?);
            }
        }
    }
    Ok(Sources::new(files))
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
