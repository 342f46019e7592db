//! The kinds of settings fields: what the handler gets, what the stack gives, what it entitles to.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Access, trigger::Trigger};

/// Which side of the contract a settings struct is on: the handler's ([`AtRuntime`]) or the stack's.
pub trait Side {
    /// What a field of kind `S` holds on this side.
    type Of<S: Setting>;
}

/// The handler's side: fields hold values that were read from the environment.
#[derive(Debug)]
pub enum AtRuntime {}

impl Side for AtRuntime {
    type Of<S: Setting> = S::Value;
}

/// A kind of settings field.
pub trait Setting {
    /// What the handler gets.
    type Value;
    /// What the function may do with what the field names.
    const ACCESS: Option<Access>;
    /// What the environment variable must hold, for error messages.
    const EXPECTS: &'static str;

    /// Reads the environment variable's text.
    fn parse(text: &str) -> Option<Self::Value>;
}

/// One function's settings, on one side.
pub trait Settings<S: Side> {
    /// The function's name, such as `webhook-verify`.
    const NAME: &'static str;
    /// What starts it.
    const TRIGGER: Trigger;
    /// The kind of what starts it: [`Http`](crate::trigger::Http) or [`Queue`](crate::trigger::Queue).
    type Start;

    /// Hands over each field with the name of its environment variable.
    fn visit(self, visitor: &mut impl Visitor<S>);
}

/// Takes the fields of a settings struct, one by one.
pub trait Visitor<S: Side> {
    /// Takes one field.
    fn field<T: Setting>(&mut self, variable: String, value: S::Of<T>);
}

/// The environment of a function does not hold its settings: each variable that is missing or wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the function's environment is not what the contract says: {}", self.0.join("; "))
    }
}

impl std::error::Error for SettingsError {}

/// Reads fields and collects all mistakes, so that one start shows every one of them.
pub(crate) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, mistakes: Vec::new() }
    }

    pub(crate) fn field<T: Setting>(&mut self, variable: &str) -> Option<T::Value> {
        let Some(text) = (self.lookup)(variable) else {
            self.mistakes.push(format!("{variable} is missing"));
            return None;
        };
        let value = T::parse(&text);
        if value.is_none() {
            // The value itself is not shown: what stands in the wrong place may be a secret.
            self.mistakes.push(format!("{variable} must hold {}", T::EXPECTS));
        }
        value
    }

    pub(crate) fn error(self) -> SettingsError {
        SettingsError(self.mistakes)
    }
}

/// The name of a field's environment variable.
#[must_use]
pub fn variable(field: &str) -> String {
    field.to_ascii_uppercase()
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The value as AWS's API takes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type! {
    /// A topic's ARN: `arn:aws:sns:<region>:<account>:<name>`.
    TopicArn
}
text_type! {
    /// A queue's URL.
    QueueUrl
}
text_type! {
    /// A secret's ARN: `arn:aws:secretsmanager:<region>:<account>:secret:<name>`.
    SecretArn
}

fn arn_of(service: &str, text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    parts.next() == Some("arn") && parts.nth(1) == Some(service) && parts.nth(2).is_some_and(|rest| !rest.is_empty())
}

fn queue_url(text: &str) -> Option<QueueUrl> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    (!host.is_empty() && !path.is_empty()).then(|| QueueUrl(text.to_owned()))
}

/// A topic that the function publishes to.
pub enum PublishTo {}
impl Setting for PublishTo {
    type Value = TopicArn;
    const ACCESS: Option<Access> = Some(Access::Publish);
    const EXPECTS: &'static str = "a topic's ARN";

    fn parse(text: &str) -> Option<TopicArn> {
        arn_of("sns", text).then(|| TopicArn(text.to_owned()))
    }
}

/// A queue that the function sends to.
pub enum SendTo {}
impl Setting for SendTo {
    type Value = QueueUrl;
    const ACCESS: Option<Access> = Some(Access::Send);
    const EXPECTS: &'static str = "a queue's URL";

    fn parse(text: &str) -> Option<QueueUrl> {
        queue_url(text)
    }
}

/// The queue that the function is fed from, where it says when a message comes back.
pub enum Retime {}
impl Setting for Retime {
    type Value = QueueUrl;
    const ACCESS: Option<Access> = Some(Access::Retime);
    const EXPECTS: &'static str = "a queue's URL";

    fn parse(text: &str) -> Option<QueueUrl> {
        queue_url(text)
    }
}

/// A secret that the function reads at start.
pub enum ReadSecret {}
impl Setting for ReadSecret {
    type Value = SecretArn;
    const ACCESS: Option<Access> = Some(Access::ReadSecret);
    const EXPECTS: &'static str = "a secret's ARN";

    fn parse(text: &str) -> Option<SecretArn> {
        arn_of("secretsmanager", text).then(|| SecretArn(text.to_owned()))
    }
}

/// A secret that the function reads, where the stack has one.
pub enum ReadSecretIfAny {}
impl ReadSecretIfAny {
    /// What the variable holds in a stack without the secret.
    pub const NONE: &'static str = "none";
}
impl Setting for ReadSecretIfAny {
    type Value = Option<SecretArn>;
    const ACCESS: Option<Access> = Some(Access::ReadSecret);
    const EXPECTS: &'static str = "a secret's ARN, or none";

    fn parse(text: &str) -> Option<Option<SecretArn>> {
        if text == Self::NONE { Some(None) } else { ReadSecret::parse(text).map(Some) }
    }
}

/// A text that is not empty.
pub enum Text {}
impl Setting for Text {
    type Value = String;
    const ACCESS: Option<Access> = None;
    const EXPECTS: &'static str = "a text";

    fn parse(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A whole number.
pub enum Whole {}
impl Setting for Whole {
    type Value = usize;
    const ACCESS: Option<Access> = None;
    const EXPECTS: &'static str = "a whole number";

    fn parse(text: &str) -> Option<usize> {
        text.parse().ok()
    }
}

/// A value with a shape of its own, written as JSON.
pub struct Data<T>(std::marker::PhantomData<fn() -> T>);
impl<T: DeserializeOwned> Setting for Data<T> {
    type Value = T;
    const ACCESS: Option<Access> = None;
    const EXPECTS: &'static str = "JSON in the shape that the contract names";

    fn parse(text: &str) -> Option<T> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_does_not_read_as_another() {
        let (topic, secret) = ("arn:aws:sns:eu-west-1:1:t", "arn:aws:secretsmanager:eu-west-1:1:secret:s");
        let queue = "https://sqs.eu-west-1.amazonaws.com/1/q";
        assert!(
            PublishTo::parse(topic).is_some() && ReadSecret::parse(secret).is_some() && SendTo::parse(queue).is_some()
        );
        for wrong in [topic, secret, "", "https://", "http:///x"] {
            assert!(SendTo::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(ReadSecretIfAny::parse("none"), Some(None));
        assert_eq!(ReadSecretIfAny::parse(secret), ReadSecret::parse(secret).map(Some));
        assert!(ReadSecretIfAny::parse("").is_none() && ReadSecretIfAny::parse(topic).is_none());
        assert!(PublishTo::parse(queue).is_none() && PublishTo::parse(secret).is_none());
        assert!(ReadSecret::parse(topic).is_none() && PublishTo::parse("arn:aws:sns:eu-west-1:1:").is_none());
    }
}
