//! What the soak asks of the running service, as anybody outside could.

use serde_json::{Value, json};
use ureq::{Agent, http::Request};

use xtask::report::Failure;

use crate::running::Running;

/// Addresses and a connection. A thread of its own has one of its own.
#[derive(Clone)]
pub(crate) struct Service {
    agent: Agent,
    api: String,
    aws: String,
    console: String,
    paypal: String,
    /// What physical names begin with.
    prefix: String,
    account: String,
    region: String,
}

/// A message that was taken from a queue.
pub(crate) struct Message {
    pub(crate) body: String,
    receipt: Value,
}

impl Service {
    pub(crate) fn of(running: &Running, prefix: &str, account: &str, region: &str) -> Self {
        let address = |of| running.address(of).to_owned();
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self {
            agent,
            api: address("api"),
            aws: address("aws"),
            console: address("console"),
            paypal: address("paypal"),
            prefix: prefix.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
        }
    }

    /// Posts a webhook as PayPal does; the status of the answer.
    pub(crate) fn deliver(&self, body: &str, headers: &Value) -> Result<u16, Failure> {
        let headers = headers.as_object().into_iter().flatten();
        let headers: Vec<_> = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
        self.post(&format!("{}/webhook/receiver", self.api), &headers, body).map(|(status, _)| status)
    }

    /// Has PayPal's sandbox do something.
    pub(crate) fn sandbox(&self, what: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("{}/_sandbox/{what}", self.paypal);
        self.json(&url, &[("content-type", "application/json")], body)
    }

    /// What the sandbox has.
    pub(crate) fn invoices(&self) -> Result<Vec<Value>, Failure> {
        let url = format!("{}/_sandbox/invoices", self.paypal);
        let answer = self.agent.get(&url).call().map_err(Failure::from(&url))?;
        let text =
            answer.into_body().into_with_config().limit(u64::MAX).read_to_string().map_err(Failure::from(&url))?;
        serde_json::from_str(&text).map_err(Failure::from(&url))
    }

    /// Kills what runs of a function.
    pub(crate) fn kill(&self, function: &str) -> Result<(), Failure> {
        let url = format!("{}/api/functions/{function}/kill", self.console);
        self.json(&url, &[], &Value::Null).map(drop)
    }

    /// Makes a queue that gets all that is published on the topic `finished`; its URL.
    pub(crate) fn inbox(&self, name: &str) -> Result<String, Failure> {
        let made = self.sqs("CreateQueue", &json!({ "QueueName": name }))?;
        let url = made.get("QueueUrl").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Self { prefix, account, region, .. } = self;
        let form = format!(
            "Action=Subscribe&Version=2010-03-31&TopicArn=arn:aws:sns:{region}:{account}:{prefix}finished&Protocol=sqs\
             &Endpoint=arn:aws:sqs:{region}:{account}:{name}\
             &Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
        );
        let answer = self.post(&self.aws, &[("content-type", "application/x-www-form-urlencoded")], &form)?;
        match answer {
            (200, _) => Ok(url),
            (status, text) => Err(Failure::new(format!("Subscribe answers {status}: {text}"))),
        }
    }

    /// The URL of a queue of the service's.
    pub(crate) fn queue(&self, name: &str) -> String {
        format!("{}/{}/{}{name}", self.aws, self.account, self.prefix)
    }

    /// Takes up to ten messages, for good; waits a little for the first.
    pub(crate) fn take(&self, queue: &str) -> Result<Vec<Message>, Failure> {
        let wanted = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let answer = self.sqs("ReceiveMessage", &wanted)?;
        let text =
            |message: &Value, name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let messages = answer.get("Messages").and_then(Value::as_array).into_iter().flatten();
        let messages: Vec<Message> = messages
            .map(|one| Message {
                body: text(one, "Body"),
                receipt: one.get("ReceiptHandle").cloned().unwrap_or_default(),
            })
            .collect();
        if !messages.is_empty() {
            let entries = messages.iter().enumerate();
            let entries: Vec<_> =
                entries.map(|(at, one)| json!({ "Id": at.to_string(), "ReceiptHandle": one.receipt })).collect();
            self.sqs("DeleteMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }))?;
        }
        Ok(messages)
    }

    /// So many messages that a queue waits to give out, is giving out, or holds back.
    pub(crate) fn depth(&self, queue: &str) -> Result<u64, Failure> {
        let answer = self.sqs("GetQueueAttributes", &json!({ "QueueUrl": queue, "AttributeNames": ["All"] }))?;
        let number = |kind: &str| {
            let name = format!("/Attributes/ApproximateNumberOfMessages{kind}");
            answer.pointer(&name).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default()
        };
        Ok(["", "NotVisible", "Delayed"].iter().map(|kind| number(kind)).sum())
    }

    fn sqs(&self, action: &str, request: &Value) -> Result<Value, Failure> {
        let target = format!("AmazonSQS.{action}");
        self.json(&self.aws, &[("x-amz-target", &target), ("content-type", "application/x-amz-json-1.0")], request)
    }

    fn json(&self, url: &str, headers: &[(&str, &str)], body: &Value) -> Result<Value, Failure> {
        let (status, text) = self.post(url, headers, &body.to_string())?;
        if (200..300).contains(&status) {
            return Ok(serde_json::from_str(&text).unwrap_or_default());
        }
        Err(Failure::new(format!("{url} answers {status}: {text}")))
    }

    fn post(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Result<(u16, String), Failure> {
        let mut request = Request::post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_owned()).map_err(Failure::from(url))?;
        let mut answer = self.agent.run(request).map_err(Failure::from(url))?;
        let text = answer.body_mut().read_to_string().map_err(Failure::from(url))?;
        Ok((answer.status().as_u16(), text))
    }
}
