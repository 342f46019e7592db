//! Takes PayPal's webhook: what cannot be PayPal's is refused at once, the rest is kept byte for byte.
//!
//! The signature is not checked here: that may need a certificate or PayPal itself, and PayPal wants an answer at once.

use contract::event::{Envelope, SignatureHeaders, largest_body};
use jiff::Timestamp;
use paypal::signature::{Origin, Transmission, address};
use serde_json::value::RawValue;

use crate::{problem::Problem, request::Request};

/// What the receiver takes.
pub struct Limits {
    /// What a message of the topic behind it may measure, in bytes.
    pub message_bytes: usize,
    /// Where a signing certificate may be fetched from.
    pub certificate_origins: Vec<Origin>,
}

/// Keeps a delivery, or says why it cannot be PayPal's.
///
/// # Errors
/// 413 for a body that does not fit the way behind, 400 for anything but one JSON object with one of each signature header
/// and a certificate address of PayPal's. Nothing of the request is repeated in the answer.
pub fn delivery(request: &Request, limits: &Limits, now: Timestamp) -> Result<Envelope, Problem> {
    let refuse = |detail: &str| Problem::new(400, "not a webhook of PayPal's").detail(detail);
    let body = request.bytes().ok_or_else(|| refuse("the body's base64 is broken"))?;
    let largest = largest_body(limits.message_bytes);
    if body.len() > largest {
        return Err(Problem::new(413, "the webhook is too large").detail(format!("at most {largest} bytes")));
    }
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let transmission = Transmission::from_headers(headers).map_err(|error| refuse(&error.to_string()))?;
    address(&transmission.cert_url, &limits.certificate_origins)
        .map_err(|reason| refuse(&format!("PAYPAL-CERT-URL: {reason}")))?;
    if !is_object(&body) {
        return Err(refuse("the body is not one JSON object"));
    }
    let Transmission { id, time, signature, cert_url, auth_algo } = transmission;
    let headers = SignatureHeaders {
        transmission_id: id,
        transmission_time: time,
        transmission_sig: signature,
        cert_url,
        auth_algo,
    };
    Ok(Envelope { received_at: now.to_string(), headers, body })
}

fn is_object(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'{') && serde_json::from_slice::<&RawValue>(body).is_ok()
}
