//! A stack under construction: collects resources, refuses what cannot be synthesized.

mod waive;

pub use waive::WAIVERS;

use std::{collections::BTreeMap, fmt, marker::PhantomData, panic::Location};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    Condition, InvalidLogicalId, LogicalId, Mapping, Output, Parameter, Resource, Row, Sensitive, Statement, Template,
    Test, Value, graph,
    schema::{self, Misfit},
};

/// Why a stack cannot be synthesized.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A resource's name has characters that CloudFormation does not take.
    #[error(transparent)]
    LogicalId(#[from] InvalidLogicalId),
    /// Two resources have one name.
    #[error("logical id {0} is used twice; give one of the two another name")]
    Duplicate(LogicalId),
    /// A reference leads nowhere.
    #[error("{path} refers to {target}, and no resource, parameter, condition or mapping has that name")]
    Dangling {
        /// Where the reference stands.
        path: String,
        /// What it names.
        target: String,
    },
    /// Resources refer to each other in a circle.
    #[error(transparent)]
    Circle(#[from] graph::Circle),
    /// A queue would show a message again while a function may still work on it.
    #[error(
        "{queue}.VisibilityTimeout is {visibility}; it must be at least {needed}, six times the timeout of {function}, which \
         the queue feeds"
    )]
    Visibility {
        /// The queue.
        queue: LogicalId,
        /// The function that it feeds.
        function: LogicalId,
        /// How long the queue hides a message, in seconds.
        visibility: u64,
        /// How long it must at least.
        needed: u64,
    },
    /// A value cannot be written as JSON.
    #[error("{path} cannot be written as JSON: {reason}")]
    Unwritable {
        /// The value's place.
        path: String,
        /// The serializer's reason.
        reason: String,
    },
    /// A literal does not fit its property: it is too long, too large, or not among those that AWS takes.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

/// Everything that keeps a stack from being synthesized, in the order in which it was found. Never empty.
#[derive(Debug)]
pub struct StackErrors(pub Vec<StackError>);

impl fmt::Display for StackErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                out.write_str("\n")?;
            }
            error.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for StackErrors {}

/// A kind of resource, known by its CloudFormation type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no resource that a stack can hold",
    label = "not a resource",
    note = "resources are the structs of `cfn::resources`; constructs have functions of their own, such as `Stack::queue`"
)]
pub trait Kind: Serialize {
    /// Such as `AWS::SQS::Queue`.
    const TYPE: &'static str;
    /// Whether it holds data that is gone when the resource is.
    const STATEFUL: bool = false;
}

/// A resource that stands in the stack, to refer to.
pub struct Handle<R> {
    /// The resource's logical id.
    pub id: LogicalId,
    kind: PhantomData<fn() -> R>,
}

impl<R> Handle<R> {
    /// `Ref` of the resource.
    pub(crate) fn reference<T>(&self) -> Value<T> {
        Value::reference(self.id.as_str())
    }

    /// `Fn::GetAtt` of the resource.
    pub(crate) fn attribute<T>(&self, name: &'static str) -> Value<T> {
        Value::attribute(&self.id, name)
    }

    /// The same resource, seen as what a construct made of it, or the other way round.
    pub(crate) fn seen_as<S>(&self) -> Handle<S> {
        Handle { id: self.id.clone(), kind: PhantomData }
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), kind: PhantomData }
    }
}

/// A stack under construction.
pub struct Stack {
    template: Template,
    definitions: BTreeMap<LogicalId, &'static Location<'static>>,
    errors: Vec<StackError>,
}

impl Stack {
    /// An empty stack with this description.
    #[must_use]
    pub fn new(description: &str) -> Self {
        let template = Template {
            format_version: Some("2010-09-09".to_owned()),
            description: Some(description.to_owned()),
            ..Template::default()
        };
        Self { template, definitions: BTreeMap::new(), errors: Vec::new() }
    }

