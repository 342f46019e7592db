//! Questions before what cannot be undone.

use std::io::{IsTerminal, stderr, stdin};

use crate::Failure;

/// Asks, and goes on only after `yes`; without a terminal only with `--yes`.
///
/// # Errors
/// When the answer is anything else, or there is nobody to ask.
pub(crate) fn ask(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::new(format!("{question} there is nobody to ask"), "say --yes if that is meant"));
    }
    eprint!("{question} only \"yes\" goes on: ");
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::new("stopped: nothing was changed", "answer yes to go on")),
    }
}
