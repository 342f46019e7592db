//! What a comparison answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Guard, Predicted, Shown, Verdict};
use cfn::{LogicalId, Path};

/// Everything that differs between two templates, and what it means.
#[derive(Debug, Serialize)]
pub struct Diff {
    /// What a reviewer has to know, sorted by risk, the greatest first.
    pub facts: Vec<Fact>,
    /// Every resource that differs, or that CloudFormation will touch because of another: in the order of the new
    /// template, behind them those that are there no longer.
    pub changes: Vec<Change>,
    /// What differs outside of the resources.
    pub sections: Vec<SectionChange>,
    /// What the guards say.
    pub verdict: Verdict,
}

/// One resource that differs, or that follows another one that does.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Its logical id: the new one where it was renamed.
    pub id: LogicalId,
    /// Its type, such as `AWS::SQS::Queue`.
    pub kind: String,
    /// Its custom name, where the template gives one.
    pub name: Option<Shown>,
    /// What happens to its place in the template.
    pub action: Action,
    /// What happens to the thing itself.
    pub consequence: Consequence,
    /// The properties that differ, in alphabetical order, and attributes such as `DeletionPolicy`. Those of an added
    /// or removed resource are all of its properties.
    pub properties: Vec<PropertyChange>,
    /// Replaced or deleted resources whose new name, ARN or id reaches this one: it follows them. Empty for a resource
    /// that changes for its own sake alone.
    pub follows: Vec<LogicalId>,
    /// What CloudFormation's change set says about it, where there is one.
    pub predicted: Option<Predicted>,
    /// The line of Rust that defines it, where it is known.
    pub source: Option<Source>,
}

/// What happens to a resource's place in the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Action {
    /// It is there newly, or a condition turned it on.
    Added,
    /// It is there no longer, or a condition turned it off.
    Removed,
    /// It was there and is there.
    Changed,
    /// It was there under another logical id, with the same content.
    Renamed {
        /// The id that it had.
        from: LogicalId,
    },
}

/// What happens to the thing that a resource describes.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// Nothing at all: only `Metadata`, `DependsOn` or policies of the resource differ.
    None,
    /// It is made.
    Creation,
    /// It is updated and works on.
    InPlace,
    /// It is updated, and may not work meanwhile.
    Interruption,
    /// It is not known what happens: the type is not AWS's, or the change depends on values that are not known.
    Unknown,
    /// It is replaced in some cases, which the schema does not tell.
    ReplacementInSomeCases,
    /// A new one is made, and the stack forgets the old one, which stays: `UpdateReplacePolicy: Retain`.
    ReplacementRetained,
    /// The stack forgets it, and it stays: `DeletionPolicy: Retain`.
    Retained,
    /// A new one is made, and the old one deleted.
    Replacement,
    /// It is deleted.
    Deletion,
}

/// A property of a resource that differs.
#[derive(Debug, Serialize)]
pub struct PropertyChange {
    /// The way to it, such as `Resources.Queue.Properties.VisibilityTimeout`.
    pub path: Path,
    /// What stood there; nothing when it was not there.
    pub old: Option<Shown>,
    /// What stands there now; nothing when it is there no longer.
    pub new: Option<Shown>,
    /// What a change of this property does to the resource.
    pub causes: Consequence,
    /// Whether the value is or looks like a secret, so that only that it changed is told.
    pub sensitive: bool,
    /// The line of Rust that defines it, where it is known.
    pub source: Option<Source>,
}

/// A section of a template beside its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Section {
    /// What is given when the stack is made.
    Parameters,
    /// Tables.
    Mappings,
    /// Named conditions.
    Conditions,
    /// What the stack tells, and exports.
    Outputs,
    /// Data about the template.
    Metadata,
    /// The stack's description.
    Description,
    /// Macros, rules and whatever else there is.
    Other,
}

