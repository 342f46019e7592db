//! `deployed`: what runs, as JSON, for whoever compares it with what would be deployed.

use std::{collections::BTreeMap, process::ExitCode};

use aws_sdk_cloudformation::types::TemplateStage;
use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{Failure, artifacts, failure::failure, source::BUCKET, stack::Stack, target::Target, text::print_json};

/// What is printed. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Deployed {
    /// The stack's name.
    stack: String,
    /// The stack's ARN.
    stack_id: String,
    /// AWS's word for the stack's status, such as `UPDATE_COMPLETE`.
    status: String,
    /// When it was made or last updated, as RFC 3339.
    changed: String,
    /// The template as it was given, as text.
    template: String,
    /// The parameters' values.
    parameters: BTreeMap<String, String>,
    /// The size of each zip in bytes, by the parameter that names it; those that the bucket has no more are missing.
    code_bytes: BTreeMap<String, i64>,
}

/// Prints what runs, or `null` where nothing was ever deployed.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn run(target: &Target) -> Result<ExitCode, Failure> {
    let stack = Stack::find(target, &target.stack).await?;
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else {
        print_json(&None::<Deployed>)?;
        return Ok(ExitCode::SUCCESS);
    };
    let request = target.aws.cloudformation().get_template().stack_name(&stack.id);
    let template = request.template_stage(TemplateStage::Original).send().await;
    let template = template.map_err(|error| failure(&error, "cannot read the deployed template"))?;
    let template = template.template_body().ok_or_else(|| {
        Failure::new(
            "CloudFormation returned no deployed template",
            "run the command again; `aws cloudformation get-template` shows it",
        )
    })?;
    let bucket = stack.parameters.get(BUCKET);
    let codes = stack.parameters.iter().filter(|(name, _)| name.ends_with("Code"));
    let sizes = codes.filter_map(|(name, key)| Some((name, bucket?, key))).map(|(name, bucket, key)| async move {
        let there = artifacts::head(target, bucket, key).await?;
        Ok::<_, Failure>(there.and_then(|there| Some((name.clone(), there.content_length()?))))
    });
    let code_bytes = try_join_all(sizes).await?.into_iter().flatten().collect();
    print_json(&Deployed {
        stack: stack.name.clone(),
        stack_id: stack.id.clone(),
        status: stack.status.as_str().to_owned(),
        changed: stack.changed.clone(),
        template: template.to_owned(),
        parameters: stack.parameters,
        code_bytes,
    })?;
    Ok(ExitCode::SUCCESS)
}
