//! Policies in normal form, and whether two say the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

/// Members of a statement that hold one text or a list of them.
const LISTS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// The normal form of a document: statements and what they list as lists, sorted. Everybody is `{"AWS": ["*"]}`, an account
/// its root.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
pub(super) fn normal(mut document: Map<String, Json>) -> Json {
    if let Some(statements) = document.get_mut("Statement") {
        let list = match statements.take() {
            Json::Array(list) => list,
            one => vec![one],
        };
        *statements = list.into_iter().map(statement).collect();
    }
    Json::Object(document)
}

fn statement(statement: Json) -> Json {
    let Json::Object(mut members) = statement else { return statement };
    for name in LISTS {
        if let Some(value) = members.get_mut(name) {
            *value = listed(value.take());
        }
    }
    for name in ["Principal", "NotPrincipal"] {
        if let Some(value) = members.get_mut(name) {
            *value = match value.take() {
                Json::Object(kinds) => kinds.into_iter().map(|(kind, who)| (kind, listed(root(who)))).collect(),
                everybody => json!({"AWS": listed(everybody)}),
            };
        }
    }
    if let Some(Json::Object(operators)) = members.get_mut("Condition") {
        for keys in operators.values_mut().filter_map(Json::as_object_mut) {
            for value in keys.values_mut() {
                *value = listed(value.take());
            }
        }
    }
    Json::Object(members)
}

/// One value or several as a sorted list of texts. A function in the place of the list stays.
fn listed(value: Json) -> Json {
    let mut items = match value {
        Json::Array(items) => items,
        one => vec![one],
    };
    for item in &mut items {
        if matches!(item, Json::Number(_) | Json::Bool(_)) {
            *item = json!(item.to_string());
        }
    }
    items.sort_by_cached_key(Json::to_string);
    items.dedup();
    Json::Array(items)
}

/// An account's number stands for its root.
fn root(value: Json) -> Json {
    match value {
        Json::String(text) if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            json!(format!("arn:aws:iam::{text}:root"))
        }
        Json::Array(items) => items.into_iter().map(root).collect(),
        other => other,
    }
}

/// How many single permissions a statement is taken apart into, at most.
const PERMISSIONS: usize = 4_096;

/// Whether two documents in normal form allow and deny the same: statements that were only split, joined, named or moved are
/// no difference.
pub(in crate::diff) fn same(one: &Json, other: &Json) -> bool {
    let rest = |document: &Json| -> Option<Map<String, Json>> {
        let mut rest = document.as_object()?.clone();
        rest.remove("Statement");
        rest.remove("Id");
        Some(rest)
    };
    one == other
        || rest(one).is_some()
            && rest(one) == rest(other)
            && permissions(one).is_some()
            && permissions(one) == permissions(other)
}

/// Each action on each resource by each principal, as a text of its own.
fn permissions(document: &Json) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for statement in document.get("Statement")?.as_array()? {
        let mut members = statement.as_object()?.clone();
        members.remove("Sid");
        let mut parts = vec![members];
        for name in LISTS {
            // What is excluded is excluded together.
            if !name.starts_with("Not") {
                parts = apart(parts, name)?;
            }
        }
        for part in &parts {
            for single in principals(part) {
                all.insert(Json::Object(single).to_string());
            }
        }
    }
    Some(all)
}

fn apart(parts: Vec<Map<String, Json>>, name: &str) -> Option<Vec<Map<String, Json>>> {
    let mut all = Vec::new();
    for part in parts {
        match part.get(name).and_then(Json::as_array) {
            Some(items) => {
                for item in items {
                    let mut single = part.clone();
                    // Actions do not tell capitals from small letters.
                    let item = match item {
                        Json::String(action) if name == "Action" => json!(action.to_ascii_lowercase()),
                        other => other.clone(),
                    };
                    single.insert(name.to_owned(), item);
                    all.push(single);
                }
            }
            None => all.push(part),
        }
        if all.len() > PERMISSIONS {
            return None;
        }
    }
    Some(all)
}

fn principals(part: &Map<String, Json>) -> Vec<Map<String, Json>> {
    let Some(Json::Object(kinds)) = part.get("Principal") else { return vec![part.clone()] };
    let mut all = Vec::new();
    for (kind, who) in kinds {
        for one in who.as_array().into_iter().flatten() {
            let mut single = part.clone();
            single.insert("Principal".to_owned(), json!({ kind: one }));
            all.push(single);
        }
    }
    all
}
