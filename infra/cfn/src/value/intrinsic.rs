//! CloudFormation's functions beside `Ref`, `Fn::GetAtt` and `Fn::Sub`, and its dynamic references.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use serde_json::{Value as Json, json};

use super::{Arn, Expression, List, Part, Plain, Sensitive, Value};

/// Values that every stack has.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
pub mod pseudo {
    use crate::{List, Value};

    /// The account that the stack is in.
    #[must_use]
    pub fn account_id() -> Value<String> {
        Value::reference("AWS::AccountId")
    }

    /// Where the stack tells of its events.
    #[must_use]
    pub fn notification_arns() -> Value<List<String>> {
        Value::reference("AWS::NotificationARNs")
    }

    /// `aws`, or another in China and for governments.
    #[must_use]
    pub fn partition() -> Value<String> {
        Value::reference("AWS::Partition")
    }

    /// The region that the stack is in.
    #[must_use]
    pub fn region() -> Value<String> {
        Value::reference("AWS::Region")
    }

    /// The stack's ARN.
    #[must_use]
    pub fn stack_id() -> Value<String> {
        Value::reference("AWS::StackId")
    }

    /// The stack's name.
    #[must_use]
    pub fn stack_name() -> Value<String> {
        Value::reference("AWS::StackName")
    }

    /// `amazonaws.com`, or another in China.
    #[must_use]
    pub fn url_suffix() -> Value<String> {
        Value::reference("AWS::URLSuffix")
    }

    /// As if the property were not there.
    #[must_use]
    pub fn no_value<T>() -> Value<T> {
        Value::reference("AWS::NoValue")
    }
}

/// A condition of the stack, to choose values by; [`Stack::condition`](crate::Stack::condition) makes one.
#[derive(Clone)]
pub struct Condition(pub(crate) String);

/// What makes a condition true.
pub struct Test(pub(crate) Json);

impl Test {
    /// Whether two values are the same.
    #[must_use]
    pub fn equal<T>(one: &Value<T>, other: &Value<T>) -> Self {
        Self(json!({ "Fn::Equals": [one.json(), other.json()] }))
    }

    /// Whether another condition holds.
    #[must_use]
    pub fn holds(condition: &Condition) -> Self {
        Self(json!({ "Condition": condition.0 }))
    }

    /// Whether a test fails.
    #[must_use]
    pub fn fails(test: Self) -> Self {
        Self(json!({ "Fn::Not": [test.0] }))
    }

    /// Whether both hold.
    #[must_use]
    pub fn both(one: Self, other: Self) -> Self {
        Self(json!({ "Fn::And": [one.0, other.0] }))
    }

    /// Whether one of the two holds.
    #[must_use]
    pub fn either(one: Self, other: Self) -> Self {
        Self(json!({ "Fn::Or": [one.0, other.0] }))
    }
}

/// A table of the stack, to look values up in; [`Stack::mapping`](crate::Stack::mapping) makes one.
#[derive(Clone)]
pub struct Mapping<T> {
    pub(crate) name: String,
    pub(crate) means: std::marker::PhantomData<fn() -> T>,
}

/// A row of a mapping: its name, and a value for each column.
pub type Row<'a, T> = (&'a str, &'a [(&'a str, Value<T>)]);

impl<T> Mapping<T> {
    /// `Fn::FindInMap`: what stands in the row, under the column.
    pub fn find(&self, row: &Value<String>, column: &str) -> Value<T> {
        Value::of(Expression::Function(json!({ "Fn::FindInMap": [self.name, row.json(), column] })))
    }
}

impl<T> Value<T> {
    /// `Fn::If`: one of two values, by a condition of the stack.
    #[must_use]
    pub fn choose(condition: &Condition, then: &Self, otherwise: &Self) -> Self {
        Self::of(Expression::Function(json!({ "Fn::If": [condition.0, then.json(), otherwise.json()] })))
    }

    /// `Fn::ImportValue`: what another stack of the account and region exports under this name.
    #[must_use]
    pub fn import(name: &str) -> Self {
        Self::of(Expression::Function(json!({ "Fn::ImportValue": name })))
    }

    /// A parameter of SSM, read when the stack is made or updated.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html>
    #[must_use]
    pub fn parameter_store(name: &str) -> Self {
        Self::of(Expression::Literal(format!("{{{{resolve:ssm:{name}}}}}").into()))
    }
}

impl Value<Sensitive> {
    /// One key of a secret that is a JSON object; the value is never part of the template.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html>
    #[must_use]
    pub fn secret<R>(secret: &Value<Arn<R>>, key: &str) -> Self {
        Self::sub(["{{resolve:secretsmanager:".into(), Part::any(secret), format!(":SecretString:{key}}}}}").into()])
    }

    /// A secure parameter of SSM; only some properties take it.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html>
    #[must_use]
    pub fn secure_parameter(name: &str) -> Self {
        Self::of(Expression::Literal(format!("{{{{resolve:ssm-secure:{name}}}}}").into()))
    }
}

impl<T: Plain> Value<List<T>> {
    /// `Fn::Select`: one of several, counted from 0.
    #[must_use]
    pub fn select(&self, at: usize) -> Value<T> {
        Value::of(Expression::Function(json!({ "Fn::Select": [at, self.json()] })))
    }

    /// `Fn::Join`: all of them as one text, with `separator` between.
    #[must_use]
    pub fn join(&self, separator: &str) -> Value<String> {
        Value::of(Expression::Function(json!({ "Fn::Join": [separator, self.json()] })))
    }
}

impl<T: Plain> Value<T> {
    /// `Fn::Split`: what stands between the separators.
    #[must_use]
    pub fn split(&self, separator: &str) -> Value<List<String>> {
        Value::of(Expression::Function(json!({ "Fn::Split": [separator, self.json()] })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{secretsmanager::Secret, sns::Topic};

    #[test]
    fn each_function_reads_as_cloudformation_writes_it() {
        let url: Value<String> = Value::reference("Url");
        let host = url.split("/").select(2);
        assert_eq!(host.json(), json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "Url"}]}]}));
        let joined = Value::<List<String>>::from([pseudo::region(), "x".into()]).join("-");
        assert_eq!(joined.json(), json!({"Fn::Join": ["-", [{"Ref": "AWS::Region"}, "x"]]}));
        let shared = Value::<Arn<Topic>>::import("shared-topic");
        assert_eq!(shared.json(), json!({"Fn::ImportValue": "shared-topic"}));
        let condition = Condition("Large".to_owned());
        let chosen = Value::<i64>::choose(&condition, &1024.into(), &pseudo::no_value());
        assert_eq!(chosen.json(), json!({"Fn::If": ["Large", 1024, {"Ref": "AWS::NoValue"}]}));
        let test = Test::both(Test::fails(Test::holds(&condition)), Test::equal(&pseudo::region(), &"x".into()));
        let fits =
            json!({"Fn::And": [{"Fn::Not": [{"Condition": "Large"}]}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}]});
        assert_eq!(test.0, fits);
    }

    #[test]
    fn secrets_are_named_and_not_written() {
        let arn: Value<Arn<Secret>> = Value::reference("Login");
        let password = Value::secret(&arn, "password");
        assert_eq!(password.json(), json!({"Fn::Sub": "{{resolve:secretsmanager:${Login}:SecretString:password}}"}));
        assert_eq!(Value::secure_parameter("x").json(), json!("{{resolve:ssm-secure:x}}"));
        assert_eq!(Value::<String>::parameter_store("x").json(), json!("{{resolve:ssm:x}}"));
    }
}
