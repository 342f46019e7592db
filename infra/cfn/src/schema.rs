//! AWS's own description of its resource types, as data: what a resource takes, what it answers, what makes it new.
//!
//! There are two tables, both generated from CloudFormation's resource provider schemas: what a resource takes, for the
//! types that have a struct in [`crate::resources`] ([`of`]); and what becomes of a resource that changes, for every type
//! that AWS has ([`lifecycle`]). Whoever checks or compares templates reads them here.
//!
//! Source: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>

mod lifecycle;
mod literals;
mod lookup;

pub use lifecycle::{Lifecycle, Paths, lifecycle, lifecycles};
pub use literals::Misfit;
pub(crate) use literals::literals;
pub use lookup::of;

/// What a resource type takes and answers.
#[derive(Debug)]
pub struct ResourceSchema {
    /// Such as `AWS::SQS::Queue`.
    pub kind: &'static str,
    /// AWS's page about it.
    pub link: &'static str,
    /// What it takes. Properties that can only be read are not among them.
    pub properties: &'static Object,
    /// Names for `Fn::GetAtt`, each with what it gives (as [`Text::formats`]), where AWS says so.
    pub attributes: &'static [(&'static str, &'static [&'static str])],
    /// What `Ref` gives.
    pub reference: Reference,
}

/// What `Ref` of a resource gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Its ARN.
    Arn,
    /// Its URL.
    Url,
    /// The name that people gave it, or that CloudFormation made up for them.
    Name,
    /// An id that the service made up.
    Id,
    /// Something of another resource, such as the topic's ARN for a topic's inline policy.
    Foreign,
}

/// An object with members of known names.
#[derive(Debug)]
pub struct Object {
    /// Its members by name, in alphabetical order.
    pub properties: &'static [(&'static str, Shape)],
    /// Members that must be there.
    pub required: &'static [&'static str],
    /// Whether members of other names may be there as well.
    pub open: bool,
    /// Members that go together or against each other.
    pub groups: &'static [Group],
}

/// Members of an object that go together or against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One of these is there, and no other.
    ExactlyOne(&'static [&'static str]),
    /// One of these is there, or several.
    AtLeastOne(&'static [&'static str]),
    /// Where the first is, none of the others may be.
    Excludes(&'static str, &'static [&'static str]),
    /// Where the first is, all the others must be.
    Needs(&'static str, &'static [&'static str]),
}

/// What a value looks like. CloudFormation takes `"30"` for `30` and `"true"` for `true`, and the other way round.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text(Text),
    /// A whole number.
    Whole(Whole),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Bool,
    /// JSON as an object or as a text, such as a policy.
    Json,
    /// Whatever JSON has.
    Any,
    /// Several of a kind.
    List(&'static List),
    /// Names with a value each.
    Map(&'static Map),
    /// Members of known names.
    Object(&'static Object),
}

/// Which texts fit.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// All that fit; any where this is empty.
    pub one_of: &'static [&'static str],
    /// A regular expression (ECMA 262) that must match somewhere.
    pub pattern: Option<&'static str>,
    /// The least length, in characters.
    pub min: Option<u32>,
    /// The greatest length, in characters.
    pub max: Option<u32>,
    /// What the text stands for, any of these: `AWS::IAM::Role.Arn` is a role's ARN, `date-time` a time. Unknown where
    /// this is empty.
    pub formats: &'static [&'static str],
}

/// Which whole numbers fit.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// All that fit; any where this is empty.
    pub one_of: &'static [i64],
    /// The least.
    pub min: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
}

/// Which numbers fit.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// Several of a kind.
#[derive(Debug)]
pub struct List {
    /// What each looks like.
    pub items: Shape,
    /// How many there are at least.
    pub min: Option<u32>,
    /// How many there are at most.
    pub max: Option<u32>,
    /// Whether no two may be equal.
    pub unique: bool,
    /// Whether their order means something.
    pub ordered: bool,
}

/// Names with a value each.
#[derive(Debug)]
pub struct Map {
    /// A regular expression (ECMA 262) that must match somewhere in each name.
    pub names: Option<&'static str>,
    /// What each value looks like.
    pub values: Shape,
    /// How many there are at most.
    pub max: Option<u32>,
}

impl Text {
    /// Any text.
    pub const ANY: Self = Self { one_of: &[], pattern: None, min: None, max: None, formats: &[] };
}

impl Whole {
    /// Any whole number.
    pub const ANY: Self = Self { one_of: &[], min: None, max: None };
}

impl Number {
    /// Any number.
    pub const ANY: Self = Self { min: None, max: None };
}
