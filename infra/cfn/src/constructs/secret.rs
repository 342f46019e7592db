//! Secrets.

use super::{Construct, Encryption, key::MANAGED};
use crate::{Arn, Handle, Stack, Value, resources::secretsmanager};

/// A secret of Secrets Manager. Its value is never part of a template: it is generated, or set once the stack exists.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html>
pub struct Secret {
    /// Its name in the account.
    pub name: String,
    /// What it holds, and in which shape.
    pub description: String,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// Key of the JSON object in the secret whose value Secrets Manager generates; `None` for a secret that is set later.
    pub generated_key: Option<&'static str>,
}

/// Length of a generated value: letters and digits, about six bits each.
const GENERATED_LENGTH: u32 = 64;

impl Construct for Secret {
    type Resource = secretsmanager::Secret;
}

impl Handle<Secret> {
    /// The secret's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<secretsmanager::Secret>> {
        self.resource().arn()
    }
}

impl Stack {
    /// Adds a secret, with a generated value or without a value.
    #[track_caller]
    pub fn secret(&mut self, id: &str, secret: &Secret) -> Handle<Secret> {
        let properties = secretsmanager::Secret {
            name: Some(secret.name.clone().into()),
            description: Some(secret.description.clone().into()),
            kms_key_id: secret.encryption.key_reference(),
            generate_secret_string: secret.generated_key.map(|key| {
                secretsmanager::secret::GenerateSecretString {
                    secret_string_template: Some("{}".into()),
                    generate_string_key: Some(key.into()),
                    password_length: Some(GENERATED_LENGTH.into()),
                    exclude_punctuation: Some(true.into()),
                    ..Default::default()
                }
                .into()
            }),
            ..secretsmanager::Secret::default()
        };
        let handle = self.add(id, properties);
        if matches!(secret.encryption, Encryption::Managed) {
            self.waive(&handle, "CKV_AWS_149", MANAGED);
        }
        handle.seen_as()
    }
}
