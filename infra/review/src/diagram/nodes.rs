//! The boxes and lines of a template's picture.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Edge, Flow, Mark, Node, Picture, Shape};
use crate::flow::{self, Authorization, EdgeKind, End};
use cfn::{Resource, Template};
use names::Names;

const ALARMS: [&str; 2] = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];

/// What is drawn even if nothing reaches it, and what it is called.
const DRAWN: [(&str, Shape, &str); 20] = [
    ("AWS::ApiGateway::DomainName", Shape::Domain, "custom domain"),
    ("AWS::ApiGateway::RestApi", Shape::Api, "REST API"),
    ("AWS::ApiGatewayV2::Api", Shape::Api, "HTTP API"),
    ("AWS::ApiGatewayV2::DomainName", Shape::Domain, "custom domain"),
    ("AWS::DynamoDB::GlobalTable", Shape::Store, "global table"),
    ("AWS::DynamoDB::Table", Shape::Store, "table"),
    ("AWS::Events::EventBus", Shape::Topic, "event bus"),
    ("AWS::Events::Rule", Shape::Other, "rule"),
    ("AWS::Kinesis::Stream", Shape::Queue, "stream"),
    ("AWS::KinesisFirehose::DeliveryStream", Shape::Queue, "delivery stream"),
    ("AWS::Lambda::Function", Shape::Function, "function"),
    ("AWS::Pipes::Pipe", Shape::Other, "pipe"),
    ("AWS::S3::Bucket", Shape::Store, "bucket"),
    ("AWS::SNS::Topic", Shape::Topic, "topic"),
    ("AWS::SQS::Queue", Shape::Queue, "queue"),
    ("AWS::SSM::Parameter", Shape::Secret, "parameter"),
    ("AWS::Scheduler::Schedule", Shape::Other, "schedule"),
    ("AWS::SecretsManager::Secret", Shape::Secret, "secret"),
    ("AWS::Serverless::Function", Shape::Function, "function"),
    ("AWS::StepFunctions::StateMachine", Shape::Function, "state machine"),
];

/// A line between boxes, by their ids.
struct Line {
    from: String,
    to: String,
    flow: Flow,
    note: &'static str,
}

pub(super) fn picture(template: &Template) -> Picture {
    let edges = flow::edges(template);
    let mut nodes = resources(template, &edges);
    let mut lines: Vec<Line> =
        edges.iter().filter(|edge| !matches!(edge.kind, EdgeKind::Route(_) | EdgeKind::Alarm)).map(line).collect();
    for route in flow::routes(template) {
        let node = route_node(&route);
        let passes =
            |from: &str, to: &str| Line { from: from.to_owned(), to: to.to_owned(), flow: Flow::Event, note: "" };
        lines.push(passes(&id(&route.api), &node.id));
        lines.extend(route.to.iter().map(|to| passes(&node.id, &id(to))));
        nodes.push(node);
    }
    for (told, alarms) in alarms(template, &edges) {
        let node = alarms_node(&told, &alarms);
        lines.extend(told.into_iter().map(|to| Line { from: node.id.clone(), to, flow: Flow::Alarms, note: "" }));
        nodes.push(node);
    }
    let title = template.description.clone().unwrap_or_else(|| "Architecture".to_owned());
    Picture { title, note: counted(&nodes), edges: joined(&nodes, lines), nodes }
}

/// Lines as they are drawn, each once.
fn joined(nodes: &[Node], lines: Vec<Line>) -> Vec<Edge> {
    let places: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
    let mut all: BTreeMap<(usize, usize, Flow), BTreeSet<&str>> = BTreeMap::new();
    for Line { from, to, flow, note } in &lines {
        if let (Some(from), Some(to)) = (places.get(from.as_str()), places.get(to.as_str())) {
            all.entry((*from, *to, *flow)).or_default().insert(note);
        }
    }
    let edge = |((from, to, flow), notes): ((usize, usize, Flow), BTreeSet<&str>)| {
        let notes: Vec<&str> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        Edge { from, to, flow, note: notes.join(", "), mark: Mark::Same }
    };
    all.into_iter().map(edge).collect()
}

fn line(edge: &flow::Edge) -> Line {
    let flow = match &edge.kind {
        EdgeKind::DeadLetter | EdgeKind::Failure => Flow::Failure,
        EdgeKind::Alarm => Flow::Alarms,
        EdgeKind::Reads => Flow::Read,
        EdgeKind::Route(_)
        | EdgeKind::Domain
        | EdgeKind::Subscription
        | EdgeKind::EventSource
        | EdgeKind::Success
        | EdgeKind::Notification(_)
        | EdgeKind::Rule
        | EdgeKind::Log
        | EdgeKind::Sends => Flow::Event,
    };
    Line { from: id(&edge.from), to: id(&edge.to), flow, note: if edge.only.is_some() { "filtered" } else { "" } }
}

fn id(end: &End) -> String {
    match end {
        End::Resource(id) => id.to_string(),
        End::Other(name) => format!("outside:{name}"),
    }
}

