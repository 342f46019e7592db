//! Verifies that deliveries are PayPal's.
//!
//! Three verdicts, because "cannot be verified now" must never become "invalid": a certificate that cannot be fetched or an
//! authority that is not known yet says nothing about the event.

mod check;
mod limit;

pub use check::Checker;

use std::time::Duration;

use contract::{
    config::{Verification, WebhookTrust},
    event::Envelope,
    signal::Signal,
};
use jiff::Timestamp;
use paypal::{
    Client, Deadline,
    signature::{
        Authorities, CertificateStore, FetchError, Origin, Reason, Transmission, Trust, Verdict as Signature, address,
        in_time, is_paypals, verify,
    },
    webhooks::Postback,
};

use limit::Limit;

/// The most postbacks that one execution environment makes in a second, and at once. PayPal publishes no limit; anybody can
/// send webhooks that look like PayPal's, and each of them must not become a call to PayPal.
const POSTBACKS_PER_SECOND: f64 = 10.0;

/// The result of verifying a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is PayPal's.
    Valid,
    /// It is not PayPal's. The reason, for programs and for people.
    Invalid(&'static str, String),
    /// It cannot be verified now.
    Indeterminate(Indeterminate),
}

/// Why a delivery cannot be verified now.
#[derive(Debug, PartialEq, Eq)]
pub struct Indeterminate {
    /// For programs.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
    /// The least wait before the next try, where PayPal asks for one.
    pub least_wait: Option<Duration>,
    /// The signal for alarms. `None` when the delivery was not even tried: too many others were.
    pub signal: Option<Signal>,
}

/// Verifies deliveries.
pub struct Verifier {
    trust: Trust,
    verification: Verification,
    store: CertificateStore,
    paypal: Client,
    postbacks: Limit,
}

/// The trust in the settings makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("TRUST: {0}; correct paypal.webhook in the environment file")]
pub struct TrustError(String);

impl Verifier {
    /// A verifier that trusts as the environment file says.
    ///
    /// # Errors
    /// When an authority or an origin cannot be read.
    pub fn new(trust: &WebhookTrust, paypal: Client) -> Result<Self, TrustError> {
        let wrong = |error: &dyn std::fmt::Display| TrustError(error.to_string());
        let authorities: Vec<&str> = trust.certificate_authorities.iter().map(String::as_str).collect();
        let origins = trust.certificate_origins.iter().map(|origin| Origin::parse(origin));
        let verification = trust.verification;
        let trust = Trust {
            webhook_id: trust.webhook_id.clone(),
            authorities: Authorities::parse(&authorities).map_err(|error| wrong(&error))?,
            certificate_names: trust.certificate_names.clone(),
            certificate_origins: origins.collect::<Result<_, _>>().map_err(|error| wrong(&error))?,
        };
        let store = CertificateStore::sharing(&paypal);
        let postbacks = Limit::per_second(POSTBACKS_PER_SECOND);
        Ok(Self { trust, verification, store, paypal, postbacks })
    }

    /// The webhook that deliveries must be for.
    #[must_use]
    pub fn webhook_id(&self) -> &str {
        &self.trust.webhook_id
    }

    /// Verifies a delivery.
    pub async fn verify(&self, envelope: &Envelope, deadline: Deadline) -> Verdict {
        let transmission = transmission(envelope);
        let Ok(received_at) = envelope.received_at.parse::<Timestamp>() else {
            return Verdict::Invalid("no_arrival_time", "the message does not say when it arrived".to_owned());
        };
        // PayPal itself does not say how old a signature may be, so this is checked whoever decides the rest.
        if let Err(reason) = in_time(&transmission, received_at) {
            return invalid(reason);
        }
        match self.verification {
            Verification::Offline => self.offline(envelope, &transmission, received_at, deadline).await.verdict(),
            Verification::Postback => self.postback(envelope, &transmission, deadline).await,
            Verification::OfflineThenPostback => {
                match self.offline(envelope, &transmission, received_at, deadline).await {
                    Offline::Valid => Verdict::Valid,
                    decided @ Offline::Invalid(_) => decided.verdict(),
                    Offline::Unknown(reason, _) => {
                        let verdict = self.postback(envelope, &transmission, deadline).await;
                        if verdict == Verdict::Valid {
                            // Every event that comes like this costs a call: the environment file needs an update.
                            let signal = Signal::VerifiedByPostback.as_str();
                            let transmission_id = crate::log::id(&envelope.headers.transmission_id);
                            tracing::warn!(transmission_id, reason, signal, "webhook verified by PayPal alone");
                        }
                        verdict
                    }
                }
            }
        }
    }

