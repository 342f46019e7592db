//! `local`: the whole service on this machine.

mod chaos;
mod console;
mod debug;
mod foreign;
mod lines;
mod subject;
mod traces;
mod watch;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

use infra::Environment;
use local_cloud::{Clock, activity, chaos::Chaos};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use paypal_sandbox::Sandbox;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use url::Url;

use crate::{
    addresses::{self, Addresses},
    cargo,
    cli::Local,
    context::{Context, write_whole},
    report::Failure,
};

/// The client that the sandbox knows. It opens nothing but this sandbox.
const CLIENT_ID: &str = "local-client";
const CLIENT_SECRET: &str = "local-secret";

/// The console's origin in `environments/local.yaml`; the port that is really open takes its place.
pub const CONSOLE_ORIGIN: &str = "http://127.0.0.1:3001";
/// The sandbox's origin in `environments/local.yaml`; the port that is really open takes its place.
pub const PAYPAL_ORIGIN: &str = "http://127.0.0.1:3002";

/// The logical id of the secret that holds PayPal's credentials.
const PAYPAL_SECRET: &str = "PaypalSecret";

pub(crate) fn run(context: &Context, options: &Local) -> Result<(), Failure> {
    // One worker: all that it does is hand small things on, and waking another costs more than it does.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(Failure::from("cannot start the runtime"))?;
    allow_many_connections();
    runtime.block_on(serve(context, options))
}

/// Each connection is an open file, and many systems begin with a thousand: lets there be as many as the system allows.
fn allow_many_connections() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Where that is refused, it stays as it is.
        let _refused = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

async fn serve(context: &Context, options: &Local) -> Result<(), Failure> {
    // The ports, the environment and the options first: a busy one or a mistake should not cost a build.
    let spec = chaos::Spec::parse(options.chaos.as_deref().unwrap_or_default())?;
    let collector = traces::collector(options.otlp.as_deref(), |name| std::env::var(name).ok())?;
    let ports = Ports::open(options).await?;
    let environment = context.environment(&options.env)?;
    let prefix = format!("{}-{}-", environment.service, environment.name);
    let (account_id, region) = (environment.account.clone(), environment.region.clone());
    let fixed = watch::Fixed::of(&environment);
    // What is saved while the handlers are built is not missed.
    let files = options.watch.then(|| watch::Files::watch(watch::watched(context, options))).transpose()?;
    let store = options.watch.then(|| watch::Store::new(context)).transpose()?;
    let (binaries, store) = binaries(context, options, store)?;
    let since = Instant::now();
    let ready = ports.ready();
    let template = template(options, environment, &ready)?;
    let (stream, clock) = (activity::Stream::default(), Clock::default());
    let sandbox = start_sandbox(ports.paypal, &ready, &template, &clock, options.state.clone()).await?;
    let lines = if context.quiet {
        lines::print_failures(stream.listen(), prefix.clone())
    } else {
        lines::print(stream.listen(), sandbox.activity(), prefix.clone())
    };
    let recent = console::remember(&stream);
    let noted = console::note(&sandbox, stream.recorder().clone(), ready.paypal.clone());
    let disturbed = Chaos::default();
    spec.apply(&disturbed, &sandbox)?;
    let console = console::console(ports.console, &ready, recent, &sandbox, &prefix);
    let credentials = serde_json::json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET });
    let starts = stream.listen();
    let mut running = local_cloud::start(local_cloud::Options {
        template: template.clone(),
        stack_name: prefix.trim_end_matches('-').to_owned(),
        parameters: options.parameter.iter().cloned().collect(),
        binaries,
        account_id,
        region,
        api: ports.api,
        aws: ports.aws,
        secrets: BTreeMap::from([(PAYPAL_SECRET.to_owned(), credentials.to_string())]),
        activity: stream,
        clock,
        chaos: disturbed,
        console: Some(console),
        traces: collector,
        state: options.state.clone(),
        debug: options.debug.clone(),
    })
    .await
    .map_err(|error| foreign::placed(options.template.as_deref(), &error))?;
    let took = since.elapsed();
    let announced = addresses::announce(context, &options.env, &ready)?;
    // Whoever reads the file may stop it at once.
    let stop_asked = asked_to_stop()?;
    if let Some(file) = &options.ready_file {
        let text = serde_json::to_string(&ready).map_err(Failure::from("cannot write the addresses"))?;
        write_whole(file, &text)?;
    }
    if !context.quiet {
        lines::welcome(&ready, &running, took);
    }
    let debugged = running.lambda().functions().into_iter().find(|(function, _)| function.debugged);
    let attach = debugged.map(|(function, _)| debug::tell(starts, function.name, function.binary));
    match files.zip(store) {
        None => stop_asked.await,
        Some((files, store)) => {
            let synthesis = || fixed.template(context, options, &ready);
            let follows = watch::Watch {
                context,
                files,
                store,
                binaries: options.binaries.clone(),
                debugged: options.debug.is_some(),
                file: options.template.clone(),
                template,
                synthesis: Box::new(synthesis),
                anew: watch::anew(options, &ready),
                name: options.template.as_ref().map_or(options.env.clone(), |file| file.display().to_string()),
                prefix,
            };
            tokio::select! {
                () = stop_asked => {}
                failure = follows.follow(&mut running) => crate::report::failure(&failure),
            }
        }
    }
    drop(announced);
    noted.abort();
    if let Some(attach) = attach {
        attach.abort();
    }
    stop(running, sandbox).await;
    lines.abort();
    if let Some(file) = &options.ready_file {
        // Nothing answers at these addresses any more; that it is gone already is fine.
        let _gone = std::fs::remove_file(file);
    }
    Ok(())
}

