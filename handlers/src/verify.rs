//! Judges whether a delivery is PayPal's.
//!
//! Three verdicts, because "cannot tell now" must never become "forged": a certificate that cannot be fetched or an
//! authority that is not known yet says nothing about the event.

mod check;

pub use check::Checker;

use contract::{
    config::{Verification, WebhookTrust},
    event::Envelope,
};
use jiff::Timestamp;
use paypal::{
    Client, Deadline,
    signature::{
        Authorities, CertificateStore, FetchError, Origin, Transmission, Trust, Verdict as Signature, address, in_time,
        verify,
    },
};

/// There is no certificate at a well-formed address.
const NOT_FOUND: &str = "certificate_not_found";

/// What is known of a delivery's origin.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is PayPal's.
    Genuine,
    /// It is not, for good; a word and a sentence.
    Forged(&'static str, String),
    /// It cannot be told now; a word and a sentence.
    Undecided(&'static str, String),
}

/// Judges deliveries.
pub struct Verifier {
    trust: Trust,
    verification: Verification,
    store: CertificateStore,
    paypal: Client,
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
        Ok(Self { trust, verification, store, paypal })
    }

    /// The webhook that deliveries must be for.
    #[must_use]
    pub fn webhook_id(&self) -> &str {
        &self.trust.webhook_id
    }

    /// Judges a delivery.
    pub async fn judge(&self, envelope: &Envelope, deadline: Deadline) -> Verdict {
        let transmission = transmission(envelope);
        let Ok(received_at) = envelope.received_at.parse::<Timestamp>() else {
            return Verdict::Forged("no_arrival_time", "the message does not say when it arrived".to_owned());
        };
        // PayPal itself does not say how old a signature may be, so this is checked whoever decides the rest.
        if let Err(reason) = in_time(&transmission, received_at) {
            return Verdict::Forged(reason.code(), reason.to_string());
        }
        match self.verification {
            Verification::Offline => self.offline(envelope, &transmission, received_at, deadline).await,
            Verification::Postback => self.postback(envelope, &transmission, deadline).await,
            Verification::OfflineThenPostback => {
                match self.offline(envelope, &transmission, received_at, deadline).await {
                    // A certificate that is withdrawn says nothing about what it signed before.
                    Verdict::Undecided(..) | Verdict::Forged(NOT_FOUND, _) => {
                        self.postback(envelope, &transmission, deadline).await
                    }
                    decided => decided,
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
    ) -> Verdict {
        let address = match address(&transmission.cert_url, &self.trust.certificate_origins) {
            Ok(address) => address,
            Err(reason) => return Verdict::Forged(reason.code(), reason.to_string()),
        };
        let fetched = tokio::time::timeout(deadline.remaining(), self.store.get(&address)).await;
        let certificate = match fetched.unwrap_or(Err(FetchError::Unavailable("no time left"))) {
            Ok(certificate) => certificate,
            Err(error @ FetchError::NotFound) => return Verdict::Forged(NOT_FOUND, error.to_string()),
            Err(error) => return Verdict::Undecided("certificate_unavailable", error.to_string()),
        };
        match verify(&self.trust, transmission, &envelope.body, &certificate, received_at) {
            Signature::Genuine => {
                self.store.keep(&address, &certificate);
                Verdict::Genuine
            }
            Signature::Forged(reason) => Verdict::Forged(reason.code(), reason.to_string()),
            Signature::Undecided(reason) => Verdict::Undecided(reason.code(), reason.to_string()),
        }
    }

    async fn postback(&self, envelope: &Envelope, transmission: &Transmission, deadline: Deadline) -> Verdict {
        let webhook_id = &self.trust.webhook_id;
        match self.paypal.verify_webhook_signature(webhook_id, transmission, &envelope.body, deadline).await {
            Ok(true) => Verdict::Genuine,
            Ok(false) => {
                Verdict::Forged("postback_failure", "PayPal says that the signature is not its own".to_owned())
            }
            Err(error) => {
                crate::log::paypal_failed(&error);
                Verdict::Undecided("postback_unavailable", error.to_string())
            }
        }
    }
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
