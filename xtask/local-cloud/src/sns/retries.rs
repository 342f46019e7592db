//! How a delivery by HTTP is repeated: at once, then after the shortest wait, then after waits that grow, then after the
//! longest.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::wire::ApiError;

/// As often a delivery may be repeated.
const MOST_RETRIES: u32 = 100;
/// A delivery may be repeated for so long, in seconds.
const LONGEST: u64 = 3600;

/// The types that a message may be sent as.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html#creating-delivery-policy>
const CONTENT_TYPES: [&str; 12] = [
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
];

/// How often a delivery is repeated, and after which waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Retries {
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    /// Seconds.
    min_delay_target: u64,
    /// Seconds.
    max_delay_target: u64,
    num_max_delay_retries: u32,
    /// All of them, whatever they wait for.
    num_retries: u32,
    backoff_function: Backoff,
}

/// How waits grow from the shortest to the longest. AWS shows the curves and gives no formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backoff {
    /// By the same amount each time.
    Linear,
    /// By amounts that grow by the same amount.
    Arithmetic,
    /// By the same factor each time.
    Geometric,
    /// By amounts that double.
    Exponential,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            min_delay_target: 20,
            max_delay_target: 20,
            num_max_delay_retries: 0,
            num_retries: 3,
            backoff_function: Backoff::Linear,
        }
    }
}

impl Retries {
    fn check(&self) -> Result<(), ApiError> {
        let (least, most) = (self.min_delay_target, self.max_delay_target);
        let phases = [self.num_no_delay_retries, self.num_min_delay_retries, self.num_max_delay_retries];
        let phases: u64 = phases.into_iter().map(u64::from).sum();
        let wrong = if self.num_retries > MOST_RETRIES {
            "numRetries must be between 0 and 100"
        } else if phases > u64::from(self.num_retries) {
            "numRetries must be at least the sum of the retries of all phases"
        } else if !(1..=most).contains(&least) || most > LONGEST {
            "minDelayTarget must be between 1 and maxDelayTarget, and that at most 3600"
        } else if self.waits().sum::<Duration>().as_secs() > LONGEST {
            "the retries must not take more than 3600 seconds altogether"
        } else {
            return Ok(());
        };
        Err(policy_error(wrong))
    }

    /// The wait before each repeat, in their order.
    pub(super) fn waits(&self) -> impl Iterator<Item = Duration> {
        let (least, most) = (Duration::from_secs(self.min_delay_target), Duration::from_secs(self.max_delay_target));
        let phases = self.num_no_delay_retries + self.num_min_delay_retries + self.num_max_delay_retries;
        let growing = self.num_retries.saturating_sub(phases);
        let backoff = self.backoff_function;
        let times = |wait, count: u32| std::iter::repeat_n(wait, count as usize);
        times(Duration::ZERO, self.num_no_delay_retries)
            .chain(times(least, self.num_min_delay_retries))
            .chain((0..growing).map(move |at| backoff.wait(least, most, at, growing)))
            .chain(times(most, self.num_max_delay_retries))
    }
}

impl Backoff {
    /// The wait at one place of `count`: the first is the shortest, the last the longest.
    fn wait(self, least: Duration, most: Duration, at: u32, count: u32) -> Duration {
        let (at, last) = (f64::from(at), f64::from(count.saturating_sub(1)));
        if last == 0.0 {
            return least;
        }
        let reached = match self {
            Self::Linear => at / last,
            Self::Arithmetic => at * (at + 1.0) / (last * (last + 1.0)),
            Self::Geometric => {
                return least.mul_f64((most.as_secs_f64() / least.as_secs_f64()).powf(at / last));
            }
            Self::Exponential => (at.exp2() - 1.0) / (last.exp2() - 1.0),
        };
        least + most.saturating_sub(least).mul_f64(reached)
    }
}

/// What a topic or a subscription says of deliveries by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryPolicy {
    retries: Option<Retries>,
    content_type: Option<String>,
    /// Whether it is a topic's that lets no subscription have one of its own.
    forbids_others: bool,
}

