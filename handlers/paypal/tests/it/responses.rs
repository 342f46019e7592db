//! Answers built from PayPal's own descriptions, whole and with each enum's every value, and its examples: all are
//! understood. Where the descriptions are not at hand, answers that were written from them stand for them.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::Uri};
use paypal::{
    Client, Deadline, SaleId, SubscriptionId,
    invoicing::{InvoiceId, InvoiceNumber},
};
use serde_json::{Map, Value, json};
use url::Url;

/// Deeper schemas refer to themselves.
const DEEPEST: usize = 12;

/// The answers to one operation.
struct Operation {
    file: &'static str,
    path: &'static str,
    method: &'static str,
    status: &'static str,
}

const OPERATIONS: [Operation; 6] = [
    Operation { file: "billing_subscriptions_v1", path: "/v1/billing/plans", method: "get", status: "200" },
    Operation {
        file: "billing_subscriptions_v1",
        path: "/v1/billing/subscriptions/{id}",
        method: "get",
        status: "200",
    },
    Operation { file: "payments_payment_v1", path: "/v1/payments/sale/{sale_id}", method: "get", status: "200" },
    Operation { file: "invoicing_v2", path: "/v2/invoicing/search-invoices", method: "post", status: "200" },
    Operation { file: "invoicing_v2", path: "/v2/invoicing/invoices/{invoice_id}", method: "get", status: "200" },
    Operation {
        file: "notifications_webhooks_v1",
        path: "/v1/notifications/verify-webhook-signature",
        method: "post",
        status: "200",
    },
];

/// A schema with its references followed and its `allOf` put together.
fn flat(document: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let mut whole = Map::new();
    if depth > DEEPEST {
        return whole;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        merge(&mut whole, flat(document, target, depth + 1));
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(&mut whole, flat(document, part, depth + 1));
    }
    merge(&mut whole, schema.as_object().cloned().unwrap_or_default());
    whole
}

fn merge(whole: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}

/// A value that fits the schema, with everything in it; `turn` chooses among the values of enums.
fn sample(document: &Value, schema: &Value, name: &str, turn: usize, depth: usize) -> Value {
    let schema = flat(document, schema, 0);
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values[turn % values.len()].clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => {
            let item = schema.get("items").cloned().unwrap_or_default();
            json!([sample(document, &item, name, turn, depth + 1)])
        }
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        Some("string") => json!(text(&schema, name)),
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            let members =
                properties.iter().map(|(name, of)| (name.clone(), sample(document, of, name, turn, depth + 1)));
            // What would go on for ever is left out, as it may be.
            Value::Object(members.filter(|(_, value)| !value.is_null()).collect())
        }
    }
}

/// A text of the form that its name or its format asks for.
fn text(schema: &Map<String, Value>, name: &str) -> String {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(1);
    match (name, format) {
        (_, "date-time") | ("create_time" | "update_time", _) => "2026-11-01T00:00:00Z".to_owned(),
        ("value" | "total", _) => "12.34".to_owned(),
        // As all subscriptions' ids begin, whatever the description leaves open; other ids may.
        ("id" | "billing_agreement_id", _) => "I-AAAAAAAAAAAA".to_owned(),
        (name, _) if name.contains("currency") => "EUR".to_owned(),
        _ => "A".repeat(usize::try_from(least.clamp(1, 20)).unwrap()),
    }
}

/// The answers that a description makes: whole ones, one for each turn of the enums, and its examples.
fn answers(operation: &Operation, document: &Value) -> Vec<Value> {
    let pointer = format!("/responses/{}/content/application~1json", operation.status);
    let content = document["paths"][operation.path][operation.method].pointer(&pointer).unwrap();
    let whole = (0..16).map(|turn| sample(document, &content["schema"], "", turn, 0));
    let examples = content.get("examples").and_then(Value::as_object).into_iter().flatten();
    whole.chain(examples.map(|(_, example)| example["value"].clone())).collect()
}

