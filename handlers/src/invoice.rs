//! One sent and settled invoice for one completed sale.
//!
//! There is no store of our own. The invoice's number is derived from the sale, the state lies at PayPal, and every try
//! begins by asking for it, so that a crash between any two calls leaves nothing that the next try does not find. The FIFO
//! group of the subscription keeps two from working on one sale. None of create, send and record-payment is repeated
//! without asking first: invoicing has no idempotency key.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

mod draft;
mod steps;

pub use draft::draft;
pub use steps::{Failed, Settled, settle};
