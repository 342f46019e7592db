//! Invoices.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    What,
    authority::now,
    error::Refusal,
    ids,
    state::{Shared, set, text},
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
    /// Since when it has had each status.
    #[serde(skip)]
    since: Vec<Instant>,
    #[serde(skip)]
    total: Decimal,
    #[serde(skip)]
    due: Decimal,
}

impl Invoice {
    fn status(&self) -> &str {
        text(&self.document, "/status")
    }

    fn set_status(&mut self, status: &str) {
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
    fn status_before(&self, lag: Duration) -> Option<&String> {
        let at = self.since.iter().rposition(|since| since.elapsed() >= lag)?;
        self.history.get(at)
    }

    fn currency(&self) -> &str {
        text(&self.document, "/detail/currency_code")
    }

    fn what(&self) -> What {
        What::Invoice {
            number: text(&self.document, "/detail/invoice_number").to_owned(),
            reference: text(&self.document, "/detail/reference").to_owned(),
            status: self.status().to_owned(),
            amount: format!("{} {}", self.total, self.currency()),
        }
    }
}

pub(crate) async fn next_number(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "invoice_number": format!("{:04}", shared.state().invoices.len() + 1) }))
}

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let wanted = parse(&body)?;
    let total = check(&wanted)?;
    let mut state = shared.state();
    let number = match text(&wanted, "/detail/invoice_number") {
        "" => format!("{:04}", state.invoices.len() + 1),
        number => number.to_owned(),
    };
    if state.invoice_numbers.contains_key(&number) {
        let description = "The invoice number is used already.";
        return Err(Refusal::unprocessable("DUPLICATE_INVOICE_NUMBER", "/detail/invoice_number", description));
    }
    let id = ids::invoice(&mut state.random);
    let path = format!("/v2/invoicing/invoices/{id}");
    let mut document = wanted;
    set(&mut document, "id", json!(id));
    set(&mut document, "status", json!("DRAFT"));
    if let Some(detail) = document.get_mut("detail") {
        set(detail, "invoice_number", json!(number));
        set(detail, "metadata", json!({ "create_time": now() }));
    }
    let currency = text(&document, "/detail/currency_code").to_owned();
    let amount = json!({ "currency_code": currency, "value": total.to_string() });
    set(&mut document, "amount", amount.clone());
    set(&mut document, "due_amount", amount);
    let link = shared.link(&path, "self", "GET");
    set(&mut document, "links", json!([link]));
    let history = vec!["DRAFT".to_owned()];
    let invoice = Invoice { document, history, sends: 0, payments: 0, since: vec![Instant::now()], total, due: total };
    let (what, answer) = (invoice.what(), invoice.document.clone());
    state.invoice_numbers.insert(number, id.clone());
    state.invoices.insert(id, invoice);
    drop(state);
    shared.tell(what, None);
    let whole = headers.get("prefer").is_some_and(|value| value.as_bytes() == b"return=representation");
    Ok((StatusCode::CREATED, Json(if whole { answer } else { link })).into_response())
}

/// What PayPal's schema says; answers the total.
fn check(wanted: &Value) -> Result<Decimal, Refusal> {
    let mut refusal = Refusal::invalid();
    let fields = [
        ("/detail/currency_code", 3, 3, true),
        ("/detail/invoice_number", 1, 25, false),
        ("/detail/reference", 0, 120, false),
        ("/detail/note", 0, 4000, false),
        ("/detail/invoice_date", 10, 10, false),
        ("/invoicer/email_address", 3, 254, false),
        ("/invoicer/business_name", 0, 300, true),
        ("/primary_recipients/0/billing_info/email_address", 3, 254, false),
    ];
    for (field, least, most, required) in fields {
        let length = wanted.pointer(field).and_then(Value::as_str).map(|text| text.chars().count());
        match length {
            None if required => {
                refusal = refusal.detail("MISSING_REQUIRED_PARAMETER", field, "A required field is missing.")
            }
            Some(length) if length < least || length > most => {
                refusal =
                    refusal.detail("INVALID_STRING_LENGTH", field, "The value of a field is too short or too long.");
            }
            _ => {}
        }
    }
    let date = text(wanted, "/detail/invoice_date");
    if !date.is_empty() && date.parse::<jiff::civil::Date>().is_err() {
        refusal = refusal.detail("INVALID_PARAMETER_SYNTAX", "/detail/invoice_date", "The date is not YYYY-MM-DD.");
    }
    let mut total = Decimal::ZERO;
    let items = wanted.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > 100 {
        refusal = refusal.detail("MISSING_REQUIRED_PARAMETER", "/items", "An invoice needs 1 to 100 items.");
    }
    for (at, item) in items.iter().enumerate() {
        let quantity = text(item, "/quantity").parse::<Decimal>();
        let value = text(item, "/unit_amount/value").parse::<Decimal>();
        let same = text(item, "/unit_amount/currency_code") == text(wanted, "/detail/currency_code");
        match (quantity, value) {
            (Ok(quantity), Ok(value)) if same && !text(item, "/name").is_empty() => total += quantity * value,
            _ => {
                refusal =
                    refusal.detail("INVALID_PARAMETER_VALUE", &format!("/items/{at}"), "The item is not complete.")
            }
        }
    }
    total.rescale(2);
    if refusal.has_details() { Err(refusal) } else { Ok(total) }
}

