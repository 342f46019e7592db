//! Guards: what blocks a change of a stack until it is allowed by name. Environment files list them; `review` applies them.

use std::{collections::BTreeSet, fmt};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::LogicalId;

/// A reason to block a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// A stateful resource is replaced.
    ReplaceStateful,
    /// Data is deleted.
    DeleteData,
    /// A principal gains permissions on an existing resource.
    WidenIam,
    /// A policy allows everyone.
    PublicPrincipal,
    /// A policy allows another account.
    CrossAccount,
    /// A new route is open to everyone.
    NewPublicRoute,
    /// A route loses its authorization, or a part of it.
    RemoveAuthorization,
    /// The whole internet reaches a network, a database or a load balancer.
    OpenNetwork,
    /// A protection is weaker.
    WeakenProtection,
    /// Events no longer reach their target, or only in part.
    StopFlow,
    /// An alarm is removed, or notifies nobody.
    RemoveAlarm,
    /// A resource is unavailable for a while.
    Interruption,
    /// The deployment will fail.
    WillFail,
}

/// The guards that an environment file denies, with the exceptions that it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// Guards that block a change.
    #[serde(default)]
    pub deny: BTreeSet<Guard>,
    /// Exceptions.
    #[serde(default)]
    pub allow: Vec<Allowance>,
    /// The date for allowances that end; without it, allowances that end do not count.
    #[serde(skip)]
    pub today: Option<Date>,
}

/// An exception from a guard for one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The guard.
    pub guard: Guard,
    /// The resource's logical id.
    pub resource: LogicalId,
    /// The reason, for the next reader.
    pub reason: String,
    /// The last day on which it counts; permanently without one.
    #[serde(default, deserialize_with = "day", skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A text is neither a guard nor a guard with a resource.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidAllowance {
    /// There is no `=`.
    #[error("{0:?} is not GUARD=LOGICALID, such as widen-iam=WorkerRole")]
    Shape(String),
    /// The guard does not exist.
    #[error("there is no guard {0:?}; there are {all}", all = Guard::names().join(", "))]
    Guard(String),
    /// The resource is not a valid logical id.
    #[error("{0:?} is not a logical id")]
    Resource(String),
}

/// Reads a date, with an error for people who write environment files.
fn day<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    let Some(text) = text else { return Ok(None) };
    // Only this form: `Date` also reads `20261130` and a time behind the date.
    match text.parse::<Date>().ok().filter(|date| date.to_string() == text) {
        Some(date) => Ok(Some(date)),
        None => Err(D::Error::custom(format!("{text:?} is not a day such as 2026-11-30"))),
    }
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

    /// The change that it blocks, as half a sentence.
    #[must_use]
    pub fn stops(self) -> &'static str {
        match self {
            Self::ReplaceStateful => "a stateful resource is replaced",
            Self::DeleteData => "data is deleted",
            Self::WidenIam => "a principal gains permissions on an existing resource",
            Self::PublicPrincipal => "a policy allows everyone",
            Self::CrossAccount => "a policy allows another account",
            Self::NewPublicRoute => "a new route is open to everyone",
            Self::RemoveAuthorization => "a route loses its authorization, or a part of it",
            Self::OpenNetwork => "the whole internet reaches a network, a database or a load balancer",
            Self::WeakenProtection => "a protection is weaker",
            Self::StopFlow => "events no longer reach their target, or only in part",
            Self::RemoveAlarm => "an alarm is removed, or notifies nobody",
            Self::Interruption => "a resource is unavailable for a while",
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

    /// Returns true if it counts on this date.
    #[must_use]
    pub fn counts(&self, today: Option<Date>) -> bool {
        self.until.is_none_or(|until| today.is_some_and(|today| today <= until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_of_an_allowance_has_one_form() {
        let read = |until: &str| {
            let text = format!(r#"{{"guard":"widen-iam","resource":"Role","reason":"x","until":"{until}"}}"#);
            serde_json::from_str::<Allowance>(&text).map(|allowance| allowance.until)
        };
        assert_eq!(read("2028-02-29").unwrap(), Some(jiff::civil::date(2028, 2, 29)));
        for text in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "20261130", "2026-11-30T10:00", "soon", ""] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not a day")), "{error}");
        }
    }

    #[test]
    fn allowance_that_is_not_one_is_refused_with_the_form() {
        for (text, said) in [
            ("widen-iam", "\"widen-iam\" is not GUARD=LOGICALID, such as widen-iam=WorkerRole"),
            ("widen=Role", "there is no guard \"widen\"; there are replace-stateful, delete-data"),
            ("widen-iam=a role", "\"a role\" is not a logical id"),
        ] {
            let error = Allowance::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
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
