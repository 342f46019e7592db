//! `POST /subscription/create`: creates a subscription, answers with the link where the buyer approves it.
//!
//! - `authorize`: the shop's signature, where the environment file asks for one.

mod authorize;

use contract::config::Checkout;
use jiff::{Timestamp, tz::Offset};
use paypal::{
    Client, CreateSubscription, Deadline, Personal, PlanId, RequestId, Subscription,
    subscriptions::{ApplicationContext, NewSubscriber, limits},
};
use uuid::Uuid;

pub use authorize::ShopKey;

use crate::{
    api::{Create, Created},
    log,
    problem::{Mistake, Problem},
    request::{Answer, Request},
};

/// Subscriptions of one wish that may have ended on one day before a caller must tell its wishes apart itself.
const MAX_ENDED: usize = 5;

/// Creates subscriptions.
pub struct Subscriptions {
    /// Where they are created.
    pub paypal: Client,
    /// What the buyer sees.
    pub checkout: Checkout,
    /// The key that requests must be signed with; `None` where everybody may create subscriptions.
    pub shop: Option<ShopKey>,
}

/// What PayPal's answer to a create call means.
enum Reply<'a> {
    /// The buyer can approve it here.
    Pending(&'a str),
    /// The buyer approved it before.
    Approved,
    /// It was cancelled or has expired.
    Ended,
}

impl Subscriptions {
    /// Creates a subscription, or answers with the one that the same wish created before.
    ///
    /// # Errors
    /// When the request is not valid or not authorized, or PayPal refuses it or does not answer.
    pub async fn create(&self, request: &Request, deadline: Deadline) -> Result<Answer, Problem> {
        let wanted = parse(request)?;
        let mut request_id = request_id(&wanted, request, Timestamp::now())?;
        let create = subscription(&wanted, &self.checkout)?;
        if let Some(key) = &self.shop {
            key.authorize(&wanted, Timestamp::now()).await?;
        }
        for _ in 0..=MAX_ENDED {
            let answered = self.paypal.create_subscription(&create, &request_id, deadline).await.map_err(|error| {
                log::paypal_failed(&error);
                Problem::from_paypal(&error)
            })?;
            match reply(&create, &answered)? {
                Reply::Pending(approval_url) => {
                    tracing::info!(subscription_id = %answered.id, plan_id = %create.plan_id, "subscription created");
                    return Ok(Answer::ok(&Created {
                        approval_url: approval_url.to_owned(),
                        subscription_id: answered.id.to_string(),
                        status: answered.status.clone(),
                    }));
                }
                Reply::Approved => return Err(exists()),
                // Derived from the one that ended: a repeat of this request gets the same new one.
                Reply::Ended => request_id = derived(&("after", request_id.as_str(), answered.id.as_str()))?,
            }
        }
        let detail = "too many subscriptions of this request have ended; send a new Idempotency-Key";
        Err(Problem::new(409, "the subscription exists").detail(detail))
    }
}

/// The subscription itself is not described: whoever repeats a buyer's wish need not be the buyer.
fn exists() -> Problem {
    let detail = "the buyer has approved it; send a new Idempotency-Key for another subscription";
    Problem::new(409, "the subscription exists").detail(detail)
}

/// Reads PayPal's answer, which is to a repeated request the subscription that was created first, as it is now.
///
/// A short answer has no plan and no `custom_id`, and still means the subscription that was asked for.
fn reply<'a>(asked: &CreateSubscription, answered: &'a Subscription) -> Result<Reply<'a>, Problem> {
    let broken = |reason: &'static str| {
        tracing::error!(subscription_id = %answered.id, status = %answered.status, "{reason}");
        Problem::new(502, "PayPal does not work").detail(reason)
    };
    let same_plan = answered.plan_id.as_ref().is_none_or(|plan| *plan == asked.plan_id);
    let same_custom_id = answered.custom_id.is_none() || answered.custom_id == asked.custom_id;
    if !same_plan || !same_custom_id {
        return Err(broken("PayPal returned another subscription than was asked for"));
    }
    match answered.status.as_str() {
        "APPROVED" | "ACTIVE" | "SUSPENDED" => Ok(Reply::Approved),
        "CANCELLED" | "EXPIRED" => Ok(Reply::Ended),
        _ => answered
            .approval_url()
            .map(Reply::Pending)
            .ok_or_else(|| broken("PayPal returned no link where the buyer can approve the subscription")),
    }
}

