//! An environment file, typed: the only place that names an environment.
//!
//! Reading it finds every mistake that can be found without AWS, and names file, line, column and mend.

mod deployment;
mod rules;
mod span;

use std::{collections::BTreeMap, fmt};

use cfn::{constructs::Architecture, guard::Guards};
use contract::config::{Checkout, Invoicer, PersonalData, Retry, WebhookTrust};
use serde::Deserialize;

pub use deployment::{Deployment, Hotswap};
use span::Positions;

/// One environment of the service.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The file's name without its ending, such as `prod`.
    #[serde(skip)]
    pub name: String,
    /// What physical names begin with, such as `paypal-subscriptions`.
    pub service: String,
    /// The AWS account that this environment may be deployed to, twelve digits.
    pub account: String,
    /// The AWS region, such as `eu-west-1`.
    pub region: String,
    /// The processor that the functions run on.
    #[cfg_attr(test, schemars(with = "schema::Architecture"))]
    pub architecture: Architecture,
    /// How what is at rest is encrypted.
    pub encryption: EncryptionChoice,
    /// How long logs are kept, in days; one of the numbers that CloudWatch takes.
    pub log_retention_days: u32,
    /// The API's own domain; without it the API answers at AWS's address.
    #[serde(default)]
    pub domain: Option<DomainChoice>,
    /// The API's limits.
    pub api: ApiChoice,
    /// PayPal's side.
    pub paypal: PayPal,
    /// What buyers see.
    pub checkout: Checkout,
    /// Who sends the invoices.
    pub invoicer: Invoicer,
    /// Whether events on `finished` hold the buyer's personal data: `include`, or `remove`.
    #[serde(default)]
    pub personal_data: PersonalData,
    /// Memory and time of the functions: `default`, and others by the function's name.
    pub functions: BTreeMap<String, Sizing>,
    /// The queues that feed functions.
    pub queues: Queues,
    /// When events that failed are tried again.
    pub retry: Retry,
    /// When alarms ring.
    pub alarms: Alarms,
    /// How it is deployed, and what a deployment may not do to it.
    #[serde(default)]
    pub deployment: Deployment,
    /// What stops a change of this environment until somebody allows it by name; nothing when it is missing.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "schema::Guards"))]
    pub guards: Guards,
}

/// How what is at rest is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionChoice {
    /// With keys that AWS manages, at no cost.
    Managed,
    /// With one key of the stack.
    CustomerKey,
}

/// The API's own domain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DomainChoice {
    /// Such as `subscriptions.example.com`.
    pub name: String,
    /// The zone that the name lies in, such as `example.com`.
    pub hosted_zone: String,
    /// That zone's id in Route 53.
    pub hosted_zone_id: String,
}

/// The API's limits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiChoice {
    /// Requests per second, in the long run, of a route that is not among `routes`.
    pub requests_per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Limits of single routes by the function behind them, such as `webhook-receiver`: a flood of one does not use up what
    /// another may take.
    #[serde(default)]
    pub routes: BTreeMap<String, RouteLimit>,
    /// Retention of the access log, in days. It holds the addresses of senders, so that the source of a flood is known.
    #[serde(default = "access_log_retention_days")]
    pub access_log_retention_days: u32,
    /// Who may create subscriptions.
    #[serde(default)]
    pub subscription_create: CreateAuthorization,
    /// Origins whose pages may call the API, such as `https://shop.example.com`; none when empty.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
}

/// Who may create subscriptions by `POST /subscription/create`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CreateAuthorization {
    /// Everybody, under any `custom_id`. What `finished` says about a `custom_id` then proves only that somebody paid.
    #[default]
    Anyone,
    /// Those whose request the shop's server signed, with the key in the stack's secret `shop`.
    ShopSignature,
}

/// The limits of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteLimit {
    /// Requests per second, in the long run.
    pub requests_per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// PayPal's side.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PayPal {
    /// The REST API: `https://api-m.paypal.com`, or `https://api-m.sandbox.paypal.com`.
    pub url: String,
    /// Which webhooks are believed.
    pub webhook: WebhookTrust,
}

/// Memory and time of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sizing {
    /// Memory in MB, 128 to 10,240.
    pub memory_mb: u32,
    /// How long an invocation may take, in seconds, at most 900, and at most 29 behind a route.
    pub timeout_seconds: u32,
    /// Reserved concurrency: so many execution environments are kept for it, and it has no more. Without it, all functions
    /// share what the account has left.
    #[serde(default)]
    pub reserved_concurrency: Option<u32>,
}

/// The queues that feed functions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Queues {
    /// What came in and is not checked yet.
    pub unverified: Feeding,
    /// What is genuine and waits for its work.
    pub verified: Feeding,
}

