//! Which stack, in which account and region, with whose credentials.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_cloudformation::config::ProvideCredentials;
use clap::Args;

use crate::{
    Failure,
    aws::{Aws, Pace},
    calls::{self, ATTEMPTS, Watch},
    failure::{SIGN_IN, failure},
    heartbeat,
    text::printable,
};

/// What the environment file and the caller say.
#[derive(Args)]
pub(crate) struct TargetOptions {
    /// The stack's name
    #[arg(long, global = true, default_value = "")]
    stack: String,
    /// The environment's name, as messages say it
    #[arg(long, global = true, default_value = "")]
    env: String,
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
    /// The first wait before looking or trying again, in milliseconds
    #[arg(long, global = true, hide = true, default_value_t = 250)]
    pace: u64,
}

/// A stack in an account that the credentials are for.
pub(crate) struct Target {
    pub(crate) aws: Aws,
    pub(crate) stack: String,
    /// The environment's name, for the commands that messages suggest.
    pub(crate) env: String,
    pub(crate) region: String,
    pub(crate) account: String,
    /// Who is signed in, as an ARN.
    pub(crate) caller: String,
    pub(crate) endpoint: Option<String>,
}

impl Target {
    /// Finds credentials and makes sure that they are for the account that the environment names.
    ///
    /// # Errors
    /// When there are no credentials, they have expired, or they are for another account.
    pub(crate) async fn resolve(options: &TargetOptions) -> Result<Self, Failure> {
        let TargetOptions { stack, env, account, region, endpoint_url, profile, pace } = options;
        let pace = Pace { first: Duration::from_millis(*pace) };
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(pace.first)
            .with_max_backoff(pace.longest_retry());
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.clone())).retry_config(retries);
        loader = loader.timeout_config(calls::timeouts());
        if let Some(url) = endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let looking = heartbeat::waiting_for("AWS credentials");
        let config = loader.load().await;
        let caller = identify(&config, account, pace).await?;
        drop(looking);
        let endpoint = config.endpoint_url().map(str::to_owned);
        let (stack, env, region, account) = (stack.clone(), env.clone(), region.clone(), account.clone());
        let aws = Aws::new(config, endpoint.is_some(), pace);
        Ok(Self { aws, stack, env, region, account, caller, endpoint })
    }
}

/// Who is signed in; refuses another account than the environment's.
async fn identify(config: &SdkConfig, account: &str, pace: Pace) -> Result<String, Failure> {
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| Failure::new("there are no AWS credentials", SIGN_IN))?;
    // What the SDK says here names each place that it looked in; that is for those who know it.
    if provider.provide_credentials().await.is_err() {
        return Err(Failure::new("there are no AWS credentials", SIGN_IN));
    }
    // The first call of all: when nothing answers, that should be said soon.
    let few = RetryConfig::standard().with_initial_backoff(pace.first);
    let watch = Watch::limited(few.max_attempts());
    let few = aws_sdk_sts::config::Builder::from(config).retry_config(few);
    let few = few.interceptor(watch.clone()).retry_classifier(watch).build();
    let identity = aws_sdk_sts::Client::from_conf(few).get_caller_identity().send().await;
    let identity = identity.map_err(|error| failure(&error, "cannot tell whose the AWS credentials are"))?;
    let theirs = identity.account().unwrap_or_default();
    if theirs != account {
        let theirs = printable(theirs);
        let message = format!("the credentials are for account {theirs}, and the environment is in {account}");
        return Err(Failure::new(message, "use the credentials of that account, or another environment"));
    }
    Ok(printable(identity.arn().unwrap_or_default()))
}
