//! What stands on the invoice.

use contract::config::Invoicer;
use paypal::{
    Money, NewInvoice, Sale, Subscription,
    invoicing::{InvoiceItem, InvoiceNumber, InvoicerInfo, Phone, PostalAddress, Recipient, Tax},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::notice;

/// The sentence that keeps the buyer from paying again. PayPal documents that the note of *send* is not used, so it stands
/// in the invoice's own note.
const ALREADY_PAID: &str = "This payment was already made by your subscription. Nothing is left to pay.";

/// The greatest number of digits after the point of a tax rate.
const PERCENT_DIGITS: u32 = 5;

/// The number of the one invoice that a sale may have: `SUB-` and the sale's id where that is a number that PayPal takes,
/// and otherwise a number derived from the id.
///
/// # Errors
/// Never for a sale's id; the number's own rule is checked all the same.
pub fn number(sale: &Sale) -> Result<InvoiceNumber, paypal::InvalidId> {
    InvoiceNumber::parse(&format!("SUB-{}", sale.id)).or_else(|_| {
        let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, sale.id.as_str().as_bytes()).simple().to_string();
        let hash: String = hash.chars().take(20).collect();
        InvoiceNumber::parse(&format!("SUBH-{}", hash.to_ascii_uppercase()))
    })
}

/// The invoice for a sale: the amount that was paid, with its tax where the sale has one, for the buyer of the subscription.
///
/// It has no date, so that PayPal dates it by its own day. PayPal's documents disagree whether a date is UTC's or the
/// account's; one that is in the future for the account would have the invoice scheduled, which cannot be marked as paid.
/// The moment of the payment stands in the item's description.
#[must_use]
pub fn draft(number: InvoiceNumber, sale: &Sale, subscription: &Subscription, invoicer: &Invoicer) -> NewInvoice {
    let subscriber = subscription.subscriber.as_ref();
    let already_paid = invoicer.already_paid_note.as_deref().unwrap_or(ALREADY_PAID);
    let note = match &invoicer.note {
        Some(note) => format!("{note}\n\n{already_paid}"),
        None => already_paid.to_owned(),
    };
    let phones = invoicer.phones.iter().map(|phone| Phone {
        country_code: phone.country_code.clone(),
        national_number: phone.national_number.clone(),
        phone_type: phone.phone_type.as_str().to_owned(),
    });
    NewInvoice {
        number,
        reference: sale.id.to_string(),
        currency: sale.amount.currency.clone(),
        note: Some(note),
        terms: invoicer.terms.clone(),
        memo: Some(notice::pending(invoicer.memo.as_deref())),
        invoicer: InvoicerInfo {
            business_name: invoicer.business_name.clone(),
            given_name: invoicer.given_name.clone(),
            surname: invoicer.surname.clone(),
            phones: phones.collect(),
            email_address: invoicer.email_address.clone(),
            website: invoicer.website.clone(),
            tax_id: invoicer.tax_id.clone(),
            logo_url: invoicer.logo_url.clone(),
            additional_notes: invoicer.additional_notes.clone(),
            address: invoicer.address.as_ref().map(|address| PostalAddress {
                address_line_1: address.address_line_1.clone(),
                address_line_2: address.address_line_2.clone(),
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
            language: invoicer.language.clone(),
        },
        additional_recipients: invoicer.additional_recipients.clone(),
        items: items(sale, subscription, invoicer),
    }
}

/// One item for the subscription; a second one for shipping, where the sale has some. Their sum with the tax is what was
/// paid.
fn items(sale: &Sale, subscription: &Subscription, invoicer: &Invoicer) -> Vec<InvoiceItem> {
    let money = |value| Money { value, currency: sale.amount.currency.clone() };
    let time = if sale.create_time.is_empty() { String::new() } else { format!(", {}", sale.create_time) };
    let mut subscribed = InvoiceItem {
        name: invoicer.item_name.clone().unwrap_or_else(|| "Subscription".to_owned()),
        description: Some(format!("Subscription {}, payment {}{time}", subscription.id, sale.id)),
        quantity: 1,
        unit_amount: sale.amount.clone(),
        tax: None,
    };
    let Some(Breakdown { net, percent, rest }) = breakdown(sale) else { return vec![subscribed] };
    subscribed.unit_amount = money(net);
    let name = invoicer.tax_name.clone().unwrap_or_else(|| "Tax".to_owned());
    subscribed.tax = Some(Tax { name, percent: percent.to_string() });
    let shipping = InvoiceItem {
        name: "Shipping and handling".to_owned(),
        description: None,
        quantity: 1,
        unit_amount: money(rest),
        tax: None,
    };
    if rest.is_zero() { vec![subscribed] } else { vec![subscribed, shipping] }
}

/// A sale's total, taken apart.
struct Breakdown {
    /// What is taxed.
    net: Decimal,
    /// The rate by which PayPal comes to the sale's tax.
    percent: Decimal,
    /// What is neither net nor tax.
    rest: Decimal,
}

/// The sale's net and tax, where PayPal's own calculation with a rate of five decimals comes to the same total. PayPal
/// counts a subtotal with or without an inclusive tax; where subtotal and tax are more than the total, it is with it.
fn breakdown(sale: &Sale) -> Option<Breakdown> {
    let total = sale.amount.value;
    let tax = sale.tax.filter(|tax| *tax > Decimal::ZERO && *tax < total)?;
    let exclusive = sale.subtotal.filter(|subtotal| *subtotal > Decimal::ZERO && *subtotal + tax <= total);
    let net = exclusive.unwrap_or(total - tax);
    let percent = (tax.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(net)?).round_dp(PERCENT_DIGITS).normalize();
    let calculated = net.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
    // Whichever way PayPal rounds, a tenth of the smallest unit away comes to the same.
    let smallest = Decimal::new(1, if sale.amount.has_fraction() { 2 } else { 0 });
    let exact = (calculated - tax).abs() * Decimal::TEN < smallest;
    (exact && percent <= Decimal::ONE_HUNDRED).then(|| Breakdown { net, percent, rest: total - tax - net })
}
