//! How long a deployment will take: an estimate, from what the same stack's deployments took before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_cloudformation::types::{ChangeAction, Replacement, ResourceChange};
use cfn::Template;

use super::{
    duration,
    spans::{Span, Timeline, needs},
};
use crate::{colour::s, operations::Operation};

/// A change that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The logical id.
    pub(crate) id: String,
    /// Such as `AWS::SQS::Queue`.
    pub(crate) kind: String,
    /// `CREATE`, `UPDATE` or `DELETE`; a replacement is a `CREATE`.
    pub(crate) action: &'static str,
}

impl Planned {
    /// What a change of a change set comes to; nothing where the thing itself stays as it is.
    pub(super) fn of(change: &ResourceChange) -> Option<Self> {
        let action = match (change.action()?, change.replacement()) {
            (ChangeAction::Add, _) | (ChangeAction::Modify, Some(Replacement::True)) => "CREATE",
            (ChangeAction::Modify, _) => "UPDATE",
            (ChangeAction::Remove, _) => "DELETE",
            _ => return None,
        };
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Self { id: text(change.logical_resource_id())?, kind: text(change.resource_type())?, action })
    }
}

/// What a deployment will take, and how that is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// How long it will take.
    pub(crate) time: Duration,
    /// The chain that it will wait for.
    pub(crate) chain: Vec<String>,
    /// How many deployments that is known from.
    pub(crate) deployments: usize,
    /// The types that were never seen: they count as nothing.
    pub(crate) unknown: BTreeSet<String>,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { time, deployments, unknown, .. } = self;
        write!(
            out,
            "about {}, an estimate from {deployments} deployment{} of this stack",
            duration(*time),
            s(*deployments)
        )?;
        if !unknown.is_empty() {
            let types: Vec<_> = unknown.iter().map(String::as_str).collect();
            write!(out, ", without {}, which it has not seen yet", types.join(", "))?;
        }
        Ok(())
    }
}

/// Estimates how long these changes will take; nothing when nothing is known of any of them.
///
/// `template` is the one that will be deployed; `past` are operations of the stack, the newest first.
pub(crate) fn estimate(planned: &[Planned], template: &Template, past: &[Operation]) -> Option<Estimate> {
    let seen: Vec<_> = past.iter().filter(|operation| operation.succeeded()).collect();
    let timelines: Vec<_> = seen.iter().map(|operation| Timeline::of(operation, template)).collect();
    let measured = Measured::of(&timelines);
    let mut unknown = BTreeSet::new();
    let mut times = BTreeMap::new();
    for change in planned {
        match measured.of_change(change) {
            Some(seconds) => times.insert(change.id.as_str(), seconds),
            None => {
                unknown.insert(change.kind.clone());
                times.insert(change.id.as_str(), 0.0)
            }
        };
    }
    if planned.is_empty() || planned.iter().all(|change| unknown.contains(&change.kind)) {
        return None;
    }
    let needs = needs(template);
    let mut ends = BTreeMap::new();
    times.keys().for_each(|id| {
        end(id, &times, &needs, &mut ends, needs.len());
    });
    let (last, (seconds, _)) = ends.iter().max_by(|(_, one), (_, other)| one.0.total_cmp(&other.0))?;
    let around = median(
        seen.iter()
            .zip(&timelines)
            .map(|(operation, timeline)| (operation.took().as_secs_f64() - timeline.critical_end()).max(0.0)),
    );
    let mut chain = vec![(*last).to_owned()];
    let mut before = ends.get(last).and_then(|(_, before)| *before);
    while let Some(id) = before {
        chain.push(id.to_owned());
        before = ends.get(id).and_then(|(_, before)| *before);
    }
    chain.reverse();
    chain.retain(|id| times.contains_key(id.as_str()));
    let time = Duration::from_secs_f64(seconds + around.unwrap_or_default());
    Some(Estimate { time, chain, deployments: seen.len(), unknown })
}

