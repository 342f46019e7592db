//! Faults on demand: what AWS does seldom, done often, and the same at every run with the same seed.
//!
//! Whether a fault strikes depends on the seed, the fault, the place (a queue, a function, an action) and how often the
//! place was passed, not on the clock: the third message of a queue is doubled, or it is not, whatever happens beside it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A message that comes late comes at most so late.
const LATEST: Duration = Duration::from_secs(2);
/// An environment that is killed lives at most so long after it got its event.
const LONGEST_LIFE: Duration = Duration::from_millis(50);

/// How likely each fault is, from 0 to 1, and the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rates {
    /// A message of a standard queue is there twice.
    pub duplicates: f64,
    /// A message of a standard queue comes up to two seconds late, after others.
    pub reordering: f64,
    /// A call of an AWS service, or an invocation, is refused as one too many.
    pub throttles: f64,
    /// An environment is killed within 50 ms of getting its event.
    pub kills: f64,
    /// A call or a request is worked on, and answered with an error all the same.
    pub lost_answers: f64,
    /// From which all follows.
    pub seed: u64,
}

/// A rate that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} is {value}; a fault's rate is between 0 and 1")]
pub struct RateError {
    name: &'static str,
    value: f64,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    Duplicate,
    Late,
    Throttle,
    Kill,
    LostAnswer,
}

/// The faults that are on. Clones share them.
#[derive(Clone, Default)]
pub struct Chaos(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether any is on: all that is looked at as a rule.
    on: AtomicBool,
    rates: RwLock<Rates>,
    passed: Mutex<HashMap<(Fault, String), u64>>,
}

impl Rates {
    /// # Errors
    /// When a rate is not between 0 and 1.
    fn check(&self) -> Result<(), RateError> {
        let all = [
            ("duplicates", self.duplicates),
            ("reordering", self.reordering),
            ("throttles", self.throttles),
            ("kills", self.kills),
            ("lost-answers", self.lost_answers),
        ];
        match all.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            Some((name, value)) => Err(RateError { name, value }),
            None => Ok(()),
        }
    }

    fn of(&self, fault: Fault) -> f64 {
        match fault {
            Fault::Duplicate => self.duplicates,
            Fault::Late => self.reordering,
            Fault::Throttle => self.throttles,
            Fault::Kill => self.kills,
            Fault::LostAnswer => self.lost_answers,
        }
    }
}

impl Chaos {
    /// Sets how likely each fault is. All counting begins anew, so that the same run follows.
    ///
    /// # Errors
    /// When a rate is not between 0 and 1; nothing is changed then.
    pub fn set(&self, rates: Rates) -> Result<(), RateError> {
        rates.check()?;
        self.0.passed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.0.rates.write().unwrap_or_else(PoisonError::into_inner) = rates;
        let quiet = Rates { seed: rates.seed, ..Rates::default() };
        self.0.on.store(rates != quiet, Ordering::Relaxed);
        Ok(())
    }

    /// How likely each fault is.
    #[must_use]
    pub fn rates(&self) -> Rates {
        *self.0.rates.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault strikes here and now.
    pub(crate) fn strikes(&self, fault: Fault, place: &str) -> bool {
        self.strength(fault, place).is_some()
    }

    /// How late a message comes.
    pub(crate) fn delay(&self, place: &str) -> Option<Duration> {
        self.strength(Fault::Late, place).map(|strength| LATEST.mul_f64(strength))
    }

    /// After which time an environment is killed.
    pub(crate) fn end(&self, place: &str) -> Option<Duration> {
        self.strength(Fault::Kill, place).map(|strength| LONGEST_LIFE.mul_f64(strength))
    }

    /// How hard a fault strikes, from 0 to 1; nothing when it does not.
    fn strength(&self, fault: Fault, place: &str) -> Option<f64> {
        if !self.0.on.load(Ordering::Relaxed) {
            return None;
        }
        let rates = self.rates();
        let rate = rates.of(fault);
        if rate <= 0.0 {
            return None;
        }
        let turn = {
            let mut passed = self.0.passed.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = passed.entry((fault, place.to_owned())).or_default();
            *turn += 1;
            *turn
        };
        let drawn = Sha256::digest(format!("{} {fault:?} {place} {turn}", rates.seed));
        let (likely, strength) = (fraction(drawn.iter().take(4)), fraction(drawn.iter().skip(4).take(4)));
        (likely < rate).then_some(strength)
    }
}

/// Four bytes as a number from 0 up to 1.
fn fraction<'a>(bytes: impl Iterator<Item = &'a u8>) -> f64 {
    let number = bytes.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, places: &[&str]) -> Vec<bool> {
        let chaos = Chaos::default();
        chaos.set(Rates { duplicates: 0.3, seed, ..Rates::default() }).unwrap();
        (0..200).flat_map(|_| places).map(|place| chaos.strikes(Fault::Duplicate, place)).collect()
    }

    #[test]
    fn a_run_repeats_with_its_seed_whatever_happens_beside_it() {
        let alone = run(7, &["one"]);
        let beside: Vec<_> = run(7, &["one", "two"]).into_iter().step_by(2).collect();
        assert_eq!(alone, beside);
        assert_ne!(alone, run(8, &["one"]));
        let struck = alone.iter().filter(|struck| **struck).count();
        assert!((30..90).contains(&struck), "{struck} of 200 at 0.3");
    }

    #[test]
    fn what_is_off_never_strikes_and_what_is_certain_always_does() {
        let chaos = Chaos::default();
        assert!(!chaos.strikes(Fault::Kill, "f"));
        chaos.set(Rates { kills: 1.0, ..Rates::default() }).unwrap();
        assert!((0..50).all(|_| chaos.end("f").is_some_and(|time| time <= LONGEST_LIFE)));
        assert!(!chaos.strikes(Fault::Throttle, "f"));
    }

    #[test]
    fn a_rate_that_is_none_is_refused_and_changes_nothing() {
        let chaos = Chaos::default();
        for kills in [-0.1, 1.1, f64::NAN] {
            assert!(chaos.set(Rates { kills, ..Rates::default() }).unwrap_err().to_string().starts_with("kills is "));
        }
        assert_eq!(chaos.rates(), Rates::default());
    }
}
