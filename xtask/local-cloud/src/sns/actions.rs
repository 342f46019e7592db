//! SNS's actions, in AWS's query protocol.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/api/API_Operations.html>

mod publish;

use std::{collections::BTreeMap, sync::Arc};

use super::{Sns, invalid, no_such_topic, subscription::Subscription, topic::Topic};
use crate::wire::{ApiError, query::Query, xml::Xml};

type Answer = Result<Xml, ApiError>;

/// As many topics or subscriptions are listed at a time.
const PAGE: usize = 100;

/// Does one action; answers what stands in its result.
pub(crate) fn run(sns: &Sns, action: &str, query: &Query) -> Answer {
    let needed = |name: &str| query.get(name).ok_or_else(|| invalid(name));
    let attributes = || query.map("Attributes.entry", "key", "value");
    let texts = |name: &str| query.list(&format!("{name}.member"), |query, at| query.get(at).map(str::to_owned));
    match action {
        "CreateTopic" => {
            let arn = sns.create_topic(needed("Name")?, &attributes(), &tags(query))?;
            Ok(Xml::default().text("TopicArn", &arn))
        }
        "DeleteTopic" => {
            let arn = needed("TopicArn")?;
            sns.change(|topics| {
                topics.remove(arn);
                Ok(Xml::default())
            })
        }
        "ListTopics" => list_topics(sns, query),
        "GetTopicAttributes" => Ok(entries(&topic(sns, needed("TopicArn")?)?.tell())),
        "SetTopicAttributes" => {
            let value = query.get("AttributeValue").unwrap_or_default();
            let name = needed("AttributeName")?;
            change_topic(sns, needed("TopicArn")?, |topic| topic.set(name, value))
        }
        "AddPermission" => {
            let label = needed("Label")?;
            let (accounts, actions) = (texts("AWSAccountId"), texts("ActionName"));
            change_topic(sns, needed("TopicArn")?, |topic| topic.add_permission(label, &accounts, &actions))
        }
        "RemovePermission" => {
            let label = needed("Label")?;
            change_topic(sns, needed("TopicArn")?, |topic| {
                topic.remove_permission(label);
                Ok(())
            })
        }
        "Subscribe" => {
            let (topic, protocol) = (needed("TopicArn")?, needed("Protocol")?);
            let endpoint = query.get("Endpoint").unwrap_or_default();
            let arn = sns.subscribe(topic, protocol, endpoint, &attributes())?;
            let (at, subscription) = (self::topic(sns, topic)?, find(sns, &arn)?);
            sns.ask(&at, &subscription);
            let told = query.get("ReturnSubscriptionArn").is_some_and(|told| told.eq_ignore_ascii_case("true"));
            let pending = subscription.is_pending() && !told;
            Ok(Xml::default().text("SubscriptionArn", if pending { "pending confirmation" } else { &arn }))
        }
        "ConfirmSubscription" => {
            let arn = sns.confirm(needed("TopicArn")?, needed("Token")?)?;
            Ok(Xml::default().text("SubscriptionArn", &arn))
        }
        "Unsubscribe" => {
            let arn = needed("SubscriptionArn")?;
            sns.change(|topics| {
                for topic in topics.values_mut() {
                    topic.subscriptions.retain(|subscription| subscription.arn != arn);
                }
                Ok(Xml::default())
            })
        }
        "ListSubscriptions" => {
            let topics = sns.topics();
            let all = topics.values().filter(|topic| is_here(sns, topic)).flat_map(|topic| topic.subscriptions.clone());
            subscriptions(query, all.collect())
        }
        "ListSubscriptionsByTopic" => subscriptions(query, topic(sns, needed("TopicArn")?)?.subscriptions),
        "GetSubscriptionAttributes" => {
            let subscription = find(sns, needed("SubscriptionArn")?)?;
            let topic = sns.topics().get(&subscription.topic_arn).cloned();
            Ok(entries(&subscription.tell(topic.as_ref().and_then(Topic::delivery_policy))))
        }
        "SetSubscriptionAttributes" => {
            let value = query.get("AttributeValue").unwrap_or_default().to_owned();
            let change = BTreeMap::from([(needed("AttributeName")?.to_owned(), value)]);
            change_subscription(sns, needed("SubscriptionArn")?, &change)
        }
        "Publish" => publish::one(sns, query),
        "PublishBatch" => publish::batch(sns, query, needed("TopicArn")?),
        "ListTagsForResource" => {
            let topic = sns.topics().get(needed("ResourceArn")?).cloned().ok_or_else(no_such_resource)?;
            Ok(Xml::default().element("Tags", |xml| {
                xml.each("member", topic.tags, |xml, (key, value)| xml.text("Key", &key).text("Value", &value))
            }))
        }
        "TagResource" => change_tags(sns, needed("ResourceArn")?, |topic| topic.tag(&tags(query))),
        "UntagResource" => change_tags(sns, needed("ResourceArn")?, |topic| {
            let keys = texts("TagKeys");
            topic.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        }),
        _ => Err(ApiError::caller("InvalidAction", format!("{action} is not played here"))),
    }
}

