//! Values on their way to text: what is or looks like a secret is not shown.
//!
//! A value is hidden for where it stands (a property that AWS's schema or its name marks, a parameter with `NoEcho`) or for
//! what it looks like ([`secrets`](super::secrets)). What is hidden in one place is hidden wherever it stands again, in
//! sentences too. Hashes of secrets are not shown either.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::{
    Context,
    normalize::is_true,
    secrets::{is_secret_name, looks_secret},
};
use cfn::{
    Path, Step, Template,
    schema::{self, Paths},
    view::text::{function, is_dynamic},
};

/// What is shown in the place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// The least length of a secret that is looked for in other texts: shorter ones would hide half of the language.
const FOUND_AGAIN: usize = 6;

/// A value that may be shown: [`Display`](fmt::Display), `Debug` and `Serialize` tell what is no secret.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// The value itself, for those who compare.
    raw: Json,
    /// What may be shown of it, where that is less.
    redacted: Option<Json>,
}

impl Shown {
    /// The value itself, for those who compare; it never reaches a text.
    pub(in crate::diff) fn raw(&self) -> &Json {
        &self.raw
    }

    /// What may be shown of it, as JSON: secrets in it are the text `(hidden)`.
    #[must_use]
    pub fn json(&self) -> &Json {
        self.redacted.as_ref().unwrap_or(&self.raw)
    }

    /// Whether something of it is hidden.
    #[must_use]
    pub fn hides(&self) -> bool {
        *self.json() != self.raw
    }
}

impl fmt::Display for Shown {
    /// Texts as they are, anything else as JSON in one line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json() {
            Json::String(text) => out.write_str(text),
            other => write!(out, "{other}"),
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.json())
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

/// Knows what may be shown of two templates.
pub(super) struct Hidden<'a> {
    templates: [&'a Template; 2],
    /// Texts that were found to be secret, the longest first.
    secrets: Vec<String>,
    /// What the names of keys tell: the same few stand in a template again and again.
    names: RefCell<HashMap<String, Told>>,
}

/// What the name of a key tells about its value.
#[derive(Clone, Copy)]
struct Told {
    secret: bool,
    exempt: bool,
}

/// Why a value is looked at as it is.
#[derive(Clone, Default)]
struct Place {
    /// It stands where secrets stand.
    secret: bool,
    /// It stands where ids, hashes and versions stand, which look like secrets.
    exempt: bool,
    /// What the schema marks as sensitive below: the rest of the way to each.
    marked: Vec<&'static str>,
}

impl<'a> Hidden<'a> {
    pub(super) fn of(old: &'a Template, new: &'a Template, context: &Context) -> Self {
        let mut hidden = Self { templates: [old, new], secrets: Vec::new(), names: RefCell::default() };
        let mut secrets = BTreeSet::new();
        for (template, known) in [(old, &context.old), (new, &context.new)] {
            hidden.gather(template, &mut secrets);
            for (name, value) in &known.parameters {
                let no_echo = |template: &Template| template.parameters.get(name).is_some_and(has_no_echo);
                if no_echo(old) || no_echo(new) || is_secret_name(name) || looks_secret(value) {
                    secrets.insert(value.clone());
                }
            }
        }
        let mut secrets: Vec<String> = secrets.into_iter().filter(|text| text.len() >= FOUND_AGAIN).collect();
        secrets.sort_by_key(|text| std::cmp::Reverse(text.len()));
        hidden.secrets = secrets;
        hidden
    }

    /// A value at a place of one of the templates, as it may be shown.
    pub(super) fn show(&self, path: &Path, value: &Json) -> Shown {
        Shown { raw: value.clone(), redacted: self.redacted(value, &self.place(path), &mut |_| {}) }
    }

    /// A sentence without the secrets that are known.
    pub(super) fn scrub(&self, text: &mut String) {
        if let Some(scrubbed) = self.scrubbed(text) {
            *text = scrubbed;
        }
    }

    /// A text without the secrets that are known; nothing where there are none in it.
    fn scrubbed(&self, text: &str) -> Option<String> {
        self.secrets.iter().fold(None, |scrubbed: Option<String>, secret| {
            let text = scrubbed.as_deref().unwrap_or(text);
            if text.contains(secret.as_str()) { Some(text.replace(secret.as_str(), HIDDEN)) } else { scrubbed }
        })
    }

