//! An invoice, and what happened to it.

use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    What,
    document::{set, text},
};

/// An invoice, and what happened to it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Invoice {
    /// As `GET /v2/invoicing/invoices/{id}` answers it.
    pub(crate) document: Value,
    /// Each status, in order.
    pub(crate) history: Vec<String>,
    pub(crate) sends: u32,
    pub(crate) payments: u32,
    /// How often the recipient was notified.
    #[serde(default)]
    pub(crate) notices: u32,
    /// A deleted draft is not shown any more, and its number can be used again.
    #[serde(default)]
    pub(crate) deleted: bool,
    /// Since when it has had each status.
    #[serde(skip)]
    pub(super) since: Vec<Instant>,
    #[serde(skip)]
    pub(super) total: Decimal,
    #[serde(skip)]
    pub(super) due: Decimal,
}

impl Invoice {
    pub(super) fn status(&self) -> &str {
        text(&self.document, "/status")
    }

    pub(super) fn set_status(&mut self, status: &str) {
        self.history.push(status.to_owned());
        self.since.push(Instant::now());
        set(&mut self.document, "status", json!(status));
    }

    /// As it was written down: with its amounts, and with every status so old that the search shows it.
    pub(crate) fn restored(self, lag: Duration) -> Self {
        let amount = |pointer: &str| text(&self.document, pointer).parse().unwrap_or_default();
        let (total, due) = (amount("/amount/value"), amount("/due_amount/value"));
        let now = Instant::now();
        let since = vec![now.checked_sub(lag).unwrap_or(now); self.history.len()];
        Self { since, total, due, ..self }
    }

    /// The status that it had so long ago, which is what the search shows; nothing when it was not there.
    pub(super) fn status_before(&self, lag: Duration) -> Option<&String> {
        let at = self.since.iter().rposition(|since| since.elapsed() >= lag)?;
        self.history.get(at)
    }

    pub(super) fn currency(&self) -> &str {
        text(&self.document, "/detail/currency_code")
    }

    /// Takes note of a payment. `PAID` is what the buyer pays through PayPal; what is recorded is `MARKED_AS_PAID`.
    ///
    /// Source: <https://developer.paypal.com/docs/invoicing/reference/invoice-status/>
    pub(super) fn receive(&mut self, amount: Decimal, mut transaction: Value) {
        self.due -= amount;
        let money = |value: Decimal| json!({ "currency_code": self.currency(), "value": value.to_string() });
        let (due, paid) = (money(self.due), money(self.total - self.due));
        set(&mut transaction, "amount", money(amount));
        let by_buyer = text(&transaction, "/type") == "PAYPAL";
        let mut transactions = match self.document.pointer("/payments/transactions").and_then(Value::as_array) {
            Some(transactions) => transactions.clone(),
            None => Vec::new(),
        };
        transactions.push(transaction);
        set(&mut self.document, "due_amount", due);
        set(&mut self.document, "payments", json!({ "paid_amount": paid, "transactions": transactions }));
        self.set_status(match (self.due.is_zero(), by_buyer) {
            (false, _) => "PARTIALLY_PAID",
            (true, true) => "PAID",
            (true, false) => "MARKED_AS_PAID",
        });
    }

    pub(super) fn what(&self) -> What {
        self.activity(self.status())
    }

    pub(super) fn notice(&self) -> What {
        self.activity("buyer notified")
    }

    pub(super) fn activity(&self, status: &str) -> What {
        What::Invoice {
            number: text(&self.document, "/detail/invoice_number").to_owned(),
            reference: text(&self.document, "/detail/reference").to_owned(),
            status: status.to_owned(),
            amount: format!("{} {}", self.total, self.currency()),
        }
    }
}
