//! What the stack consists of: what CloudFormation made for each definition.

use aws_sdk_cloudformation::types::StackResourceSummary;

use crate::{
    Failure,
    failure::{failure, says},
    stack::missing,
    target::Target,
};

/// The type of Lambda's functions.
pub(crate) const FUNCTION: &str = "AWS::Lambda::Function";
/// The type of SQS's queues.
pub(crate) const QUEUE: &str = "AWS::SQS::Queue";
/// The type of Secrets Manager's secrets.
pub(crate) const SECRET: &str = "AWS::SecretsManager::Secret";

/// One resource of the stack.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// The logical id: its name in the template.
    pub(crate) id: String,
    /// Such as `AWS::SQS::Queue`.
    pub(crate) kind: String,
    /// What AWS calls it: a function's name, a queue's URL, a secret's ARN.
    pub(crate) physical: String,
}

/// All resources of the stack that are there.
pub(crate) struct Resources {
    stack: String,
    all: Vec<Resource>,
}

impl Resources {
    /// Asks CloudFormation for them, a hundred at a time.
    ///
    /// # Errors
    /// When there is no such stack, or AWS does not tell.
    pub(crate) async fn read(target: &Target) -> Result<Self, Failure> {
        let client = target.aws.cloudformation();
        let mut pages = client.list_stack_resources().stack_name(&target.stack).into_paginator().items().send();
        let mut all = Vec::new();
        while let Some(resource) = pages.next().await {
            let resource = resource.map_err(|error| match says(&error, "does not exist") {
                true => missing(target),
                false => failure(&error, "cannot read what the stack consists of"),
            })?;
            all.extend(known(&resource));
        }
        Ok(Self { stack: target.stack.clone(), all })
    }

    /// Those of a type, in the order in which CloudFormation lists them.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.all.iter().filter(move |resource| resource.kind == kind)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Resource] {
        &self.all
    }

    /// What people call it: the last part of its URL or ARN, without the stack's name before it.
    pub(crate) fn short<'a>(&self, physical: &'a str) -> &'a str {
        let name = physical.rsplit(['/', ':']).next().unwrap_or(physical);
        // Secrets Manager puts six characters of its own behind a secret's name.
        let secret = physical.starts_with("arn:") && physical.contains(":secretsmanager:");
        let name = name.rsplit_once('-').filter(|_| secret).map_or(name, |(name, _)| name);
        let short = name.strip_prefix(&self.stack).and_then(|rest| rest.strip_prefix('-'));
        short.filter(|rest| !rest.is_empty()).unwrap_or(name)
    }

    /// The resource of this type that is meant: by what people call it, its logical id, or what AWS calls it.
    ///
    /// # Errors
    /// When there is none; the error names those that are there.
    pub(crate) fn find(&self, kind: &str, what: &str, name: &str) -> Result<&Resource, Failure> {
        self.get(kind, name).ok_or_else(|| {
            let all = self.all.iter().filter(|each| each.kind == kind);
            let names: Vec<_> = all.map(|each| self.short(&each.physical)).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Failure::new(format!("{} has no {what} {name:?}", self.stack), format!("there are: {names}"))
        })
    }

    /// As [`Resources::find`], `None` where the stack has no such resource.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<&Resource> {
        let meant = |each: &&Resource| each.id == name || each.physical == name || self.short(&each.physical) == name;
        self.all.iter().filter(|each| each.kind == kind).find(meant)
    }
}

fn known(resource: &StackResourceSummary) -> Option<Resource> {
    let deleted = resource.resource_status().is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
    let (id, kind) = (resource.logical_resource_id()?, resource.resource_type()?);
    let physical = resource.physical_resource_id().filter(|physical| !physical.is_empty() && !deleted)?;
    Some(Resource { id: id.to_owned(), kind: kind.to_owned(), physical: physical.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> Resources {
        let resource = |id: &str, kind: &str, physical: &str| Resource {
            id: id.to_owned(),
            kind: kind.to_owned(),
            physical: physical.to_owned(),
        };
        Resources {
            stack: "shop-prod".to_owned(),
            all: vec![
                resource("ErrorsQueue", QUEUE, "https://sqs.eu-west-1.amazonaws.com/1/shop-prod-errors"),
                resource("Orders", FUNCTION, "shop-prod-orders"),
                resource("Other", FUNCTION, "shop-production"),
            ],
        }
    }

    #[test]
    fn names_are_short_where_they_begin_with_the_stacks() {
        let resources = resources();
        let short = |name| resources.short(name);
        assert_eq!(short("https://sqs.eu-west-1.amazonaws.com/1/shop-prod-errors.fifo"), "errors.fifo");
        assert_eq!(short("arn:aws:secretsmanager:eu-west-1:1:secret:shop-prod-paypal-aBcDeF"), "paypal");
        assert_eq!(short("arn:aws:sqs:eu-west-1:1:shop-prod-errors"), "errors");
        assert_eq!(
            (short("shop-production"), short("shop-prod-"), short("else")),
            ("shop-production", "shop-prod-", "else")
        );
    }

    #[test]
    fn a_resource_is_meant_by_any_of_its_names() {
        let resources = resources();
        for name in ["orders", "Orders", "shop-prod-orders"] {
            assert_eq!(resources.find(FUNCTION, "function", name).unwrap().id, "Orders");
        }
        let said = resources.find(FUNCTION, "function", "errors").unwrap_err().to_string();
        assert_eq!(said, "error: shop-prod has no function \"errors\"\n  help: there are: orders, shop-production");
    }
}
