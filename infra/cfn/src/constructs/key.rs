//! KMS keys, and how what is at rest is encrypted.

use super::{Construct, LogGroup};
use crate::{
    Arn, Handle, PolicyDocument, Principal, Stack, Statement, Value, pseudo, resources::kms, union::KeyReference,
    value::own_arn,
};

/// A key of KMS, in the stack.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html>
pub struct Key {
    /// What it encrypts, for whoever finds it in the account.
    pub description: String,
}

impl Construct for Key {
    type Resource = kms::Key;
}

impl Handle<Key> {
    /// The key's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<kms::Key>> {
        self.resource().arn()
    }
}

/// Why linters that ask for a key of one's own are waived where [`Encryption::Managed`] was chosen.
pub(super) const MANAGED: &str = "encrypted with AWS's own key, as the environment chose";

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
    pub fn key(&self) -> Option<Value<Arn<kms::Key>>> {
        match self {
            Self::CustomerKey(key) => Some(key.arn()),
            Self::Managed => None,
        }
    }

    /// The customer's key for a property that takes any way to name one.
    pub(super) fn key_reference(&self) -> Option<Value<KeyReference>> {
        self.key().map(Into::into)
    }
}

impl Stack {
    /// Adds a key that this account administers, and that the services which carry the stack's events may use on its
    /// behalf: SNS (encrypted topics to encrypted queues), CloudWatch (alarms to encrypted topics) and Logs.
    ///
    /// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>,
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>
    #[track_caller]
    pub fn key(&mut self, id: &str, key: &Key) -> Handle<Key> {
        let properties = kms::Key {
            description: Some(key.description.clone().into()),
            // Once a year, without anything to do: what was encrypted before stays readable.
            enable_key_rotation: Some(true.into()),
            key_policy: Some(key_policy().into()),
            ..kms::Key::default()
        };
        self.add(id, properties).seen_as()
    }
}

fn key_policy() -> PolicyDocument {
    let root: Value<String> = Value::sub([
        "arn:".into(),
        pseudo::partition().into(),
        ":iam::".into(),
        pseudo::account_id().into(),
        ":root".into(),
    ]);
    let itself: Value<String> = "*".into();
    let uses = &["kms:Decrypt", "kms:GenerateDataKey*"];
    let by_service = |service: &str| {
        let to = Statement::allow(uses).to(Principal::service(service)).on(&itself);
        to.when("StringEquals", "aws:SourceAccount", &pseudo::account_id())
    };
    let logs: Value<String> = Value::sub(["logs.".into(), pseudo::region().into(), ".amazonaws.com".into()]);
    let groups: Value<Arn<LogGroup>> = own_arn("logs", ["*".into()]);
    let of_logs = &["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
    PolicyDocument::of(vec![
        // Without this the key could never be administered again; in a key's policy "*" is the key itself.
        Statement::allow(&["kms:*"]).named("Account").to(Principal::Aws { aws: root.json() }).on(&itself),
        by_service("sns.amazonaws.com").named("Topics"),
        by_service("cloudwatch.amazonaws.com").named("Alarms"),
        Statement::allow(of_logs).named("Logs").to(Principal::Service { service: logs.json() }).on(&itself).when(
            "ArnLike",
            "kms:EncryptionContext:aws:logs:arn",
            &groups,
        ),
    ])
}
