//! What AWS says when a resource fails, what it mostly means, and what mends it.
//!
//! Sources: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html> and each service's own
//! list of errors.

/// A reason that was recognized.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// What it mostly means.
    pub(super) means: &'static str,
    /// What mends it.
    pub(super) mend: String,
}

/// One usual reason.
struct Usual {
    /// The type that it is about, or how types that it is about begin.
    kind: &'static str,
    /// What the reason contains, all of it, in lower case.
    says: &'static [&'static str],
    means: &'static str,
    mend: &'static str,
}

/// What a reason means, when it is a usual one; the more special ones come first.
pub(super) fn of(kind: &str, reason: &str) -> Option<Known> {
    let said = reason.to_ascii_lowercase();
    if let Some(action) = denied(reason) {
        return Some(Known {
            means: "whoever deploys lacks a permission",
            mend: format!("have an administrator allow {action} to the identity that deploys, then deploy again"),
        });
    }
    let fits = |usual: &&Usual| kind.starts_with(usual.kind) && usual.says.iter().all(|part| said.contains(part));
    let usual = USUAL.iter().find(fits)?;
    Some(Known { means: usual.means, mend: usual.mend.to_owned() })
}

/// The action that the caller may not take.
fn denied(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("not authorized to perform: ")?;
    let action = rest.split([' ', ',', ')', '"']).next()?;
    (!action.is_empty()).then_some(action.trim_end_matches('.'))
}

