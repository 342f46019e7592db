//! What follows behind a resource that is replaced: everything that refers to it, by whatever function, and behind what is
//! replaced for that reason everything that refers to that.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::{
    Action, Change, Consequence, Detail, Fact, Risk,
    compared::Compared,
    consequence::{self, Nature},
    losses,
    references::{How, Reference, References, literal_name, names_in},
    side::Pairs,
    words,
};
use cfn::{LogicalId, Path, Template};

/// Adds to the changes what each replacement makes of other resources.
pub(super) fn follow(changes: &mut Vec<Change>, pairs: &Pairs, old: &Template, new: &Template) {
    let replaced = |change: &Change| change.consequence.is_replacement() && change.action != Action::Removed;
    let mut queue: VecDeque<LogicalId> =
        changes.iter().filter(|change| replaced(change)).map(|change| change.id.clone()).collect();
    if queue.is_empty() {
        return;
    }
    let references = References::of(new, &HashMap::new());
    let mut places: HashMap<LogicalId, usize> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.action != Action::Removed)
        .map(|(at, change)| (change.id.clone(), at))
        .collect();
    let mut done: HashSet<LogicalId> = queue.iter().cloned().collect();
    while let Some(target) = queue.pop_front() {
        for Reference { from, place, how, .. } in references.to(target.as_str()) {
            let (true, Some(was)) = (*how == How::Function, pairs.get(*from)) else { continue };
            let (Some(resource), true) = (new.resources.get(*from), old.resources.contains_key(was)) else { continue };
            // The value that it refers to is another one afterwards.
            let causes = consequence::of_update(Nature::of(&resource.kind).of_following(place), resource);
            let at = *places.entry((*from).clone()).or_insert_with(|| {
                changes.push(following(from, &resource.kind));
                changes.len() - 1
            });
            let Some(change) = changes.get_mut(at) else { continue };
            if !change.follows.contains(&target) {
                change.follows.push(target.clone());
            }
            change.consequence = change.consequence.max(causes);
            if change.consequence.is_replacement() && done.insert((*from).clone()) {
                queue.push_back((*from).clone());
            }
        }
    }
    in_order(changes, new);
}

fn following(id: &LogicalId, kind: &str) -> Change {
    Change {
        id: id.clone(),
        kind: kind.to_owned(),
        name: None,
        action: Action::Changed,
        consequence: Consequence::InPlace,
        properties: Vec::new(),
        follows: Vec::new(),
        predicted: None,
        source: None,
    }
}

/// The new template's order, and behind it what is there no longer.
fn in_order(changes: &mut [Change], new: &Template) {
    let place: HashMap<&LogicalId, usize> = new.resources.keys().enumerate().map(|(at, id)| (id, at)).collect();
    changes.sort_by_key(|change| match change.action {
        Action::Removed => usize::MAX,
        _ => place.get(&change.id).copied().unwrap_or(usize::MAX),
    });
}

/// What refers to what, read once for all that is replaced.
pub(super) struct Ripples<'c> {
    compared: &'c Compared<'c>,
    references: References<'c>,
}

impl<'c> Ripples<'c> {
    pub(super) fn of(compared: &'c Compared<'c>) -> Self {
        let lost = compared.changes.iter().filter(|change| change.consequence.is_loss());
        let names = lost.filter_map(|change| old_name(compared, change)).collect();
        Self { compared, references: References::of(&compared.new.template, &names) }
    }

    /// What follows behind a resource that is replaced or deleted for its own sake, as one fact.
    pub(super) fn behind(&self, root: &Change, like: &Fact) -> Option<Fact> {
        ripple(self.compared, root, &behind(self.compared, &self.references, root), like)
    }
}

fn ripple(compared: &Compared<'_>, root: &Change, behind: &[Follower<'_>], like: &Fact) -> Option<Fact> {
    let mut groups: BTreeMap<(u8, String), Vec<&Follower<'_>>> = BTreeMap::new();
    for follower in behind {
        groups.entry((follower.meaning as u8, follower.kind.to_owned())).or_default().push(follower);
    }
    let mut parts: Vec<String> = Vec::new();
    for meaning in [Meaning::Replaced, Meaning::Follows, Meaning::Named] {
        let of_meaning = groups.iter().filter(|((of, _), _)| *of == meaning as u8);
        let counted: Vec<String> = of_meaning.map(|((_, kind), all)| words::counted(all.len(), kind)).collect();
        let number: usize = behind.iter().filter(|follower| follower.meaning == meaning).count();
        if number > 0 {
            let verb = match (meaning, number) {
                (Meaning::Replaced, 1) => "is replaced with it",
                (Meaning::Replaced, _) => "are replaced with it",
                (Meaning::Follows, 1) => "follows",
                (Meaning::Follows, _) => "follow",
                (Meaning::Named, 1) => "still names the old one",
                (Meaning::Named, _) => "still name the old one",
            };
            parts.push(format!("{} {verb}", words::listed(&counted)));
        }
    }
    let outputs = outputs(compared, root, behind);
    if !outputs.is_empty() {
        let (outputs, verb) = if let [one] = outputs.as_slice() {
            (format!("output {one}"), "changes")
        } else {
            (format!("outputs {}", words::listed(&outputs)), "change")
        };
        parts.push(format!("{outputs} {verb}"));
    }
    if parts.is_empty() {
        return None;
    }
    let risk = behind.iter().map(Follower::risk).chain((!outputs.is_empty()).then_some(Risk::Interruption)).min();
    // Never more dangerous than what it stands behind.
    let risk = risk.unwrap_or(like.risk).max(like.risk);
    let mut fact = Fact::new("ripple", risk, &[&root.id], format!("behind {}: {}", root.id, parts.join("; ")));
    fact.subjects.extend(behind.iter().map(|follower| follower.id.clone()));
    fact.details = behind.iter().map(|follower| Detail::text(follower.told())).collect();
    fact.explains = behind.iter().map(|follower| Path::resource(follower.id.as_str()).key("follows")).collect();
    Some(fact)
}

