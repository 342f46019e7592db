//! What log lines say that alarms listen for: the field `signal` of a function's JSON log.

/// The field of a finished event's line that says how long after its arrival that was, in seconds.
pub const AGE_FIELD: &str = "age_seconds";
/// The function that receives webhooks.
pub const RECEIVES: &str = "webhook-receiver";
/// The function that finishes events.
pub const FINISHES: &str = "webhook-process";
/// The field of a delayed event's line: the time since its first failed try, in seconds.
pub const DELAYED_FIELD: &str = "delayed_seconds";
/// The functions that delay events.
pub const DELAY: [&str; 2] = ["webhook-verify", "webhook-process"];

/// Something that an alarm rings for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// PayPal answered 429 `RATE_LIMIT_REACHED`.
    RateLimited,
    /// PayPal refused this service's own credentials or permissions.
    Unauthorized,
    /// PayPal did not answer, or answered 5xx, or a page in place of an answer.
    PaypalUnavailable,
    /// A webhook was not PayPal's.
    Forged,
    /// A webhook could not be judged, now.
    Undecided,
    /// A webhook could not be verified here, and PayPal says that it is its own.
    VerifiedByPostback,
    /// PayPal does not know the webhook that the environment file names.
    WebhookUnknown,
    /// An invoice was given up.
    InvoiceFailed,
    /// A buyer paid the invoice of a payment that was already made.
    PaidTwice,
}

impl Signal {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::RateLimited,
        Self::Unauthorized,
        Self::PaypalUnavailable,
        Self::Forged,
        Self::Undecided,
        Self::VerifiedByPostback,
        Self::WebhookUnknown,
        Self::InvoiceFailed,
        Self::PaidTwice,
    ];

    /// The word in the log line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::PaypalUnavailable => "paypal_unavailable",
            Self::Forged => "forged",
            Self::Undecided => "undecided",
            Self::VerifiedByPostback => "verified_by_postback",
            Self::WebhookUnknown => "webhook_unknown",
            Self::InvoiceFailed => "invoice_failed",
            Self::PaidTwice => "paid_twice",
        }
    }

    /// What it means and what to do, for whoever is woken.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::RateLimited => {
                "PayPal answers 429 RATE_LIMIT_REACHED. Work goes on more slowly; ask PayPal if it stays."
            }
            Self::Unauthorized => {
                "PayPal refuses the service's credentials or a permission of its app. Check the secret."
            }
            Self::PaypalUnavailable => {
                "PayPal does not answer, or answers 5xx. Nothing is lost: events are tried again with growing waits."
            }
            Self::Forged => "Webhooks arrive that are not PayPal's. They are refused; more than noise is an attack.",
            Self::Undecided => {
                "Webhooks cannot be judged: PayPal is not reachable, or signs with an unknown authority."
            }
            Self::VerifiedByPostback => {
                "PayPal verifies webhooks that cannot be verified here: its certificates have changed. Update \
                 paypal.webhook in the environment file."
            }
            Self::WebhookUnknown => {
                "PayPal does not know paypal.webhook.webhook_id of the environment file. No webhook can be verified."
            }
            Self::InvoiceFailed => "PayPal refused an invoice for good; the error queue has the event and the reason.",
            Self::PaidTwice => {
                "A buyer paid the invoice of a payment that was already made. Give the second payment back."
            }
        }
    }

    /// The functions whose log can say so.
    #[must_use]
    pub const fn raised_by(self) -> &'static [&'static str] {
        match self {
            Self::RateLimited | Self::Unauthorized | Self::PaypalUnavailable => {
                &["plans-list", "subscription-create", "webhook-verify", "webhook-process"]
            }
            Self::Forged | Self::Undecided | Self::VerifiedByPostback | Self::WebhookUnknown => &["webhook-verify"],
            Self::InvoiceFailed | Self::PaidTwice => &["webhook-process"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn signals_are_raised_by_functions_that_exist() {
        let known: Vec<_> = crate::functions::ALL.iter().map(|function| function.name).collect();
        for name in Signal::ALL.iter().flat_map(|signal| signal.raised_by()).chain(&super::DELAY) {
            assert!(known.contains(name), "{name}");
        }
    }
}
