//! The authority that issues the sandbox's signing certificates, and the signatures.
//!
//! Its key is public on purpose, here in the source: it proves nothing, and is believed only where an environment file
//! lists its certificate.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use url::Url;

use journal::Journal;

use crate::StartError;

/// The certificate of the authority, as PEM, for the list of those that an environment believes.
pub const AUTHORITY: &str = include_str!("authority/authority.pem");
const AUTHORITY_KEY: &str = include_str!("authority/authority-key.pem");

/// The name that PayPal's own sandbox signs under.
const NAME: &str = "messageverificationcerts.sandbox.paypal.com";
/// Where certificates are served, with their id behind it.
pub(crate) const PATH: &str = "/v1/notifications/certs/";

/// Signs webhooks, genuinely and not.
pub(crate) struct Authority {
    genuine: Arc<Signer>,
    foreign: Arc<Signer>,
    expired: Arc<Signer>,
}

/// Whose certificate signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// PayPal's, as far as this sandbox is PayPal.
    Genuine,
    /// One that bears PayPal's name, issued by a foreign authority.
    Foreign,
    /// PayPal's, of last year.
    Expired,
}

/// A key with its certificate. Making an RSA key takes a moment, so it is made beside the start; the first signature waits.
struct Signer {
    ready: OnceCell<(RsaKeyPair, String)>,
    id: String,
    url: String,
    by: By,
    /// Where its key is written down once it is made.
    journal: Option<Journal>,
}

/// A key that outlives the process, so that what it signed is still believed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedKey {
    /// The certificate's id, as its address ends.
    id: String,
    /// PKCS #8, in base64.
    key: String,
    /// As PEM.
    certificate: String,
}

impl Authority {
    /// Begins to make the keys; the genuine one may be there from before.
    pub(crate) fn start(
        public_url: &Url,
        saved: Option<SavedKey>,
        journal: Option<Journal>,
    ) -> Result<Self, StartError> {
        // Whether the authority can be used is known at once; only the keys below it take time.
        issuer(By::Genuine).map_err(StartError::Authority)?;
        let signer = |by: By, saved: Option<SavedKey>, journal: Option<Journal>| -> Result<Arc<Signer>, StartError> {
            let hex = || format!("{:08x}", fastrand::u32(..));
            let id =
                saved.as_ref().map_or_else(|| format!("CERT-{}-{}-{}", hex(), hex(), hex()), |saved| saved.id.clone());
            let ready = saved.map(|saved| saved.read().map_err(StartError::Authority)).transpose()?;
            let url = format!("{}{PATH}{id}", public_url.as_str().trim_end_matches('/'));
            Ok(Arc::new(Signer { ready: OnceCell::new_with(ready), id, url, by, journal }))
        };
        let authority = Self {
            genuine: signer(By::Genuine, saved, journal)?,
            foreign: signer(By::Foreign, None, None)?,
            expired: signer(By::Expired, None, None)?,
        };
        let early = Arc::clone(&authority.genuine);
        tokio::spawn(async move { early.get().await.map(drop) });
        Ok(authority)
    }

    /// The certificate of this id, as PEM.
    pub(crate) async fn certificate(&self, id: &str) -> Option<String> {
        let signer = [&self.genuine, &self.foreign, &self.expired].into_iter().find(|signer| signer.id == id)?;
        Some(signer.get().await.ok()?.1.clone())
    }

    /// Whether an address is that of the genuine certificate.
    pub(crate) fn is_genuine(&self, url: &str) -> bool {
        self.genuine.url == url
    }

    /// The headers of a delivery, signed for a webhook so long ago.
    pub(crate) async fn headers(
        &self,
        body: &[u8],
        webhook_id: &str,
        by: By,
        age: Duration,
    ) -> Result<Map<String, Value>, String> {
        let signer = match by {
            By::Genuine => &self.genuine,
            By::Foreign => &self.foreign,
            By::Expired => &self.expired,
        };
        let (id, time) = (uuid::Uuid::new_v4().to_string(), before(age));
        let signature = signer.sign(&message(&id, &time, webhook_id, body)).await?;
        let headers = json!({
            "paypal-transmission-id": id,
            "paypal-transmission-time": time,
            "paypal-transmission-sig": signature,
            "paypal-cert-url": signer.url,
            "paypal-auth-algo": "SHA256withRSA",
            "paypal-auth-version": "v2",
            "correlation-id": crate::ids::debug_id(),
            "content-type": "application/json",
        });
        Ok(headers.as_object().cloned().unwrap_or_default())
    }

