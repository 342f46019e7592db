//! Common behaviour of every call to AWS: it shows that it waits, it is retried within limits, and each failed attempt is
//! reported.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_cloudformation::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::{
        BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
        InterceptorContext,
    },
    retry::{ClassifyRetry, RetryAction},
    timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::{orchestrator::Metadata, retries::classifiers::RetryClassifierPriority};

use crate::{
    heartbeat::{self, Waiting},
    text::printable,
};

/// Attempts at a call. AWS has been seen to throttle for minutes, and a deployment must not fail for that.
pub(crate) const ATTEMPTS: u32 = 24;

/// Attempts at a call that AWS does not answer, or answers with an error of its own. A throttled call has [`ATTEMPTS`].
const FAILED_ATTEMPTS: u32 = 6;

/// The longest time for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest time until an answer begins. A request's body is sent within it, so an upload has longer.
pub(crate) const READ: Duration = Duration::from_secs(20);

/// The slowest connection on which an upload goes on, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// The limits of every call.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).build()
}

/// The limits of a call that sends many bytes.
pub(crate) fn upload(bytes: usize) -> TimeoutConfig {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    answered_within(READ + Duration::from_secs(bytes / SLOWEST))
}

/// The limits of a call that AWS answers late, such as an invocation of a function.
pub(crate) fn answered_within(time: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(time).build()
}

/// Watches the calls of one client: names what is waited for, counts what fails, reports it.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Calls>);

impl Watch {
    /// Watches calls that are made so often at most.
    pub(crate) fn limited(most: u32) -> Self {
        Self(Arc::new(Calls { most, ..Calls::default() }))
    }
}

#[derive(Debug, Default)]
struct Calls {
    /// The attempts that the client makes at most.
    most: u32,
    /// The call that is made, and its waiting.
    call: Mutex<Option<(String, Waiting)>>,
    /// Attempts that failed one after the other, without those that were throttled.
    failed: AtomicU32,
    throttled: AtomicU32,
    /// Attempts that were begun.
    begun: AtomicU32,
    /// The last of them that was counted: the SDK classifies an attempt more than once.
    counted: AtomicU32,
}

impl Calls {
    fn set(&self, call: Option<(String, Waiting)>) {
        *self.call.lock().unwrap_or_else(PoisonError::into_inner) = call;
    }

    fn name(&self) -> String {
        let call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        call.as_ref().map_or_else(|| "a call".to_owned(), |(name, _)| name.clone())
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let name = bag.load::<Metadata>().map_or_else(|| "AWS".to_owned(), |call| call.name().to_owned());
        let waiting = heartbeat::waiting_for(format!("AWS to answer {name}"));
        self.0.set(Some((name, waiting)));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.set(None);
        Ok(())
    }
}

impl ClassifyRetry for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    /// Last of all, so that it limits what the others decide.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        self.classify_retry_v2(context, &RetryAction::NoActionIndicated)
    }

    fn classify_retry_v2(&self, context: &InterceptorContext, others: &RetryAction) -> RetryAction {
        let calls = &self.0;
        if !context.is_failed() {
            calls.failed.store(0, Ordering::Relaxed);
            calls.throttled.store(0, Ordering::Relaxed);
            return RetryAction::NoActionIndicated;
        }
        let problem = Problem::of(context);
        // A limit of the account does not pass by itself, whatever the SDK takes its code for.
        if problem.code.ends_with("LimitExceededException") && !problem.throttled {
            return RetryAction::RetryForbidden;
        }
        if !others.should_retry() {
            return RetryAction::NoActionIndicated;
        }
        let (count, most) = match problem.throttled {
            true => (&calls.throttled, ATTEMPTS),
            false => (&calls.failed, FAILED_ATTEMPTS),
        };
        let begun = calls.begun.load(Ordering::Relaxed);
        let is_new = calls.counted.swap(begun, Ordering::Relaxed) != begun;
        let most = most.min(calls.most);
        let attempt = count.fetch_add(u32::from(is_new), Ordering::Relaxed) + u32::from(is_new);
        let call = calls.name();
        if is_new && problem.throttled {
            note!("AWS is throttling {call}, attempt {attempt} of {most}");
        } else if is_new {
            note!("{call}: {}, attempt {attempt} of {most}", problem.text);
        }
        if attempt >= most { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }
}

/// Why an attempt failed.
struct Problem {
    /// AWS's code; empty where it did not answer.
    code: String,
    text: String,
    throttled: bool,
}

impl Problem {
    fn of(context: &InterceptorContext) -> Self {
        let Some(response) = context.response() else {
            let error = context.output_or_error().and_then(Result::err);
            let connection = error.and_then(|error| error.as_connector_error());
            let text = match connection {
                Some(connection) if connection.is_timeout() => format!("no answer within {} s", READ.as_secs()),
                Some(_) => "the connection failed".to_owned(),
                None => "no answer".to_owned(),
            };
            return Self { code: String::new(), text, throttled: false };
        };
        let status = response.status().as_u16();
        let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let code = code(&body).or_else(|| response.headers().get("x-amzn-errortype")).unwrap_or_default();
        let code = printable(code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code));
        let words = ["Throttling", "Throttled", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "Rate exceeded"];
        let throttled = status == 429 || words.iter().any(|word| code.contains(word) || body.contains(word));
        let text = match code.as_str() {
            "" => format!("AWS answered with HTTP {status}"),
            code => format!("AWS answered with {code} (HTTP {status})"),
        };
        Self { code, text, throttled }
    }
}

/// AWS's code of an error, in XML or JSON.
fn code(body: &str) -> Option<&str> {
    let between = |start: &str, end: char| body.split_once(start)?.1.split(end).next();
    between("<Code>", '<').or_else(|| between("\"__type\":\"", '"')).or_else(|| between("\"__type\": \"", '"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_from_each_protocol() {
        assert_eq!(code("<Error><Code>SlowDown</Code></Error>"), Some("SlowDown"));
        assert_eq!(code("{\"__type\":\"com.amazonaws#Busy\"}"), Some("com.amazonaws#Busy"));
        assert_eq!(code("<html>"), None);
    }

    #[test]
    fn upload_has_time_for_its_bytes_on_a_slow_line() {
        let time = |bytes| upload(bytes).read_timeout().unwrap();
        assert_eq!(time(0), READ);
        assert_eq!(time(48 * 1024 * 1024), READ + Duration::from_secs(1536));
    }
}
