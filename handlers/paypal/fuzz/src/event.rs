//! Any event and any money in it: read or refused.

use paypal::events::Event;

/// Runs the target on one input and returns what came of it.
pub(super) fn run(data: &[u8]) -> String {
    let event = match Event::parse(data) {
        Ok(event) => event,
        Err(error) => return format!("refused: {error}"),
    };
    let ids = (event.resource_id(), event.sale_ids().len(), event.labels());
    let sale = match event.sale() {
        Ok(sale) => format!("sale of {:?}, subscription {:?}", sale.amount, sale.subscription_id()),
        Err(error) => format!("no sale: {error}"),
    };
    let (resource, sales, labels) = ids;
    let labels = (labels.plan_id, labels.custom_id);
    format!("{:?} of {resource:?}, {sales} sale ids, plan and custom id {labels:?}; {sale}", event.kind())
}