const fn usual(kind: &'static str, says: &'static [&'static str], means: &'static str, mend: &'static str) -> Usual {
    Usual { kind, says, means, mend }
}

const AGAIN: &str = "deploy again";

const USUAL: &[Usual] = &[
    usual(
        "AWS::SQS::Queue",
        &["wait 60 seconds"],
        "a queue of this name was deleted less than a minute ago",
        "wait a minute, then deploy again",
    ),
    usual(
        "AWS::SQS::Queue",
        &["queuedeletedrecently"],
        "a queue of this name was deleted less than a minute ago",
        "wait a minute, then deploy again",
    ),
    usual(
        "AWS::SecretsManager::Secret",
        &["scheduled for deletion"],
        "a deleted secret keeps its name for its recovery window",
        "`aws secretsmanager restore-secret --secret-id NAME` and import it, or `delete-secret --force-delete-without-recovery` if its value may be lost",
    ),
    usual(
        "AWS::Lambda::EventSourceMapping",
        &["visibility timeout"],
        "the queue shows messages again while the function still works on them",
        "make the queue's visibility_seconds in the environment file at least six times its function's timeout_seconds",
    ),
    usual(
        "AWS::Lambda::EventSourceMapping",
        &["execution role does not have permissions"],
        "the function's role may not read the queue yet: a new policy takes some seconds to be known everywhere",
        "deploy again; if it stays so, the queue is not among the function's settings",
    ),
    usual(
        "AWS::Lambda::Function",
        &["cannot be assumed by lambda"],
        "the function's role is so new that Lambda does not know it yet",
        AGAIN,
    ),
    usual(
        "AWS::Lambda::Function",
        &["nosuchkey"],
        "the function's zip is not in the artifact bucket any more",
        "deploy again: it uploads what is not there",
    ),
    usual(
        "AWS::Lambda::Function",
        &["getobject", "accessdenied"],
        "whoever deploys may not read the artifact bucket, or not its key",
        "have an administrator allow s3:GetObject on the artifact bucket to the identity that deploys",
    ),
    usual(
        "AWS::Lambda::Function",
        &["unzipped size must be smaller"],
        "the function's binary is larger than Lambda takes",
        "make the binary smaller: `cargo xtask build` prints the sizes",
    ),
    usual(
        "AWS::Lambda::Function",
        &["unreservedconcurrentexecution"],
        "the account's concurrency is too small for what is reserved",
        "have the quota `Concurrent executions` of Lambda raised in Service Quotas",
    ),
    usual(
        "AWS::Lambda::Function",
        &["kms"],
        "Lambda cannot use the key for the function's environment variables",
        "check that the key is enabled, and that its policy lets the account use it",
    ),
    usual(
        "AWS::Lambda::Permission",
        &["already exists"],
        "there is a permission of the same statement id, made by hand",
        "remove it with `aws lambda remove-permission`, then deploy again",
    ),
    usual(
        "AWS::CertificateManager::Certificate",
        &["caa"],
        "a CAA record of the domain forbids Amazon to issue certificates",
        "allow amazon.com in the domain's CAA records, then deploy again",
    ),
    usual(
        "AWS::CertificateManager::Certificate",
        &["validat"],
        "the certificate's DNS record was not seen in time: the hosted zone may not be the one that the domain is delegated to",
        "compare the name servers of domain.hosted_zone_id with those at the registrar (`dig NS`), then deploy again",
    ),
    usual(
        "AWS::CertificateManager::Certificate",
        &["did not stabilize"],
        "the certificate's DNS record was not seen in time: the hosted zone may not be the one that the domain is delegated to",
        "compare the name servers of domain.hosted_zone_id with those at the registrar (`dig NS`), then deploy again",
    ),
    usual(
        "AWS::Route53::RecordSet",
        &["not permitted in zone"],
        "the domain does not lie in the hosted zone",
        "correct domain.name or domain.hosted_zone_id in the environment file",
    ),
    usual(
        "AWS::Route53::RecordSet",
        &["already exists"],
        "there is such a record already, made by hand or by another stack",
        "remove the record once you know that nothing needs it, then deploy again",
    ),
    usual(
        "AWS::Route53::",
        &["no hosted zone found"],
        "there is no hosted zone of this id in the account",
        "correct domain.hosted_zone_id in the environment file",
    ),
    usual(
        "AWS::ApiGatewayV2::DomainName",
        &["already exists"],
        "another API of the account has this domain",
        "remove it there, or choose another domain.name in the environment file",
    ),
    usual(
        "AWS::ApiGatewayV2::Stage",
        &["insufficient permissions to enable logging"],
        "API Gateway may not write to the log group: the account's log resource policy may be full",
        "remove unused policies with `aws logs delete-resource-policy`, then deploy again",
    ),
    usual(
        "AWS::ApiGatewayV2::",
        &["concurrent modification"],
        "API Gateway changes one thing of an API at a time",
        AGAIN,
    ),
    usual(
        "AWS::Logs::LogGroup",
        &["already exists"],
        "a log group is kept when its stack goes, or was made by a function that ran before",
        "import it into the stack, or delete it with `aws logs delete-log-group` if its lines may be lost",
    ),
    usual(
        "AWS::KMS::Key",
        &["will not allow you to update the key policy"],
        "the key's policy would lock out whoever deploys",
        "let the account's root administer the key in its policy",
    ),
    usual(
        "AWS::SNS::Topic",
        &["kms"],
        "SNS cannot use the topic's key",
        "check that the key is enabled, and that its policy names sns.amazonaws.com",
    ),
    usual(
        "",
        &["pending deletion"],
        "the key that encrypts it is about to be deleted",
        "`aws kms cancel-key-deletion`, then deploy again",
    ),
    usual(
        "AWS::IAM::",
        &["malformedpolicydocument"],
        "IAM does not understand a policy",
        "`cargo xtask validate` checks policies; the reason names the statement",
    ),
    usual(
        "AWS::IAM::",
        &["cannot delete entity"],
        "the role has something that was attached by hand",
        "detach what the reason names, then deploy again",
    ),
    usual(
        "AWS::Logs::MetricFilter",
        &["invalid", "pattern"],
        "CloudWatch does not understand the filter's pattern",
        "`cargo xtask validate` says where the pattern breaks off",
    ),
    usual(
        "",
        &["requires capabilities"],
        "the template makes roles, and CloudFormation was not told that this is meant",
        "deploy with `cargo xtask deploy`, which says so",
    ),
    usual(
        "",
        &["denied by stack policy"],
        "the stack's policy protects what holds data from being replaced or deleted",
        "deploy again and name the resource with --replace, once its data is safe",
    ),
    usual("", &["in use by"], "another stack imports what this one exports", "change the other stack first"),
    usual(
        "",
        &["already exists"],
        "something of this name is there already: of another stack, made by hand, or kept from a stack that is gone",
        "import it into the stack, rename one of the two, or delete it if nothing needs it",
    ),
    usual(
        "",
        &["triggered by alarm"],
        "an alarm rang while the deployment ran",
        "`cargo xtask logs` shows what the functions said at that time; the alarm's description says what it means",
    ),
    usual(
        "",
        &["alarm state"],
        "an alarm rang while the deployment ran",
        "`cargo xtask logs` shows what the functions said at that time; the alarm's description says what it means",
    ),
    usual(
        "",
        &["token included in the request is expired"],
        "the credentials expired while the deployment ran",
        "sign in again, such as with `aws sso login`, then deploy again",
    ),
    usual("", &["rate exceeded"], "AWS throttled CloudFormation", "wait a minute, then deploy again"),
    usual("", &["throttl"], "AWS throttled CloudFormation", "wait a minute, then deploy again"),
    usual(
        "",
        &["limitexceeded"],
        "a quota of the account is used up",
        "have the quota that the reason names raised in Service Quotas",
    ),
    usual(
        "",
        &["limit exceeded"],
        "a quota of the account is used up",
        "have the quota that the reason names raised in Service Quotas",
    ),
    usual(
        "",
        &["quota"],
        "a quota of the account is used up",
        "have the quota that the reason names raised in Service Quotas",
    ),
    usual(
        "",
        &["extraneous key"],
        "the template has a property that the type does not have",
        "`cargo xtask validate` says where, and what there is instead",
    ),
    usual(
        "",
        &["properties validation failed"],
        "a property has a value that the type does not take",
        "`cargo xtask validate` says where, and what it takes",
    ),
    usual(
        "",
        &["unsupported property"],
        "the template has a property that the type does not have",
        "`cargo xtask validate` says where, and what there is instead",
    ),
    usual(
        "",
        &["status code: 404"],
        "the thing was deleted by somebody else than CloudFormation",
        "`cargo xtask drift` shows what else was; make it again by hand under its name, then deploy again",
    ),
    usual(
        "",
        &["does not exist"],
        "something that it refers to is not there, or was deleted by somebody else than CloudFormation",
        "`cargo xtask drift` shows what was changed or deleted by hand",
    ),
    usual("", &["did not stabilize"], "AWS did not finish in the time that CloudFormation waits", AGAIN),
    usual("", &["exceeded attempts to wait"], "AWS did not finish in the time that CloudFormation waits", AGAIN),
    usual(
        "",
        &["internal failure"],
        "AWS failed inside",
        "deploy again; if it stays so, AWS's support can tell by the request id",
    ),
    usual(
        "",
        &["internalfailure"],
        "AWS failed inside",
        "deploy again; if it stays so, AWS's support can tell by the request id",
    ),
    usual("", &["service unavailable"], "AWS failed inside", AGAIN),
    usual("AWS::CloudFormation::Stack", &["user initiated"], "somebody stopped it", "deploy again when that is wanted"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Reasons as AWS writes them.
    #[test]
    fn usual_reasons_are_known_the_special_before_the_general() {
        for (kind, reason, wanted) in [
            (
                "AWS::SQS::Queue",
                "Resource handler returned message: \"Resource of type 'AWS::SQS::Queue' with identifier 'errors' already exists.\"",
                "something of this name is there already",
            ),
            ("AWS::Logs::LogGroup", "/aws/lambda/x already exists in stack arn:...", "a log group is kept"),
            (
                "AWS::SQS::Queue",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
                "a queue of this name was deleted",
            ),
            (
                "AWS::Lambda::EventSourceMapping",
                "Invalid request provided: Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
                "the queue shows messages again",
            ),
            (
                "AWS::Lambda::Function",
                "Error occurred while GetObject. S3 Error Code: NoSuchKey.",
                "the function's zip",
            ),
            (
                "AWS::Lambda::Function",
                "The role defined for the function cannot be assumed by Lambda.",
                "the function's role is so new",
            ),
            (
                "AWS::CertificateManager::Certificate",
                "Resource timed out waiting for validation",
                "the certificate's DNS record",
            ),
            ("AWS::DynamoDB::Table", "Rate exceeded (Service: DynamoDb)", "AWS throttled"),
            ("AWS::IAM::Role", "#: extraneous key [Polices] is not permitted", "the template has a property"),
        ] {
            let known = of(kind, reason).unwrap_or_else(|| panic!("{reason}"));
            assert!(known.means.starts_with(wanted), "{reason}: {}", known.means);
        }
        assert_eq!(of("AWS::SQS::Queue", "the moon was full"), None);
    }

    #[test]
    fn a_missing_permission_is_named() {
        let reason = "User: arn:aws:sts::1:assumed-role/deploy/ci is not authorized to perform: iam:PassRole on resource: \
                      arn:aws:iam::1:role/x because no identity-based policy allows it";
        let known = of("AWS::Lambda::Function", reason).unwrap();
        assert!(known.mend.contains("allow iam:PassRole to"), "{}", known.mend);
    }

    #[test]
    fn no_reason_stands_behind_one_that_takes_all_of_its_cases() {
        for (at, usual) in USUAL.iter().enumerate() {
            let said = usual.says.join(" ");
            let first = USUAL.iter().position(|other| {
                usual.kind.starts_with(other.kind) && other.says.iter().all(|part| said.contains(part))
            });
            assert_eq!(first, Some(at), "{said}");
        }
    }
}
