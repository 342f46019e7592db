//! The architecture: what there is, and what leads where.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    lambda::Lambda,
    provision::Provisioned,
    sns::{Sns, endpoint::neighbour},
    sqs::Sqs,
    wire::post::origin,
};

/// Nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Picture {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

/// Something that events come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Node {
    /// Its kind and name, as `queue:orders`.
    pub(crate) id: String,
    /// `outside`, `api`, `function`, `topic`, `queue`, or `neighbour`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// A way that events take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// `route`, `calls`, `delivers`, `feeds`, or `gives up to`.
    pub(crate) how: &'static str,
    /// The route's key.
    pub(crate) label: String,
}

/// The picture of what was made. What a function calls follows from its variables: whoever may send to a queue knows its URL.
pub(crate) fn picture(made: &Provisioned, sqs: &Sqs, sns: &Sns, lambda: &Lambda) -> Picture {
    let mut nodes = BTreeSet::new();
    let mut edges = BTreeSet::new();
    let mut draw = |from: &str, to: &str, how, label: &str| {
        edges.insert(Edge { from: from.to_owned(), to: to.to_owned(), how, label: label.to_owned() });
    };
    let mut node = |kind: &'static str, name: &str| {
        let id = if name.is_empty() { kind.to_owned() } else { format!("{kind}:{name}") };
        nodes.insert(Node { id: id.clone(), kind, name: name.to_owned() });
        id
    };
    if !made.api.routes.is_empty() {
        let (outside, api) = (node("outside", ""), node("api", ""));
        draw(&outside, &api, "calls", "");
        for route in &made.api.routes {
            draw(&api, &node("function", last(&route.function)), "route", &route.key.to_string());
        }
    }
    let (queues, topics) = (sqs.all(), sns.subscribed());
    for queue in &queues {
        let from = node("queue", queue.name());
        if let Some(redrive) = queue.attributes().redrive {
            draw(&from, &node("queue", last(&redrive.target)), "gives up to", "");
        }
    }
    for (arn, subscriptions) in &topics {
        let from = node("topic", last(arn));
        for (protocol, endpoint) in subscriptions {
            let to = match protocol.as_str() {
                "lambda" => node("function", last(endpoint)),
                "sqs" => node("queue", last(endpoint)),
                _ => node("neighbour", &neighbour(endpoint)),
            };
            draw(&from, &to, "delivers", "");
        }
    }
    for (function, _) in lambda.functions() {
        let from = node("function", &function.name);
        let own: Vec<_> = made
            .sources
            .iter()
            .filter(|(source, _)| last(&source.function) == function.name)
            .map(|(_, queue)| queue)
            .collect();
        own.iter().for_each(|queue| draw(&format!("queue:{}", queue.name()), &from, "feeds", ""));
        for value in function.variables.values() {
            if let Some((arn, _)) = topics.iter().find(|(arn, _)| arn == value) {
                draw(&from, &node("topic", last(arn)), "calls", "");
            } else if let Some(queue) = queues.iter().find(|queue| queue.url() == value || queue.arn() == value) {
                // What feeds it, it gives back only: that is no way of its own.
                if !own.iter().any(|fed| fed.name() == queue.name()) {
                    draw(&from, &node("queue", queue.name()), "calls", "");
                }
            } else if let Some(origin) = origin(value) {
                draw(&from, &node("neighbour", &origin), "calls", "");
            }
        }
    }
    Picture { nodes: nodes.into_iter().collect(), edges: edges.into_iter().collect() }
}

/// What an ARN names.
fn last(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
