//! Which stack, in which account and region, with whose credentials.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_cloudformation::{
    config::ProvideCredentials,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use clap::Args;

use crate::Failure;

/// As often a call is tried, and as long it waits between tries at most: more would look as if it hung.
const ATTEMPTS: u32 = 7;
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What the environment file and the caller say.
#[derive(Args)]
pub(crate) struct TargetOptions {
    /// The stack's name
    #[arg(long, global = true, default_value = "")]
    stack: String,
    /// The account that the environment file names, twelve digits
    #[arg(long, global = true, default_value = "")]
    account: String,
    /// The region that the environment file names, unless the caller says another
    #[arg(long, global = true, default_value = "")]
    region: String,
    /// Another endpoint than AWS's
    #[arg(long, global = true, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The profile whose credentials are used
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
}

/// A stack in an account that the credentials are for.
pub(crate) struct Target {
    pub(crate) config: SdkConfig,
    pub(crate) stack: String,
    pub(crate) region: String,
    pub(crate) account: String,
}

impl Target {
    /// Finds credentials and makes sure that they are for the account that the environment names.
    ///
    /// # Errors
    /// When there are no credentials, they have expired, or they are for another account.
    pub(crate) async fn resolve(options: &TargetOptions) -> Result<Self, Failure> {
        let TargetOptions { stack, account, region, endpoint_url, profile } = options;
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_WAIT);
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.clone())).retry_config(retries);
        if let Some(url) = endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let (stack, region, account) = (stack.clone(), region.clone(), account.clone());
        let target = Self { config, stack, region, account };
        target.check_account().await?;
        Ok(target)
    }

    async fn check_account(&self) -> Result<(), Failure> {
        let sign_in = "sign in with `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| Failure::new("there are no AWS credentials", sign_in))?;
        // What the SDK says here names each place that it looked in; that is for those who know it.
        if provider.provide_credentials().await.is_err() {
            return Err(Failure::new("there are no AWS credentials", sign_in));
        }
        // The first call of all: when nothing answers, that should be said soon.
        let few = aws_sdk_sts::config::Builder::from(&self.config).retry_config(RetryConfig::standard()).build();
        let identity = aws_sdk_sts::Client::from_conf(few).get_caller_identity().send().await;
        let identity = identity.map_err(|error| failure(&error, "cannot tell whose the AWS credentials are"))?;
        let theirs = identity.account().unwrap_or_default();
        if theirs != self.account {
            let message =
                format!("the credentials are for account {theirs}, and the environment is in {}", self.account);
            return Err(Failure::new(message, "use the credentials of that account, or another environment"));
        }
        Ok(())
    }
}

/// What AWS's answer means for whoever called, beginning with what could not be done.
pub(crate) fn failure<E, R>(error: &SdkError<E, R>, doing: &str) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let said = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Failure::new(
            format!("{doing}: the credentials have expired"),
            "sign in again, such as with `aws sso login`",
        ),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException" => Failure::new(
            format!("{doing}: AWS does not know the credentials ({code})"),
            "check AWS_PROFILE, or the keys",
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            Failure::new(format!("{doing}: {said}"), "have an administrator allow the action that AWS names")
        }
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => {
            Failure::new(format!("{doing}: AWS is throttling, after {ATTEMPTS} attempts"), "try again in a minute")
        }
        "" => {
            let message = format!("{doing}: {}", DisplayErrorContext(error));
            Failure::new(message, "check the network, the region and --endpoint-url")
        }
        _ => Failure::new(format!("{doing}: {code}: {said}"), "the message is AWS's own; its documentation says more"),
    }
}
