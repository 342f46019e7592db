//! The steps from nothing to a settled invoice, each from the state that PayPal reports.

use contract::config::Invoicer;
use paypal::{
    Client, Deadline, Error, Money, Sale, Subscription,
    invoicing::{Invoice, InvoiceId, InvoiceNumber, InvoiceStatus, Payment, SendInvoice},
};

use super::draft;

/// More steps than any invoice needs: found, sent, recorded, and once more looked at between each.
const MOST_STEPS: usize = 8;

/// What became of the invoice.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is sent and paid.
    Paid(InvoiceId),
    /// It was cancelled or refunded at PayPal by somebody, and is left so.
    Left(InvoiceId),
}

/// Why there is no settled invoice yet.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// PayPal failed, or refused.
    #[error(transparent)]
    PayPal(#[from] Error),
    /// PayPal has an invoice of this number, and its search does not show it yet.
    #[error("PayPal's search does not show the invoice yet")]
    NotYetFound,
    /// Something is under way with the invoice at PayPal, which ends by itself.
    #[error("PayPal is not done with the invoice {0} yet")]
    Pending(InvoiceId),
    /// PayPal reports a state that no step leads out of.
    #[error("the invoice {0} stays in a state that no step leads out of")]
    Stuck(InvoiceId),
    /// The sale's id is too long for an invoice number.
    #[error("the sale's id does not fit an invoice number")]
    Number,
}

impl Failed {
    /// Whether another try can help.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            // What was just made may not be everywhere yet: a 404 for an invoice says no more than that.
            Self::PayPal(error) => error.retryable() || error.outcome_unknown() || error.status() == Some(404),
            Self::NotYetFound | Self::Pending(_) => true,
            Self::Stuck(_) | Self::Number => false,
        }
    }
}

/// Brings the sale's invoice to its end, wherever it stands.
///
/// # Errors
/// When PayPal does not do a step, or its outcome is unknown; the next try finds what was done.
pub async fn settle(
    client: &Client,
    invoicer: &Invoicer,
    sale: &Sale,
    subscription: &Subscription,
    deadline: Deadline,
) -> Result<Settled, Failed> {
    let amount = &sale.amount;
    let number = InvoiceNumber::for_sale(&sale.id).map_err(|_| Failed::Number)?;
    let mut invoice = match client.find_invoice(&number, deadline).await? {
        // The search lags behind, in what it finds and in how that stands.
        Some(found) => client.invoice(&found.id, deadline).await?,
        None => create(client, &number, sale, subscription, invoicer, deadline).await?,
    };
    for _ in 0..MOST_STEPS {
        let id = invoice.id.clone();
        match invoice.status {
            InvoiceStatus::Paid | InvoiceStatus::MarkedAsPaid => return Ok(Settled::Paid(id)),
            InvoiceStatus::Cancelled
            | InvoiceStatus::Refunded
            | InvoiceStatus::PartiallyRefunded
            | InvoiceStatus::MarkedAsRefunded => return Ok(Settled::Left(id)),
            InvoiceStatus::Draft => {
                match send(client, &id, deadline).await {
                    // Until the payment is recorded the buyer holds an invoice with a button to pay: no other call in between.
                    Ok(()) => record(client, &id, sale, amount, deadline).await?,
                    // It was sent before, or is being sent: how it stands, which is read next, decides.
                    Err(error) if error.status() == Some(409) || error.has_issue("INVOICE_ALREADY_SENT") => {}
                    Err(error) => return Err(error.into()),
                }
            }
            InvoiceStatus::Sent | InvoiceStatus::Unpaid | InvoiceStatus::PartiallyPaid | InvoiceStatus::Scheduled => {
                record(client, &id, sale, amount, deadline).await?;
            }
            InvoiceStatus::PaymentPending => return Err(Failed::Pending(id)),
            InvoiceStatus::Other(_) => return Err(Failed::Stuck(id)),
        }
        invoice = client.invoice(&id, deadline).await?;
    }
    Err(Failed::Pending(invoice.id))
}

async fn create(
    client: &Client,
    number: &InvoiceNumber,
    sale: &Sale,
    subscription: &Subscription,
    invoicer: &Invoicer,
    deadline: Deadline,
) -> Result<Invoice, Failed> {
    let new = draft(number.clone(), sale, subscription, invoicer, &sale.amount);
    match client.create_invoice(&new, deadline).await {
        Ok(invoice) => Ok(invoice),
        // PayPal does not say exactly how it refuses a number that is taken, so every word with DUPLICATE counts, and the
        // search has the last word.
        Err(error) if error.details().iter().any(|detail| detail.issue.contains("DUPLICATE")) => {
            let found = client.find_invoice(number, deadline).await?.ok_or(Failed::NotYetFound)?;
            Ok(client.invoice(&found.id, deadline).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn send(client: &Client, id: &InvoiceId, deadline: Deadline) -> Result<(), Error> {
    let note = "This payment was already made by your subscription. Nothing is left to pay.";
    client.send_invoice(id, &SendInvoice { subject: None, note: Some(note.to_owned()) }, deadline).await
}

async fn record(client: &Client, id: &InvoiceId, sale: &Sale, amount: &Money, deadline: Deadline) -> Result<(), Error> {
    let payment = Payment {
        method: "PAYPAL".to_owned(),
        payment_date: sale.date(),
        amount: amount.clone(),
        note: Some(format!("Sale {}", sale.id)),
    };
    match client.record_payment(id, &payment, deadline).await {
        // The typical answer to a repeat; the state that is read next decides.
        Err(error) if error.has_issue("PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE") => Ok(()),
        other => other,
    }
}