/// What a replacement or deletion means for a resource that refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// It is replaced too.
    Replaced,
    /// It is updated to the new one.
    Follows,
    /// It names the old one as text, and nobody updates it.
    Named,
}

struct Follower<'a> {
    id: LogicalId,
    kind: &'a str,
    meaning: Meaning,
    /// Where it refers to what it follows.
    paths: Vec<Path>,
    consequence: Consequence,
    behind: LogicalId,
}

impl Follower<'_> {
    /// How dangerous it is that it follows. What holds data has a fact of its own.
    fn risk(&self) -> Risk {
        match self.meaning {
            Meaning::Follows => Risk::Note,
            Meaning::Replaced if losses::lost(self.kind).is_some() && !Nature::of(self.kind).is_stateful() => {
                Risk::Destructive
            }
            Meaning::Replaced | Meaning::Named => Risk::Interruption,
        }
    }

    fn told(&self) -> String {
        let mut places: Vec<String> = self.paths.iter().map(ToString::to_string).collect();
        places.dedup();
        let what = match (self.meaning, self.consequence) {
            (Meaning::Named, _) => "names the old one as text; change it by hand".to_owned(),
            (_, Consequence::Replacement | Consequence::ReplacementRetained) => {
                format!("is replaced behind {}", self.behind)
            }
            (_, Consequence::ReplacementInSomeCases) => format!("may be replaced behind {}", self.behind),
            (_, Consequence::Interruption) => format!("is interrupted while it follows {}", self.behind),
            (_, Consequence::Unknown) => format!("follows {}; what that does to it is not known", self.behind),
            _ => format!("follows {} in place", self.behind),
        };
        format!("{} {what}: {}", self.id, places.join(", "))
    }
}

/// Whether a resource is replaced for its own sake.
fn is_root(change: &Change) -> bool {
    let replaces = |property: &super::PropertyChange| property.causes == Consequence::Replacement;
    matches!(change.action, Action::Renamed { .. }) || change.properties.iter().any(replaces)
}

/// Everything behind a root, each once, in the order in which it is reached.
fn behind<'c>(compared: &'c Compared<'_>, references: &References<'_>, root: &Change) -> Vec<Follower<'c>> {
    let template = &compared.new.template;
    let (mut found, mut seen) = (Vec::new(), HashSet::from([root.id.as_str()]));
    let mut queue = VecDeque::from([root.id.as_str()]);
    while let Some(target) = queue.pop_front() {
        for reference in references.to(target) {
            let Some(resource) = template.resources.get(reference.from) else { continue };
            let place = found.iter().position(|other: &Follower<'_>| other.id == *reference.from);
            if let Some(known) = place.and_then(|at| found.get_mut(at)) {
                if known.behind.as_str() == target && reference.how != How::Order {
                    known.paths.push(reference.path.clone());
                }
                continue;
            }
            let (meaning, consequence) = match reference.how {
                How::Order => continue,
                How::Name => (Meaning::Named, Consequence::None),
                How::Function => {
                    let Some(change) = compared.change(reference.from.as_str()) else { continue };
                    if !change.follows.iter().any(|id| id.as_str() == target) {
                        continue;
                    }
                    let meaning =
                        if change.consequence.is_replacement() { Meaning::Replaced } else { Meaning::Follows };
                    (meaning, change.consequence)
                }
            };
            if !seen.insert(reference.from.as_str()) {
                continue;
            }
            found.push(Follower {
                id: reference.from.clone(),
                kind: &resource.kind,
                meaning,
                paths: vec![reference.path.clone()],
                consequence,
                behind: LogicalId::parse(target).unwrap_or_else(|_| root.id.clone()),
            });
            // What is replaced for its own sake as well has a line of its own.
            let own = compared.change(reference.from.as_str()).is_some_and(is_root);
            if meaning == Meaning::Replaced && !own {
                queue.push_back(reference.from.as_str());
            }
        }
    }
    found
}

/// The custom name that a root had and has no longer, with its id.
fn old_name<'c>(compared: &'c Compared<'_>, root: &'c Change) -> Option<(String, &'c str)> {
    let was = match &root.action {
        Action::Renamed { from } => compared.old.template.resources.get(from),
        _ => compared.old.template.resources.get(&root.id),
    };
    let is = compared.new.template.resources.get(&root.id).filter(|_| root.action != Action::Removed);
    let (was, is) = (was.and_then(literal_name), is.and_then(literal_name));
    // Shorter names stand anywhere.
    let gone = was.filter(|was| is != Some(*was) && was.len() >= 4)?;
    Some((gone.to_owned(), root.id.as_str()))
}

/// The outputs that tell something of the root, or of what is replaced behind it.
fn outputs(compared: &Compared<'_>, root: &Change, behind: &[Follower<'_>]) -> Vec<String> {
    let replaced = behind.iter().filter(|follower| follower.meaning == Meaning::Replaced).map(|follower| &follower.id);
    let moved: HashSet<&str> = replaced.chain([&root.id]).map(LogicalId::as_str).collect();
    let outputs = compared.new.template.outputs.iter().filter(|(name, output)| {
        compared.old.template.outputs.contains_key(*name)
            && names_in(&output.value).iter().any(|name| moved.contains(name))
    });
    outputs.map(|(name, _)| name.clone()).collect()
}
