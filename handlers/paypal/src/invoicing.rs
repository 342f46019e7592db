//! Invoices.
//!
//! Invoicing has no idempotency key, so create, send and record-payment are made once; who must know what became of them
//! reads the invoice.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Client, Currency, Deadline, Error, Money, Personal, SaleId,
    client::Call,
    ids::{InvalidId, id, plain},
};

id! {
    /// An invoice's id, such as `INV2-Z56S-5LLA-Q52L-CPZ5`.
    InvoiceId, "an invoice's id", |text| plain(text, 1, 60)
}
id! {
    /// An invoice's number, at most 25 characters.
    InvoiceNumber, "an invoice's number", |text| plain(text, 1, 25)
}

impl InvoiceNumber {
    /// The number of the one invoice that a sale may have.
    ///
    /// # Errors
    /// When the sale's id is longer than 21 characters; PayPal's have 17.
    pub fn for_sale(sale: &SaleId) -> Result<Self, InvalidId> {
        Self::parse(&format!("SUB-{sale}"))
    }
}

/// Where an invoice stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InvoiceStatus {
    /// Made, not sent.
    Draft,
    /// Sent.
    Sent,
    /// To be sent on its date.
    Scheduled,
    /// Paid through PayPal.
    Paid,
    /// Paid in another way, as somebody recorded.
    MarkedAsPaid,
    /// Cancelled.
    Cancelled,
    /// Refunded.
    Refunded,
    /// A part is paid.
    PartiallyPaid,
    /// A part is refunded.
    PartiallyRefunded,
    /// Refunded in another way, as somebody recorded.
    MarkedAsRefunded,
    /// Sent and not paid.
    Unpaid,
    /// A payment is under way.
    PaymentPending,
    /// A word that PayPal's description does not have.
    #[serde(untagged)]
    Other(String),
}

/// An invoice, as PayPal reports it.
#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Where it stands.
    pub status: InvoiceStatus,
    detail: InvoiceDetail,
}

#[derive(Clone, Debug, Deserialize)]
struct InvoiceDetail {
    #[serde(default)]
    invoice_number: Option<String>,
}

/// A new invoice.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Its number.
    pub number: InvoiceNumber,
    /// What it is about, at most 120 characters; searchable.
    pub reference: String,
    /// Its date, `YYYY-MM-DD`; the day it is made without.
    pub date: Option<String>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// A note to the recipient, at most 4000 characters.
    pub note: Option<String>,
    /// Terms and conditions, at most 4000 characters.
    pub terms: Option<String>,
    /// Who sends it.
    pub invoicer: InvoicerInfo,
    /// Who gets it.
    pub recipient: Recipient,
    /// What it is for, at most 100.
    pub items: Vec<InvoiceItem>,
}

/// Who sends an invoice.
#[derive(Clone, Debug)]
pub struct InvoicerInfo {
    /// At most 300 characters.
    pub business_name: String,
    /// Must belong to the PayPal account.
    pub email_address: String,
    /// At most 2048 characters.
    pub website: Option<String>,
    /// At most 100 characters.
    pub tax_id: Option<String>,
    /// At most 2000 characters.
    pub logo_url: Option<String>,
    /// At most 400 characters.
    pub additional_notes: Option<String>,
    /// Where the business is.
    pub address: Option<PostalAddress>,
}

/// A postal address.
#[derive(Clone, Debug, Serialize)]
pub struct PostalAddress {
    /// Street and number.
    pub address_line_1: String,
    /// The city.
    pub admin_area_2: String,
    /// The state or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_area_1: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Two letters.
    pub country_code: String,
}

/// Who gets an invoice.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Their e-mail address.
    pub email_address: Option<Personal>,
    /// Their first name.
    pub given_name: Option<Personal>,
    /// Their last name.
    pub surname: Option<Personal>,
}

/// One item of an invoice.
#[derive(Clone, Debug)]
pub struct InvoiceItem {
    /// At most 200 characters.
    pub name: String,
    /// At most 1000 characters.
    pub description: Option<String>,
    /// How many.
    pub quantity: u32,
    /// The price of one.
    pub unit_amount: Money,
}

