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
