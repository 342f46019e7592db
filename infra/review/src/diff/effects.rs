//! What happens to each resource, and what is lost.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Action, Change, Consequence, Detail, Fact, Guard, PropertyChange, Risk, Undo, compared::Compared,
    consequence::Nature, losses, propagate::Ripples, waiting, words,
};
use cfn::{LogicalId, Path};

/// What happens to each resource that does not just change in place, one line for those to which the same happens, and
/// behind each replacement what follows it.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let mut groups: Vec<(Key, Vec<&Change>)> = Vec::new();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    for change in &compared.changes {
        let Some(key) = Key::of(compared, change) else { continue };
        let at = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups.get_mut(at).into_iter().for_each(|(_, changes)| changes.push(change));
    }
    let ripples = Ripples::of(compared);
    groups.iter().flat_map(|(key, changes)| facts(compared, &ripples, key, changes)).collect()
}

/// What changes have in common that are told together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: String,
    consequence: Consequence,
    /// What becomes of the old one in addition: a snapshot.
    snapshot: bool,
    renamed: bool,
    /// Whether it is so because of another resource.
    behind: Option<String>,
    /// The properties for which it is so.
    because: Vec<String>,
}

impl Key {
    /// Nothing for changes that another fact tells: what is added, what changes in place, what only follows.
    fn of(compared: &Compared<'_>, change: &Change) -> Option<Self> {
        use Consequence::{Creation, Deletion, InPlace, None as Nothing, Retained};
        if matches!(change.consequence, Nothing | InPlace | Creation) {
            return None;
        }
        let (own, renamed) = (own_cause(change), matches!(change.action, Action::Renamed { .. }));
        let leaves = matches!(change.consequence, Deletion | Retained);
        let behind =
            (!leaves && !renamed && own.is_empty()).then(|| change.follows.first().map(ToString::to_string)).flatten();
        // What others remember is told even where it only follows; the rest stands in the line of what it follows.
        if behind.is_some() && !Nature::of(&change.kind).is_stateful() {
            return None;
        }
        let old = match &change.action {
            Action::Renamed { from } => compared.old.template.resources.get(from),
            _ => compared.old.template.resources.get(&change.id),
        };
        let policy = match change.action {
            Action::Removed | Action::Renamed { .. } => old.and_then(|old| old.deletion_policy.as_ref()),
            _ => compared.new.template.resources.get(&change.id).and_then(|new| new.update_replace_policy.as_ref()),
        };
        Some(Self {
            kind: change.kind.clone(),
            consequence: change.consequence,
            snapshot: policy.and_then(Json::as_str) == Some("Snapshot"),
            renamed,
            behind,
            because: own,
        })
    }
}

/// The properties that cause the worst of what happens to a resource.
fn own_cause(change: &Change) -> Vec<String> {
    let worst = change.properties.iter().map(|property| property.causes).max();
    let causes =
        |property: &&PropertyChange| Some(property.causes) == worst && is_as_bad(property.causes, change.consequence);
    let mut names: Vec<String> =
        change.properties.iter().filter(causes).map(|property| short(&property.path)).collect();
    names.dedup();
    if matches!(change.action, Action::Added | Action::Removed) { Vec::new() } else { names }
}

fn is_as_bad(causes: Consequence, consequence: Consequence) -> bool {
    causes == consequence || causes == Consequence::Replacement && consequence == Consequence::ReplacementRetained
}

/// A property as it is called: `RedrivePolicy.maxReceiveCount`; an attribute of the resource by its name.
pub(super) fn short(path: &Path) -> String {
    let whole = path.to_string();
    let below = whole.splitn(3, '.').nth(2).unwrap_or_default();
    below.strip_prefix("Properties.").unwrap_or(below).to_owned()
}

fn facts(compared: &Compared<'_>, ripples: &Ripples<'_>, key: &Key, changes: &[&Change]) -> Vec<Fact> {
    // A replacement and what follows it belong together: one line for each root that something follows.
    let mut alone = Vec::new();
    let mut facts = Vec::new();
    for change in changes {
        let mut like = fact(key, &[change]);
        waiting::tell(compared, change, &mut like);
        let root = key.behind.is_none() && (change.consequence.is_replacement() || change.action == Action::Removed);
        match ripples.behind(change, &like).filter(|_| root) {
            Some(ripple) => facts.extend([like, ripple]),
            None => alone.push(*change),
        }
    }
    if !alone.is_empty() {
        let mut fact = fact(key, &alone);
        if let [change] = alone.as_slice() {
            waiting::tell(compared, change, &mut fact);
        }
        facts.push(fact);
    }
    facts
}

