//! Who may newly do what on what, and who no longer.
//!
//! Every policy of a template becomes statements in normal form, whatever way it is written in and wherever it stands:
//! what a role may do, who may become it, who may do what with a queue, a key, a function. What is said about one thing
//! is compared as sets of requests: wider, narrower, both or equal. Statements that are only split, joined or reordered
//! are equal.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod area;
mod compare;
mod judge;
mod names;
mod pattern;
mod policies;
mod say;
mod statement;

use std::collections::BTreeSet;

use self::{
    compare::Delta,
    judge::Judge,
    names::Names,
    policies::{Policies, Side, Subject},
    say::{Said, Sayings, Way},
    statement::{Named, Reader},
};
use super::{
    Action, Answer, Detail, Fact, Guard, Risk,
    compared::Compared,
    fold::{changed_around, changed_at},
};
use cfn::{LogicalId, Path, view};

/// Who may newly do what on what, and who no longer.
pub(super) fn find(compared: &Compared<'_>) -> Answer {
    if !touches_policies(compared) {
        return Answer::default();
    }
    let (old, new) = Names::of(compared);
    let sides = Sides {
        before: policies::all(&Reader { names: &old, compared }),
        after: policies::all(&Reader { names: &new, compared }),
    };
    Answer { facts: facts(compared, &old, &new, &sides), unchanged: unchanged(compared, &sides) }
}

/// Whether a policy, or what is attached to somebody, differs at all. Most changes leave them alone, and reading all of
/// them takes the longest of all questions.
fn touches_policies(compared: &Compared<'_>) -> bool {
    compared.changes.iter().any(|change| {
        let named = |key: &str| key.contains("Polic") || key.contains("Permission");
        policies::is_policy(&change.kind) || change.properties.iter().any(|property| property.path.keys().any(named))
    })
}

/// The policies of both templates.
struct Sides {
    before: Policies,
    after: Policies,
}

fn facts<'a>(compared: &'a Compared<'a>, old_names: &Names<'a>, new_names: &'a Names<'a>, sides: &Sides) -> Vec<Fact> {
    let Sides { before, after } = sides;
    let judge = Judge { compared, names: new_names };
    let mut sayings = Sayings::default();
    let subjects: BTreeSet<&Subject> = before.statements.keys().chain(after.statements.keys()).collect();
    for subject in subjects.into_iter().filter(|subject| judge.is_there(subject)) {
        sayings.add(&judge, subject, Delta::of(before.about(subject), after.about(subject)));
    }
    let said = sayings.said().into_iter();
    let mut facts: Vec<Fact> = said.map(|said| fact(compared, &said, &[before, after])).collect();
    facts.extend(managed(&judge, before, after));
    facts.extend(boundaries(compared, old_names, new_names));
    facts.sort_by_key(|fact| RANK.iter().position(|id| *id == fact.id));
    facts
}

/// The ids of facts about access, the most dangerous first.
const RANK: [&str; 15] = [
    "public-principal",
    "cross-account-access",
    "sensitive-access",
    "managed-policy-attached",
    "boundary-removed",
    "boundary-changed",
    "deny-removed",
    "access-widened",
    "new-role-access",
    "tls-only-removed",
    "access-narrowed",
    "managed-policy-detached",
    "deny-added",
    "boundary-added",
    "tls-only-added",
];

fn fact(compared: &Compared<'_>, said: &Said, sides: &[&Policies; 2]) -> Fact {
    let (id, risk, guards): (_, _, &[Guard]) = match said.way {
        Way::Newly if said.marks.public => {
            ("public-principal", Risk::Exposure, &[Guard::PublicPrincipal, Guard::WidenIam])
        }
        Way::Newly if said.marks.foreign => {
            ("cross-account-access", Risk::Exposure, &[Guard::CrossAccount, Guard::WidenIam])
        }
        Way::Newly if said.marks.sensitive => ("sensitive-access", Risk::Access, &[Guard::WidenIam]),
        Way::Newly if said.marks.new_role => ("new-role-access", Risk::Access, &[Guard::WidenIam]),
        Way::Newly => ("access-widened", Risk::Access, &[Guard::WidenIam]),
        Way::Unbarred if said.marks.transport => ("tls-only-removed", Risk::Protection, &[Guard::WeakenProtection]),
        Way::Unbarred => ("deny-removed", Risk::Access, &[Guard::WidenIam]),
        Way::Gone => ("access-narrowed", Risk::Access, &[]),
        Way::Barred if said.marks.transport => ("tls-only-added", Risk::Note, &[]),
        Way::Barred => ("deny-added", Risk::Access, &[]),
    };
    let mut subjects: Vec<&LogicalId> = said.about.iter().filter_map(|one| logical_id(compared, &one.name)).collect();
    let places = said.about.iter().flat_map(|one| sides.iter().filter_map(|side| side.places.get(one))).flatten();
    let places: Vec<&Path> = places.collect();
    if subjects.is_empty() {
        // About something outside: the policy itself stands for it, so that it can be allowed by name.
        let policies = places.iter().filter_map(|place| logical_id(compared, place.resource_id()?));
        subjects.extend(policies.filter(|id| compared.change(id.as_str()).is_some()));
    }
    subjects.dedup();
    let mut explains: Vec<Path> = places.into_iter().flat_map(|place| changed(compared, place)).collect();
    if said.marks.new_role {
        explains.extend(subjects.iter().map(|id| Path::resource(id.as_str())));
    }
    let widens = said.marks.widens || said.marks.public || said.marks.foreign || said.way == Way::Unbarred;
    Fact {
        details: said.details().into_iter().map(Detail::text).collect(),
        guards: guards.iter().copied().filter(|_| widens).collect(),
        explains,
        ..Fact::new(id, risk, &subjects, said.sentence(&users(compared, said)))
    }
}