fn parse(request: &Request) -> Result<Create, Problem> {
    let detail = "send a JSON object with plan_id, and custom_id, given_name, surname, email_address as you have them";
    let unreadable = |place: &str| Problem::new(400, "the body cannot be read").detail(format!("{place}{detail}"));
    let body = request.bytes().ok_or_else(|| unreadable("its base64 is broken: "))?;
    // A list of the values would be read as well, by their order.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(unreadable(""));
    }
    serde_json::from_slice(&body).map_err(|error| {
        // serde names unknown keys and types, never the values of texts; still, nothing of the body is echoed.
        unreadable(&format!("line {}, column {}: ", error.line(), error.column()))
    })
}

/// All that is wrong with the request, or what PayPal is asked for.
fn subscription(wanted: &Create, checkout: &Checkout) -> Result<CreateSubscription, Problem> {
    let mut errors = Vec::new();
    let mut unless = |fine: bool, field: &str, detail: &str| {
        if !fine {
            errors.push(Mistake { pointer: format!("/{field}"), detail: detail.to_owned() });
        }
    };
    let plan_id = PlanId::parse(&wanted.plan_id).ok();
    unless(plan_id.is_some(), "plan_id", "is required: a plan's id as /plans/list has it");
    let Create { custom_id, given_name, surname, email_address, .. } = wanted;
    let printable = |text: &String| text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    let length = |text: &String, most: usize| (1..=most).contains(&text.chars().count());
    let custom_fits = custom_id.as_ref().is_none_or(|text| printable(text) && length(text, limits::CUSTOM_ID));
    unless(custom_fits, "custom_id", "must be 1 to 127 printable ASCII characters");
    let name_fits = |name: &Option<String>| name.as_ref().is_none_or(|text| length(text, limits::NAME));
    unless(name_fits(given_name), "given_name", "must be 1 to 140 characters");
    unless(name_fits(surname), "surname", "must be 1 to 140 characters");
    let email_fits = email_address.as_ref().is_none_or(|text| length(text, limits::EMAIL_ADDRESS) && is_email(text));
    unless(email_fits, "email_address", "must be an e-mail address of at most 254 characters");
    let hex = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    unless(wanted.signature.as_ref().is_none_or(hex), "signature", "must be 64 hexadecimal digits");
    let (Some(plan_id), true) = (plan_id, errors.is_empty()) else {
        return Err(Problem { errors, ..Problem::new(422, "the request has mistakes") });
    };
    Ok(CreateSubscription {
        plan_id,
        custom_id: custom_id.clone(),
        quantity: None,
        subscriber: NewSubscriber {
            given_name: given_name.clone().map(Personal::new),
            surname: surname.clone().map(Personal::new),
            email_address: email_address.clone().map(Personal::new),
        },
        application_context: ApplicationContext {
            brand_name: Some(checkout.brand_name.clone()),
            locale: checkout.locale.clone(),
            shipping_preference: Some("NO_SHIPPING".to_owned()),
            user_action: Some("SUBSCRIBE_NOW".to_owned()),
            return_url: checkout.return_url.clone(),
            cancel_url: checkout.cancel_url.clone(),
        },
    })
}

