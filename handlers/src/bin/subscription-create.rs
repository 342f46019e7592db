//! `POST /subscription/create`: creates a subscription, answers with the link where the buyer approves it.

use contract::{config::Checkout, functions::SubscriptionCreate};
use handlers::{
    api::{Create, Created},
    clients, log,
    problem::{Mistake, Problem},
    request::{Answer, Request},
};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use paypal::{
    CreateSubscription, Deadline, Personal, PlanId, RequestId,
    subscriptions::{ApplicationContext, NewSubscriber, limits},
};
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = SubscriptionCreate::read(|name| std::env::var(name).ok())?;
    let paypal = &clients::paypal(&clients::aws(), &settings.paypal_secret, &settings.paypal_url).await?;
    let checkout = &settings.checkout;
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        let deadline = clients::deadline(&event.context);
        let answer = create(&event.payload, paypal, checkout, deadline).await;
        Ok::<_, Error>(answer.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}

async fn create(
    request: &Request,
    paypal: &paypal::Client,
    checkout: &Checkout,
    deadline: Deadline,
) -> Result<Answer, Problem> {
    let wanted = parse(request)?;
    let request_id = request_id(&wanted, request.header("idempotency-key"))?;
    let create = subscription(wanted, checkout)?;
    let created = paypal.create_subscription(&create, &request_id, deadline).await.map_err(|error| {
        log::paypal_failed(&error);
        Problem::from_paypal(&error)
    })?;
    if let Some(problem) = another(&create, &created) {
        return Err(problem);
    }
    let Some(approval_url) = created.approval_url() else {
        tracing::error!(subscription_id = %created.id, "PayPal gave no approval link");
        return Err(Problem::new(502, "PayPal does not work").detail("it gave no link where the buyer could approve"));
    };
    tracing::info!(subscription_id = %created.id, plan_id = %create.plan_id, "subscription created");
    let status = created.status.to_string();
    Ok(Answer::ok(&Created { approval_url: approval_url.to_owned(), subscription_id: created.id.to_string(), status }))
}

/// PayPal answers a repeated key with the subscription that was made first, as it is now: that may be another one than was
/// asked for, or one that has no approval to give any more.
fn another(asked: &CreateSubscription, answered: &paypal::Subscription) -> Option<Problem> {
    let same_plan = answered.plan_id.as_ref().is_none_or(|plan| *plan == asked.plan_id);
    if !same_plan || answered.custom_id != asked.custom_id {
        let detail = "the Idempotency-Key was used for another subscription; use a new one";
        return Some(Problem::new(422, "the request has mistakes").detail(detail));
    }
    (answered.approval_url().is_none() && answered.status != "APPROVAL_PENDING").then(|| {
        let detail = format!("{} is {} already; use a new Idempotency-Key for another", answered.id, answered.status);
        Problem::new(409, "the subscription exists").detail(detail)
    })
}

fn parse(request: &Request) -> Result<Create, Problem> {
    let detail = "send a JSON object with plan_id, and custom_id, given_name, surname, email_address as you have them";
    let unreadable = |place: &str| Problem::new(400, "the body cannot be read").detail(format!("{place}{detail}"));
    let body = request.bytes().unwrap_or_default();
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
fn subscription(wanted: Create, checkout: &Checkout) -> Result<CreateSubscription, Problem> {
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
    unless(name_fits(&given_name), "given_name", "must be 1 to 140 characters");
    unless(name_fits(&surname), "surname", "must be 1 to 140 characters");
    let email_fits = email_address.as_ref().is_none_or(|text| length(text, limits::EMAIL_ADDRESS) && is_email(text));
    unless(email_fits, "email_address", "must be an e-mail address of at most 254 characters");
    let (Some(plan_id), true) = (plan_id, errors.is_empty()) else {
        return Err(Problem { errors, ..Problem::new(422, "the request has mistakes") });
    };
    Ok(CreateSubscription {
        plan_id,
        custom_id,
        quantity: None,
        subscriber: NewSubscriber {
            given_name: given_name.map(Personal::new),
            surname: surname.map(Personal::new),
            email_address: email_address.map(Personal::new),
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

/// One `@` with something before it and a dotted name behind it; PayPal has the last word.
fn is_email(text: &str) -> bool {
    let plain = text.chars().all(|letter| !letter.is_whitespace() && !letter.is_control());
    let parts = text.rsplit_once('@');
    plain
        && parts
            .is_some_and(|(name, host)| !name.is_empty() && !name.contains('@') && host.len() > 2 && host.contains('.'))
}

/// By what PayPal knows a repeat for 72 hours: the caller's key, or, of a caller that says who the buyer is, the same wish
/// on the same day. Wishes that name nobody are never taken for one another.
fn request_id(wanted: &Create, key: Option<&str>) -> Result<RequestId, Problem> {
    let named = wanted.custom_id.is_some() || wanted.email_address.is_some();
    let id = match key {
        Some(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes())
        }
        Some(_) => {
            let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters, without blanks";
            return Err(Problem::new(400, "the request cannot be read").detail(detail));
        }
        None if named => {
            let day = Timestamp::now().to_string().get(..10).unwrap_or_default().to_owned();
            let wish = serde_json::to_string(&(wanted, day)).unwrap_or_default();
            Uuid::new_v5(&Uuid::NAMESPACE_OID, wish.as_bytes())
        }
        None => Uuid::new_v4(),
    };
    RequestId::parse(&id.to_string()).map_err(|_| Problem::new(500, "the request cannot be told from others"))
}
