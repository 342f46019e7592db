//! `deploy --hotswap`: new code goes straight to Lambda, in seconds, past CloudFormation.
//!
//! The stack then no longer runs what its template names. That is for development, where the environment file allows it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use aws_sdk_lambda::{Client, primitives::Blob, types::LastUpdateStatus};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::{
    Failure, Format, calls,
    failure::failure,
    heartbeat,
    resources::{FUNCTION, Resource, Resources},
    source::hex,
    target::Target,
    text::{print, print_json, printable},
};

/// The largest zip that Lambda takes in a request, in bytes.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_ZIP: usize = 50 * 1024 * 1024;

/// How long Lambda may take to unpack new code.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is shipped.
#[derive(Args)]
pub(crate) struct Hotswap {
    /// What `build` made: target/lambda/manifest.json
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
}

/// What `build` says of the zips, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    /// `arm64` or `x86_64`.
    architecture: String,
    /// The zips, by the function's name.
    functions: BTreeMap<String, Zip>,
}

#[derive(Deserialize)]
struct Zip {
    /// Beside the manifest.
    file: PathBuf,
    /// In hexadecimal.
    sha256: String,
}

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Report<'a> {
    /// The stack's name.
    stack: &'a str,
    /// Each function of the manifest.
    functions: Vec<Swapped>,
}

/// What became of a function.
#[derive(Serialize)]
struct Swapped {
    /// The function, without the stack's name.
    function: String,
    /// Whether it has new code; otherwise it had this code already.
    changed: bool,
    /// How long that took, in milliseconds.
    took_ms: u128,
}

pub(crate) async fn run(target: &Target, format: Format, options: &Hotswap) -> Result<ExitCode, Failure> {
    let manifest = read(&options.manifest)?;
    let folder = options.manifest.parent().unwrap_or(Path::new(""));
    let resources = Resources::read(target).await?;
    let client = target.aws.lambda();
    // All is read and found before the first function changes.
    let mut wanted = Vec::new();
    for (name, zip) in &manifest.functions {
        let function = resources.find(FUNCTION, "function", name)?;
        let file = folder.join(&zip.file);
        let code = std::fs::read(&file).map_err(|error| {
            let message = format!("cannot read {}: {error}", printable(&file.display().to_string()));
            Failure::new(message, "build the zips again with `cargo xtask build`")
        })?;
        let found = hex(digest::digest(&digest::SHA256, &code).as_ref());
        if found != zip.sha256 {
            let message = format!("{name}'s zip is not what the manifest says: its SHA-256 is {found}");
            return Err(Failure::new(message, "build the zips again with `cargo xtask build`"));
        }
        if code.len() > LARGEST_ZIP {
            let message = format!("{name}'s zip has {} bytes, and Lambda takes {LARGEST_ZIP} at once", code.len());
            return Err(Failure::new(message, "deploy it with `cargo xtask deploy`, which goes through S3"));
        }
        wanted.push((name, function, code));
    }
    let swaps = wanted.into_iter().map(|(name, function, code)| {
        swap(target, &client, Wanted { name, function, code, architecture: &manifest.architecture })
    });
    let report = Report { stack: &target.stack, functions: try_join_all(swaps).await? };
    match format {
        Format::Json => print_json(&report)?,
        Format::Text => print(&text(&report))?,
    }
    if report.functions.iter().any(|function| function.changed) {
        note!(
            "{} no longer runs the code that its template names; `cargo xtask deploy --env {}` mends that for each function \
             whose code it changes",
            target.stack,
            target.env
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Manifest, Failure> {
    let name = printable(&file.display().to_string());
    let failed =
        |error: String| Failure::new(format!("cannot read {name}: {error}"), "make it with `cargo xtask build`");
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

/// Code for a function.
struct Wanted<'a> {
    name: &'a str,
    function: &'a Resource,
    code: Vec<u8>,
    architecture: &'a str,
}

async fn swap(target: &Target, client: &Client, wanted: Wanted<'_>) -> Result<Swapped, Failure> {
    let Wanted { name, function, code, architecture } = wanted;
    let since = Instant::now();
    let doing = format!("cannot read about {name}");
    let known = client.get_function_configuration().function_name(&function.physical).send().await;
    let known = known.map_err(|error| failure(&error, &doing))?;
    let runs_on: Vec<_> = known.architectures().iter().map(|each| each.as_str()).collect();
    if !runs_on.is_empty() && !runs_on.contains(&architecture) {
        let message = format!("{name} runs on {}, and the zip is for {architecture}", runs_on.join(", "));
        return Err(Failure::new(message, "build for the environment's architecture, or deploy a change of it"));
    }
    let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, &code));
    let changed = known.code_sha256() != Some(sha256.as_str());
    if changed {
        let limits = calls::upload(code.len());
        let request = client.update_function_code().function_name(&function.physical).zip_file(Blob::new(code));
        let limits = aws_sdk_lambda::config::Config::builder().timeout_config(limits);
        request
            .customize()
            .config_override(limits)
            .send()
            .await
            .map_err(|error| failure(&error, &format!("cannot give {name} its new code")))?;
        let runs = settled(target, client, name, &function.physical).await?;
        if runs != sha256 {
            let message = format!("{name} runs other code than was sent: its SHA-256 is {runs}, and must be {sha256}");
            return Err(Failure::new(message, "find who else changes it (CloudTrail: UpdateFunctionCode)"));
        }
    }
    Ok(Swapped { function: name.to_owned(), changed, took_ms: since.elapsed().as_millis() })
}

/// Waits until the new code runs; the SHA-256 of what runs then.
async fn settled(target: &Target, client: &Client, name: &str, physical: &str) -> Result<String, Failure> {
    let _waiting = heartbeat::waiting_for(format!("Lambda to run {name}'s new code"));
    let until = Instant::now() + PATIENCE;
    let mut wait = target.aws.pace.first;
    loop {
        let answer = client.get_function_configuration().function_name(physical).send().await;
        let answer =
            answer.map_err(|error| failure(&error, &format!("cannot tell whether {name} runs its new code")))?;
        match answer.last_update_status() {
            Some(LastUpdateStatus::InProgress) if Instant::now() < until => {}
            Some(LastUpdateStatus::InProgress) => {
                let message = format!("{name} does not run its new code yet, after {} s", PATIENCE.as_secs());
                return Err(Failure::new(message, "Lambda goes on by itself; look again later"));
            }
            Some(LastUpdateStatus::Failed) => {
                let why = printable(answer.last_update_status_reason().unwrap_or("Lambda does not say why"));
                return Err(Failure::new(format!("{name} did not take its new code: {why}"), "its old code goes on"));
            }
            _ => return Ok(printable(answer.code_sha256().unwrap_or("unknown"))),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(target.aws.pace.longest_look());
    }
}

fn text(report: &Report<'_>) -> String {
    let width = report.functions.iter().map(|function| function.function.len()).max().unwrap_or_default();
    let line = |swapped: &Swapped| match swapped.changed {
        true => format!("{:<width$}  runs its new code, in {} ms\n", swapped.function, swapped.took_ms),
        false => format!("{:<width$}  had this code already\n", swapped.function),
    };
    report.functions.iter().map(line).collect()
}
