//! The access token: one for all requests, renewed before it ends.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

/// A token is renewed this long before it ends, or in the last tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(300);

/// A REST app's client id and secret, from PayPal's developer dashboard.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    /// The secret.
    pub client_secret: SecretString,
}

impl Credentials {
    /// Whether these are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.client_id == other.client_id && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }
}

/// Where the credentials come from. They are asked for again with every new token, so that a secret that was changed is
/// found without a restart.
pub trait CredentialSource: Send + Sync {
    /// The credentials as they are now.
    ///
    /// # Errors
    /// A word for the log, when they cannot be had; that never holds the secret.
    fn read(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + '_>>;
}

impl CredentialSource for Credentials {
    fn read(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + '_>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Credentials([hidden])")
    }
}

/// What PayPal's token endpoint answers.
///
/// Source: <https://developer.paypal.com/api/rest/authentication/>
#[derive(Deserialize)]
pub(crate) struct Grant {
    pub(crate) access_token: SecretString,
    /// In seconds.
    pub(crate) expires_in: u64,
}

/// A token, and until when it is used.
#[derive(Clone)]
pub(crate) struct Token {
    text: SecretString,
    until: Instant,
}

impl Token {
    pub(crate) fn new(grant: Grant) -> Self {
        let life = Duration::from_secs(grant.expires_in.min(86_400));
        Self { text: grant.access_token, until: Instant::now() + life - MARGIN.min(life / 10) }
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.text.expose_secret())
    }

    pub(crate) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }

    fn is(&self, other: &Self) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }
}

/// Holds the token. Whoever finds none fetches it while the others wait for that one.
#[derive(Default)]
pub(crate) struct Shared(pub(crate) Mutex<Option<Token>>);

impl Shared {
    /// Forgets a token that PayPal no longer takes, unless another has taken its place already.
    pub(crate) async fn forget(&self, refused: &Token) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|token| token.is(refused)) {
            *held = None;
        }
    }
}
