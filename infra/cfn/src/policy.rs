//! IAM statements: who may do what on what.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::Value;

/// An IAM policy document.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

impl PolicyDocument {
    /// A document of these statements.
    #[must_use]
    pub fn of(statements: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statement: statements }
    }
}

/// One statement of a policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'static str>,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Principal>,
    action: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource: Vec<Json>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Json>,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Effect {
    /// What it names may be done.
    Allow,
    /// What it names may not be done, whatever another statement says.
    Deny,
}

/// Whom a statement of a resource's policy is about.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Principal {
    /// An AWS service, such as `sns.amazonaws.com`.
    Service {
        /// The service's host name.
        #[serde(rename = "Service")]
        service: Json,
    },
    /// An account or a role.
    Aws {
        /// Its ARN.
        #[serde(rename = "AWS")]
        aws: Json,
    },
}

impl Principal {
    /// A service of AWS, by its host name.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::Service { service: json!(name) }
    }

    /// Everyone: only for statements that deny.
    #[must_use]
    pub fn everyone() -> Self {
        Self::Aws { aws: json!("*") }
    }
}

impl Statement {
    /// Allows these actions.
    #[must_use]
    pub fn allow(action: &[&'static str]) -> Self {
        Self::new(Effect::Allow, action)
    }

    /// Denies these actions.
    #[must_use]
    pub fn deny(action: &[&'static str]) -> Self {
        Self::new(Effect::Deny, action)
    }

    fn new(effect: Effect, action: &[&'static str]) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            action: action.to_vec(),
            resource: Vec::new(),
            condition: Map::new(),
        }
    }

    /// Names the statement, for those who read the policy.
    #[must_use]
    pub fn named(self, sid: &'static str) -> Self {
        Self { sid: Some(sid), ..self }
    }

    /// On this resource.
    #[must_use]
    pub fn on<T>(mut self, resource: &Value<T>) -> Self {
        self.resource.push(resource.json());
        self
    }

    /// For this principal.
    #[must_use]
    pub fn to(self, principal: Principal) -> Self {
        Self { principal: Some(principal), ..self }
    }

    /// Only when `operator` holds between the request's `key` and `value`.
    #[must_use]
    pub fn when<T>(mut self, operator: &str, key: &str, value: &Value<T>) -> Self {
        let of_operator = self.condition.entry(operator).or_insert_with(|| json!({}));
        if let Some(of_operator) = of_operator.as_object_mut() {
            of_operator.insert(key.to_owned(), value.json());
        }
        self
    }
}
