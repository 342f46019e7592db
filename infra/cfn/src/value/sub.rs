//! Texts put together from typed parts.

use serde_json::{Map, Value as Json, json};

use super::{Arn, Expression, Plain, Value, pseudo};
use crate::LogicalId;

/// A part of a text that [`Value::sub`] puts together: a text as it stands, or a value.
#[derive(Clone)]
pub struct Part(Piece);

#[derive(Clone)]
enum Piece {
    Text(String),
    Ref(String),
    GetAtt(LogicalId, &'static str),
    /// A text that is itself put together.
    Several(Vec<Part>),
    /// A function that cannot stand inside the text.
    Function(Json),
}

impl<T> Value<T> {
    /// `Fn::Sub` of typed parts; a `${` in a text stays text. Where there is nothing to work out, it is a literal.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html>
    pub fn sub(parts: impl IntoIterator<Item = Part>) -> Self {
        Self::of(Expression::Sub(parts.into_iter().collect()))
    }
}

/// The text as the template has it.
pub(super) fn json(parts: &[Part]) -> Json {
    let mut variables = Map::new();
    if let Some(text) = plain(parts) {
        return text.into();
    }
    let text = text(parts, &mut variables);
    if variables.is_empty() { json!({ "Fn::Sub": text }) } else { json!({ "Fn::Sub": [text, variables] }) }
}

/// The text itself, where all parts are text.
fn plain(parts: &[Part]) -> Option<String> {
    let texts = parts.iter().map(|part| match &part.0 {
        Piece::Text(text) => Some(text.clone()),
        Piece::Several(parts) => plain(parts),
        _ => None,
    });
    texts.collect()
}

fn text(parts: &[Part], variables: &mut Map<String, Json>) -> String {
    let mut whole = String::new();
    for part in parts {
        match &part.0 {
            Piece::Text(text) => whole.push_str(&text.replace("${", "${!")),
            Piece::Ref(name) => whole.push_str(&format!("${{{name}}}")),
            Piece::GetAtt(id, name) => whole.push_str(&format!("${{{id}.{name}}}")),
            Piece::Several(parts) => whole.push_str(&text(parts, variables)),
            Piece::Function(function) => {
                let name = format!("Value{}", variables.len() + 1);
                whole.push_str(&format!("${{{name}}}"));
                variables.insert(name, function.clone());
            }
        }
    }
    whole
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self(Piece::Text(text.to_owned()))
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self(Piece::Text(text))
    }
}

impl<T: Plain> From<&Value<T>> for Part {
    fn from(value: &Value<T>) -> Self {
        Self::any(value)
    }
}

impl<T: Plain> From<Value<T>> for Part {
    fn from(value: Value<T>) -> Self {
        Self::any(&value)
    }
}

impl Part {
    pub(super) fn any<T>(value: &Value<T>) -> Self {
        Self(match &value.expression {
            Expression::Literal(Json::String(text)) => Piece::Text(text.clone()),
            Expression::Literal(other) => Piece::Text(other.to_string()),
            Expression::Ref(name) => Piece::Ref(name.clone()),
            Expression::GetAtt(id, name) => Piece::GetAtt(id.clone(), name),
            Expression::Sub(parts) => Piece::Several(parts.clone()),
            Expression::Function(function) => Piece::Function(function.clone()),
        })
    }
}

/// `arn:<partition>:<service>:<region>:<account>:<rest>`, in the stack's own partition, region and account.
pub(crate) fn own_arn<R>(service: &str, rest: impl IntoIterator<Item = Part>) -> Value<Arn<R>> {
    let start = [
        "arn:".into(),
        pseudo::partition().into(),
        format!(":{service}:").into(),
        pseudo::region().into(),
        ":".into(),
        pseudo::account_id().into(),
        ":".into(),
    ];
    Value::sub(start.into_iter().chain(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_one_text() {
        let id = LogicalId::parse("Api").unwrap();
        let arn: Value<String> = Value::attribute(&id, "Arn");
        let inner: Value<String> = Value::sub(["<".into(), pseudo::region().into(), ">".into()]);
        let sub: Value<String> =
            Value::sub(["a${b}".into(), Value::<String>::reference("Api").into(), arn.into(), inner.into()]);
        assert_eq!(sub.json(), json!({"Fn::Sub": "a${!b}${Api}${Api.Arn}<${AWS::Region}>"}));
        let plain: Value<String> = Value::sub(["https://".into(), "example.com".to_owned().into()]);
        assert_eq!(plain.json(), json!("https://example.com"));
    }

    #[test]
    fn functions_become_variables() {
        let imported: Value<String> = Value::import("shared");
        let sub: Value<String> = Value::sub(["x-".into(), imported.into()]);
        assert_eq!(sub.json(), json!({"Fn::Sub": ["x-${Value1}", {"Value1": {"Fn::ImportValue": "shared"}}]}));
    }
}
