//! Whether a webhook is PayPal's, decided here: bytes, headers, certificate and clock in, a verdict out. Nothing is fetched
//! inside the decision.
//!
//! PayPal signs `transmission id|time|webhook id|crc32 of the body`. Neither the body itself nor the certificate's address is
//! signed: the certificate must be authenticated on its own, and whoever moves money on an event reads it back from PayPal.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/#verify-webhook-signature>

mod address;
mod certificate;
mod store;
mod transmission;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};

pub use address::{CertificateAddress, InvalidOrigin, Origin, address, is_paypals};
pub use certificate::{Authorities, Certificate, InvalidAuthority, NotACertificate};
pub use store::{CertificateStore, FetchError};
pub use transmission::{HeaderError, Transmission};

/// The only algorithm that PayPal signs with.
const ALGORITHM: &str = "SHA256withRSA";
/// Clocks differ: a signature may be this much younger than its arrival.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// PayPal delivers for three days; a signature may be this old when it arrives.
const BEHIND: SignedDuration = SignedDuration::from_hours(4 * 24);

/// What is believed.
pub struct Trust {
    /// The id of the webhook, as PayPal's dashboard shows it. It is part of what is signed, and never taken from a request.
    pub webhook_id: String,
    /// Who may have issued a signing certificate.
    pub authorities: Authorities,
    /// The names that it may bear.
    pub certificate_names: Vec<String>,
    /// Where it may be fetched from.
    pub certificate_origins: Vec<Origin>,
}

/// What is known of a webhook's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is PayPal's.
    Genuine,
    /// It is not, for good.
    Forged(Reason),
    /// It cannot be told with what is known now.
    Undecided(Reason),
}

macro_rules! reasons {
    ($( $name:ident = $code:literal, $text:literal; )*) => {
        /// Why a webhook is not believed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $( #[doc = $text] $name, )*
        }

        impl Reason {
            /// A stable word for programs.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(match self { $( Self::$name => $text, )* })
            }
        }
    };
}

reasons! {
    Algorithm = "wrong_algorithm", "the algorithm is not SHA256withRSA";
    Time = "wrong_time", "the transmission time is not a time";
    TooEarly = "from_the_future", "the transmission time is more than ten minutes after its arrival";
    TooLate = "too_old", "the transmission time is more than four days before its arrival";
    Address = "wrong_certificate_address", "the certificate's address is not one of PayPal's";
    Name = "wrong_certificate_name", "the certificate bears another name than PayPal's";
    Validity = "certificate_not_valid", "the certificate was not valid at the transmission time";
    Chain = "wrong_certificate_chain", "the certificate is not fit to sign webhooks";
    UnknownAuthority = "unknown_authority", "the certificate was issued by an authority that is not known";
    Encoding = "signature_not_base64", "the signature is not base64";
    Signature = "wrong_signature", "the signature does not fit body, id, time and webhook";
}

/// Judges a webhook. `received_at` is when it arrived: the time that was signed is measured against it, so that an event
/// that waited in a queue is judged alike.
#[must_use]
pub fn verify(
    trust: &Trust,
    transmission: &Transmission,
    body: &[u8],
    certificate: &Certificate,
    received_at: Timestamp,
) -> Verdict {
    match check(trust, transmission, body, certificate, received_at) {
        Ok(()) => Verdict::Genuine,
        Err(reason @ Reason::UnknownAuthority) => Verdict::Undecided(reason),
        Err(reason) => Verdict::Forged(reason),
    }
}

/// The checks, cheap ones first.
fn check(
    trust: &Trust,
    transmission: &Transmission,
    body: &[u8],
    certificate: &Certificate,
    received_at: Timestamp,
) -> Result<(), Reason> {
    if transmission.auth_algo != ALGORITHM {
        return Err(Reason::Algorithm);
    }
    let signed_at = in_time(transmission, received_at)?;
    address(&transmission.cert_url, &trust.certificate_origins)?;
    certificate.check(&trust.authorities, &trust.certificate_names, signed_at)?;
    let signature = STANDARD.decode(&transmission.signature).map_err(|_| Reason::Encoding)?;
    certificate.verify(message(trust, transmission, body).as_bytes(), &signature)
}

/// When it was signed, if that fits its arrival.
///
/// # Errors
/// When the time is none, lies more than ten minutes after the arrival, or more than four days before it.
pub fn in_time(transmission: &Transmission, received_at: Timestamp) -> Result<Timestamp, Reason> {
    let signed_at: Timestamp = transmission.time.parse().map_err(|_| Reason::Time)?;
    let age = received_at.duration_since(signed_at);
    if age < -AHEAD {
        return Err(Reason::TooEarly);
    }
    if age > BEHIND {
        return Err(Reason::TooLate);
    }
    Ok(signed_at)
}

/// What is signed. The time stands in it as PayPal wrote it.
fn message(trust: &Trust, transmission: &Transmission, body: &[u8]) -> String {
    format!("{}|{}|{}|{}", transmission.id, transmission.time, trust.webhook_id, crc32fast::hash(body))
}
