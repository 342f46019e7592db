//! The command line's words, and nothing else: help and completions come from here.

mod compare;
#[cfg(test)]
mod documented;
mod maintenance;
mod operate;

use std::path::PathBuf;

use cfn::{constructs::Architecture, guard::Allowance};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use compare::{Against, Diagram, DiagramFormat, Diff, DiffFormat};
pub use maintenance::{Bench, PROGRAM, ReportFormat, Soak};
pub(crate) use operate::{Diagnose, Drift, Errors, Invoke, Logs, Secrets, Timeline};

/// The environment that runs on this machine.
pub(crate) const LOCAL: &str = "local";

/// Builds, reviews, ships and runs the PayPal subscription service.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Say less: only errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the CloudFormation template of an environment
    #[command(
        after_help = "Examples:\n  cargo xtask synth --env prod\n  cargo xtask synth --env dev --format json --out dev.json"
    )]
    Synth(Synth),
    /// Check templates: AWS's schemas, references, quotas, and rules of good practice
    #[command(
        after_help = "Examples:\n  cargo xtask validate\n  cargo xtask validate --env prod\n  cargo xtask validate --template stack.yaml --format json\n\nExit code: 1 on findings. A finding is waived in the resource's Metadata, with its reason:\n  Waivers: { SNS-9: the reason }"
    )]
    Validate(Validate),
    /// Show what a change does to the running system, the most dangerous first
    #[command(
        after_help = "Examples:\n  cargo xtask diff --env prod\n  cargo xtask diff --env prod --against git:origin/main --details\n  cargo xtask diff --all --against git:origin/main --format markdown --out comment.md\n  cargo xtask diff before.yaml after.yaml\n\nExit code: 0; with --exit-code 2 when anything changes, and 3 when a guard blocks it."
    )]
    Diff(Diff),
    /// Draw the architecture from a template, and what a change does to it
    #[command(
        after_help = "Examples:\n  cargo xtask diagram --env prod --out prod.svg\n  cargo xtask diagram --template stack.yaml --format mermaid\n  cargo xtask diagram --env prod --against git:origin/main --out change.svg"
    )]
    Diagram(Diagram),
    /// Build the functions as Lambda takes them, into target/lambda
    #[command(
        after_help = "Examples:\n  cargo xtask build --env prod\n  cargo xtask build --arch x86_64 --format json\n\ntarget/lambda gets a zip a function and manifest.json with sizes and SHA-256; --format json prints the same.\nThe same source has the same bytes in every clone, by the same compiler. A binary that Lambda could not load is refused."
    )]
    Build(Build),
    /// Show what a deployment would do, and keep it as a file to be deployed later
    #[command(
        after_help = "Examples:\n  cargo xtask plan --env prod --out plan.json\n  cargo xtask deploy --env prod --plan plan.json"
    )]
    Plan(Plan),
    /// Ship an environment: build, upload, review, execute, follow, print the outputs
    #[command(
        after_help = "Examples:\n  cargo xtask deploy --env dev\n  cargo xtask deploy --env prod --plan plan.json --yes\n  cargo xtask deploy --env dev --hotswap\n  cargo xtask deploy --env dev --endpoint-url http://127.0.0.1:4566\n\nExit code: 1 when the deployment failed, also when CloudFormation undid it."
    )]
    Deploy(Deploy),
    /// Delete the stack of an environment, after asking for its name
    #[command(
        after_help = "Examples:\n  cargo xtask destroy --env dev\n  cargo xtask destroy --env dev --confirm paypal-subscriptions-dev"
    )]
    Destroy(Destroy),
    /// Say how the stack of an environment is, and follow what is under way
    #[command(after_help = "Examples:\n  cargo xtask status --env prod\n  cargo xtask status --env prod --follow")]
    Status(Status),
    /// Run the whole service on this machine
    #[command(
        after_help = "Examples:\n  cargo xtask local\n  cargo xtask local --watch\n  cargo xtask local --debug webhook-process\n  cargo xtask local --chaos kills=0.1,failing-paypal=0.2,seed=7\n  cargo xtask local --port 0 --console-port 0 --aws-port 0 --paypal-port 0 --ready-file ready.json"
    )]
    Local(Local),
    /// PayPal's webhook events
    #[command(
        subcommand,
        after_help = "Examples:\n  cargo xtask event new PAYMENT.SALE.COMPLETED > sale.json\n  cargo xtask event send sale.json\n  cargo xtask event verify --help"
    )]
    Event(Event),
    /// Print what a deployed stack says about itself: addresses, topics, queues
    #[command(
        after_help = "Examples:\n  cargo xtask outputs --env prod\n  cargo xtask outputs --env prod --format json --profile ops"
    )]
    Outputs(Outputs),
    /// Show where deployed resources are no longer as the template has them, property by property
    #[command(
        after_help = "Examples:\n  cargo xtask drift --env prod\n  cargo xtask drift --env prod --format json\n\nExit code: 2 when something has drifted"
    )]
    Drift(Drift),
    /// Print what the functions say, merged in the order of time
    #[command(
        after_help = "Examples:\n  cargo xtask logs --env prod --since 1h\n  cargo xtask logs --env prod webhook-process --follow --filter ERROR"
    )]
    Logs(Logs),
    /// Invoke one function, on this machine unless an environment is named; shows the end of its log
    #[command(
        after_help = "Examples:\n  cargo xtask invoke plans-list --event request.json\n  cargo xtask invoke webhook-process --env dev --event batch.json\n\nExit code: 1 when the function failed"
    )]
    Invoke(Invoke),
    /// The events that failed: what lies in the error queues and why, back to work or away
    #[command(
        subcommand,
        after_help = "Examples:\n  cargo xtask errors list --env prod\n  cargo xtask errors show 5fea7756-0ea4-451a-a703-a558b933e274 --env prod\n  cargo xtask errors redrive --env prod --reason invoice_failed\n  cargo xtask errors drop --env prod --reason wrong_signature"
    )]
    Errors(Errors),
    /// PayPal's client id and secret, in Secrets Manager
    #[command(
        subcommand,
        after_help = "Examples:\n  cargo xtask secrets set --env prod\n  pass paypal/prod | cargo xtask secrets set --env prod\n  cargo xtask secrets status --env prod"
    )]
    Secrets(Secrets),
    /// Say why the last deployment failed: its first cause, where that is defined, what mends it
    #[command(after_help = "Examples:\n  cargo xtask diagnose --env prod")]
    Diagnose(Diagnose),
    /// Show how the last deployment went in time, and what it waited for
    #[command(
        after_help = "Examples:\n  cargo xtask timeline --env prod\n  cargo xtask timeline --env prod --out deployment.svg"
    )]
    Timeline(Timeline),
    /// Measure what is promised, beside what others do, and write target/bench/report.md
    #[command(
        after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --only requests\n\nMeasurements: synth, diff, growth, requests, readiness, failures, messages, queue, webhooks, probes, verification, functions, watch.\nWhat they are compared with is installed below target/bench and target/emulators; what cannot be is named as missing."
    )]
    Bench(Bench),
    /// Run everything that must pass: formatting, lints, tests, linters, end to end
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --only clippy")]
    Test(Test),
    /// Run the whole service under load and faults, and audit from outside what became of every event
    #[command(
        after_help = "Examples:\n  cargo xtask soak\n  cargo xtask soak --webhooks 2000 --seed 7 --format json\n\nThe seed decides which webhooks are sent, which of them twice, late or forged, and which calls to PayPal fail.\nExit code: 1 when the audit finds anything."
    )]
    Soak(Soak),
    /// Say what this machine, and an AWS account, lack for the commands here, and what mends it
    #[command(
        after_help = "Examples:\n  cargo xtask doctor\n  cargo xtask doctor --env prod --profile ops --format json\n\nExit code: 1 when something lacks. With --env, AWS is asked too: credentials, account, region, and by IAM's own simulator\nwhat of a deployment they may do. What needs a request's details, AWS says only when it is asked to do it."
    )]
    Doctor(Doctor),
    /// Print what completes this command line in a shell
    #[command(
        after_help = "Examples:\n  cargo xtask completions bash >~/.local/share/bash-completion/completions/xtask\n\nThey complete the program `xtask`, such as target/debug/xtask; cargo itself completes only its own commands."
    )]
    Completions(Completions),
    /// Write infra/cfn/src/resources anew from AWS's resource schemas
    #[command(after_help = "Examples:\n  cargo xtask codegen")]
    Codegen,
}

