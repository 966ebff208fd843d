//! The files as the ledger stores them: versioned JSON, deflated.
//!
//! The files themselves are stored, not what was made of them, so that a later release with
//! new settings reads them anew, and a person can read what is applied.

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::source::{SourceFile, Sources};

/// The version of the stored form that is written.
const VERSION: u32 = 1;

/// The longest stored form to be read, inflated, in bytes. A thousand services of a few
/// kilobytes each come to a tenth of it.
const INFLATED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a stored configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadStored {
    /// The bytes are not a deflated text of bearable length.
    #[error("the stored configuration cannot be inflated")]
    Inflate(#[source] std::io::Error),
    /// The text is not the JSON that was stored.
    #[error("the stored configuration is not of the form that was stored")]
    Form(#[source] serde_json::Error),
    /// It was stored by a later release.
    #[error("the stored configuration has version {0}; this release reads {VERSION}")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct Stored<'sources> {
    v: u32,
    files: Vec<Cow<'sources, SourceFile>>,
}

/// Only the version, which says how to read the rest.
#[derive(Deserialize)]
struct Head {
    v: u32,
}

/// The stored form of the files. The same files give the same bytes.
///
/// # Panics
/// Never: text is always JSON, and memory takes every write.
#[must_use]
pub fn pack(sources: &Sources) -> Vec<u8> {
    let files = sources.sorted().into_iter().map(Cow::Borrowed).collect();
    let stored = Stored { v: VERSION, files };
    let json = serde_json::to_vec(&stored).expect("text is always JSON");
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&json).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// Reads what [`pack`] wrote.
pub fn unpack(bytes: &[u8]) -> Result<Sources, BadStored> {
    let mut json = Vec::new();
    let inflated = DeflateDecoder::new(bytes).take(INFLATED_BYTES_MAX).read_to_end(&mut json);
    inflated.map_err(BadStored::Inflate)?;
    let head: Head = serde_json::from_slice(&json).map_err(BadStored::Form)?;
    if head.v != VERSION {
        return Err(BadStored::Version(head.v));
    }
    let stored: Stored<'_> = serde_json::from_slice(&json).map_err(BadStored::Form)?;
    Ok(Sources::new(stored.files.into_iter().map(Cow::into_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let file =
            |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        Sources::new([file("services/b.yaml", "service: b"), file("fleet.yaml", "# 船\n")])
    }

    #[test]
    fn what_is_packed_comes_back() {
        assert_eq!(unpack(&pack(&sources())).expect("packed"), sources());
    }

    #[test]
    fn a_later_version_and_garbage_are_refused() {
        let later = Stored { v: 2, files: Vec::new() };
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&serde_json::to_vec(&later).expect("JSON")).expect("memory");
        let bytes = encoder.finish().expect("memory");
        let error = unpack(&bytes).expect_err("a later version");
        assert_eq!(
            error.to_string(),
            "the stored configuration has version 2; this release reads 1"
        );
        assert!(matches!(unpack(b"garbage"), Err(BadStored::Inflate(_))));
        assert!(matches!(
            unpack(&pack(&sources())[..20]),
            Err(BadStored::Inflate(_) | BadStored::Form(_))
        ));
    }
}
