//! Literals against their schema: what a stack refuses before anything is deployed.

use std::fmt::Display;

use serde_json::{Map, Value as Json};

use super::{Object, ResourceSchema, Shape, Text};

/// A literal that AWS would not take.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{path} {reason}")]
pub struct Misfit {
    /// Where it stands.
    path: String,
    /// What is wrong with it, and what would be right.
    reason: String,
}

/// Checks lengths, ranges and choices of all literals in a resource's properties. What only CloudFormation can work out
/// is passed over; which properties there are is for the types to say.
pub(crate) fn literals(schema: &ResourceSchema, properties: &Map<String, Json>, path: &str) -> Result<(), Misfit> {
    members(schema.properties, properties, path)
}

fn members(object: &Object, members: &Map<String, Json>, path: &str) -> Result<(), Misfit> {
    members.iter().try_for_each(|(name, value)| {
        let known = object.properties.binary_search_by_key(&name.as_str(), |(known, _)| known);
        let shape = known.ok().and_then(|at| object.properties.get(at));
        shape.map_or(Ok(()), |(_, shape)| one(*shape, value, &format!("{path}.{name}")))
    })
}

fn one(shape: Shape, value: &Json, path: &str) -> Result<(), Misfit> {
    let misfit = |reason: String| Err(Misfit { path: path.to_owned(), reason });
    match (shape, value) {
        (Shape::Text(of), Json::String(text)) if !text.contains("{{resolve:") => match text_reason(of, text) {
            Some(reason) => misfit(reason),
            None => Ok(()),
        },
        (Shape::Whole(of), Json::Number(number)) => {
            let Some(number) = number.as_i64() else { return misfit(format!("is {number}; it must be whole")) };
            if !of.one_of.is_empty() && !of.one_of.contains(&number) {
                return misfit(format!("is {number}; it must be one of {}", list(of.one_of)));
            }
            let fits = of.min.is_none_or(|min| number >= min) && of.max.is_none_or(|max| number <= max);
            if fits { Ok(()) } else { misfit(format!("is {number}; it may be {}", range(of.min, of.max))) }
        }
        (Shape::Number(of), Json::Number(number)) => {
            let value = number.as_f64().unwrap_or_default();
            let fits = of.min.is_none_or(|min| value >= min) && of.max.is_none_or(|max| value <= max);
            if fits { Ok(()) } else { misfit(format!("is {number}; it may be {}", range(of.min, of.max))) }
        }
        (Shape::List(of), Json::Array(items)) => {
            let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
            if of.min.is_some_and(|min| count < min) || of.max.is_some_and(|max| count > max) {
                return misfit(format!("has {count} items; it may have {}", range(of.min, of.max)));
            }
            items.iter().enumerate().try_for_each(|(at, item)| one(of.items, item, &format!("{path}[{at}]")))
        }
        (Shape::Map(of), Json::Object(entries)) => {
            entries.iter().try_for_each(|(name, value)| one(of.values, value, &format!("{path}.{name}")))
        }
        (Shape::Object(of), Json::Object(entries)) => members(of, entries, path),
        _ => Ok(()),
    }
}

fn text_reason(of: Text, text: &str) -> Option<String> {
    if !of.one_of.is_empty() && !of.one_of.contains(&text) {
        return Some(format!("is {text:?}; it must be one of {}", list(of.one_of)));
    }
    let count = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let fits = of.min.is_none_or(|min| count >= min) && of.max.is_none_or(|max| count <= max);
    (!fits).then(|| format!("has {count} characters; it may have {}", range(of.min, of.max)))
}

fn list(all: &[impl Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn range(min: Option<impl Display>, max: Option<impl Display>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_fit_or_say_where_and_why_not() {
        let check = |kind: &str, properties: Json| {
            let schema = crate::schema::of(kind).unwrap();
            literals(schema, properties.as_object().unwrap(), "X").err().map(|misfit| misfit.to_string())
        };
        for (kind, properties, wanted) in [
            (
                "AWS::SQS::Queue",
                json!({"VisibilityTimeout": 43_201}),
                "X.VisibilityTimeout is 43201; it may be 0 to 43200",
            ),
            (
                "AWS::Logs::LogGroup",
                json!({"RetentionInDays": 31}),
                "X.RetentionInDays is 31; it must be one of 1, 3, 5, 7, 14, 30,",
            ),
            (
                "AWS::SNS::Subscription",
                json!({"Protocol": "carrier-pigeon"}),
                "X.Protocol is \"carrier-pigeon\"; it must be one of",
            ),
            (
                "AWS::Lambda::Function",
                json!({"Architectures": ["a", "b"]}),
                "X.Architectures has 2 items; it may have 1 to 1",
            ),
            (
                "AWS::Lambda::Function",
                json!({"EphemeralStorage": {"Size": 1}}),
                "X.EphemeralStorage.Size is 1; it may be 512",
            ),
        ] {
            let found = check(kind, properties).unwrap_or_default();
            assert!(found.starts_with(wanted), "{found}");
        }
        let fine =
            json!({"VisibilityTimeout": {"Ref": "P"}, "QueueName": "q", "RedrivePolicy": {"maxReceiveCount": 5}});
        assert_eq!(check("AWS::SQS::Queue", fine), None);
    }
}