/// Returns true for what mail can be sent to: words with dots, `@`, and a domain of at least two labels, both within the
/// lengths of PayPal's description. Quoted words and IP addresses are refused, although RFC 5321 has them.
///
/// Source: <https://developer.paypal.com/docs/api/subscriptions/v1/#definition-email_address>
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let letter = |letter: char| letter.is_ascii_alphanumeric() || (!letter.is_ascii() && letter.is_alphanumeric());
    let word = |word: &str| !word.is_empty() && word.chars().all(|at| letter(at) || "!#$%&'*+/=?^_`{|}~-".contains(at));
    let label = |label: &str| {
        (1..=63).contains(&label.chars().count())
            && label.chars().all(|at| letter(at) || at == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.chars().count() <= 64 && name.split('.').all(word) && host.contains('.') && host.split('.').all(label)
}

/// The id by which PayPal knows a repeat for 72 hours.
///
/// It follows from the whole wish. So the same Idempotency-Key of another caller, or with other values, is another request.
/// Without a key, repeats are known by the day and the caller's address, if the wish names a buyer. Wishes that name nobody
/// are never taken for one another.
fn request_id(wanted: &Create, request: &Request, now: Timestamp) -> Result<RequestId, Problem> {
    let Create { plan_id, custom_id, given_name, surname, email_address, .. } = wanted;
    let wish = (plan_id, custom_id, given_name, surname, email_address);
    match request.header("idempotency-key") {
        Some(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            derived(&("key", key, wish))
        }
        Some(_) => {
            let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters, without blanks";
            Err(Problem::new(400, "the request cannot be read").detail(detail))
        }
        None if custom_id.is_some() || email_address.is_some() => {
            let day = Offset::UTC.to_datetime(now).date().to_string();
            derived(&("day", day, request.source_ip(), wish))
        }
        None => id(Uuid::new_v4()),
    }
}

fn derived(from: &impl serde::Serialize) -> Result<RequestId, Problem> {
    let text = serde_json::to_vec(from).map_err(|_| no_id())?;
    id(Uuid::new_v5(&Uuid::NAMESPACE_OID, &text))
}

fn id(uuid: Uuid) -> Result<RequestId, Problem> {
    RequestId::parse(&uuid.to_string()).map_err(|_| no_id())
}

fn no_id() -> Problem {
    Problem::new(500, "could not derive an idempotency key")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn create(custom_id: &str) -> Create {
        serde_json::from_value(json!({ "plan_id": "P-123", "custom_id": custom_id })).unwrap()
    }

    fn from(address: &str, key: Option<&str>) -> Request {
        let headers = key.map(|key| json!({ "idempotency-key": key })).unwrap_or_else(|| json!({}));
        let context = json!({ "http": { "sourceIp": address } });
        serde_json::from_value(json!({ "headers": headers, "requestContext": context })).unwrap()
    }

    #[test]
    fn idempotency_namespace_is_not_shared_between_callers() {
        let now: Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
        let id = |custom: &str, address, key| request_id(&create(custom), &from(address, key), now).unwrap();
        // The same key of another caller, who wants something else.
        assert_ne!(id("buyer-1", "198.51.100.1", Some("1")), id("buyer-2", "198.51.100.1", Some("1")));
        // A repeat from another network, as of a telephone.
        assert_eq!(id("buyer-1", "198.51.100.1", Some("k")), id("buyer-1", "198.51.100.2", Some("k")));
        // Without a key: another caller who knows the buyer's id.
        assert_eq!(id("buyer-1", "198.51.100.1", None), id("buyer-1", "198.51.100.1", None));
        assert_ne!(id("buyer-1", "198.51.100.1", None), id("buyer-1", "198.51.100.2", None));
        let later =
            request_id(&create("buyer-1"), &from("198.51.100.1", None), "2026-11-02T00:00:00Z".parse().unwrap());
        assert_ne!(later.unwrap(), id("buyer-1", "198.51.100.1", None));
    }

    #[test]
    fn body_with_broken_base64_is_refused() {
        let request = json!({ "body": "?", "isBase64Encoded": true });
        let problem = parse(&serde_json::from_value(request).unwrap()).err().unwrap();
        assert!(problem.status == 400 && problem.detail.unwrap().contains("base64"));
    }

    #[test]
    fn email_address_needs_words_and_a_domain() {
        let long = format!("{}@example.com", "a".repeat(64));
        for fine in ["ann@example.com", "a.b+c@mail.example.co.uk", "ännchen@bücher.example", "o'hara@x.ie", &long] {
            assert!(is_email(fine), "{fine}");
        }
        let too_long = format!("{}@example.com", "a".repeat(65));
        for wrong in [
            "",
            "ann",
            "@",
            "ann@",
            "@example.com",
            "ann@example",
            "ann@.com",
            "ann@example.",
            "ann@example..com",
            "ann@-example.com",
            "ann@example-.com",
            "ann..lee@example.com",
            ".ann@example.com",
            "ann.@example.com",
            "ann@lee@example.com",
            "ann lee@example.com",
            "ann@exa mple.com",
            "ann@\"example.com",
            "ann@[127.0.0.1]",
            "ann\u{200b}@example.com",
            "ann\n@example.com",
            "<ann@example.com>",
            &too_long,
        ] {
            assert!(!is_email(wrong), "{wrong:?}");
        }
    }

    proptest! {
        /// PayPal's pattern: `^.+@[^"\-].+$`, at most 64 characters before the `@` and 255 after it.
        #[test]
        fn email_address_that_is_accepted_fits_paypals_pattern(text in "[a-z.@\"\\- é]{0,12}@[a-z.\"\\-@]{0,8}") {
            if is_email(&text) {
                let (name, host) = text.rsplit_once('@').unwrap();
                prop_assert!(!name.is_empty() && name.chars().count() <= 64 && host.chars().count() >= 2);
                prop_assert!(!host.starts_with(['"', '-']) && text.matches('@').count() == 1);
            }
        }
    }
}
