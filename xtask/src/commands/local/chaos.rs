//! `--chaos`: faults on demand, as one line.

use local_cloud::chaos::{Chaos, Rates};
use paypal_sandbox::Sandbox;

use crate::report::Failure;

/// What goes wrong on purpose: the cloud's part, and PayPal's.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spec {
    cloud: Rates,
    slow_paypal: f64,
    failing_paypal: f64,
    expired_certificates: f64,
}

const NAMES: &str = "duplicates, reordering, throttles, kills, lost-answers, slow-paypal, failing-paypal, \
                     expired-certificates, all, or seed";

impl Spec {
    /// Reads `kills=0.1,slow-paypal=0.5,seed=7`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut spec = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = |why: &str| Failure::new(format!("--chaos: {part}: {why}"));
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("it has no value").help("write NAME=RATE"))?;
            if name == "seed" {
                spec.cloud.seed = value.parse().map_err(|_| wrong("a seed is a whole number"))?;
                continue;
            }
            let rate = value.parse().ok().filter(|rate: &f64| (0.0..=1.0).contains(rate));
            let rate = rate.ok_or_else(|| wrong("a rate is a number from 0 to 1"))?;
            let cloud = &mut spec.cloud;
            let rates: &mut [&mut f64] = match name {
                "duplicates" => &mut [&mut cloud.duplicates],
                "reordering" => &mut [&mut cloud.reordering],
                "throttles" => &mut [&mut cloud.throttles],
                "kills" => &mut [&mut cloud.kills],
                "lost-answers" => &mut [&mut cloud.lost_answers],
                "slow-paypal" => &mut [&mut spec.slow_paypal],
                "failing-paypal" => &mut [&mut spec.failing_paypal],
                "expired-certificates" => &mut [&mut spec.expired_certificates],
                "all" => &mut [
                    &mut cloud.duplicates,
                    &mut cloud.reordering,
                    &mut cloud.throttles,
                    &mut cloud.kills,
                    &mut cloud.lost_answers,
                    &mut spec.slow_paypal,
                    &mut spec.failing_paypal,
                    &mut spec.expired_certificates,
                ],
                _ => return Err(wrong("there is no such fault").help(format!("name one of {NAMES}"))),
            };
            rates.iter_mut().for_each(|each| **each = rate);
        }
        Ok(spec)
    }

    /// Turns the faults on.
    pub(super) fn apply(&self, chaos: &Chaos, sandbox: &Sandbox) -> Result<(), Failure> {
        chaos.set(self.cloud).map_err(Failure::new)?;
        sandbox.disturb(&paypal_sandbox::Disturbance {
            slow: self.slow_paypal,
            failing: self.failing_paypal,
            expired_certificates: self.expired_certificates,
            seed: self.cloud.seed,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_goes_wrong_and_how_often() {
        let spec = Spec::parse("kills=0.1, slow-paypal=1,seed=7").unwrap();
        assert_eq!(spec.cloud, Rates { kills: 0.1, seed: 7, ..Rates::default() });
        assert_eq!((spec.slow_paypal, spec.failing_paypal), (1.0, 0.0));
        let all = Spec::parse("all=0.2,kills=0").unwrap();
        assert_eq!((all.cloud.duplicates, all.expired_certificates, all.cloud.kills), (0.2, 0.2, 0.0));
        assert_eq!(Spec::parse("").unwrap(), Spec::default());
    }

    #[test]
    fn a_wrong_line_says_what_is_wrong() {
        for wrong in ["kills", "kill=1", "kills=2", "kills=x", "kills=NaN", "seed=-1", "seed=x"] {
            assert!(Spec::parse(wrong).is_err(), "{wrong}");
        }
    }
}