/// Written from the descriptions, for where these are not at hand.
fn own(path: &str) -> Value {
    match path {
        "/v1/billing/plans" => {
            json!({ "plans": [{ "id": "P-AAA", "name": "A", "status": "ACTIVE", "links": [] }], "total_pages": 1 })
        }
        "/v1/billing/subscriptions/{id}" => json!({ "id": "I-AAA", "status": "ACTIVE", "subscriber": { "name": {} } }),
        "/v1/payments/sale/{sale_id}" => {
            json!({ "id": "AAA", "state": "completed", "amount": { "total": "1.00", "currency": "EUR" } })
        }
        "/v2/invoicing/search-invoices" => json!({ "items": [{ "id": "AAA", "status": "SENT", "detail": {} }] }),
        "/v2/invoicing/invoices/{invoice_id}" => {
            json!({ "id": "AAA", "status": "DRAFT", "detail": { "currency_code": "EUR" } })
        }
        _ => json!({ "verification_status": "FAILURE" }),
    }
}

type Current = Arc<Mutex<Value>>;

async fn client(current: &Current) -> Client {
    let answer = |State(current): State<Current>, uri: Uri| async move {
        match uri.path() {
            "/v1/oauth2/token" => axum::Json(json!({ "access_token": "token", "expires_in": 32400 })),
            _ => axum::Json(current.lock().unwrap().clone()),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = Router::new().fallback(answer).with_state(Arc::clone(current));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let credentials = json!({ "client_id": "id", "client_secret": "secret" });
    let credentials = Arc::new(serde_json::from_value::<paypal::Credentials>(credentials).unwrap());
    let (connect_timeout, request_timeout) = (Duration::from_secs(5), Duration::from_secs(5));
    let first_wait = Duration::ZERO;
    Client::new(paypal::Config { base_url, credentials, connect_timeout, request_timeout, first_wait }).unwrap()
}

/// Makes the call that an operation is about.
async fn call(client: &Client, path: &str) -> Result<(), paypal::Error> {
    let deadline = Deadline::after(Duration::from_secs(30));
    match path {
        "/v1/billing/plans" => client.plans(deadline).await.map(drop),
        "/v1/billing/subscriptions/{id}" => {
            client.subscription(&SubscriptionId::parse("I-BW452GLLEP1G").unwrap(), deadline).await.map(drop)
        }
        "/v1/payments/sale/{sale_id}" => {
            client.sale(&SaleId::parse("1AB23456CD789012E").unwrap(), deadline).await.map(drop)
        }
        "/v2/invoicing/search-invoices" => {
            client.find_invoice(&InvoiceNumber::parse("SUB-1").unwrap(), deadline).await.map(drop)
        }
        "/v2/invoicing/invoices/{invoice_id}" => {
            client.invoice(&InvoiceId::parse("INV2-AAAA").unwrap(), deadline).await.map(drop)
        }
        _ => {
            let transmission = paypal::signature::Transmission {
                id: "i".to_owned(),
                time: "t".to_owned(),
                signature: "s".to_owned(),
                cert_url: "u".to_owned(),
                auth_algo: "a".to_owned(),
            };
            client.verify_webhook_signature("W", &transmission, b"{}", deadline).await.map(drop)
        }
    }
}

#[tokio::test]
async fn answers_are_understood() {
    let current = Current::default();
    let client = client(&current).await;
    for operation in &OPERATIONS {
        let file = format!("../../../shared/paypal/openapi/{}.json", operation.file);
        let described = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).ok();
        let document: Option<Value> = described.map(|text| serde_json::from_str(&text).unwrap());
        let described = document.map(|document| answers(operation, &document)).unwrap_or_default();
        for answer in described.into_iter().chain([own(operation.path)]) {
            *current.lock().unwrap() = answer.clone();
            let understood = call(&client, operation.path).await;
            assert!(understood.is_ok(), "{}: {:?}\n{answer:#}", operation.path, understood.err());
        }
    }
}
