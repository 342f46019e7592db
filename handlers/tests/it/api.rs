//! What buyers call, against PayPal's sandbox and against responses that PayPal can give.

use std::time::Duration;

use contract::config::Checkout;
use handlers::{
    plans::PlanList,
    request::{Answer, Request},
    subscribe::{ShopKey, Subscriptions},
};
use paypal::Deadline;
use serde_json::{Value, json};

use crate::world::{PLAN, World, aws_config};

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

async fn plans(world: &World) -> Vec<Value> {
    let answer = PlanList::new(world.processor.paypal.clone()).answer(deadline()).await.unwrap();
    body(&answer)["plans"].as_array().unwrap().clone()
}

/// Every field of PayPal's schema that the buyer's price depends on.
#[tokio::test]
async fn plan_list_shows_price_trial_fee_tax_and_quantity() {
    let world = World::new(1).await;
    let money = |value: &str| json!({ "currency_code": "EUR", "value": value });
    let cycles = json!([
        { "tenure_type": "TRIAL", "sequence": 1, "total_cycles": 2,
            "frequency": { "interval_unit": "WEEK", "interval_count": 1 }, "pricing_scheme": null },
        { "tenure_type": "REGULAR", "sequence": 2, "total_cycles": 0,
            "frequency": { "interval_unit": "MONTH", "interval_count": 3 },
            "pricing_scheme": { "fixed_price": null, "pricing_model": "TIERED", "tiers": [
                { "starting_quantity": "1", "ending_quantity": "9", "amount": money("10.00") },
                { "starting_quantity": "10", "ending_quantity": null, "amount": money("8.50") },
            ] } },
    ]);
    let wanted = json!({
        "id": "P-TIERS", "product_id": "PROD-1", "name": "Seats", "description": "By the seat", "status": "ACTIVE",
        "billing_cycles": cycles, "payment_preferences": { "setup_fee": money("5.00") },
        "taxes": { "percentage": "19", "inclusive": false }, "quantity_supported": true,
    });
    world.control("plans", Some(wanted.clone())).await;
    let plans = plans(&world).await;
    let of = |id: &str| plans.iter().find(|plan| plan["id"] == id).unwrap();
    assert_eq!(*of("P-TIERS"), wanted);
    // The sandbox's own, of a fixed price.
    let basic = of(PLAN);
    let cycle = &basic["billing_cycles"][0];
    assert_eq!(cycle["pricing_scheme"]["fixed_price"], json!({ "currency_code": "USD", "value": "10.00" }), "{basic}");
    assert_eq!(cycle["frequency"], json!({ "interval_unit": "MONTH", "interval_count": 1 }), "{basic}");
    assert_eq!((&basic["taxes"], &basic["quantity_supported"]), (&Value::Null, &json!(false)));
    world.end().await;
}

#[tokio::test]
async fn plan_list_reads_every_page() {
    let world = World::new(2).await;
    for number in 0..45 {
        world.control("plans", Some(json!({ "id": format!("P-{number:03}"), "status": "ACTIVE" }))).await;
    }
    let plans = plans(&world).await;
    // Two of the sandbox's own are active.
    assert_eq!(plans.len(), 47);
    assert!(plans.iter().all(|plan| plan["id"] != "P-7GL4271244454362WXKWU5NQ"));
    world.end().await;
}

fn subscriptions(world: &World) -> Subscriptions {
    let checkout = Checkout {
        brand_name: "Shop".to_owned(),
        locale: None,
        return_url: "https://shop.example.com/approved".to_owned(),
        cancel_url: "https://shop.example.com/cancelled".to_owned(),
    };
    Subscriptions { paypal: world.processor.paypal.clone(), checkout, shop: None }
}

/// The status and body of `POST /subscription/create`.
async fn create(world: &World, key: Option<&str>, custom_id: &str) -> (u16, Value) {
    let headers = key.map_or_else(|| json!({}), |key| json!({ "idempotency-key": key }));
    let wanted = json!({ "plan_id": PLAN, "custom_id": custom_id }).to_string();
    let request: Request = serde_json::from_value(json!({ "headers": headers, "body": wanted })).unwrap();
    let answer = subscriptions(world).create(&request, deadline()).await.unwrap_or_else(|problem| problem.answer());
    (answer.status_code, body(&answer))
}

