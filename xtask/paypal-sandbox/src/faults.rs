//! Faults on demand: requests that fail, wait, or are cut.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A fault, as it is asked for.
#[derive(Clone, Serialize, Deserialize)]
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
    /// From which it is drawn, request for request, so that a run repeats.
    #[serde(default)]
    seed: u64,
}

impl Fault {
    /// Any request, as likely as `rate`, is answered with 503.
    pub(crate) fn failing(rate: f64, seed: u64) -> Self {
        Self { status: Some(503), ..Self::likely(Kind::Status, rate, seed) }
    }

    /// Any request, as likely as `rate`, is answered two seconds late.
    pub(crate) fn slow(rate: f64, seed: u64) -> Self {
        Self { delay_ms: 2_000, ..Self::likely(Kind::Delay, rate, seed) }
    }

    fn likely(kind: Kind, rate: f64, seed: u64) -> Self {
        let probability = Some(rate);
        let requests = "*".to_owned();
        Self {
            requests,
            kind,
            status: None,
            retry_after: None,
            delay_ms: 0,
            times: None,
            for_ms: None,
            probability,
            seed,
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
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
pub(crate) struct Faults(Vec<On>);

/// A fault that is on.
struct On {
    fault: Fault,
    until: Option<Instant>,
    chance: Chance,
}

/// Something that happens as often as not, the same at every run with the same seed.
pub(crate) struct Chance {
    rate: f64,
    random: Rng,
}

impl Default for Chance {
    /// It never happens.
    fn default() -> Self {
        Self::new(0.0, 0)
    }
}

impl Chance {
    /// As likely as `rate`, from 0 to 1.
    pub(crate) fn new(rate: f64, seed: u64) -> Self {
        Self { rate, random: Rng::with_seed(seed) }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether it happens this time.
    pub(crate) fn strikes(&mut self) -> bool {
        self.random.f64() < self.rate
    }
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        let until = fault.for_ms.map(|time| Instant::now() + Duration::from_millis(time));
        let chance = Chance::new(fault.probability.unwrap_or(1.0), fault.seed);
        self.0.push(On { fault, until, chance });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Those that are on, as they were asked for.
    pub(crate) fn list(&self) -> Value {
        json!(self.0.iter().map(|on| &on.fault).collect::<Vec<_>>())
    }

    /// What happens to a request, by the first fault that hits it.
    pub(crate) fn hit(&mut self, request: &str) -> Option<Effect> {
        self.0.retain(|on| on.fault.times != Some(0) && on.until.is_none_or(|until| Instant::now() < until));
        let hits =
            |on: &mut On| (on.fault.requests == "*" || request.starts_with(&on.fault.requests)) && on.chance.strikes();
        let On { fault, .. } = self.0.iter_mut().find_map(|on| hits(on).then_some(on))?;
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
        let mut faults = Faults::default();
        faults.add(fault(r#"{"match":"POST /v2","kind":"reset","times":2}"#));
        assert!(faults.hit("GET /v2").is_none());
        assert!(faults.hit("POST /v2/invoicing").is_some());
        assert!(faults.hit("POST /v2/invoicing").is_some());
        assert!(faults.hit("POST /v2/invoicing").is_none());
    }

    #[test]
    fn a_fault_ends_when_its_time_is_over() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"match":"*","kind":"status","for_ms":0}"#));
        assert!(faults.hit("GET /").is_none());
    }

    #[test]
    fn a_fault_that_is_likely_hits_the_same_requests_at_every_run() {
        let run = |seed: u64| {
            let mut faults = Faults::default();
            faults.add(fault(&format!(r#"{{"match":"*","kind":"reset","probability":0.3,"seed":{seed}}}"#)));
            (0..100).map(|_| faults.hit("GET /").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!((15..45).contains(&run(1).iter().filter(|hit| **hit).count()));
    }
}
