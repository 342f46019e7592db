//! Lambda functions, each with a log group and a role of its own.

use serde_json::json;

use super::{Construct, Encryption, LogGroup, key::MANAGED};
use crate::{
    Arn, Handle, Name, PolicyDocument, Principal, Stack, Statement, Value,
    resources::{
        iam,
        lambda::{self, function as l1},
    },
};

/// A function: a binary on `provided.al2023`.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html>
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

impl Construct for Function {
    type Resource = lambda::Function;
}

impl Function {
    /// A function without settings, that may only write its own log.
    #[must_use]
    pub fn new(name: String, binary: String, code: Code, encryption: Encryption) -> Self {
        Self {
            name,
            binary,
            code,
            // The cheaper one for the same work.
            architecture: Architecture::Arm64,
            // With less, starting takes longer than it saves.
            memory_mb: 256,
            // API Gateway waits for 30 seconds at most.
            timeout_seconds: 29,
            // A reservation takes from the others in the account.
            reserved_concurrency: None,
            environment: Vec::new(),
            grants: Vec::new(),
            // A quarter of a year: long enough to look back at an invoice that somebody asks about.
            log_retention_days: 90,
            encryption,
        }
    }
}

impl Handle<Function> {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<lambda::Function>> {
        self.resource().arn()
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> Value<Name<lambda::Function>> {
        self.resource().name()
    }
}

impl Stack {
    /// Adds a function, its log group `<id>Log` and its role `<id>Role`, which may write to that log, use the key, and do
    /// what the grants say; nothing else.
    #[track_caller]
    pub fn function(&mut self, id: &str, function: &Function) -> Handle<Function> {
        // The group that Lambda would make by itself keeps its lines for ever.
        let log = LogGroup {
            retention_days: Some(function.log_retention_days),
            ..LogGroup::new(format!("/aws/lambda/{}", function.name), function.encryption.clone())
        };
        let log = self.log_group(&log_id(id), &log);
        let role = self.role(id, function, &log);
        let code = l1::Code {
            s3_bucket: Some(function.code.bucket.assume()),
            s3_key: Some(function.code.key.clone()),
            ..l1::Code::default()
        };
        let architecture = match function.architecture {
            Architecture::Arm64 => l1::Architecture::Arm64,
            Architecture::X86_64 => l1::Architecture::X86_64,
        };
        let logging = l1::LoggingConfig { log_group: Some(log.name()), ..l1::LoggingConfig::default() };
        let environment = l1::Environment { variables: Some(function.environment.clone().into()) };
        let properties = lambda::Function {
            function_name: Some(function.name.clone().into()),
            runtime: Some(l1::Runtime::ProvidedAl2023.into()),
            handler: Some("bootstrap".into()),
            architectures: Some([architecture].into()),
            memory_size: Some(function.memory_mb.into()),
            timeout: Some(function.timeout_seconds.into()),
            reserved_concurrent_executions: function.reserved_concurrency.map(Into::into),
            kms_key_arn: function.encryption.key(),
            logging_config: Some(logging.into()),
            environment: Some(environment.into()),
            ..lambda::Function::new(code.into(), role.arn())
        };
        let handle = self.add(id, properties);
        self.change(&handle, |resource| {
            resource.metadata.insert("Binary".to_owned(), json!(function.binary));
        });
        self.waive(&handle, "CKV_AWS_117", "calls public addresses only, so a VPC would protect nothing");
        if function.reserved_concurrency.is_none() {
            self.waive(&handle, "CKV_AWS_115", "a reservation would take from the others; API and queues have limits");
        }
        self.waive(&handle, "CKV_AWS_116", "never called asynchronously: its callers see failures themselves");
        if matches!(function.encryption, Encryption::Managed) {
            self.waive(&handle, "CKV_AWS_173", MANAGED);
        }
        handle.seen_as()
    }

    /// The role of a function; no two share one, so that each may do what it needs and no more.
    #[track_caller]
    fn role(&mut self, id: &str, function: &Function, log: &Handle<LogGroup>) -> Handle<iam::Role> {
        let mut statements = vec![Statement::allow(&["logs:CreateLogStream", "logs:PutLogEvents"]).on(&log.arn())];
        statements.extend(function.grants.iter().cloned());
        if let Some(key) = function.encryption.key() {
            statements.push(Statement::allow(&["kms:Decrypt", "kms:GenerateDataKey"]).on(&key));
        }
        let settings = iam::role::Policy {
            policy_document: PolicyDocument::of(statements).into(),
            policy_name: "settings".into(),
        };
        let assume = Statement::allow(&["sts:AssumeRole"]).to(Principal::service("lambda.amazonaws.com"));
        let role =
            iam::Role { policies: Some([settings].into()), ..iam::Role::new(PolicyDocument::of(vec![assume]).into()) };
        self.add(&role_id(id), role)
    }

    /// The log group of a function.
    #[must_use]
    pub fn log_of(&self, function: &Handle<Function>) -> Handle<LogGroup> {
        self.existing(&log_id(function.id.as_str()))
    }

    /// Lets a function send messages that come back to it. Without this, Lambda takes that for a mistake, and stops it after
    /// about sixteen turns.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
    pub fn allow_recursion(&mut self, function: &Handle<Function>) {
        self.change(&function.resource(), |function| {
            function.properties.insert("RecursiveLoop".to_owned(), json!("Allow"));
        });
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
