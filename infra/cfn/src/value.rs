//! A property's value: a literal, or what CloudFormation works out from other resources.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::LogicalId;

/// The ARN of an `R`: a marker for [`Value`], so that a queue's ARN does not fit where a topic's belongs.
pub struct Arn<R>(PhantomData<fn() -> R>);

/// The URL of an `R`: a marker for [`Value`].
pub struct Url<R>(PhantomData<fn() -> R>);

/// A value that means a `T`.
pub struct Value<T> {
    expression: Expression,
    means: PhantomData<fn() -> T>,
}

#[derive(Clone)]
enum Expression {
    Literal(Json),
    Ref(String),
    GetAtt(LogicalId, &'static str),
    Sub(Vec<Part>),
}

/// One part of a text that [`Value::sub`] puts together.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// A parameter, a resource's `Ref`, or a pseudo parameter such as `AWS::Region`.
    Ref(String),
    /// An attribute of a resource.
    GetAtt(LogicalId, &'static str),
}

impl<T> Value<T> {
    /// A value that stands in the template as it is.
    pub fn literal(value: impl Into<Json>) -> Self {
        Self::of(Expression::Literal(value.into()))
    }

    /// `Ref` of a resource or a parameter.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html>
    pub fn reference(name: impl Into<String>) -> Self {
        Self::of(Expression::Ref(name.into()))
    }

    /// `Fn::GetAtt` of a resource.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html>
    #[must_use]
    pub fn attribute(id: &LogicalId, name: &'static str) -> Self {
        Self::of(Expression::GetAtt(id.clone(), name))
    }

    /// `Fn::Sub` of typed parts; a `${` in a text is escaped, so that it stays text.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html>
    pub fn sub(parts: impl IntoIterator<Item = Part>) -> Self {
        Self::of(Expression::Sub(parts.into_iter().collect()))
    }

    /// The same value where only its text matters, such as a function's environment.
    #[must_use]
    pub fn text(&self) -> Value<String> {
        Value::of(self.expression.clone())
    }

    /// The value as a part of a longer text.
    #[must_use]
    pub fn part(&self) -> Part {
        match &self.expression {
            Expression::Ref(name) => Part::Ref(name.clone()),
            Expression::GetAtt(id, name) => Part::GetAtt(id.clone(), name),
            Expression::Literal(Json::String(text)) => Part::Text(text.clone()),
            Expression::Literal(other) => Part::Text(other.to_string()),
            Expression::Sub(parts) => Part::Text(sub_text(parts)),
        }
    }

    /// The value as the template has it.
    #[must_use]
    pub fn json(&self) -> Json {
        match &self.expression {
            Expression::Literal(value) => value.clone(),
            Expression::Ref(name) => json!({ "Ref": name }),
            Expression::GetAtt(id, name) => json!({ "Fn::GetAtt": [id, name] }),
            Expression::Sub(parts) => json!({ "Fn::Sub": sub_text(parts) }),
        }
    }

    fn of(expression: Expression) -> Self {
        Self { expression, means: PhantomData }
    }
}

fn sub_text(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.replace("${", "${!"),
            Part::Ref(name) => format!("${{{name}}}"),
            Part::GetAtt(id, name) => format!("${{{id}.{name}}}"),
        })
        .collect()
}

// Derived, `Clone` would ask for `T: Clone`, and the markers need none.
impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self::of(self.expression.clone())
    }
}

impl<T> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl From<&str> for Value<String> {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<String> for Value<String> {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// `arn:<partition>:<service>:<region>:<account>:<rest>`, in the stack's own partition, region and account.
pub(crate) fn own_arn<R>(service: &str, rest: impl IntoIterator<Item = Part>) -> Value<Arn<R>> {
    let start = [
        "arn:".into(),
        Part::Ref("AWS::Partition".to_owned()),
        Part::Text(format!(":{service}:")),
        Part::Ref("AWS::Region".to_owned()),
        ":".into(),
        Part::Ref("AWS::AccountId".to_owned()),
        ":".into(),
    ];
    Value::sub(start.into_iter().chain(rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_reads_as_cloudformation_writes_it() {
        let id = LogicalId::parse("Api").unwrap();
        assert_eq!(Value::<String>::literal("x").json(), json!("x"));
        assert_eq!(Value::<String>::reference("Api").json(), json!({"Ref": "Api"}));
        assert_eq!(Value::<String>::attribute(&id, "Arn").json(), json!({"Fn::GetAtt": ["Api", "Arn"]}));
        let sub = Value::<String>::sub(["a${b}".into(), Part::Ref("Api".into()), Part::GetAtt(id, "Arn")]);
        assert_eq!(sub.json(), json!({"Fn::Sub": "a${!b}${Api}${Api.Arn}"}));
    }
}
