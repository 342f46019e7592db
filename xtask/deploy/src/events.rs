//! What happened to a stack's resources, as CloudFormation tells it, and what went wrong first.

use aws_sdk_cloudformation::types::StackEvent;

use crate::{
    Failure,
    failure::{failure, says},
    stack::rfc3339,
    target::Target,
    text::printable,
};

/// The reason of what somebody asked for.
const ASKED: &str = "User Initiated";

/// One event; its texts are printable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    /// As RFC 3339.
    pub(crate) time: String,
    /// The same in seconds, to reckon with.
    pub(crate) seconds: f64,
    pub(crate) resource: String,
    /// Such as `AWS::SQS::Queue`.
    pub(crate) kind: String,
    /// Such as `CREATE_IN_PROGRESS`.
    pub(crate) status: String,
    pub(crate) reason: String,
    /// Whether it is about the stack as a whole.
    pub(crate) of_stack: bool,
}

impl From<&StackEvent> for Event {
    fn from(event: &StackEvent) -> Self {
        let text = |value: Option<&str>| printable(value.unwrap_or_default());
        Self {
            id: text(event.event_id()),
            time: event.timestamp().map(rfc3339).unwrap_or_default(),
            seconds: event.timestamp().map(|time| time.as_secs_f64()).unwrap_or_default(),
            resource: text(event.logical_resource_id()),
            kind: text(event.resource_type()),
            status: text(event.resource_status().map(|status| status.as_str())),
            reason: text(event.resource_status_reason()),
            of_stack: event.physical_resource_id().is_some() && event.physical_resource_id() == event.stack_id(),
        }
    }
}

impl Event {
    /// Whether an operation begins with it.
    fn begins(&self) -> bool {
        let starts = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"];
        self.of_stack && (starts.contains(&self.status.as_str()) || self.reason == ASKED)
    }

    pub(crate) fn failed(&self) -> bool {
        self.status.ends_with("_FAILED")
    }

    /// Whether it tells only that something else went wrong before.
    fn is_cascade(&self) -> bool {
        self.of_stack || self.reason.is_empty() || self.reason.to_ascii_lowercase().contains("cancelled")
    }
}

/// The resource that failed first, and not because another had failed; without one, what the stack says itself.
pub(crate) fn first_cause(events: &[Event]) -> Option<&Event> {
    let resource = events.iter().find(|event| event.failed() && !event.is_cascade());
    let stack = || {
        let undone = |event: &&Event| event.failed() || event.status.contains("ROLLBACK_IN_PROGRESS");
        let told = |event: &&Event| event.of_stack && !event.reason.is_empty() && event.reason != ASKED;
        events.iter().filter(told).find(undone)
    };
    resource.or_else(stack).or_else(|| events.iter().find(|event| event.failed()))
}

/// Where the reading of a stack's events begins.
pub(crate) enum Since {
    /// After all that there are: for an operation that is about to be asked for.
    Now,
    /// With the operation that is under way, or was last.
    Operation,
}

/// Reads the events of a stack, each once, oldest first.
pub(crate) struct Reader {
    stack_id: String,
    /// The newest that was read.
    newest: Option<String>,
}

impl Reader {
    /// # Errors
    /// When AWS does not say.
    pub(crate) async fn new(target: &Target, stack_id: &str, since: Since) -> Result<(Self, Vec<Event>), Failure> {
        let mut reader = Self { stack_id: stack_id.to_owned(), newest: None };
        let read = match since {
            Since::Now => {
                let (newest, _) = reader.page(target, None).await?;
                reader.newest = newest.into_iter().next().map(|event| event.id);
                Vec::new()
            }
            Since::Operation => reader.read(target).await?,
        };
        Ok((reader, read))
    }

    /// A reader of a stack that is new, so that all its events matter.
    pub(crate) fn of_new(stack_id: &str) -> Self {
        Self { stack_id: stack_id.to_owned(), newest: None }
    }

    /// What was not read yet; the first time, from the beginning of the last operation on.
    ///
    /// # Errors
    /// When AWS does not say.
    pub(crate) async fn read(&mut self, target: &Target) -> Result<Vec<Event>, Failure> {
        let mut found: Vec<Event> = Vec::new();
        let mut token = None;
        'pages: loop {
            let (events, next) = self.page(target, token).await?;
            for event in events {
                if Some(&event.id) == self.newest.as_ref() {
                    break 'pages;
                }
                let first = self.newest.is_none() && event.begins();
                found.push(event);
                if first {
                    break 'pages;
                }
            }
            token = next;
            if token.is_none() {
                break;
            }
        }
        if let Some(newest) = found.first() {
            self.newest = Some(newest.id.clone());
        }
        found.reverse();
        Ok(found)
    }

    /// Newest first.
    async fn page(&self, target: &Target, token: Option<String>) -> Result<(Vec<Event>, Option<String>), Failure> {
        let cloudformation = target.aws.cloudformation();
        let answer = cloudformation.describe_stack_events().stack_name(&self.stack_id).set_next_token(token).send();
        match answer.await {
            Ok(answer) => {
                let events = answer.stack_events().iter().map(Event::from);
                // Before anything was made, there is nothing to tell.
                let events = events.filter(|event| event.status != "REVIEW_IN_PROGRESS").collect();
                Ok((events, answer.next_token().map(str::to_owned)))
            }
            Err(error) if says(&error, "does not exist") => Ok((Vec::new(), None)),
            Err(error) => Err(failure(&error, "cannot read what happens to the stack")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, status: &str, reason: &str) -> Event {
        let (resource, status, reason) = (resource.to_owned(), status.to_owned(), reason.to_owned());
        let (id, time, kind) = (String::new(), String::new(), String::new());
        Event { id, time, seconds: 0.0, of_stack: resource == "stack", resource, kind, status, reason }
    }

    #[test]
    fn the_first_cause_is_no_cascade() {
        let events = [
            event("stack", "UPDATE_IN_PROGRESS", "User Initiated"),
            event("A", "UPDATE_FAILED", "Resource update cancelled"),
            event("B", "CREATE_FAILED", "queue names end with .fifo"),
            event("C", "CREATE_FAILED", "another, later"),
            event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [A, B, C]."),
        ];
        assert_eq!(first_cause(&events).map(|event| event.resource.as_str()), Some("B"));
    }

    #[test]
    fn without_a_failed_resource_the_stack_says_why() {
        let alarm = "Alarm arn:aws:cloudwatch:eu-west-1:222222222222:alarm:api-5xx breached";
        let events = [event("stack", "UPDATE_IN_PROGRESS", ""), event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", alarm)];
        assert_eq!(first_cause(&events).map(|event| event.reason.as_str()), Some(alarm));
    }
}