fn fact(key: &Key, changes: &[&Change]) -> Fact {
    let nature = Nature::of(&key.kind);
    let stateful = nature.is_stateful();
    let ids: Vec<&LogicalId> = changes.iter().map(|change| &change.id).collect();
    let several = changes.len() > 1;
    let (be, have) = if several { ("are", "they hold") } else { ("is", "it holds") };
    let subject = words::subject(&key.kind, &ids);
    let because = words::shortened(&key.because, words::NAMED);
    let lost = || {
        let lost = if stateful { Some(losses::lost_of_stateful(&key.kind)) } else { losses::lost(&key.kind) };
        lost.map(|lost| if several { lost.replace(" it ", " them ").replace("it holds", have) } else { lost })
    };
    let fixed = |verb: &str| match (&key.behind, key.because.len()) {
        (Some(behind), _) => format!("{subject} {be} {verb} behind {behind}"),
        (None, 0) => format!("{subject} {be} {verb}"),
        (None, 1) => format!("{subject} {be} {verb}: {because} is create-only"),
        (None, _) => format!("{subject} {be} {verb}: {because} are create-only"),
    };
    let with =
        |sentence: String, more: Option<String>| more.map_or(sentence.clone(), |more| format!("{sentence}; {more}"));
    let snapshot = || "a snapshot of it stays".to_owned();
    let destructive = if lost().is_some() { Risk::Destructive } else { Risk::Interruption };
    let guard = |guards: &[Guard]| if stateful { guards.to_vec() } else { Vec::new() };
    let gone = || lost().map_or(Undo::Yes, Undo::No);
    let (old, stay, them) = if several { ("the old ones", "stay", "them") } else { ("the old one", "stays", "it") };
    let stays = || Undo::Partly(format!("{old} {stay}, and only an import brings {them} back"));
    let outside = || {
        let with = losses::held(&key.kind).map(|held| format!(" with {}", held.replace(" it", &format!(" {them}"))));
        format!("{old} {stay} outside of the stack{}", with.unwrap_or_default())
    };
    let renamed = |sentence: &str| match changes {
        [Change { action: Action::Renamed { from }, id, .. }] => {
            format!("{} {from} is called {id} now: {sentence}", words::kind(&key.kind))
        }
        _ => format!("{subject} have other logical ids now: {sentence}"),
    };
    let (id, risk, sentence, undo, guards) = match key.consequence {
        Consequence::Replacement if key.renamed => {
            let base = renamed(if several {
                "they are made anew and the old ones deleted"
            } else {
                "it is made anew and the old one deleted"
            });
            let more = if key.snapshot { Some(snapshot()) } else { lost() };
            ("renamed", destructive, with(base, more), gone(), guard(&[Guard::ReplaceStateful, Guard::DeleteData]))
        }
        Consequence::ReplacementRetained if key.renamed => {
            let new = if several { "new ones are made" } else { "a new one is made" };
            let base = renamed(&format!("{new}, and {}", outside()));
            ("renamed", destructive, base, stays(), guard(&[Guard::ReplaceStateful]))
        }
        Consequence::Replacement => {
            let more = if key.snapshot { Some(snapshot()) } else { lost() };
            let undo = if key.snapshot { Undo::Partly(snapshot()) } else { gone() };
            let guards = guard(&[Guard::ReplaceStateful, Guard::DeleteData]);
            ("replaced", destructive, with(fixed("replaced"), more), undo, guards)
        }
        Consequence::ReplacementRetained => (
            "replaced",
            destructive,
            with(fixed("replaced"), Some(outside())),
            stays(),
            guard(&[Guard::ReplaceStateful]),
        ),
        Consequence::ReplacementInSomeCases => {
            let sentence = match (&key.behind, key.because.is_empty()) {
                (Some(behind), _) => format!("{subject} may be replaced behind {behind}"),
                (None, true) => format!("{subject} may be replaced"),
                (None, false) => format!("{subject} may be replaced: a change of {because} does so in some cases"),
            };
            let more = lost().map(|lost| format!("then {lost}"));
            ("may-be-replaced", destructive, with(sentence, more), gone(), guard(&[Guard::ReplaceStateful]))
        }
        Consequence::Deletion => {
            let sentence = format!("{subject} {be} deleted");
            let more = if key.snapshot { Some(snapshot()) } else { lost() };
            let undo = if key.snapshot { Undo::Partly(snapshot()) } else { gone() };
            ("deleted", destructive, with(sentence, more), undo, guard(&[Guard::DeleteData]))
        }
        Consequence::Retained => {
            let verb = if several { "leave the stack and stay" } else { "leaves the stack and stays" };
            (
                "retained",
                Risk::Interruption,
                format!("{subject} {verb} as they are").replace("stays as they are", "stays as it is"),
                stays(),
                Vec::new(),
            )
        }
        Consequence::Interruption => {
            let sentence = format!(
                "{subject} {be} interrupted while {because} {}",
                if key.because.len() > 1 { "change" } else { "changes" }
            );
            ("interrupted", Risk::Interruption, sentence, Undo::Yes, vec![Guard::Interruption])
        }
        Consequence::Unknown | Consequence::None | Consequence::Creation | Consequence::InPlace => {
            let sentence = match key.because.is_empty() {
                true => format!("what becomes of {subject} is not known"),
                false => format!(
                    "what becomes of {subject} is not known: {because} {}",
                    if key.because.len() > 1 { "change" } else { "changes" }
                ),
            };
            ("unknown", Risk::Interruption, sentence, Undo::Yes, Vec::new())
        }
    };
    let mut fact = Fact::new(id, risk, &ids, sentence);
    fact.undo = undo;
    fact.guards = guards;
    fact.explains = changes.iter().flat_map(|change| explained(key, change)).collect();
    fact.details = changes.iter().flat_map(|change| details(change)).collect();
    fact.source = changes.first().and_then(|change| change.source.clone());
    fact
}

/// The places that a fact tells: all of a resource that comes or goes, else the properties that it names.
fn explained(key: &Key, change: &Change) -> Vec<Path> {
    if matches!(change.action, Action::Removed) {
        return vec![Path::resource(change.id.as_str())];
    }
    let named = change.properties.iter().filter(|property| key.because.contains(&short(&property.path)));
    named.map(|property| property.path.clone()).collect()
}

fn details(change: &Change) -> Vec<Detail> {
    let details = change.properties.iter().map(|property| Detail {
        text: property.path.to_string(),
        old: property.old.clone(),
        new: property.new.clone(),
    });
    details.collect()
}
