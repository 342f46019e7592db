//! The terminal that a person sits at, if one does.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

use anstream::{AutoStream, ColorChoice};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::Failure;

/// Whether somebody is there to be asked.
pub(crate) fn is_attended() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Colour where a person looks, unless they asked for none or for it: <https://no-color.org>,
/// <https://bixense.com/clicolors/>.
pub(crate) fn has_colour() -> bool {
    AutoStream::choice(&stderr()) != ColorChoice::Never
}

/// A text of standard output as a link, where the terminal opens links.
///
/// Source: <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>
pub(crate) fn link(text: &str, url: &str) -> String {
    match supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout) {
        true => format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"),
        false => text.to_owned(),
    }
}

/// Columns and rows of the terminal that progress is shown on.
pub(crate) fn size() -> (usize, usize) {
    let (terminal_size::Width(columns), terminal_size::Height(rows)) =
        terminal_size::terminal_size_of(stderr()).unwrap_or((terminal_size::Width(80), terminal_size::Height(24)));
    (usize::from(columns), usize::from(rows))
}

/// Asks, and waits for a line; nothing when the input ends.
pub(crate) async fn ask(question: &str) -> Option<String> {
    eprint!("{question} ");
    // That the terminal is gone shows when it is read from.
    let _shown = stderr().flush();
    let (answered, answer) = oneshot::channel();
    // A thread of its own: the runtime would wait at its end for one of its own that still reads.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = stdin().lock().read_line(&mut line);
        let line = read.ok().filter(|bytes| *bytes > 0).map(|_| line.trim().to_owned());
        // Nobody waits any more when the program was interrupted.
        let _heard = answered.send(line);
    });
    answer.await.ok().flatten()
}

/// Asks a question that yes or no answers; anything but yes is no.
pub(crate) async fn confirm(question: &str) -> bool {
    let answer = ask(&format!("{question} [y/N]")).await.unwrap_or_default();
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Ctrl-C, and the signal that ends processes.
pub(crate) struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupt {
    /// From now on neither ends the program by itself.
    ///
    /// # Errors
    /// When the system does not let one listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let of = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("cannot listen for signals: {error}"), "try again"))
        };
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    /// Waits for one of them.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
