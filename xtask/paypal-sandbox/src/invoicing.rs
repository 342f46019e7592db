//! Invoices.
//!
//! Source: <https://developer.paypal.com/docs/api/invoicing/v2/>

pub(crate) mod invoice;

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use invoice::Invoice;

use crate::{
    authority::now,
    document::{set, text},
    error::Refusal,
    ids,
    state::Shared,
};

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
    let invoice = Invoice {
        document,
        history,
        sends: 0,
        payments: 0,
        notices: 0,
        deleted: false,
        since: vec![Instant::now()],
        total,
        due: total,
    };
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
        ("/detail/terms_and_conditions", 0, 4000, false),
        ("/detail/memo", 0, 500, false),
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
            (Ok(quantity), Ok(value)) if same && !text(item, "/name").is_empty() => {
                let net = quantity * value;
                let percent = match item.get("tax") {
                    None => Some(Decimal::ZERO),
                    Some(tax) => text(tax, "/percent").parse().ok().filter(|_| !text(tax, "/name").is_empty()),
                };
                match percent.filter(|percent| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent)) {
                    Some(percent) => total += net + (net * percent / Decimal::ONE_HUNDRED).round_dp(2),
                    None => {
                        refusal = refusal.detail("INVALID_PARAMETER_VALUE", &format!("/items/{at}/tax"), "Not a tax.")
                    }
                }
            }
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
    let known = state.invoices.get(&id).filter(|known| !known.deleted).map(|known| known.document.clone());
    known.map(Json).ok_or_else(|| Refusal::not_found("invoice"))
}

pub(crate) async fn search(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wanted = parse(&body)?;
    let fits = |known: &&Invoice| {
        let same = |ask: &str, field: &str| match text(&wanted, ask) {
            "" => true,
            wanted => text(&known.document, field) == wanted,
        };
        !known.deleted && known.status_before(shared.search_lag).is_some() && same("/reference", "/detail/reference")
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
    let notify = notification(&body)?;
    let mut state = shared.state();
    let invoice = existing(&mut state, &id)?;
    if invoice.status() != "DRAFT" {
        return Err(Refusal::unprocessable("INVOICE_ALREADY_SENT", "", "The invoice was sent already."));
    }
    let today = now().get(..10).unwrap_or_default().to_owned();
    let later = text(&invoice.document, "/detail/invoice_date") > today.as_str();
    invoice.sends += 1;
    // Through a share link it is not sent to anybody. A scheduled invoice is sent on its day, whatever was asked for.
    invoice.notices += u32::from(notify && !later);
    invoice.set_status(match (later, notify) {
        (true, _) => "SCHEDULED",
        (false, true) => "SENT",
        (false, false) => "UNPAID",
    });
    let url = json!(format!("{}/invoice/p/#{id}", shared.public_url));
    if let Some(metadata) = invoice.document.pointer_mut("/detail/metadata") {
        set(metadata, "recipient_view_url", url);
    }
    let what = invoice.what();
    drop(state);
    shared.tell(what, None);
    if later {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    Ok(Json(shared.link(&format!("/v2/invoicing/invoices/{id}"), "self", "GET")).into_response())
}

/// Whether the recipient is to be notified, as a notification says it.
fn notification(body: &[u8]) -> Result<bool, Refusal> {
    let wanted = if body.is_empty() { json!({}) } else { parse(body)? };
    Ok(wanted.get("send_to_recipient").and_then(Value::as_bool).unwrap_or(true))
}

fn existing<'a>(state: &'a mut crate::state::State, id: &str) -> Result<&'a mut Invoice, Refusal> {
    state.invoices.get_mut(id).filter(|known| !known.deleted).ok_or_else(|| Refusal::not_found("invoice"))
}

/// The query of an update.
#[derive(Deserialize)]
pub(crate) struct Update {
    #[serde(default = "yes")]
    send_to_recipient: bool,
}

fn yes() -> bool {
    true
}

