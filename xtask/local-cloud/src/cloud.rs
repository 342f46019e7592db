//! Starts a template with its binaries, and stops it.

mod update;

use std::{collections::BTreeMap, path::PathBuf};

use cfn::Template;
use tokio::{net::TcpListener, task::JoinHandle};

pub use update::Updated;

use journal::JournalError;

use crate::{
    account::Account,
    activity::Stream,
    aws,
    chaos::Chaos,
    clock::Clock,
    cloudformation::{CloudFormation, StackParts},
    console::{self, Console, Picture},
    control::Control,
    event_source::{self, Feeding},
    http_api::{self, Api, Cors, HttpApi, RouteKey},
    lambda::Lambda,
    live::Live,
    provision::{self, Given, ProvisionError, Provisioned, Services},
    saved,
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
    /// Where the functions' executables are. A link stands for the file that it leads to.
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
    /// The function that a debugger is at, by its name or the end of it: it has one environment, and no time runs out.
    pub debug: Option<String>,
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
    /// There is no such function to debug.
    #[error("there is no one function that is called {name:?} to debug; there are: {}", .functions.join(", "))]
    Debug {
        /// What was asked for.
        name: String,
        /// The functions that there are.
        functions: Vec<String>,
    },
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

/// A template that runs. What it holds is gone when it stops, unless it has a folder to keep it in.
pub struct Running {
    control: Control,
    given: Given,
    services: Services,
    activity: Stream,
    chaos: Chaos,
    /// The HTTP API that is served.
    api: Live<Api>,
    /// The pages of other origins that may call it.
    cors: Live<Option<Cors>>,
    picture: Live<Picture>,
    cloudformation: CloudFormation,
    feeding: Vec<Feeding>,
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
        &self.services.lambda
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
        self.feeding.iter().for_each(Feeding::abort);
        self.services.sns.stop();
        self.services.lambda.stop().await;
        for task in self.tasks.into_iter().chain(self.feeding.into_iter().map(Feeding::finish)) {
            let _aborted = task.await;
        }
    }

    /// Takes over what was made of a template, beyond what the services hold.
    fn serve(&mut self, made: Provisioned) {
        self.picture.set(console::picture(&made, &self.services.sqs, &self.services.sns, &self.services.lambda));
        self.routes = made.api.routes.iter().map(|route| line(&route.key)).collect();
        self.cors.set(made.api.cors.clone());
        let Services { lambda, logs, .. } = self.services.clone();
        let (activity, chaos) = (self.activity.clone(), self.chaos.clone());
        self.api.set(Api::new(made.api, self.given.account.clone(), lambda, logs, activity, chaos));
        self.feed(made.sources);
        let not_honoured = made.not_honoured.into_iter();
        let told = |(why, what): (_, std::collections::BTreeSet<_>)| {
            format!("{why}: {}", what.into_iter().collect::<Vec<_>>().join(", "))
        };
        self.not_honoured = not_honoured.map(told).collect();
        self.outputs = made.outputs;
    }

    /// Has these event sources feed their functions, and no others. Those that stay as they are go on; those that end take
    /// no more messages, and work off what they have.
    fn feed(&mut self, sources: Vec<(event_source::EventSource, std::sync::Arc<crate::sqs::Queue>)>) {
        let wanted = |feeding: &Feeding| sources.iter().any(|(source, queue)| feeding.is(source, queue));
        let (stay, end): (Vec<_>, Vec<_>) = std::mem::take(&mut self.feeding).into_iter().partition(wanted);
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.extend(end.into_iter().map(Feeding::finish));
        self.feeding = stay;
        for (source, queue) in sources {
            if !self.feeding.iter().any(|feeding| feeding.is(&source, &queue)) {
                let (lambda, account) = (self.services.lambda.clone(), self.given.account.clone());
                self.feeding.push(event_source::start(source, queue, lambda, account, self.control.clock.clone()));
            }
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
        Some(folder) => saved::open(folder).map(|(journal, saved)| (Some(journal), saved))?,
        None => (None, saved::Saved::default()),
    };
    // Ten years are never ahead: what was written down was within them.
    let _within = clock.advance(saved.ahead);
    let services = Services::new(&account, &clock, &activity, &chaos, journal.as_ref());
    let given = Given {
        stack_name: options.stack_name,
        parameters: options.parameters,
        binaries: options.binaries,
        secrets: options.secrets,
        debug: options.debug,
        api_endpoint: format!("http://{}", options.api.local_addr()?),
        account: account.clone(),
    };
    let mut made = provision::provision(&options.template, &services, &given)?;
    check_debug(&given, &services.lambda)?;
    services.sqs.described(&mut saved.queues)?;
    services.sns.described(&mut saved.topics)?;
    if let Some(journal) = &journal {
        services.secrets.keep(journal, saved.secrets);
        services.logs.keep(journal, saved.logs);
        journal.write_as("ahead", &clock.ahead());
        journal.settle()?;
    }
    let control = Control {
        clock,
        lambda: services.lambda.clone(),
        sqs: services.sqs.clone(),
        alarms: services.alarms.clone(),
        sns: services.sns.clone(),
        journal,
        notice: Live::new(None),
    };
    let stack = StackParts {
        name: &given.stack_name,
        template: &options.template,
        parameters: &given.parameters,
        resources: std::mem::take(&mut made.resources),
        outputs: &made.outputs,
    };
    let (lambda, logs) = (services.lambda.clone(), services.logs.clone());
    let no_api = HttpApi::new("none", None);
    let no_api = Api::new(no_api, account.clone(), lambda, logs, activity.clone(), chaos.clone());
    let mut running = Running {
        control: control.clone(),
        api: Live::new(no_api),
        cors: Live::new(None),
        picture: Live::new(Picture::default()),
        cloudformation: CloudFormation::new(&account, stack),
        feeding: Vec::new(),
        tasks: Vec::new(),
        routes: Vec::new(),
        outputs: BTreeMap::new(),
        not_honoured: Vec::new(),
        given,
        services,
        activity,
        chaos,
    };
    running.serve(made);
    let behind = aws::Services {
        account,
        control,
        sqs: running.services.sqs.clone(),
        sns: running.services.sns.clone(),
        secrets: running.services.secrets.clone(),
        logs: running.services.logs.clone(),
        lambda: running.services.lambda.clone(),
        asynchronous: running.services.asynchronous.clone(),
        cloudformation: running.cloudformation.clone(),
        recorder: running.activity.recorder().clone(),
        chaos: running.chaos.clone(),
    };
    running.tasks.push(tokio::spawn(aws::serve(options.aws, behind.clone())));
    running.tasks.push(tokio::spawn(http_api::serve(options.api, running.api.clone(), running.cors.clone())));
    if let Some(console) = options.console {
        let cloud = console::Cloud {
            services: behind,
            api: running.api.clone(),
            api_endpoint: running.given.api_endpoint.clone(),
            picture: running.picture.clone(),
            notice: running.control.notice.clone(),
        };
        running.tasks.push(tokio::spawn(console::serve(console, cloud)));
    }
    running.services.sns.ask_endpoints();
    running.tasks.extend(running.services.alarms.start());
    let recorder = running.activity.recorder().clone();
    let exported = options.traces.map(|collector| traces::export(recorder, running.given.account.clone(), collector));
    running.tasks.extend(exported.map(tokio::spawn));
    let early = running.services.lambda.clone();
    running.tasks.push(tokio::spawn(async move { early.warm_up().await }));
    Ok(running)
}

/// Whether there is one function of the name that is to be debugged.
fn check_debug(given: &Given, lambda: &Lambda) -> Result<(), StartError> {
    let Some(name) = &given.debug else { return Ok(()) };
    let functions: Vec<_> = lambda.functions().into_iter().map(|(function, _)| function).collect();
    if functions.iter().filter(|function| function.debugged).count() == 1 {
        return Ok(());
    }
    let functions = functions.into_iter().map(|function| function.name).collect();
    Err(StartError::Debug { name: name.clone(), functions })
}

fn line(key: &RouteKey) -> RouteLine {
    let text = key.to_string();
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", "/"));
    RouteLine { method: method.to_owned(), path: path.to_owned() }
}
