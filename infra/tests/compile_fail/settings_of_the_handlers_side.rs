//! The stack fills its own side of the contract, not the handler's.

use contract::functions::WebhookReceiver;
use infra::wiring::Service;

fn wrong(service: &mut Service<'_>, settings: WebhookReceiver) {
    service.function(settings);
}

fn main() {}
