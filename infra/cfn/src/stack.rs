//! A stack under construction: collects resources, refuses what cannot be synthesized.

use std::marker::PhantomData;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{InvalidLogicalId, LogicalId, Output, Parameter, Resource, Statement, Template, Value, graph};

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
    #[error("{path} refers to {target}, and no resource or parameter has that name")]
    Dangling {
        /// Where the reference stands.
        path: String,
        /// What it names.
        target: String,
    },
    /// Resources refer to each other in a circle.
    #[error(transparent)]
    Circle(#[from] graph::Circle),
    /// A value could not be written as JSON.
    #[error("the properties of {id} cannot be written: {source}")]
    Properties {
        /// The resource.
        id: LogicalId,
        /// What the serializer says.
        source: serde_json::Error,
    },
}

/// A kind of resource, known by its CloudFormation type.
pub trait Kind {
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
    /// `Ref` of the resource; what that gives depends on its kind.
    #[must_use]
    pub fn reference<T>(&self) -> Value<T> {
        Value::reference(self.id.as_str())
    }

    /// `Fn::GetAtt` of the resource.
    #[must_use]
    pub fn attribute<T>(&self, name: &'static str) -> Value<T> {
        Value::attribute(&self.id, name)
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
        Self { template, errors: Vec::new() }
    }

    /// Adds a resource. Members of `properties` that are null are left out. A stateful kind is retained when the
    /// resource leaves the stack or is replaced, but not when its very first creation is rolled back.
    ///
    /// Mistakes are kept and reported by [`Stack::finish`], so that definitions read as a list.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html>
    pub fn add<R: Kind>(&mut self, id: &str, properties: impl Serialize) -> Handle<R> {
        let id = self.logical_id(id);
        let properties = match serde_json::to_value(properties) {
            Ok(Json::Object(properties)) => properties.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            Ok(_) => Map::new(),
            Err(source) => {
                self.errors.push(StackError::Properties { id: id.clone(), source });
                Map::new()
            }
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
        if self.template.resources.insert(id.clone(), resource).is_some() {
            self.errors.push(StackError::Duplicate(id.clone()));
        }
        Handle { id, kind: PhantomData }
    }

    /// Adds a parameter without a default: its value is given when the stack is made.
    pub fn parameter(&mut self, name: &str, description: &str) -> Value<String> {
        let rest = Map::from_iter([("Description".to_owned(), json!(description))]);
        let parameter = Parameter { kind: "String".to_owned(), default: None, rest };
        self.template.parameters.insert(name.to_owned(), parameter);
        Value::reference(name)
    }

    /// Adds an output.
    pub fn output<T>(&mut self, name: &str, description: &str, value: Value<T>) {
        let output = Output { description: Some(description.to_owned()), value: value.json(), rest: Map::new() };
        self.template.outputs.insert(name.to_owned(), output);
    }

    /// A resource that a construct added under this id. A wrong id shows as a dangling reference.
    pub(crate) fn existing<R>(&self, id: &str) -> Handle<R> {
        let id = LogicalId::parse(id).unwrap_or_else(|_| LogicalId::placeholder());
        Handle { id, kind: PhantomData }
    }

    /// Changes a resource that is already there.
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

    /// The template, when it can be synthesized.
    ///
    /// # Errors
    /// The first mistake that was made: a wrong or repeated logical id, or a reference that leads nowhere.
    pub fn finish(mut self) -> Result<Template, StackError> {
        if !self.errors.is_empty() {
            return Err(self.errors.remove(0));
        }
        for (id, resource) in &self.template.resources {
            for (name, value) in &resource.properties {
                self.check_references(value, &format!("{id}.{name}"))?;
            }
        }
        for (name, output) in &self.template.outputs {
            self.check_references(&output.value, &format!("output {name}"))?;
        }
        graph::order(&self.template)?;
        Ok(self.template)
    }

    fn logical_id(&mut self, id: &str) -> LogicalId {
        LogicalId::parse(id).unwrap_or_else(|error| {
            self.errors.push(error.into());
            LogicalId::placeholder()
        })
    }

    fn check_references(&self, value: &Json, path: &str) -> Result<(), StackError> {
        graph::references(value, path).iter().try_for_each(|(path, target)| self.check_target(target, path))
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

    struct Thing;
    impl Kind for Thing {
        const TYPE: &'static str = "AWS::SNS::Topic";
    }

    #[test]
    fn a_repeated_or_wrong_logical_id_is_refused() {
        let mut stack = Stack::new("test");
        stack.add::<Thing>("A", json!({}));
        stack.add::<Thing>("A", json!({}));
        assert!(matches!(stack.finish(), Err(StackError::Duplicate(_))));
        let mut stack = Stack::new("test");
        stack.add::<Thing>("a-b", json!({}));
        assert!(matches!(stack.finish(), Err(StackError::LogicalId(_))));
    }

    #[test]
    fn a_dangling_reference_is_refused_with_its_path() {
        for (value, path) in [
            (json!({"P": [{"Ref": "Gone"}]}), "A.P[0]"),
            (json!({"P": {"Q": {"Fn::GetAtt": ["Gone", "Arn"]}}}), "A.P.Q"),
            (json!({"P": {"Fn::Sub": "x${!Fine}${AWS::Region}${Gone.Arn}"}}), "A.P"),
        ] {
            let mut stack = Stack::new("test");
            stack.add::<Thing>("A", value);
            let error = stack.finish().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{path} refers to Gone")), "{error}");
        }
    }

    #[test]
    fn empty_properties_are_left_out() {
        let mut stack = Stack::new("test");
        stack.add::<Thing>("A", json!({"Kept": 1, "Gone": null}));
        let template = stack.finish().unwrap();
        assert_eq!(template.resources["A"].properties.len(), 1);
    }
}
