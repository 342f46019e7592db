//! SNS topics.

use super::{Construct, Encryption};
use crate::{
    Arn, Handle, PolicyDocument, Principal, Stack, Statement, Value, pseudo, resources::sns, union::KeyReference,
};

/// A standard topic.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html>
pub struct Topic {
    /// Its name in the account.
    pub name: String,
    /// How messages are encrypted while SNS holds them; `None` leaves them in clear, which a topic that alarms publish
    /// to needs where there is no customer's key: the policy of `alias/aws/sns` cannot let CloudWatch in.
    pub encryption: Option<Encryption>,
    /// Services of AWS that may publish on behalf of this account, such as `cloudwatch.amazonaws.com`. Who else may
    /// follows from IAM.
    pub publishers: Vec<&'static str>,
}

impl Construct for Topic {
    type Resource = sns::Topic;
}

impl Topic {
    /// A topic that no service publishes to by itself.
    #[must_use]
    pub fn new(name: String, encryption: Encryption) -> Self {
        Self { name, encryption: Some(encryption), publishers: Vec::new() }
    }
}

impl Handle<Topic> {
    /// The topic's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<Arn<sns::Topic>> {
        self.resource().arn()
    }
}

impl Stack {
    /// Adds a topic that refuses what does not come over TLS.
    pub fn topic(&mut self, id: &str, topic: &Topic) -> Handle<Topic> {
        let key = match &topic.encryption {
            Some(Encryption::CustomerKey(key)) => Some(key.arn().into()),
            Some(Encryption::Managed) => Some(Value::<KeyReference>::managed_by_aws("sns")),
            None => None,
        };
        let properties =
            sns::Topic { topic_name: Some(topic.name.clone().into()), kms_master_key_id: key, ..sns::Topic::default() };
        let handle: Handle<Topic> = self.add(id, properties).seen_as();
        if topic.encryption.is_none() {
            let reason = "services publish here, and AWS's own key cannot let them in";
            self.waive(&handle, "SNS-9", reason);
            self.waive(&handle, "CKV_AWS_26", reason);
        }
        let mut statements =
            vec![Statement::deny(&["sns:Publish"]).named("TlsOnly").to(Principal::everyone()).on(&handle.arn()).when(
                "Bool",
                "aws:SecureTransport",
                &Value::<String>::from("false"),
            )];
        statements.extend(topic.publishers.iter().map(|service| {
            Statement::allow(&["sns:Publish"]).to(Principal::service(service)).on(&handle.arn()).when(
                "StringEquals",
                "aws:SourceAccount",
                &pseudo::account_id(),
            )
        }));
        let policy =
            sns::TopicPolicy { policy_document: PolicyDocument::of(statements).into(), topics: [handle.arn()].into() };
        self.add(&format!("{id}Policy"), policy);
        handle
    }
}
