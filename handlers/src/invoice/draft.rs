//! What stands on the invoice.

use contract::config::Invoicer;
use paypal::{
    Money, NewInvoice, Sale, Subscription,
    invoicing::{InvoiceItem, InvoiceNumber, InvoicerInfo, PostalAddress, Recipient},
};

/// The invoice for a sale: one item, the amount that was paid, the buyer of the subscription.
#[must_use]
pub fn draft(
    number: InvoiceNumber,
    sale: &Sale,
    subscription: &Subscription,
    invoicer: &Invoicer,
    amount: &Money,
) -> NewInvoice {
    let subscriber = subscription.subscriber.as_ref();
    NewInvoice {
        number,
        reference: sale.id.to_string(),
        // The sale's own day: a later one could be tomorrow where the account is, and the invoice would be scheduled.
        date: sale.date(),
        currency: amount.currency.clone(),
        note: invoicer.note.clone(),
        terms: None,
        invoicer: InvoicerInfo {
            business_name: invoicer.business_name.clone(),
            email_address: invoicer.email_address.clone(),
            website: invoicer.website.clone(),
            tax_id: invoicer.tax_id.clone(),
            logo_url: invoicer.logo_url.clone(),
            additional_notes: None,
            address: invoicer.address.as_ref().map(|address| PostalAddress {
                address_line_1: address.address_line_1.clone(),
                admin_area_2: address.admin_area_2.clone(),
                admin_area_1: address.admin_area_1.clone(),
                postal_code: address.postal_code.clone(),
                country_code: address.country_code.clone(),
            }),
        },
        recipient: Recipient {
            email_address: subscriber.and_then(|subscriber| subscriber.email_address.clone()),
            given_name: subscriber.and_then(|subscriber| subscriber.name.given_name.clone()),
            surname: subscriber.and_then(|subscriber| subscriber.name.surname.clone()),
        },
        items: vec![InvoiceItem {
            name: "Subscription".to_owned(),
            description: Some(format!("Subscription {}, payment {}", subscription.id, sale.id)),
            quantity: 1,
            unit_amount: amount.clone(),
        }],
    }
}
