//! The steps from no invoice to a settled one, each from the state that PayPal reports.

use contract::config::Invoicer;
use paypal::{
    Client, Deadline, Error, Money, Sale, Subscription,
    invoicing::{Invoice, InvoiceId, InvoiceNumber, InvoiceStatus, Payment},
};

use super::{draft, draft::number, notice};

/// More steps than any invoice needs: each state once, and once more after each call that failed.
const MAX_STEPS: usize = 12;

/// PayPal's type of a payment that the buyer made through the invoice.
const PAID_BY_BUYER: &str = "PAYPAL";
/// PayPal's type of a payment that was recorded.
const RECORDED: &str = "EXTERNAL";

/// What is settled, and for whom.
pub struct Job<'a> {
    /// PayPal.
    pub client: &'a Client,
    /// The business that issues the invoice.
    pub invoicer: &'a Invoicer,
    /// The payment.
    pub sale: &'a Sale,
    /// The subscription that was paid for.
    pub subscription: &'a Subscription,
    /// Whether an invoice is created where the sale has none.
    pub create: bool,
}

/// An invoice that exists at PayPal.
#[derive(Debug, PartialEq, Eq)]
pub struct Issued {
    /// PayPal's id of it.
    pub id: InvoiceId,
    /// The address at which the buyer sees it.
    pub url: Option<String>,
}

/// The state in which a sale's invoice ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Issued and paid.
    Paid {
        /// The invoice.
        invoice: Issued,
        /// Whether PayPal notified the buyer; `None` when that was not up to this service.
        buyer_notified: Option<bool>,
    },
    /// Cancelled or refunded at PayPal, by PayPal or by the merchant. It is not changed.
    Unchanged(Issued),
    /// The buyer paid it, although its sale was paid before.
    PaidTwice(Issued),
    /// The sale has none, and none was to be created.
    NoInvoice,
}

/// The reason why there is no settled invoice yet.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// PayPal failed, or refused.
    #[error(transparent)]
    PayPal(#[from] Error),
    /// PayPal refused to create the invoice, and its search finds none of this number.
    #[error("{0}; PayPal's search finds no invoice of this number")]
    NotCreated(Error),
    /// PayPal refused the number as taken, and its search does not find the invoice yet.
    #[error("PayPal has an invoice of this number, and its search does not find it yet")]
    NotYetFound,
    /// The payment could not be recorded, and can be later.
    #[error(
        "{error}; the invoice {invoice} is issued and not paid, and its buyer was not notified. fix: send the event back \
         once PayPal is available, or mark the invoice as paid at PayPal"
    )]
    NotRecorded {
        /// The invoice.
        invoice: InvoiceId,
        /// PayPal's error.
        error: Box<Error>,
    },
    /// PayPal refused to record the payment, and the invoice was cancelled.
    #[error(
        "{error}; the invoice {invoice} was cancelled, so that nobody pays it. fix: correct what PayPal names, and create \
         an invoice for this payment at PayPal; sending the event back does not create another"
    )]
    Cancelled {
        /// The invoice.
        invoice: InvoiceId,
        /// PayPal's error.
        error: Box<Error>,
    },
    /// PayPal refused to record the payment, and to cancel or delete the invoice.
    #[error(
        "{error}; the invoice {invoice} demands a payment that was already made, and PayPal refuses to withdraw it \
         ({cancel}). fix: cancel it or mark it as paid at PayPal, then send the event back"
    )]
    NotWithdrawn {
        /// The invoice.
        invoice: InvoiceId,
        /// PayPal's error to the recording.
        error: Box<Error>,
        /// PayPal's error to the withdrawal.
        cancel: Box<Error>,
    },
    /// PayPal schedules the invoice for a later day, also after it was created again.
    #[error("PayPal schedules the invoice {0} for a later day. fix: mark it as paid once PayPal has sent it")]
    Scheduled(InvoiceId),
    /// A draft whose total is not what was paid. It is not issued.
    #[error(
        "the draft {invoice} has a total of {total}, and {paid} was paid. fix: delete the draft at PayPal, correct its tax \
         in the account's settings, and send the event back"
    )]
    WrongTotal {
        /// The invoice.
        invoice: InvoiceId,
        /// Its total.
        total: Money,
        /// The sale's amount.
        paid: Money,
    },
    /// The invoice is paid, and PayPal does not report by whom.
    #[error(
        "the invoice {0} is paid, and PayPal does not report whether the buyer paid it. fix: look it up at PayPal; if the \
         buyer paid it, refund that payment, then drop the event"
    )]
    PayerUnknown(InvoiceId),
    /// A payment of the invoice is in progress at PayPal.
    #[error("a payment of the invoice {0} is in progress at PayPal")]
    Pending(InvoiceId),
    /// PayPal reports a state that this service does not know.
    #[error(
        "the invoice {0} is in a state that this service does not know. fix: settle it at PayPal, then drop the event"
    )]
    UnknownState(InvoiceId),
    /// The sale's id does not become an invoice number.
    #[error("the sale's id does not become an invoice number")]
    Number,
}

