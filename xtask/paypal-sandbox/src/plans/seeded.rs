//! The plans that exist from the start.

use serde_json::{Value, json};

/// The plans that are there from the start: two to subscribe to, one not.
pub(crate) fn seeded() -> Vec<Value> {
    vec![
        plan("P-5ML4271244454362WXNWU5NQ", "Basic", "ACTIVE", "MONTH", "10.00", "USD"),
        plan("P-1GJ4568789604323MXNWU5NQ", "Yearly", "ACTIVE", "YEAR", "25.00", "EUR"),
        plan("P-7GL4271244454362WXKWU5NQ", "Retired", "INACTIVE", "MONTH", "5.00", "USD"),
    ]
}

fn plan(id: &str, name: &str, status: &str, unit: &str, price: &str, currency: &str) -> Value {
    json!({
        "id": id,
        "product_id": "PROD-XXCD1234QWER65782",
        "name": name,
        "status": status,
        "description": format!("{name} plan"),
        "usage_type": "LICENSED",
        "billing_cycles": [{
            "frequency": { "interval_unit": unit, "interval_count": 1 },
            "tenure_type": "REGULAR",
            "sequence": 1,
            "total_cycles": 0,
            "pricing_scheme": { "fixed_price": { "value": price, "currency_code": currency }, "version": 1 },
        }],
        "payment_preferences": { "auto_bill_outstanding": true, "payment_failure_threshold": 3 },
        "quantity_supported": false,
        "create_time": "2026-01-01T00:00:00Z",
        "update_time": "2026-01-01T00:00:00Z",
    })
}
