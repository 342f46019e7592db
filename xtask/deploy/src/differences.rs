//! What a deployment would change, as a reviewer reads it: our own comparison of the two templates, joined with what
//! CloudFormation expects to replace.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{self, ResourceChange};
use cfn::{LogicalId, Template};
use futures_util::future::try_join_all;
use review::{
    diff::{self, Code, Context, Diff, Known, Predicted},
    render::{self, Style},
};

use crate::{
    Failure, artifacts,
    source::{BUCKET, Source},
    stack::Stack,
    target::Target,
    terminal,
};

/// The two sides of a deployment.
pub(crate) struct Sides<'a> {
    pub(crate) stack: &'a Stack,
    /// The template that runs.
    pub(crate) deployed: &'a Template,
    pub(crate) source: &'a Source,
    /// The parameters' values, as they would be.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    /// What the environment's guards say, and where resources are defined.
    pub(crate) context: &'a Context,
}

impl Sides<'_> {
    /// Compares them.
    ///
    /// # Errors
    /// When the bucket does not say how large the code is that runs.
    pub(crate) async fn compare(&self, target: &Target, changes: &[ResourceChange]) -> Result<Diff, Failure> {
        let Self { stack, deployed, source, parameters, context } = self;
        let context = Context {
            old: Known { parameters: stack.parameters.clone(), code: self.running(target).await? },
            new: Known { parameters: (*parameters).clone(), code: self.built() },
            change_set: Some(changes.iter().filter_map(predicted).collect()),
            refusal: None,
            guards: context.guards.clone(),
            sources: context.sources.clone(),
        };
        Ok(diff::diff(deployed, &source.template, &context))
    }

    fn built(&self) -> BTreeMap<String, Code> {
        let artifacts = self.source.artifacts.iter();
        let code = artifacts.map(|artifact| {
            let code = Code { sha256: artifact.sha256.clone(), size: artifact.size };
            (artifact.parameter.clone(), code)
        });
        code.collect()
    }

    /// The code that runs, where it is known. Only what changes is asked for: the rest is as it was built.
    async fn running(&self, target: &Target) -> Result<BTreeMap<String, Code>, Failure> {
        let Some(bucket) = self.stack.parameters.get(BUCKET) else { return Ok(BTreeMap::new()) };
        let running = self.source.artifacts.iter().map(|artifact| async move {
            let Some(key) = self.stack.parameters.get(&artifact.parameter) else { return Ok(None) };
            let Some(sha256) = key.rsplit('/').next().and_then(|file| file.strip_suffix(".zip")) else {
                return Ok(None);
            };
            let size = if *key == artifact.key() {
                Some(artifact.size)
            } else {
                let there = artifacts::head(target, bucket, key).await?;
                there.and_then(|there| u64::try_from(there.content_length()?).ok())
            };
            let code = size.map(|size| Code { sha256: sha256.to_owned(), size });
            Ok::<_, Failure>(code.map(|code| (artifact.parameter.clone(), code)))
        });
        Ok(try_join_all(running).await?.into_iter().flatten().collect())
    }
}

/// What CloudFormation expects of a resource.
pub(crate) fn predicted(change: &ResourceChange) -> Option<Predicted> {
    let properties = change.details().iter().filter_map(|detail| {
        let target = detail.target()?;
        let attribute = target.attribute()?.as_str();
        Some(target.name().map_or(attribute.to_owned(), |name| format!("{attribute}.{name}")))
    });
    Some(Predicted {
        id: LogicalId::parse(change.logical_resource_id()?).ok()?,
        action: change.action()?.as_str().to_owned(),
        replacement: match change.replacement() {
            Some(types::Replacement::True) => Some(diff::Replacement::True),
            Some(types::Replacement::False) => Some(diff::Replacement::False),
            Some(types::Replacement::Conditional) => Some(diff::Replacement::Conditional),
            _ => None,
        },
        properties: properties.collect(),
    })
}

/// The comparison for people.
pub(crate) fn text(target: &Target, diff: &Diff, unfolded: bool) -> String {
    let (width, _) = terminal::size();
    render::terminal(&[review(target, diff)], Style { width, colour: terminal::has_colour(), unfolded })
}

/// The comparison for programs, in the shape that `cargo xtask diff --format json` has.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn json(target: &Target, diff: &Diff) -> Result<serde_json::Value, Failure> {
    render::json(&[review(target, diff)])
        .and_then(|text| serde_json::from_str(&text))
        .map_err(|error| Failure::new(format!("cannot write the review: {error}"), "this is a defect of this program"))
}

fn review<'a>(target: &'a Target, diff: &'a Diff) -> render::Review<'a> {
    let change_set = Some(render::ChangeSet::Joined);
    render::Review { name: &target.env, is_environment: true, against: "what is deployed", change_set, diff }
}
