//! Certificates that sign webhooks, and the authorities that may issue them.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime, pem::PemObject};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
};

use super::Reason;

/// The authorities that PayPal's certificates were issued by from 2015 on: the root, and the one between, which PayPal does
/// not serve. They end in 2031 and 2028.
const DIGICERT: [&str; 2] = [
    include_str!("authorities/DigiCertHighAssuranceEVRootCA.pem"),
    include_str!("authorities/DigiCertSHA2ExtendedValidationServerCA.pem"),
];

/// Who may issue signing certificates.
pub struct Authorities {
    roots: Vec<TrustAnchor<'static>>,
    between: Vec<CertificateDer<'static>>,
}

/// Why a text is not an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an authority is `digicert`, or a certificate as PEM: {0}")]
pub struct InvalidAuthority(String);

impl Authorities {
    /// Reads authorities: `digicert` for PayPal's, otherwise one certificate as PEM each. Self-signed ones are roots, the
    /// others stand between a root and what it issued.
    ///
    /// # Errors
    /// When an entry is neither, or no root is among them.
    pub fn parse(entries: &[&str]) -> Result<Self, InvalidAuthority> {
        let mut authorities = Self { roots: Vec::new(), between: Vec::new() };
        for entry in entries {
            match *entry {
                "digicert" => DIGICERT.iter().try_for_each(|pem| authorities.add(pem))?,
                pem => authorities.add(pem)?,
            }
        }
        if authorities.roots.is_empty() {
            return Err(InvalidAuthority("no root is among them".to_owned()));
        }
        Ok(authorities)
    }

    fn add(&mut self, pem: &str) -> Result<(), InvalidAuthority> {
        let invalid = |why: &dyn std::fmt::Display| InvalidAuthority(why.to_string());
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| invalid(&format!("{error:?}")))?;
        let certificate = EndEntityCert::try_from(&der).map_err(|error| invalid(&error))?;
        if certificate.issuer() == certificate.subject() {
            self.roots.push(anchor_from_trusted_cert(&der).map_err(|error| invalid(&error))?.to_owned());
        } else {
            self.between.push(der.into_owned());
        }
        Ok(())
    }
}

/// A certificate, as it was served; nothing of it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(CertificateDer<'static>);

/// What was served is not a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is served there is not a certificate")]
pub struct NotACertificate;

impl Certificate {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NotACertificate> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|_| NotACertificate)?;
        EndEntityCert::try_from(&der).map_err(|_| NotACertificate)?;
        Ok(Self(der.into_owned()))
    }

    /// Whether it was issued by a known authority, under one of the names, and was valid at that time.
    pub(super) fn check(&self, authorities: &Authorities, names: &[String], at: Timestamp) -> Result<(), Reason> {
        let certificate = EndEntityCert::try_from(&self.0).map_err(|_| Reason::Chain)?;
        let bears = |name: &String| {
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        };
        if !names.iter().any(bears) {
            return Err(Reason::Name);
        }
        let seconds = u64::try_from(at.as_second()).map_err(|_| Reason::Validity)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let Authorities { roots, between } = authorities;
        let usage = KeyUsage::server_auth();
        certificate.verify_for_usage(ALL_VERIFICATION_ALGS, roots, between, at, usage, None, None).map(drop).map_err(
            |error| match error {
                Error::UnknownIssuer => Reason::UnknownAuthority,
                Error::CertExpired { .. } | Error::CertNotValidYet { .. } => Reason::Validity,
                _ => Reason::Chain,
            },
        )
    }

    /// Whether its key made this signature.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Reason> {
        let certificate = EndEntityCert::try_from(&self.0).map_err(|_| Reason::Chain)?;
        certificate.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, signature).map_err(|_| Reason::Signature)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    /// PayPal's own of March 2024 to March 2025, as it was served to everybody.
    const PAYPALS: &[u8] = include_bytes!("../../tests/certificates/messageverificationcerts.paypal.com.pem");

    fn checked(authorities: &[&str], name: &str, at: &str) -> Result<(), Reason> {
        let certificate = Certificate::from_pem(PAYPALS).unwrap();
        certificate.check(&Authorities::parse(authorities).unwrap(), &[name.to_owned()], at.parse().unwrap())
    }

    #[test]
    fn digicert_issued_the_certificate_that_paypal_serves() {
        let (name, valid) = ("messageverificationcerts.paypal.com", "2024-09-01T00:00:00Z");
        assert_eq!(checked(&["digicert"], name, valid), Ok(()));
        assert_eq!(checked(&["digicert"], name, "2024-03-07T23:59:59Z"), Err(Reason::Validity));
        assert_eq!(checked(&["digicert"], name, "2025-03-08T00:00:00Z"), Err(Reason::Validity));
        assert_eq!(checked(&["digicert"], "messageverificationcerts.sandbox.paypal.com", valid), Err(Reason::Name));
        // The root alone does not do: PayPal does not serve the authority between.
        assert_eq!(checked(&DIGICERT[..1], name, valid), Err(Reason::UnknownAuthority));
        let another = include_str!("../../tests/vectors/authority.pem");
        assert_eq!(checked(&[another], name, valid), Err(Reason::UnknownAuthority));
    }

    #[test]
    fn certificate_with_one_byte_changed_is_nobodys() {
        let (text, base64) = (std::str::from_utf8(PAYPALS).unwrap(), base64::engine::general_purpose::STANDARD);
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = base64.decode(body).unwrap();
        let last = der.len() - 1;
        der[last] ^= 1;
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64.encode(der));
        let changed = Certificate::from_pem(pem.as_bytes()).unwrap();
        let names = ["messageverificationcerts.paypal.com".to_owned()];
        let at = "2024-09-01T00:00:00Z".parse().unwrap();
        assert_eq!(changed.check(&Authorities::parse(&["digicert"]).unwrap(), &names, at), Err(Reason::Chain));
    }
}