/// Whether a topic is in the region that is asked.
fn is_here(sns: &Sns, topic: &Topic) -> bool {
    topic.arn.split(':').nth(3) == Some(&sns.account.region)
}

fn topic(sns: &Sns, arn: &str) -> Result<Topic, ApiError> {
    sns.topics().get(arn).filter(|topic| is_here(sns, topic)).cloned().ok_or_else(no_such_topic)
}

fn change_topic(sns: &Sns, arn: &str, work: impl FnOnce(&mut Topic) -> Result<(), ApiError>) -> Answer {
    sns.change(|topics| {
        work(topics.get_mut(arn).ok_or_else(no_such_topic)?)?;
        Ok(Xml::default())
    })
}

fn change_tags(sns: &Sns, arn: &str, work: impl FnOnce(&mut Topic) -> Result<(), ApiError>) -> Answer {
    sns.change(|topics| {
        work(topics.get_mut(arn).ok_or_else(no_such_resource)?)?;
        Ok(Xml::default())
    })
}

fn change_subscription(sns: &Sns, arn: &str, change: &BTreeMap<String, String>) -> Answer {
    sns.change(|topics| {
        let mut all = topics.values_mut().flat_map(|topic| &mut topic.subscriptions);
        let known = all.find(|known| known.arn == arn).ok_or_else(no_such_subscription)?;
        Arc::make_mut(known).set(change)?;
        Ok(Xml::default())
    })
}

fn find(sns: &Sns, arn: &str) -> Result<Arc<Subscription>, ApiError> {
    let topics = sns.topics();
    let known = topics.values().flat_map(|topic| &topic.subscriptions).find(|known| known.arn == arn).cloned();
    known.ok_or_else(no_such_subscription)
}

fn list_topics(sns: &Sns, query: &Query) -> Answer {
    let topics = sns.topics();
    let all: Vec<_> = topics.values().filter(|topic| is_here(sns, topic)).map(|topic| &topic.arn).collect();
    let (page, next) = page(query, &all);
    let xml = Xml::default().element("Topics", |xml| xml.each("member", page, |xml, arn| xml.text("TopicArn", arn)));
    Ok(next_token(xml, next))
}

fn subscriptions(query: &Query, all: Vec<Arc<Subscription>>) -> Answer {
    let (page, next) = page(query, &all);
    let xml = Xml::default().element("Subscriptions", |xml| {
        xml.each("member", page, |xml, known| {
            xml.text("TopicArn", &known.topic_arn)
                .text("Protocol", &known.protocol)
                .text("SubscriptionArn", known.shown_arn())
                .text("Owner", known.arn.split(':').nth(4).unwrap_or_default())
                .text("Endpoint", &known.endpoint)
        })
    });
    Ok(next_token(xml, next))
}

/// A hundred of them, and where the next begin.
fn page<'a, T>(query: &Query, all: &'a [T]) -> (&'a [T], Option<usize>) {
    let from = query.get("NextToken").and_then(|token| token.parse().ok()).unwrap_or(0).min(all.len());
    let to = (from + PAGE).min(all.len());
    (all.get(from..to).unwrap_or_default(), (to < all.len()).then_some(to))
}

fn next_token(xml: Xml, next: Option<usize>) -> Xml {
    match next {
        Some(next) => xml.text("NextToken", &next.to_string()),
        None => xml,
    }
}

fn entries(attributes: &BTreeMap<String, String>) -> Xml {
    Xml::default().element("Attributes", |xml| {
        xml.each("entry", attributes, |xml, (name, value)| xml.text("key", name).text("value", value))
    })
}

fn tags(query: &Query) -> Vec<(String, String)> {
    query.list("Tags.member", |query, at| {
        let part = |name: &str| query.get(&format!("{at}.{name}")).map(str::to_owned);
        Some((part("Key")?, part("Value").unwrap_or_default()))
    })
}

fn no_such_subscription() -> ApiError {
    ApiError { status: 404, ..ApiError::caller("NotFound", "Subscription does not exist") }
}

fn no_such_resource() -> ApiError {
    ApiError { status: 404, ..ApiError::caller("ResourceNotFound", "Resource does not exist") }
}
