//! One fact, one line: what is the same about several resources is said once.

use indexmap::IndexMap;

use super::{Detail, Fact, Guard, Risk, Undo, compared::Compared, words::subject};
use cfn::{LogicalId, Path};

/// Facts about resources, those that are alike together.
#[derive(Default)]
pub(super) struct Folded<'a> {
    groups: IndexMap<Said, (Vec<&'a LogicalId>, Vec<Path>)>,
}

/// What is said about a resource.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Said {
    pub(super) id: &'static str,
    pub(super) risk: Risk,
    /// What follows the names, with what is before it: `: kept for 7 days`, ` is gone`.
    pub(super) one: String,
    /// The same for several.
    pub(super) several: String,
    /// The resources' type.
    pub(super) kind: String,
    pub(super) guards: Vec<Guard>,
    /// Why it matters, to be unfolded.
    pub(super) why: &'static str,
    /// Why the old template does not bring everything back.
    pub(super) lost: Option<String>,
}

impl Said {
    /// The same words for one and for several.
    pub(super) fn new(id: &'static str, risk: Risk, kind: &str, words: impl Into<String>) -> Self {
        let words = words.into();
        let kind = kind.to_owned();
        Self { id, risk, one: words.clone(), several: words, kind, guards: Vec::new(), why: "", lost: None }
    }
}

impl<'a> Folded<'a> {
    /// Says something about a resource, and which changes it tells by that.
    pub(super) fn say(&mut self, id: &'a LogicalId, explains: Vec<Path>, said: Said) {
        let (ids, paths) = self.groups.entry(said).or_default();
        ids.push(id);
        paths.extend(explains);
    }

    pub(super) fn facts(self) -> Vec<Fact> {
        let each = self.groups.into_iter().map(|(said, (ids, explains))| {
            let words = if ids.len() == 1 { &said.one } else { &said.several };
            let sentence = format!("{}{words}", subject(&said.kind, &ids));
            let undo = said.lost.map_or(Undo::Yes, Undo::Partly);
            let details = (!said.why.is_empty()).then(|| Detail::text(said.why)).into_iter().collect();
            Fact { details, undo, explains, guards: said.guards, ..Fact::new(said.id, said.risk, &ids, sentence) }
        });
        each.collect()
    }
}

/// The changes of a resource at, around or below a place of its properties, names with dots between them.
pub(super) fn changed_at(compared: &Compared<'_>, id: &LogicalId, place: &str) -> Vec<Path> {
    let wanted = place.split('.').fold(Path::resource(id.as_str()).key("Properties"), |path, name| path.key(name));
    changed_around(compared, id, &wanted)
}

/// As [`changed_at`], of an attribute beside the properties, such as `DeletionPolicy`.
pub(super) fn changed_around(compared: &Compared<'_>, id: &LogicalId, wanted: &Path) -> Vec<Path> {
    let changes = compared.change(id.as_str()).into_iter().flat_map(|change| &change.properties);
    let paths = changes.map(|change| &change.path);
    paths.filter(|path| path.contains(wanted) || wanted.contains(path)).cloned().collect()
}
