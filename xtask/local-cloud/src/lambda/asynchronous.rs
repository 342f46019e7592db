//! Asynchronous invocations: a function that fails gets the event twice more, then its dead-letter target and its
//! destination are told.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;

use super::{
    FunctionError, InvokeError, Lambda,
    destination::{Condition, End},
};
use crate::{
    activity::What,
    clock::Clock,
    record::Cause,
    sns::{Functions, Publish, Sns},
    sqs::{MessageAttribute, NewMessage, Sqs},
};

/// What becomes of a function's asynchronous events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// How often more an event is tried, 0 to 2.
    pub attempts: u32,
    /// How old an event may be.
    pub longest_age: Duration,
    /// The ARN of the queue, topic or function that is told of events which succeeded.
    pub on_success: Option<String>,
    /// The ARN of the one that is told of events which failed for good.
    pub on_failure: Option<String>,
}

impl Default for EventInvokeConfig {
    fn default() -> Self {
        Self { attempts: 2, longest_age: Duration::from_secs(6 * 3600), on_success: None, on_failure: None }
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
    /// What is said of a function's events, by its name.
    configured: RwLock<HashMap<String, EventInvokeConfig>>,
}

impl Asynchronous {
    /// The queue in front of these functions.
    #[must_use]
    pub fn new(lambda: Lambda, sqs: Sqs) -> Self {
        Self(Arc::new(Inner { lambda, sqs, sns: OnceLock::new(), configured: RwLock::default() }))
    }

    /// Says where topics are that may be told.
    pub fn connect(&self, sns: Sns) {
        let _once = self.0.sns.set(sns);
    }

    /// Says what becomes of the events that a function gets from now on.
    pub fn configure(&self, function_name: &str, config: EventInvokeConfig) {
        let mut configured = self.0.configured.write().unwrap_or_else(PoisonError::into_inner);
        configured.insert(function_name.to_owned(), config);
    }

    /// Has what another account's template says of events, and nothing else.
    pub(crate) fn adopt(&self, wanted: &Self) {
        let wanted = wanted.0.configured.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.configured.write().unwrap_or_else(PoisonError::into_inner) = wanted;
    }

    /// Queues an event; the function's answer is nobody's. The id of the event, or nothing when there is no such function.
    pub fn send(&self, function: &str, payload: Bytes) -> Option<String> {
        let (known, arn) = self.0.lambda.function(function).zip(self.0.lambda.arn(function))?;
        let id = uuid::Uuid::new_v4().to_string();
        let config = {
            let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner);
            configured.get(&known.name).cloned().unwrap_or_default()
        };
        let (queue, event_id) = (self.clone(), id.clone());
        tokio::spawn(Cause::current().of(async move {
            let Inner { lambda, sqs, .. } = &*queue.0;
            let invoke = || {
                let (lambda, name, payload) = (lambda.clone(), known.name.clone(), payload.clone());
                async move { lambda.invoke(&name, payload).await.map(|done| done.result) }
            };
            let again = |wait: Duration| {
                let (function, seconds) = (known.name.clone(), wait.as_secs());
                sqs.activity().tell(What::Again { function, seconds }, None);
            };
            let Some(end) = attempts(&config, sqs.clock(), again, invoke).await else { return };
            let failed = end.condition != Condition::Success;
            if let Some(target) = known.dead_letter.as_ref().filter(|_| failed) {
                queue.0.bury(target, &payload, &event_id, &end);
            }
            // The function may be told under its own name, so this comes from it.
            let cause = Cause { from: format!("function:{}", known.name), ..Cause::clone(&Cause::current()) };
            if let Some(target) = if failed { &config.on_failure } else { &config.on_success } {
                let record = end.record(&arn, &event_id, &payload, sqs.clock().timestamp());
                Arc::new(cause).of_now(|| queue.tell(target, record.to_string()));
            }
        }));
        Some(id)
    }