/// The functions that have a role which may newly do something.
fn users(compared: &Compared<'_>, said: &Said) -> Vec<String> {
    if said.side != Side::Identity || !matches!(said.way, Way::Newly | Way::Unbarred) {
        return Vec::new();
    }
    let facts = compared.new.facts();
    let functions = facts.all("AWS::Lambda::Function").filter(|function| {
        let role = function.field("Role").value().and_then(|role| facts.target(role, "AWS::IAM::Role"));
        role.is_some_and(|role| said.about.iter().any(|about| about.name == role.id.as_str()))
    });
    functions.map(|function| function.id.to_string()).collect()
}

/// The changes that a policy's place is about; a resource that is nothing but a policy is told as a whole.
fn changed(compared: &Compared<'_>, place: &Path) -> Vec<Path> {
    let Some(id) = place.resource_id() else { return Vec::new() };
    let Some(change) = compared.change(id) else { return Vec::new() };
    if policies::is_policy(&change.kind) && change.action != Action::Changed {
        return vec![Path::resource(id)];
    }
    changed_around(compared, &change.id, place)
}

/// The changes of policies that allow and deny what they did before: no fact tells them.
fn unchanged(compared: &Compared<'_>, Sides { before, after }: &Sides) -> Vec<Path> {
    let subjects: BTreeSet<&Subject> = before.statements.keys().chain(after.statements.keys()).collect();
    let same = subjects.into_iter().filter(|subject| Delta::of(before.about(subject), after.about(subject)).is_empty());
    let places = same.flat_map(|one| [before, after].into_iter().filter_map(|side| side.places.get(one))).flatten();
    let mut places: Vec<Path> = places.flat_map(|place| changed(compared, place)).collect();
    places.dedup();
    places
}

/// A resource of either template.
fn logical_id<'a>(compared: &'a Compared<'_>, id: &str) -> Option<&'a LogicalId> {
    let of = |template: &'a cfn::Template| template.resources.get_key_value(id).map(|(id, _)| id);
    of(&compared.new.template).or_else(|| of(&compared.old.template))
}

/// Managed policies of AWS or of others that a role, user or group has newly, or no longer.
fn managed(judge: &Judge<'_, '_>, before: &Policies, after: &Policies) -> Vec<Fact> {
    let mut facts = Vec::new();
    let compared = judge.compared;
    let ids: BTreeSet<&String> = before.managed.keys().chain(after.managed.keys()).collect();
    for id in ids {
        let Some(thing) = judge.names.thing(id) else { continue };
        let of = |policies: &Policies| policies.managed.get(id).cloned().unwrap_or_default();
        let (old, new) = (of(before), of(after));
        let lacks = |list: &[Named], one: &Named| !list.iter().any(|other| other.pattern == one.pattern);
        for one in new.iter().filter(|one| lacks(&old, one)) {
            let small = view::policies::SMALL_MANAGED.contains(&one.shown.as_str());
            if small && judge.is_new(id) {
                continue;
            }
            let all = if one.shown == "AdministratorAccess" { ": it may do everything" } else { "" };
            let sentence = format!("{id} newly has the managed policy {}{all}", one.shown);
            let guards = if small { Vec::new() } else { vec![Guard::WidenIam] };
            let explains = changed_at(compared, thing.id, "ManagedPolicyArns");
            let fact = Fact::new("managed-policy-attached", Risk::Access, &[thing.id], sentence);
            facts.push(Fact { guards, explains, ..fact });
        }
        for one in old.iter().filter(|one| lacks(&new, one)) {
            let sentence = format!("{id} no longer has the managed policy {}", one.shown);
            let explains = changed_at(compared, thing.id, "ManagedPolicyArns");
            let fact = Fact::new("managed-policy-detached", Risk::Access, &[thing.id], sentence);
            facts.push(Fact { explains, ..fact });
        }
    }
    facts
}

/// Limits of what a role or user may be given.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
fn boundaries(compared: &Compared<'_>, old_names: &Names<'_>, new_names: &Names<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for pair in compared.pairs().filter(|pair| ["AWS::IAM::Role", "AWS::IAM::User"].contains(&pair.new.kind.as_str())) {
        let path = Path::resource(pair.new_id.as_str()).key("Properties").key("PermissionsBoundary");
        let of = |properties: &serde_json::Map<String, serde_json::Value>, names: &Names<'_>| {
            let value = properties.get("PermissionsBoundary")?;
            let shown = names.shown(compared, &path, value);
            let name = shown.rsplit('/').next().unwrap_or(&shown).to_owned();
            Some((names.pattern(value, names::Wild::No), name))
        };
        let id = pair.new_id;
        let (name, sentence, guards) = match (of(&pair.old.properties, old_names), of(&pair.new.properties, new_names))
        {
            (Some((_, boundary)), None) => (
                "boundary-removed",
                format!("{id} is no longer limited by the permissions boundary {boundary}"),
                vec![Guard::WidenIam],
            ),
            (Some((before, _)), Some((after, boundary))) if before != after => (
                "boundary-changed",
                format!("{id} is limited by another permissions boundary, {boundary}"),
                vec![Guard::WidenIam],
            ),
            (None, Some((_, boundary))) => {
                ("boundary-added", format!("{id} is newly limited by the permissions boundary {boundary}"), Vec::new())
            }
            _ => continue,
        };
        let explains = changed_at(compared, id, "PermissionsBoundary");
        facts.push(Fact { guards, explains, ..Fact::new(name, Risk::Access, &[id], sentence) });
    }
    facts
}

#[cfg(test)]
mod tests;