    /// Gathers the secrets of a template.
    fn gather(&self, template: &Template, secrets: &mut BTreeSet<String>) {
        let mut keep = |text: &str| _ = secrets.insert(text.to_owned());
        let mut all = |place: &Place, entries: &Map<String, Json>| {
            entries.iter().for_each(|(name, value)| _ = self.redacted(value, &self.below(place, name), &mut keep));
        };
        let plain = Place::default();
        let mut policies_and_conditions = Vec::new();
        for resource in template.resources.values() {
            all(&Place::of(&resource.kind), &resource.properties);
            all(&plain, &resource.metadata);
            all(&plain, &resource.rest);
            let policies = [&resource.deletion_policy, &resource.update_replace_policy];
            policies_and_conditions.extend(policies.into_iter().flatten().cloned());
            policies_and_conditions.extend(resource.condition.iter().map(|name| json!(name)));
        }
        for section in [&template.metadata, &template.mappings, &template.conditions, &template.rest] {
            all(&plain, section);
        }
        all(&plain, &template.resources.functions);
        all(&plain, &template.outputs.functions);
        template.outputs.values().for_each(|output| all(&plain, &output.rest));
        template.parameters.values().for_each(|parameter| all(&plain, &parameter.rest));
        policies_and_conditions.iter().for_each(|value| _ = self.redacted(value, &plain, &mut keep));
        for (name, parameter) in &template.parameters {
            let place = Place { secret: has_no_echo(parameter) || is_secret_name(name), ..Place::default() };
            parameter.default.iter().for_each(|default| _ = self.redacted(default, &place, &mut keep));
        }
        for (name, output) in &template.outputs {
            self.redacted(&output.value, &self.below(&plain, name), &mut keep);
            output.description.iter().for_each(|text| _ = self.text(text, &plain, &mut keep));
        }
        template.description.iter().for_each(|text| _ = self.text(text, &plain, &mut keep));
    }

    /// What is known of the place that a path leads to.
    fn place(&self, path: &Path) -> Place {
        let below = |place: Place, steps: &[Step]| {
            steps.iter().fold(place, |place, step| match step {
                Step::Key(key) => self.below(&place, key),
                Step::Item(_) => place.item(),
            })
        };
        match path.steps() {
            [Step::Key(section), Step::Key(id), Step::Key(part), rest @ ..]
                if section == "Resources" && part == "Properties" =>
            {
                let resources = self.templates.iter().filter_map(|template| template.resources.get(id.as_str()));
                // An id may stand for another type in the other template: what one of the two hides is hidden.
                let mut kinds: Vec<&str> = resources.map(|resource| resource.kind.as_str()).collect();
                kinds.dedup();
                let places = kinds.into_iter().map(|kind| below(Place::of(kind), rest));
                places.reduce(|one, other| if one.secret { one } else { other }).unwrap_or_default()
            }
            [Step::Key(section), Step::Key(name), Step::Key(part)] if section == "Parameters" && part == "Default" => {
                let no_echo = |template: &&Template| template.parameters.get(name).is_some_and(has_no_echo);
                let secret = self.templates.iter().any(no_echo) || is_secret_name(name);
                Place { secret, ..Place::default() }
            }
            // A logical id is no name of a value.
            [Step::Key(section), _, rest @ ..] if section == "Resources" => below(Place::default(), rest),
            [_, rest @ ..] => below(Place::default(), rest),
            [] => Place::default(),
        }
    }

    /// A value without its secrets, each of which is told to `found`; nothing where there are none in it.
    fn redacted(&self, value: &Json, place: &Place, found: &mut dyn FnMut(&str)) -> Option<Json> {
        match value {
            Json::String(text) => self.text(text, place, found).map(Json::String),
            Json::Number(number) if place.secret => {
                found(&number.to_string());
                Some(json!(HIDDEN))
            }
            Json::Array(items) => {
                let inside = place.item();
                replaced(items, |_, item| self.redacted(item, &inside, found))
            }
            Json::Object(entries) => match function(entries) {
                Some((name, argument)) => {
                    self.argument(name, argument, place, found).map(|argument| json!({ name: argument }))
                }
                None => self.members(entries, place, found),
            },
            Json::Null | Json::Bool(_) | Json::Number(_) => None,
        }
    }

    fn members(&self, entries: &Map<String, Json>, place: &Place, found: &mut dyn FnMut(&str)) -> Option<Json> {
        // `{Key: ..., Value: ...}` names its value, as a member does.
        let name = ["Key", "Name", "ParameterKey"].iter().find_map(|key| entries.get(*key)?.as_str());
        let mut members: Option<Map<String, Json>> = None;
        for (key, inner) in entries {
            let named = name.filter(|_| ["Value", "ParameterValue", "DefaultValue"].contains(&key.as_str()));
            let mut inside = self.below(place, key);
            if let Some(name) = named {
                let told = self.told(name);
                inside.secret = place.secret || told.secret;
                inside.exempt = told.exempt;
            } else if ["Key", "Name", "ParameterKey"].contains(&key.as_str()) {
                inside.secret = false;
            }
            if let Some(redacted) = self.redacted(inner, &inside, found) {
                members.get_or_insert_with(|| entries.clone()).insert(key.clone(), redacted);
            }
        }
        members.map(Json::Object)
    }

