//! The architecture as a picture: what the template's events pass, from left to right.
//!
//! [`picture`] reads a template, [`compared`] reads two and marks what differs; [`svg()`] and [`mermaid()`] draw. Drawing knows
//! nothing of templates, and reading nothing of places and colours.

mod layout;
mod mermaid;
mod nodes;
mod svg;

use std::collections::{BTreeMap, HashMap};

pub use mermaid::mermaid;
pub use svg::svg;

use cfn::Template;

/// What is drawn: boxes, and lines between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What it is a picture of.
    pub title: String,
    /// How much of it there is, in a few words.
    pub note: String,
    /// The boxes, in the template's order.
    pub nodes: Vec<Node>,
    /// The lines.
    pub edges: Vec<Edge>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The same for the same thing in every picture of its template: its logical id, as a rule.
    pub id: String,
    /// What it looks like.
    pub shape: Shape,
    /// What it is called: its name without what all names of the template begin with, or its logical id.
    pub name: String,
    /// What it is, in a few words.
    pub note: String,
    /// Everything about it, for those who point at it.
    pub title: String,
    /// What becomes of it.
    pub mark: Mark,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The box it leaves, by its place in [`Picture::nodes`].
    pub from: usize,
    /// The box it reaches.
    pub to: usize,
    /// What goes that way.
    pub flow: Flow,
    /// More of it, in a few words; nothing where there is no more to say.
    pub note: String,
    /// What becomes of it.
    pub mark: Mark,
}

/// What a box looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A function.
    Function,
    /// A queue.
    Queue,
    /// A topic.
    Topic,
    /// An API.
    Api,
    /// A route of an API.
    Route,
    /// A name under which an API is reached.
    Domain,
    /// A secret.
    Secret,
    /// Something that keeps data.
    Store,
    /// Alarms.
    Alarm,
    /// Anything else that events reach.
    Other,
}

/// What goes along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Requests and events.
    Event,
    /// What could not be handled.
    Failure,
    /// Alarms.
    Alarms,
    /// Something is read.
    Read,
}

/// What becomes of a box or a line between two templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It stays as it is.
    Same,
    /// It is there newly.
    Added,
    /// It is there no longer.
    Removed,
    /// It is there, and is another one, or has other properties.
    Changed,
}

/// The picture of a template.
#[must_use]
pub fn picture(template: &Template) -> Picture {
    nodes::picture(template)
}

/// The picture of two templates as one: what is in both, what only one of them has, and what differs.
#[must_use]
pub fn compared(old: &Template, new: &Template) -> Picture {
    let (before, after) = (picture(old), picture(new));
    let mut joined = Picture { note: String::new(), ..after };
    let places: HashMap<String, usize> =
        joined.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
    for node in &mut joined.nodes {
        let was = before.nodes.iter().find(|was| was.id == node.id);
        node.mark = match was {
            None => Mark::Added,
            Some(was) if was == node && old.resources.get(node.id.as_str()) == new.resources.get(node.id.as_str()) => {
                Mark::Same
            }
            Some(_) => Mark::Changed,
        };
    }
    // The place of each old box in the joined picture.
    let mut moved = BTreeMap::new();
    for (at, node) in before.nodes.into_iter().enumerate() {
        let place = places.get(&node.id).copied().unwrap_or_else(|| {
            joined.nodes.push(Node { mark: Mark::Removed, ..node });
            joined.nodes.len() - 1
        });
        moved.insert(at, place);
    }
    let mut was: BTreeMap<(usize, usize, Flow), Edge> = before
        .edges
        .into_iter()
        .filter_map(|edge| {
            let (from, to) = (*moved.get(&edge.from)?, *moved.get(&edge.to)?);
            Some(((from, to, edge.flow), Edge { from, to, ..edge }))
        })
        .collect();
    for edge in &mut joined.edges {
        edge.mark = match was.remove(&(edge.from, edge.to, edge.flow)) {
            None => Mark::Added,
            Some(was) if was.note == edge.note => Mark::Same,
            Some(_) => Mark::Changed,
        };
    }
    joined.edges.extend(was.into_values().map(|edge| Edge { mark: Mark::Removed, ..edge }));
    joined.note = joined.changes();
    joined
}

impl Picture {
    /// How many boxes and lines differ, in words.
    fn changes(&self) -> String {
        let marks = || self.nodes.iter().map(|node| node.mark).chain(self.edges.iter().map(|edge| edge.mark));
        let count = |mark: Mark| marks().filter(|other| *other == mark).count();
        let (added, removed, changed) = (count(Mark::Added), count(Mark::Removed), count(Mark::Changed));
        if added + removed + changed == 0 {
            "nothing differs".to_owned()
        } else {
            format!("{added} added, {removed} removed, {changed} changed")
        }
    }

    /// A line as a sentence.
    fn sentence(&self, edge: &Edge) -> String {
        let name = |at: usize| self.nodes.get(at).map(|node| node.name.as_str()).unwrap_or_default();
        let (from, to) = (name(edge.from), name(edge.to));
        let verb = match edge.flow {
            Flow::Event => "reaches",
            Flow::Failure => "gives up to",
            Flow::Alarms => "tell",
            Flow::Read => "reads",
        };
        let note = if edge.note.is_empty() { String::new() } else { format!(" ({})", edge.note) };
        let mark = match edge.mark {
            Mark::Same => "",
            Mark::Added => "new: ",
            Mark::Removed => "no longer: ",
            Mark::Changed => "changed: ",
        };
        format!("{mark}{from} {verb} {to}{note}")
    }

    /// The whole picture in sentences, for those who cannot see it.
    fn words(&self) -> String {
        let nodes = self.nodes.iter().filter(|node| node.mark != Mark::Same);
        let nodes = nodes.map(|node| format!("{}: {} {}", node.mark.words(), node.note, node.name));
        let edges = self.edges.iter().map(|edge| self.sentence(edge));
        nodes.chain(edges).map(|sentence| sentence + ".").collect::<Vec<_>>().join(" ")
    }
}

impl Shape {
    fn class(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Api => "api",
            Self::Route => "route",
            Self::Domain => "domain",
            Self::Secret => "secret",
            Self::Store => "store",
            Self::Alarm => "alarm",
            Self::Other => "other",
        }
    }
}

impl Flow {
    const ALL: [Self; 4] = [Self::Event, Self::Failure, Self::Alarms, Self::Read];

    fn class(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Failure => "failure",
            Self::Alarms => "alarms",
            Self::Read => "read",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Event => "requests and events",
            Self::Failure => "what could not be handled",
            Self::Alarms => "alarms",
            Self::Read => "reads",
        }
    }
}

impl Mark {
    fn class(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Same => "as it was",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    /// The sign beside what is marked.
    fn sign(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Added => "+",
            Self::Removed => "\u{2212}",
            Self::Changed => "~",
        }
    }
}
