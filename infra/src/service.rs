//! The architecture, top to bottom.
//!
//! ```text
//! buyer  -> GET  /plans/list          -> plans-list          -> PayPal
//! buyer  -> POST /subscription/create -> subscription-create -> PayPal
//! PayPal -> POST /webhook/receiver    -> webhook-receiver    -> received
//!
//! received -> unverified -> webhook-verify -> verified.fifo -> webhook-process -> PayPal invoice
//!                ^              |    \-> forged, errors               \       \-> finished
//!                \-- later -----/                                      \-> errors.fifo
//! ```

use contract::{
    event::queue,
    functions::{PlansList, SubscriptionCreate, WebhookProcess, WebhookReceiver, WebhookVerify},
};

use crate::{environment::CreateAuthorization, wiring::Service};

/// What a message to a topic may measure, in bytes, unless the topic says otherwise. The narrowest pipe on an event's way.
///
/// Source: <https://docs.aws.amazon.com/general/latest/gr/sns.html>
const SNS_MESSAGE_BYTES: usize = 262_144;

pub(crate) fn draw(service: &mut Service<'_>) {
    let environment = service.environment;
    let (queues, paypal) = (&environment.queues, &environment.paypal);

    // Where every event ends.
    let finished = &service.topic("finished");
    let forged = &service.forged_queue(queue::FORGED);
    let errors = &service.error_queue("errors");
    let errors_fifo = &service.error_queue("errors.fifo");

    // Where it waits on the way.
    let received = &service.topic("received");
    let unverified = &service.queue(queue::UNVERIFIED, &queues.unverified, errors);
    let verified = &service.queue("verified.fifo", &queues.verified, errors_fifo);
    service.subscribe(received, unverified, errors);

    // What buyers call.
    let secret = &service.secret("paypal", r#"PayPal's {"client_id": "...", "client_secret": "..."}"#);
    let api = &service.http_api();
    let plans_list = service.function(PlansList { paypal_secret: secret.into(), paypal_url: (&paypal.url).into() });
    service.route(api, &plans_list);
    let shop_secret = match environment.api.subscription_create {
        CreateAuthorization::Anyone => None,
        CreateAuthorization::ShopSignature => Some(service.generated_secret(
            "shop",
            r#"The shop's {"signing_key": "..."} for requests that create subscriptions"#,
            "signing_key",
        )),
    };
    let subscription_create = service.function(SubscriptionCreate {
        paypal_secret: secret.into(),
        paypal_url: (&paypal.url).into(),
        checkout: (&environment.checkout).into(),
        shop_secret: (&shop_secret).into(),
    });
    service.route(api, &subscription_create);

    // What PayPal calls, and what becomes of it.
    let webhook_receiver =
        service.function(WebhookReceiver { received: received.into(), message_bytes: (&SNS_MESSAGE_BYTES).into() });
    service.route(api, &webhook_receiver);
    let webhook_verify = service.function(WebhookVerify {
        unverified: unverified.into(),
        verified: verified.into(),
        forged: forged.into(),
        errors: errors.into(),
        trust: (&paypal.webhook).into(),
        retry: (&environment.retry).into(),
        paypal_secret: secret.into(),
        paypal_url: (&paypal.url).into(),
    });
    service.feed(unverified, &queues.unverified, &webhook_verify);
    // An event that cannot be verified yet goes back to its own queue, with a delay.
    service.stack.allow_recursion(&webhook_verify.handle);
    let webhook_process = service.function(WebhookProcess {
        verified: verified.into(),
        finished: finished.into(),
        errors: errors_fifo.into(),
        invoicer: (&environment.invoicer).into(),
        personal_data: (&environment.personal_data).into(),
        retry: (&environment.retry).into(),
        paypal_secret: secret.into(),
        paypal_url: (&paypal.url).into(),
    });
    service.feed(verified, &queues.verified, &webhook_process);

    // What others connect to.
    service.stack.output("FinishedTopicArn", "every event with its outcome; subscribe here", finished.arn());
    service.stack.output("ForgedQueueUrl", "webhooks that are not PayPal's, with the reason", forged.url());
    service.stack.output("ErrorsQueueUrl", "events that could not be verified, with the reason", errors.url());
    service.stack.output(
        "ErrorsFifoQueueUrl",
        "events that could not be processed, with the reason",
        errors_fifo.url(),
    );
    service.stack.output("PaypalSecretArn", "holds PayPal's client id and secret once they are set", secret.arn());
    if let Some(shop) = &shop_secret {
        service.stack.output("ShopSecretArn", "holds the key that the shop signs requests with", shop.arn());
    }
}
