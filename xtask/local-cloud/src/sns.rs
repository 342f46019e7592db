//! SNS: topics, subscriptions and deliveries.

pub(crate) mod actions;
mod address;
mod delivery;
pub(crate) mod endpoint;
mod fifo;
mod filter;
mod publish;
mod retries;
mod subscription;
mod topic;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use journal::Journal;

use crate::{account::Account, activity::Stream, clock::Clock, sqs::Sqs, wire::ApiError};
use endpoint::Endpoints;
pub use publish::{Publish, Published};
use subscription::Subscription;
use topic::Topic;

/// Functions that a topic can start.
pub trait Functions: Send + Sync {
    /// Queues an asynchronous invocation; false when there is no such function.
    fn invoke_async(&self, function_arn: &str, payload: Vec<u8>) -> bool;
}

/// All topics of the account, as seen from one region. Clones share them.
#[derive(Clone)]
pub struct Sns {
    account: Account,
    inner: Arc<Inner>,
}

struct Inner {
    sqs: Sqs,
    functions: Arc<dyn Functions>,
    activity: Stream,
    journal: Option<Journal>,
    /// By ARN.
    topics: RwLock<BTreeMap<String, Topic>>,
    /// The topics as the template has them.
    described: Mutex<BTreeMap<String, Topic>>,
    endpoints: Endpoints,
}

/// The topics of the process before this one.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SavedTopics(BTreeMap<String, Topic>);

impl Sns {
    /// An account without topics. With a journal, what becomes of them is written down there.
    #[must_use]
    pub fn new(
        account: Account,
        sqs: Sqs,
        functions: Arc<dyn Functions>,
        activity: Stream,
        journal: Option<Journal>,
    ) -> Self {
        let (topics, described, endpoints) = (RwLock::default(), Mutex::default(), Endpoints::default());
        let inner = Inner { sqs, functions, activity, journal, topics, described, endpoints };
        Self { account, inner: Arc::new(inner) }
    }

