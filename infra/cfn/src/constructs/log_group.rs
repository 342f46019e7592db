//! Log groups.

use serde_json::json;

use super::Encryption;
use crate::{Arn, Handle, Kind, Stack, Value};

/// A log group of CloudWatch Logs.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-loggroup.html>
pub struct LogGroup {
    /// Its name in the account.
    pub name: String,
    /// How long lines are kept, in days; CloudWatch takes only some numbers. Without it they would be kept for ever.
    pub retention_days: u32,
    /// How it is encrypted.
    pub encryption: Encryption,
}

impl Kind for LogGroup {
    const TYPE: &'static str = "AWS::Logs::LogGroup";
    const STATEFUL: bool = true;
}

impl Handle<LogGroup> {
    /// The group's ARN, which ends in `:*` and so covers its streams.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<LogGroup>> {
        self.attribute("Arn")
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        self.reference()
    }
}

impl Stack {
    /// Adds a log group.
    pub fn log_group(&mut self, id: &str, group: &LogGroup) -> Handle<LogGroup> {
        let key = group.encryption.key();
        self.add(id, json!({ "LogGroupName": group.name, "RetentionInDays": group.retention_days, "KmsKeyId": key }))
    }
}
