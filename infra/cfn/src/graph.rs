//! What a template's resources refer to, and in which order they can be made.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use crate::{LogicalId, Template};

/// Each name that a value refers to by `Ref`, `Fn::GetAtt` or `Fn::Sub`, with the path to it below `path`.
///
/// Names are those of resources, parameters and pseudo parameters, as they stand.
#[must_use]
pub fn references(value: &Json, path: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(value, path, &mut found);
    found
}

fn walk(value: &Json, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(item, &format!("{path}[{at}]"), found));
        }
        Json::Object(entries) => {
            found.extend(targets(entries).into_iter().map(|target| (path.to_owned(), target)));
            entries.iter().for_each(|(key, inner)| walk(inner, &format!("{path}.{key}"), found));
        }
        _ => {}
    }
}

/// What an intrinsic function refers to; nothing for other objects.
fn targets(entries: &Map<String, Json>) -> Vec<String> {
    let Some((name, argument)) = entries.iter().next().filter(|_| entries.len() == 1) else { return Vec::new() };
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned).into_iter().collect();
    match name.as_str() {
        "Ref" => text(Some(argument)),
        "Fn::GetAtt" => match argument {
            Json::String(whole) => whole.split('.').next().map(str::to_owned).into_iter().collect(),
            list => text(list.get(0)),
        },
        "Fn::Sub" => match argument {
            Json::String(whole) => sub_targets(whole),
            list => {
                // Names that `Fn::Sub` gets values for are its own.
                let own = list.get(1).and_then(Json::as_object);
                let all = list.get(0).and_then(Json::as_str).map(sub_targets).unwrap_or_default();
                all.into_iter().filter(|name| !own.is_some_and(|own| own.contains_key(name))).collect()
            }
        },
        _ => Vec::new(),
    }
}

/// The names in `${Name}` and `${Name.Attribute}`; `${!Literal}` is text.
fn sub_targets(text: &str) -> Vec<String> {
    let variables = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim());
    let names = variables.filter(|name| !name.starts_with('!'));
    names.map(|name| name.split_once('.').map_or(name, |(id, _)| id).to_owned()).collect()
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
    let named = resource.properties.values().flat_map(|value| references(value, "")).map(|(_, name)| name);
    let named = named.chain(resource.depends_on.iter().map(ToString::to_string));
    named.filter_map(|name| template.resources.get_key_value(name.as_str()).map(|(id, _)| id)).collect()
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
