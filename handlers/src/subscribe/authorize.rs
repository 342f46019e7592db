//! The shop's signature over plan, `custom_id` and a time: proof that the shop itself wants this subscription.
//!
//! Without it anybody who knows the API's address can create a subscription under any `custom_id`, and pay for what another
//! customer of the shop then gets.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, verify};
use aws_types::SdkConfig;
use contract::SecretArn;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    api::Create,
    clients::{StartError, secret_string},
    problem::Problem,
};

/// Age up to which the key is used again before it is read from Secrets Manager.
const CACHE_TTL: Duration = Duration::from_secs(300);

/// A shorter key could be guessed; the stack generates 64 characters.
const MIN_KEY_LEN: usize = 32;

/// The key that the shop signs with, as Secrets Manager holds it.
pub struct ShopKey {
    client: aws_sdk_secretsmanager::Client,
    arn: SecretArn,
    read: Mutex<(Instant, Keys)>,
}

/// The secret's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    signing_key: String,
    /// Still accepted, so that the key can be changed while the shop uses the old one.
    #[serde(default)]
    previous_signing_key: Option<String>,
}

/// The keys that are accepted.
struct Keys(Vec<Key>);

impl ShopKey {
    /// Reads the key, so that a wrong secret shows at start.
    ///
    /// # Errors
    /// When Secrets Manager refuses, or the secret does not hold a signing key.
    pub async fn read(config: &SdkConfig, arn: &SecretArn) -> Result<Self, StartError> {
        let client = aws_sdk_secretsmanager::Client::new(config);
        let keys = Keys::read(&client, arn).await?;
        Ok(Self { client, arn: arn.clone(), read: Mutex::new((Instant::now(), keys)) })
    }

    /// Checks the signature of a request whose fields are valid.
    ///
    /// # Errors
    /// 403 when the signature is missing, expired or wrong; 503 when the key cannot be read.
    pub(super) async fn authorize(&self, wanted: &Create, now: Timestamp) -> Result<(), Problem> {
        let mut read = self.read.lock().await;
        if read.0.elapsed() >= CACHE_TTL {
            let keys = Keys::read(&self.client, &self.arn).await.map_err(|error| {
                tracing::error!(%error, "the shop's signing key cannot be read");
                Problem { retry_after: Some(5), ..Problem::new(503, "the signature cannot be checked now") }
            })?;
            *read = (Instant::now(), keys);
        }
        read.1.check(wanted, now).map_err(|detail| Problem::new(403, "the request is not authorized").detail(detail))
    }
}

impl Keys {
    async fn read(client: &aws_sdk_secretsmanager::Client, arn: &SecretArn) -> Result<Self, StartError> {
        Self::parse(&secret_string(client, arn).await.map_err(StartError::ShopSecret)?)
    }

    fn parse(text: &str) -> Result<Self, StartError> {
        // What serde says of a wrong shape could quote the secret.
        let Secret { signing_key, previous_signing_key } =
            serde_json::from_str(text).map_err(|_| StartError::ShopKey)?;
        let keys: Vec<_> = std::iter::once(signing_key).chain(previous_signing_key).collect();
        if keys.iter().any(|key| key.len() < MIN_KEY_LEN) {
            return Err(StartError::ShopKey);
        }
        Ok(Self(keys.iter().map(|key| Key::new(HMAC_SHA256, key.as_bytes())).collect()))
    }

    fn check(&self, wanted: &Create, now: Timestamp) -> Result<(), &'static str> {
        let (Some(custom_id), Some(expires_at), Some(signature)) =
            (&wanted.custom_id, wanted.expires_at, &wanted.signature)
        else {
            return Err("custom_id, expires_at and signature are required here; the shop's server signs the request");
        };
        let message = signed_message(&wanted.plan_id, custom_id, expires_at);
        let signature = decode_hex(signature).ok_or("signature must be 64 hexadecimal digits")?;
        if !self.0.iter().any(|key| verify(key, message.as_bytes(), &signature).is_ok()) {
            return Err("the signature is not the shop's for this plan_id, custom_id and expires_at");
        }
        if expires_at <= now.as_second() {
            return Err("the signature has expired; the shop's server has to sign the request again");
        }
        Ok(())
    }
}