    /// Adds a resource. A stateful kind is retained when the resource leaves the stack or is replaced, but not when its
    /// very first creation is rolled back.
    ///
    /// Mistakes are kept and reported by [`Stack::finish`], so that definitions read as a list.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>
    #[track_caller]
    pub fn add<R: Kind>(&mut self, id: &str, resource: R) -> Handle<R> {
        let id = self.logical_id(id);
        let properties = match Value::from(resource).json() {
            Json::Object(properties) => properties,
            _ => Map::new(),
        };
        let resource = Resource {
            kind: R::TYPE.to_owned(),
            condition: None,
            depends_on: Vec::new(),
            deletion_policy: R::STATEFUL.then(|| json!("RetainExceptOnCreate")),
            update_replace_policy: R::STATEFUL.then(|| json!("Retain")),
            metadata: Map::new(),
            properties,
            rest: Map::new(),
        };
        self.definitions.entry(id.clone()).or_insert(Location::caller());
        if self.template.resources.insert(id.clone(), resource).is_some() {
            self.errors.push(StackError::Duplicate(id.clone()));
        }
        Handle { id, kind: PhantomData }
    }

    /// Adds a parameter without a default: its value is given when the stack is made. Whoever adds it says what it means.
    pub fn parameter<T>(&mut self, name: &str, description: &str) -> Value<T> {
        self.add_parameter(name, [("Description", json!(description))]);
        Value::reference(name)
    }

    /// Adds a parameter that holds a secret: its value is given when the stack is made, and nobody can read it back.
    pub fn secret_parameter(&mut self, name: &str, description: &str) -> Value<Sensitive> {
        self.add_parameter(name, [("Description", json!(description)), ("NoEcho", json!(true))]);
        Value::reference(name)
    }

    fn add_parameter<const N: usize>(&mut self, name: &str, rest: [(&str, Json); N]) {
        let id = self.logical_id(name);
        let rest = rest.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let parameter = Parameter { kind: "String".to_owned(), default: None, rest };
        if self.template.parameters.insert(name.to_owned(), parameter).is_some() {
            self.errors.push(StackError::Duplicate(id));
        }
    }

    /// Adds a condition, to choose values by with [`Value::choose`].
    pub fn condition(&mut self, name: &str, test: Test) -> Condition {
        let id = self.logical_id(name);
        if self.template.conditions.insert(name.to_owned(), test.0).is_some() {
            self.errors.push(StackError::Duplicate(id));
        }
        Condition(name.to_owned())
    }

    /// Adds a table of rows by name, each with the same columns, to look values up in with [`Mapping::find`].
    pub fn mapping<T>(&mut self, name: &str, rows: &[Row<'_, T>]) -> Mapping<T> {
        let id = self.logical_id(name);
        let table: Map<String, Json> = rows
            .iter()
            .map(|(row, columns)| {
                let columns = columns.iter().map(|(column, value)| ((*column).to_owned(), value.json()));
                ((*row).to_owned(), Json::Object(columns.collect()))
            })
            .collect();
        if self.template.mappings.insert(name.to_owned(), table.into()).is_some() {
            self.errors.push(StackError::Duplicate(id));
        }
        Mapping { name: name.to_owned(), means: PhantomData }
    }

    /// Adds an output.
    pub fn output<T>(&mut self, name: &str, description: &str, value: Value<T>) {
        let id = self.logical_id(name);
        let output = Output { description: Some(description.to_owned()), value: value.json(), rest: Map::new() };
        if self.template.outputs.insert(name.to_owned(), output).is_some() {
            self.errors.push(StackError::Duplicate(id));
        }
    }

    /// Where each resource is defined: whoever called what adds it, a construct or [`Stack::add`] itself. A function of
    /// one's own around them is skipped when it is `#[track_caller]` too.
    #[must_use]
    pub fn definitions(&self) -> &BTreeMap<LogicalId, &'static Location<'static>> {
        &self.definitions
    }

    /// A resource that a construct added under this id. A wrong id shows as a dangling reference.
    pub(crate) fn existing<R>(&self, id: &str) -> Handle<R> {
        let id = LogicalId::parse(id).unwrap_or_else(|_| LogicalId::placeholder());
        Handle { id, kind: PhantomData }
    }

    /// Whether there is a resource of this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.template.resources.contains_key(id)
    }

    /// A property of a resource that is already there, as it was given.
    pub(crate) fn property(&self, id: &LogicalId, name: &str) -> Option<&Json> {
        self.template.resources.get(id)?.properties.get(name)
    }

    /// Remembers a mistake, for [`Stack::finish`] to report.
    pub fn refuse(&mut self, mistake: StackError) {
        self.errors.push(mistake);
    }

