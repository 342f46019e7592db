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

/// PayPal's verdict on a webhook that was posted back to it.
#[derive(Debug, PartialEq, Eq)]
pub enum Postback {
    /// It is PayPal's own.
    Success,
    /// It is not.
    Failure,
    /// PayPal does not even check it: what its sender supplied breaks PayPal's rules. The reason, for people.
    Refused(String),
    /// PayPal does not know the webhook that this service says it is for. Says nothing about the delivery.
    UnknownWebhook(String),
}

impl Client {
    /// Asks PayPal whether a webhook is its own.
    ///
    /// Of PayPal's refusals, those about the webhook's id are this service's mistake, and those about anything else the
    /// sender's. A 404 that does not say what was not found can be either; then PayPal is asked whether it knows the webhook.
    ///
    /// # Errors
    /// When PayPal does not decide. A body that is not one JSON value is not asked about: it is not PayPal's.
    pub async fn verify_webhook_signature(
        &self,
        webhook_id: &str,
        transmission: &Transmission,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<Postback, Error> {
        // Only one complete value may be spliced in, or a body could close the object and add keys of its own.
        let Ok(webhook_event) = serde_json::from_slice::<&RawValue>(body) else {
            return Ok(Postback::Refused("the body is not one JSON value".to_owned()));
        };
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
        let answer: Result<Answer, Error> = self.call(&Call::post(operation, path, body).repeatable(), deadline).await;
        match answer {
            Ok(answer) => match answer.verification_status.as_str() {
                "SUCCESS" => Ok(Postback::Success),
                "FAILURE" => Ok(Postback::Failure),
                _ => Err(Error::Unreadable {
                    operation,
                    reason: "verification_status is neither SUCCESS nor FAILURE".to_owned(),
                    debug_id: None,
                }),
            },
            Err(error) => self.classify(webhook_id, error, deadline).await,
        }
    }

    /// The party at fault when PayPal refuses a postback.
    async fn classify(&self, webhook_id: &str, error: Error, deadline: Deadline) -> Result<Postback, Error> {
        if !matches!(error.status(), Some(400 | 404 | 413 | 415 | 422)) {
            return Err(error);
        }
        let reason = error.to_string();
        let named = error.details().iter().any(|detail| detail.field.as_deref().is_some_and(|field| !field.is_empty()));
        match (names_webhook_id(&error), error.status()) {
            (true, _) => Ok(Postback::UnknownWebhook(reason)),
            (false, Some(404)) if !named => match self.webhook_exists(webhook_id, deadline).await? {
                true => Ok(Postback::Refused(reason)),
                false => Ok(Postback::UnknownWebhook(reason)),
            },
            (false, _) => Ok(Postback::Refused(reason)),
        }
    }

    /// Returns true if PayPal knows a webhook with this id.
    async fn webhook_exists(&self, id: &str, deadline: Deadline) -> Result<bool, Error> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Ok(false);
        }
        let call = Call::get("show webhook", format!("/v1/notifications/webhooks/{id}"));
        match self.answer(&call, deadline).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.status(), Some(400 | 404 | 422)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns true if a refusal is about the webhook's id: by the field that it names, or by its words where it names none.
fn names_webhook_id(error: &Error) -> bool {
    let mentions = |text: &str| text.to_ascii_lowercase().replace([' ', '-'], "_").contains("webhook_id");
    error.details().iter().any(|detail| match &detail.field {
        Some(field) if field.bytes().any(|byte| byte.is_ascii_alphanumeric()) => mentions(field),
        _ => mentions(&detail.issue) || detail.description.as_deref().is_some_and(mentions),
    })
}
