//! One sent and settled invoice for one completed sale.
//!
//! The state is PayPal's: the invoice's number is derived from the sale, and every try begins with a search for it, so that
//! a crash between any two calls leaves only what the next try finds. The FIFO group of the sale keeps two invocations from
//! working on it at a time. None of create, send, record-payment and update is repeated before the state is read:
//! invoicing has no idempotency key.
//!
//! **A buyer must not pay twice.** The invoice is issued without notifying the buyer, the payment is recorded with the next
//! call, and only then is the buyer notified. A recording that fails is tried again at once; one that PayPal refuses
//! permanently ends in a cancelled invoice. An invoice that the buyer paid all the same is reported as `paid_twice`.
//!
//! **Calls to PayPal.** A sale takes eight, and a token now and then: show sale and show subscription (the event is only a
//! hint), search (nothing else tells whether an earlier try created the invoice), create, send, record payment, show
//! (it confirms the payment, reports who made it, and an update needs the whole invoice), and the update that notifies. A
//! repeated event takes four: show sale, show subscription, search, show.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

mod draft;
mod notice;
mod steps;

pub use draft::{draft, number};
pub use steps::{Failed, Issued, Job, Retry, Settlement, settle};
