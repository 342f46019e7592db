//! PayPal's REST API, as far as this service uses it, and the signatures of its webhooks.
//!
//! - [`Client`]: one method an endpoint; token, retries, deadlines and errors in one place.
//! - [`plans`], [`subscriptions`], [`sales`], [`invoicing`], [`webhooks`]: an endpoint group each, with its types.
//! - [`events`]: what a webhook's body says.
//! - [`signature`]: whether a webhook is PayPal's, decided here from bytes, headers, certificate and clock.
//!
//! **Invariants.** Knows nothing of Lambda or AWS. Secrets and personal data hide themselves when they are printed; errors
//! hold PayPal's words, never the request's values. What PayPal does not make idempotent is never repeated here.

mod client;
mod deadline;
mod error;
mod ids;
mod money;
mod personal;
mod retry;
mod token;

pub mod invoicing;
pub mod plans;
pub mod sales;
pub mod subscriptions;
pub mod webhooks;

pub mod events;
pub mod signature;

pub use client::{Client, Config};
pub use deadline::Deadline;
pub use error::{Detail, Error};
pub use ids::{InvalidId, PlanId, RequestId, SaleId, SubscriptionId};
pub use invoicing::NewInvoice;
pub use money::{Currency, Money};
pub use personal::Personal;
pub use plans::Plan;
pub use sales::Sale;
pub use subscriptions::{CreateSubscription, Subscription};
pub use token::{CredentialSource, Credentials};
