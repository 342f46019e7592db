//! The clients that functions call others with, each built once, and only by those that use it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_sdk_sqs::config::{
    BehaviorVersion, Credentials as AwsCredentials, Region, SharedAsyncSleep, SharedCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use contract::{QueueUrl, SecretArn, TopicArn};
use lambda_runtime::Context;
use paypal::{CredentialSource, Credentials};
use url::Url;

/// How long a call to AWS may take at most; a function has more than one to make.
const AWS_ATTEMPT: Duration = Duration::from_secs(2);

/// How long such a call may take with its repeats.
const AWS_CALL: Duration = Duration::from_secs(4);

/// What is left of an invocation when its work must be over: time to hand back what was not done.
const MARGIN: Duration = Duration::from_millis(800);

/// Region, credentials and endpoints, from Lambda's own environment variables.
///
/// Lambda provides them nowhere else, and they stay valid as long as the execution environment. The crate `aws-config`,
/// which knows every other place (profiles, metadata services, STS), would be a fifth of each binary.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
#[must_use]
pub fn aws() -> SdkConfig {
    let variable = |name: &str| std::env::var(name).ok();
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(AWS_ATTEMPT).operation_timeout(AWS_CALL);
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .service_config(Endpoints);
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_credentials_provider(credentials(variable));
    config.build()
}

/// The execution role's credentials. Without them the provider is left out, and each call fails with the SDK's error that
/// there is none.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Option<SharedCredentialsProvider> {
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let credentials = AwsCredentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "Lambda");
    Some(SharedCredentialsProvider::new(credentials))
}

/// Endpoints of single services: `AWS_ENDPOINT_URL_SNS` and its like.
///
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        std::env::var(format!("{}_{service}", key.env())).ok()
    }
}

/// PayPal's client, with the credentials that Secrets Manager holds.
///
/// # Errors
/// When the address is none, or the secret cannot be read, or does not hold `client_id` and `client_secret`.
pub async fn paypal(config: &SdkConfig, secret: &SecretArn, url: &str) -> Result<paypal::Client, StartError> {
    let base_url = Url::parse(url).map_err(|_| StartError::Address)?;
    let client = aws_sdk_secretsmanager::Client::new(config);
    let secret = PaypalSecret { client, arn: secret.clone(), first: Mutex::default() };
    // At start, so that a wrong secret shows at once and not with the first event.
    let first = secret.fetch().await?;
    *secret.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
    let config = paypal::Config {
        base_url,
        credentials: Arc::new(secret),
        connect_timeout: Duration::from_secs(3),
        request_timeout: Duration::from_secs(10),
        first_wait: Duration::from_millis(200),
    };
    Ok(paypal::Client::new(config)?)
}

/// PayPal's credentials, where Secrets Manager keeps them.
struct PaypalSecret {
    client: aws_sdk_secretsmanager::Client,
    arn: SecretArn,
    /// What was read at start, for the first token; every further token begins with what is there then.
    first: Mutex<Option<Credentials>>,
}

impl PaypalSecret {
    async fn fetch(&self) -> Result<Credentials, StartError> {
        let text = secret_string(&self.client, &self.arn).await.map_err(StartError::Secret)?;
        // What serde says of a wrong shape could quote the secret.
        serde_json::from_str(&text).map_err(|_| StartError::Credentials)
    }
}

/// Reads a secret. The error is AWS's code.
pub(crate) async fn secret_string(client: &aws_sdk_secretsmanager::Client, arn: &SecretArn) -> Result<String, String> {
    let answer = client.get_secret_value().secret_id(arn.as_str()).send().await.map_err(|error| code(&error))?;
    answer.secret_string.ok_or_else(|| "a binary value, not a string".to_owned())
}

impl CredentialSource for PaypalSecret {
    fn read(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + '_>> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async {
            match first {
                Some(first) => Ok(first),
                None => self.fetch().await.map_err(|error| error.to_string()),
            }
        })
    }
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The PayPal URL in the settings is none.
    #[error("PAYPAL_URL is not a URL; correct paypal.url in the environment file")]
    Address,
    /// Secrets Manager does not give the secret.
    #[error("Secrets Manager answers {0} for PAYPAL_SECRET; set it with `cargo xtask secrets set --env NAME`")]
    Secret(String),
    /// The secret does not hold what it should.
    #[error(
        "PAYPAL_SECRET must hold {{\"client_id\": \"...\", \"client_secret\": \"...\"}}; set it with `cargo xtask \
         secrets set --env NAME`"
    )]
    Credentials,
    /// Secrets Manager does not give the shop's key.
    #[error("Secrets Manager answers {0} for SHOP_SECRET; the stack creates that secret")]
    ShopSecret(String),
    /// The shop's secret does not hold what it should.
    #[error(
        "SHOP_SECRET must hold {{\"signing_key\": \"...\"}} and may hold previous_signing_key, each of at least 32 \
         characters; set it with `aws secretsmanager put-secret-value`"
    )]
    ShopKey,
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] paypal::Error),
}

