//! A value as text, as far as the template alone determines it.

use serde_json::{Map, Value as Json};

/// A value as text, in pieces that are known or that only a deployment knows.
#[derive(Clone, Debug, Default)]
pub struct Text(Vec<Piece>);

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Literal(String),
    /// `Ref` of a resource, a parameter or a pseudo parameter.
    Ref(String),
    /// An attribute of a resource.
    Attribute(String, String),
    /// A part that follows from conditions, mappings, other stacks, macros or dynamic references.
    Unknown,
}

impl Text {
    /// Reads a value: a literal, `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join` or `Fn::Select`, in each other as they come.
    pub fn of(value: &Json) -> Self {
        let mut text = Self::default();
        text.read(value);
        text
    }

    /// The text that a function returns.
    pub fn of_function(name: &str, argument: &Json) -> Self {
        let mut text = Self::default();
        text.function(name, argument);
        text
    }

    /// A text of which nothing is known.
    pub fn unknown() -> Self {
        Self(vec![Piece::Unknown])
    }

    /// The whole text, where all of it is in the template.
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The only piece, where there is one.
    pub fn only(&self) -> Option<&Piece> {
        match self.0.as_slice() {
            [piece] => Some(piece),
            _ => None,
        }
    }

    /// Returns the pieces, in their order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Returns true if all of it is known or is a reference, so that two of them can be compared.
    pub fn is_determined(&self) -> bool {
        !self.0.contains(&Piece::Unknown)
    }

    /// Returns true if two values are certainly the same.
    pub fn same(&self, other: &Self) -> bool {
        self.is_determined() && self.0 == other.0
    }

    /// The text with what is not known written as CloudFormation would refer to it, to show and to search.
    pub fn shown(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Ref(name) => format!("${{{name}}}"),
            Piece::Attribute(id, name) => format!("${{{id}.{name}}}"),
            Piece::Unknown => "${?}".to_owned(),
        });
        pieces.collect()
    }

    /// The parts of an ARN: six, of which the last keeps its colons. Nothing when this is no ARN, or not known to be one.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
    pub fn arn(&self) -> Option<[Self; 6]> {
        if !matches!(self.0.first(), Some(Piece::Literal(text)) if text.starts_with("arn:")) {
            return None;
        }
        let mut parts: [Self; 6] = Default::default();
        let mut at = 0;
        for piece in &self.0 {
            let Piece::Literal(text) = piece else {
                parts.get_mut(at)?.push(piece.clone());
                continue;
            };
            let mut rest = text.as_str();
            while at < 5
                && let Some((before, after)) = rest.split_once(':')
            {
                parts.get_mut(at)?.push(Piece::Literal(before.to_owned()));
                at += 1;
                rest = after;
            }
            parts.get_mut(at)?.push(Piece::Literal(rest.to_owned()));
        }
        (at == 5).then_some(parts)
    }

    fn read(&mut self, value: &Json) {
        match value {
            Json::String(text) => self.push(Piece::Literal(text.clone())),
            Json::Number(number) => self.push(Piece::Literal(number.to_string())),
            Json::Bool(truth) => self.push(Piece::Literal(truth.to_string())),
            Json::Object(entries) => match function(entries) {
                Some((name, argument)) => self.function(name, argument),
                None => self.push(Piece::Unknown),
            },
            Json::Null | Json::Array(_) => self.push(Piece::Unknown),
        }
    }

    fn function(&mut self, name: &str, argument: &Json) {
        match name {
            "Ref" => self.push(argument.as_str().map_or(Piece::Unknown, |name| Piece::Ref(name.to_owned()))),
            "Fn::GetAtt" => self.push(attribute(argument).unwrap_or(Piece::Unknown)),
            "Fn::Sub" => match (argument, argument.get(0).and_then(Json::as_str), argument.get(1)) {
                (Json::String(text), ..) => self.sub(text, None),
                (_, Some(text), Some(own)) => self.sub(text, own.as_object()),
                _ => self.push(Piece::Unknown),
            },
            "Fn::Join" => match (argument.get(0).and_then(Json::as_str), argument.get(1).and_then(Json::as_array)) {
                (Some(between), Some(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        if at > 0 {
                            self.push(Piece::Literal(between.to_owned()));
                        }
                        self.read(item);
                    }
                }
                _ => self.push(Piece::Unknown),
            },
            "Fn::Select" => {
                let index = argument.get(0).and_then(whole).and_then(|index| usize::try_from(index).ok());
                let items = argument.get(1).and_then(Json::as_array);
                match index.zip(items).and_then(|(index, items)| items.get(index)) {
                    Some(item) => self.read(item),
                    None => self.push(Piece::Unknown),
                }
            }
            _ => self.push(Piece::Unknown),
        }
    }

    fn sub(&mut self, text: &str, own: Option<&Map<String, Json>>) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            self.push(Piece::Literal(before.to_owned()));
            let Some((name, behind)) = after.split_once('}') else {
                return self.push(Piece::Unknown);
            };
            rest = behind;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                self.push(Piece::Literal(format!("${{{literal}}}")));
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                self.read(value);
            } else if let Some((id, attribute)) = name.split_once('.') {
                self.push(Piece::Attribute(id.to_owned(), attribute.to_owned()));
            } else {
                self.push(Piece::Ref(name.to_owned()));
            }
        }
        self.push(Piece::Literal(rest.to_owned()));
    }

    /// Literals next to each other become one, so that equal texts have equal pieces.
    fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (_, Piece::Literal(text)) if text.is_empty() => {}
            (_, Piece::Literal(text)) if is_dynamic(&text) => self.0.push(Piece::Unknown),
            (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
            (_, piece) => self.0.push(piece),
        }
    }
}

