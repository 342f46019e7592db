//! The three ways of verification, where they agree and where they do not.

use std::{collections::BTreeMap, time::Duration};

use contract::{
    config::Verification,
    event::{Attempts, Envelope, Queued},
};
use handlers::{
    batch::Record,
    verify::{Checker, Verdict},
};
use paypal::Deadline;
use serde_json::json;

use crate::{
    schedules::envelope,
    world::{Fault, World},
};

const ALL: [Verification; 3] = [Verification::Offline, Verification::Postback, Verification::OfflineThenPostback];

/// A genuine delivery.
async fn genuine(world: &World) -> Envelope {
    let wanted = json!({ "event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "deliver": false });
    let made = world.control("events", Some(wanted)).await;
    envelope(made["body"].as_str().unwrap(), &made["headers"])
}

async fn judged(world: &World, way: Verification, authority: &str, delivery: &Envelope) -> &'static str {
    reason(world.verifier(way, authority).verify(delivery, Deadline::after(Duration::from_secs(20))).await)
}

fn reason(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "genuine",
        Verdict::Invalid(reason, _) => reason,
        Verdict::Indeterminate(why) => why.reason,
    }
}

#[tokio::test]
async fn genuine_and_altered_deliveries_are_told_apart_in_every_way() {
    let world = World::new(7).await;
    let delivery = genuine(&world).await;
    let mut altered = delivery.clone();
    altered.body = String::from_utf8(altered.body).unwrap().replacen("ACTIVE", "active", 1).into_bytes();
    assert!(altered != delivery);
    for way in ALL {
        assert_eq!(judged(&world, way, paypal_sandbox::AUTHORITY, &delivery).await, "genuine", "{way:?}");
        let reason = judged(&world, way, paypal_sandbox::AUTHORITY, &altered).await;
        assert!(["wrong_signature", "postback_failure"].contains(&reason), "{way:?}: {reason}");
    }
}

/// As when PayPal's certificates come from another authority than before.
#[tokio::test]
async fn what_cannot_be_told_here_paypal_is_asked_about_where_that_is_wanted() {
    let world = World::new(8).await;
    let delivery = genuine(&world).await;
    for (way, wanted) in [
        (Verification::Offline, "unknown_authority"),
        (Verification::Postback, "genuine"),
        (Verification::OfflineThenPostback, "genuine"),
    ] {
        assert_eq!(judged(&world, way, "digicert", &delivery).await, wanted, "{way:?}");
    }
    // Under a foreign authority PayPal says no, and only PayPal can.
    let body = String::from_utf8(delivery.body.clone()).unwrap();
    let foreign = world.control("forge", Some(json!({ "body": body }))).await;
    let foreign = envelope(&body, &foreign["headers"]);
    for (way, wanted) in [
        (Verification::Offline, "unknown_authority"),
        (Verification::Postback, "postback_failure"),
        (Verification::OfflineThenPostback, "postback_failure"),
    ] {
        assert_eq!(judged(&world, way, "digicert", &foreign).await, wanted, "{way:?}");
    }
}

#[tokio::test]
async fn an_outage_is_never_a_verdict() {
    let world = World::new(9).await;
    let delivery = genuine(&world).await;
    for status in [429, 500, 503, 401, 403] {
        for way in ALL {
            let calls = world.script().calls;
            world.script().faults = (1..50).map(|at| (calls + at, Fault::Refused(status))).collect::<BTreeMap<_, _>>();
            let reason = judged(&world, way, paypal_sandbox::AUTHORITY, &delivery).await;
            assert!(
                ["certificate_unavailable", "postback_unavailable"].contains(&reason),
                "{way:?} {status}: {reason}"
            );
        }
    }
}

