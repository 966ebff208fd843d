//! The functions' release binaries, and what they weigh.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The name that Lambda starts.
const NAME_IN_ZIP: &str = "bootstrap";

/// What a zip with one file has beside the name, twice, and the deflated file: a local header, an
/// entry in the directory, and the directory's end.
/// <https://pkwaredownloads.blob.core.windows.net/pkware-general/Documentation/APPNOTE-6.3.9.TXT>
const ZIP_BYTES: usize = 30 + 46 + 22;

/// Finds a function's binary beside our own: same profile, same target directory.
pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program should know where it is")?;
    let path = own.with_file_name(name);
    ensure!(path.exists(), "{name} is not built: cargo build --release -p {name}");
    Ok(path)
}

/// The size of the package that is uploaded: a zip, deflated as hard as can be.
pub(crate) fn zip_bytes(binary: &Path) -> io::Result<usize> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&fs::read(binary)?)?;
    Ok(deflated.finish()?.len() + ZIP_BYTES + 2 * NAME_IN_ZIP.len())
}
