//! Resources and their properties, read-only.

use serde_json::Value as Json;

use super::{
    name_property,
    text::{Piece, Text, function_name, is_dynamic},
};
use crate::{LogicalId, Path, Resource, Template};

/// A read-only view of a template. What is not known for certain is returned as unknown, never guessed.
pub struct TemplateView<'a> {
    /// The template.
    pub template: &'a Template,
}

/// A resource with its logical id.
#[derive(Clone, Copy)]
pub struct ResourceView<'a> {
    /// The logical id.
    pub id: &'a LogicalId,
    /// The resource.
    pub resource: &'a Resource,
}

/// The value at a place.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// Nothing, or `AWS::NoValue`.
    Absent,
    /// This; a function that gives one value counts as known.
    Is(&'a Json),
    /// Something that conditions, mappings, macros or dynamic references decide.
    Unknown,
}

/// Macros of AWS that add resources, and change none that they do not know.
const ADDING: [&str; 2] = ["AWS::Serverless-2016-10-31", "AWS::Include"];
/// Macros of AWS that leave every resource and every name as it is.
const HARMLESS: [&str; 4] = [
    "AWS::LanguageExtensions",
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
];

impl<'a> TemplateView<'a> {
    /// Creates a view of a template.
    #[must_use]
    pub fn of(template: &'a Template) -> Self {
        Self { template }
    }

    /// Resources of this type, in the template's order.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = ResourceView<'a>> {
        let template = self.template;
        template
            .resources
            .iter()
            .map(|(id, resource)| ResourceView { id, resource })
            .filter(move |thing| thing.is(kind))
    }

    /// Every resource.
    pub fn resources(&self) -> impl Iterator<Item = ResourceView<'a>> {
        let template = self.template;
        template.resources.iter().map(|(id, resource)| ResourceView { id, resource })
    }

    /// Returns true if a text follows from the template alone: it refers to resources and pseudo parameters only.
    pub fn knows(&self, text: &Text) -> bool {
        text.pieces().iter().all(|piece| match piece {
            Piece::Literal(_) => true,
            Piece::Ref(name) | Piece::Attribute(name, _) => name.starts_with("AWS::") || self.resource(name).is_some(),
            Piece::Unknown => false,
        })
    }

    /// The resource of this name.
    pub fn resource(&self, id: &str) -> Option<ResourceView<'a>> {
        self.template.resources.get_key_value(id).map(|(id, resource)| ResourceView { id, resource })
    }

    /// The macro that may change everything, so that nothing is known.
    pub fn unknown_macro(&self) -> Option<String> {
        let known = |name: &str| ADDING.contains(&name) || HARMLESS.contains(&name);
        let unknown = self.transforms().find(|name| name.is_none_or(|name| !known(name)))?;
        Some(unknown.unwrap_or("without a name").to_owned())
    }

    /// Returns true if resources may be added by a macro, a module or a loop, so that a name that is missing may exist after all.
    pub fn may_grow(&self) -> bool {
        let adds = self.transforms().any(|name| name.is_none_or(|name| !HARMLESS.contains(&name)));
        // A module's resources are known by its name and theirs together.
        let modules = self.template.rest.contains_key("Modules")
            || self.template.resources.values().any(|resource| resource.kind.ends_with("::MODULE"));
        adds || modules || !self.template.resources.functions.is_empty()
    }

    fn transforms(&self) -> impl Iterator<Item = Option<&'a str>> {
        let transform = self.template.rest.get("Transform");
        let list = match transform {
            Some(Json::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        list.into_iter().map(|one| one.as_str().or_else(|| one.get("Name")?.as_str()))
    }

    /// The resource of this type that a value refers to: by its ARN, its `Ref`, its name or an ARN with its name.
    pub fn target(&self, value: &Json, kind: &str) -> Option<ResourceView<'a>> {
        self.target_of(&Text::of(value), kind)
    }

    /// As [`TemplateView::target`], of a text.
    pub fn target_of(&self, text: &Text, kind: &str) -> Option<ResourceView<'a>> {
        if let Some(Piece::Ref(id) | Piece::Attribute(id, _)) = text.only() {
            return self.resource(id).filter(|thing| thing.is(kind));
        }
        let [_, _, _, _, _, rest] = text.arn()?;
        match rest.pieces() {
            [Piece::Ref(id) | Piece::Attribute(id, _)] => self.resource(id).filter(|thing| thing.is(kind)),
            [Piece::Literal(before), Piece::Ref(id) | Piece::Attribute(id, _)] if before.ends_with(':') => {
                self.resource(id).filter(|thing| thing.is(kind))
            }
            [Piece::Literal(name)] => {
                let name = name.rsplit(':').next()?;
                self.all(kind).find(|thing| thing.name() == Some(name))
            }
            _ => None,
        }
    }
}