/// Replaces what a merchant can change; there are no partial updates.
pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(update): Query<Update>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let wanted = parse(&body)?;
    check(&wanted)?;
    let mut state = shared.state();
    let invoice = existing(&mut state, &id)?;
    if ["CANCELLED", "REFUNDED"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable(
            "CANNOT_UPDATE_INVOICE",
            "",
            "The invoice cannot be updated in this state.",
        ));
    }
    let metadata = invoice.document.pointer("/detail/metadata").cloned();
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let read_only = ["id", "status", "amount", "due_amount", "payments", "links"].contains(&name.as_str());
        if !read_only {
            set(&mut invoice.document, name, value.clone());
        }
    }
    if let (Some(detail), Some(metadata)) = (invoice.document.get_mut("detail"), metadata) {
        set(detail, "metadata", metadata);
    }
    let notify = update.send_to_recipient && invoice.status() != "DRAFT";
    invoice.notices += u32::from(notify);
    let what = if notify { invoice.notice() } else { invoice.what() };
    let answer = invoice.document.clone();
    drop(state);
    shared.tell(what, None);
    Ok(Json(answer))
}

/// Reminds the recipient of an invoice that is to be paid.
pub(crate) async fn remind(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let notify = notification(&body)?;
    let mut state = shared.state();
    let invoice = existing(&mut state, &id)?;
    if !["SENT", "UNPAID", "PARTIALLY_PAID"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable("CANNOT_REMIND", "", "The invoice is not to be paid."));
    }
    invoice.notices += u32::from(notify);
    let what = notify.then(|| invoice.notice());
    drop(state);
    if let Some(what) = what {
        shared.tell(what, None);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels an invoice that was sent.
pub(crate) async fn cancel(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let mut state = shared.state();
    let invoice = existing(&mut state, &id)?;
    if !["SENT", "UNPAID", "PARTIALLY_PAID", "SCHEDULED"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable("CANNOT_CANCEL_INVOICE", "", "The invoice cannot be cancelled."));
    }
    invoice.set_status("CANCELLED");
    let what = invoice.what();
    drop(state);
    shared.tell(what, None);
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes an invoice that was not sent; its number can be used again.
pub(crate) async fn delete(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let mut state = shared.state();
    let invoice = existing(&mut state, &id)?;
    if !["DRAFT", "SCHEDULED"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable("CANNOT_DELETE_INVOICE", "", "Only drafts can be deleted."));
    }
    invoice.deleted = true;
    let number = text(&invoice.document, "/detail/invoice_number").to_owned();
    state.invoice_numbers.remove(&number);
    Ok(StatusCode::NO_CONTENT)
}

/// The buyer pays what is due, through PayPal.
pub(crate) fn pay(shared: &Shared, id: &str) -> Result<Value, Refusal> {
    let mut state = shared.state();
    let payment_id = ids::letters(&mut state.random, 17);
    let invoice = existing(&mut state, id)?;
    if !["SENT", "UNPAID", "PARTIALLY_PAID"].contains(&invoice.status()) {
        return Err(Refusal::unprocessable("CANNOT_PAY", "", "The invoice has no button to pay it."));
    }
    let amount = invoice.due;
    invoice.receive(amount, json!({ "type": "PAYPAL", "payment_id": payment_id, "method": "PAYPAL" }));
    let (what, answer) = (invoice.what(), invoice.document.clone());
    drop(state);
    shared.tell(what, None);
    Ok(answer)
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
    let invoice = existing(&mut state, &id)?;
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
    // A scheduled invoice has to be sent first.
    if !["SENT", "UNPAID", "PARTIALLY_PAID", "PAID", "MARKED_AS_PAID"].contains(&invoice.status()) {
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
    let mut transaction = payment;
    set(&mut transaction, "type", json!("EXTERNAL"));
    set(&mut transaction, "payment_id", json!(payment_id));
    invoice.payments += 1;
    invoice.receive(amount, transaction);
    let what = invoice.what();
    drop(state);
    shared.tell(what, None);
    Ok(Json(json!({ "payment_id": payment_id })))
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let malformed = || Refusal::invalid().detail("MALFORMED_REQUEST_JSON", "", "The request JSON is not well formed.");
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(malformed)
}