/// What is drawn of the resources, and what edges reach beside them.
fn resources(template: &Template, edges: &[flow::Edge]) -> Vec<Node> {
    let reached: BTreeSet<&End> =
        edges.iter().filter(|edge| edge.kind != EdgeKind::Alarm).flat_map(|edge| [&edge.from, &edge.to]).collect();
    let told = edges.iter().filter(|edge| edge.kind == EdgeKind::Alarm).map(|edge| &edge.to);
    let reached: BTreeSet<&End> = reached.into_iter().chain(told).collect();
    let drawn = |kind: &str| {
        DRAWN.iter().find(|(known, ..)| *known == kind).map(|(_, shape, what)| (*shape, (*what).to_owned()))
    };
    let names = Names::of(template, |resource| drawn(&resource.kind).is_some());
    let mut nodes = Vec::new();
    for (id, resource) in template.resources.iter() {
        let is_reached = reached.contains(&End::Resource(id.clone())) && !ALARMS.contains(&resource.kind.as_str());
        let other = || is_reached.then(|| (Shape::Other, names::kind_in_words(&resource.kind)));
        let Some((shape, what)) = drawn(&resource.kind).or_else(other) else { continue };
        nodes.push(Node {
            id: id.to_string(),
            shape,
            name: names.short(resource).unwrap_or_else(|| id.to_string()),
            note: note(resource, what),
            title: names::whole(id, resource),
            mark: Mark::Same,
        });
    }
    let outside = reached.into_iter().filter(|end| matches!(end, End::Other(_)));
    nodes.extend(outside.map(|end| {
        let name = names::outside(&end.to_string());
        Node {
            id: id(end),
            shape: Shape::Other,
            title: name.clone(),
            name,
            note: "outside of the stack".to_owned(),
            mark: Mark::Same,
        }
    }));
    nodes
}

fn route_node(route: &flow::Route) -> Node {
    let note = match &route.authorization {
        Authorization::None => "open to everyone".to_owned(),
        Authorization::Iam => "callers that IAM allows".to_owned(),
        Authorization::Authorizer(name) => format!("authorizer {name}"),
        other => other.to_string(),
    };
    let (id, name) = (format!("route:{}:{}", id(&route.api), route.key), route.key.clone());
    Node { id, shape: Shape::Route, title: format!("{} ({name}): {note}", route.by), name, note, mark: Mark::Same }
}

/// Alarms, by whom they tell.
fn alarms(template: &Template, edges: &[flow::Edge]) -> BTreeMap<Vec<String>, Vec<String>> {
    let mut all: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (alarm, _) in template.resources.iter().filter(|(_, resource)| ALARMS.contains(&resource.kind.as_str())) {
        let own = edges.iter().filter(|edge| edge.kind == EdgeKind::Alarm && edge.by == *alarm);
        let told: BTreeSet<String> = own.map(|edge| id(&edge.to)).collect();
        all.entry(told.into_iter().collect()).or_default().push(alarm.to_string());
    }
    all
}

fn alarms_node(told: &[String], alarms: &[String]) -> Node {
    let name = if alarms.len() == 1 { "1 alarm".to_owned() } else { format!("{} alarms", alarms.len()) };
    let note = if told.is_empty() { "tell nobody" } else { "tell when something is wrong" };
    Node {
        id: format!("alarms:{}", told.join(",")),
        shape: Shape::Alarm,
        name,
        note: note.to_owned(),
        title: alarms.join(", "),
        mark: Mark::Same,
    }
}

/// `5 functions, 4 queues`.
fn counted(nodes: &[Node]) -> String {
    let count = |(shape, one, many): &(Shape, &str, &str)| {
        let count = nodes.iter().filter(|node| node.shape == *shape).count();
        match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        }
    };
    let kinds = [
        (Shape::Route, "route", "routes"),
        (Shape::Function, "function", "functions"),
        (Shape::Topic, "topic", "topics"),
        (Shape::Queue, "queue", "queues"),
        (Shape::Store, "store", "stores"),
        (Shape::Secret, "secret", "secrets"),
    ];
    kinds.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

/// What it is, with what tells it from others of its kind.
fn note(resource: &Resource, what: String) -> String {
    let value = |key: &str| resource.properties.get(key);
    let number = |key: &str| value(key).and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let is_true =
        |key: &str| value(key).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"));
    match resource.kind.as_str() {
        "AWS::ApiGatewayV2::Api" if value("ProtocolType").and_then(Json::as_str) == Some("WEBSOCKET") => {
            "WebSocket API".to_owned()
        }
        "AWS::Lambda::Function" => match (number("MemorySize"), number("Timeout")) {
            (Some(memory), Some(timeout)) => format!("{what}, {memory} MB, {timeout} s"),
            _ => what,
        },
        "AWS::SQS::Queue" => {
            let what = if is_true("FifoQueue") { "FIFO queue".to_owned() } else { what };
            match number("MessageRetentionPeriod") {
                Some(seconds) if seconds % 86_400 == 0 => format!("{what}, keeps {} d", seconds / 86_400),
                Some(seconds) => format!("{what}, keeps {seconds} s"),
                None => what,
            }
        }
        "AWS::SNS::Topic" if is_true("FifoTopic") => "FIFO topic".to_owned(),
        _ => what,
    }
}