    /// The same topics, as seen from another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { account: self.account.in_region(region), inner: Arc::clone(&self.inner) }
    }

    /// Makes a topic, or answers the one of that name; its ARN.
    ///
    /// # Errors
    /// When name or attributes are not possible, or there is such a topic with others.
    pub fn create_topic(
        &self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        tags: &[(String, String)],
    ) -> Result<String, ApiError> {
        let arn = self.account.arn("sns", name);
        let topic = Topic::new(name, &arn, attributes, tags)?;
        self.change(|topics| {
            if let Some(known) = topics.get(&arn) {
                known.check_same(attributes, tags)?;
            } else {
                topics.insert(arn.clone(), topic);
            }
            Ok(arn)
        })
    }

    /// Subscribes an endpoint to a topic; the subscription's ARN.
    ///
    /// # Errors
    /// When there is no such topic, the endpoint is none of the protocol's, or an attribute is not valid.
    pub fn subscribe(
        &self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<String, ApiError> {
        self.change(|topics| {
            let topic = topics.get_mut(topic_arn).ok_or_else(no_such_topic)?;
            let arn = format!("{topic_arn}:{}", Uuid::new_v4());
            let new = Subscription::new(arn.clone(), topic_arn, protocol, endpoint, attributes, topic.is_fifo())?;
            let same = |known: &&Arc<Subscription>| known.protocol == protocol && known.endpoint == endpoint;
            if let Some(known) = topic.subscriptions.iter().find(same) {
                known.check_same(attributes)?;
                return Ok(known.arn.clone());
            }
            topic.subscriptions.push(Arc::new(new));
            Ok(arn)
        })
    }

    /// Remembers the topics that there are, for [`Sns::reset`], and adds those that there were besides.
    pub(crate) fn described(&self, saved: &mut SavedTopics) -> Result<(), ApiError> {
        let mut described = self.topics().clone();
        self.change(|topics| {
            for (arn, topic) in std::mem::take(&mut saved.0) {
                let topic = topic.restored()?;
                match topics.get_mut(&arn) {
                    Some(known) => {
                        described.entry(arn).and_modify(|known| known.confirm_as(&topic.subscriptions));
                        known.confirm_as(&topic.subscriptions);
                        known.add_subscriptions(topic.subscriptions);
                    }
                    None => {
                        topics.insert(arn, topic);
                    }
                }
            }
            Ok(())
        })?;
        *self.inner.described.lock().unwrap_or_else(PoisonError::into_inner) = described;
        Ok(())
    }

    /// Adds and changes topics, until those of another account are here too. What calls changed in them stays where the
    /// template did not change.
    pub(crate) fn grow(&self, wanted: &Self) {
        let wanted = wanted.topics().clone();
        let mut described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        let _never_fails = self.change(|topics| {
            for (arn, new) in wanted {
                let topic = topics.entry(arn.clone()).or_insert_with(|| new.bare());
                match described.get_mut(&arn) {
                    Some(old) => {
                        topic.redefine(old, &new);
                        (old.attributes, old.tags) = (new.attributes, new.tags);
                    }
                    None => {
                        described.insert(arn, new.bare());
                    }
                }
            }
            Ok(())
        });
    }

    /// Has the subscriptions that another account has, and removes those and the topics that only the template before it had.
    pub(crate) fn shrink(&self, wanted: &Self) {
        let wanted = wanted.topics().clone();
        let mut described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner);
        let _never_fails = self.change(|topics| {
            topics.retain(|arn, _| wanted.contains_key(arn) || !described.contains_key(arn));
            described.retain(|arn, _| wanted.contains_key(arn));
            for (arn, old) in described.iter_mut() {
                if let (Some(topic), Some(new)) = (topics.get_mut(arn), wanted.get(arn)) {
                    old.subscriptions = topic.resubscribe(&old.subscriptions, &new.subscriptions);
                }
            }
            Ok(())
        });
    }

    /// Makes everything as the template has it.
    pub(crate) fn reset(&self) {
        self.inner.endpoints.stop();
        let described = self.inner.described.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _never_fails = self.change(|topics| {
            *topics = described.into_iter().map(|(arn, topic)| (arn, topic.anew())).collect();
            Ok(())
        });
        self.ask_endpoints();
    }

    /// Ends what is under way to endpoints.
    pub(crate) fn stop(&self) {
        self.inner.endpoints.stop();
    }

    /// Changes the topics, and writes down what they are now.
    fn change<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Topic>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut topics = self.topics_mut();
        let done = work(&mut topics)?;
        if let Some(journal) = &self.inner.journal {
            journal.write_as("topics", &SavedTopics(topics.clone()));
        }
        Ok(done)
    }

    /// Every topic's ARN, with protocol and endpoint of each subscription.
    #[must_use]
    pub fn subscribed(&self) -> Vec<(String, Vec<(String, String)>)> {
        let pairs = |topic: &Topic| {
            topic.subscriptions.iter().map(|each| (each.protocol.clone(), each.endpoint.clone())).collect()
        };
        self.topics().iter().map(|(arn, topic)| (arn.clone(), pairs(topic))).collect()
    }

    /// Whether there is a topic of this ARN.
    #[must_use]
    pub fn has_topic(&self, arn: &str) -> bool {
        self.topics().contains_key(arn)
    }

    /// The date and time as messages name it.
    fn timestamp(&self) -> String {
        format!("{:.3}", self.clock().timestamp())
    }

    fn clock(&self) -> &Clock {
        self.inner.sqs.clock()
    }

    fn topics(&self) -> RwLockReadGuard<'_, BTreeMap<String, Topic>> {
        self.inner.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn topics_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Topic>> {
        self.inner.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A topic's name.
fn name_of(topic_arn: &str) -> String {
    topic_arn.rsplit(':').next().unwrap_or_default().to_owned()
}

pub(crate) fn invalid(what: &str) -> ApiError {
    ApiError::caller("InvalidParameter", format!("Invalid parameter: {what}"))
}

pub(crate) fn no_such_topic() -> ApiError {
    ApiError { status: 404, ..ApiError::caller("NotFound", "Topic does not exist") }
}
