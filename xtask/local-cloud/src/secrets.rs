//! Secrets Manager: reading and setting values.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html>

mod generate;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use generate::generate;

use journal::Journal;

use crate::{account::Account, clock::Clock, wire::ApiError};

/// All secrets of the account. Clones share them.
#[derive(Clone)]
pub struct Secrets {
    account: Account,
    clock: Clock,
    secrets: Arc<Mutex<BTreeMap<String, Secret>>>,
    /// Where values are written down that are set by calls.
    journal: Arc<OnceLock<Journal>>,
}

/// A value that was set by a call, as it is written down.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedSecret {
    name: String,
    value: String,
    version: String,
    changed: u64,
}

#[derive(Clone)]
struct Secret {
    arn: String,
    /// The value and its version; a new secret has none.
    value: Option<(String, String)>,
    /// When that was set, in seconds since the epoch.
    changed: u64,
    /// Whether that is a random value that the template asked for.
    generated: bool,
}

impl Secrets {
    /// An account without secrets.
    #[must_use]
    pub fn new(account: Account, clock: Clock) -> Self {
        Self { account, clock, secrets: Arc::default(), journal: Arc::default() }
    }

    /// Makes a secret; its ARN, which ends in six characters that follow from the name.
    pub fn create(&self, name: &str, value: Option<String>) -> String {
        self.add(name, value, false)
    }

    /// Makes a secret with a random value.
    pub(crate) fn create_generated(&self, name: &str, value: String) -> String {
        self.add(name, Some(value), true)
    }

    fn add(&self, name: &str, value: Option<String>, generated: bool) -> String {
        let digest = format!("{:x}", Sha256::digest(name.as_bytes()));
        let suffix: String = digest.chars().take(6).collect();
        let arn = self.account.arn("secretsmanager", &format!("secret:{name}-{suffix}"));
        let value = value.map(|value| (value, Uuid::new_v4().to_string()));
        let secret = Secret { arn: arn.clone(), value, changed: self.clock.now().as_secs(), generated };
        self.lock().insert(name.to_owned(), secret);
        arn
    }

    /// Has the secrets that another account has, and no others. Those that have a value keep it.
    pub(crate) fn adopt(&self, wanted: &Self) {
        let wanted = wanted.lock().clone();
        let mut secrets = self.lock();
        secrets.retain(|name, _| wanted.contains_key(name));
        for (name, new) in wanted {
            let known = secrets.entry(name).or_insert_with(|| new.clone());
            if known.value.is_none() {
                *known = new;
            }
        }
    }

    /// Gives secrets that are there the values that they had before, and writes down from now on what is set. A generated
    /// value is written down now: the next start would generate another.
    pub(crate) fn keep(&self, journal: &Journal, saved: Vec<SavedSecret>) {
        for (name, secret) in self.lock().iter() {
            let new = secret.generated && saved.iter().all(|saved| saved.name != *name);
            if let Some((value, version)) = secret.value.clone().filter(|_| new) {
                let (name, changed) = (name.clone(), secret.changed);
                journal.write_as("secret", &SavedSecret { name, value, version, changed });
            }
        }
        for set in saved {
            if let Some(secret) = self.lock().get_mut(&set.name) {
                journal.write_as("secret", &set);
                (secret.value, secret.changed) = (Some((set.value, set.version)), set.changed);
            }
        }
        let _once = self.journal.set(journal.clone());
    }

    pub(crate) fn run(&self, action: &str, request: &Value) -> Result<Value, ApiError> {
        if action == "ListSecrets" {
            let secrets = self.lock();
            let list: Vec<_> =
                secrets.iter().map(|(name, secret)| json!({ "Name": name, "ARN": secret.arn })).collect();
            return Ok(json!({ "SecretList": list }));
        }
        let id = request.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        let mut secrets = self.lock();
        let found = secrets.iter_mut().find(|(name, secret)| *name == id || secret.arn == id);
        let (name, secret) = found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
        match action {
            "GetSecretValue" => {
                let missing = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
                let (value, version) = secret.value.as_ref().ok_or_else(|| not_found(missing))?;
                Ok(json!({
                    "ARN": secret.arn,
                    "Name": name,
                    "VersionId": version,
                    "SecretString": value,
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": self.clock.now().as_secs(),
                }))
            }
            "DescribeSecret" => {
                let mut answer = json!({ "ARN": secret.arn, "Name": name, "LastChangedDate": secret.changed });
                if let (Some((_, version)), Some(members)) = (&secret.value, answer.as_object_mut()) {
                    members.insert("VersionIdsToStages".to_owned(), json!({ version.as_str(): ["AWSCURRENT"] }));
                }
                Ok(answer)
            }
            "PutSecretValue" => {
                let value = request.get("SecretString").and_then(Value::as_str);
                let value = value
                    .ok_or_else(|| ApiError::caller("InvalidParameterException", "You must provide SecretString."))?;
                let version = Uuid::new_v4().to_string();
                secret.value = Some((value.to_owned(), version.clone()));
                secret.changed = self.clock.now().as_secs();
                if let Some(journal) = self.journal.get() {
                    let (name, value, version) = (name.clone(), value.to_owned(), version.clone());
                    journal.write_as("secret", &SavedSecret { name, value, version, changed: secret.changed });
                }
                Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": version, "VersionStages": ["AWSCURRENT"] }))
            }
            _ => Err(ApiError::caller("UnknownOperationException", format!("{action} is not played here"))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(message: &str) -> ApiError {
    ApiError::caller("ResourceNotFoundException", message)
}
