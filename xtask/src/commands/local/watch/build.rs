//! Building what was saved, in processes of their own: they end with whoever waits for them.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::{Output, Stdio},
};

use cfn::Template;
use tokio::process::Command;

use crate::{cargo, context::Context, report::Failure};

/// Builds the handlers; their executables.
pub(super) async fn handlers(context: &Context, debugged: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut command = Command::from(cargo::handlers_command(context, debugged)?);
    command.args(["--quiet", "--message-format", "json-render-diagnostics"]).args(colour());
    let output = finished(context, command, "the handlers cannot be built").await?;
    Ok(cargo::told(&output.stdout))
}

/// Builds this program and has it make a template, by these words of its command line.
pub(super) async fn template(context: &Context, words: &[String]) -> Result<Template, Failure> {
    let mut command = Command::new(cargo::program());
    command.args(["run", "--quiet", "--bin", env!("CARGO_PKG_NAME")]).args(colour()).arg("--").args(words);
    let output = finished(context, command, "the stack cannot be made").await?;
    let text = String::from_utf8_lossy(&output.stdout);
    cfn::read::template(&text).map_err(Failure::from("the stack that was made cannot be read"))
}

/// Runs a command to its end. What it says of its failure is the failure.
async fn finished(context: &Context, mut command: Command, otherwise: &str) -> Result<Output, Failure> {
    command.current_dir(&context.root).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(Failure::from("cannot start cargo"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{otherwise}\n\n{}", said.trim_end())))
}

/// Colour where a person looks.
fn colour() -> Option<&'static str> {
    std::io::stderr().is_terminal().then_some("--color=always")
}

/// A text without the signs that colour it.
pub(super) fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let end = part.find(|sign: char| sign.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain + part.get(end..).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_are_no_text() {
        assert_eq!(plain("\u{1b}[1;31merror\u{1b}[0m: no\u{1b}[K\n1 + 1"), "error: no\n1 + 1");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}
