//! A plan as a file: what was reviewed, and all that it was reviewed against.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    change_set::{ChangeSet, Rollback},
    files::write_private,
    guard::Allowed,
    source::Source,
    stack::Stack,
    target::Target,
};

/// Why a plan whose change set no longer exists is refused.
pub(crate) const GONE: &str = "the change set: it is gone, as when another one was executed";

/// The version of the file that this program writes and reads.
const VERSION: u32 = 2;

/// What a plan binds. Every field is compared when the plan is deployed, but for `made_by` and `allowed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// Of this shape: 2.
    version: u32,
    /// The version of the program that made it.
    tool: String,
    /// Who made it, where and when.
    made_by: String,
    /// The stack's name.
    stack: String,
    /// The account, twelve digits.
    account: String,
    /// The region, such as `eu-west-1`.
    region: String,
    /// The SHA-256 of the template.
    template: String,
    /// The SHA-256 of each function's zip.
    artifacts: BTreeMap<String, String>,
    /// The change set that CloudFormation made, as an ARN: it is what is executed. None where the stack is as it should be.
    pub(crate) change_set: Option<String>,
    /// The alarms that undo the deployment, as CloudFormation reported them.
    pub(crate) rollback: Option<Rollback>,
    /// The stack that it was made against.
    base: Base,
    /// What was allowed by name when it was reviewed.
    pub(crate) allowed: Allowed,
}

/// A stack as a plan was made against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    /// The stack's ARN.
    id: String,
    /// CloudFormation's word for how it is, such as `UPDATE_COMPLETE`.
    status: String,
    /// When it was made or last updated, as RFC 3339.
    changed: String,
}

impl Base {
    fn of(stack: &Stack) -> Self {
        let Stack { id, status, changed, .. } = stack;
        Self { id: id.clone(), status: status.as_str().to_owned(), changed: changed.clone() }
    }
}

impl Plan {
    /// The plan to execute this change set, or to change nothing.
    pub(crate) fn new(
        target: &Target,
        source: &Source,
        base: &Stack,
        change_set: Option<&ChangeSet>,
        made_by: String,
        allowed: &Allowed,
    ) -> Self {
        let artifacts = source.artifacts.iter();
        Self {
            version: VERSION,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            made_by,
            stack: target.stack.clone(),
            account: target.account.clone(),
            region: target.region.clone(),
            template: source.sha256.clone(),
            artifacts: artifacts.map(|artifact| (artifact.function.clone(), artifact.sha256.clone())).collect(),
            change_set: change_set.map(|change_set| change_set.id.clone()),
            rollback: change_set.and_then(|change_set| change_set.rollback.clone()),
            base: Base::of(base),
            allowed: allowed.clone(),
        }
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::new(format!("cannot write {}: {error}", file.display()), "choose another file with --out")
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| cannot(&error))? + "\n";
        let beside = file.with_extension("part");
        let written = write_private(&beside, text.as_bytes()).and_then(|()| fs::rename(&beside, file));
        written.map_err(|error| cannot(&error))
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// When the file cannot be read, or is no plan of this version.
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let again = "make it again with `cargo xtask plan`";
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display()), again))?;
        Self::parse(&text).map_err(|error| Failure::new(format!("{} is no plan: {error}", file.display()), again))
    }

    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("it is of version {version}, and this program reads version {VERSION}"));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// What is no longer as it was when the plan was made, a line each; nothing when it may be executed.
    ///
    /// Drift is not among them: CloudFormation looks for it only when asked to, which `cargo xtask drift` does.
    pub(crate) fn moved(
        &self,
        target: &Target,
        source: &Source,
        stack: Option<&Stack>,
        change_set: Option<&ChangeSet>,
    ) -> Vec<String> {
        let mut moved = Vec::new();
        let mut compare = |what: &str, planned: &str, now: &str| {
            if planned != now {
                moved.push(format!("{what}: {planned} when it was planned, {now} now"));
            }
        };
        compare("the program's version", &self.tool, env!("CARGO_PKG_VERSION"));
        compare("the stack's name", &self.stack, &target.stack);
        compare("the account", &self.account, &target.account);
        compare("the region", &self.region, &target.region);
        compare("the template's hash", &self.template, &source.sha256);
        let now = |function: &str| source.artifacts.iter().find(|artifact| artifact.function == function);
        for (function, planned) in &self.artifacts {
            compare(
                &format!("the zip of {function}"),
                planned,
                now(function).map_or("none", |artifact| &artifact.sha256),
            );
        }
        for artifact in source.artifacts.iter().filter(|artifact| !self.artifacts.contains_key(&artifact.function)) {
            compare(&format!("the zip of {}", artifact.function), "none", &artifact.sha256);
        }
        match stack.map(Base::of) {
            None => moved.push("the stack: it is gone".to_owned()),
            Some(now) => {
                compare("the stack", &self.base.id, &now.id);
                compare("the stack's status", &self.base.status, &now.status);
                compare("the stack's last change", &self.base.changed, &now.changed);
            }
        }
        match change_set {
            None if self.change_set.is_none() => {}
            None => moved.push(GONE.to_owned()),
            Some(change_set) if !change_set.is_ready() => moved.push(format!(
                "the change set: it can no longer be executed, it is {} and {}",
                change_set.status, change_set.execution
            )),
            Some(_) => {}
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"version":2,"tool":"0.0.0","made_by":"","stack":"s","account":"222222222222","region":"eu-west-1",
        "template":"t","artifacts":{},"change_set":"arn:c","rollback":{"alarms":[],"minutes":0},"base":{"id":"i","status":"UPDATE_COMPLETE","changed":""},
        "allowed":{"replace":[],"delete":[],"allow_data_loss":false}}"#;

    #[test]
    fn a_plan_of_another_version_or_shape_is_none() {
        assert!(Plan::parse(PLAN).is_ok());
        for (from, to, wanted) in [
            ("\"version\":2", "\"version\":1", "it is of version 1"),
            ("\"stack\":\"s\",", "", "missing field `stack`"),
            ("\"stack\"", "\"other\":1,\"stack\"", "unknown field `other`"),
            ("{\"version\"", "[\"version\"", ""),
        ] {
            let error = Plan::parse(&PLAN.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_file_holds_is_a_plan_or_an_error(text in "\\PC*", cut in 0..600usize) {
            let _read = Plan::parse(&text);
            let _read = Plan::parse(PLAN.get(..cut).unwrap_or(PLAN));
        }
    }
}
