//! Events without the buyer's personal data.
//!
//! What is kept is listed, so that a member that PayPal adds one day is removed until somebody reads about it.

use serde_json::{Value as Json, error::Category};

/// Members of events that hold no personal data: ids, states, times, amounts, and what contains these.
const KEPT: &[&str] = &[
    // the event
    "id",
    "event_type",
    "event_version",
    "resource_type",
    "resource_version",
    "resource",
    "create_time",
    "links",
    "href",
    "rel",
    "method",
    // states and times
    "state",
    "status",
    "status_update_time",
    "update_time",
    "start_time",
    "time",
    "reason_code",
    "reason",
    "clearing_time",
    "payment_mode",
    "payment_hold_status",
    "payment_hold_reasons",
    "payment_hold_reason",
    "protection_eligibility",
    "protection_eligibility_type",
    "auto_renewal",
    // ids
    "billing_agreement_id",
    "sale_id",
    "parent_payment",
    "plan_id",
    "custom_id",
    "custom",
    "invoice_number",
    "refund_id",
    "dispute_id",
    "seller_transaction_id",
    "transaction_id",
    // amounts
    "amount",
    "total",
    "currency",
    "value",
    "currency_code",
    "details",
    "subtotal",
    "tax",
    "shipping",
    "handling_fee",
    "insurance",
    "shipping_discount",
    "transaction_fee",
    "receivable_amount",
    "exchange_rate",
    "refund_from_transaction_fee",
    "refund_from_received_amount",
    "total_refunded_amount",
    "refund_to_payer",
    "shipping_amount",
    "quantity",
    "dispute_amount",
    "gross_amount",
    "amount_refunded",
    // billing
    "billing_info",
    "outstanding_balance",
    "cycle_executions",
    "tenure_type",
    "sequence",
    "cycles_completed",
    "cycles_remaining",
    "total_cycles",
    "current_pricing_scheme_version",
    "last_payment",
    "next_billing_time",
    "final_payment_time",
    "failed_payments_count",
    "last_failed_payment",
    "next_payment_retry_time",
    "plan_overridden",
    // disputes
    "disputed_transactions",
    "transaction_status",
    "dispute_state",
    "dispute_life_cycle_stage",
    "dispute_channel",
    "dispute_outcome",
    "outcome_code",
    "seller_response_due_date",
];

/// The event with nothing in it that is not known to be free of personal data. Events about plans and products have none.
///
/// # Errors
/// When the event is not JSON, which it was before.
pub fn removed(event: &[u8]) -> Result<Vec<u8>, Category> {
    let event: Json = serde_json::from_slice(event).map_err(|error| error.classify())?;
    let event_type = event.get("event_type").and_then(Json::as_str);
    let of_a_buyer = !event_type.is_some_and(|event_type| {
        event_type.starts_with("BILLING.PLAN.") || event_type.starts_with("CATALOG.PRODUCT.")
    });
    let event = if of_a_buyer { kept(event) } else { event };
    serde_json::to_vec(&event).map_err(|error| error.classify())
}

fn kept(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
            Json::Object(kept.map(|(name, value)| (name, self::kept(value))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(kept).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::removed;

    fn without(event: &Json) -> Json {
        serde_json::from_slice(&removed(event.to_string().as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn event_without_personal_data_keeps_ids_states_and_amounts() {
        let canary = "canary@example.com";
        let person = json!({ "given_name": canary, "surname": canary });
        let event = json!({
            "id": "WH-1", "event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "summary": canary,
            "resource": {
                "id": "I-1", "status": "ACTIVE", "plan_id": "P-1", "custom_id": "order-7",
                "subscriber": { "name": person, "email_address": canary, "payer_id": canary,
                    "shipping_address": { "name": { "full_name": canary }, "address": { "address_line_1": canary } } },
                "billing_info": { "last_payment": { "amount": { "currency_code": "USD", "value": "1.00" }, "payer": canary } },
                "buyer": { "email": canary, "name": canary },
                "messages": [{ "posted_by": "BUYER", "content": canary }],
                "note_to_payer": canary, "some_new_member": { "id": canary },
            },
        });
        let kept = json!({
            "id": "WH-1", "event_type": "BILLING.SUBSCRIPTION.ACTIVATED",
            "resource": {
                "id": "I-1", "status": "ACTIVE", "plan_id": "P-1", "custom_id": "order-7",
                "billing_info": { "last_payment": { "amount": { "currency_code": "USD", "value": "1.00" } } },
            },
        });
        assert_eq!(without(&event), kept);
    }

    #[test]
    fn event_about_a_plan_is_kept_as_it_is() {
        let event =
            json!({ "id": "WH-1", "event_type": "BILLING.PLAN.CREATED", "resource": { "name": "Gold", "x": 1 } });
        assert_eq!(without(&event), event);
    }
}
