//! Builds the handlers, by cargo, and tells where they are.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use crate::{context::Context, report::Failure};

/// Builds the handlers and answers the folder of their binaries. What the compiler says goes to the terminal.
pub(super) fn handlers(context: &Context) -> Result<PathBuf, Failure> {
    context.progress("building the handlers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "handlers", "--bins", "--message-format", "json-render-diagnostics"])
        .args(context.quiet.then_some("--quiet"))
        .current_dir(&context.root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::from("cannot start cargo"))?;
    if !output.status.success() {
        return Err(Failure::new("the handlers do not build").help("the compiler says above where and why"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executables = messages.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let first = executables.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from)).next();
    first.map(|executable| super::folder(&executable)).ok_or_else(|| Failure::new("cargo built no handlers"))
}