#[derive(Args)]
pub(crate) struct Synth {
    /// The environment: environments/NAME.yaml
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// How the template is written
    #[arg(long, value_enum, default_value_t = TemplateFormat::Yaml)]
    pub(crate) format: TemplateFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Another origin in the place of one of the environment's, as OLD=NEW: how `local --watch` says which ports are open
    #[arg(long, value_name = "OLD=NEW", value_parser = pair, hide = true)]
    pub(crate) moved: Vec<(String, String)>,
}

/// Two texts with an equals sign between them.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "there is no equals sign in it".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum TemplateFormat {
    Yaml,
    Json,
}

#[derive(Args)]
pub(crate) struct Validate {
    /// One environment: environments/NAME.yaml
    #[arg(long, value_name = "NAME", conflicts_with_all = ["all", "template"])]
    pub(crate) env: Option<String>,
    /// Every environment; this is the default
    #[arg(long, conflicts_with = "template")]
    pub(crate) all: bool,
    /// Any CloudFormation template, JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
}

#[derive(Args)]
pub(crate) struct Build {
    /// For the processor of this environment: environments/NAME.yaml
    #[arg(long, value_name = "NAME", conflicts_with = "arch")]
    pub(crate) env: Option<String>,
    /// For this processor [default: this machine's]
    #[arg(long, value_enum)]
    pub(crate) arch: Option<Arch>,
    /// Pack the binaries in this folder, instead of building the handlers
    #[arg(long, value_name = "DIR")]
    pub(crate) binaries: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

/// Lambda's processors, in AWS's words.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Arch {
    /// Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

impl From<Arch> for Architecture {
    fn from(arch: Arch) -> Self {
        match arch {
            Arch::Arm64 => Self::Arm64,
            Arch::X86_64 => Self::X86_64,
        }
    }
}

#[derive(Args)]
pub(crate) struct Doctor {
    /// Look only at what this environment needs, and ask AWS: environments/NAME.yaml
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// Another region than the environment's
    #[arg(long, value_name = "REGION", requires = "env")]
    pub(crate) region: Option<String>,
    /// The profile whose credentials are used
    #[arg(long, value_name = "NAME", requires = "env")]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's
    #[arg(long, value_name = "URL", requires = "env")]
    pub(crate) endpoint_url: Option<String>,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct Local {
    /// The environment: environments/NAME.yaml
    #[arg(long, value_name = "NAME", default_value = LOCAL)]
    pub(crate) env: String,
    /// Run this template instead of the environment's; needs --binaries
    #[arg(long, value_name = "FILE", requires = "binaries")]
    pub(crate) template: Option<PathBuf>,
    /// A value for one of that template's parameters; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, requires = "template")]
    pub(crate) parameter: Vec<(String, String)>,
    /// Run that template without its resources of types that are not played here, instead of refusing it
    #[arg(long, requires = "template")]
    pub(crate) skip_unsupported: bool,
    /// The folder of the functions' binaries, instead of building the handlers
    #[arg(long, value_name = "DIR")]
    pub(crate) binaries: Option<PathBuf>,
    /// Run what is saved at once: a changed handler is built and takes the place of the one that runs, a changed stack is
    /// applied to what runs; with --binaries, whatever is put into that folder
    #[arg(long)]
    pub(crate) watch: bool,
    /// Say how to attach a debugger to this function, by its name or the end of it, and let no time of it run out
    #[arg(long, value_name = "FUNCTION")]
    pub(crate) debug: Option<String>,
    /// The HTTP API's port; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// The console's port; 0 picks a free one
    #[arg(long, default_value_t = 3001)]
    pub(crate) console_port: u16,
    /// The port of the AWS protocols (SNS, SQS, Secrets Manager, Logs, Lambda); 0 picks a free one
    #[arg(long, default_value_t = 4566)]
    pub(crate) aws_port: u16,
    /// The PayPal sandbox's port; 0 picks a free one
    #[arg(long, default_value_t = 3002)]
    pub(crate) paypal_port: u16,
    /// Faults on demand, as NAME=RATE,...: duplicates, reordering, throttles, kills, lost-answers, slow-paypal,
    /// failing-paypal, expired-certificates or all, each from 0 to 1; seed=NUMBER repeats a run
    #[arg(long, value_name = "SPEC")]
    pub(crate) chaos: Option<String>,
    /// Keep queues, topics, secrets, logs and all that PayPal knows in this folder across restarts; without it nothing
    /// touches the disk
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Send every event's journey as a trace to this OpenTelemetry collector, such as http://127.0.0.1:4318
    /// [default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT, if set]
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Write the addresses to this file, as JSON, once everything answers
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Event {
    /// Check a captured delivery here, and say which check failed
    #[command(
        after_help = "Examples:\n  cargo xtask event verify --body body.json --headers headers.json --webhook-id 1JE4291016473214C\n  cargo xtask event verify --env prod --body body.json --headers headers.json --cert cert.pem --at 2026-11-01T12:00:00Z"
    )]
    Verify(EventVerify),
    /// Have the sandbox make an event and sign it, and print it as JSON: body and headers
    #[command(
        after_help = "Examples:\n  cargo xtask event new PAYMENT.SALE.COMPLETED > sale.json\n  cargo xtask event new BILLING.SUBSCRIPTION.CANCELLED --subscription I-BW452GLLEP1G"
    )]
    New(EventNew),
    /// Post an event of `event new` to the service, as PayPal would
    #[command(
        after_help = "Examples:\n  cargo xtask event send sale.json\n  cargo xtask event new PAYMENT.SALE.COMPLETED | cargo xtask event send -"
    )]
    Send(EventSend),
}