    /// Changes a resource that is already there, in what its construct does not offer.
    pub fn change<R>(&mut self, handle: &Handle<R>, change: impl FnOnce(&mut Resource)) {
        if let Some(resource) = self.template.resources.get_mut(&handle.id) {
            change(resource);
        }
    }

    /// Adds a statement to a policy that stands in a resource's properties at this JSON pointer.
    pub(crate) fn extend_policy(&mut self, id: &str, pointer: &str, statement: &Statement) {
        let properties = self.template.resources.get_mut(id).map(|resource| &mut resource.properties);
        let first = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        let rest = pointer.trim_start_matches('/').trim_start_matches(first);
        let list = properties.and_then(|all| all.get_mut(first)).and_then(|value| value.pointer_mut(rest));
        match (list.and_then(Json::as_array_mut), serde_json::to_value(statement)) {
            (Some(list), Ok(statement)) => list.push(statement),
            // A handle of another stack: its policy does not stand here.
            _ => self.errors.push(StackError::Dangling { path: "a statement".to_owned(), target: id.to_owned() }),
        }
    }

    /// Returns the template, if it can be synthesized.
    ///
    /// # Errors
    /// The mistakes that were made: wrong and repeated logical ids, literals that AWS would refuse, references to what does not
    /// exist, and a circle of them. Of several in one property, and of several literals in one resource, the first is reported.
    pub fn finish(mut self) -> Result<Template, StackErrors> {
        let mut errors = std::mem::take(&mut self.errors);
        for (id, resource) in &self.template.resources {
            for (name, value) in &resource.properties {
                errors.extend(self.check_references(value, &format!("{id}.{name}")).err());
            }
            if let Some(schema) = schema::of(&resource.kind) {
                errors.extend(schema::literals(schema, &resource.properties, id.as_str()).err().map(StackError::from));
            }
        }
        for (name, test) in &self.template.conditions {
            errors.extend(self.check_references(test, &format!("condition {name}")).err());
        }
        for (name, output) in &self.template.outputs {
            errors.extend(self.check_references(&output.value, &format!("output {name}")).err());
        }
        // A circle needs references that lead somewhere.
        if errors.is_empty() {
            errors.extend(graph::order(&self.template).err().map(StackError::from));
        }
        if errors.is_empty() { Ok(self.template) } else { Err(StackErrors(errors)) }
    }

    fn logical_id(&mut self, id: &str) -> LogicalId {
        LogicalId::parse(id).unwrap_or_else(|error| {
            self.errors.push(error.into());
            LogicalId::placeholder()
        })
    }

    fn check_references(&self, value: &Json, path: &str) -> Result<(), StackError> {
        graph::references(value, path).iter().try_for_each(|(path, target)| self.check_target(target, path))?;
        self.check_lookups(value, path)
    }

    /// Conditions and mappings that values are chosen by.
    fn check_lookups(&self, value: &Json, path: &str) -> Result<(), StackError> {
        match value {
            Json::Array(items) => {
                items.iter().enumerate().try_for_each(|(at, item)| self.check_lookups(item, &format!("{path}[{at}]")))
            }
            Json::Object(entries) => entries.iter().try_for_each(|(key, inner)| {
                let names = match key.as_str() {
                    "Fn::If" => &self.template.conditions,
                    "Fn::FindInMap" => &self.template.mappings,
                    _ => return self.check_lookups(inner, &format!("{path}.{key}")),
                };
                match inner.get(0).and_then(Json::as_str) {
                    Some(target) if !names.contains_key(target) => {
                        Err(StackError::Dangling { path: path.to_owned(), target: target.to_owned() })
                    }
                    _ => self.check_lookups(inner, &format!("{path}.{key}")),
                }
            }),
            _ => Ok(()),
        }
    }

