//! The OpenAPI document, made from the types and compared with `openapi.json`.
//!
//! Source: <https://spec.openapis.org/oas/v3.1.1.html>

use contract::{functions::ALL, trigger::Trigger};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{Create, Created, Plans};
use crate::problem::Problem;

/// The whole document.
fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let plans = generator.subschema_for::<Plans>();
    let create = generator.subschema_for::<Create>();
    let created = generator.subschema_for::<Created>();
    let answers = Answers { problem: generator.subschema_for::<Problem>() };
    let (plans, created, kept) = (json!(plans), json!(created), json!({ "type": "object" }));
    let paths = json!({
        "/plans/list": { "get": {
            "operationId": "listPlans",
            "summary": "Lists the plans that can be subscribed to",
            "responses": answers.of(&plans, "the active plans, at most a minute old", &[]),
        } },
        "/subscription/create": { "post": {
            "operationId": "createSubscription",
            "summary": "Creates a subscription and answers where the buyer approves it",
            "parameters": [{
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Repeats with the same key and the same values get the same subscription for 72 hours, until the buyer approves it. The key counts for these values only: with others it is another request. Without a key, a request that names a buyer (custom_id or email_address) and is repeated from the same address gets the same subscription on the same day (UTC). A subscription that was cancelled or has expired is followed by a new one",
                "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            }],
            "requestBody": { "required": true, "content": { "application/json": { "schema": create } } },
            "responses": answers.of(&created, "the subscription, waiting for its approval", &["400", "403", "409", "413", "422"]),
        } },
        "/webhook/receiver": { "post": {
            "operationId": "receiveWebhook",
            "summary": "Takes PayPal's webhooks",
            "parameters": [
                header("PAYPAL-TRANSMISSION-ID"),
                header("PAYPAL-TRANSMISSION-TIME"),
                header("PAYPAL-TRANSMISSION-SIG"),
                header("PAYPAL-CERT-URL"),
                header("PAYPAL-AUTH-ALGO"),
            ],
            // Any body with the headers is kept: the signature decides, not the shape.
            "requestBody": { "content": { "application/json": { "schema": {} } } },
            "responses": answers.of(&kept, "the webhook is kept", &["400", "413"]),
        } },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "PayPal subscriptions",
            "version": "1",
            "description": "Lists plans, creates subscriptions, takes PayPal's webhooks.",
        },
        "paths": paths,
        "components": { "schemas": schemas(generator.take_definitions(true)) },
    })
}

/// What the types' own attributes cannot say: an empty `plan_id` stands for a missing one so that all mistakes are named at
/// once, and a name has two spellings.
fn schemas(mut schemas: Map<String, Value>) -> Value {
    if let Some(create) = schemas.get_mut("Create") {
        create["required"] = json!(["plan_id"]);
        create["properties"]["give_name"] = create["properties"]["given_name"].clone();
        create["properties"]["give_name"]["deprecated"] = json!(true);
        create["not"] = json!({ "required": ["given_name", "give_name"] });
        for (_, property) in create["properties"].as_object_mut().into_iter().flatten() {
            property.as_object_mut().map(|property| property.remove("default"));
        }
    }
    Value::Object(schemas)
}

fn header(name: &str) -> Value {
    json!({ "name": name, "in": "header", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

struct Answers {
    problem: schemars::Schema,
}

impl Answers {
    /// Success, the caller's mistakes, and what can go wrong behind every operation.
    fn of(&self, success: &Value, description: &str, mistakes: &[&str]) -> Value {
        let content = json!({ "application/json": { "schema": success } });
        let success = json!({ "description": description, "content": content });
        let mut answers = Map::from_iter([("200".to_owned(), success)]);
        for status in mistakes.iter().chain(&["429", "502", "503", "504"]) {
            let content = json!({ "application/problem+json": { "schema": self.problem } });
            let mut answer = json!({ "description": meaning(status), "content": content });
            // API Gateway itself answers these in its own form too.
            if ["413", "429", "503"].contains(status) {
                answer["content"]["application/json"] = json!({ "schema": message() });
            }
            if ["429", "503", "504"].contains(status) {
                answer["headers"] = json!({ "Retry-After": {
                    "description": "After how many seconds another try may help", "schema": { "type": "integer" } } });
            }
            answers.insert((*status).to_owned(), answer);
        }
        for status in ["404", "431", "500"] {
            let content = json!({ "application/json": { "schema": message() } });
            answers.insert(status.to_owned(), json!({ "description": meaning(status), "content": content }));
        }
        Value::Object(answers)
    }
}

/// What API Gateway answers by itself.
fn message() -> Value {
    json!({ "type": "object", "properties": { "message": { "type": "string" } }, "required": ["message"] })
}

fn meaning(status: &str) -> &'static str {
    match status {
        "400" => "the request cannot be read",
        "403" => "the service requires the shop's signature, which is missing, wrong or expired",
        "404" => "there is no such route",
        "409" => {
            "the subscription of this Idempotency-Key, or of the same request on the same day, has its approval already"
        }
        "413" => "the request is too large",
        "422" => "the request has mistakes, all of which are named, or PayPal refuses it",
        "429" => "too many requests",
        "431" => "the request's line and headers are too large",
        "500" => "the service failed",
        "502" => "PayPal does not work with this service",
        "503" => "PayPal is busy, or the webhook cannot be kept now",
        _ => "PayPal does not answer",
    }
}

/// `UPDATE_EXPECT=1` rewrites the document.
#[test]
fn the_document_is_made_from_the_types() {
    let made = format!("{:#}\n", document());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    expect_test::expect_file![file].assert_eq(&made);
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let described: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let routes: Vec<_> = ALL
        .iter()
        .filter_map(|function| match function.trigger {
            Trigger::Http { method, path } => Some(format!("{method} {path}")),
            Trigger::Queue => None,
        })
        .collect();
    assert_eq!(described, routes);
}

#[test]
fn the_schemas_are_those_of_the_types() {
    fn is_described<T: JsonSchema>(document: &Value) -> bool {
        document["components"]["schemas"].get(&*T::schema_name()).is_some()
    }
    let document = document();
    assert!(is_described::<Plans>(&document) && is_described::<Create>(&document));
    assert!(is_described::<Created>(&document) && is_described::<Problem>(&document));
}
