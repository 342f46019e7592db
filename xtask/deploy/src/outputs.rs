//! `outputs`: what a deployed stack says about itself.

use std::{collections::BTreeMap, process::ExitCode};

use serde::Serialize;

use crate::{
    Failure, Format,
    stack::Stack,
    target::Target,
    text::{print, print_json, printable},
};

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Outputs<'a> {
    /// The stack's name.
    stack: &'a str,
    /// AWS's word for the stack's status, such as `UPDATE_COMPLETE`.
    status: &'a str,
    /// The outputs' values by their names.
    outputs: BTreeMap<&'a str, &'a str>,
}

/// Prints the outputs.
///
/// # Errors
/// When there is no such stack, or AWS does not say.
pub(crate) async fn run(target: &Target, format: Format) -> Result<ExitCode, Failure> {
    let stack = Stack::of(target).await?;
    match format {
        Format::Json => print_json(&Outputs {
            stack: &stack.name,
            status: stack.status.as_str(),
            outputs: stack.outputs.iter().map(|output| (output.name.as_str(), output.value.as_str())).collect(),
        })?,
        Format::Text => print(&text(&stack))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The outputs as people read them, sorted by name.
pub(crate) fn text(stack: &Stack) -> String {
    let mut outputs: Vec<_> = stack.outputs.iter().collect();
    outputs.sort_by_key(|output| &output.name);
    let width = outputs.iter().map(|output| output.name.len()).max().unwrap_or_default();
    let lines = outputs.iter().map(|output| {
        let (name, value) = (printable(&output.name), printable(&output.value));
        let description = format!("{:width$}  {}", "", printable(&output.description));
        let description = description.trim_end();
        format!("{name:<width$}  {value}\n{description}{}", if description.is_empty() { "" } else { "\n" })
    });
    format!("{}, {}\n\n{}", printable(&stack.name), stack.status, lines.collect::<String>())
}