    fn check_target(&self, target: &str, path: &str) -> Result<(), StackError> {
        let known = target.starts_with("AWS::")
            || self.template.resources.contains_key(target)
            || self.template.parameters.contains_key(target);
        if known {
            return Ok(());
        }
        Err(StackError::Dangling { path: path.to_owned(), target: target.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pseudo, resources::sqs::Queue};

    #[derive(Serialize)]
    struct Thing(Json);
    impl Kind for Thing {
        const TYPE: &'static str = "AWS::Test::Thing";
    }

    #[test]
    fn a_repeated_or_wrong_logical_id_is_refused() {
        let mut stack = Stack::new("test");
        stack.add("A", Thing(json!({})));
        stack.add("A", Thing(json!({})));
        assert!(matches!(errors(stack)[..], [StackError::Duplicate(_)]));
        let mut stack = Stack::new("test");
        stack.add("a-b", Thing(json!({})));
        assert!(matches!(errors(stack)[..], [StackError::LogicalId(_)]));
        let mut stack = Stack::new("test");
        stack.parameter::<String>("P", "");
        stack.parameter::<String>("P", "");
        assert!(matches!(errors(stack)[..], [StackError::Duplicate(_)]));
        let mut stack = Stack::new("test");
        stack.output("O", "", Value::<String>::from("a"));
        stack.output("O", "", Value::<String>::from("b"));
        assert!(matches!(errors(stack)[..], [StackError::Duplicate(_)]));
    }

    #[test]
    fn every_mistake_is_reported() {
        let mut stack = Stack::new("test");
        stack.add("A", Thing(json!({"P": {"Ref": "Gone"}})));
        stack.add("B", Queue { queue_name: Some("q".repeat(81).into()), ..Queue::default() });
        let lines = stack.finish().unwrap_err().to_string();
        assert_eq!(lines.lines().count(), 2, "{lines}");
    }

    fn errors(stack: Stack) -> Vec<StackError> {
        stack.finish().unwrap_err().0
    }

    #[test]
    fn a_dangling_reference_is_refused_with_its_path() {
        for (value, path) in [
            (json!({"P": [{"Ref": "Gone"}]}), "A.P[0]"),
            (json!({"P": {"Q": {"Fn::GetAtt": ["Gone", "Arn"]}}}), "A.P.Q"),
            (json!({"P": {"Fn::Sub": "x${!Fine}${AWS::Region}${Gone.Arn}"}}), "A.P"),
            (json!({"P": {"Q": [{"Fn::If": ["Gone", 1, 2]}]}}), "A.P.Q[0]"),
            (json!({"P": {"Fn::FindInMap": ["Gone", "a", "b"]}}), "A.P"),
        ] {
            let mut stack = Stack::new("test");
            stack.add("A", Thing(value));
            let error = stack.finish().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{path} refers to Gone")), "{error}");
        }
    }

    #[test]
    fn a_condition_that_tests_nothing_there_is_refused() {
        let mut stack = Stack::new("test");
        stack.condition("Large", Test::equal(&Value::<String>::reference("Gone"), &"x".into()));
        let error = stack.finish().unwrap_err().to_string();
        assert!(error.starts_with("condition Large.Fn::Equals[0] refers to Gone"), "{error}");
    }

    #[test]
    fn a_circle_is_refused_with_its_path() {
        let mut stack = Stack::new("test");
        stack.add("A", Thing(json!({"P": {"Ref": "B"}})));
        stack.add("B", Thing(json!({"P": {"Ref": "A"}})));
        assert_eq!(stack.finish().unwrap_err().to_string(), "resources depend on each other in a circle: A -> B -> A");
    }

    #[test]
    fn a_literal_that_aws_would_refuse_is_refused_with_its_path() {
        let mut stack = Stack::new("test");
        stack.add("A", Queue { queue_name: Some("q".repeat(81).into()), ..Queue::default() });
        let error = stack.finish().unwrap_err().to_string();
        assert_eq!(error, "A.QueueName has 81 characters; it may have 1 to 80");
    }

    #[test]
    fn values_are_chosen_by_conditions_and_looked_up_in_mappings() {
        let mut stack = Stack::new("test");
        let large = stack.condition("Large", Test::equal(&pseudo::region(), &"eu-west-1".into()));
        let seconds = stack.mapping("Seconds", &[("eu-west-1", &[("delay", 5.into())])]);
        let delay = Value::choose(&large, &seconds.find(&pseudo::region(), "delay"), &0.into());
        stack.add("A", Queue { delay_seconds: Some(delay), ..Queue::default() });
        let template = stack.finish().unwrap();
        let wanted = json!({"Fn::If": ["Large", {"Fn::FindInMap": ["Seconds", {"Ref": "AWS::Region"}, "delay"]}, 0]});
        assert_eq!(template.resources["A"].properties["DelaySeconds"], wanted);
    }
}
