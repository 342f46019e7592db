//! Lambda functions, each with a log group and a role of its own.

use serde_json::{Map, Value as Json, json};

use super::{Encryption, LogGroup};
use crate::{Arn, Handle, Kind, PolicyDocument, Principal, Stack, Statement, Value};

/// A function: a binary on `provided.al2023`.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html>
pub struct Function {
    /// Its name in the account, at most 64 characters.
    pub name: String,
    /// The binary that it runs; local tools find it by this name.
    pub binary: String,
    /// Where its zip lies.
    pub code: Code,
    /// The processor that the binary is built for.
    pub architecture: Architecture,
    /// Memory in MB, 128 to 10,240; the share of a processor grows with it.
    pub memory_mb: u32,
    /// How long an invocation may take, in seconds, at most 900.
    pub timeout_seconds: u32,
    /// How many environments it may have at once; the account's share without it.
    pub reserved_concurrency: Option<u32>,
    /// Its environment variables. Never secrets: a function reads those itself.
    pub environment: Vec<(String, Value<String>)>,
    /// What it may do beside writing its own log.
    pub grants: Vec<Statement>,
    /// How long its log is kept, in days.
    pub log_retention_days: u32,
    /// How log and environment variables are encrypted.
    pub encryption: Encryption,
}

/// Where a function's zip lies in S3.
pub struct Code {
    /// The bucket's name.
    pub bucket: Value<String>,
    /// The object's key.
    pub key: Value<String>,
}

/// The processor that a function runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Architecture {
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
}

impl Kind for Function {
    const TYPE: &'static str = "AWS::Lambda::Function";
}

struct Role;

impl Kind for Role {
    const TYPE: &'static str = "AWS::IAM::Role";
}

impl Handle<Function> {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<Function>> {
        self.attribute("Arn")
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        self.reference()
    }
}

impl Stack {
    /// Adds a function, its log group `<id>Log` and its role `<id>Role`, which may write to that log, use the key, and do
    /// what the grants say; nothing else.
    pub fn function(&mut self, id: &str, function: &Function) -> Handle<Function> {
        let log = self.log_group(
            &log_id(id),
            &LogGroup {
                name: format!("/aws/lambda/{}", function.name),
                retention_days: function.log_retention_days,
                encryption: function.encryption.clone(),
            },
        );
        let mut statements = vec![Statement::allow(&["logs:CreateLogStream", "logs:PutLogEvents"]).on(&log.arn())];
        statements.extend(function.grants.iter().cloned());
        if let Some(key) = function.encryption.key() {
            statements.push(Statement::allow(&["kms:Decrypt", "kms:GenerateDataKey"]).on(&key));
        }
        let assume = Statement::allow(&["sts:AssumeRole"]).to(Principal::service("lambda.amazonaws.com"));
        let role = self.add::<Role>(
            &role_id(id),
            json!({
                "AssumeRolePolicyDocument": PolicyDocument::of(vec![assume]),
                "Policies": [{ "PolicyName": "settings", "PolicyDocument": PolicyDocument::of(statements) }],
            }),
        );
        let variables: Map<String, Json> =
            function.environment.iter().map(|(name, value)| (name.clone(), value.json())).collect();
        let handle = self.add::<Function>(
            id,
            json!({
                "FunctionName": function.name,
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Architectures": [function.architecture],
                "MemorySize": function.memory_mb,
                "Timeout": function.timeout_seconds,
                "ReservedConcurrentExecutions": function.reserved_concurrency,
                "Code": { "S3Bucket": function.code.bucket, "S3Key": function.code.key },
                "Role": role.attribute::<Arn<Role>>("Arn"),
                "KmsKeyArn": function.encryption.key(),
                "LoggingConfig": { "LogGroup": log.name() },
                "Environment": { "Variables": variables },
            }),
        );
        self.change(&handle, |resource| {
            resource.metadata.insert("Binary".to_owned(), json!(function.binary));
        });
        handle
    }

    /// The log group of a function.
    #[must_use]
    pub fn log_of(&self, function: &Handle<Function>) -> Handle<LogGroup> {
        self.existing(&log_id(function.id.as_str()))
    }

    /// Lets a function do something more.
    pub fn grant(&mut self, function: &Handle<Function>, statement: &Statement) {
        let role = role_id(function.id.as_str());
        self.extend_policy(&role, "/Policies/0/PolicyDocument/Statement", statement);
    }
}

fn role_id(function: &str) -> String {
    format!("{function}Role")
}

fn log_id(function: &str) -> String {
    format!("{function}Log")
}
