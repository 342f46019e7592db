//! `outputs`: what a deployed stack says about itself.

use std::{collections::BTreeMap, process::ExitCode};

use aws_sdk_cloudformation::types::Stack;
use serde::Serialize;

use crate::{
    Failure, Format,
    failure::{failure, says},
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

pub(crate) async fn run(target: &Target, format: Format) -> Result<ExitCode, Failure> {
    let stack = describe(target).await?;
    let outputs = stack.outputs().iter().filter_map(|output| Some((output.output_key()?, output.output_value()?)));
    let status = stack.stack_status().map_or("", |status| status.as_str());
    let outputs = Outputs { stack: &target.stack, status, outputs: outputs.collect() };
    match format {
        Format::Json => print_json(&outputs)?,
        Format::Text => print(&text(&outputs, &stack))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(outputs: &Outputs<'_>, stack: &Stack) -> String {
    let width = outputs.outputs.keys().map(|name| name.len()).max().unwrap_or_default();
    let description = |name: &str| {
        let output = stack.outputs().iter().find(|output| output.output_key() == Some(name));
        output.and_then(|output| output.description()).unwrap_or_default().to_owned()
    };
    let lines = outputs.outputs.iter().map(|(name, value)| {
        let (value, description) = (printable(value), printable(&description(name)));
        format!("{name:<width$}  {value}\n{:width$}  {description}\n", "")
    });
    format!("{}, {}\n\n{}", outputs.stack, outputs.status, lines.collect::<String>())
}

async fn describe(target: &Target) -> Result<Stack, Failure> {
    let Target { aws, stack, region, account, .. } = target;
    let answer = aws.cloudformation().describe_stacks().stack_name(stack).send().await;
    let missing = || {
        let message = format!("there is no stack {stack} in account {account}, {region}");
        Failure::new(message, "deploy it first, or name another region with --region")
    };
    match answer {
        Ok(answer) => answer.stacks().first().cloned().ok_or_else(missing),
        // CloudFormation has no code of its own for this.
        Err(error) if says(&error, "does not exist") => Err(missing()),
        Err(error) => Err(failure(&error, "cannot read the stack")),
    }
}
