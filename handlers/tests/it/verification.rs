//! The three ways of verification, where they agree and where they do not.

use std::{collections::BTreeMap, time::Duration};

use contract::{config::Verification, event::Envelope};
use handlers::verify::Verdict;
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
    match world.verifier(way, authority).judge(delivery, Deadline::after(Duration::from_secs(20))).await {
        Verdict::Genuine => "genuine",
        Verdict::Forged(reason, _) | Verdict::Undecided(reason, _) => reason,
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