/// The parts of a policy as both write them, under other names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(alias = "defaultHealthyRetryPolicy")]
    healthy_retry_policy: Option<Retries>,
    /// What AWS tells again in an effective policy, and nobody can set.
    #[serde(rename = "sicklyRetryPolicy")]
    _sickly: Option<Value>,
    #[serde(alias = "defaultThrottlePolicy")]
    throttle_policy: Option<Throttle>,
    #[serde(alias = "defaultRequestPolicy")]
    request_policy: Option<RequestPolicy>,
    #[serde(default)]
    disable_subscription_overrides: bool,
    #[serde(rename = "guaranteed")]
    _guaranteed: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Throttle {
    max_receives_per_second: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    header_content_type: Option<String>,
}

impl DeliveryPolicy {
    /// Reads a topic's, whose parts stand under `http`, or a subscription's.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut policy: Value = serde_json::from_str(text).map_err(|error| policy_error(&error.to_string()))?;
        let policy = policy.get_mut("http").map(Value::take).unwrap_or(policy);
        let written = Written::deserialize(policy).map_err(|error| policy_error(&error.to_string()))?;
        if let Some(retries) = &written.healthy_retry_policy {
            retries.check()?;
        }
        if written.throttle_policy.is_some_and(|throttle| throttle.max_receives_per_second == 0) {
            return Err(policy_error("maxReceivesPerSecond must be at least 1"));
        }
        let content_type = written.request_policy.and_then(|policy| policy.header_content_type);
        if let Some(given) = &content_type {
            let known = given.split(';').next().is_some_and(|kind| CONTENT_TYPES.contains(&kind.trim()));
            if !known || http::HeaderValue::from_str(given).is_err() || !given.is_ascii() {
                return Err(policy_error("headerContentType is none that messages can be sent as"));
            }
        }
        let forbids_others = written.disable_subscription_overrides;
        Ok(Self { retries: written.healthy_retry_policy, content_type, forbids_others })
    }

    /// What holds for a subscription of a topic: its own policy, where it may have one, and else the topic's.
    pub(super) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Self {
        // One is read when it is set; a topic's of a journal from before that may be none.
        let read = |text: Option<&str>| text.and_then(|text| Self::parse(text).ok()).unwrap_or_default();
        let topic = read(topic);
        if topic.forbids_others {
            return topic;
        }
        let own = read(subscription);
        Self {
            retries: own.retries.or(topic.retries),
            content_type: own.content_type.or(topic.content_type),
            forbids_others: false,
        }
    }

    pub(super) fn retries(&self) -> Retries {
        self.retries.clone().unwrap_or_default()
    }

    /// The type that messages are sent as.
    pub(super) fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or("text/plain; charset=UTF-8")
    }

    /// As `EffectiveDeliveryPolicy` tells it.
    pub(super) fn tell(&self) -> Value {
        let mut told = json!({
            "defaultHealthyRetryPolicy": self.retries(),
            "sicklyRetryPolicy": null,
            "throttlePolicy": null,
            "guaranteed": false,
        });
        if let (Some(given), Some(told)) = (&self.content_type, told.as_object_mut()) {
            told.insert("requestPolicy".to_owned(), json!({ "headerContentType": given }));
        }
        told
    }
}

