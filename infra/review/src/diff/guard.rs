//! What stops a change until somebody allows it by name.

use cfn::{
    LogicalId,
    guard::{Allowance, Guard, Guards},
};
use serde::Serialize;

use super::Fact;

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

/// Judges facts by the guards: each resource of a fact must be allowed by name. A fact that trips several guards that are
/// denied needs an allowance for each.
pub(super) fn judge(facts: &[Fact], guards: &Guards) -> Verdict {
    let mut verdict = Verdict::default();
    let today = guards.today;
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

    fn day(text: &str) -> jiff::civil::Date {
        text.parse().unwrap()
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
}
