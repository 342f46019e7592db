//! Asynchronous invocations: a function that fails gets the event twice more, then its dead-letter target gets it.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;

use super::{FunctionError, InvokeError, Lambda};
use crate::{
    activity::What,
    clock::Clock,
    record::Cause,
    sns::{Functions, Publish, Sns},
    sqs::{MessageAttribute, NewMessage, Sqs},
};

/// What becomes of asynchronous events that fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often more an event is tried, 0 to 2.
    pub attempts: u32,
    /// How old an event may be.
    pub longest_age: Duration,
    /// The ARN of the queue or topic that gets events which failed for good.
    pub dead_letter: Option<String>,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 2, longest_age: Duration::from_secs(6 * 3600), dead_letter: None }
    }
}

/// The queue of asynchronous invocations. Clones share it.
#[derive(Clone)]
pub struct Asynchronous(Arc<Inner>);

struct Inner {
    lambda: Lambda,
    sqs: Sqs,
    /// Topics start functions and are dead-letter targets of functions, so one of the two must be known later.
    sns: OnceLock<Sns>,
}

/// Why an event is given up.
struct GivenUp {
    code: &'static str,
    message: String,
}

impl Asynchronous {
    /// The queue in front of these functions.
    #[must_use]
    pub fn new(lambda: Lambda, sqs: Sqs) -> Self {
        Self(Arc::new(Inner { lambda, sqs, sns: OnceLock::new() }))
    }

    /// Says where topics are that may be dead-letter targets.
    pub fn connect(&self, sns: Sns) {
        let _once = self.0.sns.set(sns);
    }

    /// Queues an event; the function's answer is nobody's. The id of the event, or nothing when there is no such function.
    pub fn send(&self, function: &str, payload: Bytes) -> Option<String> {
        let known = self.0.lambda.function(function)?;
        let id = uuid::Uuid::new_v4().to_string();
        let (inner, event_id) = (Arc::clone(&self.0), id.clone());
        tokio::spawn(Cause::current().of(async move {
            let invoke = || {
                let (lambda, name, payload) = (inner.lambda.clone(), known.name.clone(), payload.clone());
                async move { lambda.invoke(&name, payload).await.map(|done| done.result) }
            };
            let again = |wait: Duration| {
                let (function, seconds) = (known.name.clone(), wait.as_secs());
                inner.sqs.activity().tell(What::Again { function, seconds }, None);
            };
            let given_up = attempts(&known.retries, inner.sqs.clock(), again, invoke).await;
            if let (Some(given_up), Some(target)) = (given_up, &known.retries.dead_letter) {
                inner.bury(target, &payload, &event_id, &given_up);
            }
        }));
        Some(id)
    }
}

impl Functions for Asynchronous {
    fn invoke_async(&self, function_arn: &str, payload: Vec<u8>) -> bool {
        self.send(function_arn, payload.into()).is_some()
    }
}

/// Invokes until it succeeds or is given up: failures wait one minute, then two; throttles wait ever longer.
async fn attempts<F>(
    retries: &Retries,
    clock: &Clock,
    again: impl Fn(Duration),
    invoke: impl Fn() -> F,
) -> Option<GivenUp>
where
    F: Future<Output = Result<Result<Bytes, FunctionError>, InvokeError>>,
{
    let (since, mut failures, mut throttled) = (clock.now(), 0, Duration::from_secs(1));
    loop {
        let wait = match invoke().await {
            Ok(Ok(_)) => return None,
            Ok(Err(error)) if failures >= retries.attempts => {
                return Some(GivenUp { code: "200", message: error.message() });
            }
            Ok(Err(_)) => {
                failures += 1;
                Duration::from_secs(60 * u64::from(failures))
            }
            Err(InvokeError::Throttled) => {
                throttled = (throttled * 2).min(Duration::from_secs(300));
                throttled
            }
            Err(InvokeError::NoSuchFunction) => {
                return Some(GivenUp { code: "404", message: "there is no such function".to_owned() });
            }
        };
        let until = clock.now() + wait;
        if until > since + retries.longest_age {
            return Some(GivenUp { code: "429", message: "the event is too old".to_owned() });
        }
        again(wait);
        clock.sleep_until(until).await;
    }
}

impl Inner {
    /// Gives an event to the dead-letter target, with the error beside it.
    fn bury(&self, target: &str, payload: &Bytes, event_id: &str, given_up: &GivenUp) {
        let body = String::from_utf8_lossy(payload).into_owned();
        let message: String = given_up.message.chars().take(1024).collect();
        let mut attributes = BTreeMap::from([
            ("RequestID".to_owned(), MessageAttribute::text(event_id)),
            (
                "ErrorCode".to_owned(),
                MessageAttribute { data_type: "Number".to_owned(), ..MessageAttribute::text(given_up.code) },
            ),
        ]);
        if !message.is_empty() {
            attributes.insert("ErrorMessage".to_owned(), MessageAttribute::text(message));
        }
        // A target that is not there or does not take it loses the event, as on AWS.
        if let Some(queue) = self.sqs.by_arn(target) {
            let _lost = queue.send(NewMessage { body, attributes, ..NewMessage::default() });
        } else if let Some(sns) = self.sns.get() {
            let publish = Publish { topic_arn: target.to_owned(), message: body, attributes, ..Publish::default() };
            let _lost = sns.publish(&publish);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    fn failure() -> FunctionError {
        FunctionError::new("Error", "id", "no")
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_event_is_tried_three_times_over_three_minutes() {
        let (tries, since) = (AtomicUsize::new(0), Instant::now());
        let given_up = attempts(
            &Retries::default(),
            &Clock::default(),
            |_| {},
            || {
                tries.fetch_add(1, Ordering::Relaxed);
                async { Ok(Err(failure())) }
            },
        )
        .await;
        assert_eq!(tries.load(Ordering::Relaxed), 3);
        assert_eq!(since.elapsed().as_secs(), 180);
        assert_eq!(given_up.unwrap().message, "RequestId: id Error: no");
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_succeeds_at_last_is_not_given_up() {
        let tries = AtomicUsize::new(0);
        let given_up = attempts(
            &Retries::default(),
            &Clock::default(),
            |_| {},
            || {
                let failed = tries.fetch_add(1, Ordering::Relaxed) < 2;
                async move { Ok(if failed { Err(failure()) } else { Ok(Bytes::new()) }) }
            },
        )
        .await;
        assert!(given_up.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_event_waits_until_it_is_too_old() {
        let since = Instant::now();
        let given_up =
            attempts(&Retries::default(), &Clock::default(), |_| {}, || async { Err(InvokeError::Throttled) }).await;
        assert_eq!(given_up.unwrap().code, "429");
        assert!(since.elapsed() > Duration::from_secs(5 * 3600));
    }
}