/// What another try of the event can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It can succeed.
    Later,
    /// It can succeed for some minutes: what PayPal has may not be visible yet.
    Soon,
    /// No try can succeed.
    Never,
}

impl Failed {
    /// Returns what another try can change.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::PayPal(error) => retry_of(error),
            Self::NotRecorded { error, .. } => retry_of(error),
            Self::NotYetFound | Self::Pending(_) | Self::Scheduled(_) => Retry::Later,
            Self::NotCreated(error) if is_about_the_request(error) => Retry::Never,
            Self::NotCreated(_) => Retry::Soon,
            Self::Cancelled { .. }
            | Self::NotWithdrawn { .. }
            | Self::WrongTotal { .. }
            | Self::PayerUnknown(_)
            | Self::UnknownState(_)
            | Self::Number => Retry::Never,
        }
    }

    /// The reason, as the error queue has it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotRecorded { .. } => "payment_not_recorded",
            Self::Cancelled { .. } => "invoice_cancelled",
            Self::NotWithdrawn { .. } => "invoice_not_withdrawn",
            Self::Scheduled(_) => "invoice_scheduled",
            Self::PayerUnknown(_) => "payer_unknown",
            Self::WrongTotal { .. } => "wrong_total",
            _ => "invoice_failed",
        }
    }

    /// PayPal's error, if that is the reason.
    #[must_use]
    pub fn paypal(&self) -> Option<&Error> {
        match self {
            Self::PayPal(error) | Self::NotCreated(error) => Some(error),
            Self::NotRecorded { error, .. } | Self::Cancelled { error, .. } | Self::NotWithdrawn { error, .. } => {
                Some(error)
            }
            _ => None,
        }
    }
}

/// What was just made may not be visible everywhere yet: a 404 for an invoice means no more than that.
fn retry_of(error: &Error) -> Retry {
    let later = error.retryable() || error.outcome_unknown() || error.status() == Some(404);
    if later { Retry::Later } else { Retry::Never }
}