/// Something outside of the resources that differs.
#[derive(Debug, Serialize)]
pub struct SectionChange {
    /// The section.
    pub section: Section,
    /// The way to it, such as `Outputs.QueueUrl`.
    pub path: Path,
    /// What stood there; nothing when it was not there.
    pub old: Option<Shown>,
    /// What stands there now; nothing when it is there no longer.
    pub new: Option<Shown>,
}

/// One thing that a reviewer has to know.
#[derive(Debug, Serialize)]
pub struct Fact {
    /// What kind of fact it is, such as `queue-replaced`; it never changes its meaning.
    pub id: &'static str,
    /// How dangerous it is.
    pub risk: Risk,
    /// What happens: subject, verb, object; lower case at the start unless it is a name, without a full stop.
    pub sentence: String,
    /// The resources that it is about, first the one that the sentence begins with.
    pub subjects: Vec<LogicalId>,
    /// More of it, to be unfolded.
    pub details: Vec<Detail>,
    /// Whether the old template brings back what was.
    pub undo: Undo,
    /// The guards that it trips.
    pub guards: Vec<Guard>,
    /// The ways to the properties (or to whole resources: `Resources.Queue`) whose difference it tells, so that nobody
    /// tells it again: what no fact explains is listed at the end as changed in place, added or removed.
    #[serde(skip)]
    pub explains: Vec<Path>,
    /// The line of Rust that defines it, where it is known.
    pub source: Option<Source>,
}

/// How dangerous a fact is, the most dangerous first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Something is deleted or replaced that holds data, or that others remember.
    Destructive,
    /// The deployment will fail, or may.
    Failure,
    /// Something can be reached by more people.
    Exposure,
    /// Somebody may do more, or less.
    Access,
    /// A protection is weaker, or stronger.
    Protection,
    /// Events go another way.
    Flow,
    /// Something does not work for a while, or is replaced without a loss.
    Interruption,
    /// Other code runs.
    Code,
    /// It costs more or less, or a limit is another.
    Cost,
    /// It is worth knowing.
    Note,
}

/// How a detail begins that says what to do.
pub const ADVICE: &str = "what to do: ";

/// One line more about a fact.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// What it is about: a path, a name, or a whole sentence where there are no values.
    pub text: String,
    /// The value that was.
    pub old: Option<Shown>,
    /// The value that is.
    pub new: Option<Shown>,
}

/// Whether deploying the old template again brings back what was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub enum Undo {
    /// It does.
    Yes,
    /// It does, but for this: "the messages in it are gone".
    Partly(String),
    /// It does not, and this is why.
    No(String),
}

/// A line of the Rust source that defines something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// The file, from the root of the repository, such as `infra/src/service.rs`.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl Source {
    /// Reads `infra/src/service.rs:41`; nothing where there is no line behind the file.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (file, line) = text.rsplit_once(':')?;
        Some(Self { file: file.to_owned(), line: line.parse().ok()? })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

impl Consequence {
    /// Whether the stack has another thing afterwards, or none.
    #[must_use]
    pub fn is_loss(self) -> bool {
        matches!(self, Self::Replacement | Self::ReplacementRetained | Self::Retained | Self::Deletion)
    }

    /// Whether it is replaced, whatever becomes of the old one.
    #[must_use]
    pub fn is_replacement(self) -> bool {
        matches!(self, Self::Replacement | Self::ReplacementRetained)
    }
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.changes.is_empty() && self.sections.is_empty()
    }
}

impl Fact {
    /// A fact that the old template undoes, without details or guards; the rest is set by struct update.
    #[must_use]
    pub fn new(id: &'static str, risk: Risk, subjects: &[&LogicalId], sentence: impl Into<String>) -> Self {
        Self {
            id,
            risk,
            sentence: sentence.into(),
            subjects: subjects.iter().copied().cloned().collect(),
            details: Vec::new(),
            undo: Undo::Yes,
            guards: Vec::new(),
            explains: Vec::new(),
            source: None,
        }
    }
}

impl Detail {
    /// A sentence without values.
    #[must_use]
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), old: None, new: None }
    }
}
