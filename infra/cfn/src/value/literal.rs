//! Values that stand in the template as they are.

use serde::Serialize;
use serde_json::{Map as Object, Value as Json};

use super::{Arn, Expression, Id, List, Map, Name, Url, Value};
use crate::Kind;

/// A text does not have the form of what it should mean.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidLiteral {
    text: String,
    wanted: String,
}

/// What can be written as a text of a certain form.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be written into the template",
    label = "there is no literal of this",
    note = "secrets come from `Value::secret`, `Value::secure_parameter` or `Stack::secret_parameter`; references come from handles"
)]
pub trait Literal {
    /// What the text must be, in words, when it is not.
    ///
    /// # Errors
    /// The form that the text should have.
    fn check(text: &str) -> Result<(), String>;
}

impl<T> Value<T> {
    /// A text of a certain form.
    ///
    /// # Errors
    /// When the text does not have it.
    pub fn parse(text: &str) -> Result<Self, InvalidLiteral>
    where
        T: Literal,
    {
        T::check(text).map_err(|wanted| InvalidLiteral { text: text.to_owned(), wanted })?;
        Ok(Self::of(Expression::Literal(text.into())))
    }
}

impl<R: Kind> Literal for Arn<R> {
    fn check(text: &str) -> Result<(), String> {
        // arn:partition:service:region:account:resource
        let mut parts = text.splitn(6, ':');
        let whole = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some(&arn_service(R::TYPE))
            && parts.nth(2).is_some_and(|resource| !resource.is_empty());
        if whole { Ok(()) } else { Err(format!("the ARN of an {}: arn:aws:{}:...", R::TYPE, arn_service(R::TYPE))) }
    }
}

impl<R> Literal for Url<R> {
    fn check(text: &str) -> Result<(), String> {
        let rest = text.strip_prefix("https://").unwrap_or_default();
        let fits = !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace);
        if fits { Ok(()) } else { Err("a URL: https://...".to_owned()) }
    }
}

/// `AWS::SQS::Queue` is of `sqs`, and a few services go by other names in ARNs.
fn arn_service(kind: &str) -> String {
    match kind.split("::").nth(1).unwrap_or_default() {
        "ApiGatewayV2" => "apigateway".to_owned(),
        "CertificateManager" => "acm".to_owned(),
        service => service.to_ascii_lowercase(),
    }
}

// Structs, enums, texts and numbers. No struct holds itself or a map with keys other than texts, so that serde_json
// always writes it. Members that are absent are left out: CloudFormation refuses null.
impl<T: Serialize> From<T> for Value<T> {
    #[expect(clippy::expect_used, reason = "as above; a property without its value is worse")]
    fn from(value: T) -> Self {
        let json = match serde_json::to_value(value).expect("a property is written as JSON") {
            Json::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            other => other,
        };
        Self::of(Expression::Literal(json))
    }
}

/// What a number can be written for.
#[diagnostic::on_unimplemented(
    message = "a number does not fit where `{Self}` belongs",
    label = "a number, where `{Self}` is wanted"
)]
pub trait FromNumber {}
impl FromNumber for i64 {}
impl FromNumber for f64 {}

impl<T: FromNumber> From<i32> for Value<T> {
    fn from(number: i32) -> Self {
        Self::of(Expression::Literal(number.into()))
    }
}

impl<T: FromNumber> From<u32> for Value<T> {
    fn from(number: u32) -> Self {
        Self::of(Expression::Literal(number.into()))
    }
}

/// What a text can be written for: texts, and names and ids, which have no form that all services share. Their length and
/// letters are checked with the stack.
#[diagnostic::on_unimplemented(
    message = "a text does not fit where `{Self}` belongs",
    label = "a text, where `{Self}` is wanted",
    note = "an enum has a variant for each choice, a number is written without quotes, an ARN or a URL is made by \
            `Value::parse`, and a secret is never written down: see `Value::secret`"
)]
pub trait FromText {}
impl FromText for String {}
impl<R> FromText for Name<R> {}
impl<R> FromText for Id<R> {}

impl<T: FromText> From<&str> for Value<T> {
    fn from(text: &str) -> Self {
        Self::of(Expression::Literal(text.into()))
    }
}

#[diagnostic::do_not_recommend]
impl<R> From<String> for Value<Name<R>> {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

#[diagnostic::do_not_recommend]
impl<R> From<String> for Value<Id<R>> {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// What a list or a map of `T` can hold.
#[diagnostic::on_unimplemented(
    message = "a list or map of `{T}` cannot hold `{Self}`",
    label = "an item of another kind",
    note = "what takes several kinds of things says in `cfn::union` which"
)]
pub trait Item<T> {
    /// The item as a value.
    fn value(self) -> Value<T>;
}

impl<T> Item<T> for Value<T> {
    fn value(self) -> Self {
        self
    }
}

impl<T: Serialize> Item<T> for T {
    fn value(self) -> Value<T> {
        self.into()
    }
}

impl<T: FromText> Item<T> for &str {
    fn value(self) -> Value<T> {
        self.into()
    }
}

impl<T, I: Item<T>> From<Vec<I>> for Value<List<T>> {
    fn from(items: Vec<I>) -> Self {
        Self::of(Expression::Literal(items.into_iter().map(|item| item.value().json()).collect()))
    }
}

impl<T, I: Item<T>, const N: usize> From<[I; N]> for Value<List<T>> {
    fn from(items: [I; N]) -> Self {
        Self::of(Expression::Literal(items.into_iter().map(|item| item.value().json()).collect()))
    }
}

impl<T, I: Item<T>> From<Vec<(String, I)>> for Value<Map<T>> {
    fn from(entries: Vec<(String, I)>) -> Self {
        let entries: Object<String, Json> =
            entries.into_iter().map(|(name, value)| (name, value.value().json())).collect();
        Self::of(Expression::Literal(entries.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{certificatemanager::Certificate, sns::Topic, sqs::Queue};

    #[test]
    fn an_arn_names_its_service() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:news";
        assert_eq!(Value::<Arn<Topic>>::parse(topic).unwrap().json(), json!(topic));
        assert!(Value::<Arn<Certificate>>::parse("arn:aws:acm:eu-west-1:1:certificate/x").is_ok());
        let error = Value::<Arn<Queue>>::parse(topic).err().unwrap().to_string();
        assert_eq!(error, format!("{topic:?} is not the ARN of an AWS::SQS::Queue: arn:aws:sqs:..."));
        for wrong in ["", "news", "arn:aws:sns:eu-west-1:1:", "https://sns.eu-west-1.amazonaws.com"] {
            assert!(Value::<Arn<Topic>>::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_is_one() {
        assert!(Value::<Url<Queue>>::parse("https://sqs.eu-west-1.amazonaws.com/1/q").is_ok());
        for wrong in ["", "https://", "http://a", "arn:aws:sqs:eu-west-1:1:q", "https://a b"] {
            assert!(Value::<Url<Queue>>::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn literals_stand_as_they_are() {
        assert_eq!(Value::<i64>::from(5).json(), json!(5));
        assert_eq!(Value::<bool>::from(true).json(), json!(true));
        assert_eq!(Value::<List<String>>::from(["a", "b"]).json(), json!(["a", "b"]));
        let variables = vec![("A".to_owned(), Value::from("x"))];
        assert_eq!(Value::<Map<String>>::from(variables).json(), json!({"A": "x"}));
        let queue = Queue { fifo_queue: Some(true.into()), ..Queue::default() };
        assert_eq!(Value::from(queue).json(), json!({"FifoQueue": true}));
    }
}
