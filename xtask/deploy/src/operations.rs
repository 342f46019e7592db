//! What was done to the stack, from its events: one operation after the other.

use aws_sdk_cloudformation::types::StackEvent;
use jiff::Timestamp;

use crate::{
    Failure,
    failure::{failure, says},
    stack::missing,
    target::Target,
};

/// The type that the stack itself has among its events.
const STACK: &str = "AWS::CloudFormation::Stack";

/// What an operation begins with.
const BEGINNINGS: [&str; 4] = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"];

/// What CloudFormation did to one resource, or to the stack.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    /// The logical id.
    pub(crate) id: String,
    /// Such as `AWS::SQS::Queue`.
    pub(crate) kind: String,
    /// Such as `CREATE_FAILED`.
    pub(crate) status: String,
    /// Why, where CloudFormation says so.
    pub(crate) reason: String,
    /// Whether it is about the stack itself.
    pub(crate) of_stack: bool,
}

/// One deployment, or one deletion.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its events, the oldest first.
    pub(crate) events: Vec<Event>,
}

impl Operation {
    /// `CREATE`, `UPDATE`, `DELETE` or `IMPORT`.
    pub(crate) fn kind(&self) -> &str {
        self.events.first().and_then(|first| first.status.split('_').next()).unwrap_or_default()
    }

    /// The same as people say it.
    pub(crate) fn word(&self) -> &'static str {
        match self.kind() {
            "CREATE" => "creation",
            "DELETE" => "deletion",
            "IMPORT" => "import",
            _ => "update",
        }
    }

    /// The stack's status at its end, or so far.
    pub(crate) fn status(&self) -> &str {
        self.events.iter().rev().find(|event| event.of_stack).map_or("", |event| event.status.as_str())
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        let status = self.status();
        !status.ends_with("_IN_PROGRESS")
    }

    /// Whether it ended as it should.
    pub(crate) fn succeeded(&self) -> bool {
        let status = self.status();
        status.ends_with("_COMPLETE") && !status.contains("ROLLBACK")
    }

    /// From its first event to its last.
    pub(crate) fn took(&self) -> std::time::Duration {
        let ends = self.events.first().zip(self.events.last());
        let took = ends.map(|(first, last)| last.at.duration_since(first.at)).unwrap_or_default();
        took.unsigned_abs()
    }
}

/// The last operations of the stack, the newest first, `most` of them.
///
/// # Errors
/// When there is no such stack, or AWS does not tell.
pub(crate) async fn read(target: &Target, most: usize) -> Result<Vec<Operation>, Failure> {
    let client = target.aws.cloudformation();
    let mut pages = client.describe_stack_events().stack_name(&target.stack).into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| match says(&error, "does not exist") {
            true => missing(target),
            false => failure(&error, "cannot read the stack's events"),
        })?;
        events.extend(page.stack_events().iter().filter_map(event));
        if events.iter().filter(|event| is_beginning(event)).count() >= most {
            break;
        }
    }
    let mut operations = split(events);
    operations.truncate(most);
    Ok(operations)
}

fn event(event: &StackEvent) -> Option<Event> {
    let at = event.timestamp()?;
    let at = Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Some(Event {
        at,
        id: text(event.logical_resource_id()),
        kind: text(event.resource_type()),
        status: event.resource_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: text(event.resource_status_reason()),
        of_stack: event.resource_type() == Some(STACK) && event.physical_resource_id() == event.stack_id(),
    })
}

fn is_beginning(event: &Event) -> bool {
    event.of_stack && BEGINNINGS.contains(&event.status.as_str())
}

/// Splits events, the newest first, at the beginnings. What came before the first of them belongs to none.
fn split(events: Vec<Event>) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut current = Vec::new();
    for event in events {
        let begins = is_beginning(&event);
        current.push(event);
        if begins {
            let mut events = std::mem::take(&mut current);
            events.reverse();
            operations.push(Operation { events });
        }
    }
    operations
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event so many seconds after the beginning of a day; the stack's own has the logical id `stack`.
    pub(crate) fn at(second: i64, id: &str, kind: &str, status: &str, reason: &str) -> Event {
        Event {
            at: Timestamp::from_second(1_793_491_200 + second).unwrap(),
            id: id.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            of_stack: id == "stack",
        }
    }

    #[test]
    fn an_operation_begins_with_the_stack_and_its_rollback_belongs_to_it() {
        let mut events = vec![
            at(0, "stack", STACK, "REVIEW_IN_PROGRESS", ""),
            at(1, "stack", STACK, "CREATE_IN_PROGRESS", ""),
            at(2, "Q", "T", "CREATE_COMPLETE", ""),
            at(3, "stack", STACK, "CREATE_COMPLETE", ""),
            at(9, "stack", STACK, "UPDATE_IN_PROGRESS", ""),
            at(10, "Q", "T", "UPDATE_FAILED", ""),
            at(11, "stack", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", ""),
            at(14, "stack", STACK, "UPDATE_ROLLBACK_COMPLETE", ""),
        ];
        events.reverse();
        let operations = split(events);
        let shown: Vec<_> = operations
            .iter()
            .map(|operation| (operation.kind(), operation.status(), operation.succeeded(), operation.took().as_secs()))
            .collect();
        assert_eq!(shown, [("UPDATE", "UPDATE_ROLLBACK_COMPLETE", false, 5), ("CREATE", "CREATE_COMPLETE", true, 2)]);
    }
}
