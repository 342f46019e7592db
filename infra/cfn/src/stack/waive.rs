//! Waivers: what a linter finds and a stack means to keep, with the reason beside the resource.

use serde_json::{Value as Json, json};

use super::{Handle, Stack};
use crate::Resource;

/// The key in the `Metadata` of a resource or a template under which `review` finds waivers.
pub const WAIVERS: &str = "Waivers";

impl Stack {
    /// Waives a rule for a resource. Rules of this crate are known by their id (`SNS-9`), those of checkov begin with
    /// `CKV`, and the others (`W3045`) are cfn-lint's. The reason shows in what `validate` says.
    ///
    /// Source: <https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html>,
    /// <https://github.com/aws-cloudformation/cfn-lint#metadata>
    pub fn waive<R>(&mut self, handle: &Handle<R>, rule: &str, reason: &str) {
        self.change(handle, |resource| waive(resource, rule, reason));
    }
}

fn waive(resource: &mut Resource, rule: &str, reason: &str) {
    if rule.starts_with("CKV") {
        push(resource, "checkov", "/skip", json!({ "id": rule, "comment": reason }));
        return;
    }
    // cfn-lint has no place for a reason: it stands among ours.
    let ours = resource.metadata.entry(WAIVERS).or_insert_with(|| json!({}));
    if let Some(ours) = ours.as_object_mut() {
        ours.insert(rule.to_owned(), json!(reason));
    }
    // cfn-lint's ids have no hyphen: `W3045`.
    if !rule.contains('-') {
        push(resource, "cfn-lint", "/config/ignore_checks", json!(rule));
    }
}

/// Adds to a list in a resource's metadata, and makes the list where there is none.
fn push(resource: &mut Resource, tool: &str, pointer: &str, item: Json) {
    let mut place = resource.metadata.entry(tool).or_insert_with(|| json!({}));
    for name in pointer.trim_start_matches('/').split('/') {
        let Some(object) = place.as_object_mut() else { return };
        place = object.entry(name).or_insert(Json::Null);
        if place.is_null() {
            *place = if pointer.ends_with(name) { json!([]) } else { json!({}) };
        }
    }
    if let Some(list) = place.as_array_mut() {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Stack, resources::sns::Topic};

    #[test]
    fn each_program_finds_its_waiver_where_it_looks() {
        let mut stack = Stack::new("test");
        let topic = stack.add("T", Topic::default());
        stack.waive(&topic, "SNS-9", "one");
        stack.waive(&topic, "CKV_AWS_26", "two");
        stack.waive(&topic, "CKV2_AWS_1", "three");
        stack.waive(&topic, "W3045", "four");
        let metadata = json!({
            "Waivers": {"SNS-9": "one", "W3045": "four"},
            "checkov": {"skip": [{"id": "CKV_AWS_26", "comment": "two"}, {"id": "CKV2_AWS_1", "comment": "three"}]},
            "cfn-lint": {"config": {"ignore_checks": ["W3045"]}},
        });
        assert_eq!(serde_json::to_value(&stack.finish().unwrap().resources["T"].metadata).unwrap(), metadata);
    }
}