/// Brings the sale's invoice to its end, from whatever state it is in.
///
/// # Errors
/// When PayPal does not carry out a step, or its result is unknown; the next try finds what was done.
pub async fn settle(job: &Job<'_>, deadline: Deadline) -> Result<Settlement, Failed> {
    let client = job.client;
    let number = number(job.sale).map_err(|_| Failed::Number)?;
    let mut invoice = match client.find_invoice(&number, deadline).await? {
        // The search is late, with new invoices and with their states.
        Some(found) => client.invoice(&found.id, deadline).await?,
        None if !job.create => return Ok(Settlement::NoInvoice),
        None => job.create(&number, deadline).await?,
    };
    let (mut failures, mut replaced, mut paid_here) = (0, false, false);
    for _ in 0..MAX_STEPS {
        let id = invoice.id.clone();
        let by_buyer = job.payer(&invoice) == Some(Payer::Buyer);
        let recorded = match invoice.status {
            InvoiceStatus::PartiallyPaid | InvoiceStatus::PartiallyRefunded | InvoiceStatus::Paid if by_buyer => {
                return Ok(Settlement::PaidTwice(issued(invoice)));
            }
            InvoiceStatus::MarkedAsPaid => return job.finish(invoice, deadline).await,
            InvoiceStatus::Paid => {
                // A recording that succeeded here is the payment, also where PayPal lists none.
                let known = paid_here || job.payer(&invoice).is_some() || notice::is_sent(invoice.memo.as_deref());
                if !known {
                    return Err(Failed::PayerUnknown(id));
                }
                return job.finish(invoice, deadline).await;
            }
            InvoiceStatus::Cancelled
            | InvoiceStatus::AutoCancelled
            | InvoiceStatus::Refunded
            | InvoiceStatus::PartiallyRefunded
            | InvoiceStatus::MarkedAsRefunded => return Ok(Settlement::Unchanged(issued(invoice))),
            InvoiceStatus::PaymentPending => return Err(Failed::Pending(id)),
            InvoiceStatus::Other(_) => return Err(Failed::UnknownState(id)),
            InvoiceStatus::Draft => {
                job.check_total(&invoice)?;
                match client.send_invoice(&id, deadline).await {
                    // Between issuing and recording, the invoice can be paid: no other call in between.
                    Ok(true) => Some(job.record(&invoice, deadline).await),
                    Ok(false) => None,
                    // It was sent before, or is being sent: its state, which is read next, decides.
                    Err(error) if error.status() == Some(409) || error.has_issue("INVOICE_ALREADY_SENT") => None,
                    Err(error) => return Err(error.into()),
                }
            }
            InvoiceStatus::Sent | InvoiceStatus::Unpaid | InvoiceStatus::PartiallyPaid | InvoiceStatus::Scheduled => {
                Some(job.record(&invoice, deadline).await)
            }
        };
        let refused = match recorded {
            None => None,
            Some(Ok(recorded)) => {
                paid_here |= recorded;
                None
            }
            Some(Err(error)) if error.retryable() || error.outcome_unknown() || error.status() == Some(404) => {
                failures += 1;
                // Every minute in this state is one in which the buyer can pay: tried again at once, from the state that
                // PayPal reports.
                if !client.wait_to_repeat(&error, failures, deadline).await {
                    return Err(Failed::NotRecorded { invoice: id, error: Box::new(error) });
                }
                None
            }
            Some(Err(error)) => Some(error),
        };
        invoice = client.invoice(&id, deadline).await?;
        let Some(error) = refused else { continue };
        match invoice.status {
            InvoiceStatus::Scheduled if replaced => return Err(Failed::Scheduled(id)),
            InvoiceStatus::Scheduled => {
                // PayPal's life cycle has no way from here to a paid invoice. It was not sent, so it can be deleted, and its
                // number used again.
                match client.delete_invoice(&id, deadline).await {
                    Ok(()) => invoice = job.create(&number, deadline).await?,
                    Err(cancel) if cancel.retryable() || cancel.outcome_unknown() => return Err(cancel.into()),
                    Err(cancel) => {
                        return Err(Failed::NotWithdrawn {
                            invoice: id,
                            error: Box::new(error),
                            cancel: Box::new(cancel),
                        });
                    }
                }
                replaced = true;
            }
            InvoiceStatus::Sent | InvoiceStatus::Unpaid | InvoiceStatus::PartiallyPaid => {
                return Err(job.withdraw(id, error, deadline).await);
            }
            _ => {}
        }
    }
    Err(Failed::Pending(invoice.id))
}

/// The one who paid an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payer {
    /// The buyer, through PayPal.
    Buyer,
    /// Nobody: a payment that was made before was recorded.
    Recorded,
}

