//! Invoices.
//!
//! Invoicing has no idempotency key, so create, send and record-payment are made once; who must know what became of them
//! reads the invoice.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Client, Currency, Deadline, Error, Money, Personal,
    client::Call,
    ids::{id, plain},
};

id! {
    /// An invoice's id, such as `INV2-Z56S-5LLA-Q52L-CPZ5`.
    InvoiceId, "an invoice's id", |text| plain(text, 1, 60)
}
id! {
    /// An invoice's number, at most 25 characters.
    InvoiceNumber, "an invoice's number", |text| plain(text, 1, 25)
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
    /// Paid. PayPal's documents disagree whether that includes recorded payments; [`Invoice::transactions`] says who paid.
    Paid,
    /// Paid in another way, as the merchant recorded.
    MarkedAsPaid,
    /// Cancelled by the merchant.
    Cancelled,
    /// Cancelled by PayPal.
    AutoCancelled,
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
#[derive(Clone, Deserialize)]
#[serde(try_from = "Json")]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Where it stands.
    pub status: InvoiceStatus,
    /// Its number.
    pub number: Option<String>,
    /// Its total.
    pub amount: Option<Money>,
    /// The part of the total that is not paid.
    pub due: Option<Money>,
    /// The merchant's private memo.
    pub memo: Option<String>,
    /// Where the recipient sees it.
    pub recipient_view_url: Option<String>,
    /// Payments that were made through it or recorded for it.
    pub transactions: Vec<Transaction>,
    /// All of it, with personal data.
    document: Json,
}

/// A payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Transaction {
    /// `PAYPAL` where the recipient paid the invoice through PayPal, `EXTERNAL` where the merchant recorded a payment.
    #[serde(default, rename = "type")]
    pub transaction_type: Option<String>,
    /// The merchant's note of a recorded payment.
    #[serde(default)]
    pub note: Option<String>,
}

impl std::fmt::Debug for Invoice {
    /// Without what could be personal.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, status, number, amount, due, .. } = self;
        out.debug_struct("Invoice")
            .field("id", id)
            .field("status", status)
            .field("number", number)
            .field("amount", amount)
            .field("due", due)
            .finish_non_exhaustive()
    }
}

impl TryFrom<Json> for Invoice {
    type Error = serde_json::Error;

    fn try_from(document: Json) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Known {
            id: InvoiceId,
            status: InvoiceStatus,
        }
        let Known { id, status } = Known::deserialize(&document)?;
        let text = |pointer: &str| document.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let money = |pointer: &str| document.pointer(pointer).and_then(|money| Money::deserialize(money).ok());
        let transactions = match document.pointer("/payments/transactions") {
            Some(transactions) => Vec::deserialize(transactions)?,
            None => Vec::new(),
        };
        Ok(Self {
            id,
            status,
            number: text("/detail/invoice_number"),
            amount: money("/amount"),
            due: money("/due_amount"),
            memo: text("/detail/memo"),
            recipient_view_url: text("/detail/metadata/recipient_view_url"),
            transactions,
            document,
        })
    }
}

impl Invoice {
    /// The whole invoice as PayPal takes it for an update, with another memo. PayPal has no partial updates.
    ///
    /// Source: <https://developer.paypal.com/docs/api/invoicing/v2/#invoices_update>
    fn with_memo(&self, memo: &str) -> Json {
        let mut document = self.document.clone();
        let read_only = ["id", "parent_id", "status", "due_amount", "gratuity", "payments", "refunds", "links"];
        if let Some(members) = document.as_object_mut() {
            members.retain(|name, _| !read_only.contains(&name.as_str()));
        }
        if let Some(detail) = document.get_mut("detail").and_then(Json::as_object_mut) {
            detail.remove("metadata");
            detail.insert("memo".to_owned(), json!(memo));
        }
        document
    }
}

