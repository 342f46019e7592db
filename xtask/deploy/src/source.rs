//! What is deployed: a template, and the zips that its parameters name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Failure;

/// The parameter that names the bucket of the zips.
pub(crate) const BUCKET: &str = "ArtifactBucket";

/// Where the files lie.
#[derive(Args)]
pub(crate) struct SourceOptions {
    /// The template, as JSON or YAML
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// What `cargo xtask build` made: the zips, with their hashes
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
}

/// A template and its zips.
pub(crate) struct Source {
    pub(crate) template: cfn::Template,
    /// The template as it is handed to CloudFormation: JSON without spaces, because its size is limited.
    pub(crate) text: String,
    /// The SHA-256 of that, in hexadecimal.
    pub(crate) sha256: String,
    pub(crate) artifacts: Vec<Artifact>,
}

/// The zip of a function.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) function: String,
    /// The template's parameter for its key in the bucket.
    pub(crate) parameter: String,
    pub(crate) file: PathBuf,
    pub(crate) size: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

impl Artifact {
    /// The key in the bucket: it follows from the content, so that the same bytes are uploaded once.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}.zip", self.function, self.sha256)
    }
}

#[derive(Deserialize)]
struct Manifest {
    functions: BTreeMap<String, Built>,
}

#[derive(Deserialize)]
struct Built {
    file: PathBuf,
    size: u64,
    sha256: String,
}

impl Source {
    /// Reads both files and fits them together.
    ///
    /// # Errors
    /// When a file cannot be read, or a parameter has no zip, or a zip no parameter.
    pub(crate) fn read(options: &SourceOptions) -> Result<Self, Failure> {
        let SourceOptions { template: file, manifest } = options;
        let template = cfn::read::template(&read(file)?).map_err(|error| {
            Failure::new(
                format!("{}: {error}", file.display()),
                format!("check it with `cargo xtask validate --template {}`", file.display()),
            )
        })?;
        let text = serde_json::to_string(&template)
            .map_err(|error| Failure::new(format!("cannot write the template: {error}"), "this is a defect"))?;
        let sha256 = hex(&Sha256::digest(&text));
        let built: Manifest = serde_json::from_str(&read(manifest)?).map_err(|error| {
            Failure::new(format!("{}: {error}", manifest.display()), "make it again with `cargo xtask build`")
        })?;
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let artifacts = built.functions.into_iter().map(|(function, built)| Artifact {
            parameter: parameter(&function),
            file: folder.join(built.file),
            size: built.size,
            sha256: built.sha256,
            function,
        });
        let source = Self { template, text, sha256, artifacts: artifacts.collect() };
        source.fits(manifest)?;
        Ok(source)
    }

    /// The parameters' values, once it is known which bucket the zips lie in.
    pub(crate) fn parameters(&self, bucket: &str) -> BTreeMap<String, String> {
        let keys = self.artifacts.iter().map(|artifact| (artifact.parameter.clone(), artifact.key()));
        let all = keys.chain([(BUCKET.to_owned(), bucket.to_owned())]);
        all.filter(|(name, _)| self.template.parameters.contains_key(name)).collect()
    }

    /// Each parameter that needs a value has one, and each zip has a well-formed hash.
    fn fits(&self, manifest: &Path) -> Result<(), Failure> {
        let given = self.parameters("");
        let open = self
            .template
            .parameters
            .iter()
            .filter(|(name, parameter)| parameter.default.is_none() && !given.contains_key(name.as_str()));
        let open: Vec<_> = open.map(|(name, _)| name.as_str()).collect();
        if !open.is_empty() {
            return Err(Failure::new(
                format!("the template's parameters have no value: {}", open.join(", ")),
                format!("{} should list a zip for each; make it again with `cargo xtask build`", manifest.display()),
            ));
        }
        for Artifact { function, sha256, .. } in &self.artifacts {
            if sha256.len() != 64 || unhex(sha256).is_none() {
                let message = format!("{}: the SHA-256 of {function} is not one", manifest.display());
                return Err(Failure::new(message, "make it again with `cargo xtask build`"));
            }
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        Failure::new(format!("cannot read {}: {error}", file.display()), "make it with `cargo xtask build`")
    })
}

/// `webhook-verify` is built from a zip whose key is in `WebhookVerifyCode`.
fn parameter(function: &str) -> String {
    let words = function.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut name: String = words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect();
    name.push_str("Code");
    name
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a hexadecimal text; nothing when it is none.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let pairs = digits?;
    pairs.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let bytes = Sha256::digest("x");
        assert_eq!(unhex(&hex(&bytes)).as_deref(), Some(&bytes[..]));
        assert_eq!((unhex("0"), unhex("zz")), (None, None));
    }

    #[test]
    fn a_functions_parameter_is_its_logical_id_and_code() {
        assert_eq!(parameter("webhook-verify"), "WebhookVerifyCode");
    }
}
