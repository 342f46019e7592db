//! Starts a template with its binaries, and stops it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use cfn::Template;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    account::Account,
    activity::Stream,
    aws,
    chaos::Chaos,
    console::{self, Console},
    event_source,
    http_api::{self, RouteKey},
    lambda::{Asynchronous, Lambda},
    logs::Logs,
    provision::{self, Given, ProvisionError},
    secrets::Secrets,
    sns::Sns,
    sqs::Sqs,
};

/// What runs, and where.
pub struct Options {
    /// What runs.
    pub template: Template,
    /// The stack's name; unnamed resources are named after it.
    pub stack_name: String,
    /// Values of the template's parameters; those without one have their default, or else their own name.
    pub parameters: BTreeMap<String, String>,
    /// Where the functions' executables are.
    pub binaries: PathBuf,
    /// The account that is played, twelve digits.
    pub account_id: String,
    /// The region that is played.
    pub region: String,
    /// Where the HTTP API answers.
    pub api: TcpListener,
    /// Where the AWS protocols answer.
    pub aws: TcpListener,
    /// Values of secrets, by their logical ids.
    pub secrets: BTreeMap<String, String>,
    /// Is told what happens.
    pub activity: Stream,
    /// What goes wrong on purpose.
    pub chaos: Chaos,
    /// The console, where there is one.
    pub console: Option<Console>,
}

/// Why a template cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template cannot be made here.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A listener does not say where it listens.
    #[error("a port cannot be used: {0}")]
    Listener(#[from] std::io::Error),
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLine {
    /// `GET`, `POST`, ..., or `ANY`.
    pub method: String,
    /// The path, with its variables in braces.
    pub path: String,
}

/// A template that runs. What it holds is gone when it stops.
pub struct Running {
    lambda: Lambda,
    tasks: Vec<JoinHandle<()>>,
    routes: Vec<RouteLine>,
    outputs: BTreeMap<String, String>,
    not_honoured: Vec<String>,
}

impl Running {
    /// The HTTP API's routes, in the template's order.
    #[must_use]
    pub fn routes(&self) -> &[RouteLine] {
        &self.routes
    }

    /// The template's outputs.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// The functions that run.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// What of the template has no effect here, a line for each reason.
    #[must_use]
    pub fn not_honoured(&self) -> &[String] {
        &self.not_honoured
    }

    /// Ends everything: nothing answers any more, no process is left.
    pub async fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.lambda.stop().await;
        for task in self.tasks {
            let _aborted = task.await;
        }
    }
}

/// Starts a template. When this returns, everything answers; functions start in the background, and events wait for them.
///
/// # Errors
/// When the template cannot be made here: AWS would refuse it, or it needs what is not played here.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let account = Account {
        id: options.account_id,
        region: options.region,
        endpoint: format!("http://{}", options.aws.local_addr()?),
    };
    let (activity, chaos) = (options.activity, options.chaos);
    let logs = Logs::new(account.clone());
    let sqs = Sqs::new(account.clone(), activity.clone(), chaos.clone());
    let lambda = Lambda::new(account.clone(), logs.clone(), activity.clone(), chaos.clone());
    let asynchronous = Asynchronous::new(lambda.clone(), sqs.clone());
    let sns = Sns::new(account.clone(), sqs.clone(), Arc::new(asynchronous.clone()), activity.clone());
    asynchronous.connect(sns.clone());
    let secrets = Secrets::new(account.clone());
    let services = provision::Services { sqs: &sqs, sns: &sns, lambda: &lambda, secrets: &secrets, logs: &logs };
    let given = Given {
        stack_name: &options.stack_name,
        parameters: options.parameters,
        binaries: &options.binaries,
        secrets: &options.secrets,
        api_endpoint: format!("http://{}", options.api.local_addr()?),
        account: &account,
    };
    let made = provision::provision(&options.template, &services, &given)?;
    let routes = made.api.routes.iter().map(|route| line(&route.key)).collect();
    let picture = console::picture(&made, &sqs, &sns, &lambda);
    let (api, recorder) = (made.api, activity.recorder().clone());
    let api = http_api::service(api, account.clone(), lambda.clone(), logs.clone(), activity.clone(), chaos.clone());
    let services = aws::Services {
        account: account.clone(),
        sqs,
        sns,
        secrets,
        logs,
        lambda: lambda.clone(),
        asynchronous,
        recorder,
        chaos,
    };
    let mut tasks = vec![
        tokio::spawn(aws::serve(options.aws, services.clone())),
        tokio::spawn(http_api::serve(options.api, api.clone())),
    ];
    if let Some(console) = options.console {
        let alarms = console::alarms(&options.template);
        let api_endpoint = given.api_endpoint.clone();
        let cloud = console::Cloud { services, api, api_endpoint, picture, alarms };
        tasks.push(tokio::spawn(console::serve(console, cloud)));
    }
    let sources = made.sources.into_iter();
    tasks.extend(sources.map(|(source, queue)| event_source::start(source, queue, lambda.clone(), account.clone())));
    let early = lambda.clone();
    tasks.push(tokio::spawn(async move { early.warm_up().await }));
    let not_honoured = made.not_honoured.into_iter();
    let not_honoured =
        not_honoured.map(|(why, what)| format!("{why}: {}", what.into_iter().collect::<Vec<_>>().join(", ")));
    Ok(Running { lambda, tasks, routes, outputs: made.outputs, not_honoured: not_honoured.collect() })
}

fn line(key: &RouteKey) -> RouteLine {
    let text = key.to_string();
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", "/"));
    RouteLine { method: method.to_owned(), path: path.to_owned() }
}
