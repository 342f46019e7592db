//! Compares what was reviewed with what AWS holds: a change set before it is executed, and each function's code after it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::TemplateStage;
use futures_util::future::try_join_all;

use crate::{
    Failure,
    change_set::{CAPABILITY, ChangeSet, Rollback},
    failure::{failure, says},
    resources::Resources,
    source::Source,
    stack::Stack,
    target::Target,
    text::printable,
};

/// Expected content of a change set.
pub(crate) struct Reviewed<'a> {
    pub(crate) source: &'a Source,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) rollback: Option<&'a Rollback>,
    /// The stack that is changed.
    pub(crate) base: &'a Stack,
}

impl Reviewed<'_> {
    /// Returns what a change set has otherwise, a line each; an empty list when it is what was reviewed, and none when the
    /// change set no longer exists.
    ///
    /// # Errors
    /// When AWS does not return the change set's template.
    pub(crate) async fn differences(
        &self,
        target: &Target,
        change_set: &ChangeSet,
    ) -> Result<Option<Vec<String>>, Failure> {
        let Self { source, parameters, rollback, base } = self;
        let mut found = Vec::new();
        if change_set.stack_id != base.id {
            found.push(format!("the change set is for the stack {}, not {}", printable(&change_set.stack_id), base.id));
        }
        let request = target.aws.cloudformation().get_template().change_set_name(&change_set.id);
        // An ARN names its stack by itself; CloudFormation takes the stack's name beside it.
        let answer = request.stack_name(&base.id).template_stage(TemplateStage::Original).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if says(&error, "ChangeSetNotFound") || says(&error, "does not exist") => return Ok(None),
            Err(error) => return Err(failure(&error, "cannot read the change set's template")),
        };
        match cfn::read::template(answer.template_body().unwrap_or_default()) {
            Ok(template) => found.extend(templates(&source.template, &template)),
            Err(error) => found.push(format!("the change set's template cannot be read: {error}")),
        }
        let defaults = source.template.parameters.iter().filter_map(|(name, parameter)| {
            let default = parameter.default.as_ref()?;
            Some((name.clone(), default.as_str().map_or_else(|| default.to_string(), str::to_owned)))
        });
        let mut wanted: BTreeMap<String, String> = defaults.collect();
        wanted.extend(parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
        found.extend(values("parameter", &wanted, &change_set.parameters));
        // CloudFormation keeps the tags and topics that a stack has already.
        let new_tags = change_set.tags.iter().filter(|(name, value)| base.tags.get(*name) != Some(value));
        let new_tags = new_tags.map(|(name, value)| (name.clone(), value.clone())).collect();
        found.extend(values("tag", &BTreeMap::new(), &new_tags));
        let known = [CAPABILITY.as_str()];
        let more = change_set.capabilities.iter().filter(|capability| !known.contains(&capability.as_str()));
        found.extend(more.map(|capability| format!("the change set has the capability {}", printable(capability))));
        let topics = change_set.notifications.iter().filter(|topic| !base.notifications.contains(topic));
        found.extend(topics.map(|topic| format!("the change set notifies {}", printable(topic))));
        if change_set.imports {
            found.push("the change set imports resources that exist outside the stack".to_owned());
        }
        let sorted = |rollback: &Rollback| (rollback.alarms.iter().cloned().collect::<BTreeSet<_>>(), rollback.minutes);
        if let (Some(reviewed), Some(now)) = (rollback, &change_set.rollback)
            && sorted(reviewed) != sorted(now)
        {
            let text = |rollback: &Rollback| {
                let alarms = rollback.alarms.iter().map(|arn| printable(arn)).collect::<Vec<_>>().join(", ");
                format!("[{alarms}] for {} minutes", rollback.minutes)
            };
            found.push(format!(
                "the change set's rollback alarms: {} reviewed, {} in CloudFormation",
                text(reviewed),
                text(now)
            ));
        }
        Ok(Some(found))
    }
}

/// Differences of another template, by resource where that is where they differ.
fn templates(reviewed: &cfn::Template, other: &cfn::Template) -> Vec<String> {
    if reviewed == other {
        return Vec::new();
    }
    let ids = reviewed.resources.iter().chain(other.resources.iter()).map(|(id, _)| id.as_str());
    let mut found = Vec::new();
    for id in ids.collect::<BTreeSet<_>>() {
        let (ours, theirs) = (reviewed.resources.get(id), other.resources.get(id));
        let named = |resource: &cfn::Resource| format!("{} ({})", printable(id), printable(&resource.kind));
        match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                found.push(format!("the change set's template defines {} otherwise", named(ours)));
            }
            (Some(ours), None) => found.push(format!("the change set's template does not have {}", named(ours))),
            (None, Some(theirs)) => found.push(format!("the change set's template also has {}", named(theirs))),
            _ => {}
        }
    }
    if found.is_empty() {
        found.push("the change set's template differs outside its resources".to_owned());
    }
    found
}

fn values(what: &str, wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let differing = names.into_iter().filter(|name| wanted.get(*name) != found.get(*name));
    let text = |value: Option<&String>| value.map_or_else(|| "none".to_owned(), |value| printable(value));
    let line = |name: &String| {
        let (reviewed, now) = (text(wanted.get(name)), text(found.get(name)));
        format!("the change set's {what} {}: {reviewed} reviewed, {now} in CloudFormation", printable(name))
    };
    differing.map(line).collect()
}

/// A function whose code is not the zip that its template names.
pub(crate) struct OtherCode {
    /// The function's name in AWS.
    pub(crate) function: String,
    /// The SHA-256 of the code that it runs, in base64.
    pub(crate) runs: String,
    /// The SHA-256 of the zip, in base64.
    pub(crate) reviewed: String,
}

/// Returns each function of the stack that does not run the zip that the template names.
///
/// # Errors
/// When AWS does not say what runs.
pub(crate) async fn other_code(target: &Target, source: &Source) -> Result<Vec<OtherCode>, Failure> {
    let resources = Resources::read(target).await?;
    let made_of =
        source.artifacts.iter().flat_map(|artifact| source.functions_of(artifact).map(move |id| (id, artifact)));
    let there = made_of.filter_map(|(id, artifact)| {
        let resource = resources.all().iter().find(|resource| resource.id == id)?;
        Some((resource.physical.clone(), artifact))
    });
    let client = target.aws.lambda();
    let asked = there.map(|(function, artifact)| {
        let request = client.get_function_configuration().function_name(&function);
        async move {
            let answer = request.send().await;
            let doing = format!("cannot verify which code {function} runs");
            let answer = answer.map_err(|error| failure(&error, &doing))?;
            let runs = printable(answer.code_sha256().unwrap_or("unknown"));
            let reviewed = artifact.sha256_base64.clone();
            Ok((runs != reviewed).then_some(OtherCode { function, runs, reviewed }))
        }
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// Refuses a deployment after which functions run other code.
pub(crate) fn refuse(other: &[OtherCode]) -> Failure {
    let line = |one: &OtherCode| {
        let OtherCode { function, runs, reviewed } = one;
        format!("\n  {function}: the SHA-256 of its code is {runs}, and must be {reviewed}")
    };
    let lines: String = other.iter().map(line).collect();
    let message = format!("these functions do not run the code that was deployed:{lines}");
    Failure::new(message, "find who else changes them (CloudTrail: UpdateFunctionCode, PutObject), then deploy again")
}