/// What goes with a sent invoice.
#[derive(Clone, Debug, Serialize)]
pub struct SendInvoice {
    /// The subject of the e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// A note in the e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A payment that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Payment {
    /// `PAYPAL`, `BANK_TRANSFER`, ...
    pub method: String,
    /// When, `YYYY-MM-DD`; the day it is recorded without.
    pub payment_date: Option<String>,
    /// How much.
    pub amount: Money,
    /// At most 2000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Client {
    /// The invoice of this number, if PayPal's search knows it; the search lags some seconds behind.
    ///
    /// # Errors
    /// When PayPal does not answer.
    pub async fn find_invoice(&self, number: &InvoiceNumber, deadline: Deadline) -> Result<Option<Invoice>, Error> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            items: Vec<Invoice>,
        }
        let path = "/v2/invoicing/search-invoices?page_size=20&total_required=false".to_owned();
        let call = Call::post("find invoice", path, json!({ "invoice_number": number }).to_string().into_bytes());
        let found: Found = self.call(&call.repeatable(), deadline).await?;
        // The search may find more than asked for; only the very number counts.
        Ok(found.items.into_iter().find(|invoice| invoice.detail.invoice_number.as_deref() == Some(number.as_str())))
    }

    /// Creates an invoice, as a draft.
    ///
    /// # Errors
    /// When PayPal refuses it, or does not answer: then it may be there.
    pub async fn create_invoice(&self, invoice: &NewInvoice, deadline: Deadline) -> Result<Invoice, Error> {
        /// PayPal answers the invoice when it is asked to, and a link to it otherwise.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Created {
            Whole(Invoice),
            Link { href: String },
        }
        let operation = "create invoice";
        let call = Call::post(operation, "/v2/invoicing/invoices".to_owned(), invoice.json().to_string().into_bytes());
        match self.call(&call, deadline).await? {
            Created::Whole(invoice) => Ok(invoice),
            Created::Link { href } => {
                let id = href.rsplit('/').next().and_then(|id| InvoiceId::parse(id).ok());
                let reason = "its link has no invoice's id".to_owned();
                let id = id.ok_or(Error::Unreadable { operation, reason, debug_id: None })?;
                self.invoice(&id, deadline).await
            }
        }
    }

    /// An invoice as it is now.
    ///
    /// # Errors
    /// When PayPal does not know it, or does not answer.
    pub async fn invoice(&self, id: &InvoiceId, deadline: Deadline) -> Result<Invoice, Error> {
        self.call(&Call::get("show invoice", format!("/v2/invoicing/invoices/{id}")), deadline).await
    }

    /// Sends an invoice; one whose date is in the future is scheduled.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be sent.
    pub async fn send_invoice(&self, id: &InvoiceId, message: &SendInvoice, deadline: Deadline) -> Result<(), Error> {
        let body = json!({ "subject": message.subject, "note": message.note, "send_to_recipient": true });
        self.post("send invoice", format!("/v2/invoicing/invoices/{id}/send"), body, deadline).await
    }

    /// Records a payment for an invoice.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be recorded.
    pub async fn record_payment(&self, id: &InvoiceId, payment: &Payment, deadline: Deadline) -> Result<(), Error> {
        self.post("record payment", format!("/v2/invoicing/invoices/{id}/payments"), json!(payment), deadline).await
    }

    async fn post(&self, operation: &'static str, path: String, body: Json, deadline: Deadline) -> Result<(), Error> {
        let call = Call::post(operation, path, without_nulls(body).to_string().into_bytes());
        self.answer(&call, deadline).await.map(drop)
    }
}

impl NewInvoice {
    fn json(&self) -> Json {
        let Self { number, reference, date, currency, note, terms, invoicer, recipient, items } = self;
        let name = json!({ "given_name": recipient.given_name, "surname": recipient.surname });
        let items: Vec<Json> = items
            .iter()
            .map(|item| {
                let InvoiceItem { name, description, quantity, unit_amount } = item;
                let quantity = quantity.to_string();
                json!({ "name": name, "description": description, "quantity": quantity, "unit_amount": unit_amount })
            })
            .collect();
        without_nulls(json!({
            "detail": {
                "invoice_number": number,
                "reference": reference,
                "invoice_date": date,
                "currency_code": currency,
                "note": note,
                "terms_and_conditions": terms,
                "payment_term": { "term_type": "DUE_ON_RECEIPT" },
            },
            "invoicer": {
                "business_name": invoicer.business_name,
                "email_address": invoicer.email_address,
                "website": invoicer.website,
                "tax_id": invoicer.tax_id,
                "logo_url": invoicer.logo_url,
                "additional_notes": invoicer.additional_notes,
                "address": invoicer.address,
            },
            "primary_recipients": [{ "billing_info": { "name": name, "email_address": recipient.email_address } }],
            "items": items,
        }))
    }
}

/// PayPal wants absent fields absent, not null; an object with nothing left in it goes too.
fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(entries) => {
            let kept = entries.into_iter().map(|(key, value)| (key, without_nulls(value)));
            Json::Object(kept.filter(|(_, value)| !value.is_null() && *value != json!({})).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
