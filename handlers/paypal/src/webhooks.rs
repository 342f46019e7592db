//! Verification of webhooks by PayPal itself.
//!
//! Source: <https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post>

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Client, Deadline, Error, client::Call, signature::Transmission};

#[derive(Serialize)]
struct Question<'a> {
    auth_algo: &'a str,
    cert_url: &'a str,
    transmission_id: &'a str,
    transmission_sig: &'a str,
    transmission_time: &'a str,
    webhook_id: &'a str,
    /// The body's own bytes: PayPal checks the sum of what stands here.
    webhook_event: &'a RawValue,
}

#[derive(Deserialize)]
struct Answer {
    verification_status: String,
}

impl Client {
    /// Asks PayPal whether a webhook is its own.
    ///
    /// # Errors
    /// When PayPal does not answer. A body that is not one JSON value is not asked about: it is not PayPal's.
    pub async fn verify_webhook_signature(
        &self,
        webhook_id: &str,
        transmission: &Transmission,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<bool, Error> {
        // Only one complete value may be spliced in, or a body could close the object and add keys of its own.
        let Ok(webhook_event) = serde_json::from_slice::<&RawValue>(body) else { return Ok(false) };
        let question = Question {
            auth_algo: &transmission.auth_algo,
            cert_url: &transmission.cert_url,
            transmission_id: &transmission.id,
            transmission_sig: &transmission.signature,
            transmission_time: &transmission.time,
            webhook_id,
            webhook_event,
        };
        let operation = "verify webhook signature";
        let body = serde_json::to_vec(&question).map_err(|error| Error::Setup(format!("{operation}: {error}")))?;
        let path = "/v1/notifications/verify-webhook-signature".to_owned();
        let answer: Answer = self.call(&Call::post(operation, path, body).repeatable(), deadline).await?;
        Ok(answer.verification_status == "SUCCESS")
    }
}
