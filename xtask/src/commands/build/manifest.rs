//! `target/lambda/manifest.json`: what was packed, for what, and how it is known again.

use std::{collections::BTreeMap, fs, path::Path};

use cfn::constructs::Architecture;
use serde::{Deserialize, Serialize};

use crate::report::Failure;

/// The manifest's name in the folder of the zips.
pub const FILE: &str = "manifest.json";

/// What was packed. Fields are added, never changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The processor that all binaries are for: `arm64` or `x86_64`.
    pub architecture: Architecture,
    /// The zips, by their functions' names.
    pub functions: BTreeMap<String, Packed>,
}

/// A function's zip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The zip's name beside the manifest.
    pub file: String,
    /// The zip's size, in bytes.
    pub size: u64,
    /// The zip's SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The binary's size, in bytes.
    pub binary_size: u64,
    /// The binary's SHA-256, in hexadecimal digits.
    pub binary_sha256: String,
}

impl Manifest {
    /// What was packed last, if that can be told: all that is lost without it is time.
    pub(crate) fn last(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    pub(super) fn to_json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::from("cannot write the manifest as JSON"))?;
        Ok(text + "\n")
    }
}