fn policy_error(reason: &str) -> ApiError {
    invalid(&format!("DeliveryPolicy: {reason}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(policy: &str) -> Vec<u64> {
        let policy = DeliveryPolicy::effective(None, Some(policy));
        policy.retries().waits().map(|wait| wait.as_secs()).collect()
    }

    #[test]
    fn without_a_policy_there_are_three_repeats_after_twenty_seconds_each() {
        assert_eq!(waits("{}"), [20, 20, 20]);
        assert_eq!(DeliveryPolicy::default().content_type(), "text/plain; charset=UTF-8");
    }

    #[test]
    fn the_phases_follow_each_other_and_waits_grow_as_the_function_says() {
        let policy = |backoff: &str| {
            waits(&format!(
                r#"{{"healthyRetryPolicy":{{"numRetries":9,"numNoDelayRetries":1,"numMinDelayRetries":2,
                "numMaxDelayRetries":1,"minDelayTarget":1,"maxDelayTarget":81,"backoffFunction":"{backoff}"}}}}"#
            ))
        };
        assert_eq!(policy("linear"), [0, 1, 1, 1, 21, 41, 61, 81, 81]);
        assert_eq!(policy("arithmetic"), [0, 1, 1, 1, 9, 25, 49, 81, 81]);
        assert_eq!(policy("geometric"), [0, 1, 1, 1, 3, 9, 27, 81, 81]);
        assert_eq!(policy("exponential"), [0, 1, 1, 1, 6, 17, 38, 81, 81]);
    }

    #[test]
    fn a_subscriptions_policy_goes_before_its_topics_unless_that_forbids_it() {
        let topic = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},
            "defaultRequestPolicy":{"headerContentType":"application/json"}}}"#;
        let own = r#"{"healthyRetryPolicy":{"numRetries":1}}"#;
        let both = DeliveryPolicy::effective(Some(topic), Some(own));
        assert_eq!((both.retries().waits().count(), both.content_type()), (1, "application/json"));
        let forbids = topic.replace("\"defaultRequest", "\"disableSubscriptionOverrides\":true,\"defaultRequest");
        assert_eq!(DeliveryPolicy::effective(Some(&forbids), Some(own)).retries().waits().count(), 5);
    }

    #[test]
    fn what_cannot_be_a_policy_is_refused_with_the_reason() {
        for (text, reason) in [
            ("no JSON", "expected ident"),
            (r#"{"healthyRetryPolicy":{"numRetries":101}}"#, "between 0 and 100"),
            (r#"{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}"#, "the sum of the retries"),
            (r#"{"healthyRetryPolicy":{"minDelayTarget":0}}"#, "between 1 and maxDelayTarget"),
            (r#"{"healthyRetryPolicy":{"minDelayTarget":30}}"#, "between 1 and maxDelayTarget"),
            (r#"{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}}"#, "3600 seconds"),
            (r#"{"healthyRetryPolicy":{"numRetries":-1}}"#, "invalid value"),
            (r#"{"healthyRetryPolicy":{"backoffFunction":"steep"}}"#, "unknown variant"),
            (r#"{"throttlePolicy":{"maxReceivesPerSecond":0}}"#, "at least 1"),
            (r#"{"requestPolicy":{"headerContentType":"image/png"}}"#, "headerContentType"),
            (r#"{"retries":1}"#, "unknown field"),
        ] {
            let error = DeliveryPolicy::parse(text).unwrap_err();
            assert!(error.message.contains(reason), "{text}: {}", error.message);
        }
    }

    proptest! {
        #[test]
        fn no_policy_that_is_taken_repeats_more_or_longer_than_it_may(
            counts in [0_u32..120, 0..60, 0..60, 0..60], least in 0_u64..4000, most in 0_u64..4000,
        ) {
            let [all, at_once, shortest, longest] = counts;
            let text = json!({ "healthyRetryPolicy": {
                "numRetries": all, "numNoDelayRetries": at_once, "numMinDelayRetries": shortest,
                "numMaxDelayRetries": longest, "minDelayTarget": least, "maxDelayTarget": most,
                "backoffFunction": "exponential",
            } });
            if let Ok(policy) = DeliveryPolicy::parse(&text.to_string()) {
                let waits: Vec<_> = policy.retries().waits().collect();
                prop_assert_eq!(waits.len(), all as usize);
                prop_assert!(waits.is_sorted());
                prop_assert!(waits.iter().sum::<Duration>() <= Duration::from_secs(LONGEST + 1));
            }
        }
    }
}
