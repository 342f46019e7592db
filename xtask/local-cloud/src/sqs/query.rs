//! SQS's query protocol, which SDKs spoke until 2023 and some still do: the request becomes the JSON protocol's, the answer
//! becomes XML.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html>

use serde_json::{Map, Value, json};

use super::{Sqs, actions};
use crate::wire::{ApiError, query::Query, xml::Xml};

/// Members of requests that are numbers.
const NUMBERS: [&str; 6] = [
    "DelaySeconds",
    "MaxNumberOfMessages",
    "VisibilityTimeout",
    "WaitTimeSeconds",
    "MaxResults",
    "MaxNumberOfMessagesPerSecond",
];

/// Members of requests that are texts.
const TEXTS: [&str; 14] = [
    "QueueUrl",
    "QueueName",
    "QueueNamePrefix",
    "QueueOwnerAWSAccountId",
    "MessageBody",
    "MessageGroupId",
    "MessageDeduplicationId",
    "Id",
    "ReceiptHandle",
    "NextToken",
    "Label",
    "SourceArn",
    "DestinationArn",
    "TaskHandle",
];

/// Lists of names: in the query protocol, and in the JSON protocol.
const NAMES: [(&str, &str); 6] = [
    ("AttributeName", "AttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("TagKey", "TagKeys"),
    ("AWSAccountId", "AWSAccountIds"),
    ("ActionName", "Actions"),
];

/// Does one action; answers what stands in its result. `queue_url` is the address that was called.
pub(crate) async fn run(sqs: &Sqs, action: &str, query: &Query, queue_url: &str) -> Result<Xml, ApiError> {
    let mut request = message(query, "");
    if !request.contains_key("QueueUrl") && sqs.by_url(queue_url).is_some() {
        request.insert("QueueUrl".to_owned(), json!(queue_url));
    }
    let prefix = format!("{action}RequestEntry");
    let entries = query.list(&prefix, |query, at| {
        query.get(&format!("{at}.Id")).map(|_| Value::Object(message(query, &format!("{at}."))))
    });
    if action.ends_with("Batch") {
        request.insert("Entries".to_owned(), Value::Array(entries));
    }
    let answer = actions::run(sqs, action, &Value::Object(request)).await?;
    Ok(result(action, &answer))
}

/// The members of a request, or of an entry of a batch, under this prefix.
fn message(query: &Query, prefix: &str) -> Map<String, Value> {
    let mut members = Map::new();
    for name in TEXTS.into_iter().chain(NUMBERS) {
        let Some(text) = query.get(&format!("{prefix}{name}")) else { continue };
        let number = NUMBERS.contains(&name).then(|| text.parse::<u64>().ok()).flatten();
        members.insert(name.to_owned(), number.map_or_else(|| json!(text), |number| json!(number)));
    }
    for (theirs, ours) in NAMES {
        let names = query.list(&format!("{prefix}{theirs}"), |query, at| query.get(at).map(str::to_owned));
        if !names.is_empty() {
            members.insert(ours.to_owned(), json!(names));
        }
    }
    let attributes = query.map(&format!("{prefix}Attribute"), "Name", "Value");
    if !attributes.is_empty() {
        members.insert("Attributes".to_owned(), json!(attributes));
    }
    let tags = query.map(&format!("{prefix}Tag"), "Key", "Value");
    if !tags.is_empty() {
        // Where a queue is made the JSON protocol writes them small.
        let name = if members.contains_key("QueueName") { "tags" } else { "Tags" };
        members.insert(name.to_owned(), json!(tags));
    }
    for (theirs, ours) in
        [("MessageAttribute", "MessageAttributes"), ("MessageSystemAttribute", "MessageSystemAttributes")]
    {
        let attributes = query.list(&format!("{prefix}{theirs}"), |query, at| {
            let part = |name: &str| query.get(&format!("{at}.{name}")).map(str::to_owned);
            let mut value = Map::new();
            for name in ["DataType", "StringValue", "BinaryValue"] {
                value.extend(part(&format!("Value.{name}")).map(|text| (name.to_owned(), json!(text))));
            }
            Some((part("Name")?, Value::Object(value)))
        });
        if !attributes.is_empty() {
            members.insert(ours.to_owned(), Value::Object(attributes.into_iter().collect()));
        }
    }
    members
}

/// The answer's members, with lists repeated and maps as named pairs.
fn result(action: &str, answer: &Value) -> Xml {
    let empty = Map::new();
    let members = answer.as_object().unwrap_or(&empty);
    members.iter().fold(Xml::default(), |xml, (name, value)| match (name.as_str(), value) {
        ("QueueUrls" | "queueUrls", Value::Array(urls)) => {
            urls.iter().fold(xml, |xml, url| xml.text("QueueUrl", &plain(url)))
        }
        ("Messages", Value::Array(messages)) => xml.each("Message", messages, received),
        ("Results", Value::Array(tasks)) => xml.each("ListMessageMoveTasksResultEntry", tasks, flat),
        ("Tags", Value::Object(tags)) => {
            xml.each("Tag", tags, |xml, (key, value)| xml.text("Key", key).text("Value", &plain(value)))
        }
        ("Successful", Value::Array(entries)) => xml.each(&format!("{action}ResultEntry"), entries, flat),
        ("Failed", Value::Array(entries)) => xml.each("BatchResultErrorEntry", entries, flat),
        ("Attributes", Value::Object(attributes)) => pairs(xml, attributes),
        _ => xml.text(name, &plain(value)),
    })
}

fn received(xml: Xml, message: &Value) -> Xml {
    message.as_object().into_iter().flatten().fold(xml, |xml, (name, value)| match (name.as_str(), value) {
        ("Attributes", Value::Object(attributes)) => pairs(xml, attributes),
        ("MessageAttributes", Value::Object(attributes)) => {
            xml.each("MessageAttribute", attributes, |xml, (name, value)| {
                xml.text("Name", name).element("Value", |xml| flat(xml, value))
            })
        }
        _ => xml.text(name, &plain(value)),
    })
}

fn flat(xml: Xml, value: &Value) -> Xml {
    value.as_object().into_iter().flatten().fold(xml, |xml, (name, value)| xml.text(name, &plain(value)))
}

fn pairs(xml: Xml, attributes: &Map<String, Value>) -> Xml {
    xml.each("Attribute", attributes, |xml, (name, value)| xml.text("Name", name).text("Value", &plain(value)))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{account::Account, activity::Stream, chaos::Chaos, clock::Clock};

    /// Each action's result, in order.
    async fn results(calls: &[&str]) -> Vec<String> {
        let account = Account { id: "1".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://aws".to_owned() };
        let sqs = Sqs::new(account, Clock::default(), Stream::default(), Chaos::default(), None);
        let mut results = Vec::new();
        for call in calls {
            let query = Query::parse("", call.as_bytes());
            let action = query.get("Action").unwrap_or_default().to_owned();
            let result = run(&sqs, &action, &query, "http://aws/1/q").await;
            results.push(result.map_or_else(|error| error.to_string(), Xml::finish));
        }
        results
    }

    #[tokio::test]
    async fn a_message_goes_in_and_comes_out() {
        let results = results(&[
            "Action=CreateQueue&QueueName=q&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=7",
            "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout",
            "Action=SendMessage&MessageBody=a%26b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String\
             &MessageAttribute.1.Value.StringValue=v",
            "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=x&SendMessageBatchRequestEntry.1.MessageBody=second",
            "Action=ReceiveMessage&MaxNumberOfMessages=10&AttributeName.1=ApproximateReceiveCount&MessageAttributeName.1=All",
            "Action=ReceiveMessage&MaxNumberOfMessages=11",
        ])
        .await;
        let [created, attributes, sent, batch, received, wrong] = results.try_into().unwrap();
        assert_eq!(created, "<QueueUrl>http://aws/1/q</QueueUrl>");
        assert_eq!(attributes, "<Attribute><Name>VisibilityTimeout</Name><Value>7</Value></Attribute>");
        assert!(sent.contains("<MD5OfMessageAttributes>"), "{sent}");
        assert!(batch.starts_with("<SendMessageBatchResultEntry>") && batch.contains("<Id>x</Id>"), "{batch}");
        for part in [
            "<Body>a&amp;b</Body>",
            "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>",
            "<MessageAttribute><Name>n</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value></MessageAttribute>",
            "<Body>second</Body>",
        ] {
            assert!(received.contains(part), "{part} in {received}");
        }
        assert!(wrong.starts_with("InvalidParameterValue"), "{wrong}");
    }
}