async fn change(world: &World, created: &Value, change: &str) {
    let id = created["subscription_id"].as_str().unwrap();
    world.control(&format!("subscriptions/{id}/{change}"), Some(json!({}))).await;
}

#[tokio::test]
async fn same_wish_gets_the_same_subscription_until_it_is_approved_and_a_new_one_after_its_end() {
    let world = World::new(3).await;
    for key in [None, Some("key-1")] {
        let (status, first) = create(&world, key, "buyer-1").await;
        assert_eq!(status, 200, "{first}");
        assert_eq!(create(&world, key, "buyer-1").await, (200, first.clone()));
        change(&world, &first, "approve").await;
        let (status, problem) = create(&world, key, "buyer-1").await;
        assert_eq!((status, &problem["title"]), (409, &json!("the subscription exists")));
        // Whoever repeats the wish need not be the buyer.
        let id = first["subscription_id"].as_str().unwrap();
        assert!(!problem.to_string().contains(id) && !problem.to_string().contains("ACTIVE"), "{problem}");

        change(&world, &first, "cancel").await;
        let (status, second) = create(&world, key, "buyer-1").await;
        assert_eq!(status, 200, "{second}");
        assert_ne!(second["subscription_id"], first["subscription_id"]);
        assert_eq!(create(&world, key, "buyer-1").await, (200, second.clone()));
        // And after its end another one.
        change(&world, &second, "approve").await;
        change(&world, &second, "cancel").await;
        let (status, third) = create(&world, key, "buyer-1").await;
        assert!(status == 200 && third["subscription_id"] != second["subscription_id"], "{third}");
    }
    world.end().await;
}

#[tokio::test]
async fn idempotency_key_of_one_caller_says_nothing_about_another() {
    let world = World::new(4).await;
    let (_, first) = create(&world, Some("1"), "buyer-1").await;
    let (status, second) = create(&world, Some("1"), "buyer-2").await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["subscription_id"], first["subscription_id"]);
    world.end().await;
}

/// Answers of PayPal's without `custom_id` and plan are known from public reports.
#[tokio::test]
async fn created_subscription_is_accepted_without_custom_id_and_refused_without_approval_link() {
    let world = World::new(5).await;
    let answers = |body: Value| {
        world.script().answers = vec![("/v1/billing/subscriptions", 201, "application/json", body.to_string())]
    };
    let link = json!([{ "rel": "approve", "href": "https://www.paypal.com/a?ba_token=BA-1", "method": "GET" }]);
    answers(json!({ "id": "I-AAA", "status": "APPROVAL_PENDING", "links": link }));
    for key in [None, Some("key-1")] {
        let (status, created) = create(&world, key, "buyer-1").await;
        assert_eq!((status, &created["subscription_id"]), (200, &json!("I-AAA")), "{created}");
    }
    let answered = [
        (json!({ "id": "I-AAA", "status": "APPROVAL_PENDING", "links": [] }), "no link"),
        (
            json!({ "id": "I-AAA", "status": "APPROVAL_PENDING", "links": [{ "rel": "approve", "href": "" }] }),
            "no link",
        ),
        (json!({ "id": "I-AAA", "links": [] }), "no link"),
        (
            json!({ "id": "I-AAA", "status": "APPROVAL_PENDING", "custom_id": "buyer-2", "links": link }),
            "another subscription",
        ),
        (
            json!({ "id": "I-AAA", "status": "APPROVAL_PENDING", "plan_id": "P-2", "links": link }),
            "another subscription",
        ),
    ];
    for (answered, detail) in answered {
        answers(answered.clone());
        for key in [None, Some("key-1")] {
            let (status, problem) = create(&world, key, "buyer-1").await;
            assert_eq!(status, 502, "{answered}: {problem}");
            let said = problem["detail"].as_str().unwrap();
            assert!(said.contains(detail) && !said.contains("Idempotency-Key"), "{answered}: {problem}");
        }
    }
    world.end().await;
}

