//! Keeps PayPal's webhooks, byte for byte.
//!
//! A webhook that is refused is lost when PayPal gives it up after three days. So only what cannot be verified at all is
//! refused: a request without the signature's headers, or too large for the topic. Whatever looks strange about the rest (a
//! certificate on another host, a longer signature, a body that is not JSON) is for `webhook-verify` to decide, which can ask
//! PayPal. The signature is not checked here: that may need a certificate or PayPal itself, and PayPal wants an answer at once.

use contract::event::{Envelope, SignatureHeaders, largest_body};
use jiff::Timestamp;
use paypal::signature::Transmission;

use crate::{problem::Problem, request::Request};

/// Keeps a delivery, or says why it cannot be verified.
///
/// # Errors
/// 413 for a delivery that does not fit a message of `message_bytes`, 400 for one without exactly one of each signature
/// header. Nothing of the request is repeated in the response.
pub fn delivery(request: &Request, message_bytes: usize, now: Timestamp) -> Result<Envelope, Problem> {
    let refuse = |detail: &str| Problem::new(400, "not a webhook of PayPal's").detail(detail);
    let body = request.bytes().ok_or_else(|| refuse("the body's base64 is broken"))?;
    let largest = largest_body(message_bytes);
    let too_large =
        || Problem::new(413, "the webhook is too large").detail(format!("the body may have at most {largest} bytes"));
    if body.len() > largest {
        return Err(too_large());
    }
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let transmission = Transmission::from_headers(headers).map_err(|error| refuse(&error.to_string()))?;
    let Transmission { id, time, signature, cert_url, auth_algo } = transmission;
    // Headers of PayPal's fit beside the largest body. Longer ones take from what the body may have.
    let header_bytes: usize =
        [&id, &time, &signature, &cert_url, &auth_algo].iter().map(|value| value.escape_default().count()).sum();
    if body.len() > largest_body(message_bytes.saturating_sub(header_bytes.saturating_sub(USUAL_HEADERS))) {
        return Err(too_large());
    }
    let headers = SignatureHeaders {
        transmission_id: id,
        transmission_time: time,
        transmission_sig: signature,
        cert_url,
        auth_algo,
    };
    Ok(Envelope { received_at: now.to_string(), headers, body })
}

/// The bytes of signature headers that [`largest_body`] leaves room for.
const USUAL_HEADERS: usize = 1250;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], body: &str) -> Request {
        let headers: serde_json::Map<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!(value))).collect();
        serde_json::from_value(serde_json::json!({ "headers": headers, "body": body })).unwrap()
    }

    const HEADERS: [(&str, &str); 5] = [
        ("paypal-transmission-id", "b2c1b3a0-0000-11ee-8000-000000000000"),
        ("paypal-transmission-time", "2026-11-01T00:00:00Z"),
        ("paypal-transmission-sig", "c2ln"),
        ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1"),
        ("paypal-auth-algo", "SHA256withRSA"),
    ];

    #[test]
    fn receiver_keeps_whatever_has_the_five_headers() {
        let long = "A".repeat(5000);
        let strange = [
            (3, "https://certs.paypal.example/CERT-1"),
            (3, "http://169.254.169.254/"),
            (2, long.as_str()),
            (0, "not an id"),
            (1, "yesterday"),
            (4, "SHA512withRSA"),
            (2, "\u{e9}\n"),
        ];
        for (at, value) in strange {
            let mut headers = HEADERS;
            headers[at].1 = value;
            let kept = delivery(&request(&headers, "{}"), 262_144, Timestamp::UNIX_EPOCH).ok().unwrap();
            assert_eq!(kept.body, b"{}", "{value}");
        }
        for body in ["no json", "[1]", ""] {
            assert!(delivery(&request(&HEADERS, body), 262_144, Timestamp::UNIX_EPOCH).is_ok(), "{body}");
        }
    }

    #[test]
    fn receiver_refuses_what_cannot_be_verified() {
        for at in 0..5 {
            let mut headers = HEADERS.to_vec();
            headers.remove(at);
            assert_eq!(delivery(&request(&headers, "{}"), 262_144, Timestamp::UNIX_EPOCH).err().unwrap().status, 400);
            let mut headers = HEADERS;
            headers[at].1 = "a,b";
            assert_eq!(delivery(&request(&headers, "{}"), 262_144, Timestamp::UNIX_EPOCH).err().unwrap().status, 400);
        }
    }

    #[test]
    fn whatever_the_receiver_keeps_fits_its_message() {
        let quotes = "\"".repeat(4000);
        for signature in ["c2ln", &"A".repeat(500), &"A".repeat(9000), &quotes] {
            let mut headers = HEADERS;
            headers[2].1 = signature;
            let kept = |bytes: usize| delivery(&request(&headers, &"x".repeat(bytes)), 262_144, Timestamp::UNIX_EPOCH);
            let most = (0..=largest_body(262_144)).rev().step_by(101).find_map(|bytes| kept(bytes).ok()).unwrap();
            assert!(serde_json::to_string(&most).unwrap().len() <= 262_144 - 200, "{}", signature.len());
        }
        assert!(
            matches!(delivery(&request(&HEADERS, &"x".repeat(250_000)), 262_144, Timestamp::UNIX_EPOCH), Err(problem) if problem.status == 413)
        );
    }
}