impl<'a> ResourceView<'a> {
    /// Returns true if it is of this type, such as `AWS::SQS::Queue`.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.resource.kind == kind
    }

    /// Its custom name, where the template has it as text.
    pub fn name(&self) -> Option<&'a str> {
        let property = name_property(&self.resource.kind)?;
        self.resource.properties.get(property)?.as_str()
    }

    /// The value at this place below the properties, names with dots between them.
    pub fn field(&self, place: &str) -> Field<'a> {
        let mut names = place.split('.');
        let first = names.next().and_then(|name| self.resource.properties.get(name));
        let start = match first {
            Some(value) => Field::of(value),
            None if self.resource.properties.contains_key("Fn::Transform") => return Field::Unknown,
            None => return Field::Absent,
        };
        names.fold(start, |field, name| field.member(name))
    }

    /// Returns true if a known value is at this place.
    #[must_use]
    pub fn has(&self, place: &str) -> bool {
        matches!(self.field(place), Field::Is(_))
    }

    /// Returns true if certainly nothing is at this place.
    #[must_use]
    pub fn is_absent(&self, place: &str) -> bool {
        matches!(self.field(place), Field::Absent)
    }

    /// The value as text; nothing where there is none or it is not known.
    pub fn text(&self, place: &str) -> Option<Text> {
        self.field(place).value().map(Text::of)
    }

    /// The value as text, where all of it is in the template.
    pub fn literal(&self, place: &str) -> Option<String> {
        self.text(place)?.literal().map(str::to_owned)
    }

    /// The number at this place, or AWS's default where there is none.
    pub fn number_or(&self, place: &str, default: f64) -> Option<f64> {
        match self.field(place) {
            Field::Absent => Some(default),
            Field::Is(value) => number(value),
            Field::Unknown => None,
        }
    }

    /// Returns the number at this place, where it is known.
    #[must_use]
    pub fn number(&self, place: &str) -> Option<f64> {
        self.field(place).value().and_then(number)
    }

    /// The boolean at this place, or AWS's default where there is none.
    pub fn truth_or(&self, place: &str, default: bool) -> Option<bool> {
        match self.field(place) {
            Field::Absent => Some(default),
            Field::Is(value) => value.as_bool().or_else(|| value.as_str()?.parse().ok()),
            Field::Unknown => None,
        }
    }

    /// The items of a list, or the one value in the place of a list; nothing where it is not known.
    pub fn list(&self, place: &str) -> Vec<&'a Json> {
        self.field(place).items()
    }

    /// The path to the resource.
    pub fn path(&self) -> Path {
        Path::resource(self.id.as_str())
    }

    /// The path to a place below the properties, names with dots between them.
    pub fn at(&self, place: &str) -> Path {
        Path::of_keys(["Resources", self.id.as_str(), "Properties"].into_iter().chain(place.split('.')))
    }
}

impl<'a> Field<'a> {
    /// Classifies a value.
    #[must_use]
    pub fn of(value: &'a Json) -> Self {
        match function_name(value) {
            Some("Ref") if value.get("Ref").and_then(Json::as_str) == Some("AWS::NoValue") => Self::Absent,
            Some("Fn::If" | "Fn::FindInMap" | "Fn::Transform") => Self::Unknown,
            None if value.as_str().is_some_and(is_dynamic) => Self::Unknown,
            _ => Self::Is(value),
        }
    }

    /// The member of this name.
    pub fn member(self, name: &str) -> Self {
        match self {
            Self::Is(Json::Object(entries)) => match entries.get(name) {
                Some(value) => Self::of(value),
                // A function in the place of the object, or beside the members, may give it.
                None if entries.keys().any(|key| key == "Ref" || key.starts_with("Fn::")) => Self::Unknown,
                None => Self::Absent,
            },
            // JSON as text, which some properties take: nobody looks into it here.
            Self::Is(_) | Self::Unknown => Self::Unknown,
            Self::Absent => Self::Absent,
        }
    }

    /// Returns the value, where it is known.
    #[must_use]
    pub fn value(self) -> Option<&'a Json> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The items of a list, or the one value in its place. Functions that may give several are left out.
    pub fn items(self) -> Vec<&'a Json> {
        match self {
            Self::Is(Json::Array(items)) => items.iter().filter(|item| Field::of(item).value().is_some()).collect(),
            Self::Is(one) => vec![one],
            Self::Absent | Self::Unknown => Vec::new(),
        }
    }
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}
