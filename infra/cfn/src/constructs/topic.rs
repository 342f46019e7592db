//! SNS topics.

use super::{Construct, Encryption, Transport};
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
    /// How messages may come in.
    pub transport: Transport,
}

impl Construct for Topic {
    type Resource = sns::Topic;
}

impl Topic {
    /// A topic that no service publishes to by itself.
    #[must_use]
    pub fn new(name: String, encryption: Encryption) -> Self {
        // AWS's own clients speak nothing but TLS.
        Self { name, encryption: Some(encryption), publishers: Vec::new(), transport: Transport::TlsOnly }
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
    /// Adds a topic, and a policy `<id>Policy` that says who may publish how.
    #[track_caller]
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
        let mut statements: Vec<_> = topic.transport.statement(&["sns:Publish"], &handle.arn()).into_iter().collect();
        statements.extend(topic.publishers.iter().map(|service| {
            Statement::allow(&["sns:Publish"]).to(Principal::service(service)).on(&handle.arn()).when(
                "StringEquals",
                "aws:SourceAccount",
                &pseudo::account_id(),
            )
        }));
        // AWS refuses a policy that says nothing.
        if !statements.is_empty() {
            let policy_document = PolicyDocument::of(statements).into();
            self.add(&format!("{id}Policy"), sns::TopicPolicy { policy_document, topics: [handle.arn()].into() });
        }
        handle
    }
}
