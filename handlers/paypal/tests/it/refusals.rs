//! Answers that PayPal's API does not describe: of its edge, of the token endpoint, and too many requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing};
use paypal::{Deadline, SaleId};
use serde_json::json;

type Answer = (u16, &'static str, String);

const JSON: &str = "application/json";
const HTML: &str = "text/html";

fn error(name: &str) -> String {
    json!({ "name": name, "message": "No.", "debug_id": "1" }).to_string()
}

/// Asks for a sale of a PayPal that answers so; the error, and how often the sale was asked for.
async fn ask(token: Option<Answer>, sale: Answer, retry_after: Option<&'static str>) -> (paypal::Error, usize) {
    let (client, calls) = client(token, sale, retry_after).await;
    let id = SaleId::parse("1AB23456CD789012E").unwrap();
    let error = client.sale(&id, Deadline::after(Duration::from_secs(20))).await.unwrap_err();
    (error, calls.load(Ordering::SeqCst))
}

async fn client(
    token: Option<Answer>,
    sale: Answer,
    retry_after: Option<&'static str>,
) -> (paypal::Client, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let granted = json!({ "access_token": "token", "expires_in": 32400 }).to_string();
    let token = token.unwrap_or((200, JSON, granted));
    let respond = |(status, kind, body): Answer| {
        let mut headers = vec![("content-type", kind)];
        headers.extend(retry_after.map(|value| ("retry-after", value)));
        let headers: axum::http::HeaderMap =
            headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        (StatusCode::from_u16(status).unwrap(), headers, body)
    };
    let (token, sale) = (respond(token), respond(sale));
    let router =
        Router::new().route("/v1/oauth2/token", routing::post(async move || token)).fallback(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            sale
        });
    (crate::client(router).await, calls)
}

#[tokio::test]
async fn answer_that_says_nothing_about_the_request_is_retryable_and_never_not_found() {
    for (status, kind, body) in [
        (403, JSON, error("NOT_AUTHORIZED")),
        (403, HTML, "<html>".to_owned()),
        (404, HTML, "<html>".to_owned()),
        (404, JSON, String::new()),
        (400, HTML, "<html>".to_owned()),
        (422, HTML, "<html>".to_owned()),
        (302, HTML, String::new()),
        (200, HTML, "<html>".to_owned()),
        (200, JSON, "<html>".to_owned()),
        (500, JSON, error("INTERNAL_SERVER_ERROR")),
    ] {
        let (error, _) = ask(None, (status, kind, body.clone()), None).await;
        assert!(error.retryable(), "{status} {kind}: {error}");
        assert!(!matches!(error.status(), Some(400 | 404 | 422)), "{status} {kind}: {error}");
        assert_eq!(error.is_unavailable(), body != self::error("NOT_AUTHORIZED"), "{status} {kind}: {error}");
    }
    let (error, _) = ask(None, (404, JSON, self::error("INVALID_RESOURCE_ID")), None).await;
    assert!(!error.retryable() && error.status() == Some(404) && !error.is_unavailable());
}

#[tokio::test]
async fn anything_unexpected_from_the_token_endpoint_is_retryable_and_not_about_the_call() {
    let nothing = json!({}).to_string();
    for (status, kind, body) in [
        (400, JSON, json!({ "error": "invalid_request" }).to_string()),
        (401, JSON, json!({ "error": "invalid_client" }).to_string()),
        (403, JSON, error("NOT_AUTHORIZED")),
        (403, HTML, "<html>".to_owned()),
        (404, JSON, error("RESOURCE_NOT_FOUND")),
        (422, JSON, error("UNPROCESSABLE_ENTITY")),
        (429, JSON, error("RATE_LIMIT_REACHED")),
        (200, JSON, nothing),
        (200, HTML, "<html>".to_owned()),
        (302, HTML, String::new()),
        (503, HTML, "<html>".to_owned()),
    ] {
        let (error, calls) = ask(Some((status, kind, body)), (200, JSON, String::new()), None).await;
        assert!(error.retryable() && !error.outcome_unknown(), "{status} {kind}: {error}");
        assert!(!matches!(error.status(), Some(400 | 404 | 409 | 422)), "{status} {kind}: {error}");
        assert_eq!(calls, 0, "{status} {kind}");
    }
}

#[tokio::test]
async fn rate_limit_is_waited_for_as_long_as_paypal_says() {
    // Thirty seconds without `Retry-After`: far longer than a call lasts, and no call is made meanwhile.
    for (retry_after, least) in [(None, 29), (Some("120"), 119)] {
        let (client, calls) = client(None, (429, JSON, error("RATE_LIMIT_REACHED")), retry_after).await;
        let id = SaleId::parse("1AB23456CD789012E").unwrap();
        for _ in 0..3 {
            let error = client.sale(&id, Deadline::after(Duration::from_secs(900))).await.unwrap_err();
            assert!(error.is_rate_limited() && error.retryable(), "{error}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1, "{retry_after:?}");
        assert!(client.rate_limited_for().is_some_and(|wait| wait.as_secs() >= least), "{retry_after:?}");
    }
    let start = std::time::Instant::now();
    let (_, calls) = ask(None, (429, JSON, error("RATE_LIMIT_REACHED")), Some("1")).await;
    assert!(calls == 3 && start.elapsed() >= Duration::from_secs(2), "{calls} calls in {:?}", start.elapsed());
}

/// `total_pages` is optional in PayPal's description of the list.
#[tokio::test]
async fn plan_list_goes_on_after_a_full_page_without_a_total() {
    let plans = |axum::extract::Query(query): axum::extract::Query<std::collections::HashMap<String, String>>| async move {
        let of = |number: usize| json!({ "id": format!("P-{number:03}"), "status": "ACTIVE" });
        let page = query["page"].parse::<usize>().unwrap();
        let plans: Vec<_> = (0..45).skip((page - 1) * 20).take(20).map(of).collect();
        axum::Json(json!({ "plans": plans }))
    };
    let token = || async { axum::Json(json!({ "access_token": "token", "expires_in": 32400 })) };
    let paypal =
        Router::new().route("/v1/oauth2/token", routing::post(token)).route("/v1/billing/plans", routing::get(plans));
    let listed = crate::client(paypal).await.plans(Deadline::after(Duration::from_secs(20))).await.unwrap();
    assert_eq!(listed.len(), 45);
}

/// An error with details of another shape is still PayPal's answer: it is not retried like a page of a proxy.
#[tokio::test]
async fn error_with_unreadable_details_keeps_its_name_and_what_can_be_read() {
    for details in [json!("text"), json!({ "issue": "A" }), json!([null, 1, { "issue": 7 }])] {
        let body = json!({ "name": "UNPROCESSABLE_ENTITY", "details": details, "debug_id": "1" }).to_string();
        let (error, calls) = ask(None, (422, JSON, body), None).await;
        assert_eq!((error.status(), error.debug_id(), error.retryable(), calls), (Some(422), Some("1"), false, 1));
    }
    let details = json!([{ "issue": 7 }, { "issue": "SOME_ISSUE" }]);
    let body = json!({ "name": "UNPROCESSABLE_ENTITY", "details": details }).to_string();
    assert!(ask(None, (422, JSON, body), None).await.0.has_issue("SOME_ISSUE"));
}