/// PayPal that answers the same ended subscription to whatever is asked is not asked for ever.
#[tokio::test]
async fn subscription_that_always_has_ended_is_a_conflict() {
    let world = World::new(6).await;
    let body = json!({ "id": "I-AAA", "status": "CANCELLED", "links": [] }).to_string();
    world.script().answers = vec![("/v1/billing/subscriptions", 200, "application/json", body)];
    let (status, problem) = create(&world, None, "buyer-1").await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(world.script().paths.iter().filter(|path| path.starts_with("/v1/billing/subscriptions")).count(), 6);
    world.end().await;
}

#[tokio::test]
async fn invalid_email_address_is_refused_before_paypal_is_called() {
    let world = World::new(7).await;
    for wrong in ["ann@-example.com", "ann@example..com", "ann..lee@example.com", "ann@.com."] {
        let wanted = json!({ "plan_id": PLAN, "email_address": wrong }).to_string();
        let request: Request = serde_json::from_value(json!({ "body": wanted })).unwrap();
        let problem = subscriptions(&world).create(&request, deadline()).await.unwrap_err();
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/email_address"), "{wrong}");
    }
    assert_eq!(world.script().paths, Vec::<String>::new());
    world.end().await;
}

/// Secrets Manager with one secret; where it listens.
async fn secrets_manager(secret: &'static str) -> String {
    let answer = move || async move {
        let body = json!({ "ARN": "arn", "Name": "shop", "SecretString": secret }).to_string();
        ([("content-type", "application/x-amz-json-1.1")], body)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    url
}

#[tokio::test]
async fn subscription_is_created_with_the_shops_signature_only() {
    let world = World::new(8).await;
    let settings = |name: &str| match name {
        "SHOP_SECRET" | "PAYPAL_SECRET" => Some("arn:aws:secretsmanager:eu-west-1:000000000000:secret:shop".to_owned()),
        "CHECKOUT" => {
            Some(json!({ "brand_name": "S", "return_url": "https://a", "cancel_url": "https://b" }).to_string())
        }
        _ => Some("http://127.0.0.1:1".to_owned()),
    };
    let settings = contract::functions::SubscriptionCreate::read(settings).unwrap();
    let arn = settings.shop_secret.unwrap();
    // Another secret in its place shows at start.
    let wrong = secrets_manager(r#"{"client_id":"a","client_secret":"b"}"#).await;
    assert!(ShopKey::read(&aws_config(&wrong), &arn).await.is_err());

    let aws = aws_config(&secrets_manager(r#"{"signing_key":"0123456789abcdef0123456789abcdef"}"#).await);
    let subscriptions = Subscriptions { shop: Some(ShopKey::read(&aws, &arn).await.unwrap()), ..subscriptions(&world) };
    let create = async |wanted: Value| {
        let request: Request = serde_json::from_value(json!({ "body": wanted.to_string() })).unwrap();
        let answer = subscriptions.create(&request, deadline()).await.unwrap_or_else(|problem| problem.answer());
        (answer.status_code, body(&answer))
    };
    // Signed with openssl for buyer-1, until the year 2286.
    let signature = "7ae12c8480e353611339be90a761f154dbf05f857750dfe77b5b8dbd489fd4d4";
    let signed = |custom_id: &str| json!({ "plan_id": PLAN, "custom_id": custom_id, "expires_at": 9_999_999_999_i64, "signature": signature });
    let late = json!({ "plan_id": PLAN, "custom_id": "buyer-1", "expires_at": 1, "signature": "6f97a0b000cc7e9c31a04253267af3c973f0e5b23d3e235398565c3d64a390e8" });
    for refused in [json!({ "plan_id": PLAN, "custom_id": "buyer-1" }), signed("buyer-2"), late] {
        let (status, problem) = create(refused.clone()).await;
        assert_eq!((status, &problem["title"]), (403, &json!("the request is not authorized")), "{refused}");
    }
    assert_eq!(world.script().paths, Vec::<String>::new());
    let (status, created) = create(signed("buyer-1")).await;
    assert_eq!(status, 200, "{created}");
    world.end().await;
}
