//! The changes of `tests/guards`: what deserves a stop is stopped by the guards of its label, and nothing else is.

use std::{collections::BTreeSet, fs, path::Path};

use cfn::{
    Template,
    guard::{Guard, Guards},
};
use review::diff::{Context, diff};
use serde_json::Value as Json;

/// How many changes of each kind there are at least.
const STOPPED: usize = 60;
const LET_THROUGH: usize = 40;

#[test]
fn guards_stop_what_deserves_it_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guards");
    let read = |name: &str| cfn::read::document(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    let base = read("base.yaml");
    let before: Template = serde_json::from_value(base.clone()).unwrap();
    let guards = Guards { deny: Guard::ALL.into_iter().collect(), ..Guards::default() };
    let context = Context { guards, ..Context::default() };
    let (mut stopped, mut wrong) = (0, Vec::new());
    let cases = read("cases.yaml");
    let cases = cases.as_array().unwrap();
    for case in cases {
        let mut after = base.clone();
        merge(&mut after, &case["change"]);
        let found = diff(&before, &serde_json::from_value(after).unwrap(), &context);
        let trips: BTreeSet<&str> = found.verdict.blocked.iter().map(|blocked| blocked.guard.name()).collect();
        let label: BTreeSet<&str> =
            case["stops"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        stopped += usize::from(!label.is_empty());
        if trips != label {
            let facts: Vec<String> =
                found.facts.iter().map(|fact| format!("    {} {} {:?}", fact.id, fact.sentence, fact.guards)).collect();
            let what = case["what"].as_str().unwrap();
            wrong.push(format!("{what}: expected {label:?}, found {trips:?}\n{}", facts.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} changes\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(stopped >= STOPPED && cases.len() - stopped >= LET_THROUGH, "{stopped} of {} deserve a stop", cases.len());
}

/// A JSON merge patch (RFC 7396).
fn merge(target: &mut Json, patch: &Json) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    // A function in the place of a value is a value.
    let is_function = members.len() == 1 && members.keys().all(|key| key == "Ref" || key.starts_with("Fn::"));
    if is_function || !target.is_object() {
        *target = Json::Object(serde_json::Map::new());
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in members {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Json::Null), value);
        }
    }
}
