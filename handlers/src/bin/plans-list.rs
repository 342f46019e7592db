//! `GET /plans/list`: PayPal's active billing plans.

use std::time::{Duration, Instant};

use contract::functions::PlansList;
use handlers::{
    api::{Plan, Plans},
    clients, log,
    problem::Problem,
    request::{Answer, Request},
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tokio::sync::Mutex;

/// How long a list is good for: plans change seldom, and PayPal limits how often it is asked.
const GOOD_FOR: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = PlansList::read(|name| std::env::var(name).ok())?;
    let paypal = clients::paypal(&clients::aws(), &settings.paypal_secret, &settings.paypal_url).await?;
    let known: Mutex<Option<(Instant, Plans)>> = Mutex::new(None);
    let (paypal, known) = (&paypal, &known);
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        let deadline = clients::deadline(&event.context);
        Ok::<_, Error>(plans(paypal, known, deadline).await.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}

async fn plans(
    paypal: &paypal::Client,
    known: &Mutex<Option<(Instant, Plans)>>,
    deadline: paypal::Deadline,
) -> Result<Answer, Problem> {
    let mut known = known.lock().await;
    if let Some((_, plans)) = known.as_ref().filter(|(since, _)| since.elapsed() < GOOD_FOR) {
        return Ok(Answer::ok(plans));
    }
    let plans = paypal.plans(deadline).await.map_err(|error| {
        log::paypal_failed(&error);
        Problem::from_paypal(&error)
    })?;
    let active = plans.into_iter().filter(paypal::Plan::is_active).map(|plan| Plan {
        id: plan.id.to_string(),
        product_id: plan.product_id,
        name: plan.name,
        description: plan.description,
        status: "ACTIVE".to_owned(),
    });
    let plans = Plans { plans: active.collect() };
    tracing::info!(count = plans.plans.len(), "plans listed");
    let answer = Answer::ok(&plans);
    *known = Some((Instant::now(), plans));
    Ok(answer)
}
