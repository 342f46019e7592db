//! Secrets.

use serde_json::json;

use super::Encryption;
use crate::{Arn, Handle, Kind, Stack, Value};

/// A secret of Secrets Manager. Its value is never part of a template: it is set once the stack is there.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html>
pub struct Secret {
    /// Its name in the account.
    pub name: String,
    /// What it holds, and in which shape.
    pub description: String,
    /// How it is encrypted.
    pub encryption: Encryption,
}

impl Kind for Secret {
    const TYPE: &'static str = "AWS::SecretsManager::Secret";
    const STATEFUL: bool = true;
}

impl Handle<Secret> {
    /// The secret's ARN, which is its `Ref`.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<Secret>> {
        self.reference()
    }
}

impl Stack {
    /// Adds a secret without a value.
    pub fn secret(&mut self, id: &str, secret: &Secret) -> Handle<Secret> {
        let key = secret.encryption.key();
        self.add(id, json!({ "Name": secret.name, "Description": secret.description, "KmsKeyId": key }))
    }
}
