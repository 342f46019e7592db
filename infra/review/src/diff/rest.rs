//! What no other fact tells: what is added, and what changes in place.

use std::collections::{BTreeMap, HashSet};

use super::{
    Action, Change, Consequence, Detail, Fact, PropertyChange, Risk, Undo,
    compared::Compared,
    consequence,
    effects::short,
    words,
    words::{NAMED, subject},
};
use cfn::{LogicalId, Path};

/// One line for the same change of several resources of a type.
pub(super) fn find(compared: &Compared<'_>, told: &[Fact], unchanged: &[Path]) -> Vec<Fact> {
    let told: HashSet<&Path> = told.iter().flat_map(|fact| &fact.explains).chain(unchanged).collect();
    let mut facts = added(compared, &told);
    facts.extend(in_place(compared, &told));
    facts
}

fn added(compared: &Compared<'_>, told: &HashSet<&Path>) -> Vec<Fact> {
    let stays = |change: &Change| {
        let resource = compared.new.template.resources.get(&change.id);
        resource.is_some_and(|resource| consequence::of_removal(resource) == Consequence::Retained)
    };
    let mut kinds: BTreeMap<(&str, bool), Vec<&Change>> = BTreeMap::new();
    let added = compared.changes.iter().filter(|change| change.action == Action::Added);
    // A fact about another type that had this id tells nothing of what is added.
    let had = |change: &Change| compared.old.template.resources.contains_key(&change.id);
    for change in added.filter(|change| had(change) || !told.contains(&Path::resource(change.id.as_str()))) {
        kinds.entry((&change.kind, stays(change))).or_default().push(change);
    }
    let facts = kinds.into_iter().map(|((kind, stays), changes)| {
        let ids: Vec<&LogicalId> = changes.iter().map(|change| &change.id).collect();
        let verb = if ids.len() == 1 { "is added" } else { "are added" };
        let mut fact = Fact::new("added", Risk::Note, &ids, format!("{} {verb}", subject(kind, &ids)));
        fact.details = changes.iter().flat_map(|change| &change.properties).map(detail).collect();
        fact.explains = ids.iter().map(|id| Path::resource(id.as_str())).collect();
        if stays {
            let (they, stay) = if ids.len() == 1 { ("it", "stays") } else { ("they", "stay") };
            fact.undo = Undo::Partly(format!("{they} {stay} outside of the stack, by the DeletionPolicy"));
        }
        fact
    });
    facts.collect()
}

/// The same change of a property, by the resources that have it.
struct Group<'c> {
    first: &'c Change,
    all: Vec<(&'c Change, &'c PropertyChange)>,
}

impl<'c> Group<'c> {
    /// The resources, each once.
    fn ids(&self) -> Vec<&'c LogicalId> {
        let mut ids: Vec<&LogicalId> = Vec::new();
        for (change, _) in &self.all {
            if !ids.contains(&&change.id) {
                ids.push(&change.id);
            }
        }
        ids
    }
}

/// Properties that differ in place, with what they were and are: the same one together.
fn in_place(compared: &Compared<'_>, told: &HashSet<&Path>) -> Vec<Fact> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let both = |change: &&Change| matches!(change.action, Action::Changed | Action::Renamed { .. });
    for change in compared.changes.iter().filter(both) {
        if told.contains(&Path::resource(change.id.as_str())) {
            continue;
        }
        for property in &change.properties {
            // What touches nothing is no news; it stands among the changes.
            let silent =
                property.causes == Consequence::None || around(&property.path).any(|path| told.contains(&path));
            if silent {
                continue;
            }
            // Values that no sentence has room for are no reason for a sentence of their own.
            let key = format!("{} {}", change.kind, one_change(property));
            let at = *places.entry(key).or_insert_with(|| {
                groups.push(Group { first: change, all: Vec::new() });
                groups.len() - 1
            });
            groups.get_mut(at).into_iter().for_each(|group| group.all.push((change, property)));
        }
    }
    // Several properties of the same resources are one line.
    let mut lines: Vec<Group<'_>> = Vec::new();
    let mut known: BTreeMap<(Vec<&LogicalId>, &str), usize> = BTreeMap::new();
    for group in groups {
        let at = *known.entry((group.ids(), &group.first.kind)).or_insert_with(|| {
            lines.push(Group { first: group.first, all: Vec::new() });
            lines.len() - 1
        });
        lines.get_mut(at).into_iter().for_each(|line| line.all.extend(group.all.iter().copied()));
    }
    lines.iter().map(line).collect()
}

fn line(group: &Group<'_>) -> Fact {
    let (ids, Group { first, all: properties }) = (group.ids(), group);
    let own: Vec<&PropertyChange> =
        properties.iter().filter(|(change, _)| change.id == first.id).map(|(_, property)| *property).collect();
    let told = match own.as_slice() {
        [one] => one_change(one),
        several => {
            let names: Vec<String> = several.iter().map(|property| short(&property.path)).collect();
            format!("{} change", words::shortened(&names, NAMED))
        }
    };
    let mut fact = Fact::new("in-place", Risk::Note, &ids, format!("{}: {told}", subject(&first.kind, &ids)));
    fact.details = properties.iter().map(|(_, property)| detail(property)).collect();
    fact.explains = properties.iter().map(|(_, property)| property.path.clone()).collect();
    fact.source = own.first().and_then(|property| property.source.clone());
    fact
}

/// How much of a value a sentence shows.
const SHORT: usize = 32;

fn one_change(property: &PropertyChange) -> String {
    let name = short(&property.path);
    if property.sensitive {
        return format!("{name} changes (hidden)");
    }
    let (old, new) = (property.old.as_ref().map(ToString::to_string), property.new.as_ref().map(ToString::to_string));
    let fits = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= SHORT && !text.contains('\n'));
    match (old, new) {
        (old, new) if !fits(&old) || !fits(&new) => match (old, new) {
            (None, _) => format!("{name} is set"),
            (_, None) => format!("{name} is removed"),
            _ => format!("{name} changes"),
        },
        (Some(old), Some(new)) => format!("{name} {old} -> {new}"),
        (None, Some(new)) => format!("{name} is set to {new}"),
        (Some(old), None) => format!("{name} {old} is removed"),
        (None, None) => format!("{name} changes"),
    }
}

fn detail(property: &PropertyChange) -> Detail {
    Detail { text: property.path.to_string(), old: property.old.clone(), new: property.new.clone() }
}

/// A place and everything around it.
fn around(path: &Path) -> impl Iterator<Item = Path> {
    std::iter::successors(Some(path.clone()), Path::parent)
}
