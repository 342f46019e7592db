//! How an environment is deployed, and what a deployment may not do to it.

use serde::Deserialize;

/// How an environment is deployed. What the file does not say is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Deployment {
    /// Whether AWS keeps the stack from being deleted.
    pub termination_protection: bool,
    /// Whether AWS keeps what holds data from being replaced or deleted, until it is named on the command line.
    pub protect_stateful: bool,
    /// Whether new code may go straight to Lambda, past CloudFormation.
    pub hotswap: Hotswap,
    /// How long AWS watches the stack's alarms once a deployment is in place, in minutes, at most 180: when one rings, it
    /// undoes the deployment. During the deployment they are watched in any case.
    pub watch_minutes: u32,
}

/// Whether new code may go straight to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Hotswap {
    /// For development: the stack then runs something else than its template says.
    Allow,
    /// All that runs went through CloudFormation.
    Forbid,
}

impl Default for Deployment {
    fn default() -> Self {
        Self { termination_protection: true, protect_stateful: true, hotswap: Hotswap::Forbid, watch_minutes: 0 }
    }
}
