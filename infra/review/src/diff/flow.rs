//! The way events flow: what reaches what no longer, newly, or only in part.

mod filter;

use std::collections::{BTreeMap, HashMap};

use self::filter::Reach;
use super::{
    Detail, Fact, Guard, Risk,
    compared::Compared,
    fold::{changed_around, changed_at},
    words,
};
use crate::flow::{self, Edge, EdgeKind, End};
use cfn::{LogicalId, Path, Template, view::ResourceView};

/// What tells one way from another: where from, which kind, and the resource that makes it.
type Way = (End, EdgeKind, LogicalId);

/// What reaches what no longer, newly, or only in part.
///
/// Routes and domains are told as what is exposed, and what a role may send as access.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let new_ids: HashMap<&LogicalId, &LogicalId> = compared.pairs().map(|pair| (pair.old_id, pair.new_id)).collect();
    let old = edges(&compared.old.template, |id| new_ids.get(id).copied().unwrap_or(id).clone());
    let new = edges(&compared.new.template, LogicalId::clone);
    let mut facts = routes_elsewhere(compared, &new_ids);
    let mut ways: BTreeMap<Way, (Vec<&Edge>, Vec<&Edge>)> = BTreeMap::new();
    // A way that another resource makes now, with the same ends, is the same way.
    let same_ends = |list: &[Edge], edge: &Edge| {
        list.iter().any(|one| one.by != edge.by && one.from == edge.from && one.to == edge.to && one.kind == edge.kind)
    };
    for edge in old.iter().filter(|edge| !same_ends(&new, edge)) {
        ways.entry((edge.from.clone(), edge.kind.clone(), edge.by.clone())).or_default().0.push(edge);
    }
    for edge in new.iter().filter(|edge| !same_ends(&old, edge)) {
        ways.entry((edge.from.clone(), edge.kind.clone(), edge.by.clone())).or_default().1.push(edge);
    }
    let mut said: Vec<Said> = Vec::new();
    for ((from, kind, by), (before, after)) in &ways {
        let lost: Vec<&Edge> =
            before.iter().filter(|edge| !after.iter().any(|one| one.to == edge.to)).copied().collect();
        let won: Vec<&Edge> =
            after.iter().filter(|edge| !before.iter().any(|one| one.to == edge.to)).copied().collect();
        for edge in before {
            let now = after.iter().find(|one| one.to == edge.to);
            facts.extend(now.and_then(|now| other_filter(compared, edge, now)));
        }
        said.extend(moved(compared, from, kind, by, &lost, &won));
    }
    facts.extend(folded(said));
    facts.extend(stopped_functions(compared));
    facts
}

fn edges(template: &Template, new_id: impl Fn(&LogicalId) -> LogicalId) -> Vec<Edge> {
    let told =
        |kind: &EdgeKind| !matches!(kind, EdgeKind::Route(_) | EdgeKind::Domain | EdgeKind::Sends | EdgeKind::Reads);
    let end = |end: End| match end {
        End::Resource(id) => End::Resource(new_id(&id)),
        other => other,
    };
    let edges = flow::edges(template).into_iter().filter(|edge| told(&edge.kind));
    edges
        .map(|Edge { from, to, kind, by, only }| Edge { from: end(from), to: end(to), kind, by: new_id(&by), only })
        .collect()
}

/// One way that ends elsewhere, nowhere, or begins.
#[derive(Clone)]
struct Said {
    id: &'static str,
    from: Vec<String>,
    /// What happens, with `{}` for where it comes from.
    words: String,
    guards: Vec<Guard>,
    subjects: Vec<LogicalId>,
    explains: Vec<Path>,
}

fn moved(
    compared: &Compared<'_>,
    from: &End,
    kind: &EdgeKind,
    by: &LogicalId,
    lost: &[&Edge],
    won: &[&Edge],
) -> Option<Said> {
    let is_there = |end: &End, template: &Template| {
        end.resource().is_none_or(|id| template.resources.contains_key(id) || compared.pair(id.as_str()).is_some())
    };
    let names = |edges: &[&Edge]| {
        let names: Vec<String> = edges.iter().map(|edge| edge.to.to_string()).collect();
        words::shortened(&names, 3)
    };
    let explains = || {
        let whole = Path::resource(by.as_str());
        if compared.pair(by.as_str()).is_none() { vec![whole] } else { places(compared, kind, by) }
    };
    let said = |id, words: String, guards: &[Guard]| {
        let explains = explains();
        Some(Said {
            id,
            from: vec![from.to_string()],
            words,
            guards: guards.to_vec(),
            subjects: vec![by.clone()],
            explains,
        })
    };
    match (lost, won) {
        ([], []) => None,
        ([], won) => {
            // A new thing with all that comes with it is told as a new thing.
            let is_new = |end: &End| end.resource().is_some_and(|id| compared.pair(id.as_str()).is_none());
            if is_new(from) && won.iter().all(|edge| is_new(&edge.to)) {
                return None;
            }
            let id = if *kind == EdgeKind::DeadLetter { "dead-letters-added" } else { "flow-started" };
            said(id, starts(kind, &names(won)), &[])
        }
        (lost, []) => {
            // Gone with both ends; and what becomes of dead letters and alarms is told as a protection.
            if !is_there(from, &compared.new.template)
                && lost.iter().all(|edge| !is_there(&edge.to, &compared.new.template))
            {
                return None;
            }
            if matches!(kind, EdgeKind::DeadLetter | EdgeKind::Failure | EdgeKind::Alarm) {
                return None;
            }
            said("flow-stopped", stops(kind, &names(lost)), &[Guard::StopFlow])
        }
        (lost, won) => {
            let words = elsewhere(kind, &names(won), &names(lost));
            let guards: &[Guard] = match kind {
                EdgeKind::DeadLetter | EdgeKind::Failure => &[],
                EdgeKind::Alarm => &[Guard::RemoveAlarm],
                _ => &[Guard::StopFlow],
            };
            said("flow-moved", words, guards)
        }
    }
}