/// PayPal may change the name, chain or host of its certificates without notice.
#[tokio::test]
async fn rotated_certificates_are_invalid_only_where_paypal_is_not_asked() {
    let world = World::new(10).await;
    let delivery = genuine(&world).await;
    let mut moved = delivery.clone();
    moved.headers.cert_url = "https://certs.paypal.com/v2/CERT-1".to_owned();
    for (names, delivery, offline) in [
        (vec!["messageverificationcerts.example.com".to_owned()], &delivery, "wrong_certificate_name"),
        (vec!["messageverificationcerts.sandbox.paypal.com".to_owned()], &moved, "wrong_certificate_address"),
    ] {
        for way in ALL {
            let mut trust = world.trust(way, paypal_sandbox::AUTHORITY);
            trust.certificate_names.clone_from(&names);
            let verifier = world.verifier_with(&trust);
            world.script().answers =
                vec![(POSTBACK, 200, "application/json", json!({ "verification_status": "SUCCESS" }).to_string())];
            let said = reason(verifier.verify(delivery, Deadline::after(Duration::from_secs(20))).await);
            let wanted = if way == Verification::Offline { offline } else { "genuine" };
            assert_eq!(said, wanted, "{way:?}");
        }
    }
    // A host that is not PayPal's is not asked about.
    moved.headers.cert_url = "https://paypal.com.evil.example/v1/notifications/certs/CERT-1".to_owned();
    let said = judged(&world, Verification::OfflineThenPostback, paypal_sandbox::AUTHORITY, &moved).await;
    assert_eq!(said, "wrong_certificate_address");
}

const POSTBACK: &str = "/v1/notifications/verify-webhook-signature";
const WEBHOOK: &str = "/v1/notifications/webhooks/";

fn refusal(name: &str, field: Option<&str>, issue: &str, description: &str) -> String {
    let mut detail = json!({ "issue": issue, "description": description });
    if let Some(field) = field {
        detail["field"] = json!(field);
    }
    json!({ "name": name, "message": "No.", "debug_id": "1", "details": [detail] }).to_string()
}

#[tokio::test]
async fn refusal_of_a_postback_is_the_senders_or_ours_by_what_it_is_about() {
    let world = World::new(11).await;
    let delivery = genuine(&world).await;
    let plain = |name: &str| json!({ "name": name, "message": "No.", "debug_id": "1" }).to_string();
    let json = "application/json";
    for (status, body, webhook, wanted) in [
        (
            400,
            refusal("VALIDATION_ERROR", Some("/transmission_sig"), "INVALID_STRING_MAX_LENGTH", "x"),
            200,
            "postback_refused",
        ),
        (400, refusal("VALIDATION_ERROR", Some("cert_url"), "INVALID", "x"), 404, "postback_refused"),
        (422, refusal("UNPROCESSABLE_ENTITY", Some("/transmission_time"), "INVALID", "x"), 200, "postback_refused"),
        (400, plain("VALIDATION_ERROR"), 200, "postback_refused"),
        (404, refusal("RESOURCE_NOT_FOUND", Some("/cert_url"), "INVALID_RESOURCE_ID", "x"), 404, "postback_refused"),
        (400, refusal("VALIDATION_ERROR", Some("/webhook_id"), "INVALID", "x"), 200, "webhook_unknown"),
        (422, refusal("UNPROCESSABLE_ENTITY", None, "INVALID_WEBHOOK_ID", "x"), 200, "webhook_unknown"),
        (422, refusal("UNPROCESSABLE_ENTITY", None, "INVALID", "The webhook ID is not known."), 200, "webhook_unknown"),
        // It does not say what was not found; whether PayPal knows the webhook decides.
        (404, plain("RESOURCE_NOT_FOUND"), 404, "webhook_unknown"),
        (404, plain("RESOURCE_NOT_FOUND"), 200, "postback_refused"),
        (404, plain("RESOURCE_NOT_FOUND"), 503, "postback_unavailable"),
        (401, plain("AUTHENTICATION_FAILURE"), 200, "postback_unavailable"),
        (403, plain("NOT_AUTHORIZED"), 200, "postback_unavailable"),
        (400, "<html>".to_owned(), 200, "postback_unavailable"),
        (404, "<html>".to_owned(), 404, "postback_unavailable"),
        (200, json!({ "verification_status": "LATER" }).to_string(), 200, "postback_unavailable"),
        (200, "<html>".to_owned(), 200, "postback_unavailable"),
    ] {
        let kind = if body.starts_with('<') { "text/html" } else { json };
        world.script().answers = vec![(POSTBACK, status, kind, body.clone()), (WEBHOOK, webhook, json, plain("X"))];
        let said = judged(&world, Verification::Postback, paypal_sandbox::AUTHORITY, &delivery).await;
        assert_eq!(said, wanted, "{status} {body}");
    }
}

#[tokio::test]
async fn headers_that_paypal_refuses_unseen_are_not_posted_back() {
    let world = World::new(12).await;
    let mut delivery = genuine(&world).await;
    delivery.headers.transmission_id = "1234567".to_owned();
    world.script().paths.clear();
    assert_eq!(judged(&world, Verification::Postback, paypal_sandbox::AUTHORITY, &delivery).await, "wrong_headers");
    assert_eq!(world.script().paths, Vec::<String>::new());
}