#[derive(Args)]
pub(crate) struct EventNew {
    /// PayPal's type of the event, such as PAYMENT.SALE.COMPLETED
    #[arg(value_name = "TYPE")]
    pub(crate) event_type: String,
    /// The subscription that it is about [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) subscription: Option<String>,
    /// The sandbox [default: that of the local cloud that runs]
    #[arg(long, value_name = "URL")]
    pub(crate) paypal: Option<String>,
}

#[derive(Args)]
pub(crate) struct EventSend {
    /// What `event new` printed; - reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where it is posted [default: the receiver of the local cloud that runs]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// So many times, as PayPal repeats
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(crate) times: u32,
}

#[derive(Args)]
pub(crate) struct EventVerify {
    /// The body, byte for byte as it came
    #[arg(long, value_name = "FILE")]
    pub(crate) body: PathBuf,
    /// The headers, as a JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: PathBuf,
    /// The certificate as PEM, instead of fetching it from the address in the headers
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The id of the webhook that it was sent to
    #[arg(long, value_name = "ID", required_unless_present = "env")]
    pub(crate) webhook_id: Option<String>,
    /// Believe what this environment believes, instead of PayPal, live and sandbox
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// When it arrived, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// How the verdict is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Args)]
pub(crate) struct Outputs {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// How the outputs are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

impl OutputFormat {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Which environment, and how AWS is reached.
#[derive(Args)]
pub(crate) struct Aws {
    /// The environment: environments/NAME.yaml; local is the local cloud that runs
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Another region than the environment's
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile whose credentials are used
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// What a deployment is made of, and what it may do.
#[derive(Args)]
pub(crate) struct Shipment {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// Ship the binaries in this folder, instead of building the handlers
    #[arg(long, value_name = "DIR")]
    pub(crate) binaries: Option<PathBuf>,
    /// Ship the zips in this folder as `build` wrote them, and compile nothing
    #[arg(long, value_name = "DIR", conflicts_with = "binaries")]
    pub(crate) zips: Option<PathBuf>,
    /// Let this resource, which holds data, be replaced; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) replace: Vec<String>,
    /// Let this resource, which holds data, leave the stack; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) delete: Vec<String>,
    /// Let a queue go that still holds messages
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Let a change be that a guard of the environment file blocks; may be given several times
    #[arg(long, value_name = "GUARD=ID", value_parser = Allowance::parse)]
    pub(crate) allow: Vec<Allowance>,
    /// Show every value that changes, but for secrets
    #[arg(long)]
    pub(crate) details: bool,
    #[command(flatten)]
    pub(crate) given: Given,
    /// How the result is written; JSON comes as a line for each event
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

/// Resources that are let go by name, because CloudFormation cannot bring them where it should.
#[derive(Args)]
pub(crate) struct Given {
    /// Continue a failed rollback without this resource, which then is not as the stack believes
    #[arg(long, value_name = "ID")]
    pub(crate) skip: Vec<String>,
    /// Delete a failed stack without this resource, which then stays in the account
    #[arg(long, value_name = "ID")]
    pub(crate) retain: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) shipment: Shipment,
    /// Write the plan to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) shipment: Shipment,
    /// Deploy this plan with its zips, from target/lambda or --zips, or refuse when anything has moved since
    #[arg(long, value_name = "FILE", conflicts_with = "binaries")]
    pub(crate) plan: Option<PathBuf>,
    /// Answer every question with yes
    #[arg(long)]
    pub(crate) yes: bool,
    /// Send changed functions' code straight to Lambda, where the environment allows it
    #[arg(long, conflicts_with_all = ["plan", "replace", "delete", "allow_data_loss", "skip", "retain"])]
    pub(crate) hotswap: bool,
}

#[derive(Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// The stack's name, where nobody is there to type it
    #[arg(long, value_name = "STACK")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) given: Given,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// Follow what is under way to its end
    #[arg(long)]
    pub(crate) follow: bool,
    /// How the status is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

impl Aws {
    /// An environment as its file says it is reached.
    pub(crate) fn of(environment: &str) -> Self {
        Self { env: environment.to_owned(), region: None, profile: None, endpoint_url: None }
    }
}

#[derive(Args)]
pub(crate) struct Test {
    /// Run only the steps whose name contains this
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<String>,
    /// Leave out the test of the console in a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Only formatting, clippy and the unit tests of packages with changes that are not committed
    #[arg(long, conflicts_with_all = ["only", "no_browser"])]
    pub(crate) fast: bool,
}
