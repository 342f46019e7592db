//! How failures are said: what, and how to mend it, on standard error.

use std::{
    fmt,
    io::{ErrorKind, Write, stderr, stdout},
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use supports_hyperlinks::Stream;

pub(crate) use review::render::{printable, printable_lines};

use crate::links::linked;

/// A command could not do what it should.
#[derive(Debug)]
pub struct Failure {
    message: String,
    help: Option<String>,
}

impl Failure {
    /// Templates, files and servers may have their words in the message: they only show.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: printable_lines(&message.to_string()), help: None }
    }

    /// Adds the action that fixes it.
    #[must_use]
    pub fn help(self, help: impl AsRef<str>) -> Self {
        Self { help: Some(printable_lines(help.as_ref())), ..self }
    }

    /// What could not be done.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What mends it, where that is known.
    pub(crate) fn mend(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// For `map_err`: `doing` is what could not be done, as `cannot read environments/x.yaml`.
    pub fn from<E: fmt::Display>(doing: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self::new(format!("{doing}: {error}"))
    }
}

/// Prints a command's failure, if any, and returns its exit code.
pub fn exit_code(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure(&error);
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn failure(failure: &Failure) {
    let (red, bold, reset) = if has_colour(&stderr()) { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
    eprintln!("{red}error:{reset} {}", linked(&failure.message, Stream::Stderr));
    if let Some(help) = &failure.help {
        eprintln!("  {bold}help:{reset} {}", linked(help, Stream::Stderr));
    }
}

/// Prints a command's result on standard output; a reader that has read enough is no failure.
pub(crate) fn print(result: impl AsRef<[u8]>) -> Result<(), Failure> {
    match stdout().write_all(result.as_ref()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::from("cannot print the result")),
    }
}

/// Prints a command's text for people: as [`print`], with links where the terminal knows them.
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    print(linked(text, Stream::Stdout).as_bytes())
}

/// Colour where a person looks, unless they asked for none or for it: <https://no-color.org>,
/// <https://bixense.com/clicolors/>.
pub(crate) fn has_colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}