/// A new invoice.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Its number.
    pub number: InvoiceNumber,
    /// What it is about, at most 120 characters; searchable.
    pub reference: String,
    /// The currency of its amounts.
    pub currency: Currency,
    /// A note to the recipient, at most 4000 characters.
    pub note: Option<String>,
    /// Terms and conditions, at most 4000 characters.
    pub terms: Option<String>,
    /// A memo that only the merchant sees, at most 500 characters.
    pub memo: Option<String>,
    /// Who sends it.
    pub invoicer: InvoicerInfo,
    /// Who gets it.
    pub recipient: Recipient,
    /// Addresses that get a copy of each notification, at most 100.
    pub additional_recipients: Vec<String>,
    /// What it is for, at most 100.
    pub items: Vec<InvoiceItem>,
}

/// Who sends an invoice.
#[derive(Clone, Debug)]
pub struct InvoicerInfo {
    /// At most 300 characters.
    pub business_name: String,
    /// The person's first name, at most 140 characters.
    pub given_name: Option<String>,
    /// The person's last name, at most 140 characters.
    pub surname: Option<String>,
    /// Phone numbers.
    pub phones: Vec<Phone>,
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

/// A phone number.
#[derive(Clone, Debug, Serialize)]
pub struct Phone {
    /// 1 to 3 digits, such as `49`.
    pub country_code: String,
    /// 1 to 14 digits.
    pub national_number: String,
    /// `FAX`, `HOME`, `MOBILE`, `OTHER` or `PAGER`.
    pub phone_type: String,
}

/// A postal address.
#[derive(Clone, Debug, Serialize)]
pub struct PostalAddress {
    /// Street and number.
    pub address_line_1: String,
    /// Suite or apartment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line_2: Option<String>,
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
    /// The language of PayPal's e-mail to a recipient without an account, such as `de-DE`.
    pub language: Option<String>,
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
    /// The price of one, without tax.
    pub unit_amount: Money,
    /// The tax that PayPal adds.
    pub tax: Option<Tax>,
}

/// A tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tax {
    /// At most 100 characters.
    pub name: String,
    /// The rate, from `0` to `100` with up to five decimals.
    pub percent: String,
}

