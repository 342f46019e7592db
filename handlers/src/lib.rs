//! The life of an event.
//!
//! PayPal posts a webhook. `webhook-receiver` takes its raw bytes and signature headers ([`receive`]), hands them to the
//! topic `received`, and only then answers 200: from here on a lost message would be our loss. The queue `unverified`
//! brings them to `webhook-verify`, which verifies the signature ([`verify`]): valid events go to `verified.fifo`, invalid
//! ones to `forged` with the reason, and those that cannot be verified now go back to `unverified` with a delay that grows.
//! `verified.fifo` keeps the events of one sale in order and brings them to `webhook-process` ([`process`]). A
//! completed sale becomes one invoice, made, sent and settled from the state that PayPal reports ([`invoice`]); every event
//! is published to `finished` with its outcome. What cannot be done for good lies in `errors.fifo` with the reason.
//!
//! What the functions share: the two shapes of events that Lambda brings ([`request`], [`batch`]), their clients
//! ([`clients`]), events without personal data ([`personal`]), the API's shapes ([`api`]), its problems ([`problem`]) and their log ([`log`]).
//!
//! **Invariants.** The same binary runs everywhere; nothing here asks where it runs. No line of the log holds a secret, a
//! signature, a name or an e-mail address. A body's bytes never change on the way.

pub mod invoice;
pub mod plans;
pub mod process;
pub mod receive;
pub mod subscribe;
pub mod verify;

pub mod api;
pub mod batch;
pub mod clients;
pub mod log;
pub mod personal;
pub mod problem;
pub mod request;

/// A value that serde cannot write, for tests of what then happens.
#[cfg(test)]
struct Unwritable;

#[cfg(test)]
impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}
