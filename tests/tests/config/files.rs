//! A configuration's directory, as the command line reads it.

use std::fs;
use std::path::Path;

use funade::config::{SourceFile, Sources};

/// Reads `fleet.yaml` and what is in `services`.
pub(crate) fn read(directory: &Path) -> Sources {
    let services = fs::read_dir(directory.join("services")).expect("services");
    let names = services.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| format!("services/{}", name.to_str().expect("UTF-8")));
    let paths = names.chain(["fleet.yaml".to_owned()]);
    Sources::new(paths.map(|path| SourceFile {
        text: fs::read_to_string(directory.join(&path)).expect("a readable file"),
        path,
    }))
}