fn starts(kind: &EdgeKind, to: &str) -> String {
    match kind {
        EdgeKind::EventSource => format!("{{}} newly feeds {to}"),
        EdgeKind::DeadLetter => format!("what fails behind {{}} newly goes to {to}"),
        EdgeKind::Failure => format!("events that fail in {{}} newly go to {to}"),
        EdgeKind::Success => format!("results of {{}} newly go to {to}"),
        EdgeKind::Notification(event) => format!("{event} of {{}} newly reaches {to}"),
        EdgeKind::Log => format!("lines of {{}} newly reach {to}"),
        EdgeKind::Alarm => format!("{{}} newly tells {to}"),
        _ => format!("{{}} newly reaches {to}"),
    }
}

fn stops(kind: &EdgeKind, to: &str) -> String {
    match kind {
        EdgeKind::EventSource => format!("{{}} no longer feeds {to}: what comes in waits there"),
        EdgeKind::Success => format!("results of {{}} no longer go to {to}"),
        EdgeKind::Notification(event) => format!("{event} of {{}} no longer reaches {to}"),
        EdgeKind::Log => format!("lines of {{}} no longer reach {to}"),
        _ => format!("{{}} no longer reaches {to}"),
    }
}

fn elsewhere(kind: &EdgeKind, to: &str, before: &str) -> String {
    match kind {
        EdgeKind::EventSource => format!("{{}} feeds {to} instead of {before}"),
        EdgeKind::DeadLetter => format!("what fails behind {{}} goes to {to} instead of {before}"),
        EdgeKind::Failure => format!("events that fail in {{}} go to {to} instead of {before}"),
        EdgeKind::Success => format!("results of {{}} go to {to} instead of {before}"),
        EdgeKind::Notification(event) => format!("{event} of {{}} reaches {to} instead of {before}"),
        EdgeKind::Log => format!("lines of {{}} reach {to} instead of {before}"),
        EdgeKind::Alarm => format!("{{}} tells {to} instead of {before}"),
        _ => format!("{{}} reaches {to} instead of {before}"),
    }
}

/// What is the same but for where it comes from is one line.
fn folded(all: Vec<Said>) -> Vec<Fact> {
    let mut groups: Vec<Said> = Vec::new();
    for said in all {
        match groups.iter_mut().find(|one| one.id == said.id && one.words == said.words) {
            Some(one) => {
                one.from.extend(said.from);
                one.subjects.extend(said.subjects);
                one.explains.extend(said.explains);
            }
            None => groups.push(said),
        }
    }
    let facts = groups.into_iter().map(|Said { id, from, words, guards, subjects, explains }| {
        let several = from.len() > 1;
        let words = if several { in_plural(&words) } else { words };
        let sentence = words.replacen("{}", &words::shortened(&from, 3), 1);
        Fact { guards, subjects, explains, ..Fact::new(id, Risk::Flow, &[], sentence) }
    });
    facts.collect()
}

/// A sentence that begins with `{}`, for several.
fn in_plural(words: &str) -> String {
    let verbs = [(" feeds ", " feed "), (" reaches ", " reach "), (" tells ", " tell ")];
    let verb = verbs.iter().find(|(one, _)| words.starts_with("{}") && words.contains(one));
    verb.map_or_else(|| words.to_owned(), |(one, several)| words.replacen(one, several, 1))
}

/// The properties that make a way of a kind.
fn places(compared: &Compared<'_>, kind: &EdgeKind, by: &LogicalId) -> Vec<Path> {
    let places: &[&str] = match kind {
        EdgeKind::Subscription => &["TopicArn", "Endpoint", "Subscription"],
        EdgeKind::EventSource => &["EventSourceArn", "FunctionName", "Enabled", "Source", "Target", "DesiredState"],
        EdgeKind::DeadLetter => &[
            "RedrivePolicy.deadLetterTargetArn",
            "DeadLetterConfig",
            "DestinationConfig",
            "Target.DeadLetterConfig",
            "Targets",
        ],
        EdgeKind::Success | EdgeKind::Failure => &["DestinationConfig"],
        EdgeKind::Notification(_) => &["NotificationConfiguration"],
        EdgeKind::Rule => &["State", "Targets", "Target.Arn", "EventBusName"],
        EdgeKind::Log => &["LogGroupName", "DestinationArn"],
        EdgeKind::Alarm => &["AlarmActions", "ActionsEnabled"],
        EdgeKind::Route(_) | EdgeKind::Domain | EdgeKind::Sends | EdgeKind::Reads => &[],
    };
    places.iter().flat_map(|place| changed_at(compared, by, place)).collect()
}

