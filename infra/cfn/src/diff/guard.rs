//! What stops a change until somebody allows it by name.

use std::{collections::BTreeSet, fmt};

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
    /// Somebody may do more with something that was there before.
    WidenIam,
    /// Everybody may do something.
    PublicPrincipal,
    /// Another account may do something.
    CrossAccount,
    /// A route is open that was not there.
    NewPublicRoute,
    /// A route asks nobody any more who calls, or less.
    RemoveAuthorization,
    /// The whole internet reaches a network, a database or a load balancer.
    OpenNetwork,
    /// A protection is weaker.
    WeakenProtection,
    /// Events reach their target no longer, or only in part.
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
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// What blocks a change.
    #[serde(default)]
    pub deny: BTreeSet<Guard>,
    /// What somebody allowed.
    #[serde(default)]
    pub allow: Vec<Allowance>,
    /// The day on which this is judged, for allowances that end; without it, those that end do not count.
    #[serde(skip)]
    pub today: Option<Day>,
}

/// A guard that somebody lifted for one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The guard.
    pub guard: Guard,
    /// The resource's logical id.
    pub resource: LogicalId,
    /// Why it is allowed.
    pub reason: String,
    /// The last day on which it counts; for ever without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// A day, such as `2026-11-30`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

/// A text is not a day.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a day such as 2026-11-30")]
pub struct InvalidDay(String);

/// A text is neither a guard nor a guard with a resource.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidAllowance {
    /// There is no `=`.
    #[error("{0:?} is not GUARD=LOGICALID, such as widen-iam=WorkerRole")]
    Shape(String),
    /// Nobody knows the guard.
    #[error("there is no guard {0:?}; there are {all}", all = Guard::names().join(", "))]
    Guard(String),
    /// The resource's name cannot be one.
    #[error("{0:?} is not a logical id")]
    Resource(String),
}

/// What the guards say about a change.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// What blocks it.
    pub blocked: Vec<Blocked>,
    /// What would have blocked it.
    pub allowed: Vec<Allowed>,
    /// Allowances that this change does not need.
    pub unused: Vec<Allowance>,
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
    /// The allowance that counted until a day that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<Allowance>,
}

/// A fact that would block the change, had nobody allowed it.
#[derive(Debug, Serialize)]
pub struct Allowed {
    /// What was allowed, and why.
    pub allowance: Allowance,
    /// What happens.
    pub sentence: String,
}

impl Guard {
    /// Every guard, the gravest first.
    pub const ALL: [Self; 13] = [
        Self::ReplaceStateful,
        Self::DeleteData,
        Self::PublicPrincipal,
        Self::CrossAccount,
        Self::WidenIam,
        Self::NewPublicRoute,
        Self::RemoveAuthorization,
        Self::OpenNetwork,
        Self::WeakenProtection,
        Self::StopFlow,
        Self::RemoveAlarm,
        Self::Interruption,
        Self::WillFail,
    ];

    /// The guard's name, such as `widen-iam`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReplaceStateful => "replace-stateful",
            Self::DeleteData => "delete-data",
            Self::WidenIam => "widen-iam",
            Self::PublicPrincipal => "public-principal",
            Self::CrossAccount => "cross-account",
            Self::NewPublicRoute => "new-public-route",
            Self::RemoveAuthorization => "remove-authorization",
            Self::OpenNetwork => "open-network",
            Self::WeakenProtection => "weaken-protection",
            Self::StopFlow => "stop-flow",
            Self::RemoveAlarm => "remove-alarm",
            Self::Interruption => "interruption",
            Self::WillFail => "will-fail",
        }
    }

    /// What it stops.
    #[must_use]
    pub fn stops(self) -> &'static str {
        match self {
            Self::ReplaceStateful => "a stateful resource is replaced",
            Self::DeleteData => "data is deleted",
            Self::WidenIam => "somebody may do more with something that was there before",
            Self::PublicPrincipal => "everybody may do something",
            Self::CrossAccount => "another account may do something",
            Self::NewPublicRoute => "a route is open that was not there",
            Self::RemoveAuthorization => "a route asks nobody any more who calls, or less",
            Self::OpenNetwork => "the whole internet reaches a network, a database or a load balancer",
            Self::WeakenProtection => "a protection is weaker",
            Self::StopFlow => "events reach their target no longer, or only in part",
            Self::RemoveAlarm => "an alarm is gone, or tells nobody",
            Self::Interruption => "something does not work for a while",
            Self::WillFail => "the deployment will fail",
        }
    }

    /// The names of all guards.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|guard| guard.name()).collect()
    }

    /// The guard of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name)
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Allowance {
    /// Reads `GUARD=LOGICALID`, as it is given on a command line.
    ///
    /// # Errors
    /// When the text has no `=`, names no guard, or no possible logical id.
    pub fn parse(text: &str) -> Result<Self, InvalidAllowance> {
        let (guard, resource) = text.split_once('=').ok_or_else(|| InvalidAllowance::Shape(text.to_owned()))?;
        let guard = Guard::named(guard).ok_or_else(|| InvalidAllowance::Guard(guard.to_owned()))?;
        let resource =
            LogicalId::try_from(resource.to_owned()).map_err(|_| InvalidAllowance::Resource(resource.to_owned()))?;
        Ok(Self { guard, resource, reason: "allowed on the command line".to_owned(), until: None })
    }

    fn counts(&self, today: Option<&Day>) -> bool {
        self.until.as_ref().is_none_or(|until| today.is_some_and(|today| today <= until))
    }
}

