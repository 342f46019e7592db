//! Billing plans.
//!
//! Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#plans>

use serde::Deserialize;

use crate::{Client, Deadline, Error, PlanId, client::Call};

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
    /// All plans of the account, page by page.
    ///
    /// # Errors
    /// When PayPal does not answer a page, or there are more than a thousand plans.
    pub async fn plans(&self, deadline: Deadline) -> Result<Vec<Plan>, Error> {
        let mut plans = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!("/v1/billing/plans?page_size={PAGE_SIZE}&page={page}&total_required=true");
            let answer: Page = self.call(&Call::get("list plans", path), deadline).await?;
            let last = answer.total_pages.is_none_or(|total| page >= total) || answer.plans.is_empty();
            plans.extend(answer.plans);
            if last {
                return Ok(plans);
            }
        }
        let reason = format!("more than {} plans", PAGE_SIZE * MOST_PAGES);
        Err(Error::Unreadable { operation: "list plans", reason, debug_id: None })
    }
}
