//! Every request that the client can make, on the wire: against a list that was read by a person, and, where they are at
//! hand, against PayPal's own descriptions.

use std::{
    fmt::Write,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use paypal::{
    CreateSubscription, Deadline, NewInvoice, Personal, PlanId, RequestId, Sale, SaleId, SubscriptionId,
    invoicing::{InvoiceItem, InvoiceNumber, InvoicerInfo, Payment, Phone, PostalAddress, Recipient, Tax},
    signature::Transmission,
    subscriptions::{ApplicationContext, NewSubscriber},
};
use serde_json::{Value, json};

/// A request as it came in.
struct Seen {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Value,
}

type All = Arc<Mutex<Vec<Seen>>>;

/// Answers what the client needs to go on, and remembers what it asked.
async fn answer(State(all): State<All>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let target = parts.uri.path_and_query().unwrap().to_string();
    let token = target == "/v1/oauth2/token";
    let answer = match target.split('?').next().unwrap() {
        "/v1/oauth2/token" => json!({ "access_token": "token", "expires_in": 32400 }),
        "/v1/billing/plans" => json!({ "plans": [], "total_pages": 1 }),
        "/v1/notifications/verify-webhook-signature" => json!({ "verification_status": "SUCCESS" }),
        "/v2/invoicing/search-invoices" => json!({ "items": [] }),
        path if path.starts_with("/v1/payments/sale/") => {
            json!({ "id": "1AB23456CD789012E", "amount": { "total": "1.00", "currency": "USD" } })
        }
        path if path.starts_with("/v2/invoicing") => json!({ "id": "INV2-AAAA-BBBB-CCCC-DDDD", "status": "DRAFT",
            "detail": { "invoice_number": "SUB-1AB23456CD789012E", "currency_code": "USD", "metadata": {} },
            "due_amount": { "currency_code": "USD", "value": "1.00" }, "links": [] }),
        _ => json!({ "id": "I-BW452GLLEP1G", "status": "ACTIVE" }),
    };
    let body = if token {
        json!(String::from_utf8(body.to_vec()).unwrap())
    } else {
        serde_json::from_slice(&body).unwrap_or_default()
    };
    let seen = Seen { method: parts.method.to_string(), target, headers: headers.collect(), body };
    all.lock().unwrap().push(seen);
    (StatusCode::OK, axum::Json(answer)).into_response()
}

/// Makes every call there is, with everything that it can carry.
async fn all_requests() -> Vec<Seen> {
    let all = All::default();
    let client = crate::client(Router::new().fallback(answer).with_state(Arc::clone(&all))).await;
    let deadline = Deadline::after(Duration::from_secs(60));
    client.plans(deadline).await.unwrap();
    let request_id = RequestId::parse("7c9e6679-7425-40de-944b-e07fc1f90ae7").unwrap();
    client.create_subscription(&subscription(), &request_id, deadline).await.unwrap();
    client.subscription(&SubscriptionId::parse("I-BW452GLLEP1G").unwrap(), deadline).await.unwrap();
    let sale: Sale = client.sale(&SaleId::parse("1AB23456CD789012E").unwrap(), deadline).await.unwrap();
    let number = InvoiceNumber::parse("SUB-1AB23456CD789012E").unwrap();
    client.find_invoice(&number, deadline).await.unwrap();
    let made = client.create_invoice(&invoice(number, &sale), deadline).await.unwrap();
    client.invoice(&made.id, deadline).await.unwrap();
    client.send_invoice(&made.id, deadline).await.unwrap();
    let payment = Payment {
        method: "PAYPAL".to_owned(),
        amount: sale.amount.clone(),
        note: Some("Sale 1AB23456CD789012E".to_owned()),
    };
    client.record_payment(&made.id, &payment, deadline).await.unwrap();
    client.notify_recipient(&made, "Ledger 4711", deadline).await.unwrap();
    client.remind_recipient(&made.id, deadline).await.unwrap();
    client.cancel_invoice(&made.id, deadline).await.unwrap();
    client.delete_invoice(&made.id, deadline).await.unwrap();
    let transmission = Transmission {
        id: "69cd13f0-d67a-11e5-baa3-778b53f4ae55".to_owned(),
        time: "2026-11-01T00:00:00Z".to_owned(),
        signature: "c2lnbmF0dXJl".to_owned(),
        cert_url: "https://api.paypal.com/v1/notifications/certs/CERT-1".to_owned(),
        auth_algo: "SHA256withRSA".to_owned(),
    };
    let body = br#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED", "odd" : 1.0}"#;
    let said = client.verify_webhook_signature("1JE4291016473214C", &transmission, body, deadline).await.unwrap();
    assert_eq!(said, paypal::webhooks::Postback::Success);
    std::mem::take(&mut *all.lock().unwrap())
}

/// A subscription with all that it can have.
pub(crate) fn subscription() -> CreateSubscription {
    let personal = |text: &str| Some(Personal::new(text.to_owned()));
    CreateSubscription {
        plan_id: PlanId::parse("P-5ML4271244454362WXNWU5NQ").unwrap(),
        custom_id: Some("order-7".to_owned()),
        quantity: Some("2".to_owned()),
        subscriber: NewSubscriber {
            given_name: personal("Ann"),
            surname: personal("Lee"),
            email_address: personal("ann@example.com"),
        },
        application_context: ApplicationContext {
            brand_name: Some("Shop".to_owned()),
            locale: Some("en-GB".to_owned()),
            shipping_preference: Some("NO_SHIPPING".to_owned()),
            user_action: Some("SUBSCRIBE_NOW".to_owned()),
            return_url: "https://shop.example.com/approved".to_owned(),
            cancel_url: "https://shop.example.com/cancelled".to_owned(),
        },
    }
}

/// An invoice with all that it can have.
pub(crate) fn invoice(number: InvoiceNumber, sale: &Sale) -> NewInvoice {
    let text = |text: &str| Some(text.to_owned());
    NewInvoice {
        number,
        reference: sale.id.to_string(),
        currency: sale.amount.currency.clone(),
        note: text("Thank you."),
        terms: text("None."),
        memo: text("Ledger 4711"),
        invoicer: InvoicerInfo {
            business_name: "Shop".to_owned(),
            given_name: text("Sue"),
            surname: text("Shaw"),
            phones: vec![Phone {
                country_code: "44".to_owned(),
                national_number: "2079460000".to_owned(),
                phone_type: "OTHER".to_owned(),
            }],
            email_address: "billing@example.com".to_owned(),
            website: text("https://shop.example.com"),
            tax_id: text("GB123456789"),
            logo_url: text("https://shop.example.com/logo.png"),
            additional_notes: text("Open from 9 to 5."),
            address: Some(PostalAddress {
                address_line_1: "1 High Street".to_owned(),
                address_line_2: text("Suite 2"),
                admin_area_2: "London".to_owned(),
                admin_area_1: text("Greater London"),
                postal_code: text("N1 1AA"),
                country_code: "GB".to_owned(),
            }),
        },
        recipient: Recipient {
            email_address: Some(Personal::new("ann@example.com".to_owned())),
            given_name: Some(Personal::new("Ann".to_owned())),
            surname: Some(Personal::new("Lee".to_owned())),
            language: text("de-DE"),
        },
        additional_recipients: vec!["ledger@example.com".to_owned()],
        items: vec![InvoiceItem {
            name: "Subscription".to_owned(),
            description: text("November"),
            quantity: 1,
            unit_amount: sale.amount.clone(),
            tax: Some(Tax { name: "VAT".to_owned(), percent: "20".to_owned() }),
        }],
    }
}

/// `UPDATE_EXPECT=1` rewrites the list.
#[tokio::test]
async fn requests_are_what_was_read() {
    let mut text = String::new();
    for seen in all_requests().await {
        let _never_fails = writeln!(text, "{} {}", seen.method, seen.target);
        for (name, value) in
            seen.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
        {
            let _never_fails = writeln!(text, "{name}: {value}");
        }
        let body = if seen.body.is_null() { String::new() } else { format!("{:#}\n", seen.body) };
        let _never_fails = writeln!(text, "{body}");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/requests.txt");
    expect_test::expect_file![file].assert_eq(&text);
}

#[tokio::test]
#[ignore = "needs PayPal's OpenAPI documents: PAYPAL_DOCUMENTS=DIR"]
async fn requests_are_valid_by_paypals_own_descriptions() {
    let folder = std::env::var_os("PAYPAL_DOCUMENTS").expect("PAYPAL_DOCUMENTS names the folder of the documents");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = files.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let descriptions: Vec<Value> =
        files.map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()).collect();
    let seen = all_requests().await;
    assert_eq!(seen.len(), 15);
    assert!(descriptions.len() >= 4, "{} documents in {}", descriptions.len(), folder.display());
    for seen in seen.iter().filter(|seen| seen.target != "/v1/oauth2/token") {
        let path = seen.target.split('?').next().unwrap();
        let operation =
            descriptions.iter().find_map(|description| Some((description, operation(description, seen, path)?)));
        let (description, operation) =
            operation.unwrap_or_else(|| panic!("PayPal describes no {} {path}", seen.method));
        let schema = operation.pointer("/requestBody/content/application~1json/schema");
        let Some(schema) = schema else {
            assert!(seen.body.is_null(), "{} {path} takes no body", seen.method);
            continue;
        };
        let whole = json!({ "allOf": [schema], "components": description["components"] });
        let validator = jsonschema::draft4::new(&whole).unwrap();
        let mistakes: Vec<_> =
            validator.iter_errors(&seen.body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(mistakes.is_empty(), "{} {path}: {mistakes:#?}", seen.method);
    }
}

/// The operation of a description that a request is for.
fn operation<'a>(description: &'a Value, seen: &Seen, path: &str) -> Option<&'a Value> {
    let fits = |template: &str| {
        let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(&given).all(|(wanted, given)| wanted == given || wanted.starts_with('{'))
    };
    let paths = description["paths"].as_object()?;
    let exact = paths.get(path).or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item));
    exact?.get(seen.method.to_ascii_lowercase())
}