/// Returns true if a text holds a dynamic reference, such as `{{resolve:ssm:name}}`, which is known when it is resolved.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
pub fn is_dynamic(text: &str) -> bool {
    // Most texts have no brace, which is found out faster.
    text.contains('{') && text.contains("{{resolve:")
}

/// The function that an object is: its only key, when that is a function's name.
pub fn function(entries: &Map<String, Json>) -> Option<(&str, &Json)> {
    let (name, argument) = entries.iter().next().filter(|_| entries.len() == 1)?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// The function that a value is, if it is one; `Condition` is one only among conditions.
pub fn function_name(value: &Json) -> Option<&str> {
    value.as_object().and_then(function).map(|(name, _)| name).filter(|name| *name != "Condition")
}

/// A whole number, as a number or as text: CloudFormation takes both.
pub fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn attribute(argument: &Json) -> Option<Piece> {
    let (id, name) = match argument {
        Json::String(whole) => whole.split_once('.')?,
        list => (list.get(0)?.as_str()?, list.get(1)?.as_str()?),
    };
    Some(Piece::Attribute(id.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn however_it_is_written_it_comes_to_the_same() {
        let sub = Text::of(&json!({"Fn::Sub": "arn:${AWS::Partition}:sqs:eu:1:${Q.QueueName}"}));
        let join = json!({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "sqs", {"Fn::Select": ["1", ["us", "eu"]]},
            {"Fn::Sub": ["${One}", {"One": 1}]}, {"Fn::GetAtt": ["Q", "QueueName"]}]]});
        assert!(sub.same(&Text::of(&join)));
        assert!(!Text::of(&json!({"Fn::If": ["C", 1, 1]})).same(&Text::of(&json!({"Fn::If": ["C", 1, 1]}))));
        assert_eq!(Text::of(&json!({"Fn::Sub": "a${!b}"})).literal(), Some("a${b}"));
    }

    #[test]
    fn an_arn_falls_into_six_parts() {
        let text = Text::of(&json!({"Fn::Sub": "arn:aws:logs:${AWS::Region}:1:log-group:${Log}:*"}));
        let shown = text.arn().unwrap().map(|part| part.shown());
        assert_eq!(shown, ["arn", "aws", "logs", "${AWS::Region}", "1", "log-group:${Log}:*"]);
        assert!(Text::of(&json!("arn:aws:sqs")).arn().is_none());
    }
}
