//! Settings with a shape of their own: written in the environment file, read by the handler.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a message waits between tries, and when it is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The wait after the first failed try, in seconds; each further wait is twice as long.
    pub first_seconds: u32,
    /// The longest wait, in seconds; at most 43,200, which is as long as SQS hides a message.
    pub longest_seconds: u32,
    /// Time after its first failed try when an event is given up, in seconds. Five tries must have failed by then, too.
    pub give_up_after_seconds: u32,
}

/// The least number of failed tries before an event is given up: one that only waited, because its function could not run,
/// is not given up for that.
const LEAST_TRIES: u32 = 5;

/// The longest wait of a message whose result AWS did not take, in seconds. Such waits use up receives of the queue.
const LONGEST_REDELIVERY: u32 = 300;

impl Retry {
    /// The wait before the next try, in seconds, after `tries` failed ones.
    #[must_use]
    pub fn wait_seconds(&self, tries: u32) -> u32 {
        let doublings = tries.saturating_sub(1).min(31);
        self.first_seconds.saturating_mul(1 << doublings).min(self.longest_seconds)
    }

    /// The same, or longer where PayPal asks for it.
    #[must_use]
    pub fn wait_at_least(&self, tries: u32, least: Option<Duration>) -> u32 {
        // Rounded up: at that second it is not too early.
        let least = least.map_or(0, |least| u32::try_from(least.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        self.wait_seconds(tries).max(least)
    }

    /// The wait after AWS did not take the result of the work, in seconds.
    #[must_use]
    pub fn redelivery_seconds(&self, receives: u32) -> u32 {
        self.wait_seconds(receives).min(LONGEST_REDELIVERY)
    }

    /// Returns true if an event is given up after `tries` failed tries, the first of them `since_first_seconds` ago.
    #[must_use]
    pub fn gives_up(&self, tries: u32, since_first_seconds: i64) -> bool {
        tries >= LEAST_TRIES && since_first_seconds > i64::from(self.give_up_after_seconds)
    }
}

/// How a webhook's signature is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// Here, with PayPal's certificate.
    Offline,
    /// By PayPal's `verify-webhook-signature`.
    Postback,
    /// Here, and by PayPal where that cannot decide.
    OfflineThenPostback,
}

/// Which webhooks are believed.
///
/// Source: <https://developer.paypal.com/api/rest/webhooks/rest/>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookTrust {
    /// The id of the webhook at PayPal, which is part of what is signed.
    pub webhook_id: String,
    /// How signatures are checked.
    pub verification: Verification,
    /// The names that a signing certificate may bear.
    pub certificate_names: Vec<String>,
    /// Where a signing certificate may be fetched from: scheme and host, as `https://api.paypal.com`.
    pub certificate_origins: Vec<String>,
    /// Who may have issued it: `digicert` for PayPal's, or a certificate as PEM.
    pub certificate_authorities: Vec<String>,
}

/// What a buyer sees, and where they go after PayPal's approval page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// The name on PayPal's pages, 1 to 127 characters.
    pub brand_name: String,
    /// The language of PayPal's pages, such as `en-GB`; the buyer's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Where the buyer goes after approving.
    pub return_url: String,
    /// Where the buyer goes after cancelling.
    pub cancel_url: String,
}

/// Who sends the invoices, and what stands on them.
///
/// Source: <https://developer.paypal.com/docs/api/invoicing/v2/#definition-invoicer_info>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Invoicer {
    /// At most 300 characters.
    pub business_name: String,
    /// The first name of the person who sends them, at most 140 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The last name of that person, at most 140 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// An address of the PayPal account that the service uses.
    pub email_address: String,
    /// Phone numbers of the business.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// At most 2048 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// At most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// At most 2000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// Other information about the business, such as its hours, at most 400 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_notes: Option<String>,
    /// Printed on the invoice, at most 3500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Printed below the note: that the invoice is paid already, at most 400 characters. An English sentence without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already_paid_note: Option<String>,
    /// Terms and conditions, at most 4000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// A memo that buyers do not see, at most 400 characters. The service adds whether the buyer was notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// The name of the invoice's item, at most 200 characters. `Subscription` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_name: Option<String>,
    /// The name of the tax, where a sale has one, at most 100 characters. `Tax` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_name: Option<String>,
    /// The language of PayPal's e-mail to buyers without an account, such as `de-DE`. The account's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// E-mail addresses that get a copy of what the buyer gets, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_recipients: Vec<String>,
    /// Where the business is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A phone number.
///
/// Source: <https://developer.paypal.com/docs/api/invoicing/v2/#definition-phone_detail>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Phone {
    /// 1 to 3 digits, such as `49`.
    pub country_code: String,
    /// 1 to 14 digits.
    pub national_number: String,
    /// The type that PayPal shows.
    #[serde(default)]
    pub phone_type: PhoneType,
}

/// The type of a phone number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhoneType {
    /// A fax machine.
    Fax,
    /// A home.
    Home,
    /// A mobile phone.
    Mobile,
    /// Any other.
    #[default]
    Other,
    /// A pager.
    Pager,
}

impl PhoneType {
    /// PayPal's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fax => "FAX",
            Self::Home => "HOME",
            Self::Mobile => "MOBILE",
            Self::Other => "OTHER",
            Self::Pager => "PAGER",
        }
    }
}

/// Whether events on `finished` hold the buyer's personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PersonalData {
    /// The event is passed on byte for byte.
    #[default]
    Include,
    /// Names, addresses, phone numbers, payer ids and messages are removed from the event.
    Remove,
}

/// A postal address.
///
/// Source: <https://developer.paypal.com/docs/api/invoicing/v2/#definition-address_portable>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number.
    pub address_line_1: String,
    /// Suite or apartment, at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_line_2: Option<String>,
    /// The city.
    pub admin_area_2: String,
    /// The state or province, where the country has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_area_1: Option<String>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Two letters, as in ISO 3166.
    pub country_code: String,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Retry;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry { first_seconds: 5, longest_seconds: 60, give_up_after_seconds: 3600 };
        let waits: Vec<_> = [0, 1, 2, 3, 4, 5, 40, u32::MAX].map(|tries| retry.wait_seconds(tries)).into();
        assert_eq!(waits, [5, 5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn event_is_given_up_by_tries_and_by_the_time_since_the_first() {
        let retry = Retry { first_seconds: 5, longest_seconds: 60, give_up_after_seconds: 3600 };
        assert!(retry.gives_up(5, 3601));
        assert!(!retry.gives_up(5, 3600) && !retry.gives_up(4, 1_000_000));
    }

    #[test]
    fn wait_is_as_long_as_paypal_asks_for() {
        let retry = Retry { first_seconds: 5, longest_seconds: 60, give_up_after_seconds: 3600 };
        assert_eq!(retry.wait_at_least(1, None), 5);
        assert_eq!(retry.wait_at_least(1, Some(Duration::from_millis(29_500))), 30);
        assert_eq!(retry.wait_at_least(9, Some(Duration::from_secs(3))), 60);
    }
}
