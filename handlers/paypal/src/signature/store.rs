//! Fetches certificates and keeps those that proved good.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{StatusCode, redirect::Policy};

use super::{Certificate, CertificateAddress};
use crate::error::bounded;

/// PayPal lets certificates be kept for a day.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// PayPal signs with one or two at a time; more would be somebody else's doing.
const MOST_KEPT: usize = 16;
/// No certificate is longer, in bytes.
const LONGEST: usize = 64 * 1024;

/// Time for which an address without a certificate is not requested again: PayPal may publish one there any minute.
const MISSING_FOR: Duration = Duration::from_secs(300);
/// The most addresses without a certificate that are remembered. Addresses come from outside.
const MOST_MISSING: usize = 4096;

/// As long a certificate may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is none at this address.
    #[error("there is no certificate at its address")]
    NotFound,
    /// Whether there is one cannot be told now.
    #[error("the certificate cannot be fetched: {0}")]
    Unavailable(&'static str),
}

/// Fetches certificates, keeps those that a webhook proved good, and remembers for minutes where there is none.
pub struct CertificateStore {
    http: reqwest::Client,
    kept: Mutex<HashMap<CertificateAddress, (Certificate, Instant)>>,
    missing: Mutex<HashMap<CertificateAddress, Instant>>,
}

impl CertificateStore {
    /// An empty store with connections of its own.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new() -> Result<Self, crate::Error> {
        let http = reqwest::Client::builder().redirect(Policy::none()).build();
        Ok(Self::on(http.map_err(|error| crate::Error::Setup(error.to_string()))?))
    }

    /// An empty store that shares the connections and the TLS set-up of PayPal's client; setting up TLS costs milliseconds.
    #[must_use]
    pub fn sharing(client: &crate::Client) -> Self {
        Self::on(client.http().clone())
    }

    fn on(http: reqwest::Client) -> Self {
        Self { http, kept: Mutex::default(), missing: Mutex::default() }
    }

    /// The certificate at an address, from what is kept or from there.
    ///
    /// # Errors
    /// When there is none, or it cannot be told whether there is one.
    pub async fn get(&self, address: &CertificateAddress) -> Result<Certificate, FetchError> {
        if let Some(certificate) = self.find(address) {
            return Ok(certificate);
        }
        if self.is_missing(address) {
            return Err(FetchError::NotFound);
        }
        let response = self.http.get(address.as_str()).timeout(PATIENCE).send().await;
        let response = response.map_err(|_| FetchError::Unavailable("no answer"))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                self.remember_missing(address);
                return Err(FetchError::NotFound);
            }
            _ => return Err(FetchError::Unavailable("an answer without it")),
        }
        let body = bounded("fetch certificate", response, LONGEST).await;
        let body = body.map_err(|_| FetchError::Unavailable("an answer that breaks off or does not end"))?;
        Certificate::from_pem(&body).map_err(|_| FetchError::Unavailable("an answer that is not a certificate"))
    }

    /// Keeps a certificate that signed a genuine webhook. Only such are kept, so that nobody can fill the store.
    pub fn keep(&self, address: &CertificateAddress, certificate: &Certificate) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contains_key(address) {
            return;
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(address.clone(), (certificate.clone(), Instant::now()));
    }

    fn find(&self, address: &CertificateAddress) -> Option<Certificate> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, since)| since.elapsed() < KEPT_FOR);
        kept.get(address).map(|(certificate, _)| certificate.clone())
    }

    fn is_missing(&self, address: &CertificateAddress) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.get(address).is_some_and(|since| since.elapsed() < MISSING_FOR)
    }

    fn remember_missing(&self, address: &CertificateAddress) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.len() >= MOST_MISSING {
            missing.clear();
        }
        missing.insert(address.clone(), Instant::now());
    }
}