/// The bytes that the shop signs. Neither a plan's id nor a `custom_id` can hold a line feed, so no two requests share them.
fn signed_message(plan_id: &str, custom_id: &str, expires_at: i64) -> String {
    format!("{plan_id}\n{custom_id}\n{expires_at}")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn keys(secret: &serde_json::Value) -> Keys {
        Keys::parse(&secret.to_string()).unwrap()
    }

    fn sign(key: &str, plan_id: &str, custom_id: &str, expires_at: i64) -> String {
        let message = signed_message(plan_id, custom_id, expires_at);
        let tag = aws_lc_rs::hmac::sign(&Key::new(HMAC_SHA256, key.as_bytes()), message.as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn create(plan_id: &str, custom_id: &str, expires_at: i64, signature: &str) -> Create {
        let request =
            json!({ "plan_id": plan_id, "custom_id": custom_id, "expires_at": expires_at, "signature": signature });
        serde_json::from_value(request).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_000).unwrap()
    }

    /// The value that `openssl dgst -sha256 -hmac` prints, as README has it.
    #[test]
    fn shop_signature_is_the_hmac_that_other_tools_make() {
        let signature = "da7dbadc90fd4abbd30d0117ec4580b9aa1801937740efcd9606ccefd8243c61";
        assert_eq!(sign(KEY, "P-123", "buyer-1", 2_000), signature);
        let upper = signature.to_uppercase();
        assert_eq!(
            keys(&json!({ "signing_key": KEY })).check(&create("P-123", "buyer-1", 2_000, &upper), now()),
            Ok(())
        );
    }

    #[test]
    fn shop_signature_holds_for_one_plan_one_custom_id_and_one_time() {
        let keys = keys(&json!({ "signing_key": KEY }));
        let signature = sign(KEY, "P-123", "buyer-1", 2_000);
        let check = |plan, custom, expires| keys.check(&create(plan, custom, expires, &signature), now());
        assert_eq!(check("P-123", "buyer-1", 2_000), Ok(()));
        for (plan, custom, expires) in
            [("P-124", "buyer-1", 2_000), ("P-123", "buyer-2", 2_000), ("P-123", "buyer-1", 2_001)]
        {
            assert!(check(plan, custom, expires).unwrap_err().contains("is not the shop's"));
        }
        let late = sign(KEY, "P-123", "buyer-1", 1_000);
        assert!(keys.check(&create("P-123", "buyer-1", 1_000, &late), now()).unwrap_err().contains("expired"));
        let stranger = sign(&"x".repeat(32), "P-123", "buyer-1", 2_000);
        assert!(keys.check(&create("P-123", "buyer-1", 2_000, &stranger), now()).is_err());
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(keys.check(&create("P-123", "buyer-1", 2_000, wrong), now()).unwrap_err().contains("64 hex"));
        }
        let unsigned = serde_json::from_value(json!({ "plan_id": "P-123", "custom_id": "buyer-1" })).unwrap();
        assert!(keys.check(&unsigned, now()).unwrap_err().contains("are required"));
    }

    #[test]
    fn shop_key_is_changed_without_an_interruption() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let keys = keys(&json!({ "signing_key": new, "previous_signing_key": old }));
        for key in [&old, &new] {
            assert_eq!(keys.check(&create("P-1", "b", 2_000, &sign(key, "P-1", "b", 2_000)), now()), Ok(()));
        }
    }

    #[test]
    fn secret_without_a_long_key_is_refused_and_not_quoted() {
        for wrong in
            [json!({}), json!({ "signing_key": "s3cret" }), json!({ "client_id": "s3cret", "client_secret": "s" })]
        {
            let error = Keys::parse(&wrong.to_string()).err().unwrap().to_string();
            assert!(error.contains("signing_key") && !error.contains("s3cret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_change_of_a_signature_is_refused(at in 0_usize..64, digit in 1_u32..16) {
            let keys = keys(&json!({ "signing_key": KEY }));
            let signature = sign(KEY, "P-123", "buyer-1", 2_000);
            let changed: String = signature.chars().enumerate().map(|(place, old)| {
                let value = old.to_digit(16).unwrap();
                char::from_digit(if place == at { value ^ digit } else { value }, 16).unwrap()
            }).collect();
            prop_assert!(keys.check(&create("P-123", "buyer-1", 2_000, &changed), now()).is_err());
        }
    }
}