/// AWS's word for an error.
pub fn code<E, R>(error: &aws_sdk_sqs::error::SdkError<E, R>) -> String
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    use aws_sdk_sqs::error::SdkError;
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("an error without a code").to_owned(),
        SdkError::TimeoutError(_) => "nothing in time".to_owned(),
        SdkError::DispatchFailure(_) => "nothing: it cannot be reached".to_owned(),
        _ => "something that cannot be read".to_owned(),
    }
}

/// When the work of this invocation must be over.
#[must_use]
pub fn deadline(context: &Context) -> paypal::Deadline {
    let remaining = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    paypal::Deadline::after(remaining.saturating_sub(MARGIN))
}

/// Sends to one queue.
#[derive(Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: QueueUrl,
}

/// A message did not reach its queue or topic.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The service did not do what it was asked.
    #[error("{service} answers {code}")]
    Refused {
        /// `SQS` or `SNS`.
        service: &'static str,
        /// AWS's error code.
        code: String,
    },
    /// The value cannot be written as JSON. Nothing was sent.
    #[error("a message cannot be written as JSON: {0:?} error")]
    Unwritable(serde_json::error::Category),
}

/// A message for a queue or a topic. Its body is a value written as JSON: an empty one cannot be built.
pub struct Message<'a> {
    body: String,
    attributes: Vec<(&'static str, String)>,
    fifo: Option<(&'a str, &'a str)>,
    delay_seconds: u32,
}

impl<'a> Message<'a> {
    /// A message whose body is the value as JSON. Attributes are visible without reading the body; empty ones are left out.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(value: &impl serde::Serialize, attributes: Vec<(&'static str, String)>) -> Result<Self, AwsError> {
        let body = serde_json::to_string(value).map_err(|error| AwsError::Unwritable(error.classify()))?;
        Ok(Self { body, attributes, fifo: None, delay_seconds: 0 })
    }

    /// The same message for a FIFO queue.
    #[must_use]
    pub fn fifo(self, group: &'a str, deduplication: &'a str) -> Self {
        Self { fifo: Some((group, deduplication)), ..self }
    }

    /// The same message for a standard queue, which delivers it after so many seconds, at most 900.
    #[must_use]
    pub fn delayed(self, delay_seconds: u32) -> Self {
        Self { delay_seconds, ..self }
    }
}

impl Queue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(config: &SdkConfig, url: QueueUrl) -> Self {
        Self { client: aws_sdk_sqs::Client::new(config), url }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send(&self, message: Message<'_>) -> Result<(), AwsError> {
        use aws_sdk_sqs::types::MessageAttributeValue;
        let mut request = self.client.send_message().queue_url(self.url.as_str()).message_body(message.body);
        for (name, value) in message.attributes.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(|_| unbuilt("SQS"))?);
        }
        if let Some((group, deduplication)) = message.fifo {
            request = request.message_group_id(group).message_deduplication_id(deduplication);
        }
        if message.delay_seconds > 0 {
            request = request.delay_seconds(i32::try_from(message.delay_seconds).unwrap_or(i32::MAX));
        }
        let sent = request.send().await;
        sent.map(drop).map_err(|error| refused("SQS", &error))
    }

    /// Says after how many seconds a message that was received comes back.
    ///
    /// # Errors
    /// When SQS does not do it; the message then comes back after the queue's own time.
    pub async fn retime(&self, receipt_handle: &str, seconds: u32) -> Result<(), AwsError> {
        let request = self.client.change_message_visibility().queue_url(self.url.as_str());
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let changed = request.receipt_handle(receipt_handle).visibility_timeout(seconds).send().await;
        changed.map(drop).map_err(|error| refused("SQS", &error))
    }
}

/// Publishes to one topic.
#[derive(Clone)]
pub struct Topic {
    client: aws_sdk_sns::Client,
    arn: TopicArn,
}

impl Topic {
    /// The topic of this ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, arn: TopicArn) -> Self {
        Self { client: aws_sdk_sns::Client::new(config), arn }
    }

    /// Publishes a message.
    ///
    /// # Errors
    /// When SNS does not take it.
    pub async fn publish(&self, message: Message<'_>) -> Result<(), AwsError> {
        use aws_sdk_sns::types::MessageAttributeValue;
        let mut request = self.client.publish().topic_arn(self.arn.as_str()).message(message.body);
        for (name, value) in message.attributes.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(|_| unbuilt("SNS"))?);
        }
        let published = request.send().await;
        published.map(drop).map_err(|error| refused("SNS", &error))
    }
}

fn refused<E, R>(service: &'static str, error: &aws_sdk_sqs::error::SdkError<E, R>) -> AwsError
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    AwsError::Refused { service, code: code(error) }
}

fn unbuilt(service: &'static str) -> AwsError {
    AwsError::Refused { service, code: "an attribute that it does not take".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{AwsError, Message};
    use crate::Unwritable;

    #[test]
    fn message_of_a_value_that_cannot_be_written_is_an_error_and_not_empty() {
        assert!(matches!(Message::json(&Unwritable, Vec::new()), Err(AwsError::Unwritable(_))));
        assert_eq!(Message::json(&1, Vec::new()).unwrap().body, "1");
    }
}
