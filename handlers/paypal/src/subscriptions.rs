//! Subscriptions.
//!
//! Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions>

use serde::{Deserialize, Serialize};

use crate::{Client, Deadline, Error, Personal, PlanId, RequestId, SubscriptionId, client::Call};

/// How long PayPal takes the fields of a new subscription, in characters.
pub mod limits {
    /// `custom_id`, printable ASCII.
    pub const CUSTOM_ID: usize = 127;
    /// `given_name` and `surname`, each.
    pub const NAME: usize = 140;
    /// `email_address`.
    pub const EMAIL_ADDRESS: usize = 254;
}

/// A new subscription.
#[derive(Clone, Debug, Serialize)]
pub struct CreateSubscription {
    /// What is subscribed to.
    pub plan_id: PlanId,
    /// The caller's own id for it, 1 to 127 printable ASCII characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    /// How many, as text; only for plans that support it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// Who subscribes.
    #[serde(skip_serializing_if = "NewSubscriber::is_empty")]
    pub subscriber: NewSubscriber,
    /// What the buyer sees.
    pub application_context: ApplicationContext,
}

/// Who subscribes, as far as it is known; PayPal asks the buyer for the rest.
#[derive(Clone, Debug)]
pub struct NewSubscriber {
    /// At most 140 characters.
    pub given_name: Option<Personal>,
    /// At most 140 characters.
    pub surname: Option<Personal>,
    /// At most 254 characters.
    pub email_address: Option<Personal>,
}

impl NewSubscriber {
    fn is_empty(&self) -> bool {
        self.given_name.is_none() && self.surname.is_none() && self.email_address.is_none()
    }
}

impl Serialize for NewSubscriber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { given_name, surname, email_address } = self.clone();
        let name = Name { given_name, surname };
        let name = (name.given_name.is_some() || name.surname.is_some()).then_some(name);
        #[derive(Serialize)]
        struct Wire {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<Name>,
            #[serde(skip_serializing_if = "Option::is_none")]
            email_address: Option<Personal>,
        }
        Wire { name, email_address }.serialize(serializer)
    }
}

/// What the buyer sees on PayPal's pages, and where they go afterwards.
#[derive(Clone, Debug, Serialize)]
pub struct ApplicationContext {
    /// 1 to 127 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_name: Option<String>,
    /// Such as `en-GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `GET_FROM_FILE`, `NO_SHIPPING` or `SET_PROVIDED_ADDRESS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_preference: Option<String>,
    /// `CONTINUE` or `SUBSCRIBE_NOW`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_action: Option<String>,
    /// Where the buyer goes after approving.
    pub return_url: String,
    /// Where the buyer goes after cancelling.
    pub cancel_url: String,
}

/// A subscription, as PayPal reports it.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// `APPROVAL_PENDING`, `APPROVED`, `ACTIVE`, `SUSPENDED`, `CANCELLED` or `EXPIRED`.
    #[serde(default)]
    pub status: String,
    /// What is subscribed to.
    #[serde(default)]
    pub plan_id: Option<PlanId>,
    /// The caller's own id for it.
    #[serde(default)]
    pub custom_id: Option<String>,
    /// Who subscribes.
    #[serde(default)]
    pub subscriber: Option<Subscriber>,
    #[serde(default)]
    links: Vec<Link>,
}

/// Who subscribes.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscriber {
    /// Their name.
    #[serde(default)]
    pub name: Name,
    /// Their e-mail address.
    #[serde(default)]
    pub email_address: Option<Personal>,
}

/// A person's name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Name {
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Personal>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<Personal>,
}

#[derive(Clone, Debug, Deserialize)]
struct Link {
    #[serde(default)]
    href: String,
    #[serde(default)]
    rel: String,
}

impl Subscription {
    /// Where the buyer approves a new subscription.
    #[must_use]
    pub fn approval_url(&self) -> Option<&str> {
        let link = self.links.iter().find(|link| link.rel == "approve")?;
        (!link.href.is_empty()).then_some(link.href.as_str())
    }
}

impl Client {
    /// Creates a subscription. With the same `request_id` PayPal answers the same subscription for 72 hours.
    ///
    /// # Errors
    /// When PayPal refuses it, or does not answer.
    pub async fn create_subscription(
        &self,
        request: &CreateSubscription,
        request_id: &RequestId,
        deadline: Deadline,
    ) -> Result<Subscription, Error> {
        let operation = "create subscription";
        let body = serde_json::to_vec(request).map_err(|error| Error::Setup(format!("{operation}: {error}")))?;
        let call = Call::post(operation, "/v1/billing/subscriptions".to_owned(), body).repeatable();
        self.call(&Call { request_id: Some(request_id.clone()), ..call }, deadline).await
    }

    /// A subscription as it is now: the authority for buyer, plan and custom id.
    ///
    /// # Errors
    /// When PayPal does not know it, or does not answer.
    pub async fn subscription(&self, id: &SubscriptionId, deadline: Deadline) -> Result<Subscription, Error> {
        self.call(&Call::get("show subscription", format!("/v1/billing/subscriptions/{id}")), deadline).await
    }
}
