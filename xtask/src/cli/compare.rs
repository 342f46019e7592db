//! The words of reviewing: `diff` and `diagram`.

use std::{fmt, path::PathBuf, str::FromStr};

use cfn::guard::Allowance;
use clap::{ArgGroup, Args, ValueEnum};

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["old", "env", "all"])))]
pub(crate) struct Diff {
    /// Any CloudFormation template, JSON or YAML: what is
    #[arg(requires = "new")]
    pub(crate) old: Option<PathBuf>,
    /// Any CloudFormation template, JSON or YAML: what will be
    #[arg(conflicts_with_all = ["env", "all", "against", "no_change_set"])]
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
    #[arg(long, value_name = "GUARD=LOGICAL_ID", value_parser = Allowance::parse)]
    pub(crate) allow: Vec<Allowance>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// With --against deployed: do not ask CloudFormation for a change set, for whoever may only read
    #[arg(long)]
    pub(crate) no_change_set: bool,
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
    /// For programs: infra/review/schema/diff.json
    Json,
    /// For code scanners: what guards block, as SARIF 2.1.0
    Sarif,
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