    /// Whether the genuine key made this signature.
    pub(crate) async fn verify(&self, message: &str, signature: &str) -> bool {
        use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
        let Ok((key, _)) = self.genuine.get().await else { return false };
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(message.as_bytes(), &signature).is_ok()
    }
}

/// What is signed.
pub(crate) fn message(id: &str, time: &str, webhook_id: &str, body: &[u8]) -> String {
    format!("{id}|{time}|{webhook_id}|{}", crc32fast::hash(body))
}

/// Now, as PayPal writes times: whole seconds, UTC.
pub(crate) fn now() -> String {
    before(Duration::ZERO)
}

/// So long ago, as PayPal writes times.
fn before(age: Duration) -> String {
    let then = Timestamp::now().as_second().saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    Timestamp::from_second(then).unwrap_or_default().to_string()
}

impl Signer {
    async fn get(&self) -> Result<&(RsaKeyPair, String), String> {
        let (by, id, journal) = (self.by, self.id.clone(), self.journal.clone());
        self.ready
            .get_or_try_init(|| async move {
                let made = tokio::task::spawn_blocking(move || {
                    let (key, certificate) = make(by)?;
                    if let Some(journal) = journal {
                        let saved = SavedKey { id, key: STANDARD.encode(key.serialize_der()), certificate };
                        journal.write_as("key", &saved);
                        return saved.read();
                    }
                    Ok((signing(&key.serialize_der())?, certificate))
                });
                made.await.map_err(|error| error.to_string())?
            })
            .await
    }

    async fn sign(&self, message: &str) -> Result<String, String> {
        let (key, _) = self.get().await?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| "the key does not sign".to_owned())?;
        Ok(STANDARD.encode(signature))
    }
}

impl SavedKey {
    fn read(self) -> Result<(RsaKeyPair, String), String> {
        let der = STANDARD.decode(self.key).map_err(|error| error.to_string())?;
        Ok((signing(&der)?, self.certificate))
    }
}

fn signing(der: &[u8]) -> Result<RsaKeyPair, String> {
    RsaKeyPair::from_pkcs8(der).map_err(|error| error.to_string())
}

/// A new key, and its certificate as PEM.
fn make(by: By) -> Result<(KeyPair, String), String> {
    let said = |error: rcgen::Error| error.to_string();
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(said)?;
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).map_err(said)?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let (from, until) = if by == By::Expired { (-400, -35) } else { (-1, 365) };
    params.not_before = day(from)?;
    params.not_after = day(until)?;
    let certificate = params.signed_by(&key, &issuer(by)?).map_err(said)?;
    Ok((key, certificate.pem()))
}

/// So many days from now.
fn day(from_today: i64) -> Result<OffsetDateTime, String> {
    let then = Timestamp::now().as_second() + from_today * 86_400;
    OffsetDateTime::from_unix_timestamp(then).map_err(|error| error.to_string())
}

/// The authority, or a foreign one of the same name with another key.
fn issuer(by: By) -> Result<Issuer<'static, KeyPair>, String> {
    let said = |error: rcgen::Error| error.to_string();
    let foreign = by == By::Foreign;
    let key = if foreign { KeyPair::generate() } else { KeyPair::from_pem(AUTHORITY_KEY) };
    Ok(Issuer::new(params(foreign), key.map_err(said)?))
}

fn params(foreign: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = if foreign { "A foreign authority" } else { "PayPal sandbox on this machine, proves nothing" };
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_EXPECT=1` the certificate in the source is made anew.
    #[test]
    fn the_authority_belongs_to_its_key() {
        let key = KeyPair::from_pem(AUTHORITY_KEY).unwrap();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let again = params(false).self_signed(&key).unwrap();
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/authority/authority.pem"), again.pem()).unwrap();
        }
        let base64: String = AUTHORITY.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).unwrap();
        let holds = |bytes: &[u8]| der.windows(bytes.len()).any(|window| window == bytes);
        assert!(holds(rcgen::PublicKeyData::der_bytes(&key)));
        assert!(holds(b"PayPal sandbox on this machine, proves nothing"));
    }
}
