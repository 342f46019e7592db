//! Starts a template with its binaries, and stops it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use cfn::Template;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    account::Account,
    activity::Stream,
    alarms::Alarms,
    aws,
    chaos::Chaos,
    clock::{Clock, TooFar},
    cloudformation::{CloudFormation, StackParts},
    console::{self, Console},
    event_source,
    http_api::{self, RouteKey},
    journal::{Journal, JournalError, Line, Saved},
    lambda::{Asynchronous, Lambda},
    logs::Logs,
    metrics::Metrics,
    provision::{self, Given, ProvisionError},
    secrets::Secrets,
    sns::Sns,
    sqs::Sqs,
    traces::{self, Collector},
    wire::ApiError,
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
    /// Its time.
    pub clock: Clock,
    /// What goes wrong on purpose.
    pub chaos: Chaos,
    /// The console, where there is one.
    pub console: Option<Console>,
    /// The collector that gets all journeys as OpenTelemetry's traces, where there is one.
    pub traces: Option<Collector>,
    /// Where queues, topics, secrets and logs outlive the process; without, nothing is written.
    pub state: Option<PathBuf>,
}

/// Why a template cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template cannot be made here.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// What was kept cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was kept cannot be made again.
    #[error("what was kept cannot be made again: {0}")]
    Restore(#[from] ApiError),
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

/// What can be done with a running cloud beside asking it as one asks AWS. Clones are of the same cloud.
#[derive(Clone)]
pub struct Control {
    /// Its time.
    pub clock: Clock,
    /// Its functions.
    pub lambda: Lambda,
    /// Its queues.
    pub sqs: Sqs,
    /// Its alarms.
    pub alarms: Alarms,
    sns: Sns,
    journal: Option<Journal>,
}

impl Control {
    /// Puts the clock forward, and wakes whoever waited for that; how far it is ahead of the machine's.
    ///
    /// # Errors
    /// When it would be ahead by more than ten years.
    pub fn advance(&self, by: Duration) -> Result<Duration, TooFar> {
        let ahead = self.clock.advance(by)?;
        if let Some(journal) = &self.journal {
            journal.write(&Line::Ahead(ahead));
        }
        Ok(ahead)
    }

    /// Makes queues and topics as the template has them: empty, and no others. Events that functions work on go on.
    pub fn reset(&self) {
        self.sqs.reset();
        self.sns.reset();
    }
}

/// A template that runs. What it holds is gone when it stops, unless it has a folder to keep it in.
pub struct Running {
    lambda: Lambda,
    control: Control,
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

    /// What can be done with it beside asking it as one asks AWS.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
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
    let (activity, clock, chaos) = (options.activity, options.clock, options.chaos);
    let (journal, mut saved) = match &options.state {
        Some(folder) => Journal::open(folder).map(|(journal, saved)| (Some(journal), saved))?,
        None => (None, Saved::default()),
    };
    // Ten years are never ahead: what was written down was within them.
    let _within = clock.advance(saved.ahead);
    let metrics = Metrics::new(clock.clone());
    let logs = Logs::new(account.clone(), metrics.clone());
    let sqs = Sqs::new(account.clone(), clock.clone(), activity.clone(), chaos.clone(), journal.clone());
    let lambda = Lambda::new(account.clone(), logs.clone(), activity.clone(), chaos.clone());
    let asynchronous = Asynchronous::new(lambda.clone(), sqs.clone());
    let sns = Sns::new(account.clone(), sqs.clone(), Arc::new(asynchronous.clone()), activity.clone(), journal.clone());
    asynchronous.connect(sns.clone());
    let alarms = Alarms::new(account.clone(), metrics.clone(), sqs.clone(), sns.clone(), activity.clone());
    let secrets = Secrets::new(account.clone(), clock.clone());
    let services = provision::Services {
        sqs: &sqs,
        sns: &sns,
        lambda: &lambda,
        asynchronous: &asynchronous,
        secrets: &secrets,
        logs: &logs,
        metrics: &metrics,
        alarms: &alarms,
    };
    let given = Given {
        stack_name: &options.stack_name,
        parameters: options.parameters.clone(),
        binaries: &options.binaries,
        secrets: &options.secrets,
        api_endpoint: format!("http://{}", options.api.local_addr()?),
        account: &account,
    };
    let made = provision::provision(&options.template, &services, &given)?;
    sqs.described(&mut saved)?;
    sns.described(&mut saved)?;
    if let (Some(journal), Some(folder)) = (&journal, &options.state) {
        secrets.keep(journal, saved.secrets);
        logs.keep(journal, saved.logs);
        journal.write(&Line::Ahead(clock.ahead()));
        Journal::settle(folder)?;
    }
    let control = Control {
        clock: clock.clone(),
        lambda: lambda.clone(),
        sqs: sqs.clone(),
        alarms: alarms.clone(),
        sns: sns.clone(),
        journal,
    };
    let picture = console::picture(&made, &sqs, &sns, &lambda);
    let cloudformation = CloudFormation::new(
        &account,
        StackParts {
            name: &options.stack_name,
            template: &options.template,
            parameters: options.parameters.into_iter().collect(),
            resources: made.resources,
            outputs: &made.outputs,
        },
    );
    let routes = made.api.routes.iter().map(|route| line(&route.key)).collect();
    let (api, recorder) = (made.api, activity.recorder().clone());
    let exported = options.traces.map(|collector| traces::export(recorder.clone(), account.clone(), collector));
    let cors = api.cors.clone();
    let api = http_api::service(api, account.clone(), lambda.clone(), logs.clone(), activity, chaos.clone());
    let services = aws::Services {
        account: account.clone(),
        control: control.clone(),
        sqs,
        sns,
        secrets,
        logs,
        lambda: lambda.clone(),
        asynchronous,
        cloudformation,
        recorder,
        chaos,
    };
    let mut tasks = vec![
        tokio::spawn(aws::serve(options.aws, services.clone())),
        tokio::spawn(http_api::serve(options.api, api.clone(), cors)),
    ];
    if let Some(console) = options.console {
        let cloud = console::Cloud { services, api, api_endpoint: given.api_endpoint.clone(), picture };
        tasks.push(tokio::spawn(console::serve(console, cloud)));
    }
    let sources = made.sources.into_iter();
    tasks.extend(
        sources
            .map(|(source, queue)| event_source::start(source, queue, lambda.clone(), account.clone(), clock.clone())),
    );
    tasks.extend(alarms.start());
    tasks.extend(exported.map(tokio::spawn));
    let early = lambda.clone();
    tasks.push(tokio::spawn(async move { early.warm_up().await }));
    let not_honoured = made.not_honoured.into_iter();
    let not_honoured =
        not_honoured.map(|(why, what)| format!("{why}: {}", what.into_iter().collect::<Vec<_>>().join(", ")));
    Ok(Running { lambda, control, tasks, routes, outputs: made.outputs, not_honoured: not_honoured.collect() })
}

fn line(key: &RouteKey) -> RouteLine {
    let text = key.to_string();
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", "/"));
    RouteLine { method: method.to_owned(), path: path.to_owned() }
}
