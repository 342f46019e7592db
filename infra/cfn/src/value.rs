//! A property's value: a literal, or what CloudFormation works out from other resources.
//!
//! - `meaning`: what a value can mean: [`Arn`], [`Url`], [`Name`], [`Id`], [`List`], [`Map`], [`Sensitive`].
//! - `literal`: values that stand in the template as they are; those with a form are checked when they are made.
//! - `sub`: texts put together from typed parts, and the ARNs of one's own account.
//! - `intrinsic`: CloudFormation's other functions, pseudo parameters and dynamic references.

mod intrinsic;
mod literal;
mod meaning;
mod sub;

use std::marker::PhantomData;

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

pub use intrinsic::{Condition, Mapping, Row, Test, pseudo};
pub use literal::{FromNumber, FromText, InvalidLiteral, Item, Literal};
pub use meaning::{Arn, Id, List, Map, Name, Plain, Sensitive, Url};
pub use sub::Part;
pub(crate) use sub::own_arn;

use crate::LogicalId;

/// A value that means a `T`.
///
/// What has no form of its own (texts, numbers, enums, the structs of [`crate::resources`]) becomes a value by `into()`;
/// what has one is parsed (`Value::<Arn<Topic>>::parse`). References come from a [`Handle`](crate::Handle), which knows
/// what they mean.
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
    /// Any other function, in its long form.
    Function(Json),
}

impl<T> Value<T> {
    /// `Ref` of a resource or a parameter.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ref.html>
    pub(crate) fn reference(name: impl Into<String>) -> Self {
        Self::of(Expression::Ref(name.into()))
    }

    /// `Fn::GetAtt` of a resource.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getatt.html>
    pub(crate) fn attribute(id: &LogicalId, name: &'static str) -> Self {
        Self::of(Expression::GetAtt(id.clone(), name))
    }

    /// The same value, taken to mean a `U`: for what only the author knows, such as a parameter that holds a topic's ARN.
    #[must_use]
    pub fn assume<U>(&self) -> Value<U> {
        Value::of(self.expression.clone())
    }

    /// The same value where only its text matters, such as a function's environment.
    #[must_use]
    pub fn text(&self) -> Value<String>
    where
        T: Plain,
    {
        self.assume()
    }

    /// The value as the template has it.
    #[must_use]
    pub fn json(&self) -> Json {
        match &self.expression {
            Expression::Literal(value) | Expression::Function(value) => value.clone(),
            Expression::Ref(name) => json!({ "Ref": name }),
            Expression::GetAtt(id, name) => json!({ "Fn::GetAtt": [id, name] }),
            Expression::Sub(parts) => sub::json(parts),
        }
    }

    fn of(expression: Expression) -> Self {
        Self { expression, means: PhantomData }
    }
}

// Derived, `Clone` would ask for `T: Clone`, and the markers need none.
impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        self.assume()
    }
}

impl<T> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}