impl Job<'_> {
    /// The one who paid, as far as PayPal reports it. A payment with this service's note is a recorded one, whatever type
    /// PayPal gives to it.
    fn payer(&self, invoice: &Invoice) -> Option<Payer> {
        let own = self.note();
        let (own, others): (Vec<_>, Vec<_>) =
            invoice.transactions.iter().partition(|transaction| transaction.note.as_deref() == Some(own.as_str()));
        let has_type = |wanted| others.iter().any(|other| other.transaction_type.as_deref() == Some(wanted));
        if has_type(PAID_BY_BUYER) {
            Some(Payer::Buyer)
        } else if !own.is_empty() || has_type(RECORDED) {
            Some(Payer::Recorded)
        } else {
            None
        }
    }

    /// Returns an error for a draft whose total is not what was paid.
    fn check_total(&self, invoice: &Invoice) -> Result<(), Failed> {
        match &invoice.amount {
            Some(total) if *total != self.sale.amount => Err(Failed::WrongTotal {
                invoice: invoice.id.clone(),
                total: total.clone(),
                paid: self.sale.amount.clone(),
            }),
            _ => Ok(()),
        }
    }

    async fn create(&self, number: &InvoiceNumber, deadline: Deadline) -> Result<Invoice, Failed> {
        let Self { client, invoicer, sale, subscription, .. } = self;
        let error = match client.create_invoice(&draft(number.clone(), sale, subscription, invoicer), deadline).await {
            Ok(invoice) => return Ok(invoice),
            Err(error) => error,
        };
        if error.retryable() || error.outcome_unknown() {
            return Err(error.into());
        }
        // PayPal documents no word for a number that is taken: after any refusal the search decides.
        match client.find_invoice(number, deadline).await? {
            Some(found) => Ok(client.invoice(&found.id, deadline).await?),
            None if error.details().iter().any(|detail| detail.issue.contains("DUPLICATE")) => Err(Failed::NotYetFound),
            None => Err(Failed::NotCreated(error)),
        }
    }

    /// The note of the payment that this service records.
    fn note(&self) -> String {
        format!("Sale {}", self.sale.id)
    }

    /// Records the payment; false when PayPal answers that no such amount is due. It has no date: PayPal's own day is right whatever the account's zone.
    async fn record(&self, invoice: &Invoice, deadline: Deadline) -> Result<bool, Error> {
        let due = invoice.due.as_ref().filter(|due| due.currency == self.sale.amount.currency);
        let partly = due.filter(|due| due.value < self.sale.amount.value && !due.value.is_zero());
        let amount = partly.unwrap_or(&self.sale.amount).clone();
        let payment = Payment { method: "PAYPAL".to_owned(), amount, note: Some(self.note()) };
        match self.client.record_payment(&invoice.id, &payment, deadline).await {
            // The answer to a repeat; the state that is read next decides.
            Err(error) if error.has_issue("PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE") => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Cancels an invoice whose payment cannot be recorded, so that it is no demand any more.
    async fn withdraw(&self, invoice: InvoiceId, error: Error, deadline: Deadline) -> Failed {
        match self.client.cancel_invoice(&invoice, deadline).await {
            Ok(()) => Failed::Cancelled { invoice, error: Box::new(error) },
            Err(cancel) if cancel.retryable() || cancel.outcome_unknown() => Failed::PayPal(cancel),
            Err(cancel) => Failed::NotWithdrawn { invoice, error: Box::new(error), cancel: Box::new(cancel) },
        }
    }

    /// Notifies the buyer of an invoice that is paid, unless that was done.
    async fn finish(&self, invoice: Invoice, deadline: Deadline) -> Result<Settlement, Failed> {
        let memo = invoice.memo.as_deref();
        let buyer_notified = match (notice::is_sent(memo), notice::is_pending(memo)) {
            (true, _) => Some(true),
            (false, true) => Some(self.notify(&invoice, deadline).await?),
            (false, false) => None,
        };
        Ok(Settlement::Paid { invoice: issued(invoice), buyer_notified })
    }

    /// Notifies the buyer. PayPal documents that an update notifies; where it refuses to update a paid invoice, a reminder
    /// is what is left.
    async fn notify(&self, invoice: &Invoice, deadline: Deadline) -> Result<bool, Failed> {
        let memo = notice::sent(invoice.memo.as_deref());
        let refused = match self.client.notify_recipient(invoice, &memo, deadline).await {
            Ok(()) => return Ok(true),
            // Whether the buyer was notified is in the memo, which the next try reads.
            Err(error) if error.retryable() || error.outcome_unknown() => return Err(error.into()),
            Err(error) => error,
        };
        match self.client.remind_recipient(&invoice.id, deadline).await {
            Ok(()) => Ok(true),
            Err(error) if error.retryable() && !error.outcome_unknown() => Err(error.into()),
            Err(error) => {
                tracing::warn!(invoice_id = invoice.id.as_str(), %refused, %error, "PayPal does not notify the buyer");
                Ok(false)
            }
        }
    }
}

fn issued(invoice: Invoice) -> Issued {
    Issued { id: invoice.id, url: invoice.recipient_view_url }
}

/// Returns true if PayPal's refusal is about the request itself, so that another try is refused too. A refusal without
/// details is one: it does not say that the number is taken.
fn is_about_the_request(error: &Error) -> bool {
    let about_number = |field: &Option<String>| field.as_deref().is_some_and(|field| field.contains("invoice_number"));
    let known = ["INVALID_", "MISSING_", "MALFORMED_", "VALUE_"];
    let mut details = error.details().iter();
    details.all(|detail| known.iter().any(|start| detail.issue.starts_with(start)) && !about_number(&detail.field))
}
