//! Log groups.

use super::{Construct, Encryption, key::MANAGED};
use crate::{Arn, Handle, Name, Stack, Value, resources::logs};

/// A log group of CloudWatch Logs.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html>
pub struct LogGroup {
    /// Its name in the account.
    pub name: String,
    /// How long lines are kept, in days; CloudWatch takes only some numbers. `None` keeps them for ever.
    pub retention_days: Option<u32>,
    /// How it is encrypted.
    pub encryption: Encryption,
}

impl Construct for LogGroup {
    type Resource = logs::LogGroup;
}

impl LogGroup {
    /// A log group.
    #[must_use]
    pub fn new(name: String, encryption: Encryption) -> Self {
        // For ever is what costs most and is asked for least: a quarter of a year covers most questions.
        Self { name, retention_days: Some(90), encryption }
    }
}

impl Handle<LogGroup> {
    /// The group's ARN, which ends in `:*` and so covers its streams.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<logs::LogGroup>> {
        self.resource().arn()
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> Value<Name<logs::LogGroup>> {
        self.resource().name()
    }
}

impl Stack {
    /// Adds a log group.
    #[track_caller]
    pub fn log_group(&mut self, id: &str, group: &LogGroup) -> Handle<LogGroup> {
        let properties = logs::LogGroup {
            log_group_name: Some(group.name.clone().into()),
            retention_in_days: group.retention_days.map(Into::into),
            kms_key_id: group.encryption.key_reference(),
            ..logs::LogGroup::default()
        };
        let handle = self.add(id, properties);
        if matches!(group.encryption, Encryption::Managed) {
            self.waive(&handle, "CKV_AWS_158", MANAGED);
        }
        handle.seen_as()
    }
}
