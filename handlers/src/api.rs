//! What is sent to the API and what it answers: the shapes from which `openapi.json` is made.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod openapi;

/// The answer of `GET /plans/list`.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Plans {
    /// The plans that can be subscribed to.
    pub plans: Vec<Plan>,
}

/// A plan that can be subscribed to.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Plan {
    /// PayPal's id of the plan.
    pub id: String,
    /// PayPal's id of the product that it sells.
    pub product_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it offers.
    pub description: Option<String>,
    /// Always `ACTIVE`.
    pub status: String,
    /// Trials and the regular cycle, each with its price, in PayPal's shape. `null` when PayPal leaves them out.
    pub billing_cycles: Option<Vec<BillingCycle>>,
    /// Settings for its payments. `null` when PayPal leaves them out.
    pub payment_preferences: Option<PaymentPreferences>,
    /// The tax on each payment; `null` for a plan without tax.
    pub taxes: Option<Taxes>,
    /// True if a subscription can have a quantity; `null` when PayPal leaves it out.
    pub quantity_supported: Option<bool>,
}

/// A billing cycle of a plan.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillingCycle {
    /// `TRIAL` or `REGULAR`.
    pub tenure_type: Option<String>,
    /// Its place among the plan's cycles, from 1.
    pub sequence: Option<u32>,
    /// Number of executions; 0 is without end.
    pub total_cycles: u32,
    /// The length of one execution.
    pub frequency: Option<Frequency>,
    /// The price of one execution; `null` for a free trial.
    pub pricing_scheme: Option<PricingScheme>,
}

/// The length of one execution of a billing cycle.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Frequency {
    /// `DAY`, `WEEK`, `MONTH` or `YEAR`.
    pub interval_unit: String,
    /// Number of units.
    pub interval_count: u32,
}

/// The price of one execution of a billing cycle.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PricingScheme {
    /// The price, where it does not depend on the quantity.
    pub fixed_price: Option<Price>,
    /// `VOLUME` (one tier's price for all units) or `TIERED` (each unit at its own tier's price), where it does.
    pub pricing_model: Option<String>,
    /// The prices by quantity; `null` for a fixed price.
    pub tiers: Option<Vec<PricingTier>>,
}

/// A price for some quantities.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PricingTier {
    /// The least quantity.
    pub starting_quantity: String,
    /// The greatest quantity; the last tier has none.
    pub ending_quantity: Option<String>,
    /// The price.
    pub amount: Price,
}

/// Settings for the payments of a plan.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PaymentPreferences {
    /// The fee that is paid once, at the start; `null` for a plan without.
    pub setup_fee: Option<Price>,
}

/// The tax on each payment of a plan.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Taxes {
    /// The rate, such as `19`.
    pub percentage: String,
    /// True if the prices include it.
    pub inclusive: bool,
}

/// An amount of money.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Price {
    /// Three letters, as in ISO 4217.
    pub currency_code: String,
    /// The amount, such as `10.00`.
    pub value: String,
}

impl From<paypal::Money> for Price {
    fn from(money: paypal::Money) -> Self {
        Self { currency_code: money.currency.as_str().to_owned(), value: money.amount() }
    }
}

impl From<paypal::Plan> for Plan {
    fn from(plan: paypal::Plan) -> Self {
        let cycles = |cycles: Vec<_>| cycles.into_iter().map(BillingCycle::from).collect();
        Self {
            id: plan.id.to_string(),
            product_id: plan.product_id,
            name: plan.name,
            description: plan.description,
            status: plan.status,
            billing_cycles: plan.billing_cycles.map(cycles),
            payment_preferences: plan
                .payment_preferences
                .map(|preferences| PaymentPreferences { setup_fee: preferences.setup_fee.map(Price::from) }),
            taxes: plan.taxes.map(|taxes| Taxes { percentage: taxes.percentage, inclusive: taxes.inclusive }),
            quantity_supported: plan.quantity_supported,
        }
    }
}

impl From<paypal::plans::BillingCycle> for BillingCycle {
    fn from(cycle: paypal::plans::BillingCycle) -> Self {
        let tier = |tier: paypal::plans::PricingTier| PricingTier {
            starting_quantity: tier.starting_quantity,
            ending_quantity: tier.ending_quantity,
            amount: tier.amount.into(),
        };
        Self {
            tenure_type: cycle.tenure_type,
            sequence: cycle.sequence,
            total_cycles: cycle.total_cycles,
            frequency: cycle.frequency.map(|frequency| Frequency {
                interval_unit: frequency.interval_unit,
                interval_count: frequency.interval_count,
            }),
            pricing_scheme: cycle.pricing_scheme.map(|scheme| PricingScheme {
                fixed_price: scheme.fixed_price.map(Price::from),
                pricing_model: scheme.pricing_model,
                tiers: scheme.tiers.map(|tiers| tiers.into_iter().map(tier).collect()),
            }),
        }
    }
}

/// The body of `POST /subscription/create`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Create {
    /// A plan's id, as `/plans/list` has it.
    #[cfg_attr(test, schemars(length(min = 3, max = 50), regex(pattern = "^[A-Za-z0-9-]+$")))]
    #[serde(default)]
    pub plan_id: String,
    /// The caller's own id for the subscription, printable ASCII.
    #[cfg_attr(test, schemars(length(min = 1, max = 127), regex(pattern = "^[ -~]+$")))]
    #[serde(default)]
    pub custom_id: Option<String>,
    /// The buyer's first name; `give_name` is how the service that came before this one spelled it.
    #[cfg_attr(test, schemars(length(min = 1, max = 140)))]
    #[serde(default, alias = "give_name")]
    pub given_name: Option<String>,
    /// The buyer's last name.
    #[cfg_attr(test, schemars(length(min = 1, max = 140)))]
    #[serde(default)]
    pub surname: Option<String>,
    /// The buyer's e-mail address.
    #[cfg_attr(test, schemars(length(min = 1, max = 254), email))]
    #[serde(default)]
    pub email_address: Option<String>,
    /// End of the signature's validity, in seconds since 1970 (UTC). Required with `signature`.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// The shop's HMAC-SHA256 over `plan_id`, `custom_id` and `expires_at`, joined by line feeds, as hexadecimal digits.
    /// Required where the service is deployed with `subscription_create: shop-signature`; ignored elsewhere.
    #[cfg_attr(test, schemars(length(equal = 64), regex(pattern = "^[0-9A-Fa-f]+$")))]
    #[serde(default)]
    pub signature: Option<String>,
}

/// The answer of `POST /subscription/create`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Created {
    /// Where the buyer approves the subscription.
    pub approval_url: String,
    /// PayPal's id of the subscription.
    pub subscription_id: String,
    /// PayPal's word for where it stands, `APPROVAL_PENDING` as a rule.
    pub status: String,
}