    async fn offline(
        &self,
        envelope: &Envelope,
        transmission: &Transmission,
        received_at: Timestamp,
        deadline: Deadline,
    ) -> Offline {
        let unknown =
            |reason: Reason| Offline::Unknown(reason.code(), Verdict::Invalid(reason.code(), reason.to_string()));
        let address = match address(&transmission.cert_url, &self.trust.certificate_origins) {
            Ok(address) => address,
            // PayPal may have moved its certificates to another of its hosts, and knows whether it has.
            Err(reason) if is_paypals(&transmission.cert_url) => return unknown(reason),
            Err(reason) => return Offline::Invalid(reason),
        };
        let fetched = tokio::time::timeout(deadline.remaining(), self.store.get(&address)).await;
        let certificate = match fetched.unwrap_or(Err(FetchError::Unavailable("no time left"))) {
            Ok(certificate) => certificate,
            Err(error @ FetchError::NotFound) => {
                // A certificate that is withdrawn says nothing about what it signed before.
                let reason = "certificate_not_found";
                return Offline::Unknown(reason, Verdict::Invalid(reason, error.to_string()));
            }
            Err(error) => {
                let reason = "certificate_unavailable";
                return Offline::Unknown(reason, undecided(reason, error.to_string()));
            }
        };
        match verify(&self.trust, transmission, &envelope.body, &certificate, received_at) {
            Signature::Genuine => {
                self.store.keep(&address, &certificate);
                Offline::Valid
            }
            // A certificate of PayPal's did not make this signature: nothing that PayPal changes can make that right.
            Signature::Forged(reason @ (Reason::Signature | Reason::Encoding)) => Offline::Invalid(reason),
            // Names, chains, periods of validity and algorithms change when PayPal changes its certificates.
            Signature::Forged(reason) => unknown(reason),
            Signature::Undecided(reason) => {
                Offline::Unknown(reason.code(), undecided(reason.code(), reason.to_string()))
            }
        }
    }

    async fn postback(&self, envelope: &Envelope, transmission: &Transmission, deadline: Deadline) -> Verdict {
        if !transmission.fits_postback() {
            return Verdict::Invalid("wrong_headers", "the signature headers do not have PayPal's form".to_owned());
        }
        if !self.postbacks.admits() {
            return Verdict::Indeterminate(Indeterminate {
                reason: "postback_limit",
                detail: "too many webhooks have to be verified by PayPal at the same time".to_owned(),
                least_wait: None,
                signal: None,
            });
        }
        let webhook_id = &self.trust.webhook_id;
        match self.paypal.verify_webhook_signature(webhook_id, transmission, &envelope.body, deadline).await {
            Ok(Postback::Success) => Verdict::Valid,
            Ok(Postback::Failure) => {
                Verdict::Invalid("postback_failure", "PayPal says that the signature is not its own".to_owned())
            }
            Ok(Postback::Refused(reason)) => Verdict::Invalid("postback_refused", reason),
            Ok(Postback::UnknownWebhook(detail)) => Verdict::Indeterminate(Indeterminate {
                reason: "webhook_unknown",
                detail,
                least_wait: None,
                signal: Some(Signal::WebhookUnknown),
            }),
            Err(error) => {
                crate::log::paypal_failed(&error);
                let least_wait = self.paypal.rate_limited_for();
                let (reason, detail) = ("postback_unavailable", error.to_string());
                Verdict::Indeterminate(Indeterminate { reason, detail, least_wait, signal: Some(Signal::Undecided) })
            }
        }
    }
}

/// Result of a verification without asking PayPal.
enum Offline {
    Valid,
    /// Invalid, whatever PayPal changes about its certificates.
    Invalid(Reason),
    /// PayPal may know better. The reason, and the verdict where PayPal is not to be asked.
    Unknown(&'static str, Verdict),
}

impl Offline {
    fn verdict(self) -> Verdict {
        match self {
            Self::Valid => Verdict::Valid,
            Self::Invalid(reason) => invalid(reason),
            Self::Unknown(_, verdict) => verdict,
        }
    }
}

fn invalid(reason: Reason) -> Verdict {
    Verdict::Invalid(reason.code(), reason.to_string())
}

fn undecided(reason: &'static str, detail: String) -> Verdict {
    let signal = Some(Signal::Undecided);
    Verdict::Indeterminate(Indeterminate { reason, detail, least_wait: None, signal })
}

fn transmission(envelope: &Envelope) -> Transmission {
    let headers = envelope.headers.clone();
    Transmission {
        id: headers.transmission_id,
        time: headers.transmission_time,
        signature: headers.transmission_sig,
        cert_url: headers.cert_url,
        auth_algo: headers.auth_algo,
    }
}