/// Sends a message through the checker.
async fn check(world: &World, checker: &Checker, body: String) {
    let record = Record {
        message_id: "m".to_owned(),
        receipt_handle: "r".to_owned(),
        body,
        attributes: std::collections::HashMap::new(),
    };
    let _world = world;
    assert_eq!(checker.check(record, Deadline::after(Duration::from_secs(20))).await, Ok(()));
}

#[tokio::test]
async fn flood_of_forged_webhooks_does_not_become_a_flood_of_postbacks_and_keeps_no_genuine_one_waiting() {
    let world = World::new(13).await;
    let genuine = genuine(&world).await;
    let checker = world.checker_with(&world.trust(Verification::OfflineThenPostback, paypal_sandbox::AUTHORITY));
    let start = std::time::Instant::now();
    for number in 0..500 {
        let mut forged = genuine.clone();
        // Half of them name a certificate that does not exist; again and again the same few.
        forged.headers.cert_url = format!("{}/v1/notifications/certs/CERT-{}", world.paypal(), number % 20);
        check(&world, &checker, serde_json::to_string(&forged).unwrap()).await;
    }
    let took = start.elapsed().as_secs() + 1;
    check(&world, &checker, serde_json::to_string(&genuine).unwrap()).await;
    let script = world.script();
    let asked = |start: &str| script.paths.iter().filter(|path| path.starts_with(start)).count() as u64;
    assert!(asked(POSTBACK) <= 10 * (took + 1), "{} postbacks in {took} s", asked(POSTBACK));
    assert!(asked("/v1/notifications/certs/") <= 21, "{}", asked("/v1/notifications/certs/"));
    assert_eq!(script.verified.len(), 1, "the genuine one is verified at once");
    assert_eq!(script.rejected_to.len() + script.delayed.len(), 500);
    assert!(script.rejected_to.iter().all(|(queue, _)| queue == "forged"), "{:?}", script.rejected_to);
    // What was not tried has not failed.
    assert!(script.delayed.iter().all(|(body, delay)| !body.contains("attempts") && *delay > 0));
}

#[tokio::test]
async fn delivery_that_cannot_be_verified_is_delayed_as_a_new_message_and_given_up_by_its_own_tries() {
    let world = World::new(14).await;
    let delivery = genuine(&world).await;
    let mut trust = world.trust(Verification::Offline, "digicert");
    trust.webhook_id = "W".to_owned();
    let mut checker = world.checker_with(&trust);
    let mut body = serde_json::to_string(&delivery).unwrap();
    checker.retry.longest_seconds = 2000;
    checker.retry.first_seconds = 1000;
    for (tries, delay, rest) in [(1, 900, 100), (1, 100, 0), (2, 900, 1100), (2, 900, 200), (2, 200, 0), (3, 900, 1100)]
    {
        check(&world, &checker, body).await;
        let (sent, seconds) = std::mem::take(&mut world.script().delayed).remove(0);
        let queued: Queued = serde_json::from_str(&sent).unwrap();
        assert_eq!((queued.attempts.unwrap().count, seconds, queued.wait_seconds), (tries, delay, rest));
        body = sent;
    }
    assert!(world.script().rejected.is_empty());
    // Five tries, the first of them two days ago.
    let first_at = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(48)).to_string();
    let tried = |count| Queued {
        envelope: delivery.clone(),
        attempts: Some(Attempts { count, first_at: first_at.clone() }),
        wait_seconds: 0,
    };
    check(&world, &checker, serde_json::to_string(&tried(3)).unwrap()).await;
    assert!(world.script().rejected.is_empty());
    check(&world, &checker, serde_json::to_string(&tried(4)).unwrap()).await;
    assert_eq!(world.script().rejected_to, [("errors".to_owned(), "unknown_authority".to_owned())]);
}

#[tokio::test]
async fn forged_webhooks_are_kept_apart_from_failures() {
    let world = World::new(15).await;
    let mut forged = genuine(&world).await;
    forged.body.push(b' ');
    check(&world, &world.checker, serde_json::to_string(&forged).unwrap()).await;
    check(&world, &world.checker, "not a delivery".to_owned()).await;
    let wanted = [("forged", "wrong_signature"), ("errors", "unreadable")];
    assert_eq!(world.script().rejected_to, wanted.map(|(queue, reason)| (queue.to_owned(), reason.to_owned())));
}