/// How a queue feeds its function.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Feeding {
    /// How long a received message is hidden, in seconds: at least six times its function's timeout.
    pub visibility_seconds: u32,
    /// How often a message may be received before it is given up; functions give up by age, so this is the last resort.
    pub max_receives: u32,
    /// How many messages a batch may hold, 1 to 10.
    pub batch_size: u32,
    /// How many batches may be worked on at once, 2 to 1000.
    pub max_concurrency: u32,
}

/// When alarms ring.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// The age of the oldest waiting message, in seconds.
    pub oldest_message_seconds: u32,
    /// Forged webhooks in five minutes; a few are the noise of the internet.
    pub forged_events: u32,
    /// Requests to the webhook's route in an hour that are answered with 4xx. PayPal gives such a webhook up after three days.
    #[serde(default = "refused_webhooks")]
    pub refused_webhooks: u32,
    /// Hours, 1 to 168, in which at least one event is finished when all is well.
    #[serde(default = "nothing_finished_hours")]
    pub nothing_finished_hours: u32,
    /// The address at which people read `infra/RUNBOOKS.md`, such as that of a repository's page. Each alarm's description
    /// ends with it and the runbook's heading; without it, with the file's path.
    #[serde(default)]
    pub runbooks: Option<String>,
}

const fn access_log_retention_days() -> u32 {
    7
}

const fn refused_webhooks() -> u32 {
    10
}

const fn nothing_finished_hours() -> u32 {
    24
}

/// What is wrong with an environment file, all of it.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvironmentError {
    /// In the order of the file; at least one.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            let break_before = if at > 0 { "\n" } else { "" };
            let Mistake { file, line, column, problem, mend } = mistake;
            write!(out, "{break_before}{file}:{line}:{column}: {problem}\n  mend: {mend}")?;
        }
        Ok(())
    }
}

impl std::error::Error for EnvironmentError {}

impl Environment {
    /// Reads an environment file. `name` is the environment's, `file` is how errors name the text's origin.
    ///
    /// # Errors
    /// When the text is no YAML, a key is unknown, missing or of the wrong type, or a value is impossible. Of the last
    /// kind all are named at once.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, EnvironmentError> {
        let mut environment: Self =
            serde_saphyr::from_str(text).map_err(|error| EnvironmentError::syntax(file, &error))?;
        environment.name = name.to_owned();
        let positions = Positions::of(text);
        let mut mistakes: Vec<Mistake> = rules::broken(&environment)
            .into_iter()
            .map(|broken| {
                let (line, column) = positions.find(&broken.key);
                let problem = format!("{}: {}", broken.key, broken.problem);
                Mistake { file: file.to_owned(), line, column, problem, mend: broken.mend }
            })
            .collect();
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        if mistakes.is_empty() { Ok(environment) } else { Err(EnvironmentError { mistakes }) }
    }

    /// Memory and time of one function: its own, or the default.
    #[must_use]
    pub fn sizing(&self, function: &str) -> Sizing {
        let sizing = self.functions.get(function).or_else(|| self.functions.get(rules::DEFAULT));
        sizing.copied().unwrap_or(Sizing { memory_mb: 128, timeout_seconds: 3, reserved_concurrency: None })
    }

    /// The same environment with one origin in the place of another, wherever an address begins with it. A laptop's ports
    /// are known only when they are open.
    #[must_use]
    pub fn moved(mut self, from: &str, to: &str) -> Self {
        let Self { paypal: PayPal { url, webhook }, checkout, api, .. } = &mut self;
        let addresses = [url, &mut checkout.return_url, &mut checkout.cancel_url];
        let listed = webhook.certificate_origins.iter_mut().chain(&mut api.allowed_origins);
        for address in addresses.into_iter().chain(listed) {
            let rest = address.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(moved) = rest.map(|rest| format!("{to}{rest}")) {
                *address = moved;
            }
        }
        self
    }
}

impl EnvironmentError {
    fn syntax(file: &str, error: &serde_saphyr::Error) -> Self {
        let (line, column) = error.location().map_or((0, 0), |at| (at.line() as usize, at.column() as usize));
        let whole = error.without_snippet().to_string();
        let problem = whole.split(" at line ").next().unwrap_or(&whole).to_owned();
        let mend = mend_of(&problem);
        Self { mistakes: vec![Mistake { file: file.to_owned(), line, column, problem, mend }] }
    }
}

fn mend_of(problem: &str) -> String {
    let mend = if problem.contains("unknown field") || problem.contains("unknown key") {
        "remove the key, or correct its spelling"
    } else if problem.contains("missing field") {
        "add the key; environments/schema.json and the other environments show its shape"
    } else if problem.contains("unknown variant") {
        "use one of the words that are expected"
    } else {
        "give the key a value of the type that is expected"
    };
    mend.to_owned()
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