/// When each is done, in seconds after the beginning, and what it waits for.
type Ends<'a> = BTreeMap<&'a str, (f64, Option<&'a str>)>;

fn end<'a>(
    id: &'a str,
    times: &BTreeMap<&'a str, f64>,
    needs: &'a BTreeMap<String, BTreeSet<String>>,
    ends: &mut Ends<'a>,
    // Templates have no circles; one that has some ends here.
    deepest: usize,
) -> f64 {
    if let Some((seconds, _)) = ends.get(id) {
        return *seconds;
    }
    let mut last: (f64, Option<&'a str>) = (0.0, None);
    if deepest > 0 {
        for needed in needs.get(id).into_iter().flatten() {
            // What is not changed takes no time, but may need something that is.
            let seconds = end(needed, times, needs, ends, deepest - 1);
            if seconds > last.0 {
                last = (seconds, Some(needed));
            }
        }
    }
    let seconds = last.0 + times.get(id).copied().unwrap_or_default();
    ends.insert(id, (seconds, last.1));
    seconds
}

/// What was measured before, in seconds: of each resource, and of each type.
struct Measured<'a> {
    resources: BTreeMap<(&'a str, &'a str), Vec<f64>>,
    types: BTreeMap<(&'a str, &'a str), Vec<f64>>,
}

impl<'a> Measured<'a> {
    fn of(timelines: &'a [Timeline]) -> Self {
        let mut measured = Self { resources: BTreeMap::new(), types: BTreeMap::new() };
        let spans = timelines.iter().flat_map(|timeline| &timeline.spans);
        for span in spans.filter(|span| !span.failed && !span.open) {
            let Span { id, kind, action, seconds, .. } = span;
            measured.resources.entry((id, action)).or_default().push(*seconds);
            measured.types.entry((kind, action)).or_default().push(*seconds);
        }
        measured
    }

    /// The median of the resource itself; otherwise of its type.
    fn of_change(&self, change: &Planned) -> Option<f64> {
        let own = self.resources.get(&(change.id.as_str(), change.action));
        let times = own.or_else(|| self.types.get(&(change.kind.as_str(), change.action)))?;
        median(times.iter().copied())
    }
}

fn median(times: impl Iterator<Item = f64>) -> Option<f64> {
    let mut times: Vec<_> = times.collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{super::spans::tests::sample, *};

    /// The sample, as if it had gone well.
    fn past() -> (Vec<Operation>, Template) {
        let (mut operation, template) = sample();
        for event in &mut operation.events {
            event.status = event.status.replace("FAILED", "COMPLETE");
        }
        (vec![operation], template)
    }

    fn planned(id: &str, kind: &str) -> Planned {
        Planned { id: id.to_owned(), kind: kind.to_owned(), action: "CREATE" }
    }

    #[test]
    fn what_was_done_before_takes_as_long_again() {
        let (past, template) = past();
        let all = [
            ("Certificate", "T::Certificate"),
            ("Queue", "T::Queue"),
            ("Domain", "T::Domain"),
            ("Record", "T::Record"),
        ];
        let planned: Vec<_> = all.iter().map(|(id, kind)| planned(id, kind)).collect();
        let estimate = estimate(&planned, &template, &past).unwrap();
        assert_eq!(estimate.chain, ["Certificate", "Domain", "Record"]);
        // 98 s, 30 s and 40 s, and 2 s around them.
        assert_eq!(estimate.to_string(), "about 2 min 50 s, an estimate from 1 deployment of this stack");
    }

    #[test]
    fn a_new_resource_takes_what_its_type_took_and_what_was_never_seen_is_named() {
        let (past, template) = past();
        let changes = [planned("Other", "T::Queue"), planned("Table", "T::Table")];
        let said = estimate(&changes, &template, &past).unwrap().to_string();
        assert_eq!(
            said,
            "about 12 s, an estimate from 1 deployment of this stack, without T::Table, which it has not seen yet"
        );
        assert_eq!(estimate(&changes[1..], &template, &past), None);
        assert_eq!(estimate(&[], &template, &past), None);
        assert_eq!(estimate(&changes, &template, &[]), None);
    }
}