    fn argument(&self, name: &str, argument: &Json, place: &Place, found: &mut dyn FnMut(&str)) -> Option<Json> {
        let mut names = |value: &Json| match value {
            Json::String(text) if self.is_name(text) => None,
            other => self.redacted(other, &Place::default(), found),
        };
        match (name, argument) {
            ("Ref" | "Condition", _) => names(argument),
            ("Fn::GetAtt", Json::String(text)) => {
                let id = text.split('.').next().unwrap_or_default();
                if self.is_name(id) { None } else { self.redacted(argument, place, found) }
            }
            ("Fn::GetAtt", Json::Array(parts)) => replaced(parts, |_, part| names(part)),
            ("Fn::If" | "Fn::FindInMap", Json::Array(parts)) => replaced(parts, |at, part| match (at, part) {
                (0, Json::String(text)) if self.is_name(text) => None,
                (0, _) => self.redacted(part, &Place::default(), found),
                _ => self.redacted(part, place, found),
            }),
            _ => self.redacted(argument, place, found),
        }
    }

    fn text(&self, text: &str, place: &Place, found: &mut dyn FnMut(&str)) -> Option<String> {
        let harmless =
            text.is_empty() || is_dynamic(text) || ["true", "false"].contains(&text) || is_reference_only(text);
        let by_place = place.secret && !harmless && !text.starts_with("arn:") && !text.starts_with("${");
        if by_place || !place.exempt && looks_secret(text) {
            found(text);
            return Some(HIDDEN.to_owned());
        }
        self.scrubbed(text)
    }

    /// The place of a member.
    fn below(&self, place: &Place, key: &str) -> Place {
        let marked = place.rest(key);
        // What is read from elsewhere is no secret itself.
        if key == "ValueFrom" || key == "GenerateSecretString" {
            return Place { secret: false, exempt: true, marked };
        }
        let told = self.told(key);
        Place { secret: place.secret || told.secret || marked.contains(&""), exempt: told.exempt, marked }
    }

    /// What a key tells by its name.
    fn told(&self, key: &str) -> Told {
        if let Some(told) = self.names.borrow().get(key) {
            return *told;
        }
        let told = Told { secret: is_secret_name(key), exempt: is_exempt(key) };
        self.names.borrow_mut().insert(key.to_owned(), told);
        told
    }

    /// Whether a text is the name of something in one of the templates.
    fn is_name(&self, text: &str) -> bool {
        text.starts_with("AWS::")
            || self.templates.iter().any(|template| {
                template.resources.contains_key(text)
                    || template.parameters.contains_key(text)
                    || template.conditions.contains_key(text)
                    || template.mappings.contains_key(text)
            })
    }
}

impl Place {
    /// The place of the properties of a type.
    fn of(kind: &str) -> Self {
        let sensitive = schema::lifecycle(kind).map(|lifecycle| lifecycle.sensitive);
        Self { marked: sensitive.into_iter().flat_map(Paths::iter).collect(), ..Self::default() }
    }

    fn item(&self) -> Self {
        let marked = self.rest("*");
        Self { secret: self.secret || marked.contains(&""), exempt: self.exempt, marked }
    }

    fn rest(&self, key: &str) -> Vec<&'static str> {
        let rests = self.marked.iter().filter_map(|path| {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            (!path.is_empty() && (first == key || first == "*")).then_some(rest)
        });
        rests.collect()
    }
}

/// A list with some of its items replaced; nothing where none is.
fn replaced(items: &[Json], mut replacement: impl FnMut(usize, &Json) -> Option<Json>) -> Option<Json> {
    let mut all: Option<Vec<Json>> = None;
    for (at, item) in items.iter().enumerate() {
        if let Some(other) = replacement(at, item) {
            all.get_or_insert_with(|| items.to_vec())
                .get_mut(at)
                .into_iter()
                .for_each(|place| place.clone_from(&other));
        }
    }
    all.map(Json::Array)
}

/// Keys under which ids, hashes and versions stand.
fn is_exempt(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let endings =
        ["id", "ids", "arn", "arns", "sha256", "hash", "digest", "checksum", "etag", "fingerprint", "thumbprint"];
    let names = ["s3key", "s3objectversion", "imageuri", "image", "thumbprintlist", "dependson", "key", "templateurl"];
    names.contains(&key.as_str()) || endings.iter().any(|ending| key.ends_with(ending))
}

fn has_no_echo(parameter: &cfn::Parameter) -> bool {
    parameter.rest.get("NoEcho").is_some_and(is_true)
}

/// Whether a text of `Fn::Sub` has no literal worth hiding.
fn is_reference_only(text: &str) -> bool {
    let mut rest = text;
    let mut literal = 0;
    while let Some((before, after)) = rest.split_once("${") {
        literal += before.len();
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    text.contains("${") && literal + rest.len() == 0
}