/// Stops everything within a second, whatever hangs.
async fn stop(running: local_cloud::Running, sandbox: Sandbox) {
    let all = async {
        running.stop().await;
        sandbox.stop().await;
    };
    let _within = tokio::time::timeout(Duration::from_millis(900), all).await;
}

/// Listens for Ctrl-C and for whoever ends processes, from now on.
fn asked_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(Failure::from("cannot listen for signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    crate::stops_by_itself();
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn template(options: &Local, environment: Environment, ready: &Addresses) -> Result<cfn::Template, Failure> {
    match &options.template {
        Some(file) => foreign::read(file, options.skip_unsupported),
        None => {
            let moved = environment.moved(CONSOLE_ORIGIN, &ready.console).moved(PAYPAL_ORIGIN, &ready.paypal);
            infra::service(&moved).map_err(Failure::new)
        }
    }
}

/// Where the functions' binaries are. What is watched runs from a place of its own.
fn binaries(
    context: &Context,
    options: &Local,
    store: Option<watch::Store>,
) -> Result<(PathBuf, Option<watch::Store>), Failure> {
    let debugged = options.debug.is_some();
    let Some(mut store) = store else {
        let folder = match &options.binaries {
            Some(folder) => folder.clone(),
            None => cargo::handlers_folder(context, debugged)?,
        };
        return Ok((folder, None));
    };
    let executables = match &options.binaries {
        Some(folder) => watch::executables(folder)?,
        None => cargo::handlers(context, debugged)?,
    };
    store.take(&executables)?;
    Ok((store.binaries(), Some(store)))
}

async fn start_sandbox(
    listener: TcpListener,
    ready: &Addresses,
    template: &cfn::Template,
    clock: &Clock,
    state: Option<PathBuf>,
) -> Result<Sandbox, Failure> {
    let url = |text: &str| Url::parse(text).map_err(Failure::from(format!("{text} is no address")));
    let options = paypal_sandbox::Options {
        listener,
        public_url: url(&ready.paypal)?,
        webhook_url: url(&format!("{}/webhook/receiver", ready.api))?,
        webhook_id: webhook_id(template),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        search_lag: Duration::from_secs(2),
        seed: 0,
        ahead: clock.skips(),
        state,
    };
    paypal_sandbox::start(options).await.map_err(Failure::new)
}

/// The webhook that the template's functions expect deliveries for. A template of someone else's may have none.
fn webhook_id(template: &cfn::Template) -> String {
    let functions = template.resources.values().filter(|resource| resource.kind == "AWS::Lambda::Function");
    let trust =
        functions.filter_map(|function| function.properties.get("Environment")?.pointer("/Variables/TRUST")?.as_str());
    let trust = trust.filter_map(|text| serde_json::from_str::<contract::config::WebhookTrust>(text).ok());
    trust.map(|trust| trust.webhook_id).next().unwrap_or_else(|| "WEBHOOK_ID".to_owned())
}

/// The open ports.
struct Ports {
    api: TcpListener,
    console: TcpListener,
    aws: TcpListener,
    paypal: TcpListener,
}

impl Ports {
    async fn open(options: &Local) -> Result<Self, Failure> {
        Ok(Self {
            api: open(options.port, "--port").await?,
            console: open(options.console_port, "--console-port").await?,
            aws: open(options.aws_port, "--aws-port").await?,
            paypal: open(options.paypal_port, "--paypal-port").await?,
        })
    }

    fn ready(&self) -> Addresses {
        Addresses {
            api: origin(&self.api),
            console: origin(&self.console),
            aws: origin(&self.aws),
            paypal: origin(&self.paypal),
            paypal_client_id: CLIENT_ID.to_owned(),
            paypal_client_secret: CLIENT_SECRET.to_owned(),
            pid: std::process::id(),
        }
    }
}

async fn open(port: u16, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::new(format!("port {port} cannot be opened: {error}"))
            .help(format!("stop what uses it, or choose another with {option} PORT (0 picks a free one)"))
    })
}

fn origin(listener: &TcpListener) -> String {
    let address = listener.local_addr().unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    format!("http://{address}")
}
