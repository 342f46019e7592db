//! SNS topics.

use serde_json::json;

use super::Encryption;
use crate::{Arn, Handle, Kind, PolicyDocument, Principal, Stack, Statement, Value};

/// A standard topic.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-topic.html>
pub struct Topic {
    /// Its name in the account.
    pub name: String,
    /// How messages are encrypted while SNS holds them; `None` leaves them in clear, which a topic that alarms publish
    /// to needs where there is no customer's key: the policy of `alias/aws/sns` cannot let CloudWatch in.
    pub encryption: Option<Encryption>,
}

impl Kind for Topic {
    const TYPE: &'static str = "AWS::SNS::Topic";
    const STATEFUL: bool = true;
}

struct TopicPolicy;

impl Kind for TopicPolicy {
    const TYPE: &'static str = "AWS::SNS::TopicPolicy";
}

impl Handle<Topic> {
    /// The topic's ARN, which is also its `Ref`.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<Topic>> {
        self.reference()
    }
}

impl Stack {
    /// Adds a topic. Who may publish follows from IAM; its policy only refuses what does not come over TLS, and names
    /// the services of this account that may publish.
    pub fn topic(&mut self, id: &str, topic: &Topic, publishers: &[&str]) -> Handle<Topic> {
        let key = match &topic.encryption {
            Some(Encryption::CustomerKey(key)) => key.arn().json(),
            Some(Encryption::Managed) => json!("alias/aws/sns"),
            None => json!(null),
        };
        let handle = self.add::<Topic>(id, json!({ "TopicName": topic.name, "KmsMasterKeyId": key }));
        let account: Value<String> = Value::reference("AWS::AccountId");
        let mut statements =
            vec![Statement::deny(&["sns:Publish"]).named("TlsOnly").to(Principal::everyone()).on(&handle.arn()).when(
                "Bool",
                "aws:SecureTransport",
                &Value::<String>::literal("false"),
            )];
        statements.extend(publishers.iter().map(|service| {
            Statement::allow(&["sns:Publish"]).to(Principal::service(service)).on(&handle.arn()).when(
                "StringEquals",
                "aws:SourceAccount",
                &account,
            )
        }));
        let policy = json!({ "Topics": [handle.arn()], "PolicyDocument": PolicyDocument::of(statements) });
        self.add::<TopicPolicy>(&format!("{id}Policy"), policy);
        handle
    }
}