impl Blocked {
    /// How this one is allowed, in one line.
    #[must_use]
    pub fn mend(&self) -> String {
        let Self { guard, resource, .. } = self;
        format!(
            "to allow it: --allow {guard}={resource}, or in the environment file, \
             guards: {{allow: [{{guard: {guard}, resource: {resource}, reason: ...}}]}}"
        )
    }
}

impl Day {
    /// The day as it is written: year, month, day.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, InvalidDay> {
        let parts: Option<Vec<u32>> = text.split('-').map(|part| part.parse().ok()).collect();
        let fits = match parts.as_deref() {
            Some(&[year, month @ 1..=12, day @ 1..=31]) => text.len() == 10 && day <= days_of(year, month),
            _ => false,
        };
        if fits { Ok(Self(text)) } else { Err(InvalidDay(text)) }
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Judges facts by the guards: each resource of a fact must be allowed by name. A fact that trips several guards that are
/// denied needs an allowance for each.
pub(super) fn judge(facts: &[Fact], guards: &Guards) -> Verdict {
    let mut verdict = Verdict::default();
    let today = guards.today.as_ref();
    for fact in facts {
        for guard in fact.guards.iter().copied().filter(|guard| guards.deny.contains(guard)) {
            for resource in &fact.subjects {
                let of_it = || guards.allow.iter().filter(|one| one.guard == guard && one.resource == *resource);
                let sentence = fact.sentence.clone();
                match of_it().find(|one| one.counts(today)) {
                    Some(allowance) => verdict.allowed.push(Allowed { allowance: allowance.clone(), sentence }),
                    None => {
                        let (resource, expired) = (resource.clone(), of_it().next().cloned());
                        verdict.blocked.push(Blocked { guard, resource, sentence, expired });
                    }
                }
            }
        }
    }
    let needed = |one: &Allowance| {
        verdict.allowed.iter().any(|allowed| allowed.allowance == *one)
            || verdict.blocked.iter().any(|blocked| blocked.expired.as_ref() == Some(one))
    };
    let unused: Vec<Allowance> = guards.allow.iter().filter(|one| !needed(one)).cloned().collect();
    Verdict { unused, ..verdict }
}

#[cfg(test)]
mod tests {
    use super::{super::Risk, *};

    fn day(text: &str) -> Day {
        Day::try_from(text.to_owned()).unwrap()
    }

    fn id(text: &str) -> LogicalId {
        LogicalId::try_from(text.to_owned()).unwrap()
    }

    fn fact() -> Fact {
        let (role, queue) = (id("Role"), id("Queue"));
        Fact { guards: vec![Guard::WidenIam], ..Fact::new("access-widened", Risk::Access, &[&role, &queue], "more") }
    }

    fn guards(deny: &[Guard], allow: Vec<Allowance>) -> Guards {
        Guards { deny: deny.iter().copied().collect(), allow, today: Some(day("2026-11-24")) }
    }

    #[test]
    fn each_resource_is_allowed_by_name_and_the_rest_blocks() {
        let allow = Allowance::parse("widen-iam=Role").unwrap();
        let verdict = judge(&[fact()], &guards(&[Guard::WidenIam], vec![allow.clone()]));
        assert_eq!(verdict.allowed.iter().map(|one| &one.allowance).collect::<Vec<_>>(), [&allow]);
        let [blocked] = verdict.blocked.as_slice() else { panic!("one blocks") };
        assert_eq!((blocked.guard, blocked.resource.as_str()), (Guard::WidenIam, "Queue"));
        assert!(blocked.mend().contains("--allow widen-iam=Queue"), "{}", blocked.mend());
        assert!(judge(&[fact()], &guards(&[Guard::StopFlow], Vec::new())).blocked.is_empty());
    }

    #[test]
    fn an_allowance_ends_with_its_day_and_is_told_when_nobody_needs_it() {
        let of = |resource: &str, until: &str| Allowance {
            until: Some(day(until)),
            ..Allowance::parse(&format!("widen-iam={resource}")).unwrap()
        };
        let allow = vec![of("Role", "2026-11-24"), of("Queue", "2026-11-23"), of("Other", "2027-01-01")];
        let verdict = judge(&[fact()], &guards(&[Guard::WidenIam], allow.clone()));
        assert_eq!(verdict.allowed.len(), 1);
        assert_eq!(verdict.blocked.first().and_then(|one| one.expired.as_ref()), allow.get(1));
        assert_eq!(verdict.unused.iter().collect::<Vec<_>>(), [&allow[2]]);
    }

    #[test]
    fn what_cannot_be_allowed_is_refused_with_what_can() {
        for (text, said) in [
            ("widen-iam", "\"widen-iam\" is not GUARD=LOGICALID, such as widen-iam=WorkerRole"),
            ("widen=Role", "there is no guard \"widen\"; there are replace-stateful, delete-data"),
            ("widen-iam=a role", "\"a role\" is not a logical id"),
        ] {
            let error = Allowance::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
        for text in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "tomorrow", ""] {
            assert!(Day::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(Day::try_from("2028-02-29".to_owned()).is_ok());
    }

    #[test]
    fn every_guard_is_listed_under_the_name_that_files_use() {
        for guard in Guard::ALL {
            assert_eq!(serde_json::to_value(guard).unwrap(), guard.name());
            assert_eq!(Guard::named(guard.name()), Some(guard));
        }
        assert_eq!(Guard::ALL.iter().collect::<BTreeSet<_>>().len(), Guard::ALL.len());
    }
}
