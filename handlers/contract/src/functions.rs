//! The functions: name, what starts each, and its settings.
//!
//! A new function is a paragraph here, a binary of the same name in `handlers/src/bin`, and a paragraph in
//! `infra/src/service.rs`.

use crate::{
    config::{Checkout, Invoicer, PersonalData, Retry, WebhookTrust},
    settings::{
        AtRuntime, Data, PublishTo, ReadSecret, ReadSecretIfAny, Reader, Retime, SendTo, Settings, SettingsError, Side,
        Text, Visitor, Whole, variable,
    },
    trigger::{Http, Queue, Trigger},
};

/// A function as everyone may know it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Such as `webhook-verify`; its binary has the same name.
    pub name: &'static str,
    /// What starts it.
    pub trigger: Trigger,
}

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident: $text:literal starts on $start:ident $({ $method:literal $path:literal })? {
            $( $(#[$field_doc:meta])* $field:ident: $setting:ty, )*
        }
    )*) => {
        $(
            $(#[$doc])*
            pub struct $name<S: Side = AtRuntime> {
                $( $(#[$field_doc])* pub $field: S::Of<$setting>, )*
            }

            impl $name {
                /// Reads the settings from environment variables, named as the fields in capitals.
                ///
                /// # Errors
                /// Names every variable that is missing or does not hold what its field needs.
                pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
                    let mut reader = Reader::new(&lookup);
                    $( let $field = reader.field::<$setting>(&variable(stringify!($field))); )*
                    match ($($field,)*) {
                        ($(Some($field),)*) => Ok(Self { $($field,)* }),
                        _ => Err(reader.error()),
                    }
                }
            }

            impl<S: Side> Settings<S> for $name<S> {
                const NAME: &'static str = $text;
                const TRIGGER: Trigger = Trigger::$start $({ method: $method, path: $path })?;
                type Start = $start;

                fn visit(self, visitor: &mut impl Visitor<S>) {
                    $( visitor.field::<$setting>(variable(stringify!($field)), self.$field); )*
                }
            }
        )*

        /// Every function, in the order of an event's life.
        pub const ALL: &[Description] = &[
            $( Description { name: $text, trigger: Trigger::$start $({ method: $method, path: $path })? }, )*
        ];
    };
}

functions! {
    /// Lists PayPal's billing plans.
    PlansList: "plans-list" starts on Http { "GET" "/plans/list" } {
        /// PayPal's client id and secret, as JSON.
        paypal_secret: ReadSecret,
        /// PayPal's REST API.
        paypal_url: Text,
    }

    /// Creates a subscription, answers with the link where the buyer approves it.
    SubscriptionCreate: "subscription-create" starts on Http { "POST" "/subscription/create" } {
        /// PayPal's client id and secret, as JSON.
        paypal_secret: ReadSecret,
        /// PayPal's REST API.
        paypal_url: Text,
        /// What the buyer sees, and where they go afterwards.
        checkout: Data<Checkout>,
        /// The key that the shop signs requests with, as JSON; without it, requests need no signature.
        shop_secret: ReadSecretIfAny,
    }

    /// Takes PayPal's webhooks, answers once SNS has them.
    WebhookReceiver: "webhook-receiver" starts on Http { "POST" "/webhook/receiver" } {
        /// Where every event goes first.
        received: PublishTo,
        /// What a message of that topic may measure, in bytes.
        message_bytes: Whole,
    }

    /// Checks signatures.
    WebhookVerify: "webhook-verify" starts on Queue {
        /// Where events wait to be verified, and where those go that have to wait longer.
        unverified: SendTo,
        /// Where valid events go.
        verified: SendTo,
        /// Where webhooks go that are not PayPal's, with the reason.
        forged: SendTo,
        /// Where events go that could not be verified, with the reason.
        errors: SendTo,
        /// Which events are genuine.
        trust: Data<WebhookTrust>,
        /// When an event that cannot be judged yet is tried again.
        retry: Data<Retry>,
        /// PayPal's client id and secret, as JSON.
        paypal_secret: ReadSecret,
        /// PayPal's REST API.
        paypal_url: Text,
    }

    /// Turns completed payments into invoices, and publishes every event with its outcome.
    WebhookProcess: "webhook-process" starts on Queue {
        /// Where genuine events wait.
        verified: Retime,
        /// Where every event ends, with its outcome.
        finished: PublishTo,
        /// Where events go that could not be worked on, with the reason.
        errors: SendTo,
        /// Who sends the invoices.
        invoicer: Data<Invoicer>,
        /// Whether published events hold the buyer's personal data.
        personal_data: Data<PersonalData>,
        /// When an event that failed is tried again.
        retry: Data<Retry>,
        /// PayPal's client id and secret, as JSON.
        paypal_secret: ReadSecret,
        /// PayPal's REST API.
        paypal_url: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_by_their_fields_names() {
        let read = WebhookReceiver::read(|name| match name {
            "RECEIVED" => Some("arn:aws:sns:eu-west-1:1:t".to_owned()),
            "MESSAGE_BYTES" => Some("262144".to_owned()),
            _ => None,
        });
        assert_eq!(read.map(|settings| settings.message_bytes), Ok(262_144));
    }

    #[test]
    fn every_mistake_is_named_and_no_value_shown() {
        let error =
            WebhookReceiver::read(|name| (name == "RECEIVED").then(|| "s3cret".to_owned())).err().unwrap().to_string();
        assert!(error.contains("RECEIVED must hold a topic's ARN"), "{error}");
        assert!(error.contains("MESSAGE_BYTES is missing"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
