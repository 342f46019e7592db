//! The bucket that zips lie in: a small stack of its own, made when it is not there.
//!
//! Its name is CloudFormation's choice. A name that can be guessed could be taken by somebody else beforehand, who would
//! then get to hand the functions' code.

use aws_sdk_cloudformation::types::OnFailure;
use cfn::{
    PolicyDocument, Principal, Stack as Definition, StackErrors, Statement,
    resources::s3::{Bucket, BucketPolicy, bucket},
};

use crate::{
    Failure,
    artifacts::SUPERSEDED,
    events::{Reader, Since},
    failure::{failure, says},
    follow::Following,
    run::{Run, Stop},
    stack::Stack,
    states::{Step, next, succeeded},
    target::Target,
    token,
};

/// The output with the bucket's name.
const OUTPUT: &str = "Bucket";

/// Days that a zip is kept after no deployment uses it any more: as long one may go back to it without a rebuild.
const KEPT_DAYS: i64 = 90;

/// Days that a template is kept that was too large to be handed over: CloudFormation has its own copy.
const TEMPLATE_DAYS: i64 = 7;

/// Where templates lie that are too large to be handed over.
pub(crate) const TEMPLATES: &str = "templates/";

/// The name of the bucket's stack.
pub(crate) fn stack_name(target: &Target) -> String {
    format!("{}-artifacts", target.stack)
}

/// The bucket's name; makes its stack when it is not there, and mends it when it is not whole.
///
/// # Errors
/// When it cannot be made.
pub(crate) async fn bucket(run: &mut Run<'_>) -> Result<String, Stop> {
    let target = run.target;
    let name = stack_name(target);
    for _ in 0..4 {
        let stack = run.guarded(Stack::find(target, &name)).await?;
        let known = stack.as_ref().and_then(|stack| stack.outputs.iter().find(|output| output.name == OUTPUT));
        match (next(stack.as_ref().map(|stack| &stack.status)), &stack, known) {
            (Step::Update, Some(_), Some(bucket)) => return Ok(bucket.value.clone()),
            (Step::Follow(operation), Some(stack), _) => {
                note!("the stack {name} is being {}", operation.done());
                let (reader, events) = Reader::new(target, &stack.id, Since::Operation).await?;
                let following = Following { stack_id: stack.id.clone(), reader, events };
                run.follow(following).await?;
            }
            (Step::Create, _, _) => make(run, &name).await?,
            // Nothing but the bucket is in it, and no bucket was ever made.
            (Step::Recreate, Some(stack), _) => remove(run, &name, stack).await?,
            (_, Some(stack), _) => {
                let message = format!("the stack {name}, which holds the bucket of the zips, is {}", stack.status);
                return Err(Failure::new(message, format!("look at it in CloudFormation; once deleted, it is made anew: aws cloudformation delete-stack --stack-name {name}")).into());
            }
            (_, None, _) => break,
        }
    }
    Err(Failure::new(format!("the stack {name} does not come about"), "look at its events in CloudFormation").into())
}

/// The bucket's name, where its stack exists and is whole; nothing is created.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn find(target: &Target) -> Result<Option<String>, Failure> {
    let stack = Stack::find(target, &stack_name(target)).await?;
    let stack = stack.filter(|stack| next(Some(&stack.status)) == Step::Update);
    let output = stack.and_then(|stack| stack.outputs.into_iter().find(|output| output.name == OUTPUT));
    Ok(output.map(|output| output.value))
}

async fn make(run: &mut Run<'_>, name: &str) -> Result<(), Stop> {
    let target = run.target;
    note!("making the stack {name}: a private bucket for the functions' zips");
    let template = template(&target.stack)
        .map_err(|error| Failure::new(format!("the bucket's template: {error}"), "this is a defect of this program"))?;
    let made = target.aws.cloudformation().create_stack().stack_name(name).client_request_token(token());
    let made = made.template_body(cfn::write::json(&template)).on_failure(OnFailure::Delete);
    let id = match made.send().await {
        Ok(made) => made.stack_id().unwrap_or(name).to_owned(),
        // Somebody else makes it in this moment.
        Err(error) if says(&error, "AlreadyExistsException") => return Ok(()),
        Err(error) => return Err(failure(&error, "cannot make the bucket's stack").into()),
    };
    let following = Following { stack_id: id.clone(), reader: Reader::of_new(&id), events: Vec::new() };
    let outcome = run.follow(following).await?;
    if succeeded(&outcome.stack.status) && outcome.stack.status.as_str() != "DELETE_COMPLETE" {
        return Ok(());
    }
    Err(run
        .failed(&outcome, &format!("the stack {name}, which holds the bucket of the zips, could not be made"))
        .into())
}

