//! How events flow: which thing hands what to which, as the template alone tells.
//!
//! One function for everybody who asks: the comparison of two templates, which says what is reached no longer, and the
//! picture of the architecture. What is switched off (a disabled rule, a disabled event source) is no edge.

mod routes;
mod targets;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value as Json;

use cfn::{
    LogicalId, Template,
    view::{ResourceView, TemplateView},
};
pub use routes::{Authorization, Route, routes};
use targets::{FUNCTION, QUEUE, TOPIC, end};

/// One way from one thing to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// Where it comes from.
    pub from: End,
    /// Where it goes to.
    pub to: End,
    /// What goes this way.
    pub kind: EdgeKind,
    /// The resource that makes the edge: a subscription, a route, a queue with its redrive policy.
    pub by: LogicalId,
    /// What passes, where not everything does: a filter policy or pattern, as it stands in the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Json>,
}

/// An end of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// A resource of the template.
    Resource(LogicalId),
    /// Something outside of it, as the template names it: an ARN, an address.
    Other(String),
}

/// What goes along an edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// A request of this route, such as `GET /plans/list`.
    Route(String),
    /// Requests to a domain of one's own.
    Domain,
    /// What is published on a topic.
    Subscription,
    /// What a queue, stream or table feeds to a function.
    EventSource,
    /// What could not be worked on: from a queue, a subscription's topic, a function or a rule.
    DeadLetter,
    /// The result of an asynchronous call that succeeded.
    Success,
    /// The event of an asynchronous call that failed for good.
    Failure,
    /// What happens to a bucket's objects, such as `s3:ObjectCreated:*`.
    Notification(String),
    /// Events that match a rule's pattern, or its schedule.
    Rule,
    /// Lines of a log.
    Log,
    /// An alarm that rings, or is over.
    Alarm,
    /// What a function or state machine may send, publish, call or start.
    Sends,
    /// A secret or parameter that a function may read.
    Reads,
}

impl End {
    /// The resource, where it is one of the template.
    #[must_use]
    pub fn resource(&self) -> Option<&LogicalId> {
        match self {
            Self::Resource(id) => Some(id),
            Self::Other(_) => None,
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(id) => out.write_str(id.as_str()),
            Self::Other(name) => out.write_str(name),
        }
    }
}

/// Every way from one thing to another, in the order of the template.
#[must_use]
pub fn edges(template: &Template) -> Vec<Edge> {
    let facts = TemplateView::of(template);
    let mut edges = Edges { facts: &facts, entitled: targets::entitlements(&facts), found: Vec::new() };
    for thing in facts.resources() {
        edges.of(thing);
    }
    edges.found.extend(routes(template).into_iter().filter_map(|route| {
        let Route { api, key, to, by, .. } = route;
        Some(Edge { from: api, to: to?, kind: EdgeKind::Route(key), by, only: None })
    }));
    edges.found
}

struct Edges<'a, 'f> {
    facts: &'f TemplateView<'a>,
    /// What each role may send to, and read.
    entitled: HashMap<&'a LogicalId, Vec<(EdgeKind, End)>>,
    found: Vec<Edge>,
}

