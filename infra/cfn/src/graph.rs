//! What a template's resources refer to, and in which order they can be made.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use crate::{LogicalId, Template, path::Trail};

/// Each name that a value refers to by `Ref`, `Fn::GetAtt` or `Fn::Sub`, with the path to it below `path`.
///
/// Names are those of resources, parameters and pseudo parameters, as they stand.
#[must_use]
pub fn references(value: &Json, path: &str) -> Vec<(String, String)> {
    let (mut found, start) = (Vec::new(), Trail::Start);
    walk(value, &start.key(path), &mut |trail, name| found.push((trail.path().to_string(), name.to_owned())));
    found
}

/// The names of [`references`] alone.
#[must_use]
pub fn names(value: &Json) -> Vec<&str> {
    let mut found = Vec::new();
    walk(value, &Trail::Start, &mut |_, name| found.push(name));
    found
}

fn walk<'a>(value: &'a Json, trail: &Trail<'_>, tell: &mut impl FnMut(&Trail<'_>, &'a str)) {
    match value {
        Json::Array(items) => items.iter().enumerate().for_each(|(at, item)| walk(item, &trail.item(at), tell)),
        Json::Object(entries) => {
            targets(entries).into_iter().for_each(|target| tell(trail, target));
            entries.iter().for_each(|(key, inner)| walk(inner, &trail.key(key), tell));
        }
        _ => {}
    }
}

/// What an intrinsic function refers to; nothing for other objects.
fn targets(entries: &Map<String, Json>) -> Vec<&str> {
    let Some((name, argument)) = entries.iter().next().filter(|_| entries.len() == 1) else { return Vec::new() };
    match name.as_str() {
        "Ref" => argument.as_str().into_iter().collect(),
        "Fn::GetAtt" => match argument {
            Json::String(whole) => whole.split('.').next().into_iter().collect(),
            list => list.get(0).and_then(Json::as_str).into_iter().collect(),
        },
        "Fn::Sub" => match argument {
            Json::String(whole) => sub_targets(whole),
            list => {
                // Names that `Fn::Sub` gets values for are its own.
                let own = list.get(1).and_then(Json::as_object);
                let all = list.get(0).and_then(Json::as_str).map(sub_targets).unwrap_or_default();
                all.into_iter().filter(|name| !own.is_some_and(|own| own.contains_key(*name))).collect()
            }
        },
        _ => Vec::new(),
    }
}

/// The names in `${Name}` and `${Name.Attribute}`; `${!Literal}` is text.
fn sub_targets(text: &str) -> Vec<&str> {
    let variables = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim());
    let names = variables.filter(|name| !name.starts_with('!'));
    names.map(|name| name.split_once('.').map_or(name, |(id, _)| id)).collect()
}

/// Resources refer to each other in a circle.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("resources depend on each other in a circle: {}", .0.iter().map(LogicalId::as_str).collect::<Vec<_>>().join(" -> "))]
pub struct Circle(pub Vec<LogicalId>);

/// The resources in an order in which each comes after all that it refers to or `DependsOn`; otherwise as they stand.
///
/// # Errors
/// When there is no such order; the error shows the circle.
pub fn order(template: &Template) -> Result<Vec<&LogicalId>, Circle> {
    let mut marks = HashMap::new();
    let mut order = Vec::new();
    for id in template.resources.keys() {
        visit(template, id, &mut marks, &mut Vec::new(), &mut order)?;
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

fn visit<'a>(
    template: &'a Template,
    id: &'a LogicalId,
    marks: &mut HashMap<&'a LogicalId, Mark>,
    path: &mut Vec<&'a LogicalId>,
    order: &mut Vec<&'a LogicalId>,
) -> Result<(), Circle> {
    match marks.get(id) {
        Some(Mark::Done) => return Ok(()),
        Some(Mark::Open) => {
            let circle = path.iter().skip_while(|other| **other != id).copied().chain([id]);
            return Err(Circle(circle.cloned().collect()));
        }
        None => {}
    }
    marks.insert(id, Mark::Open);
    path.push(id);
    for needed in needs(template, id) {
        visit(template, needed, marks, path, order)?;
    }
    path.pop();
    marks.insert(id, Mark::Done);
    order.push(id);
    Ok(())
}

/// The resources that one needs before it.
fn needs<'a>(template: &'a Template, id: &LogicalId) -> BTreeSet<&'a LogicalId> {
    let Some(resource) = template.resources.get(id) else { return BTreeSet::new() };
    let named = resource.properties.values().flat_map(names).chain(resource.depends_on.iter().map(LogicalId::as_str));
    named.filter_map(|name| template.resources.get_key_value(name).map(|(id, _)| id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Result<Vec<String>, Circle> {
        let template = crate::read::template(text).unwrap();
        order(&template).map(|order| order.into_iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_referred_to_comes_first_by_whatever_function() {
        let text = "Resources:\n  A: {Type: X, Properties: {P: !Sub '${B}-${AWS::Region}-${!E}'}}\n  \
                    B: {Type: X, Properties: {P: !GetAtt C.Arn}}\n  C: {Type: X, DependsOn: D}\n  D: {Type: X}\n  E: {Type: X}\n";
        assert_eq!(ids(text).unwrap(), ["D", "C", "B", "A", "E"]);
    }

    #[test]
    fn a_circle_is_shown() {
        let text = "Resources:\n  A: {Type: X, Properties: {P: !Ref B}}\n  B: {Type: X, Properties: {P: !Ref C}}\n  \
                    C: {Type: X, Properties: {P: !Ref B}}\n";
        assert_eq!(ids(text).unwrap_err().to_string(), "resources depend on each other in a circle: B -> C -> B");
    }

    #[test]
    fn names_of_subs_own_are_no_references() {
        let value = serde_json::json!({"Fn::Sub": ["${Own}${Other.Arn}", {"Own": {"Ref": "Third"}}]});
        let names: Vec<_> = references(&value, "P").into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["Other", "Third"]);
    }
}
