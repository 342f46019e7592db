//! `GET /plans/list`: PayPal's active billing plans.

use contract::functions::PlansList;
use handlers::{clients, log, plans::PlanList, request::Request};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let settings = PlansList::read(|name| std::env::var(name).ok())?;
    let list = &PlanList::new(clients::paypal(&clients::aws(), &settings.paypal_secret, &settings.paypal_url).await?);
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        let deadline = clients::deadline(&event.context);
        Ok::<_, Error>(list.answer(deadline).await.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}
