//! The clients of AWS's services, and how they try again.

pub(crate) mod call;

use std::{fmt::Debug, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::config::retry::{RetryPartition, TokenBucket};
use serde::{Serialize, de::DeserializeOwned};

use self::call::{CallError, Service};
use crate::calls::Watch;

/// How soon is looked or tried again: first after `first`, then more and more seldom.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) first: Duration,
}

impl Pace {
    /// As long as is waited between two tries of a call at most: more would look as if it hung.
    pub(crate) fn longest_retry(self) -> Duration {
        self.first * 60
    }

    /// How long `--follow` waits between two looks; CloudWatch Logs takes five of them a second from a whole account.
    pub(crate) fn follow(self) -> Duration {
        self.first * 8
    }

    /// As long as is waited between two looks at most.
    pub(crate) fn longest_look(self) -> Duration {
        self.first * 20
    }
}

/// AWS, as this command reaches it: one method a service.
pub(crate) struct Aws {
    config: SdkConfig,
    /// Buckets are named in the path, because an emulator has no names for them.
    path_style: bool,
    pub(crate) pace: Pace,
}

/// A client of a service, whose calls are watched.
macro_rules! client {
    ($self:ident, $sdk:ident $(, $option:ident($value:expr))*) => {{
        let watch = Watch::limited($crate::calls::ATTEMPTS);
        let config = $sdk::config::Builder::from(&$self.config)
            .retry_partition(patient())
            .interceptor(watch.clone())
            .retry_classifier(watch)
            $(.$option($value))*;
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    pub(crate) fn new(config: SdkConfig, path_style: bool, pace: Pace) -> Self {
        Self { config, path_style, pace }
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        client!(self, aws_sdk_cloudformation)
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        client!(self, aws_sdk_s3, force_path_style(self.path_style))
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs)
    }

    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        client!(self, aws_sdk_lambda)
    }

    pub(crate) fn secretsmanager(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager)
    }

    /// Calls an operation of a service that has no client here, with the settings that the clients have.
    ///
    /// # Errors
    /// The errors that a client returns.
    pub(crate) async fn call<T>(
        &self,
        service: &Service,
        operation: &'static str,
        input: &impl Serialize,
    ) -> Result<T, CallError>
    where
        T: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        call::call(&self.config, Watch::limited(crate::calls::ATTEMPTS), service, operation, input).await
    }
}

/// The SDK's own budget of tries is for servers, which should give up soon; a person waits.
fn patient() -> RetryPartition {
    RetryPartition::custom("patient").token_bucket(TokenBucket::unlimited()).build()
}
