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

#[cfg(test)]
mod tests {
    use contract::config::Invoicer;
    use paypal::{Money, NewInvoice, Sale, Subscription};
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use serde_json::{Value as Json, json};

    use super::{draft, number};

    fn drafted(invoicer: Json, id: &str, amount: Json) -> NewInvoice {
        let sale = json!({ "id": id, "state": "completed", "amount": amount, "create_time": "2026-11-02T03:30:00Z" });
        let sale: Sale = serde_json::from_value(sale).unwrap();
        let subscription: Subscription = serde_json::from_value(json!({ "id": "I-BW452GLLEP1G" })).unwrap();
        let invoicer: Invoicer = serde_json::from_value(invoicer).unwrap();
        draft(number(&sale).unwrap(), &sale, &subscription, &invoicer)
    }

    fn plain() -> Json {
        json!({ "business_name": "Shop", "email_address": "billing@example.com" })
    }

    fn amount(total: &str, currency: &str, details: Json) -> Json {
        json!({ "total": total, "currency": currency, "details": details })
    }

    /// The total as PayPal calculates it from the items.
    fn total(invoice: &NewInvoice) -> Decimal {
        let each = invoice.items.iter().map(|item| {
            let Money { value, .. } = &item.unit_amount;
            let percent = item.tax.as_ref().map_or(Decimal::ZERO, |tax| tax.percent.parse().unwrap());
            let digits = if item.unit_amount.has_fraction() { 2 } else { 0 };
            *value + (value * percent / Decimal::ONE_HUNDRED).round_dp(digits)
        });
        each.sum()
    }

    #[test]
    fn invoice_has_what_the_merchants_file_says() {
        let invoicer = json!({
            "business_name": "Shop", "email_address": "billing@example.com",
            "given_name": "Sue", "surname": "Shaw",
            "phones": [{ "country_code": "44", "national_number": "2079460000", "phone_type": "MOBILE" }],
            "note": "Thank you.", "terms": "No returns.", "memo": "Ledger 4711", "item_name": "Gold membership",
            "language": "de-DE", "additional_recipients": ["ledger@example.com"], "tax_name": "USt.",
            "address": { "address_line_1": "1 High Street", "address_line_2": "Suite 2", "admin_area_2": "London",
                "country_code": "GB" },
        });
        let invoice = drafted(invoicer, "1AB", amount("11.90", "EUR", json!({ "subtotal": "10.00", "tax": "1.90" })));
        let own = &invoice.invoicer;
        assert_eq!((own.given_name.as_deref(), own.surname.as_deref()), (Some("Sue"), Some("Shaw")));
        assert_eq!(own.phones[0].phone_type, "MOBILE");
        assert_eq!(own.address.as_ref().unwrap().address_line_2.as_deref(), Some("Suite 2"));
        assert_eq!(invoice.terms.as_deref(), Some("No returns."));
        assert_eq!(invoice.memo.as_deref(), Some("Ledger 4711\nBuyer notification: pending"));
        assert_eq!(invoice.recipient.language.as_deref(), Some("de-DE"));
        assert_eq!(invoice.additional_recipients, ["ledger@example.com"]);
        // The merchant's text and the sentence that keeps the buyer from paying again.
        let note = invoice.note.as_deref().unwrap();
        assert!(note.starts_with("Thank you.\n\n") && note.contains("already made"), "{note}");
        let item = &invoice.items[0];
        assert_eq!((item.name.as_str(), item.unit_amount.amount().as_str()), ("Gold membership", "10.00"));
        let tax = item.tax.as_ref().unwrap();
        assert_eq!((tax.name.as_str(), tax.percent.as_str()), ("USt.", "19"));
        assert!(item.description.as_ref().unwrap().contains("2026-11-02T03:30:00Z"));
    }

    #[test]
    fn tax_is_a_line_of_its_own_whether_the_subtotal_includes_it_or_not() {
        for (all, currency, details, net, percent, items) in [
            ("11.90", "EUR", json!({ "subtotal": "10.00", "tax": "1.90" }), "10.00", Some("19"), 1),
            ("11.90", "EUR", json!({ "subtotal": "11.90", "tax": "1.90" }), "10.00", Some("19"), 1),
            ("16.90", "EUR", json!({ "subtotal": "10.00", "tax": "1.90", "shipping": "5.00" }), "10.00", Some("19"), 2),
            ("1190", "JPY", json!({ "subtotal": "1082", "tax": "108" }), "1082", Some("9.98152"), 1),
            ("10.00", "EUR", json!({ "subtotal": "10.00" }), "10.00", None, 1),
            ("10.00", "EUR", json!({ "subtotal": "10.00", "tax": "0.00" }), "10.00", None, 1),
            ("10.00", "EUR", json!({ "tax": "not a number" }), "10.00", None, 1),
        ] {
            let invoice = drafted(plain(), "1AB", amount(all, currency, details.clone()));
            assert_eq!(invoice.items[0].unit_amount.amount(), net, "{details}");
            assert_eq!(invoice.items[0].tax.as_ref().map(|tax| tax.percent.as_str()), percent, "{details}");
            assert_eq!((invoice.items.len(), total(&invoice)), (items, all.parse().unwrap()), "{details}");
        }
    }

    #[test]
    fn number_is_one_that_paypal_takes_and_the_sales_own() {
        let number = |id: &str| drafted(plain(), id, amount("1.00", "USD", json!({}))).number.to_string();
        assert_eq!(number("80021663DE681814L"), "SUB-80021663DE681814L");
        let long = ["A".repeat(120), "A".repeat(119), "a_b".to_owned(), "a.b".to_owned()].map(|id| number(&id));
        for (at, one) in long.iter().enumerate() {
            assert!(one.starts_with("SUBH-") && one.len() == 25, "{one}");
            assert!(!long[..at].contains(one), "{one}");
        }
    }

    proptest! {
        #[test]
        fn total_of_the_items_is_what_was_paid(net in 1..1_000_000_i64, tax in 0..400_000_i64, rest in 0..5_000_i64,
            inclusive in any::<bool>()) {
            let text = |cents: i64| Decimal::new(cents, 2).to_string();
            let subtotal = if inclusive { net + tax } else { net };
            let details = json!({ "subtotal": text(subtotal), "tax": text(tax), "shipping": text(rest) });
            let invoice = drafted(plain(), "1AB", amount(&text(net + tax + rest), "EUR", details));
            prop_assert_eq!(total(&invoice), Decimal::new(net + tax + rest, 2));
        }
    }
}
