//! What is deployed: a template, and the zips that its parameters name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use clap::Args;
use serde::Deserialize;

use crate::{Failure, resources::FUNCTION};

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
    /// As S3 and Lambda write it, in base64.
    pub(crate) sha256_base64: String,
}

impl Artifact {
    fn of(function: String, built: Built, manifest: &Path) -> Result<Self, Failure> {
        let Built { file, size, sha256 } = built;
        let Some(bytes) = unhex(&sha256).filter(|bytes| bytes.len() == 32) else {
            let message = format!("{}: the SHA-256 of {function} is not one", manifest.display());
            return Err(Failure::new(message, "make it again with `cargo xtask build`"));
        };
        Ok(Self {
            parameter: parameter(&function),
            file: manifest.parent().unwrap_or(Path::new(".")).join(file),
            size,
            sha256,
            sha256_base64: BASE64.encode(bytes),
            function,
        })
    }

    /// The key in the bucket: it follows from the content, so that the same bytes are uploaded once.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}.zip", self.function, self.sha256)
    }

    /// Reads the zip.
    ///
    /// # Errors
    /// When it cannot be read, or is not what the manifest says.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Failure> {
        let Self { file, sha256, function, .. } = self;
        let rebuild = "build it again with `cargo xtask build`, and plan again what was planned";
        let bytes = fs::read(file)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display()), rebuild))?;
        let found = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
        if found != *sha256 {
            let message = format!(
                "{} is not the zip of {function} that the manifest names: its SHA-256 is {found}, and must be {sha256}",
                file.display()
            );
            return Err(Failure::new(message, rebuild));
        }
        Ok(bytes)
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
        let sha256 = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        let built: Manifest = serde_json::from_str(&read(manifest)?).map_err(|error| {
            Failure::new(format!("{}: {error}", manifest.display()), "make it again with `cargo xtask build`")
        })?;
        let artifacts = built.functions.into_iter().map(|(function, built)| Artifact::of(function, built, manifest));
        let source = Self { template, text, sha256, artifacts: artifacts.collect::<Result<_, _>>()? };
        source.fits(manifest)?;
        Ok(source)
    }

    /// Verifies that each zip is what the manifest says.
    ///
    /// # Errors
    /// When one cannot be read, or is another one.
    pub(crate) fn verify_zips(&self) -> Result<(), Failure> {
        self.artifacts.iter().try_for_each(|artifact| artifact.read().map(drop))
    }

    /// The logical ids of the functions that are made of a zip.
    pub(crate) fn functions_of<'a>(&'a self, artifact: &'a Artifact) -> impl Iterator<Item = &'a str> {
        let is_made_of = move |resource: &cfn::Resource| {
            let code = resource.properties.get("Code").filter(|_| resource.kind == FUNCTION);
            let references = code.map(|code| cfn::graph::references(code, "")).unwrap_or_default();
            references.iter().any(|(_, name)| *name == artifact.parameter)
        };
        self.template.resources.iter().filter(move |(_, each)| is_made_of(each)).map(|(id, _)| id.as_str())
    }

    /// The parameters' values, once it is known which bucket the zips lie in.
    pub(crate) fn parameters(&self, bucket: &str) -> BTreeMap<String, String> {
        let keys = self.artifacts.iter().map(|artifact| (artifact.parameter.clone(), artifact.key()));
        let all = keys.chain([(BUCKET.to_owned(), bucket.to_owned())]);
        all.filter(|(name, _)| self.template.parameters.contains_key(name)).collect()
    }

    /// Each parameter that needs a value has one.
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
        let bytes = digest::digest(&digest::SHA256, b"x");
        assert_eq!(unhex(&hex(bytes.as_ref())).as_deref(), Some(bytes.as_ref()));
        assert_eq!((unhex("0"), unhex("zz")), (None, None));
    }

    #[test]
    fn a_functions_parameter_is_its_logical_id_and_code() {
        assert_eq!(parameter("webhook-verify"), "WebhookVerifyCode");
    }
}
