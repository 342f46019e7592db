//! Faults on demand: requests that fail, wait, or are cut.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::Deserialize;

/// A fault, as it is asked for.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Requests whose `METHOD /path` begins with this; `*` for all.
    #[serde(rename = "match")]
    requests: String,
    kind: Kind,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    retry_after: Option<String>,
    #[serde(default)]
    delay_ms: u64,
    /// How many requests it hits at most.
    #[serde(default)]
    times: Option<u32>,
    /// How long it lasts.
    #[serde(default)]
    for_ms: Option<u64>,
    /// How likely it hits a request, from 0 to 1.
    #[serde(default)]
    probability: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Delay,
    LoseAnswer,
    Reset,
    Html,
}

/// What happens to one request.
pub(crate) enum Effect {
    /// It is refused, with this status and `Retry-After`.
    Refuse(u16, Option<String>),
    /// It is answered by a gateway's page.
    Html(u16),
    /// It is answered, later.
    Delay(Duration),
    /// It is worked on, and the connection cut before the answer.
    LoseAnswer,
    /// The connection is cut before anything is done.
    Reset,
}

/// The faults that are on.
#[derive(Default)]
pub(crate) struct Faults(Vec<(Fault, Option<Instant>)>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        let until = fault.for_ms.map(|time| Instant::now() + Duration::from_millis(time));
        self.0.push((fault, until));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a request, by the first fault that hits it.
    pub(crate) fn hit(&mut self, request: &str, random: &mut Rng) -> Option<Effect> {
        self.0.retain(|(fault, until)| fault.times != Some(0) && until.is_none_or(|until| Instant::now() < until));
        let hits = |fault: &Fault, random: &mut Rng| {
            (fault.requests == "*" || request.starts_with(&fault.requests))
                && fault.probability.is_none_or(|probability| random.f64() < probability)
        };
        let (fault, _) = self.0.iter_mut().find(|(fault, _)| hits(fault, random))?;
        fault.times = fault.times.map(|times| times - 1);
        Some(match fault.kind {
            Kind::Status => Effect::Refuse(fault.status.unwrap_or(503), fault.retry_after.clone()),
            Kind::Html => Effect::Html(fault.status.unwrap_or(502)),
            Kind::Delay => Effect::Delay(Duration::from_millis(fault.delay_ms)),
            Kind::LoseAnswer => Effect::LoseAnswer,
            Kind::Reset => Effect::Reset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_hits_what_it_names_and_as_often_as_it_says() {
        let (mut faults, mut random) = (Faults::default(), Rng::with_seed(1));
        faults.add(fault(r#"{"match":"POST /v2","kind":"reset","times":2}"#));
        assert!(faults.hit("GET /v2", &mut random).is_none());
        assert!(faults.hit("POST /v2/invoicing", &mut random).is_some());
        assert!(faults.hit("POST /v2/invoicing", &mut random).is_some());
        assert!(faults.hit("POST /v2/invoicing", &mut random).is_none());
    }

    #[test]
    fn a_fault_ends_when_its_time_is_over() {
        let (mut faults, mut random) = (Faults::default(), Rng::with_seed(1));
        faults.add(fault(r#"{"match":"*","kind":"status","for_ms":0}"#));
        assert!(faults.hit("GET /", &mut random).is_none());
    }
}