    /// Tells a destination how an event ended. One that is not there or does not take it is not told, as on AWS.
    fn tell(&self, target: &str, record: String) {
        let Inner { sqs, sns, .. } = &*self.0;
        if let Some(queue) = sqs.by_arn(target) {
            let _lost = queue.send(NewMessage { body: record, ..NewMessage::default() });
        } else if target.contains(":function:") {
            let _lost = self.send(target, record.into());
        } else if let Some(sns) = sns.get() {
            let publish = Publish { topic_arn: target.to_owned(), message: record, ..Publish::default() };
            let _lost = sns.publish(&publish);
        }
    }
}

impl Functions for Asynchronous {
    fn invoke_async(&self, function_arn: &str, payload: Vec<u8>) -> bool {
        self.send(function_arn, payload.into()).is_some()
    }
}

/// Invokes until it succeeds or is given up: failures wait one minute, then two; throttles wait ever longer. Nothing ends
/// with a function that is gone: its events are gone with it.
async fn attempts<F>(
    config: &EventInvokeConfig,
    clock: &Clock,
    again: impl Fn(Duration),
    invoke: impl Fn() -> F,
) -> Option<End>
where
    F: Future<Output = Result<Result<Bytes, FunctionError>, InvokeError>>,
{
    let (since, mut failures, mut throttled) = (clock.now(), 0, Duration::from_secs(1));
    let mut end = End { condition: Condition::EventAgeExceeded, invocations: 0, answer: None };
    loop {
        let wait = match invoke().await {
            Ok(answer) => {
                let failed = answer.is_err();
                end.invocations += 1;
                end.answer = Some(answer);
                if !failed {
                    return Some(End { condition: Condition::Success, ..end });
                }
                if failures >= config.attempts {
                    return Some(End { condition: Condition::RetriesExhausted, ..end });
                }
                failures += 1;
                Duration::from_secs(60 * u64::from(failures))
            }
            Err(InvokeError::Throttled) => {
                throttled = (throttled * 2).min(Duration::from_secs(300));
                throttled
            }
            Err(InvokeError::NoSuchFunction) => return None,
        };
        let until = clock.now() + wait;
        if until > since + config.longest_age {
            return Some(end);
        }
        again(wait);
        clock.sleep_until(until).await;
    }
}

impl Inner {
    /// Gives an event to the dead-letter target, with the error beside it.
    fn bury(&self, target: &str, payload: &Bytes, event_id: &str, end: &End) {
        let body = String::from_utf8_lossy(payload).into_owned();
        let (code, message) = end.told();
        let message: String = message.chars().take(1024).collect();
        let mut attributes = BTreeMap::from([
            ("RequestID".to_owned(), MessageAttribute::text(event_id)),
            (
                "ErrorCode".to_owned(),
                MessageAttribute { data_type: "Number".to_owned(), ..MessageAttribute::text(code) },
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
        let end = attempts(
            &EventInvokeConfig::default(),
            &Clock::default(),
            |_| {},
            || {
                tries.fetch_add(1, Ordering::Relaxed);
                async { Ok(Err(failure())) }
            },
        )
        .await
        .unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), 3);
        assert_eq!(since.elapsed().as_secs(), 180);
        assert_eq!(end.told(), ("200", "RequestId: id Error: no".to_owned()));
        assert_eq!((end.condition, end.invocations), (Condition::RetriesExhausted, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_succeeds_at_last_is_not_given_up() {
        let tries = AtomicUsize::new(0);
        let end = attempts(
            &EventInvokeConfig::default(),
            &Clock::default(),
            |_| {},
            || {
                let failed = tries.fetch_add(1, Ordering::Relaxed) < 2;
                async move { Ok(if failed { Err(failure()) } else { Ok(Bytes::new()) }) }
            },
        )
        .await
        .unwrap();
        assert_eq!((end.condition, end.invocations), (Condition::Success, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_event_waits_until_it_is_too_old() {
        let since = Instant::now();
        let end = attempts(
            &EventInvokeConfig::default(),
            &Clock::default(),
            |_| {},
            || async { Err(InvokeError::Throttled) },
        )
        .await;
        let end = end.unwrap();
        assert_eq!((end.told().0, end.invocations), ("429", 0));
        assert!(since.elapsed() > Duration::from_secs(5 * 3600));
    }
}
