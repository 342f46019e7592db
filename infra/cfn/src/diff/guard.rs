//! What stops a change until somebody allows it by name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Fact;
use crate::LogicalId;

/// What a change may be stopped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// A stateful resource is replaced.
    ReplaceStateful,
    /// Data is deleted.
    DeleteData,
    /// Somebody may do more.
    WidenIam,
    /// Everybody may do something.
    PublicPrincipal,
    /// Another account may do something.
    CrossAccount,
    /// A route is open that was not there.
    NewPublicRoute,
    /// A route asks nobody any more who calls.
    RemoveAuthorization,
    /// A protection is weaker.
    WeakenProtection,
    /// Events reach their target no longer.
    StopFlow,
    /// An alarm is gone, or tells nobody.
    RemoveAlarm,
    /// Something does not work for a while.
    Interruption,
    /// The deployment will fail.
    WillFail,
}

/// What is denied, and what is allowed nevertheless.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// What blocks.
    pub deny: BTreeSet<Guard>,
    /// What somebody allowed.
    pub allow: Vec<Allowance>,
}

/// A guard that somebody lifted for one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The guard.
    pub guard: Guard,
    /// The resource's logical id.
    pub resource: LogicalId,
    /// Why it is allowed.
    pub reason: String,
}

/// What the guards say about a change.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// What blocks it.
    pub blocked: Vec<Blocked>,
    /// What would have blocked it.
    pub allowed: Vec<Allowed>,
}

/// A fact that blocks the change.
#[derive(Debug, Serialize)]
pub struct Blocked {
    /// The guard that it trips.
    pub guard: Guard,
    /// The resource that it is about.
    pub resource: LogicalId,
    /// What happens.
    pub sentence: String,
}

/// A fact that would block the change, had nobody allowed it.
#[derive(Debug, Serialize)]
pub struct Allowed {
    /// What was allowed, and why.
    pub allowance: Allowance,
    /// What happens.
    pub sentence: String,
}

/// Judges facts by the guards.
pub(super) fn judge(facts: &[Fact], guards: &Guards) -> Verdict {
    let mut verdict = Verdict::default();
    for fact in facts {
        for guard in fact.guards.iter().copied().filter(|guard| guards.deny.contains(guard)) {
            for resource in &fact.subjects {
                let allowance = guards.allow.iter().find(|allow| allow.guard == guard && allow.resource == *resource);
                let sentence = fact.sentence.clone();
                match allowance.cloned() {
                    Some(allowance) => verdict.allowed.push(Allowed { allowance, sentence }),
                    None => verdict.blocked.push(Blocked { guard, resource: resource.clone(), sentence }),
                }
            }
        }
    }
    verdict
}
