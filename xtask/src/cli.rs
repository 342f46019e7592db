//! The command line's words, and nothing else: help and completions come from here.

use std::{fmt, path::PathBuf, str::FromStr};

use cfn::{LogicalId, diff::Guard};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

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
    /// Run the whole service on this machine
    #[command(
        after_help = "Examples:\n  cargo xtask local\n  cargo xtask local --port 0 --console-port 0 --aws-port 0 --paypal-port 0 --ready-file ready.json"
    )]
    Local(Local),
    /// PayPal's webhook events
    #[command(subcommand, after_help = "Examples:\n  cargo xtask event verify --help")]
    Event(Event),
    /// Print what a deployed stack says about itself: addresses, topics, queues
    #[command(
        after_help = "Examples:\n  cargo xtask outputs --env prod\n  cargo xtask outputs --env prod --format json --profile ops"
    )]
    Outputs(Outputs),
    /// Measure what is promised, and write target/bench/report.md
    #[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --only verification")]
    Bench(Bench),
    /// Run everything that must pass: formatting, lints, tests, linters, end to end
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --only clippy")]
    Test(Test),
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

/// How a command says what it found.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["old", "env", "all"])))]
pub(crate) struct Diff {
    /// Any CloudFormation template, JSON or YAML: what is
    #[arg(requires = "new")]
    pub(crate) old: Option<PathBuf>,
    /// Any CloudFormation template, JSON or YAML: what will be
    #[arg(conflicts_with_all = ["env", "all", "against"])]
    pub(crate) new: Option<PathBuf>,
    /// What this environment would become: environments/NAME.yaml
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// Every environment that has an AWS account, in one review
    #[arg(long)]
    pub(crate) all: bool,
    /// What it is compared with: deployed, git:REVISION, or a template's file
    #[arg(long, value_name = "WHAT", default_value = "deployed")]
    pub(crate) against: Against,
    /// How the review is written
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
    /// Show every value
    #[arg(long, short = 'v')]
    pub(crate) details: bool,
    /// Tell by the exit code whether anything changes, and whether a guard blocks it
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Allow what a guard blocks, for one resource; may be given several times
    #[arg(long, value_name = "GUARD=LOGICAL_ID")]
    pub(crate) allow: Vec<Allow>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people at a terminal
    Text,
    /// For a comment on a pull request
    Markdown,
    /// For programs: infra/cfn/schema/diff.json
    Json,
    /// For code scanners: what guards block, as SARIF 2.1.0
    Sarif,
}

/// A guard, and the resource that it is lifted for.
#[derive(Clone, Debug)]
pub(crate) struct Allow {
    pub(crate) guard: Guard,
    pub(crate) resource: LogicalId,
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (guard, resource) =
            text.split_once('=').ok_or("write GUARD=LOGICAL_ID, such as replace-stateful=OrdersQueue")?;
        let guard = serde_json::from_value(guard.into()).map_err(|error| error.to_string())?;
        Ok(Self { guard, resource: LogicalId::parse(resource).map_err(|error| error.to_string())? })
    }
}

#[derive(Args)]
pub(crate) struct Diagram {
    /// The environment: environments/NAME.yaml [default: local]
    #[arg(long, value_name = "NAME", conflicts_with = "template")]
    pub(crate) env: Option<String>,
    /// Any CloudFormation template, JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Mark what differs from this: a template's file, git:REVISION, or deployed
    #[arg(long, value_name = "WHAT")]
    pub(crate) against: Option<Against>,
    /// How the picture is written
    #[arg(long, value_enum, default_value_t = DiagramFormat::Svg)]
    pub(crate) format: DiagramFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DiagramFormat {
    /// For browsers
    Svg,
    /// For Markdown: a flowchart in Mermaid's words
    Mermaid,
}

/// What a template is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Against {
    /// What is deployed.
    Deployed,
    /// What this revision of the repository makes of the same environment.
    Revision(String),
    /// A template.
    File(PathBuf),
}

impl fmt::Display for Against {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployed => out.write_str("what is deployed"),
            Self::Revision(revision) => write!(out, "git:{revision}"),
            Self::File(file) => write!(out, "{}", file.display()),
        }
    }
}

impl FromStr for Against {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("git:") {
            // Git would take it for an option.
            Some(revision) if revision.is_empty() || revision.starts_with('-') => {
                Err("name a revision, such as git:origin/main".to_owned())
            }
            Some(revision) => Ok(Self::Revision(revision.to_owned())),
            None if text == "deployed" => Ok(Self::Deployed),
            None => Ok(Self::File(text.into())),
        }
    }
}

#[derive(Args)]
pub(crate) struct Local {
    /// The environment: environments/NAME.yaml
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) env: String,
    /// Run this template instead of the environment's; needs --binaries
    #[arg(long, value_name = "FILE", requires = "binaries")]
    pub(crate) template: Option<PathBuf>,
    /// The folder of the functions' binaries, instead of building the handlers
    #[arg(long, value_name = "DIR")]
    pub(crate) binaries: Option<PathBuf>,
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
    /// The environment: environments/NAME.yaml
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

impl Aws {
    /// An environment as its file says it is reached.
    pub(crate) fn of(environment: &str) -> Self {
        Self { env: environment.to_owned(), region: None, profile: None, endpoint_url: None }
    }
}

#[derive(Args)]
pub(crate) struct Bench {
    /// Run only the measurements whose name contains this
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
}

#[derive(Args)]
pub(crate) struct Test {
    /// Run only the steps whose name contains this
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<String>,
}
