//! What an operation does to a stack, event by event, and what undoes it.

use super::*;

impl Cloud {
    pub(super) fn execute(&mut self, call: &Call) -> Done {
        let (at, mut set) = self.change_set(call)?;
        if set.execution != "AVAILABLE" {
            let message = format!("ChangeSet [{}] cannot be executed in its current status", set.id);
            return Err(("InvalidChangeSetStatus", message));
        }
        self.clock += 1;
        let kind = if self.stacks[at].status == "REVIEW_IN_PROGRESS" { "CREATE" } else { "UPDATE" };
        let before = self.stacks[at].clone();
        let stack = &mut self.stacks[at];
        set.execution = "EXECUTE_COMPLETE";
        stack.before = (kind == "UPDATE").then(|| Box::new(before));
        (stack.template, stack.parameters) = (set.template.clone(), set.parameters.clone());
        // Executing one deletes all others.
        stack.change_sets.clear();
        stack.executed = Some(set.clone());
        stack.stale_status = stack.status.clone();
        stack.updated = (kind == "UPDATE").then_some(self.clock);
        stack.stale = self.stale;
        self.begin(at, kind, &set.changes);
        Ok(String::new())
    }

    /// What an operation will do, event by event; its first one at once.
    pub(super) fn begin(&mut self, at: usize, kind: &str, changes: &[Change]) {
        let mut stack = self.stacks[at].clone();
        for change in changes.iter().filter(|change| change.action == "Add") {
            stack.resources.insert(change.resource.clone(), thing(&stack.name, &change.resource, &change.kind));
        }
        stack.status = format!("{kind}_IN_PROGRESS");
        let mut coming = VecDeque::from([self.event(&stack, "stack", &stack.status, "User Initiated")]);
        let mut done = Vec::new();
        let failing = changes.iter().find(|change| self.fails(&change.resource));
        for change in changes {
            let verb = match change.action {
                "Add" => "CREATE",
                "Remove" => "DELETE",
                _ => "UPDATE",
            };
            coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_IN_PROGRESS"), ""));
            if failing.is_some_and(|failing| failing.resource == change.resource) {
                let reason = self.failing[&change.resource].clone();
                coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_FAILED"), &reason));
                break;
            }
            coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_COMPLETE"), ""));
            done.push((change.resource.clone(), verb));
        }
        if let Some(failing) = failing {
            for change in changes.iter().skip_while(|change| change.resource != failing.resource).skip(1) {
                let verb = if change.action == "Add" { "CREATE" } else { "UPDATE" };
                let reason = format!("Resource {} cancelled", if verb == "CREATE" { "creation" } else { "update" });
                coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_FAILED"), &reason));
            }
            self.undo(&stack, kind, &done, &failing.resource, &mut coming);
        } else {
            if kind == "UPDATE" {
                coming.push_back(self.event(&stack, "stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""));
            }
            coming.push_back(self.event(&stack, "stack", &format!("{kind}_COMPLETE"), ""));
        }
        stack.coming = coming;
        self.stacks[at] = stack;
    }

    pub(super) fn undo(
        &mut self,
        stack: &Stack,
        kind: &str,
        done: &[(String, &str)],
        failed: &str,
        coming: &mut VecDeque<Event>,
    ) {
        let start = if kind == "CREATE" { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        let reason = format!("The following resource(s) failed to {}: [{failed}].", kind.to_lowercase());
        coming.push_back(self.event(stack, "stack", &format!("{start}_IN_PROGRESS"), &reason));
        for (resource, verb) in done.iter().rev() {
            let verb = if *verb == "CREATE" { "DELETE" } else { "UPDATE" };
            coming.push_back(self.event(stack, resource, &format!("{verb}_COMPLETE"), ""));
        }
        coming.push_back(self.event(stack, "stack", &format!("{start}_COMPLETE"), ""));
    }

    /// Whether the resource fails now.
    pub(super) fn fails(&mut self, resource: &str) -> bool {
        if !self.failing.contains_key(resource) {
            return false;
        }
        match &mut self.failing_times {
            None => true,
            Some(0) => false,
            Some(times) => {
                *times -= 1;
                true
            }
        }
    }
}

/// A resource that is there.
pub(super) fn thing(stack: &str, id: &str, kind: &str) -> Resource {
    let physical = match kind {
        "AWS::SQS::Queue" => format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{stack}-{id}"),
        _ => format!("{stack}-{id}"),
    };
    Resource { kind: kind.to_owned(), physical, status: "CREATE_COMPLETE".to_owned(), reason: String::new() }
}
