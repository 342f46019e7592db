//! Building other programs of this workspace, by the cargo that built this one.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use crate::{context::Context, report::Failure};

/// The cargo that started this program.
pub fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds a package and answers its executables. What the compiler says goes to the terminal.
pub fn build(context: &Context, package: &str) -> Result<Vec<PathBuf>, Failure> {
    executables(context, binaries_of(package), package)
}

/// The command that builds a package's executables.
fn binaries_of(package: &str) -> Command {
    let mut command = Command::new(program());
    command.args(["build", "--package", package, "--bins"]);
    command
}

/// Runs a command that builds a package, and answers the executables.
pub(crate) fn executables(context: &Context, mut command: Command, package: &str) -> Result<Vec<PathBuf>, Failure> {
    let output = command
        .args(["--message-format", "json-render-diagnostics"])
        .args(context.quiet.then_some("--quiet"))
        .current_dir(&context.root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::from("cannot start cargo"))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{package} cannot be built")).help("the compiler says above where and why"));
    }
    Ok(told(&output.stdout))
}

/// The executables that cargo's messages tell of.
pub(crate) fn told(messages: &[u8]) -> Vec<PathBuf> {
    let messages = String::from_utf8_lossy(messages);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    messages.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from)).collect()
}

/// The folder that a package's executables lie in.
pub(crate) fn folder_of(executables: &[PathBuf], package: &str) -> Result<PathBuf, Failure> {
    let folder = executables.first().and_then(|executable| executable.parent());
    folder.map(Path::to_owned).ok_or_else(|| Failure::new(format!("{package} has no binaries")))
}

/// The package of the handlers.
const HANDLERS: &str = "handlers";

/// The command that builds the handlers as they run here. With `debugged`, a debugger can show all of their variables.
pub(crate) fn handlers_command(debugged: bool) -> Command {
    let mut command = binaries_of(HANDLERS);
    if debugged {
        command.env("CARGO_PROFILE_DEV_DEBUG", "full");
    }
    command
}

/// Builds the handlers as they run here, and answers their binaries.
pub(crate) fn handlers(context: &Context, debugged: bool) -> Result<Vec<PathBuf>, Failure> {
    context.progress("building the handlers");
    executables(context, handlers_command(debugged), HANDLERS)
}

/// Builds the handlers as they run here; the folder of their binaries.
pub fn handlers_folder(context: &Context, debugged: bool) -> Result<PathBuf, Failure> {
    folder_of(&handlers(context, debugged)?, HANDLERS)
}