async fn remove(run: &mut Run<'_>, name: &str, stack: &Stack) -> Result<(), Stop> {
    note!("deleting the stack {name}, whose creation failed");
    let target = run.target;
    let cloudformation = target.aws.cloudformation();
    let (reader, events) = Reader::new(target, &stack.id, Since::Now).await?;
    let deleted = cloudformation.delete_stack().stack_name(&stack.id).client_request_token(token()).send().await;
    deleted.map_err(|error| failure(&error, &format!("cannot delete the stack {name}")))?;
    run.follow(Following { stack_id: stack.id.clone(), reader, events }).await?;
    Ok(())
}

/// The bucket: private, encrypted, versioned, over TLS only; no object is overwritten; what is superseded expires.
fn template(stack: &str) -> Result<cfn::Template, StackErrors> {
    let mut definition = Definition::new(&format!("the zips of the functions of {stack}"));
    let enabled = || bucket::Status::Enabled;
    let encrypted =
        bucket::ServerSideEncryptionByDefault::new(bucket::ServerSideEncryptionByDefaultSseAlgorithm::Aes256.into());
    let encrypted = bucket::ServerSideEncryptionRule {
        server_side_encryption_by_default: Some(encrypted.into()),
        ..bucket::ServerSideEncryptionRule::default()
    };
    let superseded = bucket::Rule {
        id: Some("superseded".to_owned().into()),
        tag_filters: Some(
            [bucket::TagFilter { key: SUPERSEDED.to_owned().into(), value: "true".to_owned().into() }].into(),
        ),
        expiration_in_days: Some(KEPT_DAYS.into()),
        ..bucket::Rule::new(enabled().into())
    };
    let overwritten = bucket::Rule {
        id: Some("overwritten".to_owned().into()),
        noncurrent_version_expiration: Some(bucket::NoncurrentVersionExpiration::new(KEPT_DAYS.into()).into()),
        abort_incomplete_multipart_upload: Some(
            bucket::AbortIncompleteMultipartUpload { days_after_initiation: 1.into() }.into(),
        ),
        ..bucket::Rule::new(enabled().into())
    };
    let templates = bucket::Rule {
        id: Some("templates".to_owned().into()),
        prefix: Some(TEMPLATES.to_owned().into()),
        expiration_in_days: Some(TEMPLATE_DAYS.into()),
        ..bucket::Rule::new(enabled().into())
    };
    let owner =
        bucket::OwnershipControlsRule { object_ownership: Some(bucket::ObjectOwnership::BucketOwnerEnforced.into()) };
    let handle = definition.add(
        "Bucket",
        Bucket {
            bucket_encryption: Some(
                bucket::BucketEncryption { server_side_encryption_configuration: [encrypted].into() }.into(),
            ),
            versioning_configuration: Some(
                bucket::VersioningConfiguration { status: bucket::VersioningConfigurationStatus::Enabled.into() }
                    .into(),
            ),
            public_access_block_configuration: Some(
                bucket::PublicAccessBlockConfiguration {
                    block_public_acls: Some(true.into()),
                    block_public_policy: Some(true.into()),
                    ignore_public_acls: Some(true.into()),
                    restrict_public_buckets: Some(true.into()),
                }
                .into(),
            ),
            ownership_controls: Some(bucket::OwnershipControls { rules: [owner].into() }.into()),
            lifecycle_configuration: Some(
                bucket::LifecycleConfiguration::new([superseded, overwritten, templates].into()).into(),
            ),
            ..Bucket::default()
        },
    );
    let objects: cfn::Value<String> = cfn::Value::sub([(&handle.arn()).into(), "/*".into()]);
    let tls_only = Statement::deny(&["s3:*"])
        .named("TlsOnly")
        .to(Principal::everyone())
        .on(&handle.arn())
        .on(&objects)
        .when("Bool", "aws:SecureTransport", &cfn::Value::<String>::from("false".to_owned()));
    // An object's bytes are verified before a function is made of them, so they must not change after that.
    let write_once = Statement::deny(&["s3:PutObject"]).named("WriteOnce").to(Principal::everyone()).on(&objects).when(
        "Null",
        "s3:if-none-match",
        &cfn::Value::<String>::from("true".to_owned()),
    );
    let statements = vec![tls_only, write_once];
    definition.add(
        "BucketPolicy",
        BucketPolicy { bucket: handle.name(), policy_document: PolicyDocument::of(statements).into() },
    );
    definition.output(OUTPUT, "the bucket that the functions' zips lie in", handle.name());
    definition.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_template_is_as_reviewed_and_breaks_no_rule() {
        let template = template("paypal-subscriptions-prod").unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/bootstrap.yaml");
        let yaml = cfn::write::yaml(&template);
        expect_test::expect_file![file].assert_eq(&yaml);
        let findings: Vec<_> =
            review::check::template(&template).findings.into_iter().map(|finding| finding.message).collect();
        assert!(findings.is_empty(), "{findings:?}");
    }
}
