//! `POST /subscription/create`: creates a subscription, answers with the link where the buyer approves it.

use contract::functions::SubscriptionCreate;
use handlers::{
    clients, log,
    request::Request,
    subscribe::{ShopKey, Subscriptions},
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init();
    let SubscriptionCreate { paypal_secret, paypal_url, checkout, shop_secret } =
        SubscriptionCreate::read(|name| std::env::var(name).ok())?;
    let aws = clients::aws();
    let shop = match &shop_secret {
        Some(secret) => Some(ShopKey::read(&aws, secret).await?),
        None => None,
    };
    let paypal = clients::paypal(&aws, &paypal_secret, &paypal_url).await?;
    let subscriptions = &Subscriptions { paypal, checkout, shop };
    run(service_fn(move |event: LambdaEvent<Request>| async move {
        let deadline = clients::deadline(&event.context);
        let answer = subscriptions.create(&event.payload, deadline).await;
        Ok::<_, Error>(answer.unwrap_or_else(|problem| problem.answer()))
    }))
    .await
}
