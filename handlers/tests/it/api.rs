//! What buyers call, against PayPal's sandbox and against responses that PayPal can give.

use std::time::Duration;

use handlers::{plans::PlanList, request::Answer};
use paypal::Deadline;
use serde_json::{Value, json};

use crate::world::{PLAN, World};

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