/// Where filters stand.
const FILTERS: [&str; 6] = [
    "FilterPolicy",
    "FilterPolicyScope",
    "FilterCriteria",
    "EventPattern",
    "FilterPattern",
    "SourceParameters.FilterCriteria",
];

/// A filter that lets pass more, less, or something else.
fn other_filter(compared: &Compared<'_>, old: &Edge, new: &Edge) -> Option<Fact> {
    if old.only == new.only {
        return None;
    }
    let (from, to) = (&new.from, &new.to);
    let place = |name: &str| Path::resource(new.by.as_str()).key("Properties").key(name);
    let shown =
        |value: &Option<serde_json::Value>| value.as_ref().map(|value| compared.show(&place("FilterPolicy"), value));
    let (id, sentence, guards): (_, _, &[Guard]) = match filter::compare(old.only.as_ref(), new.only.as_ref()) {
        Reach::Same => return None,
        Reach::All => ("flow-widened", format!("everything of {from} reaches {to}, without a filter"), &[]),
        Reach::More => ("flow-widened", format!("more of {from} reaches {to}: its filter lets more pass"), &[]),
        Reach::Less if old.only.is_none() => {
            let text = format!("only a part of {from} reaches {to}: a filter lets the rest no longer pass");
            ("flow-narrowed", text, &[Guard::StopFlow])
        }
        Reach::Less => {
            ("flow-narrowed", format!("less of {from} reaches {to}: its filter lets less pass"), &[Guard::StopFlow])
        }
        Reach::Other => (
            "flow-filtered",
            format!("something else of {from} reaches {to}: its filter is another"),
            &[Guard::StopFlow],
        ),
    };
    let details = vec![Detail { text: "filter".to_owned(), old: shown(&old.only), new: shown(&new.only) }];
    let explains = FILTERS.iter().flat_map(|place| changed_at(compared, &new.by, place)).collect();
    let guards = guards.to_vec();
    Some(Fact { details, guards, explains, ..Fact::new(id, Risk::Flow, &[&new.by], sentence) })
}

/// Routes that stay and call something else.
fn routes_elsewhere(compared: &Compared<'_>, new_ids: &HashMap<&LogicalId, &LogicalId>) -> Vec<Fact> {
    let new_end = |end: &End| match end {
        End::Resource(id) => End::Resource(new_ids.get(id).copied().unwrap_or(id).clone()),
        other => other.clone(),
    };
    let old = flow::routes(&compared.old.template);
    let old: HashMap<(End, &str), Option<End>> =
        old.iter().map(|route| ((new_end(&route.api), route.key.as_str()), route.to.as_ref().map(new_end))).collect();
    let mut facts = Vec::new();
    for route in flow::routes(&compared.new.template) {
        let before = old.get(&(route.api.clone(), route.key.as_str())).cloned().flatten();
        let (Some(before), Some(after)) = (before, &route.to) else { continue };
        if before == *after {
            continue;
        }
        let sentence = format!("{} of {} calls {after} instead of {before}", route.key, route.api);
        let mut explains: Vec<Path> =
            ["Target", "Integration.Uri"].iter().flat_map(|place| changed_at(compared, &route.by, place)).collect();
        for integration in compared.pairs().filter(|pair| pair.new.kind == "AWS::ApiGatewayV2::Integration") {
            explains.extend(changed_at(compared, integration.new_id, "IntegrationUri"));
        }
        let guards = vec![Guard::StopFlow];
        facts.push(Fact { guards, explains, ..Fact::new("flow-moved", Risk::Flow, &[&route.by], sentence) });
    }
    facts
}

/// A function with a reservation of nothing runs no more.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>
fn stopped_functions(compared: &Compared<'_>) -> Vec<Fact> {
    let place = "ReservedConcurrentExecutions";
    let none = |thing: ResourceView<'_>| thing.number(place) == Some(0.0);
    let functions = compared.pairs().filter(|pair| pair.new.kind == "AWS::Lambda::Function");
    let stopped = functions.filter(|pair| {
        none(ResourceView { id: pair.new_id, resource: pair.new })
            && !none(ResourceView { id: pair.old_id, resource: pair.old })
    });
    let facts = stopped.map(|pair| {
        let sentence = format!("function {} runs no more: it reserves no concurrency at all", pair.new_id);
        let path = Path::resource(pair.new_id.as_str()).key("Properties").key(place);
        let explains = changed_around(compared, pair.new_id, &path);
        let guards = vec![Guard::StopFlow];
        Fact { guards, explains, ..Fact::new("function-stopped", Risk::Flow, &[pair.new_id], sentence) }
    });
    facts.collect()
}