/// A payment that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Payment {
    /// `PAYPAL`, `BANK_TRANSFER`, ...
    pub method: String,
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
        // The search may find more than asked for; only the very number counts. PayPal documents nowhere that numbers are
        // unique: of several, the one that is furthest on its way counts.
        let same = found.items.into_iter().filter(|invoice| invoice.number.as_deref() == Some(number.as_str()));
        Ok(same.min_by_key(|invoice| match invoice.status {
            InvoiceStatus::Draft => 2,
            InvoiceStatus::Scheduled | InvoiceStatus::Sent | InvoiceStatus::Unpaid => 1,
            _ => 0,
        }))
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
            Whole(Box<Invoice>),
            Link { href: String },
        }
        let operation = "create invoice";
        let call = Call::post(operation, "/v2/invoicing/invoices".to_owned(), invoice.json().to_string().into_bytes());
        match self.call(&call, deadline).await? {
            Created::Whole(invoice) => Ok(*invoice),
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

    /// Issues an invoice without notifying its recipient. Returns false when PayPal only accepts the request: it schedules
    /// an invoice whose date is in the future.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be sent.
    pub async fn send_invoice(&self, id: &InvoiceId, deadline: Deadline) -> Result<bool, Error> {
        let body = json!({ "send_to_invoicer": false, "send_to_recipient": false });
        let body = self.post("send invoice", format!("/v2/invoicing/invoices/{id}/send"), body, deadline).await?;
        // 200 has a link to the invoice, 202 has no body.
        Ok(!body.is_empty())
    }

    /// Deletes a draft or a scheduled invoice. Its number can be used again.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be deleted.
    pub async fn delete_invoice(&self, id: &InvoiceId, deadline: Deadline) -> Result<(), Error> {
        let call = Call::get("delete invoice", format!("/v2/invoicing/invoices/{id}"));
        let call = Call { method: Method::DELETE, whole: false, repeatable: false, ..call };
        self.answer(&call, deadline).await.map(drop)
    }

    /// Reminds the recipient of an invoice.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then the recipient may be reminded.
    pub async fn remind_recipient(&self, id: &InvoiceId, deadline: Deadline) -> Result<(), Error> {
        let body = json!({ "send_to_invoicer": false, "send_to_recipient": true });
        self.post("remind recipient", format!("/v2/invoicing/invoices/{id}/remind"), body, deadline).await.map(drop)
    }

    /// Gives an invoice another memo, and notifies its recipient of it.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then the recipient may be notified.
    pub async fn notify_recipient(&self, invoice: &Invoice, memo: &str, deadline: Deadline) -> Result<(), Error> {
        let path = format!("/v2/invoicing/invoices/{}?send_to_recipient=true&send_to_invoicer=false", invoice.id);
        let body = invoice.with_memo(memo).to_string().into_bytes();
        let call = Call { method: Method::PUT, ..Call::post("notify recipient", path, body) };
        self.answer(&call, deadline).await.map(drop)
    }

    /// Cancels an invoice without notifying anybody, so that it can no longer be paid.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be cancelled.
    pub async fn cancel_invoice(&self, id: &InvoiceId, deadline: Deadline) -> Result<(), Error> {
        let body = json!({ "send_to_invoicer": false, "send_to_recipient": false });
        self.post("cancel invoice", format!("/v2/invoicing/invoices/{id}/cancel"), body, deadline).await.map(drop)
    }

    /// Records a payment for an invoice.
    ///
    /// # Errors
    /// When PayPal refuses, or does not answer: then it may be recorded.
    pub async fn record_payment(&self, id: &InvoiceId, payment: &Payment, deadline: Deadline) -> Result<(), Error> {
        self.post("record payment", format!("/v2/invoicing/invoices/{id}/payments"), json!(payment), deadline)
            .await
            .map(drop)
    }

    async fn post(
        &self,
        operation: &'static str,
        path: String,
        body: Json,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let call = Call::post(operation, path, without_nulls(body).to_string().into_bytes());
        self.answer(&call, deadline).await
    }
}

impl NewInvoice {
    fn json(&self) -> Json {
        let Self { number, reference, currency, note, terms, memo, invoicer, recipient, additional_recipients, items } =
            self;
        let name = json!({ "given_name": recipient.given_name, "surname": recipient.surname });
        let invoicer_name = json!({ "given_name": invoicer.given_name, "surname": invoicer.surname });
        let items: Vec<Json> = items
            .iter()
            .map(|item| {
                let InvoiceItem { name, description, quantity, unit_amount, tax } = item;
                json!({
                    "name": name,
                    "description": description,
                    "quantity": quantity.to_string(),
                    "unit_amount": unit_amount,
                    "tax": tax,
                })
            })
            .collect();
        without_nulls(json!({
            "detail": {
                "invoice_number": number,
                "reference": reference,
                "currency_code": currency,
                "note": note,
                "terms_and_conditions": terms,
                "memo": memo,
                "payment_term": { "term_type": "DUE_ON_RECEIPT" },
            },
            "invoicer": {
                "business_name": invoicer.business_name,
                "name": invoicer_name,
                "phones": list(&invoicer.phones),
                "email_address": invoicer.email_address,
                "website": invoicer.website,
                "tax_id": invoicer.tax_id,
                "logo_url": invoicer.logo_url,
                "additional_notes": invoicer.additional_notes,
                "address": invoicer.address,
            },
            "primary_recipients": [{ "billing_info": {
                "name": name,
                "email_address": recipient.email_address,
                "language": recipient.language,
            } }],
            "additional_recipients": list(additional_recipients),
            "items": items,
        }))
    }
}

/// A list, absent when it is empty.
fn list<T: Serialize>(items: &[T]) -> Json {
    if items.is_empty() { Json::Null } else { json!(items) }
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
