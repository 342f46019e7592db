//! Building other programs of this workspace, by the cargo that built this one.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use crate::{context::Context, report::Failure};

/// The cargo that started this program.
pub fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds one program of the workspace and returns its file. The compiler's messages go to the terminal.
///
/// # Errors
///
/// It does not compile, or cargo cannot be started.
pub fn build(context: &Context, name: &str) -> Result<PathBuf, Failure> {
    let built = executables(context, binaries(&[name.to_owned()]), name)?;
    built.into_iter().next().ok_or_else(|| Failure::new(format!("cargo built {name} and does not name its file")))
}

/// The command that builds programs of the workspace. No package is named: cargo then chooses the features of all
/// dependencies for the whole workspace, and what one command compiled serves the others.
fn binaries(names: &[String]) -> Command {
    let mut command = Command::new(program());
    command.arg("build").args(names.iter().flat_map(|name| ["--bin", name]));
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
///
/// # Errors
///
/// The folder of their sources cannot be read.
pub(crate) fn handlers_command(context: &Context, debugged: bool) -> Result<Command, Failure> {
    let mut command = binaries(&handler_names(context)?);
    if debugged {
        command.env("CARGO_PROFILE_DEV_DEBUG", "full");
    }
    Ok(command)
}

/// The names of the handlers' programs, from their sources: a function that was just added is among them.
fn handler_names(context: &Context) -> Result<Vec<String>, Failure> {
    let folder = context.root.join("handlers/src/bin");
    let cannot = || format!("cannot list {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Failure::from(cannot()))? {
        let file = entry.map_err(Failure::from(cannot()))?.path();
        if file.extension().is_some_and(|ending| ending == "rs") {
            names.extend(file.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Builds the handlers as they run here, and answers their binaries.
pub(crate) fn handlers(context: &Context, debugged: bool) -> Result<Vec<PathBuf>, Failure> {
    context.progress("building the handlers");
    executables(context, handlers_command(context, debugged)?, HANDLERS)
}

/// Builds the handlers as they run here; the folder of their binaries.
pub fn handlers_folder(context: &Context, debugged: bool) -> Result<PathBuf, Failure> {
    folder_of(&handlers(context, debugged)?, HANDLERS)
}
