//! Endpoints that take messages by HTTP, on this machine: each is asked whether it wants them, gets them once it says so,
//! and gets them again while it is not well.
//!
//! Nothing is sent to other machines, nor by TLS.
//!
//! Sources: <https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use serde_json::json;
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

use super::{Sns, invalid, name_of, no_such_topic, retries::DeliveryPolicy, subscription::Subscription, topic::Topic};
use crate::{
    activity::What,
    record::{Cause, Hop, Kind, Payload},
    wire::{
        ApiError,
        post::{Poster, origin},
    },
};

/// So long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the picture calls whoever has an endpoint: the origin of an address, and any other endpoint as it is.
pub(crate) fn neighbour(endpoint: &str) -> String {
    origin(endpoint).unwrap_or_else(|| endpoint.to_owned())
}

/// Something to send to an endpoint.
pub(super) struct Post {
    /// `Notification` or `SubscriptionConfirmation`.
    pub(super) kind: &'static str,
    pub(super) message_id: String,
    pub(super) body: String,
    /// Whether the body is the message as it was published.
    pub(super) raw: bool,
}

/// What became of one try.
enum Tried {
    Taken(String),
    /// It may go better later.
    Failed(String),
    /// It will not.
    Refused(String),
}

/// How sending ended.
enum Ended {
    Taken,
    /// Nobody is subscribed any more.
    Gone,
    /// It was refused, or tried often enough; the subscription as it is now.
    GivenUp(Arc<Subscription>),
}

/// What is under way to endpoints.
#[derive(Default)]
pub(super) struct Endpoints {
    poster: Poster,
    sending: Mutex<JoinSet<()>>,
    /// The tokens of those that are being asked.
    asking: Mutex<HashSet<String>>,
}