pub(crate) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let state = shared.state();
    let known = state.invoices.get(&id).map(|known| known.document.clone());
    known.map(Json).ok_or_else(|| Refusal::not_found("invoice"))
}

pub(crate) async fn search(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wanted = parse(&body)?;
    let fits = |known: &&Invoice| {
        let same = |ask: &str, field: &str| match text(&wanted, ask) {
            "" => true,
            wanted => text(&known.document, field) == wanted,
        };
        known.status_before(shared.search_lag).is_some() && same("/reference", "/detail/reference")
    };
    let state = shared.state();
    let candidates: Vec<&Invoice> = match text(&wanted, "/invoice_number") {
        "" => state.invoices.values().collect(),
        number => state.invoice_numbers.get(number).and_then(|id| state.invoices.get(id)).into_iter().collect(),
    };
    let items = candidates.into_iter().filter(fits).take(100).map(|known| {
        let mut document = known.document.clone();
        if let Some(status) = known.status_before(shared.search_lag) {
            set(&mut document, "status", json!(status));
        }
        document
    });
    let items: Vec<Value> = items.collect();
    Ok(Json(json!({ "total_items": items.len(), "total_pages": 1, "items": items, "links": [] })))
}

pub(crate) async fn send(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    if !body.is_empty() {
        parse(&body)?;
    }
    let mut state = shared.state();
    let invoice = state.invoices.get_mut(&id).ok_or_else(|| Refusal::not_found("invoice"))?;
    if invoice.status() != "DRAFT" {
        return Err(Refusal::unprocessable("INVOICE_ALREADY_SENT", "", "The invoice was sent already."));
    }
    let today = now().get(..10).unwrap_or_default().to_owned();
    let later = text(&invoice.document, "/detail/invoice_date") > today.as_str();
    invoice.sends += 1;
    invoice.set_status(if later { "SCHEDULED" } else { "SENT" });
    let what = invoice.what();
    drop(state);
    shared.tell(what, None);
    if later {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    Ok(Json(shared.link(&format!("/v2/invoicing/invoices/{id}"), "self", "GET")).into_response())
}

pub(crate) async fn record_payment(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let payment = parse(&body)?;
    let methods = ["BANK_TRANSFER", "CASH", "CHECK", "CREDIT_CARD", "DEBIT_CARD", "PAYPAL", "WIRE_TRANSFER", "OTHER"];
    match text(&payment, "/method") {
        "" => {
            return Err(Refusal::invalid().detail(
                "MISSING_REQUIRED_PARAMETER",
                "/method",
                "A required field is missing.",
            ));
        }
        method if !methods.contains(&method) => {
            return Err(Refusal::invalid().detail(
                "INVALID_PAYMENT_METHOD",
                "/method",
                "The method is not one of PayPal's.",
            ));
        }
        _ => {}
    }
    let mut state = shared.state();
    let payment_id = ids::letters(&mut state.random, 17);
    let invoice = state.invoices.get_mut(&id).ok_or_else(|| Refusal::not_found("invoice"))?;
    let amount = match payment.get("amount") {
        None => invoice.due,
        Some(amount) if text(amount, "/currency_code") != invoice.currency() => {
            return Err(Refusal::unprocessable(
                "CURRENCY_MISMATCH",
                "/amount",
                "The currency is not that of the invoice.",
            ));
        }
        Some(amount) => text(amount, "/value").parse().map_err(|_| {
            Refusal::invalid().detail("INVALID_DECIMAL_VALUE", "/amount/value", "The value is not a number.")
        })?,
    };
    if amount <= Decimal::ZERO {
        return Err(Refusal::invalid().detail(
            "VALUE_CANNOT_BE_ZERO",
            "/amount/value",
            "The value must be above zero.",
        ));
    }
    if !["SENT", "UNPAID", "PARTIALLY_PAID", "SCHEDULED", "PAID", "MARKED_AS_PAID"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable(
            "CANNOT_PROCESS_PAYMENTS",
            "",
            "Payments cannot be recorded in this state.",
        ));
    }
    if amount > invoice.due {
        let description = "The payment is more than the amount due.";
        return Err(Refusal::unprocessable("PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE", "/amount", description));
    }
    invoice.due -= amount;
    invoice.payments += 1;
    let due = json!({ "currency_code": invoice.currency(), "value": invoice.due.to_string() });
    set(&mut invoice.document, "due_amount", due);
    invoice.set_status(match (invoice.due.is_zero(), text(&payment, "/method")) {
        (false, _) => "PARTIALLY_PAID",
        (true, "PAYPAL") => "PAID",
        (true, _) => "MARKED_AS_PAID",
    });
    let what = invoice.what();
    drop(state);
    shared.tell(what, None);
    Ok(Json(json!({ "payment_id": payment_id })))
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let malformed = || Refusal::invalid().detail("MALFORMED_REQUEST_JSON", "", "The request JSON is not well formed.");
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(malformed)
}