impl<'a> Edges<'a, '_> {
    fn of(&mut self, thing: ResourceView<'a>) {
        let itself = End::Resource(thing.id.clone());
        match thing.resource.kind.as_str() {
            QUEUE => self.dead_letter(thing, &itself, "RedrivePolicy.deadLetterTargetArn"),
            "AWS::SNS::Subscription" => self.subscription(thing),
            TOPIC => self.inline_subscriptions(thing),
            "AWS::Lambda::EventSourceMapping" => self.event_source(thing),
            FUNCTION => {
                self.dead_letter(thing, &itself, "DeadLetterConfig.TargetArn");
                self.entitled(thing, "Role");
            }
            "AWS::Serverless::Function" => self.entitled(thing, "Role"),
            "AWS::StepFunctions::StateMachine" => self.entitled(thing, "RoleArn"),
            "AWS::Lambda::EventInvokeConfig" => self.destinations(thing),
            "AWS::S3::Bucket" => self.notifications(thing),
            "AWS::Events::Rule" => self.rule(thing),
            "AWS::Scheduler::Schedule" => self.schedule(thing),
            "AWS::Pipes::Pipe" => self.pipe(thing),
            "AWS::Logs::SubscriptionFilter" => self.log(thing),
            "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm" => self.alarm(thing),
            "AWS::ApiGatewayV2::ApiMapping" => self.domain(thing, "ApiId"),
            "AWS::ApiGateway::BasePathMapping" => self.domain(thing, "RestApiId"),
            _ => {}
        }
    }

    fn add(&mut self, by: ResourceView<'_>, from: Option<End>, to: Option<End>, kind: EdgeKind, only: Option<&Json>) {
        if let (Some(from), Some(to)) = (from, to) {
            self.found.push(Edge { from, to, kind, by: by.id.clone(), only: only.cloned() });
        }
    }

    fn end(&self, thing: ResourceView<'a>, place: &str) -> Option<End> {
        end(self.facts, thing.field(place).value()?)
    }

    fn dead_letter(&mut self, by: ResourceView<'a>, from: &End, place: &str) {
        self.add(by, Some(from.clone()), self.end(by, place), EdgeKind::DeadLetter, None);
    }

    fn subscription(&mut self, thing: ResourceView<'a>) {
        let topic = self.end(thing, "TopicArn");
        let filter = thing.field("FilterPolicy").value();
        self.add(thing, topic.clone(), self.end(thing, "Endpoint"), EdgeKind::Subscription, filter);
        if let Some(topic) = topic {
            self.dead_letter(thing, &topic, "RedrivePolicy.deadLetterTargetArn");
        }
    }

    fn inline_subscriptions(&mut self, topic: ResourceView<'a>) {
        for subscription in topic.list("Subscription") {
            let to = subscription.get("Endpoint").and_then(|endpoint| end(self.facts, endpoint));
            self.add(topic, Some(End::Resource(topic.id.clone())), to, EdgeKind::Subscription, None);
        }
    }

    fn event_source(&mut self, thing: ResourceView<'a>) {
        if thing.truth_or("Enabled", true) == Some(false) {
            return;
        }
        let source = self.end(thing, "EventSourceArn");
        let filter = thing.field("FilterCriteria").value();
        self.add(thing, source.clone(), self.end(thing, "FunctionName"), EdgeKind::EventSource, filter);
        if let Some(source) = source {
            self.dead_letter(thing, &source, "DestinationConfig.OnFailure.Destination");
        }
    }

    fn destinations(&mut self, thing: ResourceView<'a>) {
        let function = self.end(thing, "FunctionName");
        for (place, kind) in [("OnSuccess", EdgeKind::Success), ("OnFailure", EdgeKind::Failure)] {
            let to = self.end(thing, &format!("DestinationConfig.{place}.Destination"));
            self.add(thing, function.clone(), to, kind, None);
        }
    }

    fn notifications(&mut self, bucket: ResourceView<'a>) {
        let itself = Some(End::Resource(bucket.id.clone()));
        for (list, target) in
            [("LambdaConfigurations", "Function"), ("QueueConfigurations", "Queue"), ("TopicConfigurations", "Topic")]
        {
            for one in bucket.list(&format!("NotificationConfiguration.{list}")) {
                let to = one.get(target).and_then(|to| end(self.facts, to));
                let event = one.get("Event").and_then(Json::as_str).unwrap_or("every event").to_owned();
                self.add(bucket, itself.clone(), to, EdgeKind::Notification(event), one.get("Filter"));
            }
        }
    }

    fn rule(&mut self, rule: ResourceView<'a>) {
        if rule.literal("State").as_deref() == Some("DISABLED") {
            return;
        }
        let itself = Some(End::Resource(rule.id.clone()));
        for target in rule.list("Targets") {
            let to = target.get("Arn").and_then(|arn| end(self.facts, arn));
            self.add(rule, itself.clone(), to, EdgeKind::Rule, None);
            let dead = target.get("DeadLetterConfig").and_then(|config| config.get("Arn"));
            self.add(rule, itself.clone(), dead.and_then(|arn| end(self.facts, arn)), EdgeKind::DeadLetter, None);
        }
        let bus = self.end(rule, "EventBusName").filter(|bus| bus.resource().is_some());
        self.add(rule, bus, itself, EdgeKind::Rule, rule.field("EventPattern").value());
    }

    fn schedule(&mut self, schedule: ResourceView<'a>) {
        if schedule.literal("State").as_deref() == Some("DISABLED") {
            return;
        }
        let itself = End::Resource(schedule.id.clone());
        self.add(schedule, Some(itself.clone()), self.end(schedule, "Target.Arn"), EdgeKind::Rule, None);
        self.dead_letter(schedule, &itself, "Target.DeadLetterConfig.Arn");
    }

    fn pipe(&mut self, pipe: ResourceView<'a>) {
        if pipe.literal("DesiredState").as_deref() == Some("STOPPED") {
            return;
        }
        let filter = pipe.field("SourceParameters.FilterCriteria").value();
        self.add(pipe, self.end(pipe, "Source"), self.end(pipe, "Target"), EdgeKind::EventSource, filter);
    }

    fn log(&mut self, thing: ResourceView<'a>) {
        let filter = thing.field("FilterPattern").value().filter(|pattern| pattern.as_str() != Some(""));
        let (from, to) = (self.end(thing, "LogGroupName"), self.end(thing, "DestinationArn"));
        self.add(thing, from, to, EdgeKind::Log, filter);
    }

    fn alarm(&mut self, alarm: ResourceView<'a>) {
        if alarm.truth_or("ActionsEnabled", true) == Some(false) {
            return;
        }
        for action in alarm.list("AlarmActions") {
            let to = end(self.facts, action);
            self.add(alarm, Some(End::Resource(alarm.id.clone())), to, EdgeKind::Alarm, None);
        }
    }

    fn domain(&mut self, mapping: ResourceView<'a>, api: &str) {
        self.add(mapping, self.end(mapping, "DomainName"), self.end(mapping, api), EdgeKind::Domain, None);
    }

    /// What a function's role lets it send and read. Permissions on every resource are no edge: they name none.
    fn entitled(&mut self, thing: ResourceView<'a>, role: &str) {
        let Some(role) = thing.field(role).value().and_then(|role| self.facts.target(role, "AWS::IAM::Role")) else {
            return;
        };
        for (kind, to) in self.entitled.get(role.id).cloned().unwrap_or_default() {
            self.add(thing, Some(End::Resource(thing.id.clone())), Some(to), kind, None);
        }
    }
}

#[cfg(test)]
mod tests;