impl Endpoints {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        while sending.try_join_next().is_some() {}
        sending.spawn(work);
    }

    fn asks(&self, token: &str) -> bool {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned())
    }

    fn asked(&self, token: &str) {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    /// Ends all of it.
    pub(super) fn stop(&self) {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Sns {
    /// Asks each endpoint that has not said yet that it wants what it is subscribed to.
    pub(crate) fn ask_endpoints(&self) {
        for topic in self.topics().values() {
            topic.subscriptions.iter().for_each(|subscription| self.ask(topic, subscription));
        }
    }

    /// Asks an endpoint, where it has to say first that it wants what it is subscribed to and is not being asked. Who does not
    /// answer is asked again by the next call that subscribes it.
    ///
    /// Source: <https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html>
    pub(super) fn ask(&self, topic: &Topic, subscription: &Arc<Subscription>) {
        let Some(token) = subscription.token.clone().filter(|_| subscription.is_pending()) else { return };
        if self.inner.endpoints.asks(&token) {
            let (sns, topic, subscription) = (self.clone(), topic.clone(), Arc::clone(subscription));
            self.inner.endpoints.spawn(async move {
                let post = sns.confirmation(&subscription, &token);
                sns.send(&topic, &subscription, &post).await;
                sns.inner.endpoints.asked(&token);
            });
        }
    }

    fn confirmation(&self, subscription: &Subscription, token: &str) -> Post {
        let (message_id, topic_arn) = (Uuid::new_v4().to_string(), &subscription.topic_arn);
        let query = format!("Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}");
        let body = json!({
            "Type": "SubscriptionConfirmation",
            "MessageId": message_id,
            "Token": token,
            "TopicArn": topic_arn,
            "Message": format!(
                "You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the \
                 SubscribeURL included in this message."
            ),
            "SubscribeURL": format!("{}/?{query}", self.account.endpoint),
            "Timestamp": self.timestamp(),
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertURL": "EXAMPLE",
        });
        Post { kind: "SubscriptionConfirmation", message_id, body: body.to_string(), raw: false }
    }

    /// Takes what an endpoint sent back; its subscription's ARN.
    ///
    /// Source: <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>
    pub(super) fn confirm(&self, topic_arn: &str, token: &str) -> Result<String, ApiError> {
        let arn = self.change(|topics| {
            let topic = topics.get_mut(topic_arn).ok_or_else(no_such_topic)?;
            topic.confirm(token).ok_or_else(|| invalid("Token"))
        })?;
        // What is made as the template has it wants it too.
        let mut described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        let _by_a_call = described.get_mut(topic_arn).and_then(|topic| topic.confirm(token));
        Ok(arn)
    }

    /// Sends something until it is taken, refused or given up, or nobody is subscribed any more.
    async fn send(&self, topic: &Topic, subscription: &Subscription, post: &Post) -> Ended {
        let policy = DeliveryPolicy::effective(topic.delivery_policy(), subscription.delivery_policy());
        let Some((uri, headers)) = request(subscription, post, policy.content_type()) else {
            self.tell(subscription, post, false, "its address cannot be asked".to_owned(), None);
            return self.ended(subscription);
        };
        let (body, retries) = (Bytes::from(post.body.clone()), policy.retries());
        let mut waits = retries.waits();
        loop {
            let tried = attempt(&self.inner.endpoints.poster, &uri, headers.clone(), body.clone()).await;
            let (taken, wait, result) = match tried {
                Tried::Taken(status) => (true, None, status),
                Tried::Failed(why) => (false, waits.next(), why),
                Tried::Refused(why) => (false, None, why),
            };
            // Whoever is told of it may put the clock forward by just this.
            let until = wait.map(|wait| self.clock().now() + wait);
            self.tell(subscription, post, taken, result, wait);
            match until {
                None if taken => return Ended::Taken,
                None => return self.ended(subscription),
                Some(until) => self.clock().sleep_until(until).await,
            }
            if self.as_it_is(subscription).is_none() {
                return Ended::Gone;
            }
        }
    }

    /// How sending ends that did not succeed.
    fn ended(&self, subscription: &Subscription) -> Ended {
        self.as_it_is(subscription).map_or(Ended::Gone, Ended::GivenUp)
    }

    /// A subscription as it is now.
    fn as_it_is(&self, subscription: &Subscription) -> Option<Arc<Subscription>> {
        let topics = self.topics();
        let subscriptions = &topics.get(&subscription.topic_arn)?.subscriptions;
        subscriptions.iter().find(|known| known.arn == subscription.arn).cloned()
    }

    /// Says and records what became of a try.
    fn tell(&self, subscription: &Subscription, post: &Post, taken: bool, result: String, wait: Option<Duration>) {
        let topic = name_of(&subscription.topic_arn);
        let endpoint = subscription.endpoint.clone();
        let (cause, recorder) = (Cause::current(), self.inner.activity.recorder());
        let (number, journeys) = cause.next(recorder);
        let (from, to) = (format!("topic:{topic}"), format!("neighbour:{}", neighbour(&endpoint)));
        recorder.keep(Hop {
            journeys,
            trace: cause.trace(recorder, number),
            message_id: Some(post.message_id.clone()),
            payload: Payload::copied(&post.body),
            error: (!taken).then(|| result.clone()),
            ..Hop::new(number, Kind::Noted, &from, &to, format!("{}: {result}", post.kind))
        });
        let again = wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let (failed, confirmation) = (!taken, post.kind != "Notification");
        self.inner.activity.tell(What::Notified { topic, endpoint, result, again, failed, confirmation }, None);
    }

    /// Sends a message to an endpoint from now on.
    pub(super) fn send_later(
        &self,
        topic: &Topic,
        subscription: &Arc<Subscription>,
        post: Post,
        given_up: impl FnOnce(&Self, &Subscription) + Send + 'static,
    ) {
        let (sns, topic, subscription) = (self.clone(), topic.clone(), Arc::clone(subscription));
        self.inner.endpoints.spawn(Cause::current().of(async move {
            if let Ended::GivenUp(subscription) = sns.send(&topic, &subscription, &post).await {
                given_up(&sns, &subscription);
            }
        }));
    }
}

/// Where it goes, and what stands before it.
///
/// Source: <https://docs.aws.amazon.com/sns/latest/dg/http-header.html>
fn request(subscription: &Subscription, post: &Post, content_type: &str) -> Option<(Uri, HeaderMap)> {
    let mut headers = HeaderMap::new();
    let arn = if post.kind == "Notification" { subscription.arn.as_str() } else { "" };
    for (name, value) in [
        ("x-amz-sns-message-type", post.kind),
        ("x-amz-sns-message-id", &post.message_id),
        ("x-amz-sns-topic-arn", &subscription.topic_arn),
        ("x-amz-sns-subscription-arn", arn),
        ("x-amz-sns-rawdelivery", if post.raw { "true" } else { "" }),
        ("content-type", content_type),
        (header::USER_AGENT.as_str(), "Amazon Simple Notification Service Agent"),
    ] {
        if !value.is_empty() {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
        }
    }
    // What an address has beyond a request's target, such as a fragment, is not sent.
    let url = Url::parse(&subscription.endpoint).ok()?;
    let authority = url.host_str()?.to_owned() + &url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let target = url.path().to_owned() + &url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = Uri::builder().scheme("http").authority(authority).path_and_query(target).build().ok()?;
    Some((uri, headers))
}

async fn attempt(poster: &Poster, uri: &Uri, headers: HeaderMap, body: Bytes) -> Tried {
    match poster.post(uri, headers, body, PATIENCE).await {
        Err(why) => Tried::Failed(why),
        Ok(status) => {
            let passing = status == StatusCode::TOO_MANY_REQUESTS || !status.is_client_error();
            let told = status.as_u16().to_string();
            match status.is_success() {
                true => Tried::Taken(told),
                false if passing => Tried::Failed(told),
                false => Tried::Refused(told),
            }
        }
    }
}
