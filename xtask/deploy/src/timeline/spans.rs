//! From when to when each resource was worked on, and the chain that the whole waited for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cfn::{Template, graph::references};
use serde::Serialize;

use crate::operations::{Event, Operation};

/// The time in which CloudFormation worked on one resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Span {
    /// The logical id.
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub(crate) action: String,
    /// When it began, in seconds after the beginning of the deployment.
    pub(crate) start_seconds: f64,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// Whether it failed.
    pub(crate) failed: bool,
    /// Whether it is not over.
    pub(crate) open: bool,
}

impl Span {
    pub(crate) fn start(&self) -> Duration {
        Duration::from_secs_f64(self.start_seconds.max(0.0))
    }

    pub(crate) fn took(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.max(0.0))
    }

    pub(super) fn end_seconds(&self) -> f64 {
        self.start_seconds + self.seconds
    }

    /// What else is to be said of it.
    pub(super) fn note(&self) -> &'static str {
        match (self.failed, self.open) {
            (true, _) => "  failed",
            (_, true) => "  goes on",
            _ => "",
        }
    }
}

/// What was worked on, and what the whole waited for.
pub(crate) struct Timeline {
    /// In the order of their beginning.
    pub(crate) spans: Vec<Span>,
    /// Places in `spans`, in the order of time.
    critical: Vec<usize>,
}

impl Timeline {
    /// Puts an operation's events together. What waited for what follows from the template; what was deleted is not in it,
    /// and waited for nothing that is known.
    pub(crate) fn of(operation: &Operation, template: &Template) -> Self {
        let spans = spans(operation);
        let critical = critical(&spans, &needs(template));
        Self { spans, critical }
    }

    /// The chain that ends with what ended last: each waited for the one before it.
    pub(crate) fn critical(&self) -> impl Iterator<Item = &Span> {
        self.critical.iter().filter_map(|at| self.spans.get(*at))
    }

    pub(super) fn is_critical(&self, span: &Span) -> bool {
        self.critical().any(|other| std::ptr::eq(other, span))
    }

    /// How long the chain took from its first beginning to its last end, in seconds.
    pub(super) fn critical_end(&self) -> f64 {
        self.critical().last().map(Span::end_seconds).unwrap_or_default()
    }
}

fn spans(operation: &Operation) -> Vec<Span> {
    let Some(first) = operation.events.first().map(|event| event.at) else { return Vec::new() };
    let seconds = |event: &Event| event.at.duration_since(first).as_secs_f64();
    let last = operation.events.last().map(&seconds).unwrap_or_default();
    let mut spans: Vec<Span> = Vec::new();
    // The place of the span of each resource that is not over.
    let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in operation.events.iter().filter(|event| !event.of_stack) {
        let action = event.status.split('_').next().unwrap_or_default();
        let key = (event.id.as_str(), action);
        let now = seconds(event);
        if event.status.ends_with("_IN_PROGRESS") {
            open.entry(key).or_insert_with(|| {
                spans.push(Span {
                    id: event.id.clone(),
                    kind: event.kind.clone(),
                    action: action.to_owned(),
                    start_seconds: now,
                    seconds: last - now,
                    failed: false,
                    open: true,
                });
                spans.len() - 1
            });
        } else if let Some(span) = open.remove(&key).and_then(|at| spans.get_mut(at)) {
            span.seconds = now - span.start_seconds;
            span.failed = event.status.ends_with("_FAILED");
            span.open = false;
        }
    }
    spans
}

/// What each resource of a template needs before it, by logical ids.
pub(super) fn needs(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let needs = template.resources.iter().map(|(id, resource)| {
        let named = resource.properties.values().flat_map(|value| references(value, "")).map(|(_, name)| name);
        let named = named.chain(resource.depends_on.iter().map(ToString::to_string));
        (id.to_string(), named.filter(|name| template.resources.contains_key(name.as_str())).collect())
    });
    needs.collect()
}

/// From what ended last back to what it waited for, and so on.
fn critical(spans: &[Span], needs: &BTreeMap<String, BTreeSet<String>>) -> Vec<usize> {
    let latest = |of: &dyn Fn(&Span) -> bool| {
        let those = spans.iter().enumerate().filter(|(_, span)| of(span));
        those.max_by(|(_, one), (_, other)| one.end_seconds().total_cmp(&other.end_seconds())).map(|(at, _)| at)
    };
    let mut path = Vec::new();
    let mut next = latest(&|_| true);
    while let Some(at) = next {
        path.push(at);
        let Some(span) = spans.get(at) else { break };
        let needed = needs.get(&span.id);
        next = latest(&|other: &Span| {
            needed.is_some_and(|needed| needed.contains(&other.id))
                && other.action != "DELETE"
                && other.end_seconds() <= span.start_seconds + 1.0
                // Needs form no circle, but times of the same second could.
                && other.start_seconds <= span.start_seconds
                && other.id != span.id
        });
        if path.len() > spans.len() {
            break;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::operations::tests::at;

    const STACK: &str = "AWS::CloudFormation::Stack";

    /// A certificate takes long, a domain waits for it; a queue is done soon.
    pub(in crate::timeline) fn sample() -> (Operation, Template) {
        let template = "Resources:\n  Certificate: {Type: T::Certificate}\n  Queue: {Type: T::Queue}\n  \
                        Domain: {Type: T::Domain, Properties: {C: !Ref Certificate, Q: !GetAtt Queue.Arn}}\n  \
                        Record: {Type: T::Record, DependsOn: Domain}\n";
        let events = vec![
            at(0, "stack", STACK, "CREATE_IN_PROGRESS", ""),
            at(2, "Certificate", "T::Certificate", "CREATE_IN_PROGRESS", ""),
            at(2, "Queue", "T::Queue", "CREATE_IN_PROGRESS", ""),
            at(3, "Queue", "T::Queue", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
            at(12, "Queue", "T::Queue", "CREATE_COMPLETE", ""),
            at(100, "Certificate", "T::Certificate", "CREATE_COMPLETE", ""),
            at(101, "Domain", "T::Domain", "CREATE_IN_PROGRESS", ""),
            at(131, "Domain", "T::Domain", "CREATE_COMPLETE", ""),
            at(131, "Record", "T::Record", "CREATE_IN_PROGRESS", ""),
            at(171, "Record", "T::Record", "CREATE_FAILED", "no <zone>"),
            at(173, "stack", STACK, "CREATE_FAILED", ""),
        ];
        (Operation { events }, cfn::read::template(template).unwrap())
    }

    #[test]
    fn the_whole_waits_for_the_chain_that_ends_last() {
        let (operation, template) = sample();
        let timeline = Timeline::of(&operation, &template);
        let path: Vec<_> = timeline.critical().map(|span| span.id.as_str()).collect();
        assert_eq!(path, ["Certificate", "Domain", "Record"]);
        let queue = timeline.spans.iter().find(|span| span.id == "Queue").unwrap();
        assert_eq!((queue.start_seconds, queue.seconds, queue.failed, queue.open), (2.0, 10.0, false, false));
        assert!(timeline.critical().last().unwrap().failed);
    }

    #[test]
    fn what_is_not_over_lasts_until_the_last_event() {
        let (mut operation, template) = sample();
        operation.events.truncate(5);
        let timeline = Timeline::of(&operation, &template);
        let certificate = timeline.spans.iter().find(|span| span.id == "Certificate").unwrap();
        assert!(certificate.open && (certificate.seconds - 10.0).abs() < f64::EPSILON);
        operation.events.clear();
        assert_eq!(Timeline::of(&operation, &template).critical().count(), 0);
    }
}
