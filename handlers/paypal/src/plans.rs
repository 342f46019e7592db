//! Billing plans.
//!
//! Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#plans>

use serde::Deserialize;

use crate::{Client, Deadline, Error, Money, PlanId, client::Call};

/// The most plans that PayPal puts on a page.
const PAGE_SIZE: usize = 20;
/// More pages than an account's plans should fill; what lies behind is not listed, and that is an error.
const MOST_PAGES: usize = 50;

/// A billing plan.
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// The product that it sells.
    #[serde(default)]
    pub product_id: Option<String>,
    /// Its name, at most 127 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// What it offers, at most 127 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// `CREATED`, `INACTIVE` or `ACTIVE`.
    #[serde(default)]
    pub status: String,
    /// Trials and the regular cycle, each with its price. `None` when PayPal leaves them out.
    #[serde(default)]
    pub billing_cycles: Option<Vec<BillingCycle>>,
    /// Settings for its payments.
    #[serde(default)]
    pub payment_preferences: Option<PaymentPreferences>,
    /// The tax on each payment.
    #[serde(default)]
    pub taxes: Option<Taxes>,
    /// True if a subscription can have a quantity.
    #[serde(default)]
    pub quantity_supported: Option<bool>,
}

/// A billing cycle of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct BillingCycle {
    /// `TRIAL` or `REGULAR`.
    #[serde(default)]
    pub tenure_type: Option<String>,
    /// Its place among the plan's cycles, from 1.
    #[serde(default)]
    pub sequence: Option<u32>,
    /// Number of executions; 0 is without end. PayPal's default is 1.
    #[serde(default = "one")]
    pub total_cycles: u32,
    /// The length of one execution.
    #[serde(default)]
    pub frequency: Option<Frequency>,
    /// The price; a free trial has none.
    #[serde(default)]
    pub pricing_scheme: Option<PricingScheme>,
}

/// The length of one execution of a billing cycle.
#[derive(Clone, Debug, Deserialize)]
pub struct Frequency {
    /// `DAY`, `WEEK`, `MONTH` or `YEAR`.
    pub interval_unit: String,
    /// Number of units. PayPal's default is 1.
    #[serde(default = "one")]
    pub interval_count: u32,
}

fn one() -> u32 {
    1
}

/// The price of one execution of a billing cycle.
#[derive(Clone, Debug, Deserialize)]
pub struct PricingScheme {
    /// The price, where it does not depend on the quantity.
    #[serde(default)]
    pub fixed_price: Option<Money>,
    /// `VOLUME` (one tier's price for all units) or `TIERED` (each unit at its own tier's price), where it does.
    #[serde(default)]
    pub pricing_model: Option<String>,
    /// The prices by quantity; a fixed price has none.
    #[serde(default)]
    pub tiers: Option<Vec<PricingTier>>,
}

/// A price for some quantities.
#[derive(Clone, Debug, Deserialize)]
pub struct PricingTier {
    /// The least quantity.
    pub starting_quantity: String,
    /// The greatest quantity; the last tier has none.
    #[serde(default)]
    pub ending_quantity: Option<String>,
    /// The price.
    pub amount: Money,
}

/// Settings for the payments of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentPreferences {
    /// The fee that is paid once, at the start.
    #[serde(default)]
    pub setup_fee: Option<Money>,
}

/// The tax on each payment of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct Taxes {
    /// The rate, such as `19`.
    pub percentage: String,
    /// True if the prices include it, which is PayPal's default.
    #[serde(default = "yes")]
    pub inclusive: bool,
}

fn yes() -> bool {
    true
}

impl Plan {
    /// Whether it can be subscribed to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    plans: Vec<Plan>,
    #[serde(default)]
    total_pages: Option<usize>,
}

impl Client {
    /// All plans of the account with their prices, page by page.
    ///
    /// Prices come only with `Prefer: return=representation`, as every reading call of this client asks for.
    ///
    /// # Errors
    /// When PayPal does not answer a page, or there are more than a thousand plans.
    pub async fn plans(&self, deadline: Deadline) -> Result<Vec<Plan>, Error> {
        let mut plans = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!("/v1/billing/plans?page_size={PAGE_SIZE}&page={page}&total_required=true");
            let answer: Page = self.call(&Call::get("list plans", path), deadline).await?;
            // Without a total, a full page may have another behind it.
            let last = match answer.total_pages {
                Some(total) => page >= total || answer.plans.is_empty(),
                None => answer.plans.len() < PAGE_SIZE,
            };
            plans.extend(answer.plans);
            if last {
                return Ok(plans);
            }
        }
        let reason = format!("more than {} plans", PAGE_SIZE * MOST_PAGES);
        Err(Error::Unreadable { operation: "list plans", reason, debug_id: None })
    }
}
