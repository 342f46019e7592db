//! KMS keys, and how what is at rest is encrypted.

use serde_json::json;

use crate::{Arn, Handle, Kind, Part, PolicyDocument, Principal, Stack, Statement, Value, value::own_arn};

/// A key of KMS, in the stack, with yearly rotation.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html>
pub struct Key {
    /// What it encrypts, for whoever finds it in the account.
    pub description: String,
}

impl Kind for Key {
    const TYPE: &'static str = "AWS::KMS::Key";
    // Without its key, what is encrypted is lost.
    const STATEFUL: bool = true;
}

impl Handle<Key> {
    /// The key's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<Key>> {
        self.attribute("Arn")
    }
}

/// How something is encrypted at rest.
#[derive(Clone)]
pub enum Encryption {
    /// With a key of the stack, whose policy says who may use it.
    CustomerKey(Handle<Key>),
    /// With a key that AWS owns or manages, at no cost.
    Managed,
}

impl Encryption {
    /// The customer's key, where there is one.
    #[must_use]
    pub fn key(&self) -> Option<Value<Arn<Key>>> {
        match self {
            Self::CustomerKey(key) => Some(key.arn()),
            Self::Managed => None,
        }
    }
}

impl Stack {
    /// Adds a key that this account administers, and that the services which carry the stack's events may use on its
    /// behalf: SNS (encrypted topics to encrypted queues), CloudWatch (alarms to encrypted topics) and Logs.
    ///
    /// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>,
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>
    pub fn key(&mut self, id: &str, key: &Key) -> Handle<Key> {
        let root: Value<String> = Value::sub([
            "arn:".into(),
            Part::Ref("AWS::Partition".to_owned()),
            ":iam::".into(),
            Part::Ref("AWS::AccountId".to_owned()),
            ":root".into(),
        ]);
        let account: Value<String> = Value::reference("AWS::AccountId");
        let itself: Value<String> = Value::literal("*");
        let uses = &["kms:Decrypt", "kms:GenerateDataKey*"];
        let by_service = |service: &str| {
            let to = Statement::allow(uses).to(Principal::service(service)).on(&itself);
            to.when("StringEquals", "aws:SourceAccount", &account)
        };
        let logs: Value<String> =
            Value::sub(["logs.".into(), Part::Ref("AWS::Region".to_owned()), ".amazonaws.com".into()]);
        let groups: Value<Arn<super::LogGroup>> = own_arn("logs", ["*".into()]);
        let policy = PolicyDocument::of(vec![
            // Without this the key could never be administered again; in a key's policy "*" is the key itself.
            Statement::allow(&["kms:*"]).named("Account").to(Principal::Aws { aws: root.json() }).on(&itself),
            by_service("sns.amazonaws.com").named("Topics"),
            by_service("cloudwatch.amazonaws.com").named("Alarms"),
            Statement::allow(&[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:DescribeKey",
            ])
            .named("Logs")
            .to(Principal::Service { service: logs.json() })
            .on(&itself)
            .when("ArnLike", "kms:EncryptionContext:aws:logs:arn", &groups),
        ]);
        self.add(id, json!({ "Description": key.description, "EnableKeyRotation": true, "KeyPolicy": policy }))
    }
}
